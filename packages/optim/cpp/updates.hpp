// The arithmetic of one optimizer step on one piece of one parameter.
#pragma once
#include <cstdint>

namespace tallow_optim {

struct SgdSettings {
  double lr, momentum, dampening, weight_decay;
  bool nesterov, maximize, first;
};

struct AdamSettings {
  double lr, beta1, beta2, weight_decay, eps;
  bool amsgrad, maximize, decoupled;
  double step_size;         // lr / (1 - beta1^t)
  double correction2_sqrt;  // sqrt(1 - beta2^t)
};

// Pointers to n elements; buffer and max may be null.
template <class T>
struct Updates {
  void (*sgd)(const SgdSettings&, T* param, const T* grad, T* buffer, int64_t n);
  void (*adam)(const AdamSettings&, T* param, const T* grad, T* exp_avg, T* exp_avg_sq, T* max, int64_t n);
};

template <class T> const Updates<T>& updates();  // for this processor

}  // namespace tallow_optim
