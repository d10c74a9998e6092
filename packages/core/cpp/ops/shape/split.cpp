// Cutting a tensor into views.
#include <algorithm>

#include "ops/shape/shape.hpp"

namespace tallow {
namespace {

std::vector<tl::Tensor> pieces(const TensorImpl* t, int64_t dim, Sizes lengths) {
  ShapeBuffer s;
  for (int d = 0; d < t->ndim; ++d) s.push(t->size(d), t->stride(d));
  std::vector<tl::Tensor> out;
  out.reserve(lengths.size());
  int64_t at = 0;
  for (int64_t n : lengths) {
    s.sizes[dim] = n;
    out.push_back(s.view(t, t->offset + at * t->stride(dim)));
    at += n;
  }
  return out;
}

void split_with_sizes(tl::Call& c) {
  const TensorImpl* t = c.handle(0);
  TL_CHECK(t->ndim, "split_with_sizes expects at least a 1-dimensional tensor");
  const int64_t dim = wrap_dim(c.integer(2), t->ndim);
  int64_t total = 0;
  for (int64_t n : c.ints(1)) {
    TL_CHECK(n >= 0, "split_with_sizes expects split_sizes have only non-negative entries, but got split_sizes=", to_string(c.ints(1)));
    TL_CHECK(!__builtin_add_overflow(total, n, &total), "split_with_sizes: the sum of split_sizes overflows");
  }
  TL_CHECK(total == t->size(dim), "split_with_sizes expects split_sizes to sum exactly to ", t->size(dim), " (input tensor's size at dimension ",
           dim, "), but got split_sizes=", to_string(c.ints(1)));
  c.ret_list(pieces(t, dim, c.ints(1)));
}

void unbind(tl::Call& c) {
  const TensorImpl* t = c.handle(0);
  TL_CHECK_INDEX(t->ndim, "Dimension specified as ", c.integer(1), " but tensor has no dimensions");
  const int64_t dim = wrap_dim(c.integer(1), t->ndim);
  ShapeBuffer s;
  for (int d = 0; d < t->ndim; ++d)
    if (d != dim) s.push(t->size(d), t->stride(d));
  std::vector<tl::Tensor> out;
  out.reserve(static_cast<size_t>(t->size(dim)));
  for (int64_t i = 0; i < t->size(dim); ++i) out.push_back(s.view(t, t->offset + i * t->stride(dim)));
  c.ret_list(std::move(out));
}

// Sizes of pieces `size` long, the last one shorter.
Dims equal_sizes(int64_t total, int64_t size) {
  Dims out;
  for (int64_t at = 0; at < total; at += size) out.push_back(std::min(size, total - at));
  if (out.empty()) out.push_back(0);
  return out;
}

void split_size(tl::Call& c) {
  const TensorImpl* t = c.handle(0);
  TL_CHECK(t->ndim, "split expects at least a 1-dimensional tensor");
  const int64_t size = c.integer(1), dim = wrap_dim(c.integer(2), t->ndim);
  TL_CHECK(size >= 0, "split expects split_size be non-negative, but got split_size=", size);
  TL_CHECK(size > 0 || t->size(dim) == 0, "split_size can only be 0 if dimension size is 0, but got dimension size of ", t->size(dim));
  c.ret_list(tl::call_list<"split_with_sizes">(c.value(0), equal_sizes(t->size(dim), std::max<int64_t>(size, 1)), dim));
}
void split_sizes(tl::Call& c) { c.ret_list(tl::call_list<"split_with_sizes">(c.value(0), c.value(1), c.value(2))); }

void chunk(tl::Call& c) {
  const TensorImpl* t = c.handle(0);
  TL_CHECK(t->ndim, "chunk expects at least a 1-dimensional tensor");
  const int64_t chunks = c.integer(1), dim = wrap_dim(c.integer(2), t->ndim);
  TL_CHECK(chunks > 0, "chunk expects `chunks` to be greater than 0, got: ", chunks);
  const int64_t total = t->size(dim);
  if (total == 0) return c.ret_list(tl::call_list<"split_with_sizes">(c.value(0), Dims(static_cast<size_t>(chunks), 0), dim));
  c.ret_list(tl::call_list<"split_with_sizes">(c.value(0), equal_sizes(total, (total - 1) / chunks + 1), dim));
}

// ---------------------------------------------------------------- tensor_split and its shorthands
void check_has_dim(const TensorImpl* t) {
  TL_CHECK(t->ndim, "tensor_split expected at least a 1-dimensional tensor, but got a tensor with ", t->ndim, " dims");
}
std::vector<tl::Tensor> by_sections(const TlValue& self, int64_t sections, int64_t dim) {
  const TensorImpl* t = self.tensor;
  check_has_dim(t);
  dim = wrap_dim(dim, t->ndim);
  TL_CHECK(sections > 0, "number of sections must be larger than 0, got ", sections);
  Dims sizes(static_cast<size_t>(sections));
  for (int64_t i = 0; i < sections; ++i) sizes[i] = t->size(dim) / sections + (i < t->size(dim) % sections);
  return tl::call_list<"split_with_sizes">(self, sizes, dim);
}
std::vector<tl::Tensor> by_indices(const TlValue& self, Sizes indices, int64_t dim) {
  check_has_dim(self.tensor);
  std::vector<tl::Tensor> out;
  int64_t start = 0;
  for (int64_t end : indices) {
    out.push_back(tl::call<"slice">(self, dim, start, end));
    start = end;
  }
  out.push_back(tl::call<"slice">(self, dim, start));
  return out;
}

void tensor_split_int(tl::Call& c) { c.ret_list(by_sections(c.value(0), c.integer(1), c.integer(2))); }
void tensor_split_list(tl::Call& c) { c.ret_list(by_indices(c.value(0), c.ints(1), c.integer(2))); }
void tensor_split_tensor(tl::Call& c) {
  const TensorImpl* at = c.handle(1);
  TL_CHECK(at->device.type == TL_CPU, "tensor_split expected tensor_indices_or_sections to be on cpu, but it's on ", device_string(at->device));
  TL_CHECK(at->dtype == DType::Int64, "tensor_split expected tensor_indices_or_sections to have dtype of long, but got ", dtype_long_name(at->dtype));
  TL_CHECK(at->ndim <= 1, "tensor_split expected tensor_indices_or_sections to be a zero-dimensional or one-dimensional tensor, but got a tensor with ",
           at->ndim, " dims");
  if (at->ndim == 0) return c.ret_list(by_sections(c.value(0), *at->ptr<int64_t>(), c.integer(2)));
  Tensor flat = contiguous(at);
  c.ret_list(by_indices(c.value(0), {flat.ptr<int64_t>(), static_cast<size_t>(flat.numel())}, c.integer(2)));
}

template <int Need>
int64_t split_dim(const TensorImpl* t) {
  constexpr const char* kNames[] = {"", "hsplit", "vsplit", "dsplit"};
  TL_CHECK(t->ndim >= Need, "torch.", kNames[Need], " requires a tensor with at least ", Need, " dimension, but got a tensor with ", t->ndim, " dimensions!");
  return Need == 1 ? (t->ndim == 1 ? 0 : 1) : Need == 2 ? 0 : 2;
}
template <int Need>
void nsplit_int(tl::Call& c) {
  constexpr const char* kNames[] = {"", "hsplit", "vsplit", "dsplit"};
  const int64_t dim = split_dim<Need>(c.handle(0)), n = c.integer(1), size = c.handle(0)->size(dim);
  TL_CHECK(n > 0 && size % n == 0, "torch.", kNames[Need], " attempted to split along dimension ", dim, ", but the size of the dimension ", size,
           " is not divisible by the split_size ", n, "!");
  c.ret_list(by_sections(c.value(0), n, dim));
}
template <int Need>
void nsplit_list(tl::Call& c) { c.ret_list(by_indices(c.value(0), c.ints(1), split_dim<Need>(c.handle(0)))); }

TL_OPS(shape_split) {
  view_op<split_with_sizes>("split_with_sizes(Tensor self, int[] split_sizes, int dim=0) -> Tensor[]", kMethod, "Views of the given lengths, one after the other.");
  view_op<unbind>("unbind(Tensor self, int dim=0) -> Tensor[]", kMethod, "All slices along a dimension, without that dimension.");
  const char* doc = "Views of length `split_size` (the last may be shorter), or of the listed lengths.";
  tl::composite<split_size>("split(Tensor self, int split_size, int dim=0) -> Tensor[]", kMethod, doc);
  tl::composite<split_sizes>("split.sizes(Tensor self, int[] split_size, int dim=0) -> Tensor[]", kMethod, doc);
  tl::composite<split_size>("split.section(Tensor self, int split_size_or_sections, int dim=0) -> Tensor[]", kMethod, doc);
  tl::composite<split_sizes>("split.sections(Tensor self, int[] split_size_or_sections, int dim=0) -> Tensor[]", kMethod, doc);
  tl::composite<chunk>("chunk(Tensor self, int chunks, int dim=0) -> Tensor[]", kMethod, "At most `chunks` views of equal length; the last may be shorter.");
  tl::composite<tensor_split_int>("tensor_split(Tensor self, int sections, int dim=0) -> Tensor[]", kMethod, "`sections` views, the first ones longer by one where needed.");
  tl::composite<tensor_split_list>("tensor_split.indices(Tensor self, int[] indices, int dim=0) -> Tensor[]", kMethod, "Views between the given indices.");
  tl::composite<tensor_split_tensor>("tensor_split.tensor_indices_or_sections(Tensor self, Tensor tensor_indices_or_sections, int dim=0) -> Tensor[]", kMethod);
  tl::composite<nsplit_int<1>>("hsplit(Tensor self, int sections) -> Tensor[]", kMethod, "Equal parts along the second dimension (vectors: the first).");
  tl::composite<nsplit_list<1>>("hsplit.array(Tensor self, int[] indices) -> Tensor[]", kMethod);
  tl::composite<nsplit_int<2>>("vsplit(Tensor self, int sections) -> Tensor[]", kMethod, "Equal parts along the first dimension.");
  tl::composite<nsplit_list<2>>("vsplit.array(Tensor self, int[] indices) -> Tensor[]", kMethod);
  tl::composite<nsplit_int<3>>("dsplit(Tensor self, int sections) -> Tensor[]", kMethod, "Equal parts along the third dimension.");
  tl::composite<nsplit_list<3>>("dsplit.array(Tensor self, int[] indices) -> Tensor[]", kMethod);
}

}  // namespace
}  // namespace tallow
