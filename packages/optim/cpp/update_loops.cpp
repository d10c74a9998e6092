// Compiled once per instruction set. Formulas: torch.optim.SGD; Kingma and Ba, "Adam", 2014; Loshchilov and Hutter,
// "Decoupled weight decay regularization", 2017; Reddi et al., "On the convergence of Adam and beyond", 2018.
#include <cmath>

#include "updates.hpp"

namespace tallow_optim::TL_ISA {
namespace {

template <class T, bool Nesterov, bool Buffer>
void sgd_piece(const SgdSettings& s, T* __restrict p, const T* __restrict g, T* __restrict b, int64_t n) {
  const T lr = static_cast<T>(s.lr), momentum = static_cast<T>(s.momentum), keep = static_cast<T>(s.first ? 1 : 1 - s.dampening),
          decay = static_cast<T>(s.weight_decay), sign = s.maximize ? T(-1) : T(1), old = s.first ? T(0) : momentum;
  for (int64_t i = 0; i < n; ++i) {
    T d = sign * g[i] + decay * p[i];
    if constexpr (Buffer) {
      // The first step takes the gradient itself, whatever the dampening.
      const T v = old * b[i] + keep * d;
      b[i] = v;
      d = Nesterov ? d + momentum * v : v;
    }
    p[i] -= lr * d;
  }
}

template <class T>
void sgd(const SgdSettings& s, T* p, const T* g, T* b, int64_t n) {
  if (!b) return sgd_piece<T, false, false>(s, p, g, b, n);
  if (s.first)
    for (int64_t i = 0; i < n; ++i) b[i] = T(0);  // a fresh buffer holds anything, NaN included
  if (s.nesterov) sgd_piece<T, true, true>(s, p, g, b, n);
  else sgd_piece<T, false, true>(s, p, g, b, n);
}

template <class T, bool Amsgrad>
void adam_piece(const AdamSettings& s, T* __restrict p, const T* __restrict g, T* __restrict m, T* __restrict v, T* __restrict top, int64_t n) {
  const T b1 = static_cast<T>(s.beta1), b2 = static_cast<T>(s.beta2), c1 = static_cast<T>(1 - s.beta1), c2 = static_cast<T>(1 - s.beta2),
          eps = static_cast<T>(s.eps), step = static_cast<T>(s.step_size), inv = static_cast<T>(1 / s.correction2_sqrt),
          sign = s.maximize ? T(-1) : T(1), shrink = static_cast<T>(s.decoupled ? 1 - s.lr * s.weight_decay : 1),
          l2 = static_cast<T>(s.decoupled ? 0 : s.weight_decay);
  (void)b1;
  for (int64_t i = 0; i < n; ++i) {
    const T w = p[i] * shrink;
    const T d = sign * g[i] + l2 * p[i];
    const T a = m[i] + c1 * (d - m[i]);
    const T q = b2 * v[i] + c2 * d * d;
    m[i] = a;
    v[i] = q;
    T r = q;
    if constexpr (Amsgrad) {
      r = top[i] > q ? top[i] : q;
      top[i] = r;
    }
    p[i] = w - step * (a / (std::sqrt(r) * inv + eps));
  }
}

template <class T>
void adam(const AdamSettings& s, T* p, const T* g, T* m, T* v, T* top, int64_t n) {
  if (s.amsgrad) adam_piece<T, true>(s, p, g, m, v, top, n);
  else adam_piece<T, false>(s, p, g, m, v, nullptr, n);
}

}  // namespace

Updates<float> float_updates() { return {sgd<float>, adam<float>}; }
Updates<double> double_updates() { return {sgd<double>, adam<double>}; }

}  // namespace tallow_optim::TL_ISA
