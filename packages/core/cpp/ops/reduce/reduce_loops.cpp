// The inner loops of the elementary reductions; compiled once per instruction set.
#include <algorithm>
#include <cmath>
#include <limits>

#include "ops/reduce/reducers.hpp"
#include "vec/isa.hpp"
#include "vec/lanes.hpp"
#include "vec/math.hpp"

namespace tallow::TL_ISA_NS {
namespace {

using namespace lanes;

#define TL_INLINE inline __attribute__((always_inline))

template <class T> struct wide { using type = double; };
template <> struct wide<uint64_t> { using type = uint64_t; };  // 64-bit sums and products wrap, as torch's do
template <> struct wide<c64> { using type = c128; };
template <> struct wide<c128> { using type = c128; };
template <class T> using wide_t = typename wide<T>::type;
template <class T> constexpr bool kComplex = std::is_same_v<wide_t<T>, c128>;

// How far ahead to ask for memory: the processor's own prefetching stops at each page.
template <class T> constexpr int64_t kAhead = 2048 / sizeof(T);

template <class V> TL_INLINE V absolute(V x) { return x < 0 ? -x : x; }

// ---------------------------------------------------------------- sums of f(x)
struct Identity {
  template <class V> static TL_INLINE V map(V x) { return x; }
};
struct SkipNan {
  template <class V> static TL_INLINE V map(V x) { return x == x ? x : V{}; }
};
struct Absolute {
  template <class V> static TL_INLINE V map(V x) { return absolute(x); }
};
struct Square {
  template <class V> static TL_INLINE V map(V x) { return x * x; }
};

template <class F, class T>
TL_INLINE wide_t<T> sum_run(const T* x, int64_t n) {
  using V = Vec<T>;
  constexpr int L = Lanes<T>::count;
  wide_t<T> total{};
  int64_t i = 0;
  if (n >= L) {
    constexpr int64_t kStep = L * kAccumulators, kChain = 16;  // a lane adds at most this many before it is set aside
    V a[kAccumulators] = {}, done = {};
    for (; i + kStep * kChain <= n;) {
      V b[kAccumulators] = {};
      for (const int64_t end = i + kStep * kChain; i < end; i += kStep) {
#pragma GCC unroll 8
        for (int k = 0; k < kAccumulators; ++k) {
          __builtin_prefetch(x + i + k * L + kAhead<T>);
          b[k] += F::map(load(x + i + k * L));
        }
      }
      done += (b[0] + b[1]) + (b[2] + b[3]);
    }
    for (; i + kStep <= n; i += kStep) {
#pragma GCC unroll 8
      for (int k = 0; k < kAccumulators; ++k) a[k] += F::map(load(x + i + k * L));
    }
    for (; i + L <= n; i += L) a[0] += F::map(load(x + i));
    const V v = done + ((a[0] + a[1]) + (a[2] + a[3]));
    T lanes[L];
    store(lanes, v);
    if constexpr (std::is_same_v<T, uint64_t>) {
      for (int k = 0; k < L; ++k) total += lanes[k];
    } else {
      double half[2] = {};
      for (int k = 0; k < L; k += 2) half[0] += lanes[k], half[1] += lanes[k + 1];
      total = half[0] + half[1];
    }
  }
  for (; i < n; ++i) total += static_cast<wide_t<T>>(F::map(x[i]));
  return total;
}

template <class F, class T>
struct SumOf {
  using Acc = wide_t<T>;
  static Acc identity() { return Acc{}; }
  static TL_INLINE void merge(Acc& a, const Acc& b) { a += b; }
  static TL_INLINE void inner(const T* x, int64_t n, Acc& acc, double) { acc += sum_run<F>(x, n); }
  static void outer(const T* x, int64_t n, int64_t stride, int64_t columns, Acc* acc, double) {
    // A few rows are added in the element type first: half the conversions, and still short chains.
    T tile[kColumns];
    for (int64_t r = 0; r < n;) {
      const int64_t end = std::min(n, r + 32);
      for (int64_t c = 0; c < columns; ++c) tile[c] = F::map(x[r * stride + c]);
      for (++r; r + 4 <= end; r += 4) {
        const T *p0 = x + r * stride, *p1 = p0 + stride, *p2 = p1 + stride, *p3 = p2 + stride;
        for (int64_t c = 0; c < columns; ++c) tile[c] += (F::map(p0[c]) + F::map(p1[c])) + (F::map(p2[c]) + F::map(p3[c]));
      }
      for (; r < end; ++r)
        for (int64_t c = 0; c < columns; ++c) tile[c] += F::map(x[r * stride + c]);
#pragma GCC ivdep
      for (int64_t c = 0; c < columns; ++c) acc[c] += static_cast<Acc>(tile[c]);
    }
  }
};

template <class T>
struct ComplexSum {
  using Acc = c128;
  static Acc identity() { return {}; }
  static TL_INLINE void merge(Acc& a, const Acc& b) { a += b; }
  static TL_INLINE void inner(const T* x, int64_t n, Acc& acc, double) {
    double re[2] = {}, im[2] = {};
    int64_t i = 0;
    for (; i + 2 <= n; i += 2)
      for (int k = 0; k < 2; ++k) re[k] += x[i + k].real(), im[k] += x[i + k].imag();
    if (i < n) re[0] += x[i].real(), im[0] += x[i].imag();
    acc += Acc(re[0] + re[1], im[0] + im[1]);
  }
  static void outer(const T* x, int64_t n, int64_t stride, int64_t columns, Acc* acc, double) {
    for (int64_t r = 0; r < n; ++r)
      for (int64_t c = 0; c < columns; ++c) acc[c] += Acc(x[r * stride + c]);
  }
};

template <class T>
struct PowerSum {  // sum of |x|^p
  using Acc = double;
  static Acc identity() { return 0; }
  static TL_INLINE void merge(Acc& a, const Acc& b) { a += b; }
  static TL_INLINE void powers(const T* x, int64_t n, T p, T* to) {
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i) to[i] = vec::TL_ISA_NS::pow(vec::TL_ISA_NS::abs(x[i]), p);
  }
  static void inner(const T* x, int64_t n, Acc& acc, double p) {
    T buffer[512];
    for (int64_t i = 0; i < n; i += 512) {
      const int64_t m = std::min<int64_t>(512, n - i);
      powers(x + i, m, static_cast<T>(p), buffer);
      acc += sum_run<Identity>(buffer, m);
    }
  }
  static void outer(const T* x, int64_t n, int64_t stride, int64_t columns, Acc* acc, double p) {
    T buffer[kColumns];
    for (int64_t r = 0; r < n; ++r) {
      powers(x + r * stride, columns, static_cast<T>(p), buffer);
      for (int64_t c = 0; c < columns; ++c) acc[c] += buffer[c];
    }
  }
};

// ---------------------------------------------------------------- products
template <class T>
struct Product {
  using Acc = wide_t<T>;
  static Acc identity() { return Acc(1); }
  static TL_INLINE void merge(Acc& a, const Acc& b) { a *= b; }
  static TL_INLINE void inner(const T* x, int64_t n, Acc& acc, double) {
    constexpr int64_t kLanes = kComplex<T> ? 4 : 64;  // products side by side: a few vectors of double
    Acc a[kLanes];
    std::fill(a, a + kLanes, Acc(1));
    int64_t i = 0;
    for (; i + kLanes <= n; i += kLanes)
      for (int64_t k = 0; k < kLanes; ++k) a[k] *= static_cast<Acc>(x[i + k]);
    for (; i < n; ++i) a[0] *= static_cast<Acc>(x[i]);
    for (int64_t half = kLanes / 2; half; half /= 2)
      for (int64_t k = 0; k < half; ++k) a[k] *= a[k + half];
    acc *= a[0];
  }
  static void outer(const T* x, int64_t n, int64_t stride, int64_t columns, Acc* acc, double) {
    for (int64_t r = 0; r < n; ++r)
#pragma GCC ivdep
      for (int64_t c = 0; c < columns; ++c) acc[c] *= static_cast<Acc>(x[r * stride + c]);
  }
};

// ---------------------------------------------------------------- extrema; a NaN wins over every number
template <bool Max, class V>
TL_INLINE V pick(V acc, V x) {
  acc = Max ? (x > acc ? x : acc) : (x < acc ? x : acc);
  return x != x ? x : acc;
}

template <bool Max, class F, class T>
struct Extremum {
  using Acc = T;
  static Acc identity() {
    if constexpr (std::is_same_v<T, int64_t>) return Max ? std::numeric_limits<T>::min() : std::numeric_limits<T>::max();
    else return Max ? -std::numeric_limits<T>::infinity() : std::numeric_limits<T>::infinity();
  }
  static TL_INLINE void merge(Acc& a, const Acc& b) { a = pick<Max>(a, b); }
  static TL_INLINE void inner(const T* x, int64_t n, Acc& acc, double) {
    using V = Vec<T>;
    constexpr int L = Lanes<T>::count;
    T best = acc;
    int64_t i = 0;
    if (n >= L) {
      V a[kAccumulators];
#pragma GCC unroll 8
      for (int k = 0; k < kAccumulators; ++k) a[k] = F::map(load(x));
      for (; i + L * kAccumulators <= n; i += L * kAccumulators) {
#pragma GCC unroll 8
        for (int k = 0; k < kAccumulators; ++k) {
          __builtin_prefetch(x + i + k * L + kAhead<T>);
          a[k] = pick<Max>(a[k], F::map(load(x + i + k * L)));
        }
      }
      for (; i + L <= n; i += L) a[0] = pick<Max>(a[0], F::map(load(x + i)));
      T lanes[L];
      store(lanes, pick<Max>(pick<Max>(a[0], a[1]), pick<Max>(a[2], a[3])));
      for (int k = 0; k < L; ++k) best = pick<Max>(best, lanes[k]);
    }
    for (; i < n; ++i) best = pick<Max>(best, F::map(x[i]));
    acc = best;
  }
  static void outer(const T* x, int64_t n, int64_t stride, int64_t columns, Acc* acc, double) {
    int64_t r = 0;
    for (; r + 2 <= n; r += 2) {
      const T *p0 = x + r * stride, *p1 = p0 + stride;
#pragma GCC ivdep
      for (int64_t c = 0; c < columns; ++c) acc[c] = pick<Max>(pick<Max>(acc[c], F::map(p0[c])), F::map(p1[c]));
    }
    for (; r < n; ++r)
#pragma GCC ivdep
      for (int64_t c = 0; c < columns; ++c) acc[c] = pick<Max>(acc[c], F::map(x[r * stride + c]));
  }
};

// ---------------------------------------------------------------- truth, on bytes 0 and 1
template <bool IsAny>
struct Truth {
  using Acc = uint8_t;
  static Acc identity() { return !IsAny; }
  static TL_INLINE void merge(Acc& a, const Acc& b) { a = IsAny ? a | b : a & b; }
  static TL_INLINE void inner(const uint8_t* x, int64_t n, Acc& acc, double) {
    uint8_t a = acc;
    for (int64_t i = 0; i < n; ++i) a = IsAny ? a | x[i] : a & x[i];
    acc = a;
  }
  static void outer(const uint8_t* x, int64_t n, int64_t stride, int64_t columns, Acc* acc, double) {
    for (int64_t r = 0; r < n; ++r)
#pragma GCC ivdep
      for (int64_t c = 0; c < columns; ++c) merge(acc[c], x[r * stride + c]);
  }
};
struct CountTrue {
  using Acc = int64_t;
  static Acc identity() { return 0; }
  static TL_INLINE void merge(Acc& a, const Acc& b) { a += b; }
  static TL_INLINE void inner(const uint8_t* x, int64_t n, Acc& acc, double) {
    uint32_t s = 0;
    for (int64_t i = 0; i < n; ++i) s += x[i];
    acc += s;
  }
  static void outer(const uint8_t* x, int64_t n, int64_t stride, int64_t columns, Acc* acc, double) {
    uint8_t tile[kColumns];
    for (int64_t r = 0; r < n;) {
      const int64_t end = std::min(n, r + 255);
      std::fill(tile, tile + columns, uint8_t{0});
      for (; r < end; ++r)
#pragma GCC ivdep
        for (int64_t c = 0; c < columns; ++c) tile[c] = static_cast<uint8_t>(tile[c] + x[r * stride + c]);
      for (int64_t c = 0; c < columns; ++c) acc[c] += tile[c];
    }
  }
};

// ---------------------------------------------------------------- mean and squared deviations
template <class T>
struct MomentsOf {
  using Acc = Moments;
  static Acc identity() { return {}; }
  static TL_INLINE void merge(Acc& a, const Acc& b) {
    if (b.n == 0) return;
    const double n = a.n + b.n, d = b.mean - a.mean;
    a.m2 += b.m2 + d * d * (a.n * b.n / n);
    a.mean += d * (b.n / n);
    a.n = n;
  }
  static void inner(const T* x, int64_t n, Acc& acc, double) {
    if (n == 0) return;
    using V = Vec<T>;
    constexpr int L = Lanes<T>::count;
    const double mean = sum_run<Identity>(x, n) / static_cast<double>(n);
    const T m = static_cast<T>(mean);
    V s0{}, s1{}, d0{}, d1{};
    const V mv = broadcast(m);
    int64_t i = 0;
    for (; i + 2 * L <= n; i += 2 * L) {
      const V a = load(x + i) - mv, b = load(x + i + L) - mv;
      d0 += a, d1 += b;
      s0 += a * a, s1 += b * b;
    }
    T ls[L], ld[L];
    store(ls, s0 + s1), store(ld, d0 + d1);
    double squares = 0, deviations = 0;
    for (int k = 0; k < L; ++k) squares += ls[k], deviations += ld[k];
    for (; i < n; ++i) {
      const T d = x[i] - m;
      deviations += d, squares += static_cast<double>(d) * d;
    }
    // The mean that was subtracted is rounded: the deviations' own mean corrects for it.
    const double shift = deviations / static_cast<double>(n);
    merge(acc, {static_cast<double>(n), static_cast<double>(m) + shift, std::max(0.0, squares - deviations * shift)});
    if (squares != squares) acc.m2 = squares;
  }
  static void outer(const T* x, int64_t n, int64_t stride, int64_t columns, Acc* acc, double) {
    if (n == 0) return;
    T mean[kColumns], squares[kColumns], deviations[kColumns];
    const double before = acc[0].n;  // the same for all columns
    double done = before;
    for (int64_t r0 = 0; r0 < n; r0 += 64) {
      const int64_t rows = std::min<int64_t>(64, n - r0);
      const T* p = x + r0 * stride;
      for (int64_t c = 0; c < columns; ++c) mean[c] = p[c];
      for (int64_t r = 1; r < rows; ++r)
        for (int64_t c = 0; c < columns; ++c) mean[c] += p[r * stride + c];
      const T scale = T(1) / static_cast<T>(rows);
      for (int64_t c = 0; c < columns; ++c) mean[c] *= scale, squares[c] = 0, deviations[c] = 0;
      for (int64_t r = 0; r < rows; ++r)
#pragma GCC ivdep
        for (int64_t c = 0; c < columns; ++c) {
          const T d = p[r * stride + c] - mean[c];
          deviations[c] += d;
          squares[c] += d * d;
        }
      const double nb = static_cast<double>(rows), total = done + nb, part = nb / total, cross = done * part;
      for (int64_t c = 0; c < columns; ++c) {
        const double shift = deviations[c] / nb, mb = mean[c] + shift;
        double m2 = squares[c] - deviations[c] * shift;
        m2 = m2 < 0 ? 0 : m2;
        const double d = mb - acc[c].mean;
        acc[c].m2 += m2 + d * d * cross;
        acc[c].mean += d * part;
        acc[c].n = total;
      }
      done = total;
    }
  }
};

// ---------------------------------------------------------------- the table
template <class R, class T>
ReduceLoops loops() {
  using Acc = typename R::Acc;
  ReduceLoops l;
  l.accumulator = sizeof(Acc);
  l.init = [](void* a, int64_t n) { std::fill(static_cast<Acc*>(a), static_cast<Acc*>(a) + n, R::identity()); };
  l.inner = [](const void* x, int64_t rows, int64_t stride, int64_t n, void* a, double p) {
    for (int64_t r = 0; r < rows; ++r) R::inner(static_cast<const T*>(x) + r * stride, n, static_cast<Acc*>(a)[r], p);
  };
  l.outer = [](const void* x, int64_t n, int64_t stride, int64_t columns, void* a, double p) {
    R::outer(static_cast<const T*>(x), n, stride, columns, static_cast<Acc*>(a), p);
  };
  l.merge = [](void* a, const void* b, int64_t n) {
    for (int64_t i = 0; i < n; ++i) R::merge(static_cast<Acc*>(a)[i], static_cast<const Acc*>(b)[i]);
  };
  return l;
}

template <class T>
void floats(ReduceTable& t, ReduceType c) {
  auto at = [&](Reducer r) -> ReduceLoops& { return t.loops[static_cast<int>(r)][c]; };
  at(Reducer::Sum) = loops<SumOf<Identity, T>, T>();
  at(Reducer::NanSum) = loops<SumOf<SkipNan, T>, T>();
  at(Reducer::AbsSum) = loops<SumOf<Absolute, T>, T>();
  at(Reducer::SquareSum) = loops<SumOf<Square, T>, T>();
  at(Reducer::PowerSum) = loops<PowerSum<T>, T>();
  at(Reducer::Prod) = loops<Product<T>, T>();
  at(Reducer::Max) = loops<Extremum<true, Identity, T>, T>();
  at(Reducer::Min) = loops<Extremum<false, Identity, T>, T>();
  at(Reducer::AbsMax) = loops<Extremum<true, Absolute, T>, T>();
  at(Reducer::AbsMin) = loops<Extremum<false, Absolute, T>, T>();
  at(Reducer::Moments) = loops<MomentsOf<T>, T>();
}

}  // namespace

const ReduceTable* reduce_table() {
  static const ReduceTable table = [] {
    ReduceTable t{};
    floats<float>(t, kRF32);
    floats<double>(t, kRF64);
    auto at = [&](Reducer r, ReduceType c) -> ReduceLoops& { return t.loops[static_cast<int>(r)][c]; };
    at(Reducer::Sum, kRI64) = loops<SumOf<Identity, uint64_t>, uint64_t>();
    at(Reducer::Prod, kRI64) = loops<Product<uint64_t>, uint64_t>();
    at(Reducer::Max, kRI64) = loops<Extremum<true, Identity, int64_t>, int64_t>();
    at(Reducer::Min, kRI64) = loops<Extremum<false, Identity, int64_t>, int64_t>();
    at(Reducer::Any, kRBool) = loops<Truth<true>, uint8_t>();
    at(Reducer::All, kRBool) = loops<Truth<false>, uint8_t>();
    at(Reducer::Count, kRBool) = loops<CountTrue, uint8_t>();
    if constexpr (kIsBaseline) {  // complex arithmetic gains nothing from wider sets worth its compile time
      at(Reducer::Sum, kRC64) = loops<ComplexSum<c64>, c64>();
      at(Reducer::Sum, kRC128) = loops<ComplexSum<c128>, c128>();
      at(Reducer::Prod, kRC64) = loops<Product<c64>, c64>();
      at(Reducer::Prod, kRC128) = loops<Product<c128>, c128>();
    }
    return t;
  }();
  return &table;
}

}  // namespace tallow::TL_ISA_NS
