// Compiled once per instruction set.
#include "ops/fft/fft_loops.hpp"

#include <type_traits>
#include <utility>

#include "vec/lanes.hpp"

namespace tallow::fft::TL_ISA_NS {
namespace {

using namespace lanes;

#define TL_ALWAYS __attribute__((always_inline))
#define TL_INLINE inline TL_ALWAYS

// A complex number per lane.
template <class T>
struct Z {
  Vec<T> re, im;
};
template <class T> TL_INLINE Z<T> operator+(const Z<T>& a, const Z<T>& b) { return {a.re + b.re, a.im + b.im}; }
template <class T> TL_INLINE Z<T> operator-(const Z<T>& a, const Z<T>& b) { return {a.re - b.re, a.im - b.im}; }
template <class T> TL_INLINE Z<T> operator*(const Z<T>& a, const std::complex<T>& w) {
  return {a.re * w.real() - a.im * w.imag(), a.re * w.imag() + a.im * w.real()};
}
template <class T> TL_INLINE Z<T> operator*(const Z<T>& a, T s) { return {a.re * s, a.im * s}; }
template <class T> TL_INLINE Z<T> minus_i(const Z<T>& a) { return {a.im, -a.re}; }

// The n numbers of a vector of transforms.
template <class T>
struct Rows {
  Vec<T>*re, *im;
  TL_INLINE Z<T> operator[](int64_t i) const { return {re[i], im[i]}; }
  TL_INLINE void set(int64_t i, const Z<T>& z) const { re[i] = z.re, im[i] = z.im; }
};

// ---------------------------------------------------------------- transforms of a few numbers
template <int R, class T> struct Butterfly;

template <class T>
struct Butterfly<2, T> {
  static TL_INLINE void run(Z<T>* a) { a[0] = a[0] + a[1], a[1] = a[0] - a[1] * T(2); }
};
template <class T>
struct Butterfly<3, T> {
  static TL_INLINE void run(Z<T>* a) {
    constexpr T sine = T(0.866025403784438646763723170752936183);
    const Z<T> sum = a[1] + a[2], turn = minus_i(a[1] - a[2]) * sine, middle = a[0] - sum * T(0.5);
    a[0] = a[0] + sum, a[1] = middle + turn, a[2] = middle - turn;
  }
};
template <class T>
struct Butterfly<4, T> {
  static TL_INLINE void run(Z<T>* a) {
    const Z<T> s = a[0] + a[2], d = a[0] - a[2], t = a[1] + a[3], e = minus_i(a[1] - a[3]);
    a[0] = s + t, a[1] = d + e, a[2] = s - t, a[3] = d - e;
  }
};
template <class T>
struct Butterfly<5, T> {
  static TL_INLINE void run(Z<T>* a) {
    constexpr T c1 = T(0.309016994374947424102293417182819059), c2 = T(-0.809016994374947424102293417182819059);
    constexpr T s1 = T(0.951056516295153572116439333379382143), s2 = T(0.587785252292473129168705954639072769);
    const Z<T> p = a[1] + a[4], q = a[2] + a[3], u = minus_i(a[1] - a[4]), v = minus_i(a[2] - a[3]);
    const Z<T> x = a[0] + p * c1 + q * c2, y = a[0] + p * c2 + q * c1, z = u * s1 + v * s2, w = u * s2 - v * s1;
    a[0] = a[0] + p + q, a[1] = x + z, a[4] = x - z, a[2] = y + w, a[3] = y - w;
  }
};

template <class T>
struct Butterfly<8, T> {
  static TL_INLINE void run(Z<T>* a) {
    constexpr T h = T(0.707106781186547524400844362104849039);
    Z<T> even[4] = {a[0], a[2], a[4], a[6]}, odd[4] = {a[1], a[3], a[5], a[7]};
    Butterfly<4, T>::run(even), Butterfly<4, T>::run(odd);
    const Z<T> o1 = {(odd[1].re + odd[1].im) * h, (odd[1].im - odd[1].re) * h}, o2 = minus_i(odd[2]);
    const Z<T> o3 = {(odd[3].im - odd[3].re) * h, -(odd[3].re + odd[3].im) * h};
    a[0] = even[0] + odd[0], a[4] = even[0] - odd[0];
    a[1] = even[1] + o1, a[5] = even[1] - o1;
    a[2] = even[2] + o2, a[6] = even[2] - o2;
    a[3] = even[3] + o3, a[7] = even[3] - o3;
  }
};

template <int R, class T>
void pass(const Pass<T>& p, const Rows<T>& from, const Rows<T>& to) {
  const int64_t m = p.length / R, s = p.stride;
  for (int64_t i = 0; i < m; ++i) {
    const std::complex<T>* w = p.twiddles.data() + i * (R - 1);
    for (int64_t q = 0; q < s; ++q) {
      Z<T> a[R];
#pragma GCC unroll 8
      for (int j = 0; j < R; ++j) a[j] = from[q + s * (i + j * m)];
      Butterfly<R, T>::run(a);
      to.set(q + s * R * i, a[0]);
#pragma GCC unroll 8
      for (int k = 1; k < R; ++k) to.set(q + s * (R * i + k), a[k] * w[k - 1]);
    }
  }
}

// A prime without code of its own, by the definition.
template <class T>
void prime_pass(const Pass<T>& p, const Rows<T>& from, const Rows<T>& to) {
  const int64_t r = p.radix, m = p.length / r, s = p.stride;
  for (int64_t i = 0; i < m; ++i)
    for (int64_t q = 0; q < s; ++q)
      for (int64_t k = 0; k < r; ++k) {
        Z<T> sum = from[q + s * i];
        for (int64_t j = 1, e = k; j < r; ++j, e = e + k < r ? e + k : e + k - r) sum = sum + from[q + s * (i + j * m)] * p.roots[static_cast<size_t>(e)];
        to.set(q + s * (r * i + k), k ? sum * p.twiddles[static_cast<size_t>(i * (r - 1) + k - 1)] : sum);
      }
}

// ---------------------------------------------------------------- to and from lanes
template <class T>
using Mask = std::conditional_t<sizeof(T) == 8, Vec<int64_t>, Vec<int32_t>>;

// f(0), f(1), ... of two vectors' lanes, side by side.
template <class T, class F>
TL_INLINE Vec<T> shuffled(const Vec<T>& a, const Vec<T>& b, F f) {
  Mask<T> m{};
  for (int i = 0; i < Lanes<T>::count; ++i) m[i] = f(i);
  return __builtin_shuffle(a, b, m);
}

// A square of L vectors, mirrored: blocks of 1, 2, 4, ... change places (Eklundh, "A fast computer method for matrix transposing", 1972).
template <class T, int Size = 1>
TL_INLINE void transpose(Vec<T>* v) {
  constexpr int L = Lanes<T>::count;
  if constexpr (Size < L) {
#pragma GCC unroll 16
    for (int i = 0; i < L; ++i) {
      if (i & Size) continue;
      const Vec<T> a = v[i], b = v[i + Size];
      v[i] = shuffled<T>(a, b, [](int k) { return k & Size ? L + k - Size : k; });
      v[i + Size] = shuffled<T>(a, b, [](int k) { return k & Size ? L + k : k + Size; });
    }
    transpose<T, Size * 2>(v);
  }
}

// Full vectors of transforms that follow each other in memory, element for element.
template <class T>
bool adjacent(const LaneJob<T>& job, const int64_t* offset) {
  return job.lanes == Lanes<T>::count && offset[job.lanes - 1] - offset[0] == job.lanes - 1;
}

template <class T>
void gather(const LaneJob<T>& job, int64_t n, Vec<T>* re, Vec<T>* im) {
  constexpr int L = Lanes<T>::count;
  if (job.direction == Direction::Backward) std::swap(re, im);
  const T* in = reinterpret_cast<const T*>(job.in);
  if (adjacent(job, job.in_offset)) {
    const T* p = in + 2 * job.in_offset[0];
    for (int64_t j = 0; j < n; ++j, p += 2 * job.in_step) {
      const Vec<T> a = load(p), b = load(p + L);
      re[j] = shuffled<T>(a, b, [](int i) { return 2 * i; }), im[j] = shuffled<T>(a, b, [](int i) { return 2 * i + 1; });
    }
    return;
  }
  int64_t j = 0;
  if (job.in_step == 1 && job.lanes == L) {  // squares of rows that lie densely
    for (; j + L / 2 <= n; j += L / 2) {
      Vec<T> v[L];
#pragma GCC unroll 16
      for (int l = 0; l < L; ++l) v[l] = load(in + 2 * (job.in_offset[l] + j));
      transpose<T>(v);
#pragma GCC unroll 8
      for (int k = 0; k < L / 2; ++k) re[j + k] = v[2 * k], im[j + k] = v[2 * k + 1];
    }
  }
  T *r = reinterpret_cast<T*>(re), *i = reinterpret_cast<T*>(im);
  for (int64_t l = 0; l < L; ++l) {
    if (l >= job.lanes) {
      for (int64_t k = j; k < n; ++k) r[k * L + l] = i[k * L + l] = 0;
      continue;
    }
    const T* p = in + 2 * (job.in_offset[l] + j * job.in_step);
    for (int64_t k = j; k < n; ++k, p += 2 * job.in_step) r[k * L + l] = p[0], i[k * L + l] = p[1];
  }
}

template <class T>
void scatter(const LaneJob<T>& job, int64_t n, const Vec<T>* re, const Vec<T>* im) {
  constexpr int L = Lanes<T>::count;
  if (job.direction == Direction::Backward) std::swap(re, im);
  T* out = reinterpret_cast<T*>(job.out);
  if (adjacent(job, job.out_offset)) {
    T* p = out + 2 * job.out_offset[0];
    for (int64_t j = 0; j < n; ++j, p += 2 * job.out_step) {
      store(p, shuffled<T>(re[j], im[j], [](int i) { return i / 2 + (i % 2 ? L : 0); }));
      store(p + L, shuffled<T>(re[j], im[j], [](int i) { return L / 2 + i / 2 + (i % 2 ? L : 0); }));
    }
    return;
  }
  int64_t j = 0;
  if (job.out_step == 1 && job.lanes == L) {
    for (; j + L / 2 <= n; j += L / 2) {
      Vec<T> v[L];
#pragma GCC unroll 8
      for (int k = 0; k < L / 2; ++k) v[2 * k] = re[j + k], v[2 * k + 1] = im[j + k];
      transpose<T>(v);
#pragma GCC unroll 16
      for (int l = 0; l < L; ++l) store(out + 2 * (job.out_offset[l] + j), v[l]);
    }
  }
  const T *r = reinterpret_cast<const T*>(re), *i = reinterpret_cast<const T*>(im);
  for (int64_t l = 0; l < job.lanes; ++l) {
    T* p = out + 2 * (job.out_offset[l] + j * job.out_step);
    for (int64_t k = j; k < n; ++k, p += 2 * job.out_step) p[0] = r[k * L + l], p[1] = i[k * L + l];
  }
}

// Value k of lane l times near[k][l] far[k].
template <class T>
void turn(const LaneJob<T>& job, int64_t n, const Rows<T>& rows) {
  constexpr int64_t L = Lanes<T>::count;
  for (int64_t k = 0; k < n; ++k) {
    const T* near = reinterpret_cast<const T*>(job.near + k * kLanes<T>);
    T re[L], im[L];
    for (int64_t l = 0; l < L; ++l) re[l] = near[2 * l], im[l] = near[2 * l + 1];
    const Z<T> w = Z<T>{load(re), load(im)} * job.far[k], a = rows[k];
    rows.set(k, {a.re * w.re - a.im * w.im, a.re * w.im + a.im * w.re});
  }
}

template <class T>
void run(const Plan<T>& p, const LaneJob<T>& job) {
  constexpr int64_t L = Lanes<T>::count;
  const auto part = [&](int64_t i) { return reinterpret_cast<Vec<T>*>(job.scratch + i * p.n * L); };
  Rows<T> now{part(0), part(1)}, next{part(2), part(3)};
  gather(job, p.n, now.re, now.im);
  for (const Pass<T>& s : p.passes) {
    switch (s.radix) {
      case 2: pass<2>(s, now, next); break;
      case 3: pass<3>(s, now, next); break;
      case 4: pass<4>(s, now, next); break;
      case 5: pass<5>(s, now, next); break;
      case 8: pass<8>(s, now, next); break;
      default: prime_pass(s, now, next);
    }
    std::swap(now, next);
  }
  if (job.near) turn(job, p.n, now);
  if (job.scale != T(1))
    for (int64_t k = 0; k < p.n; ++k) now.set(k, now[k] * job.scale);
  scatter<T>(job, p.n, now.re, now.im);
}

// ---------------------------------------------------------------- real numbers
// With E and O the transforms of the even and odd numbers: Z = E + iO, X[k] = E[k] + w^k O[k], X[half - k] = conj(E[k] - w^k O[k]).
// Numbers (V: T or a vector of them) at k and at half - k change each other.
template <class T, class V>
TL_INLINE void join_pair(V& ar, V& ai, V& br, V& bi, const V& wr, const V& wi) {
  const V er = (ar + br) * T(0.5), ei = (ai - bi) * T(0.5), dr = (ai + bi) * T(0.5), di = (br - ar) * T(0.5);  // E[k], O[k]
  const V tr = dr * wr - di * wi, ti = dr * wi + di * wr;
  ar = er + tr, ai = ei + ti, br = er - tr, bi = ti - ei;
}
template <class T, class V>
TL_INLINE void part_pair(V& ar, V& ai, V& br, V& bi, const V& wr, const V& wi) {
  const V er = ar + br, ei = ai - bi, dr = ar - br, di = ai + bi;  // 2 E[k], 2 w^k O[k]
  const V tr = dr * wr + di * wi, ti = di * wr - dr * wi;          // 2 O[k]
  ar = er - ti, ai = ei + tr, br = er + ti, bi = tr - ei;
}

// f on all pairs (k, half - k), k from 1.
template <class T, class F>
TL_INLINE void for_pairs(const std::complex<T>* from, std::complex<T>* to, int64_t half, const std::complex<T>* roots, F f) {
  using V = Vec<T>;
  constexpr int L = Lanes<T>::count;
  const auto real = [](int i) { return 2 * i; };
  const auto imag = [](int i) { return 2 * i + 1; };
  const auto last_real = [](int i) { return 2 * (L - 1 - i); };
  const auto last_imag = [](int i) { return 2 * (L - 1 - i) + 1; };
  const auto low = [](int i) { return i / 2 + (i % 2 ? L : 0); };
  const auto high = [](int i) { return L / 2 + i / 2 + (i % 2 ? L : 0); };
  const auto last_low = [](int i) { return L - 1 - i / 2 + (i % 2 ? L : 0); };
  const auto last_high = [](int i) { return L / 2 - 1 - i / 2 + (i % 2 ? L : 0); };
  int64_t k = 1;
  for (; 2 * (k + L) <= half + 1; k += L) {  // k ... k + L - 1 are all below half - k
    const T *p = reinterpret_cast<const T*>(from + k), *q = reinterpret_cast<const T*>(from + half - k - L + 1), *w = reinterpret_cast<const T*>(roots + k);
    const V p0 = load(p), p1 = load(p + L), q0 = load(q), q1 = load(q + L), w0 = load(w), w1 = load(w + L);
    V ar = shuffled<T>(p0, p1, real), ai = shuffled<T>(p0, p1, imag), br = shuffled<T>(q0, q1, last_real), bi = shuffled<T>(q0, q1, last_imag);
    f(ar, ai, br, bi, shuffled<T>(w0, w1, real), shuffled<T>(w0, w1, imag));
    T *x = reinterpret_cast<T*>(to + k), *y = reinterpret_cast<T*>(to + half - k - L + 1);
    store(x, shuffled<T>(ar, ai, low)), store(x + L, shuffled<T>(ar, ai, high));
    store(y, shuffled<T>(br, bi, last_low)), store(y + L, shuffled<T>(br, bi, last_high));
  }
  for (; k <= half - k; ++k) {
    T ar = from[k].real(), ai = from[k].imag(), br = from[half - k].real(), bi = from[half - k].imag();
    f(ar, ai, br, bi, T(roots[k].real()), T(roots[k].imag()));
    to[half - k] = {br, bi}, to[k] = {ar, ai};
  }
}

template <class T>
void join(std::complex<T>* x, int64_t half, const std::complex<T>* roots) {
  const T re = x[0].real(), im = x[0].imag();
  x[0] = {re + im, 0}, x[half] = {re - im, 0};
  for_pairs<T>(x, x, half, roots, [](auto& ar, auto& ai, auto& br, auto& bi, auto wr, auto wi) TL_ALWAYS { join_pair<T>(ar, ai, br, bi, wr, wi); });
}
template <class T>
void part(const std::complex<T>* x, std::complex<T>* z, int64_t half, const std::complex<T>* roots) {
  z[0] = {x[0].real() + x[half].real(), x[0].real() - x[half].real()};
  for_pairs<T>(x, z, half, roots, [](auto& ar, auto& ai, auto& br, auto& bi, auto wr, auto wi) TL_ALWAYS { part_pair<T>(ar, ai, br, bi, wr, wi); });
}

template <class T>
void multiply(const std::complex<T>* from, const std::complex<T>* by, std::complex<T>* to, int64_t rows, int64_t width, bool conjugate) {
  for (int64_t i = 0; i < rows; ++i) {
    const T wr = by[i].real(), wi = conjugate ? -by[i].imag() : by[i].imag();
    const T* a = reinterpret_cast<const T*>(from + i * width);
    T* b = reinterpret_cast<T*>(to + i * width);
    for (int64_t j = 0; j < width; ++j) {
      const T re = a[2 * j], im = a[2 * j + 1];
      b[2 * j] = re * wr - im * wi, b[2 * j + 1] = re * wi + im * wr;
    }
  }
}

template <class T>
constexpr FftLoops<T> loops() {
  return {Lanes<T>::count, run<T>, join<T>, part<T>, multiply<T>};
}

}  // namespace

const FftTable* fft_table() {
  static const FftTable table{loops<float>(), loops<double>()};
  return &table;
}

}  // namespace tallow::fft::TL_ISA_NS
