// Compiled once per instruction set. Sums run in a fixed number of lanes, block by block, and the blocks are added in double.
#include "loss/element_loops.hpp"

#include <tallow/vec/exp.hpp>
#include <tallow/vec/log.hpp>

namespace tallow_nn::TL_ISA {
namespace {

namespace vec = ::tallow::vec;

template <class T> inline T magnitude(T v) { return v < 0 ? -v : v; }
template <class T> inline T sign(T v) { return v > 0 ? T(1) : v < 0 ? T(-1) : v; }

struct Squared {
  template <class T> static T value(T x, T t, T) { return (x - t) * (x - t); }
  template <class T> static T slope(T x, T t, T) { return T(2) * (x - t); }
};
struct Smooth {  // d^2 / (2 p) below p, |d| - p / 2 beyond
  template <class T>
  static T value(T x, T t, T p) {
    const T a = magnitude(x - t);
    return a < p ? T(0.5) * a * a / p : a - T(0.5) * p;
  }
  template <class T>
  static T slope(T x, T t, T p) {
    const T d = x - t;
    return magnitude(d) < p ? d / p : sign(d);
  }
};
struct Huber {  // d^2 / 2 up to p, p (|d| - p / 2) beyond
  template <class T>
  static T value(T x, T t, T p) {
    const T a = magnitude(x - t);
    return a <= p ? T(0.5) * a * a : p * (a - T(0.5) * p);
  }
  template <class T>
  static T slope(T x, T t, T p) {
    const T d = x - t;
    return magnitude(d) <= p ? d : p * sign(d);
  }
};
struct Binary {  // -(t log x + (1 - t) log(1 - x)), logarithms at least -100
  template <class T>
  static T value(T x, T t, T) {
    const T yes = vec::log(x), no = vec::log1p(-x), least = T(-100);
    return (t - T(1)) * (no < least ? least : no) - t * (yes < least ? least : yes);
  }
  template <class T>
  static T slope(T x, T t, T) {  // the bound of the logarithms does not flatten the slope
    const T spread = (T(1) - x) * x, least = T(1e-12);
    return (x - t) / (spread < least ? least : spread);
  }
};
// log(1 + e^z) without overflow.
template <class T> inline T softplus(T z) { return (z > 0 ? z : T(0)) + vec::log1p(vec::exp(-magnitude(z))); }
struct BinaryLogits {
  template <class T> static T value(T x, T t, T) { return (T(1) - t) * x + softplus(-x); }
  template <class T> static T slope(T x, T t, T) { return vec::sigmoid(x) - t; }
};
struct SoftMargin {  // log(1 + e^(-x t))
  template <class T> static T value(T x, T t, T) { return softplus(-x * t); }
  template <class T> static T slope(T x, T t, T) { return -t * vec::sigmoid(-x * t); }
};

constexpr int64_t kBlock = 1024, kLanes = 32;

template <class F, class T>
void each(const T* __restrict x, const T* __restrict t, T p, T* __restrict out, int64_t n) {
  for (int64_t i = 0; i < n; ++i) out[i] = F::value(x[i], t[i], p);
}

template <class F, class T>
double sum(const T* x, const T* t, T p, int64_t n) {
  T values[kBlock];
  double total = 0;
  for (int64_t b = 0; b < n; b += kBlock) {
    const int64_t count = n - b < kBlock ? n - b : kBlock;
    each<F>(x + b, t + b, p, values, count);
    T lanes[kLanes] = {};
    int64_t i = 0;
    for (; i + kLanes <= count; i += kLanes)
      for (int64_t k = 0; k < kLanes; ++k) lanes[k] += values[i + k];
    for (T v : lanes) total += static_cast<double>(v);
    for (; i < count; ++i) total += static_cast<double>(values[i]);
  }
  return total;
}

template <class F, class T>
void slope(const T* __restrict x, const T* __restrict t, T p, const T* __restrict g, T scale, T* __restrict out, int64_t n) {
  if (g)
    for (int64_t i = 0; i < n; ++i) out[i] = g[i] * F::slope(x[i], t[i], p);
  else
    for (int64_t i = 0; i < n; ++i) out[i] = scale * F::slope(x[i], t[i], p);
}

template <class F, class T> constexpr ElementPasses<T> kPasses = {sum<F, T>, each<F, T>, slope<F, T>};

}  // namespace

extern const ElementLoops element_loops;
const ElementLoops element_loops = {
    {kPasses<Squared, float>, kPasses<Smooth, float>, kPasses<Huber, float>, kPasses<Binary, float>, kPasses<BinaryLogits, float>, kPasses<SoftMargin, float>},
    {kPasses<Squared, double>, kPasses<Smooth, double>, kPasses<Huber, double>, kPasses<Binary, double>, kPasses<BinaryLogits, double>,
     kPasses<SoftMargin, double>}};

}  // namespace tallow_nn::TL_ISA
