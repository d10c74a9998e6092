// The views as copies (view_copy ...), and the splits that promise nothing about sharing (unsafe_split ...).
#include "ops/shape/shape.hpp"

namespace tallow {
namespace {

tl::Tensor dense(const tl::Tensor& t) { return tl::call<"clone">(t, tl::MemoryFormat{TL_CONTIGUOUS_FORMAT}); }

template <tl::Name View, uint32_t N>
void copied(tl::Call& c) {
  c.ret(dense([&]<size_t... I>(std::index_sequence<I...>) { return tl::call<View>(c.value(I)...); }(std::make_index_sequence<N>())));
}
void narrow_copy(tl::Call& c) {
  const TensorImpl* t = c.handle(0);
  TL_CHECK(t->ndim, "narrow() cannot be applied to a 0-dim tensor.");
  TL_CHECK(c.integer(1) < t->ndim, "narrow_copy: dimension ", c.integer(1), " is out of range for a tensor of ", t->ndim, " dimensions");
  copied<"narrow", 4>(c);
}
template <tl::Name View, uint32_t N>
void copied_list(tl::Call& c) {
  std::vector<tl::Tensor> out = [&]<size_t... I>(std::index_sequence<I...>) { return tl::call_list<View>(c.value(I)...); }(std::make_index_sequence<N>());
  for (tl::Tensor& t : out) t = dense(t);
  c.ret_list(std::move(out));
}
template <tl::Name View, uint32_t N>
void same_list(tl::Call& c) {
  c.ret_list([&]<size_t... I>(std::index_sequence<I...>) { return tl::call_list<View>(c.value(I)...); }(std::make_index_sequence<N>()));
}

TL_OPS(shape_copies) {
  const char* doc = "The view of the same name (without _copy), as a copy in memory of its own.";
  tl::composite<copied<"alias", 1>>("alias_copy(Tensor self) -> Tensor", kOut, doc);
  tl::composite<copied<"as_strided", 4>>("as_strided_copy(Tensor self, int[] size, int[] stride, int? storage_offset=None) -> Tensor", kOut, doc);
  tl::composite<copied<"detach", 1>>("detach_copy(Tensor self) -> Tensor", kOut | kNoGrad, doc);
  tl::composite<copied<"diagonal", 4>>("diagonal_copy(Tensor self, int offset=0, int dim1=0, int dim2=1) -> Tensor", kOut, doc);
  tl::composite<copied<"expand", 2>>("expand_copy(Tensor self, int[] size, *, bool implicit=False) -> Tensor", kOut, doc);
  tl::composite<narrow_copy>("narrow_copy(Tensor self, int dim, int start, int length) -> Tensor", kMethod | kOut, doc);
  tl::composite<copied<"permute", 2>>("permute_copy(Tensor self, int[] dims) -> Tensor", kOut, doc);
  tl::composite<copied<"select", 3>>("select_copy(Tensor self, int dim, int index) -> Tensor", kOut, doc);
  tl::composite<copied<"slice", 5>>("slice_copy(Tensor self, int dim=0, int? start=None, int? end=None, int step=1) -> Tensor", kOut, doc);
  tl::composite<copied<"squeeze", 1>>("squeeze_copy(Tensor self) -> Tensor", kOut, doc);
  tl::composite<copied<"squeeze.dim", 2>>("squeeze_copy.dim(Tensor self, int dim) -> Tensor", kOut, doc);
  tl::composite<copied<"squeeze.dims", 2>>("squeeze_copy.dims(Tensor self, int[] dim) -> Tensor", kOut, doc);
  tl::composite<copied<"t", 1>>("t_copy(Tensor self) -> Tensor", kOut, doc);
  tl::composite<copied<"transpose", 3>>("transpose_copy(Tensor self, int dim0, int dim1) -> Tensor", kOut, doc);
  tl::composite<copied<"unfold", 4>>("unfold_copy(Tensor self, int dimension, int size, int step) -> Tensor", kOut, doc);
  tl::composite<copied<"unsqueeze", 2>>("unsqueeze_copy(Tensor self, int dim) -> Tensor", kOut, doc);
  tl::composite<copied<"reshape", 2>>("view_copy(Tensor self, int[] size) -> Tensor", kOut, doc);
  tl::composite<copied<"view.dtype", 2>>("view_copy.dtype(Tensor self, dtype dtype) -> Tensor", kOut, doc);
  tl::composite<copied<"view_as_real", 1>>("view_as_real_copy(Tensor self) -> Tensor", kOut, doc);
  tl::composite<copied<"view_as_complex", 1>>("view_as_complex_copy(Tensor self) -> Tensor", kOut, doc);
  tl::composite<copied_list<"unbind", 2>>("unbind_copy(Tensor self, int dim=0) -> Tensor[]", 0, doc);
  tl::composite<copied_list<"split", 3>>("split_copy(Tensor self, int split_size, int dim=0) -> Tensor[]", 0, doc);
  tl::composite<copied_list<"split_with_sizes", 3>>("split_with_sizes_copy(Tensor self, int[] split_sizes, int dim=0) -> Tensor[]", 0, doc);
  tl::composite<same_list<"split", 3>>("unsafe_split(Tensor self, int split_size, int dim=0) -> Tensor[]", kMethod, "split()");
  tl::composite<same_list<"split_with_sizes", 3>>("unsafe_split_with_sizes(Tensor self, int[] split_sizes, int dim=0) -> Tensor[]", kMethod, "split_with_sizes()");
  tl::composite<same_list<"chunk", 3>>("unsafe_chunk(Tensor self, int chunks, int dim=0) -> Tensor[]", kMethod, "chunk()");
}

}  // namespace
}  // namespace tallow
