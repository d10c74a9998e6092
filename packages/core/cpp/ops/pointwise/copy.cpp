// Casting and copying between any two layouts.
#include <algorithm>

#include "ops/pointwise/pointwise.hpp"
#include "parallel/parallel.hpp"
#include "vec/isa.hpp"

namespace tallow {
using CastTable = CastFn[kDTypes][kDTypes];
namespace baseline { const CastTable* cast_table(); }
namespace avx2 { const CastTable* cast_table(); }
namespace avx512 { const CastTable* cast_table(); }

namespace {

// Storage-only dtypes meet others through float: one static function per pair would be many, a pair of casts over a
// small buffer is enough.
template <int From, int To>
void through_float(const char* src, int64_t ss, char* dst, int64_t ds, int64_t n) {
  const CastFn first = cast_fn(static_cast<DType>(From), DType::Float32), second = cast_fn(DType::Float32, static_cast<DType>(To));
  float buffer[256];
  for (int64_t i = 0; i < n; i += 256) {
    const int64_t m = std::min<int64_t>(256, n - i);
    first(src + i * ss, ss, reinterpret_cast<char*>(buffer), 4, m);
    second(reinterpret_cast<const char*>(buffer), 4, dst + i * ds, ds, m);
  }
}

template <int From, int... To>
void fill_missing_row(CastFn* row, std::integer_sequence<int, To...>) {
  ((row[To] = row[To] ? row[To] : through_float<From, To>), ...);
}
template <int... From>
void fill_missing(CastFn (*table)[kDTypes], std::integer_sequence<int, From...>) {
  (fill_missing_row<From>(table[From], std::make_integer_sequence<int, kDTypes>()), ...);
}

struct Table {
  CastFn fn[kDTypes][kDTypes];
  Table() {
    const auto* t = TL_FOR_THIS_PROCESSOR(cast_table());
    for (int i = 0; i < kDTypes; ++i)
      for (int j = 0; j < kDTypes; ++j) fn[i][j] = (*t)[i][j];
    fill_missing(fn, std::make_integer_sequence<int, kDTypes>());
  }
};

// Blocked transposition: both sides are walked in tiles that stay in the cache.
void copy_transposed(char* dst, int64_t dst_row, const char* src, int64_t src_row, int64_t rows, int64_t cols, int64_t di, int64_t si, CastFn fn) {
  // dst[r][c] (c contiguous) <- src[r + c * ...] where src is contiguous along r
  constexpr int64_t kTile = 32;
  parallel_for(0, (rows + kTile - 1) / kTile, 4, [&](int64_t b, int64_t e) {
    for (int64_t r0 = b * kTile; r0 < std::min(rows, e * kTile); r0 += kTile)
      for (int64_t c0 = 0; c0 < cols; c0 += kTile)
        for (int64_t r = r0; r < std::min(rows, r0 + kTile); ++r)
          fn(src + r * si + c0 * src_row, src_row, dst + r * dst_row + c0 * di, di, std::min(kTile, cols - c0));
  });
}

}  // namespace

CastFn cast_fn(DType from, DType to) {
  static const Table t;
  return t.fn[static_cast<int>(from)][static_cast<int>(to)];
}

void copy_into(TensorImpl* dst, const TensorImpl* src) {
  const int64_t di = itemsize(dst->dtype), si = itemsize(src->dtype);
  const CastFn fn = cast_fn(src->dtype, dst->dtype);
  const bool same = same_sizes(dst->size_span(), src->size_span());
  if (dst->numel == 0) return;
  if (dst->is_meta() || src->is_meta()) {
    TL_CHECK(dst->is_meta(), "copy_: Cannot copy out of meta tensor; no data!");
    return;
  }
  if (dst->data() == src->data() && dst->dtype == src->dtype && same &&
      std::equal(dst->strides(), dst->strides() + dst->ndim, src->strides()))
    return;
  if (same && ((dst->contiguous() && src->contiguous()) ||
               (is_dense(dst) && std::equal(dst->strides(), dst->strides() + dst->ndim, src->strides())))) {
    char* d = dst->ptr<char>();
    const char* s = src->ptr<char>();
    if (dst->numel <= 32768) return fn(s, si, d, di, dst->numel);
    parallel_for(0, dst->numel, 65536, [&](int64_t b, int64_t e) { fn(s + b * si, si, d + b * di, di, e - b); });
    return;
  }
  if (same && dst->ndim >= 2 && dst->contiguous()) {  // the last two dimensions swapped: a transposed matrix, or a batch
    const int64_t r = dst->ndim - 2, c = dst->ndim - 1;
    if (src->stride(r) == 1 && src->stride(c) > 1 && dst->size(r) >= 16 && dst->size(c) >= 16) {
      const int64_t matrix = dst->size(r) * dst->size(c), batches = dst->numel / matrix;
      for (int64_t i = 0; i < batches; ++i) {
        int64_t rest = i, offset = 0;
        for (int64_t d = r; d-- > 0;) {
          offset += rest % dst->size(d) * src->stride(d);
          rest /= dst->size(d);
        }
        copy_transposed(dst->ptr<char>() + i * matrix * di, dst->size(c) * di, src->ptr<char>() + offset * si, src->stride(c) * si, dst->size(r),
                        dst->size(c), di, si, fn);
      }
      return;
    }
  }
  // General: walk dst's dimensions, innermost the one with its smallest stride.
  TL_CHECK(src->ndim <= dst->ndim || src->numel == 1, "copy_: the source of shape ", to_string(src->size_span()),
           " has more dimensions than the destination ", to_string(dst->size_span()));
  const Dims full = broadcast_sizes(dst->size_span(), src->size_span(), "copy_");
  TL_CHECK(same_sizes(full, dst->size_span()), "copy_: The expanded size of the tensor ", to_string(dst->size_span()),
           " must match the existing size ", to_string(src->size_span()));
  int64_t sizes[64], ds[64], ss[64];
  int n = 0;
  const int lead = dst->ndim - src->ndim;
  for (int d = dst->ndim; d-- > 0;) {
    if (dst->size(d) == 1) continue;
    sizes[n] = dst->size(d);
    ds[n] = dst->stride(d) * di;
    ss[n] = d < lead || src->size(d - lead) == 1 ? 0 : src->stride(d - lead) * si;
    ++n;
  }
  for (int i = 1; i < n; ++i)
    for (int j = i; j > 0 && ds[j] < ds[j - 1]; --j) std::swap(ds[j], ds[j - 1]), std::swap(ss[j], ss[j - 1]), std::swap(sizes[j], sizes[j - 1]);
  int m = 0;
  for (int i = 0; i < n; ++i) {
    if (m && ds[i] == ds[m - 1] * sizes[m - 1] && ss[i] == ss[m - 1] * sizes[m - 1]) sizes[m - 1] *= sizes[i];
    else sizes[m] = sizes[i], ds[m] = ds[i], ss[m] = ss[i], ++m;
  }
  if (m == 0) return fn(src->ptr<char>(), si, dst->ptr<char>(), di, 1);
  const int64_t rows = dst->numel / sizes[0];
  const int64_t grain = std::max<int64_t>(1, 32768 / sizes[0]);
  parallel_for(0, rows, grain, [&](int64_t b, int64_t e) {
    for (int64_t row = b; row < e; ++row) {
      int64_t rest = row, d_off = 0, s_off = 0;
      for (int k = 1; k < m; ++k) {
        const int64_t i = rest % sizes[k];
        rest /= sizes[k];
        d_off += i * ds[k], s_off += i * ss[k];
      }
      fn(src->ptr<char>() + s_off, ss[0], dst->ptr<char>() + d_off, ds[0], sizes[0]);
    }
  });
}

Tensor cast_to(const TensorImpl* t, DType dtype) {
  Tensor out = empty_like(t, dtype, t->device);
  copy_into(out.get(), t);
  return out;
}

void fill(TensorImpl* t, const TlValue& value) {
  if (t->is_meta() || t->numel == 0) return;
  const ScalarArg a = to_scalar_arg(value);
  char one[16];
  if (a.kind == ScalarArg::Int) {
    const int64_t v = a.i;
    cast_fn(DType::Int64, t->dtype)(reinterpret_cast<const char*>(&v), 8, one, 16, 1);
  } else {
    const c128 v(a.re, a.im);
    cast_fn(DType::Complex128, t->dtype)(reinterpret_cast<const char*>(&v), 16, one, 16, 1);
  }
  const int64_t shape[1] = {1};
  Tensor source = from_blob(one, Sizes(shape, 0), nullptr, t->dtype, kCpu, nullptr, nullptr);
  copy_into(t, source.get());
}

}  // namespace tallow
