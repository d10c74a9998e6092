// Shapes in terms of the basic views.
#include <algorithm>

#include "ops/pointwise/pointwise.hpp"
#include "ops/shape/shape.hpp"

namespace tallow {
namespace {

void reshape(tl::Call& c) {
  const TensorImpl* t = c.handle(0);
  const Dims shape = infer_size(c.ints(1), t->numel);
  TL_CHECK(shape.size() <= 64, "reshape: a tensor has at most 64 dimensions, got ", shape.size());
  int64_t strides[64];
  if (view_strides(t, shape, strides)) return c.ret(tl::call<"view">(c.value(0), shape));
  c.ret(tl::call<"view">(tl::call<"clone">(c.value(0), tl::MemoryFormat{TL_CONTIGUOUS_FORMAT}), shape));
}

void flatten(tl::Call& c) {
  const TensorImpl* t = c.handle(0);
  const int64_t a = wrap_dim(c.integer(1), t->ndim), b = wrap_dim(c.integer(2), t->ndim);
  TL_CHECK(a <= b, "flatten() has invalid args: start_dim cannot come after end_dim");
  if (t->ndim == 0) return c.ret(tl::call<"view">(c.value(0), Dims{1}));
  if (a == b) return c.ret(c.tensor(0));
  Dims shape(t->sizes(), t->sizes() + a);
  int64_t n = 1;
  for (int64_t d = a; d <= b; ++d) n *= t->size(d);
  shape.push_back(n);
  shape.insert(shape.end(), t->sizes() + b + 1, t->sizes() + t->ndim);
  c.ret(tl::call<"reshape">(c.value(0), shape));
}

void unflatten(tl::Call& c) {
  const TensorImpl* t = c.handle(0);
  const int64_t dim = wrap_dim(c.integer(1), t->ndim);
  TL_CHECK(!c.ints(2).empty(), "unflatten: sizes must be non-empty");
  TL_CHECK_INDEX(t->ndim, "unflatten: a 0-dim tensor has no dimension ", c.integer(1));
  Dims inner;
  try {
    inner = infer_size(c.ints(2), t->size(dim));
  } catch (const Error&) {
    fail(TL_RUNTIME_ERROR, "unflatten: Provided sizes ", to_string(c.ints(2)), " don't multiply up to the size of dim ", dim, " (", t->size(dim),
         ") in the input tensor");
  }
  Dims shape(t->sizes(), t->sizes() + dim);
  shape.insert(shape.end(), inner.begin(), inner.end());
  shape.insert(shape.end(), t->sizes() + dim + 1, t->sizes() + t->ndim);
  c.ret(tl::call<"view">(c.value(0), shape));
}

void ravel(tl::Call& c) { c.ret(tl::call<"reshape">(c.value(0), Dims{-1})); }
void view_as(tl::Call& c) { c.ret(tl::call<"view">(c.value(0), c.handle(1)->size_span())); }
void reshape_as(tl::Call& c) { c.ret(tl::call<"reshape">(c.value(0), c.handle(1)->size_span())); }
void expand_as(tl::Call& c) { c.ret(tl::call<"expand">(c.value(0), c.handle(1)->size_span())); }

void t(tl::Call& c) {
  const int64_t n = c.handle(0)->ndim;
  TL_CHECK(n <= 2, "t() expects a tensor with <= 2 dimensions, but self is ", n, "D");
  c.ret(tl::call<"transpose">(c.value(0), 0, n < 2 ? 0 : 1));
}
void swap(tl::Call& c) { c.ret(tl::call<"transpose">(c.value(0), c.value(1), c.value(2))); }
void mt(tl::Call& c) {
  TL_CHECK(c.handle(0)->ndim >= 2, "tensor.mT is only supported on matrices or batches of matrices. Got ", c.handle(0)->ndim, "-D tensor.");
  c.ret(tl::call<"transpose">(c.value(0), -2, -1));
}
void adjoint(tl::Call& c) {
  const TensorImpl* t = c.handle(0);
  TL_CHECK(t->ndim >= 2, "tensor.adjoint() is only supported on matrices or batches of matrices. Got ", t->ndim, "-D tensor.");
  tl::Tensor v = tl::call<"transpose">(c.value(0), -2, -1);
  c.ret(is_complex(t->dtype) ? tl::call<"conj">(v) : v);
}
void matrix_h(tl::Call& c) {
  const TensorImpl* t = c.handle(0);
  TL_CHECK(t->ndim == 2 || t->ndim == 0, "tensor.H is only supported on matrices (2-D tensors). Got ", t->ndim, "-D tensor.",
           t->ndim == 1 ? " For 1-D tensors, consider using tensor.conj()." : " For batches of matrices, consider using tensor.mH");
  tl::Tensor v = tl::call<"transpose">(c.value(0), 0, t->ndim ? 1 : 0);
  c.ret(is_complex(t->dtype) ? tl::call<"conj">(v) : v);
}
void numpy_t(tl::Call& c) {
  Dims dims;
  for (int64_t d = c.handle(0)->ndim; d-- > 0;) dims.push_back(d);
  c.ret(tl::call<"permute">(c.value(0), dims));
}

void narrow(tl::Call& c) {
  const TensorImpl* t = c.handle(0);
  TL_CHECK(t->ndim, "narrow() cannot be applied to a 0-dim tensor.");
  const int64_t dim = wrap_dim(c.integer(1), t->ndim), length = c.integer(3), size = t->size(dim);
  int64_t start = 0;
  if (c.value(2).tag != TL_TENSOR) {
    start = c.integer(2);
  } else {
    const TensorImpl* s = c.handle(2);
    TL_CHECK(s->ndim == 0 && is_integral(s->dtype), "start must be an 0-dim integral Tensor.");
    TL_CHECK(s->device.type == TL_CPU, "narrow(): start must be a number or a tensor on cpu, got one on ", device_string(s->device));
    cast_fn(s->dtype, DType::Int64)(s->ptr<char>(), 8, reinterpret_cast<char*>(&start), 8, 1);
  }
  TL_CHECK(length >= 0, "narrow(): length must be non-negative.");
  TL_CHECK_INDEX(start >= -size && start <= size, "start out of range (expected to be in range of [", -size, ", ", size, "], but got ", start, ")");
  if (start < 0) start += size;
  TL_CHECK(start <= size - length, "start (", start, ") + length (", length, ") exceeds dimension size (", size, ").");
  c.ret(tl::call<"slice">(c.value(0), dim, start, start + length));
}

// dims go to the places `destination`; the others keep their order.
void movedim(tl::Call& c) {
  const TensorImpl* t = c.handle(0);
  Dims from, to;
  auto read = [&](uint32_t i, Dims& d, const char* name) {
    if (c.value(i).tag == TL_INT) d = {c.integer(i)};
    else d.assign(c.ints(i).begin(), c.ints(i).end());
    const Dims given = d;
    uint64_t seen = 0;
    for (int64_t& x : d) {
      x = wrap_dim(x, t->ndim);
      TL_CHECK(!(seen >> x & 1), "movedim: repeated dim in `", name, "` (", to_string(given), ")");
      seen |= uint64_t{1} << x;
    }
  };
  read(1, from, "source"), read(2, to, "destination");
  TL_CHECK(from.size() == to.size(), "movedim: Invalid source or destination dims: source (", to_string(from), " dims) should contain the same "
           "number of dims as destination (", to_string(to), " dims)");
  if (t->ndim == 0) return c.ret(tl::call<"alias">(c.value(0)));
  Dims order(t->ndim, -1);
  uint64_t used = 0;
  for (size_t i = 0; i < from.size(); ++i) order[to[i]] = from[i], used |= uint64_t{1} << from[i];
  int64_t next = 0;
  for (int64_t& x : order) {
    if (x >= 0) continue;
    while (used >> next & 1) ++next;
    x = next++;
  }
  c.ret(tl::call<"permute">(c.value(0), order));
}

template <int N>
tl::Tensor at_least(const TlValue& v) {
  const TensorImpl* t = v.tensor;
  if (t->ndim >= N) return tl::Tensor::share(v.tensor);
  Dims shape(N, 1);
  if (N == 2 && t->ndim == 1) shape[1] = t->size(0);
  if (N == 3 && t->ndim == 1) shape[1] = t->size(0);
  if (N == 3 && t->ndim == 2) shape[0] = t->size(0), shape[1] = t->size(1);
  return tl::call<"reshape">(v, shape);
}
template <int N>
void at_least_one(tl::Call& c) { c.ret(at_least<N>(c.value(0))); }
template <int N>
void at_least_list(tl::Call& c) {
  std::vector<tl::Tensor> out;
  for (TlTensor t : c.handles(0)) out.push_back(at_least<N>(tl::pack(t)));
  c.ret_list(std::move(out));
}

void broadcast_to(tl::Call& c) { c.ret(tl::call<"expand">(c.value(0), c.value(1))); }
void broadcast_tensors(tl::Call& c) {
  Dims shape;
  for (TlTensor t : c.handles(0)) shape = broadcast_sizes(shape, t->size_span());
  std::vector<tl::Tensor> out;
  for (TlTensor t : c.handles(0)) out.push_back(tl::call<"expand">(t, shape));
  c.ret_list(std::move(out));
}

TL_OPS(shape_reshape) {
  constexpr uint32_t kV = kMethod, kMethodOnly = kMethod | TL_OP_NO_FUNCTION | TL_OP_MIXED_DEVICES;
  tl::composite<reshape>("reshape(Tensor self, int[] shape) -> Tensor", kMethod, "The same elements in another shape: a view where one exists, otherwise a copy.");
  tl::composite<flatten>("flatten(Tensor self, int start_dim=0, int end_dim=-1) -> Tensor", kMethod, "Joins the dimensions start_dim..end_dim into one.");
  tl::composite<unflatten>("unflatten(Tensor self, int dim, int[] sizes) -> Tensor", kMethod, "Splits one dimension into several; one size may be -1.");
  tl::composite<ravel>("ravel(Tensor self) -> Tensor", kMethod, "All elements in one dimension.");
  tl::composite<view_as>("view_as(Tensor self, Tensor other) -> Tensor", kMethodOnly, "view() with the shape of `other`.");
  tl::composite<reshape_as>("reshape_as(Tensor self, Tensor other) -> Tensor", kMethodOnly, "reshape() to the shape of `other`.");
  tl::composite<expand_as>("expand_as(Tensor self, Tensor other) -> Tensor", kMethodOnly, "expand() to the shape of `other`.");
  tl::composite<t>("t(Tensor self) -> Tensor", kV | TL_OP_ANY_LAYOUT, "The transpose of a matrix; vectors and 0-dim tensors stay as they are.");
  tl::composite<swap>("swapaxes(Tensor self, int axis0, int axis1) -> Tensor", kV | TL_OP_ANY_LAYOUT, "transpose()");
  tl::composite<swap>("swapdims(Tensor self, int dim0, int dim1) -> Tensor", kV | TL_OP_ANY_LAYOUT, "transpose()");
  tl::composite<mt>("matrix_transpose(Tensor self) -> Tensor", TL_OP_HIDDEN, "The last two dimensions swapped (Tensor.mT).");
  tl::composite<adjoint>("adjoint(Tensor self) -> Tensor", kV, "The last two dimensions swapped, conjugated (also Tensor.mH).");
  tl::composite<matrix_h>("matrix_H(Tensor self) -> Tensor", TL_OP_HIDDEN, "The conjugate transpose of a matrix (Tensor.H).");
  tl::composite<numpy_t>("numpy_T(Tensor self) -> Tensor", TL_OP_HIDDEN | TL_OP_ANY_LAYOUT, "All dimensions reversed (Tensor.T).");
  tl::composite<narrow>("narrow(Tensor self, int dim, Tensor|Scalar start, int length) -> Tensor", kV, "`length` slices of dimension `dim` from `start` on.");
  tl::composite<movedim>("movedim(Tensor self, int[] source, int[] destination) -> Tensor", kV, "Moves dimensions to new places; the others keep their order.");
  tl::composite<movedim>("movedim.int(Tensor self, int source, int destination) -> Tensor", kV, "Moves one dimension.");
  tl::composite<movedim>("moveaxis(Tensor self, int[] source, int[] destination) -> Tensor", kV, "movedim()");
  tl::composite<movedim>("moveaxis.int(Tensor self, int source, int destination) -> Tensor", kV, "movedim()");
  tl::composite<at_least_one<1>>("atleast_1d(Tensor self) -> Tensor", 0, "At least one dimension.");
  tl::composite<at_least_list<1>>("atleast_1d.Sequence(Tensor[] tensors) -> Tensor[]", 0);
  tl::composite<at_least_one<2>>("atleast_2d(Tensor self) -> Tensor", 0, "At least two dimensions.");
  tl::composite<at_least_list<2>>("atleast_2d.Sequence(Tensor[] tensors) -> Tensor[]", 0);
  tl::composite<at_least_one<3>>("atleast_3d(Tensor self) -> Tensor", 0, "At least three dimensions.");
  tl::composite<at_least_list<3>>("atleast_3d.Sequence(Tensor[] tensors) -> Tensor[]", 0);
  tl::composite<broadcast_to>("broadcast_to(Tensor self, int[] size) -> Tensor", kV, "expand()");
  tl::composite<broadcast_tensors>("broadcast_tensors(Tensor[] tensors) -> Tensor[]", 0, "Expands all tensors to their common shape.");
}

}  // namespace
}  // namespace tallow
