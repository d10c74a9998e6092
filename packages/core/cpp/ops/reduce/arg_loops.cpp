// Compiled once per instruction set.
#include "ops/reduce/arg_loops.hpp"

#include <algorithm>

#include "vec/isa.hpp"
#include "vec/lanes.hpp"

namespace tallow::TL_ISA_NS {
namespace {

using namespace lanes;

template <bool Max, class V>
inline __attribute__((always_inline)) V pick(V acc, V x) {
  acc = Max ? (x > acc ? x : acc) : (x < acc ? x : acc);
  return x != x ? x : acc;
}
template <bool Max, class T>
inline bool better(T x, T than) {  // strictly: a NaN is better than a number, and not than a NaN
  return (Max ? x > than : x < than) || (x != x && than == than);
}

template <bool Max, class T>
T extremum(const T* x, int64_t n) {
  using V = Vec<T>;
  constexpr int L = Lanes<T>::count;
  T best = x[0];
  int64_t i = 0;
  if (n >= L) {
    V a[kAccumulators];
#pragma GCC unroll 8
    for (int k = 0; k < kAccumulators; ++k) a[k] = load(x);
    for (; i + L * kAccumulators <= n; i += L * kAccumulators) {
#pragma GCC unroll 8
      for (int k = 0; k < kAccumulators; ++k) a[k] = pick<Max>(a[k], load(x + i + k * L));
    }
    for (; i + L <= n; i += L) a[0] = pick<Max>(a[0], load(x + i));
    T lanes[L];
    store(lanes, pick<Max>(pick<Max>(a[0], a[1]), pick<Max>(a[2], a[3])));
    for (int k = 0; k < L; ++k) best = pick<Max>(best, lanes[k]);
  }
  for (; i < n; ++i) best = pick<Max>(best, x[i]);
  return best;
}

// The first element that is v (or NaN, if v is): it is known to be there.
template <class T>
int64_t find(const T* x, int64_t n, T v) {
  int64_t i = 0;
  for (; i + 64 <= n; i += 64) {
    int hit = 0;
    for (int k = 0; k < 64; ++k) hit |= (x[i + k] == v) | (x[i + k] != x[i + k]);
    if (hit) break;
  }
  if (v != v) {
    for (; i + 1 < n; ++i)
      if (x[i] != x[i]) break;
  } else {
    for (; i + 1 < n; ++i)
      if (x[i] == v) break;
  }
  return i;
}

// The extremum first, block by block, then its place in the one block that has it: two passes over cached data.
template <bool Max, class T>
void inner(const void* data, int64_t rows, int64_t stride, int64_t n, int64_t* indices, void* values) {
  constexpr int64_t kBlock = 4096;
  for (int64_t r = 0; r < rows; ++r) {
    const T* x = static_cast<const T*>(data) + r * stride;
    T best = extremum<Max>(x, std::min(n, kBlock));
    int64_t at = 0;
    for (int64_t b = kBlock; b < n; b += kBlock) {
      const T v = extremum<Max>(x + b, std::min(n - b, kBlock));
      if (better<Max>(v, best)) best = v, at = b;
    }
    indices[r] = at + find(x + at, std::min(n - at, kBlock), best);
    if (values) static_cast<T*>(values)[r] = best;
  }
}

template <bool Max, class T>
void outer(const void* data, int64_t n, int64_t stride, int64_t columns, int64_t* indices, void* values) {
  using I = std::conditional_t<sizeof(T) == 4, int32_t, int64_t>;
  constexpr int64_t kTile = 512;
  T best[kTile];
  I at[kTile];
  for (int64_t c0 = 0; c0 < columns; c0 += kTile) {
    const int64_t m = std::min(kTile, columns - c0);
    const T* x = static_cast<const T*>(data) + c0;
    for (int64_t c = 0; c < m; ++c) best[c] = x[c], at[c] = 0;
    int64_t base = 0;  // a 32-bit lane counts from here
    auto settle = [&](bool last) {
      if (base == 0)
        for (int64_t c = 0; c < m; ++c) indices[c0 + c] = at[c];
      else
        for (int64_t c = 0; c < m; ++c)
          if (at[c] >= 0) indices[c0 + c] = base + at[c];
      if (!last) std::fill(at, at + m, I(-1));
    };
    for (int64_t r = 1; r < n; ++r) {
      if (r - base == (int64_t{1} << 30)) settle(false), base = r;
      const T* p = x + r * stride;
      const I index = static_cast<I>(r - base);
#pragma GCC ivdep
      for (int64_t c = 0; c < m; ++c) {
        const T v = p[c], b = best[c];
        const bool take = (Max ? v > b : v < b) | ((v != v) & (b == b));
        best[c] = take ? v : b;
        at[c] = take ? index : at[c];
      }
    }
    settle(true);
    if (values) std::copy(best, best + m, static_cast<T*>(values) + c0);
  }
}

template <bool Max, class T>
constexpr ArgLoops loops() { return {inner<Max, T>, outer<Max, T>}; }

}  // namespace

const ArgTable* arg_table() {
  static const ArgTable t{{{loops<true, float>(), loops<true, double>(), loops<true, int64_t>()},
                           {loops<false, float>(), loops<false, double>(), loops<false, int64_t>()}}};
  return &t;
}

}  // namespace tallow::TL_ISA_NS
