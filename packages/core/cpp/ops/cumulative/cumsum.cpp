// cumsum and cumprod.
#include "ops/cumulative/scan.hpp"
#include "ops/cumulative/scan_loops.hpp"
#include "vec/isa.hpp"

namespace tallow {
namespace baseline { const ScanTable* scan_table(); }
namespace avx2 { const ScanTable* scan_table(); }
namespace avx512 { const ScanTable* scan_table(); }

namespace {

using tl::Call;

constexpr int64_t kSegment = 4096;  // of a long row
constexpr int64_t kGrain = 65536;

const ScanLoops& loops_for(bool sum, ComputeType c) {
  static const ScanTable* t = TL_FOR_THIS_PROCESSOR(scan_table());
  return t->loops[!sum][c];
}

// A long row is cut into segments: their totals first, from which each segment then starts.
template <bool Sum, class A>
void long_row(const ScanLoops& l, const char* x, char* y, int64_t n, int64_t item) {
  const int64_t segments = n / kSegment, full = segments * kSegment;
  std::vector<A> start(static_cast<size_t>(segments) + 1);
  parallel_for(0, segments, 16, [&](int64_t b, int64_t e) {
    for (int64_t s = b; s < e; ++s) l.total(x + s * kSegment * item, kSegment, &start[s + 1]);
  });
  start[0] = A(Sum ? 0 : 1);
  for (int64_t s = 1; s <= segments; ++s) start[s] = Sum ? start[s - 1] + start[s] : start[s - 1] * start[s];
  parallel_for(0, segments, 16, [&](int64_t b, int64_t e) {
    l.rows(x + b * kSegment * item, y + b * kSegment * item, e - b, kSegment, kSegment, &start[b]);
  });
  if (full < n) l.rows(x + full * item, y + full * item, 1, 0, n - full, &start[segments]);
}

template <bool Sum, class A>
void scan(const ScanLoops& l, const char* x, char* y, const ScanShape& s, int64_t item) {
  if (s.inner > 1) {
    const int64_t width = std::min(s.inner, kScanColumns), tiles = (s.inner + width - 1) / width;
    return parallel_for(0, s.outer * tiles, std::max<int64_t>(1, kGrain / (s.n * width)), [&](int64_t b, int64_t e) {
      for (int64_t i = b; i < e; ++i) {
        const int64_t c = i % tiles * width, at = (i / tiles * s.n * s.inner + c) * item;
        l.columns(x + at, y + at, s.n, s.inner, std::min(width, s.inner - c));
      }
    });
  }
  if (s.n >= 4 * kSegment && s.outer < 32) {
    for (int64_t r = 0; r < s.outer; ++r) long_row<Sum, A>(l, x + r * s.n * item, y + r * s.n * item, s.n, item);
    return;
  }
  parallel_for(0, s.outer, std::max<int64_t>(8, kGrain / s.n), [&](int64_t b, int64_t e) {
    A init[64];
    std::fill(init, init + 64, A(Sum ? 0 : 1));
    for (int64_t r = b; r < e; r += 64) l.rows(x + r * s.n * item, y + r * s.n * item, std::min<int64_t>(64, e - r), s.n, s.n, init);
  });
}

template <bool Sum, class T>
void scan_complex(const T* x, T* y, const ScanShape& s) {
  parallel_for(0, s.outer * s.inner, std::max<int64_t>(1, kGrain / s.n), [&](int64_t b, int64_t e) {
    for (int64_t i = b; i < e; ++i) {
      const int64_t at = i / s.inner * s.n * s.inner + i % s.inner;
      c128 acc = Sum ? 0 : 1;
      for (int64_t k = 0; k < s.n; ++k) {
        const c128 v(x[at + k * s.inner]);
        acc = Sum ? acc + v : acc * v;
        y[at + k * s.inner] = T(acc);
      }
    }
  });
}

DType result_dtype(const Call& c) {
  const DType t = c.handle(0)->dtype;
  return dtype_arg(c, 2, is_integral(t, true) ? DType::Int64 : t);
}
void scan_shape(Call& c) {
  const TensorImpl* t = c.handle(0);
  wrap_dim(c.integer(1), t->ndim);
  check_given_apart(c.raw(), true);
  c.output(0, t->size_span(), code(result_dtype(c)), t->device);
}
template <bool Sum>
void scan_cpu(Call& c) {
  TensorImpl* out = c.out_handle();
  if (out->numel == 0) return;
  const ComputeType ct = compute_type(result_dtype(c));
  const DType compute = dtype_of_compute(ct);
  const Tensor x = dense_as(c.handle(0), compute);
  WorkingOutput y(out, compute);
  const ScanShape s(x.get(), wrap_dim(c.integer(1), x.ndim()));
  if (ct == kC64) scan_complex<Sum>(x.ptr<c64>(), y.t.ptr<c64>(), s);
  else if (ct == kC128) scan_complex<Sum>(x.ptr<c128>(), y.t.ptr<c128>(), s);
  else if (ct == kI64) scan<Sum, uint64_t>(loops_for(Sum, ct), x.ptr<char>(), y.t.ptr<char>(), s, 8);
  else scan<Sum, double>(loops_for(Sum, ct), x.ptr<char>(), y.t.ptr<char>(), s, itemsize(compute));
  y.finish();
}

}  // namespace

TL_OPS(cumsum) {
  tl::def<scan_shape>("cumsum(Tensor self, int dim, *, dtype? dtype=None) -> Tensor", kMethod | kInPlace | kOut | kCastsOut,
                      "Running sums along dim. Integers and bool are summed in int64 unless dtype says otherwise.")
      .cpu<scan_cpu<true>>();
  tl::def<scan_shape>("cumprod(Tensor self, int dim, *, dtype? dtype=None) -> Tensor", kMethod | kInPlace | kOut | kCastsOut,
                      "Running products along dim. Integers and bool are multiplied in int64 unless dtype says otherwise.")
      .cpu<scan_cpu<false>>();
}

}  // namespace tallow
