// Compiled once per instruction set.
#include "ops/cumulative/scan_loops.hpp"

#include <algorithm>
#include <type_traits>

#include "vec/isa.hpp"

namespace tallow::TL_ISA_NS {
namespace {

template <class T> using wide_t = std::conditional_t<std::is_same_v<T, uint64_t>, uint64_t, double>;

template <bool Sum, class A>
inline A step(A acc, A x) { return Sum ? acc + x : acc * x; }

// Each step waits for the one before it, so several rows go side by side.
template <bool Sum, class T, int K>
void some_rows(const T* __restrict x, T* __restrict y, int64_t stride, int64_t n, const wide_t<T>* init) {
  wide_t<T> acc[K];
  for (int k = 0; k < K; ++k) acc[k] = init[k];
  for (int64_t i = 0; i < n; ++i) {
#pragma GCC unroll 8
    for (int k = 0; k < K; ++k) {
      acc[k] = step<Sum>(acc[k], static_cast<wide_t<T>>(x[k * stride + i]));
      y[k * stride + i] = static_cast<T>(acc[k]);
    }
  }
}

template <bool Sum, class T>
void rows(const void* from, void* to, int64_t count, int64_t stride, int64_t n, const void* start) {
  const T* x = static_cast<const T*>(from);
  T* y = static_cast<T*>(to);
  const auto* init = static_cast<const wide_t<T>*>(start);
  int64_t r = 0;
  for (; r + 8 <= count; r += 8) some_rows<Sum, T, 8>(x + r * stride, y + r * stride, stride, n, init + r);
  for (; r + 2 <= count; r += 2) some_rows<Sum, T, 2>(x + r * stride, y + r * stride, stride, n, init + r);
  for (; r < count; ++r) some_rows<Sum, T, 1>(x + r * stride, y + r * stride, stride, n, init + r);
}

template <bool Sum, class T>
void columns(const void* from, void* to, int64_t n, int64_t stride, int64_t width) {
  const T* x = static_cast<const T*>(from);
  T* y = static_cast<T*>(to);
  wide_t<T> acc[kScanColumns];
  std::fill(acc, acc + width, wide_t<T>(Sum ? 0 : 1));
  for (int64_t r = 0; r < n; ++r)
#pragma GCC ivdep
    for (int64_t c = 0; c < width; ++c) {
      acc[c] = step<Sum>(acc[c], static_cast<wide_t<T>>(x[r * stride + c]));
      y[r * stride + c] = static_cast<T>(acc[c]);
    }
}

template <bool Sum, class T>
void total(const void* from, int64_t n, void* to) {
  const T* x = static_cast<const T*>(from);
  constexpr int K = 16;
  wide_t<T> acc[K];
  std::fill(acc, acc + K, wide_t<T>(Sum ? 0 : 1));
  int64_t i = 0;
  for (; i + K <= n; i += K)
    for (int k = 0; k < K; ++k) acc[k] = step<Sum>(acc[k], static_cast<wide_t<T>>(x[i + k]));
  for (; i < n; ++i) acc[0] = step<Sum>(acc[0], static_cast<wide_t<T>>(x[i]));
  for (int k = 1; k < K; ++k) acc[0] = step<Sum>(acc[0], acc[k]);
  *static_cast<wide_t<T>*>(to) = acc[0];
}

template <bool Sum, class T>
constexpr ScanLoops loops() { return {rows<Sum, T>, columns<Sum, T>, total<Sum, T>}; }

}  // namespace

const ScanTable* scan_table() {
  static const ScanTable t{{{loops<true, float>(), loops<true, double>(), loops<true, uint64_t>()},
                            {loops<false, float>(), loops<false, double>(), loops<false, uint64_t>()}}};
  return &t;
}

}  // namespace tallow::TL_ISA_NS
