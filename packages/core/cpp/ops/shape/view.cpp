// The views that others are made of: a new shape over the same memory, at the cost of one small allocation.
#include <algorithm>

#include "ops/shape/shape.hpp"

namespace tallow {
namespace {

void view(tl::Call& c) {
  const TensorImpl* t = c.handle(0);
  const Dims shape = infer_size(c.ints(1), t->numel);
  TL_CHECK(shape.size() <= 64, "view: a tensor has at most 64 dimensions, got ", shape.size());
  int64_t strides[64];
  TL_CHECK(view_strides(t, shape, strides),
           "view size is not compatible with input tensor's size and stride (at least one dimension spans across two contiguous subspaces). "
           "Use .reshape(...) instead.");
  c.ret(make_view(t, shape, {strides, shape.size()}, t->offset));
}

// Shows the bytes as another dtype; the last dimension grows or shrinks with the element size.
void view_dtype(tl::Call& c) {
  const TensorImpl* t = c.handle(0);
  const DType to = dtype_arg(c, 1, t->dtype);
  const int64_t from_size = itemsize(t->dtype), to_size = itemsize(to);
  ShapeBuffer s;
  for (int d = 0; d < t->ndim; ++d) s.push(t->size(d), t->stride(d));
  int64_t offset = t->offset;
  if (from_size != to_size) {
    TL_CHECK(t->ndim, "self.dim() cannot be 0 to view ", dtype_long_name(t->dtype), " as ", dtype_long_name(to), " (different element sizes)");
    TL_CHECK(t->stride(t->ndim - 1) == 1 || t->size(t->ndim - 1) <= 1, "self.stride(-1) must be 1 to view ", dtype_long_name(t->dtype), " as ",
             dtype_long_name(to), " (different element sizes), but got ", t->stride(t->ndim - 1));
    const size_t last = s.n - 1;
    if (from_size > to_size) {
      const int64_t k = from_size / to_size;
      for (size_t d = 0; d < last; ++d) s.strides[d] *= k;
      s.sizes[last] *= k;
      offset *= k;
    } else {
      const int64_t k = to_size / from_size;
      TL_CHECK(s.sizes[last] % k == 0, "self.size(-1) must be divisible by ", k, " to view ", dtype_long_name(t->dtype), " as ",
               dtype_long_name(to), " (different element sizes), but got ", s.sizes[last]);
      TL_CHECK(offset % k == 0, "self.storage_offset() must be divisible by ", k, " to view ", dtype_long_name(t->dtype), " as ",
               dtype_long_name(to), " (different element sizes), but got ", offset);
      for (size_t d = 0; d < last; ++d) {
        TL_CHECK(s.strides[d] % k == 0 || s.sizes[d] <= 1, "self.stride(", d, ") must be divisible by ", k, " to view ",
                 dtype_long_name(t->dtype), " as ", dtype_long_name(to), " (different element sizes), but got ", s.strides[d]);
        s.strides[d] /= k;
      }
      s.sizes[last] /= k;
      offset /= k;
    }
    s.strides[last] = 1;
  }
  Tensor v = make_alias(t, {s.sizes, s.n}, {s.strides, s.n}, offset, to);
  TensorImpl* root = t->base ? t->base : const_cast<TensorImpl*>(t);
  root->retain();
  v->base = root;
  c.ret(std::move(v));
}

void expand(tl::Call& c) {
  const TensorImpl* t = c.handle(0);
  const Sizes to = c.ints(1);
  TL_CHECK(to.size() >= t->ndim, "expand(", to_string(t->size_span()), ", size=", to_string(to), "): the number of sizes provided (", to.size(),
           ") must be greater or equal to the number of dimensions in the tensor (", t->ndim, ")");
  ShapeBuffer s;
  const size_t lead = to.size() - t->ndim;
  for (size_t i = 0; i < to.size(); ++i) {
    if (i < lead) {
      TL_CHECK(to[i] >= 0, "The expanded size of the tensor (", to[i], ") isn't allowed in a leading, non-existing dimension ", i);
      s.push(to[i], 0);
      continue;
    }
    const int64_t size = t->size(i - lead), want = to[i] == -1 ? size : to[i];
    TL_CHECK(size == want || size == 1, "The expanded size of the tensor (", want, ") must match the existing size (", size,
             ") at non-singleton dimension ", i, ".  Target sizes: ", to_string(to), ".  Tensor sizes: ", to_string(t->size_span()));
    TL_CHECK(want >= 0, "expand: invalid size ", want, " at dimension ", i);
    s.push(want, size == want ? t->stride(i - lead) : 0);
  }
  // A new leading dimension of size 1 keeps a stride that leaves the tensor contiguous where it was.
  for (size_t i = lead; i-- > 0;)
    if (s.sizes[i] == 1) s.strides[i] = i + 1 < s.n ? s.sizes[i + 1] * s.strides[i + 1] : 1;
  checked_numel({s.sizes, s.n});
  c.ret(s.view(t, t->offset));
}

void permute(tl::Call& c) {
  const TensorImpl* t = c.handle(0);
  const Sizes dims = c.ints(1);
  TL_CHECK(dims.size() == t->ndim, "permute(sparse_coo): number of dimensions in the tensor input does not match the length of the desired "
           "ordering of dimensions i.e. input.dim() = ", t->ndim, " is not equal to len(dims) = ", dims.size());
  uint64_t seen = 0;
  ShapeBuffer s;
  for (int64_t d : dims) {
    d = wrap_dim(d, t->ndim);
    TL_CHECK(!(seen >> d & 1), "permute(): duplicate dims are not allowed.");
    seen |= uint64_t{1} << d;
    s.push(t->size(d), t->stride(d));
  }
  c.ret(s.view(t, t->offset));
}

Tensor transposed(const TensorImpl* t, int64_t a, int64_t b) {
  a = wrap_dim(a, t->ndim), b = wrap_dim(b, t->ndim);
  ShapeBuffer s;
  for (int d = 0; d < t->ndim; ++d) s.push(t->size(d), t->stride(d));
  if (t->ndim) std::swap(s.sizes[a], s.sizes[b]), std::swap(s.strides[a], s.strides[b]);
  return s.view(t, t->offset);
}
void transpose(tl::Call& c) { c.ret(transposed(c.handle(0), c.integer(1), c.integer(2))); }

void transpose_(tl::Call& c) {
  TensorImpl* t = c.handle(0);
  Tensor v = transposed(t, c.integer(1), c.integer(2));
  t->set_shape(v->sizes(), v->strides(), v->ndim);
  c.ret(Tensor::share(t));
}

void t_(tl::Call& c) {
  TensorImpl* t = c.handle(0);
  TL_CHECK(t->ndim <= 2, "t_() expects a tensor with <= 2 dimensions, but self is ", t->ndim, "D");
  if (t->ndim == 2) {
    Tensor v = transposed(t, 0, 1);
    t->set_shape(v->sizes(), v->strides(), v->ndim);
  }
  c.ret(Tensor::share(t));
}

ShapeBuffer squeezed(const TensorImpl* t, uint64_t drop) {
  ShapeBuffer s;
  for (int d = 0; d < t->ndim; ++d)
    if (!(drop >> d & 1) || t->size(d) != 1) s.push(t->size(d), t->stride(d));
  return s;
}
uint64_t dim_mask(const tl::Call& c, const TensorImpl* t) {
  if (c.nargs() == 1) return ~uint64_t{0};
  uint64_t mask = 0;
  if (c.value(1).tag == TL_INT) return uint64_t{1} << wrap_dim(c.integer(1), t->ndim);
  for (int64_t d : c.ints(1)) {
    d = wrap_dim(d, t->ndim);
    TL_CHECK(!(mask >> d & 1), "dim ", d, " appears multiple times in the list of dims");
    mask |= uint64_t{1} << d;
  }
  return mask;
}
void squeeze(tl::Call& c) {
  const TensorImpl* t = c.handle(0);
  c.ret(squeezed(t, dim_mask(c, t)).view(t, t->offset));
}
void squeeze_(tl::Call& c) {
  TensorImpl* t = c.handle(0);
  const ShapeBuffer s = squeezed(t, dim_mask(c, t));
  t->set_shape(s.sizes, s.strides, static_cast<int64_t>(s.n));
  c.ret(Tensor::share(t));
}

ShapeBuffer unsqueezed(const TensorImpl* t, int64_t dim) {
  dim = wrap_dim(dim, t->ndim + 1);
  ShapeBuffer s;
  for (int d = 0; d < dim; ++d) s.push(t->size(d), t->stride(d));
  s.push(1, dim < t->ndim ? t->size(dim) * t->stride(dim) : 1);
  for (int d = static_cast<int>(dim); d < t->ndim; ++d) s.push(t->size(d), t->stride(d));
  return s;
}
void unsqueeze(tl::Call& c) {
  const TensorImpl* t = c.handle(0);
  c.ret(unsqueezed(t, c.integer(1)).view(t, t->offset));
}
void unsqueeze_(tl::Call& c) {
  TensorImpl* t = c.handle(0);
  const ShapeBuffer s = unsqueezed(t, c.integer(1));
  t->set_shape(s.sizes, s.strides, static_cast<int64_t>(s.n));
  c.ret(Tensor::share(t));
}

void select(tl::Call& c) {
  const TensorImpl* t = c.handle(0);
  TL_CHECK_INDEX(t->ndim, "select() cannot be applied to a 0-dim tensor.");
  const int64_t dim = wrap_dim(c.integer(1), t->ndim), size = t->size(dim);
  int64_t index = c.integer(2);
  TL_CHECK_INDEX(index >= -size && index < size, "select(): index ", index, " out of range for tensor of size ", to_string(t->size_span()),
                 " at dimension ", dim);
  if (index < 0) index += size;
  ShapeBuffer s;
  for (int d = 0; d < t->ndim; ++d)
    if (d != dim) s.push(t->size(d), t->stride(d));
  c.ret(s.view(t, t->offset + index * t->stride(dim)));
}

void slice(tl::Call& c) {
  const TensorImpl* t = c.handle(0);
  TL_CHECK(t->ndim, "slice() cannot be applied to a 0-dim tensor.");
  const int64_t dim = wrap_dim(c.integer(1), t->ndim), size = t->size(dim), step = c.integer(4, 1);
  TL_CHECK(step > 0, "slice step must be positive, got ", step);
  auto clip = [size](int64_t i) { return std::clamp<int64_t>(i < 0 ? i + size : i, 0, size); };
  const int64_t start = clip(c.integer(2, 0)), end = std::max(start, clip(c.integer(3, size)));
  ShapeBuffer s;
  for (int d = 0; d < t->ndim; ++d) s.push(t->size(d), t->stride(d));
  s.sizes[dim] = (end - start) / step + ((end - start) % step != 0);
  if (s.sizes[dim] > 1) s.strides[dim] *= step;
  else if (__builtin_mul_overflow(s.strides[dim], step, &s.strides[dim])) s.strides[dim] = t->stride(dim);
  c.ret(s.view(t, t->offset + start * t->stride(dim)));
}

void check_strided_bounds(const TensorImpl* t, Sizes sizes, Sizes strides, int64_t offset) {
  TL_CHECK(sizes.size() == strides.size(), "mismatch in length of strides and shape");
  TL_CHECK(offset >= 0, "as_strided: storage_offset must be non-negative, got ", offset);
  const int64_t item = itemsize(t->dtype);
  int64_t last = 0;
  bool overflow = false, none = false;
  for (size_t i = 0; i < sizes.size(); ++i) {
    TL_CHECK(sizes[i] >= 0, "as_strided: Negative sizes are not supported, got sizes: ", to_string(sizes));
    TL_CHECK(strides[i] >= 0, "as_strided: Negative strides are not supported at the moment, got strides: ", to_string(strides));
    none |= sizes[i] == 0;
    int64_t reach;
    overflow |= __builtin_mul_overflow(sizes[i] - 1, strides[i], &reach) || __builtin_add_overflow(last, reach, &last);
  }
  if (none) return;
  int64_t bytes = 0;
  overflow |= __builtin_add_overflow(last, offset, &bytes) || __builtin_add_overflow(bytes, 1, &bytes) || __builtin_mul_overflow(bytes, item, &bytes);
  TL_CHECK(!overflow && bytes <= t->storage->nbytes, "setStorage: sizes ", to_string(sizes), ", strides ", to_string(strides),
           ", storage offset ", offset, ", and itemsize ", item, " requiring a storage size of ", overflow ? "more than 2^63" : str(bytes),
           " are out of bounds for storage of size ", t->storage->nbytes);
}
void as_strided(tl::Call& c) {
  const TensorImpl* t = c.handle(0);
  const int64_t offset = c.integer(3, t->offset);
  check_strided_bounds(t, c.ints(1), c.ints(2), offset);
  c.ret(make_view(t, c.ints(1), c.ints(2), offset));
}
void as_strided_(tl::Call& c) {
  TensorImpl* t = c.handle(0);
  const int64_t offset = c.integer(3, t->offset);
  check_strided_bounds(t, c.ints(1), c.ints(2), offset);
  t->offset = offset;
  t->set_shape(c.ints(1).data(), c.ints(2).data(), static_cast<int64_t>(c.ints(1).size()));
  c.ret(Tensor::share(t));
}

void diagonal(tl::Call& c) {
  const TensorImpl* t = c.handle(0);
  const int64_t k = c.integer(1), a = wrap_dim(c.integer(2), t->ndim), b = wrap_dim(c.integer(3), t->ndim);
  TL_CHECK(a != b, "diagonal dimensions cannot be identical ", c.integer(2), ", ", c.integer(3));
  const int64_t rows = t->size(a), cols = t->size(b);
  const int64_t n = std::max<int64_t>(0, k >= 0 ? std::min(rows, k > cols ? 0 : cols - k) : std::min(k < -rows ? 0 : rows + k, cols));
  ShapeBuffer s;
  for (int d = 0; d < t->ndim; ++d)
    if (d != a && d != b) s.push(t->size(d), t->stride(d));
  s.push(n, t->stride(a) + t->stride(b));
  c.ret(s.view(t, t->offset + (n == 0 ? 0 : k >= 0 ? k * t->stride(b) : -k * t->stride(a))));
}

void unfold(tl::Call& c) {
  const TensorImpl* t = c.handle(0);
  const int64_t dim = wrap_dim(c.integer(1), t->ndim), size = c.integer(2), step = c.integer(3);
  const int64_t have = t->ndim ? t->size(dim) : 1;
  TL_CHECK(size >= 0, "size is ", size, " but must be >= 0");
  TL_CHECK(size <= have, "maximum size for tensor at dimension ", dim, " is ", have, " but size is ", size);
  TL_CHECK(step > 0, "step is ", step, " but must be > 0");
  ShapeBuffer s;
  for (int d = 0; d < t->ndim; ++d) s.push(t->size(d), t->stride(d));
  const int64_t stride = t->ndim ? t->stride(dim) : 1;
  if (t->ndim) s.sizes[dim] = (have - size) / step + 1, s.strides[dim] = s.sizes[dim] > 1 ? stride * step : stride;
  s.push(size, stride);
  c.ret(s.view(t, t->offset));
}

void alias(tl::Call& c) {
  const TensorImpl* t = c.handle(0);
  c.ret(make_view(t, t->size_span(), t->stride_span(), t->offset));
}
void detach(tl::Call& c) { c.ret(make_alias(c.handle(0))); }

TL_OPS(shape_views) {
  view_op<view>("view(Tensor self, int[] size) -> Tensor", kMethod | TL_OP_NO_FUNCTION,
                "Shows the same memory with another shape; one size may be -1. Raises RuntimeError where that takes a copy.");
  view_op<view_dtype>("view.dtype(Tensor self, dtype dtype) -> Tensor", kMethod | TL_OP_NO_FUNCTION,
                      "Shows the same bytes as another dtype; the last dimension grows or shrinks with the element size.");
  view_op<expand>("expand(Tensor self, int[] size, *, bool implicit=False) -> Tensor", kMethod | TL_OP_NO_FUNCTION,
                  "Repeats dimensions of size 1 without copying; -1 keeps a size, new dimensions go in front.");
  view_op<permute>("permute(Tensor self, int[] dims) -> Tensor", kMethod, "Reorders the dimensions.");
  view_op<transpose>("transpose(Tensor self, int dim0, int dim1) -> Tensor", kMethod, "Swaps two dimensions.");
  view_op<squeeze>("squeeze(Tensor self) -> Tensor", kMethod, "Drops the dimensions of size 1.");
  view_op<squeeze>("squeeze.dim(Tensor self, int dim) -> Tensor", kMethod, "Drops dimension `dim` if its size is 1.");
  view_op<squeeze>("squeeze.dims(Tensor self, int[] dim) -> Tensor", kMethod, "Drops those of the dimensions whose size is 1.");
  view_op<unsqueeze>("unsqueeze(Tensor self, int dim) -> Tensor", kMethod, "Inserts a dimension of size 1.");
  view_op<select>("select(Tensor self, int dim, int index) -> Tensor", kMethod, "The slice at `index` of dimension `dim`, without that dimension.");
  view_op<slice>("slice(Tensor self, int dim=0, int? start=None, int? end=None, int step=1) -> Tensor", TL_OP_HIDDEN,
                 "self[..., start:end:step, ...] at dimension `dim`; bounds are clipped as Python clips them.");
  view_op<as_strided>("as_strided(Tensor self, int[] size, int[] stride, int? storage_offset=None) -> Tensor", kMethod,
                      "Any sizes, strides and offset that stay inside the storage.");
  view_op<diagonal>("diagonal(Tensor self, int offset=0, int dim1=0, int dim2=1) -> Tensor", kMethod,
                    "The diagonals of the planes of two dimensions, as the last dimension.");
  view_op<unfold>("unfold(Tensor self, int dimension, int size, int step) -> Tensor", kMethod | TL_OP_NO_FUNCTION,
                  "All windows of `size` along a dimension, `step` apart; the window is the last dimension.");
  view_op<alias>("alias(Tensor self) -> Tensor", TL_OP_HIDDEN, "The same tensor as a new view.");
  any_device_op<detach>("detach(Tensor self) -> Tensor", kMethod | kNoGrad, "The same memory, outside of any graph; shares the version counter.");

  // In place these change the tensor itself, not its memory.
  any_device_op<transpose_>("transpose_(Tensor(a!) self, int dim0, int dim1) -> Tensor", kMethod | TL_OP_NO_FUNCTION, "transpose() of the tensor itself.");
  any_device_op<transpose_>("swapaxes_(Tensor(a!) self, int axis0, int axis1) -> Tensor", kMethod | TL_OP_NO_FUNCTION, "transpose_()");
  any_device_op<transpose_>("swapdims_(Tensor(a!) self, int dim0, int dim1) -> Tensor", kMethod | TL_OP_NO_FUNCTION, "transpose_()");
  any_device_op<t_>("t_(Tensor(a!) self) -> Tensor", kMethod | TL_OP_NO_FUNCTION, "t() of the tensor itself.");
  any_device_op<squeeze_>("squeeze_(Tensor(a!) self) -> Tensor", kMethod | TL_OP_NO_FUNCTION, "squeeze() of the tensor itself.");
  any_device_op<squeeze_>("squeeze_.dim(Tensor(a!) self, int dim) -> Tensor", kMethod | TL_OP_NO_FUNCTION, "squeeze() of the tensor itself.");
  any_device_op<squeeze_>("squeeze_.dims(Tensor(a!) self, int[] dim) -> Tensor", kMethod | TL_OP_NO_FUNCTION, "squeeze() of the tensor itself.");
  any_device_op<unsqueeze_>("unsqueeze_(Tensor(a!) self, int dim) -> Tensor", kMethod | TL_OP_NO_FUNCTION, "unsqueeze() of the tensor itself.");
  any_device_op<as_strided_>("as_strided_(Tensor(a!) self, int[] size, int[] stride, int? storage_offset=None) -> Tensor", kMethod,
                             "as_strided() of the tensor itself.");
}

}  // namespace
}  // namespace tallow
