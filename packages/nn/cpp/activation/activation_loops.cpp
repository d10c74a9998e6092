// Compiled once per instruction set. Each activation is a struct made of its params, with the value at x and the
// derivative there; kinks take the side that torch takes.
#include "activation/activation_loops.hpp"

#include "activation/functions.hpp"

namespace tallow_nn::TL_ISA {
namespace {

namespace vec = ::tallow::vec;

// Hendrycks and Gimpel, "Gaussian error linear units", 2016.
template <class T>
struct gelu_erf {
  explicit gelu_erf(const double*) {}
  inline __attribute__((always_inline)) T value(T x) const { return fn::times_normal_cdf(x); }
  inline __attribute__((always_inline)) T slope(T x) const {
    const auto p = fn::normal(x);
    return p.cdf + x * p.density;
  }
};

// (1 + tanh u) / 2 is sigmoid(2u).
template <class T>
struct gelu_tanh {
  explicit gelu_tanh(const double*) {}
  static constexpr T k = T(2 * 0.79788456080286535588), cubic = T(0.044715);
  inline __attribute__((always_inline)) T value(T x) const { return x * fn::sigmoid(k * (x + cubic * (x * x * x))); }
  inline __attribute__((always_inline)) T slope(T x) const {
    const auto s = fn::sigmoid_with_slope(k * (x + cubic * (x * x * x)));
    return s.value + x * s.slope * (k * (T(1) + T(3) * cubic * x * x));
  }
};

// Elfwing, Uchibe and Doya, "Sigmoid-weighted linear units", 2017.
template <class T>
struct silu {
  explicit silu(const double*) {}
  inline __attribute__((always_inline)) T value(T x) const { return x * fn::sigmoid(x); }
  inline __attribute__((always_inline)) T slope(T x) const {
    const auto s = fn::sigmoid_with_slope(x);
    return s.value + x * s.slope;
  }
};

// Misra, "Mish", 2019. tanh(log(1 + e^x)) is (e^2x + 2 e^x) / (e^2x + 2 e^x + 2); both parts over e^2x for positive x.
template <class T>
struct mish {
  explicit mish(const double*) {}
  inline __attribute__((always_inline)) T value(T x) const {
    const T z = fn::exp_negative(-vec::abs(x)), square = z * z;
    const T top = x > T(0) ? T(1) + T(2) * z : square + T(2) * z;
    return x * (top / (top + (x > T(0) ? T(2) * square : T(2))));
  }
  inline __attribute__((always_inline)) T slope(T x) const {  // t + x s (1 - t^2), without a difference of neighbours
    const T z = fn::exp_negative(-vec::abs(x)), square = z * z;
    const T top = x > T(0) ? T(1) + T(2) * z : square + T(2) * z, rest = x > T(0) ? T(2) * square : T(2), all = T(1) / (top + rest);
    const T t = top * all;
    return t + x * fn::sigmoid(x) * (rest * all * (T(1) + t));
  }
};

// Howard et al., "Searching for MobileNetV3", 2019.
template <class T>
struct hardswish {
  explicit hardswish(const double*) {}
  inline __attribute__((always_inline)) T value(T x) const {
    const T raised = x + T(3) < T(0) ? T(0) : x + T(3);
    return x * (raised > T(6) ? T(6) : raised) / T(6);
  }
  inline __attribute__((always_inline)) T slope(T x) const {
    const T inner = x < T(-3) ? T(0) : x / T(3) + T(0.5);
    return x > T(3) ? T(1) : inner;
  }
};

template <class T>
struct hardsigmoid {
  explicit hardsigmoid(const double*) {}
  inline __attribute__((always_inline)) T value(T x) const {
    const T raised = x + T(3) < T(0) ? T(0) : x + T(3);
    return (raised > T(6) ? T(6) : raised) / T(6);
  }
  inline __attribute__((always_inline)) T slope(T x) const { return (x > T(-3)) & (x < T(3)) ? T(1) / T(6) : T(0); }
};

template <class T>
struct hardtanh {
  T low, high;
  explicit hardtanh(const double* p) : low(static_cast<T>(p[0])), high(static_cast<T>(p[1])) {}
  inline __attribute__((always_inline)) T value(T x) const {
    const T raised = x < low ? low : x;
    return raised > high ? high : raised;
  }
  inline __attribute__((always_inline)) T slope(T x) const { return (x <= low) | (x >= high) ? T(0) : T(1); }
};

// Clevert, Unterthiner and Hochreiter, "Exponential linear units", 2015; Klambauer et al. (SELU), 2017; Barron (CELU), 2017.
template <class T>
struct elu {
  T negative, positive, rate;
  explicit elu(const double* p) : negative(static_cast<T>(p[0] * p[1])), positive(static_cast<T>(p[1])), rate(static_cast<T>(p[2])) {}
  inline __attribute__((always_inline)) T value(T x) const { return x <= T(0) ? negative * vec::expm1(x * rate) : x * positive; }
  inline __attribute__((always_inline)) T slope(T x) const { return x <= T(0) ? negative * rate * fn::exp_negative(x * rate) : positive; }
};

// Maas, Hannun and Ng, "Rectifier nonlinearities improve neural network acoustic models", 2013.
template <class T>
struct leaky_relu {
  T negative;
  explicit leaky_relu(const double* p) : negative(static_cast<T>(p[0])) {}
  inline __attribute__((always_inline)) T value(T x) const { return x > T(0) ? x : x * negative; }
  inline __attribute__((always_inline)) T slope(T x) const { return x > T(0) ? T(1) : negative; }
};

template <class T>
struct softplus {
  T beta, threshold;
  explicit softplus(const double* p) : beta(static_cast<T>(p[0])), threshold(static_cast<T>(p[1])) {}
  inline __attribute__((always_inline)) T value(T x) const { return x * beta > threshold ? x : fn::softplus(x * beta) / beta; }
  inline __attribute__((always_inline)) T slope(T x) const { return x * beta > threshold ? T(1) : fn::sigmoid(x * beta); }
};

template <class T>
struct softshrink {
  T limit;
  explicit softshrink(const double* p) : limit(static_cast<T>(p[0])) {}
  inline __attribute__((always_inline)) T value(T x) const {
    const T below = x < -limit ? x + limit : x * T(0);  // a NaN stays
    return x > limit ? x - limit : below;
  }
  inline __attribute__((always_inline)) T slope(T x) const { return (x >= -limit) & (x <= limit) ? T(0) : T(1); }
};

template <class T>
struct log_sigmoid {
  explicit log_sigmoid(const double*) {}
  inline __attribute__((always_inline)) T value(T x) const { return -fn::softplus(-x); }
  inline __attribute__((always_inline)) T slope(T x) const { return fn::sigmoid(-x); }
};

// What some blocks further on is read and written comes into the cache meanwhile: arithmetic this long leaves the processor
// no room to look ahead by itself. (The backward, with three streams, does not gain.)
template <class T, class F>
void forward(const T* x, T* y, int64_t n, const double* params) {
  constexpr int64_t line = 64 / static_cast<int64_t>(sizeof(T)), block = 16 * line, ahead = 8 * block;
  const F f(params);
  for (int64_t b = 0; b < n; b += block) {
    const int64_t e = b + block < n ? b + block : n;
    for (int64_t i = b + ahead; i < n && i < e + ahead; i += line) __builtin_prefetch(x + i), __builtin_prefetch(y + i, 1);
#pragma GCC ivdep
    for (int64_t i = b; i < e; ++i) y[i] = f.value(x[i]);
  }
}
template <class T, class F>
void backward(const T* dy, const T* x, T* dx, int64_t n, const double* params) {
  const F f(params);
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) dx[i] = dy[i] * f.slope(x[i]);
}

}  // namespace

#define TL_NN_F32(name, params) {forward<float, name<float>>, backward<float, name<float>>},
#define TL_NN_F64(name, params) {forward<double, name<double>>, backward<double, name<double>>},
extern const ActivationLoops activation_loops;
const ActivationLoops activation_loops{{TL_NN_ACTIVATIONS(TL_NN_F32)}, {TL_NN_ACTIVATIONS(TL_NN_F64)}};

}  // namespace tallow_nn::TL_ISA
