// Triangles and diagonals of matrices.
#include <algorithm>
#include <cstring>

#include "ops/shape/shape.hpp"

namespace tallow {
namespace {

template <bool Lower>
void triangle_shape(tl::Call& c) {
  const TensorImpl* t = c.handle(0);
  TL_CHECK(t->ndim >= 2, Lower ? "tril" : "triu", ": input tensor must have at least 2 dimensions");
  c.output(0, t->size_span(), code(t->dtype), t->device);
}
// Rows are copied where they are kept, and zeroed elsewhere.
template <bool Lower>
void triangle(tl::Call& c) {
  Tensor in = contiguous(c.handle(0));
  TensorImpl* out = c.out_handle();
  if (out->numel == 0) return;
  const int64_t k = c.integer(1), rows = in.size(in.ndim() - 2), cols = in.size(in.ndim() - 1), item = itemsize(in.dtype());
  const char* from = in.ptr<char>();
  char* to = out->ptr<char>();
  parallel_for(0, in.numel() / cols, std::max<int64_t>(1, 65536 / cols), [=](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      const auto cut = static_cast<__int128>(r % rows) + k + (Lower ? 1 : 0);
      const int64_t at = cut < 0 ? 0 : cut > cols ? cols : static_cast<int64_t>(cut);
      const int64_t keep_from = Lower ? 0 : at, keep_to = Lower ? at : cols;
      const int64_t row = r * cols;
      std::memset(to + row * item, 0, static_cast<size_t>(keep_from * item));
      if (keep_to > keep_from)
        std::memcpy(to + (row + keep_from) * item, from + (row + keep_from) * item, static_cast<size_t>((keep_to - keep_from) * item));
      std::memset(to + (row + keep_to) * item, 0, static_cast<size_t>((cols - keep_to) * item));
    }
  });
}

void trace(tl::Call& c) {
  TL_CHECK(c.handle(0)->ndim == 2, "trace: expected a matrix, but got tensor with dim ", c.handle(0)->ndim);
  c.ret(tl::call<"sum">(tl::call<"diagonal">(c.value(0))));
}

void diag_embed(tl::Call& c) {
  const TensorImpl* t = c.handle(0);
  const int64_t k = c.integer(1), n = t->ndim + 1;
  const int64_t a = wrap_dim(c.integer(2), n), b = wrap_dim(c.integer(3), n);
  TL_CHECK(a != b, "diagonal dimensions cannot be identical ", c.integer(2), ", ", c.integer(3));
  TL_CHECK(t->ndim, "diag_embed: expected at least a 1-dimensional tensor, got 0-dim");
  int64_t side = 0;
  TL_CHECK(k > INT64_MIN && !__builtin_add_overflow(t->size(t->ndim - 1), std::abs(k), &side), "diag_embed: offset ", k, " is too large");
  Dims shape(t->sizes(), t->sizes() + t->ndim - 1);
  shape.insert(shape.begin() + std::min(a, b), side);
  shape.insert(shape.begin() + std::max(a, b), side);
  if ((t->keys & ~kDeviceMask) == 0 && thread_keys().included == 0) {  // nobody watches: no second copy of the zeros
    tl::Tensor out = tl::call<"new_zeros">(c.value(0), shape);
    tl::call<"copy_">(tl::call<"diagonal">(out, k, a, b), c.value(0));
    return c.ret(std::move(out));
  }
  c.ret(tl::call<"diagonal_scatter">(tl::call<"new_zeros">(c.value(0), shape), c.value(0), k, a, b));
}
void diag(tl::Call& c) {
  const int64_t n = c.handle(0)->ndim;
  TL_CHECK(n == 1 || n == 2, "diag(): Supports 1D or 2D tensors. Got ", n, "D");
  if (n == 1) c.ret(tl::call<"diag_embed">(c.value(0), c.value(1)));
  else c.ret(tl::call<"clone">(tl::call<"diagonal">(c.value(0), c.value(1)), tl::MemoryFormat{TL_CONTIGUOUS_FORMAT}));
}
void diagflat(tl::Call& c) { c.ret(tl::call<"diag_embed">(tl::call<"reshape">(c.value(0), Dims{-1}), c.value(1))); }

void fill_diagonal_(tl::Call& c) {
  const TensorImpl* t = c.handle(0);
  TL_CHECK(t->ndim >= 2, "dimensions must larger than 1");
  int64_t rows = t->size(0), cols = t->size(1), step = 0;
  for (int d = 0; d < t->ndim; ++d) {
    TL_CHECK(t->ndim == 2 || t->size(d) == rows, "all dimensions of input must be of equal length");
    step += t->stride(d);
  }
  tl::Tensor self = c.tensor(0);
  const int64_t n = std::min(rows, cols);
  tl::call<"fill_">(tl::call<"as_strided">(self, Dims{n}, Dims{step}, t->offset), c.value(1));
  if (c.boolean(2) && t->ndim == 2 && rows > cols + 1) {  // the diagonal starts again below
    const int64_t count = ((rows * cols + cols) / (cols + 1)) - n;
    const int64_t first = t->offset + t->stride(0) * (cols + 1);
    for (int64_t at = cols + 1, i = 0; i < count && at < rows; at += cols + 1) {
      const int64_t m = std::min(cols, rows - at);
      tl::call<"fill_">(tl::call<"as_strided">(self, Dims{m}, Dims{step}, first + (at - cols - 1) * t->stride(0)), c.value(1));
      i += m;
    }
  }
  c.ret(self);
}

// ---------------------------------------------------------------- a copy in which one view has other values
template <tl::Name ViewOp, uint32_t N>
tl::Tensor view_of(const tl::Tensor& t, const tl::Call& c) {
  if constexpr (N == 2) return tl::call<ViewOp>(t, c.value(2), c.value(3));
  else if constexpr (N == 3) return tl::call<ViewOp>(t, c.value(2), c.value(3), c.value(4));
  else return tl::call<ViewOp>(t, c.value(2), c.value(3), c.value(4), c.value(5));
}
template <tl::Name ViewOp, uint32_t N>
void scatter_shape(tl::Call& c) {
  const TensorImpl* t = c.handle(0);
  tl::ExcludeKeys below(~kDeviceMask);
  tl::Tensor v = view_of<ViewOp, N>(c.tensor(0), c);
  TL_CHECK(same_sizes(v.sizes(), c.handle(1)->size_span()), c.op()->schema.name, ": expected src to have a size equal to the view of self. src size = ",
           to_string(c.handle(1)->size_span()), ", view size = ", to_string(v.sizes()));
  c.output(0, t->size_span(), code(t->dtype), t->device);
}
template <tl::Name ViewOp, uint32_t N>
void scatter(tl::Call& c) {
  tl::ExcludeKeys below(~kDeviceMask);
  copy_into(c.out_handle(), c.handle(0));
  tl::Tensor v = view_of<ViewOp, N>(c.out(), c);
  copy_into(v.get(), c.handle(1));
}
// as_strided sees the memory of self: the copy needs the same strides.
void strided_scatter_shape(tl::Call& c) {
  const TensorImpl* t = c.handle(0);
  TL_CHECK(c.ints(2).size() == c.ints(3).size() && same_sizes(c.ints(2), c.handle(1)->size_span()),
           "as_strided_scatter: expected src to have a size equal to the slice of self. src size = ", to_string(c.handle(1)->size_span()),
           ", slice size = ", to_string(c.ints(2)));
  c.output(0, t->size_span(), code(t->dtype), t->device, t->contiguous() ? nullptr : t->strides());
}
void strided_scatter(tl::Call& c) {
  tl::ExcludeKeys below(~kDeviceMask);
  copy_into(c.out_handle(), c.handle(0));
  tl::Tensor v = tl::call<"as_strided">(c.out(), c.value(2), c.value(3), c.integer(4, 0));
  copy_safely(v.get(), c.handle(1));
}

TL_OPS(shape_diagonal) {
  tl::def<triangle_shape<true>>("tril(Tensor self, int diagonal=0) -> Tensor", kMethod | kInPlace | kOut,
                                "The elements on and below a diagonal of each matrix; zeros elsewhere.").cpu<triangle<true>>();
  tl::def<triangle_shape<false>>("triu(Tensor self, int diagonal=0) -> Tensor", kMethod | kInPlace | kOut,
                                 "The elements on and above a diagonal of each matrix; zeros elsewhere.").cpu<triangle<false>>();
  tl::composite<trace>("trace(Tensor self) -> Tensor", kMethod, "The sum of a matrix's diagonal.");
  tl::composite<diag_embed>("diag_embed(Tensor self, int offset=0, int dim1=-2, int dim2=-1) -> Tensor", kMethod,
                            "Matrices with the last dimension of `self` on a diagonal and zeros elsewhere.");
  tl::composite<diag>("diag(Tensor self, int diagonal=0) -> Tensor", kMethod | kOut, "The diagonal of a matrix, or the matrix with a vector on its diagonal.");
  tl::composite<diagflat>("diagflat(Tensor self, int offset=0) -> Tensor", kMethod, "A matrix with all elements of `self` on its diagonal.");
  tl::composite<fill_diagonal_>("fill_diagonal_(Tensor(a!) self, Scalar fill_value, bool wrap=False) -> Tensor", kMethod | TL_OP_NO_FUNCTION,
                                "Writes a number on the main diagonal.");
  tl::def<scatter_shape<"select", 2>>("select_scatter(Tensor self, Tensor src, int dim, int index) -> Tensor", kMethod,
                                      "A copy of `self` with `src` at select(dim, index).").cpu<scatter<"select", 2>>();
  tl::def<scatter_shape<"slice", 4>>("slice_scatter(Tensor self, Tensor src, int dim=0, int? start=None, int? end=None, int step=1) -> Tensor", kMethod,
                                     "A copy of `self` with `src` at slice(dim, start, end, step).").cpu<scatter<"slice", 4>>();
  tl::def<scatter_shape<"diagonal", 3>>("diagonal_scatter(Tensor self, Tensor src, int offset=0, int dim1=0, int dim2=1) -> Tensor", kMethod,
                                        "A copy of `self` with `src` on a diagonal.").cpu<scatter<"diagonal", 3>>();
  tl::def<strided_scatter_shape>("as_strided_scatter(Tensor self, Tensor src, int[] size, int[] stride, int? storage_offset=None) -> Tensor", kMethod,
                                 "A copy of `self` with `src` at as_strided(size, stride, storage_offset).").cpu<strided_scatter>();
}

}  // namespace
}  // namespace tallow
