// Joining tensors: cat and stack are memory copies, the rest is said in terms of them.
#include <algorithm>
#include <cstring>

#include "ops/pointwise/pointwise.hpp"
#include "ops/shape/shape.hpp"

namespace tallow {
namespace {

// ---------------------------------------------------------------- the copy
// Block i of every row of `out` comes from the same row of source i.
struct Part {
  Tensor source;    // of the output's dtype; the block of each row is dense
  int64_t bytes;    // of its block
  int64_t row_step; // in bytes, from row to row
};

// Whether the dimensions from `dim` on are dense and those before it run at one step, in elements.
bool rows_of(const TensorImpl* t, int64_t dim, int64_t* step) {
  int64_t expected = 1;
  for (int64_t d = t->ndim; d-- > dim;) {
    if (t->size(d) != 1 && t->stride(d) != expected) return false;
    expected *= t->size(d);
  }
  *step = expected;
  bool first = true;
  for (int64_t d = dim; d-- > 0;) {
    if (t->size(d) == 1) continue;
    if (first) *step = t->stride(d), expected = *step, first = false;
    else if (t->stride(d) != expected) return false;
    expected *= t->size(d);
  }
  return true;
}

template <class T>
void copy_column(char* to, int64_t step, const char* from, int64_t from_step, int64_t rows) {
  if (from_step == sizeof(T)) {
    auto* s = reinterpret_cast<const T*>(from);
    for (int64_t r = 0; r < rows; ++r) std::memcpy(to + r * step, s + r, sizeof(T));
    return;
  }
  for (int64_t r = 0; r < rows; ++r) std::memcpy(to + r * step, from + r * from_step, sizeof(T));
}

void copy_parts(char* out, const std::vector<Part>& parts, int64_t rows, int64_t row_bytes) {
  if (rows == 1) {
    for (const Part& p : parts) {
      const char* from = p.source.ptr<char>();
      parallel_for(0, p.bytes, 1 << 19, [=](int64_t b, int64_t e) { std::memcpy(out + b, from + b, static_cast<size_t>(e - b)); });
      out += p.bytes;
    }
    return;
  }
  const int64_t grain = std::max<int64_t>(1, (1 << 18) / std::max<int64_t>(row_bytes, 1));
  parallel_for(0, rows, grain, [&](int64_t begin, int64_t end) {
    // A few rows at a time, so that the lines of `out` stay in the cache while all parts write to them.
    const int64_t step = std::max<int64_t>(1, 16384 / std::max<int64_t>(row_bytes, 1));
    for (int64_t r = begin; r < end; r += step) {
      const int64_t n = std::min(step, end - r);
      char* to = out + r * row_bytes;
      for (const Part& p : parts) {
        const char* from = p.source.ptr<char>() + r * p.row_step;
        switch (p.bytes) {
          case 1: copy_column<uint8_t>(to, row_bytes, from, p.row_step, n); break;
          case 2: copy_column<uint16_t>(to, row_bytes, from, p.row_step, n); break;
          case 4: copy_column<uint32_t>(to, row_bytes, from, p.row_step, n); break;
          case 8: copy_column<uint64_t>(to, row_bytes, from, p.row_step, n); break;
          case 16: copy_column<c128>(to, row_bytes, from, p.row_step, n); break;
          default:
            for (int64_t i = 0; i < n; ++i) std::memcpy(to + i * row_bytes, from + i * p.row_step, static_cast<size_t>(p.bytes));
        }
        to += p.bytes;
      }
    }
  });
}

bool skipped(const TensorImpl* t) { return t->ndim == 1 && t->size(0) == 0; }  // joins with anything, as it always has

DType common_dtype(const tl::Call& c) {
  ResultType rt;
  bool same = true;
  for (TlTensor t : c.handles(0)) rt.add(t), same &= t->dtype == c.handles(0)[0]->dtype;
  return same ? c.handles(0)[0]->dtype : rt.get();
}

bool all_channels_last(std::span<const TlTensor> ts) {
  for (const TensorImpl* t : ts)
    if (!is_channels_last(t, 4) || t->contiguous()) return false;
  return !ts.empty();
}

// Fills `out` whose dimension `dim` is made of the sources' (cat), or counts them (stack).
void join(TensorImpl* out, std::span<const TlTensor> ts, int64_t dim, bool stacked) {
  if (out->numel == 0) return;
  const int64_t item = itemsize(out->dtype);
  if (!out->contiguous()) {  // channels last
    int64_t at = 0;
    for (const TensorImpl* t : ts) {
      if (skipped(t)) continue;
      Dims sizes(out->sizes(), out->sizes() + out->ndim);
      sizes[dim] = t->size(dim);
      Tensor place = make_alias(out, sizes, out->stride_span(), out->offset + at * out->stride(dim), out->dtype);
      copy_into(place.get(), t);
      at += t->size(dim);
    }
    return;
  }
  int64_t rows = 1, inner = item;
  for (int64_t d = 0; d < dim; ++d) rows *= out->size(d);
  for (int64_t d = dim + 1; d < out->ndim; ++d) inner *= out->size(d);
  std::vector<Part> parts;
  parts.reserve(ts.size());
  for (TlTensor t : ts) {
    if (!stacked && skipped(t)) continue;
    const int64_t bytes = stacked ? inner : t->size(dim) * inner;
    if (bytes == 0) continue;
    int64_t step;
    if (t->dtype == out->dtype && rows_of(t, dim, &step)) {
      parts.push_back({Tensor::share(t), bytes, step * item});
    } else if (t->dtype == out->dtype) {
      parts.push_back({contiguous(t), bytes, bytes});
    } else {
      Tensor cast = empty(t->size_span(), out->dtype, t->device);
      copy_into(cast.get(), t);
      parts.push_back({std::move(cast), bytes, bytes});
    }
  }
  copy_parts(out->ptr<char>(), parts, rows, out->size(dim) * inner);
}

// ---------------------------------------------------------------- cat
void cat_shape(tl::Call& c) {
  const auto ts = c.handles(0);
  TL_CHECK_VALUE(!ts.empty(), "torch.cat(): expected a non-empty list of Tensors");
  const TensorImpl* first = nullptr;
  for (size_t i = 0; i < ts.size(); ++i) {
    TL_CHECK(ts[i]->ndim > 0, "zero-dimensional tensor (at position ", i, ") cannot be concatenated");
    if (!first && !skipped(ts[i])) first = ts[i];
  }
  if (!first) first = ts[0];
  const int64_t dim = wrap_dim(c.integer(1), first->ndim);
  Dims sizes(first->sizes(), first->sizes() + first->ndim);
  sizes[dim] = 0;
  for (size_t i = 0; i < ts.size(); ++i) {
    const TensorImpl* t = ts[i];
    if (skipped(t)) continue;
    TL_CHECK(t->ndim == first->ndim, "Tensors must have same number of dimensions: got ", first->ndim, " and ", t->ndim);
    for (int64_t d = 0; d < t->ndim; ++d)
      TL_CHECK(d == dim || t->size(d) == first->size(d), "Sizes of tensors must match except in dimension ", dim, ". Expected size ",
               first->size(d), " but got size ", t->size(d), " for tensor number ", i, " in the list.");
    sizes[dim] += t->size(dim);
  }
  check_given_apart(c.raw());
  Dims strides;
  if (first->ndim == 4 && all_channels_last(ts)) strides = channels_last_strides(sizes);
  c.output(0, sizes, code(common_dtype(c)), first->device, strides.empty() ? nullptr : strides.data());
}
void cat(tl::Call& c) {
  TensorImpl* out = c.out_handle();
  join(out, c.handles(0), wrap_dim(c.integer(1), out->ndim), false);
}

// ---------------------------------------------------------------- stack
void stack_shape(tl::Call& c) {
  const auto ts = c.handles(0);
  TL_CHECK(!ts.empty(), "stack expects a non-empty TensorList");
  const TensorImpl* first = ts[0];
  for (size_t i = 1; i < ts.size(); ++i)
    TL_CHECK(same_sizes(ts[i]->size_span(), first->size_span()), "stack expects each tensor to be equal size, but got ",
             to_string(first->size_span()), " at entry 0 and ", to_string(ts[i]->size_span()), " at entry ", i);
  check_given_apart(c.raw());
  const int64_t dim = wrap_dim(c.integer(1), first->ndim + 1);
  Dims sizes(first->sizes(), first->sizes() + first->ndim);
  sizes.insert(sizes.begin() + dim, static_cast<int64_t>(ts.size()));
  c.output(0, sizes, code(common_dtype(c)), first->device);
}
void stack(tl::Call& c) {
  TensorImpl* out = c.out_handle();
  join(out, c.handles(0), wrap_dim(c.integer(1), out->ndim), true);
}

// ---------------------------------------------------------------- the rest
void cat_alias(tl::Call& c) { c.ret(tl::call<"cat">(c.value(0), c.value(1))); }

template <tl::Name AtLeast>
std::vector<tl::Tensor> raised(const tl::Call& c, const char* op) {
  TL_CHECK(!c.handles(0).empty(), op, " expects a non-empty TensorList");
  std::vector<tl::Tensor> out;
  for (TlTensor t : c.handles(0)) out.push_back(tl::call<AtLeast>(t));
  return out;
}
void hstack(tl::Call& c) {
  const auto ts = raised<"atleast_1d">(c, "hstack");
  c.ret(tl::call<"cat">(ts, ts[0].ndim() == 1 ? 0 : 1));
}
void vstack(tl::Call& c) { c.ret(tl::call<"cat">(raised<"atleast_2d">(c, "vstack"), 0)); }
void dstack(tl::Call& c) { c.ret(tl::call<"cat">(raised<"atleast_3d">(c, "dstack"), 2)); }
void column_stack(tl::Call& c) {
  TL_CHECK(!c.handles(0).empty(), "column_stack expects a non-empty TensorList");
  std::vector<tl::Tensor> ts;
  for (TlTensor t : c.handles(0)) ts.push_back(t->ndim <= 1 ? tl::call<"reshape">(t, Dims{t->numel, 1}) : tl::Tensor::share(t));
  c.ret(tl::call<"cat">(ts, 1));
}

void block_diag(tl::Call& c) {
  std::vector<tl::Tensor> blocks;
  int64_t cols = 0;
  ResultType rt;
  for (TlTensor t : c.handles(0)) {
    TL_CHECK(t->ndim <= 2, "torch.block_diag: Input tensors must have 2 or fewer dimensions. Input ", blocks.size(), " has ", t->ndim, " dimensions");
    blocks.push_back(t->ndim == 2 ? tl::Tensor::share(t) : tl::call<"reshape">(t, Dims{1, t->numel}));
    cols += blocks.back().size(1);
    rt.add(blocks.back().get());
  }
  if (blocks.empty()) return c.ret(tl::call<"empty">(Dims{1, 0}));
  const tl::Dtype dtype{code(rt.get())};
  std::vector<tl::Tensor> rows;
  int64_t before = 0;
  for (const tl::Tensor& b : blocks) {
    const int64_t r = b.size(0), n = b.size(1);
    rows.push_back(tl::call<"cat">(std::vector<tl::Tensor>{tl::call<"new_zeros">(b, Dims{r, before}, dtype), b,
                                                           tl::call<"new_zeros">(b, Dims{r, cols - before - n}, dtype)}, 1));
    before += n;
  }
  c.ret(tl::call<"cat">(rows, 0));
}

TL_OPS(shape_join) {
  tl::def<cat_shape>("cat(Tensor[] tensors, int dim=0) -> Tensor", kOut | kCastsOut,
                     "Joins tensors along a dimension they have; all other sizes agree. The dtypes are promoted.").cpu<cat>();
  tl::def<stack_shape>("stack(Tensor[] tensors, int dim=0) -> Tensor", kOut | kCastsOut, "Joins tensors of one shape along a new dimension.").cpu<stack>();
  tl::composite<cat_alias>("concat(Tensor[] tensors, int dim=0) -> Tensor", kOut, "cat()");
  tl::composite<cat_alias>("concatenate(Tensor[] tensors, int dim=0) -> Tensor", kOut, "cat()");
  tl::composite<hstack>("hstack(Tensor[] tensors) -> Tensor", kOut, "Joins along the second dimension (vectors: the first).");
  tl::composite<vstack>("vstack(Tensor[] tensors) -> Tensor", kOut, "Joins along the first dimension; vectors are rows.");
  tl::composite<vstack>("row_stack(Tensor[] tensors) -> Tensor", kOut, "vstack()");
  tl::composite<dstack>("dstack(Tensor[] tensors) -> Tensor", kOut, "Joins along the third dimension.");
  tl::composite<column_stack>("column_stack(Tensor[] tensors) -> Tensor", kOut, "Joins along the second dimension; vectors are columns.");
  tl::composite<block_diag>("block_diag(Tensor[] tensors) -> Tensor", 0, "A matrix with the given matrices on its diagonal and zeros elsewhere.");
}

}  // namespace
}  // namespace tallow
