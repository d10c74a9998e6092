// Compiled once per instruction set. Each loop reads and writes every element once.
#include <bit>
#include <cmath>

#include <tallow/vec/half.hpp>

#include "updates.hpp"

namespace tallow_optim::TL_ISA {
namespace {

// The settings of the prelude as the loops use them.
template <class T>
struct First {
  T sign, decay, shrink;
  bool decays;  // without decay an infinite parameter leaves its gradient alone
  explicit First(const Prelude& p) : sign(static_cast<T>(p.sign)), decay(static_cast<T>(p.decay)), shrink(static_cast<T>(p.shrink)), decays(p.decay != 0) {}
  T grad(T g, T p) const { return decays ? sign * g + decay * p : sign * g; }
};

template <class T>
void divide(T* values, double by, int64_t n) {
  const T inverse = static_cast<T>(1 / by);
  for (int64_t i = 0; i < n; ++i) values[i] *= inverse;
}

template <class T, bool Nesterov, bool Buffer, bool Fresh>
void sgd_piece(const SgdSettings& s, T* const* data, int64_t n) {
  T* __restrict p = data[0];
  const T* __restrict g = data[1];
  T* __restrict b = data[2];
  const First<T> first(s.first);
  const T lr = static_cast<T>(s.lr), momentum = static_cast<T>(s.momentum), keep = static_cast<T>(1 - s.dampening);
  for (int64_t i = 0; i < n; ++i) {
    T d = first.grad(g[i], p[i]);
    if constexpr (Buffer) {
      // The first buffer is the gradient itself, whatever the dampening; what lies there may be anything.
      T v = d;
      if constexpr (!Fresh) v = momentum * b[i] + keep * d;
      b[i] = v;
      d = Nesterov ? d + momentum * v : v;
    }
    p[i] -= lr * d;
  }
}

template <class T>
void sgd(const SgdSettings& s, T* const* data, int64_t n) {
  if (!data[2]) return sgd_piece<T, false, false, false>(s, data, n);
  if (s.nesterov) return s.fresh ? sgd_piece<T, true, true, true>(s, data, n) : sgd_piece<T, true, true, false>(s, data, n);
  return s.fresh ? sgd_piece<T, false, true, true>(s, data, n) : sgd_piece<T, false, true, false>(s, data, n);
}

template <class T, bool Amsgrad>
void adam_piece(const AdamSettings& s, T* const* data, int64_t n) {
  T* __restrict p = data[0];
  const T* __restrict g = data[1];
  T* __restrict m = data[2];
  T* __restrict v = data[3];
  T* __restrict top = data[4];
  const First<T> first(s.first);
  const T b2 = static_cast<T>(s.beta2), c1 = static_cast<T>(1 - s.beta1), c2 = static_cast<T>(1 - s.beta2), eps = static_cast<T>(s.eps),
          step = static_cast<T>(s.step_size), inverse = static_cast<T>(s.inverse_correction);
  for (int64_t i = 0; i < n; ++i) {
    const T d = first.grad(g[i], p[i]);
    const T a = m[i] + c1 * (d - m[i]);
    const T q = b2 * v[i] + c2 * d * d;
    m[i] = a;
    v[i] = q;
    T r = q;
    if constexpr (Amsgrad) {
      r = top[i] > q ? top[i] : q;
      top[i] = r;
    }
    p[i] = p[i] * first.shrink - step * (a / (std::sqrt(r) * inverse + eps));
  }
}

template <class T>
void adam(const AdamSettings& s, T* const* data, int64_t n) {
  if (data[4]) adam_piece<T, true>(s, data, n);
  else adam_piece<T, false>(s, data, n);
}

template <class T>
void adamax(const AdamaxSettings& s, T* const* data, int64_t n) {
  T* __restrict p = data[0];
  const T* __restrict g = data[1];
  T* __restrict m = data[2];
  T* __restrict u = data[3];
  const First<T> first(s.first);
  const T c1 = static_cast<T>(1 - s.beta1), b2 = static_cast<T>(s.beta2), eps = static_cast<T>(s.eps), step = static_cast<T>(s.step_size);
  for (int64_t i = 0; i < n; ++i) {
    const T d = first.grad(g[i], p[i]);
    const T a = m[i] + c1 * (d - m[i]);
    const T old = b2 * u[i], now = std::abs(d) + eps;
    const T norm = old > now ? old : now;
    m[i] = a;
    u[i] = norm;
    p[i] -= step * (a / norm);
  }
}

template <class T>
void nadam(const NadamSettings& s, T* const* data, int64_t n) {
  T* __restrict p = data[0];
  const T* __restrict g = data[1];
  T* __restrict m = data[2];
  T* __restrict v = data[3];
  const First<T> first(s.first);
  const T b2 = static_cast<T>(s.beta2), c1 = static_cast<T>(1 - s.beta1), c2 = static_cast<T>(1 - s.beta2), eps = static_cast<T>(s.eps),
          inverse = static_cast<T>(s.inverse_correction), along_grad = static_cast<T>(s.grad_step), along_mean = static_cast<T>(s.mean_step);
  for (int64_t i = 0; i < n; ++i) {
    const T d = first.grad(g[i], p[i]);
    const T a = m[i] + c1 * (d - m[i]);
    const T q = b2 * v[i] + c2 * d * d;
    m[i] = a;
    v[i] = q;
    p[i] = p[i] * first.shrink - (along_grad * d + along_mean * a) / (std::sqrt(q) * inverse + eps);
  }
}

template <class T, bool Rectified>
void radam_piece(const RadamSettings& s, T* const* data, int64_t n) {
  T* __restrict p = data[0];
  const T* __restrict g = data[1];
  T* __restrict m = data[2];
  T* __restrict v = data[3];
  const First<T> first(s.first);
  const T b2 = static_cast<T>(s.beta2), c1 = static_cast<T>(1 - s.beta1), c2 = static_cast<T>(1 - s.beta2), eps = static_cast<T>(s.eps),
          step = static_cast<T>(s.step_size);
  for (int64_t i = 0; i < n; ++i) {
    const T d = first.grad(g[i], p[i]);
    const T a = m[i] + c1 * (d - m[i]);
    const T q = b2 * v[i] + c2 * d * d;
    m[i] = a;
    v[i] = q;
    p[i] = p[i] * first.shrink - step * (Rectified ? a / (std::sqrt(q) + eps) : a);
  }
}

template <class T>
void radam(const RadamSettings& s, T* const* data, int64_t n) {
  if (s.rectified) radam_piece<T, true>(s, data, n);
  else radam_piece<T, false>(s, data, n);
}

template <class T>
void adagrad(const AdagradSettings& s, T* const* data, int64_t n) {
  T* __restrict p = data[0];
  const T* __restrict g = data[1];
  T* __restrict sum = data[2];
  const First<T> first(s.first);
  const T eps = static_cast<T>(s.eps), step = static_cast<T>(s.step_size);
  for (int64_t i = 0; i < n; ++i) {
    const T d = first.grad(g[i], p[i]);
    const T q = sum[i] + d * d;
    sum[i] = q;
    p[i] -= step * (d / (std::sqrt(q) + eps));
  }
}

template <class T>
void adadelta(const AdadeltaSettings& s, T* const* data, int64_t n) {
  T* __restrict p = data[0];
  const T* __restrict g = data[1];
  T* __restrict squares = data[2];
  T* __restrict deltas = data[3];
  const First<T> first(s.first);
  const T lr = static_cast<T>(s.lr), rho = static_cast<T>(s.rho), rest = static_cast<T>(1 - s.rho), eps = static_cast<T>(s.eps);
  for (int64_t i = 0; i < n; ++i) {
    const T d = first.grad(g[i], p[i]);
    const T q = rho * squares[i] + rest * d * d;
    const T delta = std::sqrt(deltas[i] + eps) / std::sqrt(q + eps) * d;
    squares[i] = q;
    deltas[i] = rho * deltas[i] + rest * delta * delta;
    p[i] -= lr * delta;
  }
}

template <class T, bool Momentum, bool Centered>
void rmsprop_piece(const RmspropSettings& s, T* const* data, int64_t n) {
  T* __restrict p = data[0];
  const T* __restrict g = data[1];
  T* __restrict squares = data[2];
  T* __restrict b = data[3];
  T* __restrict mean = data[4];
  const First<T> first(s.first);
  const T lr = static_cast<T>(s.lr), alpha = static_cast<T>(s.alpha), rest = static_cast<T>(1 - s.alpha), eps = static_cast<T>(s.eps),
          momentum = static_cast<T>(s.momentum);
  for (int64_t i = 0; i < n; ++i) {
    const T d = first.grad(g[i], p[i]);
    const T q = alpha * squares[i] + rest * d * d;
    squares[i] = q;
    T variance = q;
    if constexpr (Centered) {
      const T a = mean[i] + rest * (d - mean[i]);
      mean[i] = a;
      variance = q - a * a;
    }
    T update = d / (std::sqrt(variance) + eps);
    if constexpr (Momentum) b[i] = update = momentum * b[i] + update;
    p[i] -= lr * update;
  }
}

template <class T>
void rmsprop(const RmspropSettings& s, T* const* data, int64_t n) {
  if (data[3]) return data[4] ? rmsprop_piece<T, true, true>(s, data, n) : rmsprop_piece<T, true, false>(s, data, n);
  return data[4] ? rmsprop_piece<T, false, true>(s, data, n) : rmsprop_piece<T, false, false>(s, data, n);
}

template <class T>
void rprop(const RpropSettings& s, T* const* data, int64_t n) {
  T* __restrict p = data[0];
  const T* __restrict g = data[1];
  T* __restrict before = data[2];
  T* __restrict sizes = data[3];
  const First<T> first(s.first);
  const T shrink = static_cast<T>(s.shrink), grow = static_cast<T>(s.grow), least = static_cast<T>(s.least), most = static_cast<T>(s.most);
  for (int64_t i = 0; i < n; ++i) {
    const T d = first.sign * g[i];
    const T agree = d * before[i];
    T size = sizes[i] * (agree > 0 ? grow : agree < 0 ? shrink : T(1));
    size = size < least ? least : size > most ? most : size;
    sizes[i] = size;
    // After a change of sign one step is left out, and forgotten.
    const T kept = agree < 0 ? T(0) : d;
    before[i] = kept;
    p[i] -= kept > 0 ? size : kept < 0 ? -size : T(0);
  }
}

template <class T>
void asgd(const AsgdSettings& s, T* const* data, int64_t n) {
  T* __restrict p = data[0];
  const T* __restrict g = data[1];
  T* __restrict mean = data[2];
  const First<T> first(s.first);
  const T eta = static_cast<T>(s.eta), mu = static_cast<T>(s.mu);
  const bool averaged = s.mu != 1;
  for (int64_t i = 0; i < n; ++i) {
    const T w = p[i] * first.shrink - eta * first.grad(g[i], p[i]);
    p[i] = w;
    mean[i] = averaged ? mean[i] + mu * (w - mean[i]) : w;
  }
}

template <class T>
void lerp(const LerpSettings& s, T* const* data, int64_t n) {
  T* __restrict p = data[0];
  const T* __restrict to = data[1];
  const T weight = static_cast<T>(s.weight);
  for (int64_t i = 0; i < n; ++i) p[i] += weight * (to[i] - p[i]);
}

// Rounding is to nearest even; a NaN stays one.
float widened(uint16_t bits) { return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16); }
uint16_t narrowed(float value) {
  const uint32_t x = std::bit_cast<uint32_t>(value), rounded = (x + 0x7fffu + ((x >> 16) & 1u)) >> 16;
  return static_cast<uint16_t>((x & 0x7fffffffu) > 0x7f800000u ? 0x7fc0u : rounded);
}

void widen(const uint16_t* __restrict from, float* __restrict to, int64_t n, bool half) {
#if TL_VEC_HAS_HALF
  if (half) return tallow::vec::widen_half(from, to, n);
#endif
  if (half)
    for (int64_t i = 0; i < n; ++i) to[i] = static_cast<float>(std::bit_cast<_Float16>(from[i]));
  else
    for (int64_t i = 0; i < n; ++i) to[i] = widened(from[i]);
}

void narrow(const float* __restrict from, uint16_t* __restrict to, int64_t n, bool half) {
#if TL_VEC_HAS_HALF
  if (half) return tallow::vec::narrow_half(from, to, n);
#endif
  if (half)
    for (int64_t i = 0; i < n; ++i) to[i] = std::bit_cast<uint16_t>(static_cast<_Float16>(from[i]));
  else
    for (int64_t i = 0; i < n; ++i) to[i] = narrowed(from[i]);
}

template <class T>
constexpr Updates<T> table() {
  return {
      divide<T>,
#define TL_RULE(Settings, name) name<T>,
      TL_OPTIM_RULES(TL_RULE)
#undef TL_RULE
  };
}

}  // namespace

extern const Updates<float> float_updates = table<float>();
extern const Updates<double> double_updates = table<double>();
extern const Conversions half_conversions = {widen, narrow};

}  // namespace tallow_optim::TL_ISA
