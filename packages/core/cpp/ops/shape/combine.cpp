// Grids and products of vectors.
#include <limits>

#include "ops/shape/shape.hpp"

namespace tallow {
namespace {

void meshgrid(tl::Call& c) {
  const auto ts = c.handles(0);
  TL_CHECK(!ts.empty(), "meshgrid expects a non-empty TensorList");
  const std::string_view indexing = c.has(1) ? c.string(1) : "ij";
  TL_CHECK(indexing == "ij" || indexing == "xy", "torch.meshgrid: indexing must be one of \"xy\" or \"ij\", but received: ", indexing);
  for (TlTensor t : ts) {
    TL_CHECK(t->ndim <= 1, "torch.meshgrid: Expected 0D or 1D tensor in the tensor list but got a tensor of shape ", to_string(t->size_span()));
    TL_CHECK(t->dtype == ts[0]->dtype, "torch.meshgrid expects all tensors to have the same dtype");
  }
  std::vector<tl::Tensor> in = c.tensors(0);
  const bool swapped = indexing == "xy" && in.size() >= 2;  // the first vector runs along the second dimension
  if (swapped) std::swap(in[0], in[1]);
  Dims shape;
  for (const tl::Tensor& t : in) shape.push_back(t.numel());
  std::vector<tl::Tensor> out;
  for (size_t i = 0; i < in.size(); ++i) {
    Dims one(in.size(), 1);
    one[i] = shape[i];
    out.push_back(tl::call<"expand">(tl::call<"reshape">(in[i], one), shape));
  }
  if (swapped) std::swap(out[0], out[1]);
  c.ret_list(std::move(out));
}

void cartesian_prod(tl::Call& c) {
  const auto ts = c.handles(0);
  TL_CHECK(!ts.empty(), "cartesian_prod expects a non-empty TensorList");
  for (TlTensor t : ts) TL_CHECK(t->ndim == 1, "Expect a 1D vector, but got shape ", to_string(t->size_span()));
  if (ts.size() == 1) return c.ret(tl::Tensor::share(ts[0]));
  std::vector<tl::Tensor> flat;
  for (const tl::Tensor& g : tl::call_list<"meshgrid">(c.value(0), "ij")) flat.push_back(tl::call<"flatten">(g));
  c.ret(tl::call<"stack">(flat, 1));
}

void combinations(tl::Call& c) {
  const TensorImpl* t = c.handle(0);
  const int64_t r = c.integer(1), n = t->numel;
  const bool again = c.boolean(2);
  TL_CHECK(t->ndim == 1, "Expect a 1D vector, but got shape ", to_string(t->size_span()));
  TL_CHECK(r >= 0, "Expect a non-negative number, but got ", r);
  if (r == 0) return c.ret(tl::call<"new_empty">(c.value(0), Dims{0}));
  // Positions in lexicographic order, then one look-up.
  std::vector<int64_t> all, now(static_cast<size_t>(r));
  for (int64_t i = 0; i < r; ++i) now[i] = again ? 0 : i;
  bool more = again ? n > 0 : r <= n;
  while (more) {
    all.insert(all.end(), now.begin(), now.end());
    int64_t i = r - 1;
    while (i >= 0 && now[i] == (again ? n - 1 : n - r + i)) --i;
    more = i >= 0;
    if (!more) break;
    ++now[i];
    for (int64_t j = i + 1; j < r; ++j) now[j] = again ? now[i] : now[j - 1] + 1;
  }
  const auto count = static_cast<int64_t>(all.size());
  Tensor index = empty(Sizes(&count, 1), DType::Int64);
  std::copy(all.begin(), all.end(), index.ptr<int64_t>());
  tl::Tensor at(std::move(index));
  if (t->device.type != TL_CPU) at = tl::call<"_to">(at, nullptr, t->device);
  c.ret(tl::call<"view">(tl::call<"index_select">(c.value(0), 0, at), Dims{count / r, r}));
}

void unravel_index(tl::Call& c) {
  const TensorImpl* t = c.handle(0);
  TL_CHECK(is_integral(t->dtype), "expected 'indices' to be integer dtype, but got ", dtype_name(t->dtype));
  const Sizes shape = c.ints(1);
  std::vector<tl::Tensor> out(shape.size());
  int64_t step = 1;  // of the dimension; beyond every index once it overflows
  for (size_t d = shape.size(); d-- > 0;) {
    TL_CHECK_VALUE(shape[d] >= 0, "'shape' cannot have negative values, but got ", to_string(shape));
    const int64_t size = std::max<int64_t>(shape[d], 1);
    out[d] = tl::call<"remainder">(tl::call<"floor_divide">(c.value(0), step), size);
    if (__builtin_mul_overflow(step, size, &step)) step = std::numeric_limits<int64_t>::max();
  }
  c.ret_list(std::move(out));
}

TL_OPS(shape_combine) {
  tl::composite<unravel_index>("unravel_index(Tensor indices, int[] shape) -> Tensor[]", kNoGrad, "The coordinates of positions in a flattened tensor of this shape.");
  tl::composite<meshgrid>("meshgrid(Tensor[] tensors, *, str? indexing=None) -> Tensor[]", 0, "The coordinate grids of vectors, as views: 'ij' (the default) or 'xy' order.");
  tl::composite<cartesian_prod>("cartesian_prod(Tensor[] tensors) -> Tensor", 0, "All tuples of elements of the vectors, one a row.");
  tl::composite<combinations>("combinations(Tensor self, int r=2, bool with_replacement=False) -> Tensor", 0, "All combinations of r elements of a vector, one a row.");
}

}  // namespace
}  // namespace tallow
