// Compiled once per instruction set. Each activation is a struct made of its params, with the value at x and the
// derivative there; kinks take the side that torch takes.
#include "activation/activation_loops.hpp"

#include "vec/math.hpp"

namespace tallow_nn::TL_ISA {
namespace {

// Hendrycks and Gimpel, "Gaussian error linear units", 2016.
template <class T>
struct gelu_erf {
  explicit gelu_erf(const double*) {}
  TL_NN_INLINE T value(T x) const { return math::times_normal_cdf(x); }
  TL_NN_INLINE T slope(T x) const {
    const auto p = math::normal(x);
    return p.cdf + x * p.density;
  }
};

// (1 + tanh u) / 2 is sigmoid(2u).
template <class T>
struct gelu_tanh {
  explicit gelu_tanh(const double*) {}
  static constexpr T k = T(2 * 0.79788456080286535588), cubic = T(0.044715);
  TL_NN_INLINE T value(T x) const { return x * math::sigmoid(k * (x + cubic * (x * x * x))); }
  TL_NN_INLINE T slope(T x) const {
    const T s = math::sigmoid(k * (x + cubic * (x * x * x)));
    return s + x * s * (T(1) - s) * (k * (T(1) + T(3) * cubic * x * x));
  }
};

// Elfwing, Uchibe and Doya, "Sigmoid-weighted linear units", 2017.
template <class T>
struct silu {
  explicit silu(const double*) {}
  TL_NN_INLINE T value(T x) const { return x * math::sigmoid(x); }
  TL_NN_INLINE T slope(T x) const {
    const T s = math::sigmoid(x);
    return s * (T(1) + x * (T(1) - s));
  }
};

// Misra, "Mish", 2019. tanh(log(1 + e^x)) is (e^2x + 2 e^x) / (e^2x + 2 e^x + 2); both parts over e^2x for positive x.
template <class T>
struct mish {
  explicit mish(const double*) {}
  TL_NN_INLINE static T tanh_softplus(T x) {
    const T z = math::exp_negative(-math::abs(x)), square = z * z;
    const T top = x > T(0) ? T(1) + T(2) * z : square + T(2) * z;
    return top / (top + (x > T(0) ? T(2) * square : T(2)));
  }
  TL_NN_INLINE T value(T x) const { return x * tanh_softplus(x); }
  TL_NN_INLINE T slope(T x) const {
    const T t = tanh_softplus(x);
    return t + x * math::sigmoid(x) * (T(1) - t * t);
  }
};

// Howard et al., "Searching for MobileNetV3", 2019.
template <class T>
struct hardswish {
  explicit hardswish(const double*) {}
  TL_NN_INLINE T value(T x) const {
    const T raised = x + T(3) < T(0) ? T(0) : x + T(3);
    return x * (raised > T(6) ? T(6) : raised) / T(6);
  }
  TL_NN_INLINE T slope(T x) const {
    const T inner = x < T(-3) ? T(0) : x / T(3) + T(0.5);
    return x > T(3) ? T(1) : inner;
  }
};

template <class T>
struct hardsigmoid {
  explicit hardsigmoid(const double*) {}
  TL_NN_INLINE T value(T x) const {
    const T raised = x + T(3) < T(0) ? T(0) : x + T(3);
    return (raised > T(6) ? T(6) : raised) / T(6);
  }
  TL_NN_INLINE T slope(T x) const { return (x > T(-3)) & (x < T(3)) ? T(1) / T(6) : T(0); }
};

template <class T>
struct hardtanh {
  T low, high;
  explicit hardtanh(const double* p) : low(static_cast<T>(p[0])), high(static_cast<T>(p[1])) {}
  TL_NN_INLINE T value(T x) const {
    const T raised = x < low ? low : x;
    return raised > high ? high : raised;
  }
  TL_NN_INLINE T slope(T x) const { return (x <= low) | (x >= high) ? T(0) : T(1); }
};

// Clevert, Unterthiner and Hochreiter, "Exponential linear units", 2015; Klambauer et al. (SELU), 2017; Barron (CELU), 2017.
template <class T>
struct elu {
  T negative, positive, rate;
  explicit elu(const double* p) : negative(static_cast<T>(p[0] * p[1])), positive(static_cast<T>(p[1])), rate(static_cast<T>(p[2])) {}
  TL_NN_INLINE T value(T x) const { return x <= T(0) ? negative * math::expm1_negative(x * rate) : x * positive; }
  TL_NN_INLINE T slope(T x) const { return x <= T(0) ? negative * rate * math::exp_negative(x * rate) : positive; }
};

// Maas, Hannun and Ng, "Rectifier nonlinearities improve neural network acoustic models", 2013.
template <class T>
struct leaky_relu {
  T negative;
  explicit leaky_relu(const double* p) : negative(static_cast<T>(p[0])) {}
  TL_NN_INLINE T value(T x) const { return x > T(0) ? x : x * negative; }
  TL_NN_INLINE T slope(T x) const { return x > T(0) ? T(1) : negative; }
};

template <class T>
struct softplus {
  T beta, threshold;
  explicit softplus(const double* p) : beta(static_cast<T>(p[0])), threshold(static_cast<T>(p[1])) {}
  TL_NN_INLINE T value(T x) const { return x * beta > threshold ? x : math::softplus(x * beta) / beta; }
  TL_NN_INLINE T slope(T x) const { return x * beta > threshold ? T(1) : math::sigmoid(x * beta); }
};

template <class T>
struct softshrink {
  T limit;
  explicit softshrink(const double* p) : limit(static_cast<T>(p[0])) {}
  TL_NN_INLINE T value(T x) const {
    const T below = x < -limit ? x + limit : x * T(0);  // a NaN stays
    return x > limit ? x - limit : below;
  }
  TL_NN_INLINE T slope(T x) const { return (x >= -limit) & (x <= limit) ? T(0) : T(1); }
};

template <class T>
struct log_sigmoid {
  explicit log_sigmoid(const double*) {}
  TL_NN_INLINE T value(T x) const { return -math::softplus(-x); }
  TL_NN_INLINE T slope(T x) const { return math::sigmoid(-x); }
};

template <class T, class F>
void forward(const T* x, T* y, int64_t n, const double* params) {
  const F f(params);
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) y[i] = f.value(x[i]);
}
template <class T, class F>
void backward(const T* dy, const T* x, T* dx, int64_t n, const double* params) {
  const F f(params);
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) dx[i] = dy[i] * f.slope(x[i]);
}

}  // namespace

const ActivationLoops& activation_loops_table() {
#define TL_NN_F32(name, params) {forward<float, name<float>>, backward<float, name<float>>},
#define TL_NN_F64(name, params) {forward<double, name<double>>, backward<double, name<double>>},
  static const ActivationLoops table{{TL_NN_ACTIVATIONS(TL_NN_F32)}, {TL_NN_ACTIVATIONS(TL_NN_F64)}};
  return table;
}

}  // namespace tallow_nn::TL_ISA
