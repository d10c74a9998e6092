// Compiled once per instruction set.
#include "ops/cumulative/scan_loops.hpp"

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "vec/isa.hpp"
#include "vec/lanes.hpp"

namespace tallow::TL_ISA_NS {
namespace {

using namespace lanes;

#define TL_INLINE inline __attribute__((always_inline))

template <class T> using wide_t = std::conditional_t<std::is_same_v<T, uint64_t>, uint64_t, double>;

template <bool Sum, class A>
TL_INLINE A step(A acc, A x) { return Sum ? acc + x : acc * x; }

// A register of accumulators, and as many elements.
template <class T> struct Scan {
  using A = wide_t<T>;
  static constexpr int lanes = kVectorBytes / 8;
  typedef A Wide __attribute__((vector_size(kVectorBytes)));
  typedef int64_t Mask __attribute__((vector_size(kVectorBytes)));
  typedef T Narrow __attribute__((vector_size(lanes * sizeof(T))));

  static TL_INLINE Wide load(const T* p) {
    Narrow v;
    std::memcpy(&v, p, sizeof v);
    return __builtin_convertvector(v, Wide);
  }
  static TL_INLINE void store(T* p, Wide w) {
    const Narrow v = __builtin_convertvector(w, Narrow);
    std::memcpy(p, &v, sizeof v);
  }
  // v moved up by `by` lanes, with `fill` below.
  template <int by> static TL_INLINE Wide up(Wide v, Wide fill) {
    Mask m;
    for (int i = 0; i < lanes; ++i) m[i] = i < by ? i : lanes + i - by;
    return __builtin_shuffle(fill, v, m);
  }
  static TL_INLINE Wide last(Wide v) {
    Mask m;
    for (int i = 0; i < lanes; ++i) m[i] = lanes - 1;
    return __builtin_shuffle(v, m);
  }
};

// Within a register by doubling (Hillis and Steele, 1986), from register to register by a carry.
template <bool Sum, class T>
void row(const T* x, T* y, int64_t n, wide_t<T> init) {
  using S = Scan<T>;
  using W = typename S::Wide;
  const W identity = W{} + wide_t<T>(Sum ? 0 : 1);
  W carry = W{} + init;
  int64_t i = 0;
  for (; i + S::lanes <= n; i += S::lanes) {
    W v = S::load(x + i);
    v = step<Sum>(v, S::template up<1>(v, identity));
    if constexpr (S::lanes > 2) v = step<Sum>(v, S::template up<2>(v, identity));
    if constexpr (S::lanes > 4) v = step<Sum>(v, S::template up<4>(v, identity));
    v = step<Sum>(carry, v);
    S::store(y + i, v);
    carry = S::last(v);
  }
  wide_t<T> acc = carry[0];
  for (; i < n; ++i) {
    acc = step<Sum>(acc, static_cast<wide_t<T>>(x[i]));
    y[i] = static_cast<T>(acc);
  }
}

template <bool Sum, class T>
void rows(const void* from, void* to, int64_t count, int64_t stride, int64_t n, const void* start) {
  for (int64_t r = 0; r < count; ++r)
    row<Sum>(static_cast<const T*>(from) + r * stride, static_cast<T*>(to) + r * stride, n, static_cast<const wide_t<T>*>(start)[r]);
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
  using S = Scan<T>;
  using W = typename S::Wide;
  const T* x = static_cast<const T*>(from);
  const W identity = W{} + wide_t<T>(Sum ? 0 : 1);
  W a[4] = {identity, identity, identity, identity};
  int64_t i = 0;
  for (; i + 4 * S::lanes <= n; i += 4 * S::lanes) {
#pragma GCC unroll 4
    for (int k = 0; k < 4; ++k) a[k] = step<Sum>(a[k], S::load(x + i + k * S::lanes));
  }
  const W v = step<Sum>(step<Sum>(a[0], a[1]), step<Sum>(a[2], a[3]));
  wide_t<T> acc = v[0];
  for (int k = 1; k < S::lanes; ++k) acc = step<Sum>(acc, static_cast<wide_t<T>>(v[k]));
  for (; i < n; ++i) acc = step<Sum>(acc, static_cast<wide_t<T>>(x[i]));
  *static_cast<wide_t<T>*>(to) = acc;
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
