// The arithmetic of one optimizer step on one piece of one parameter: its settings, and the loops over elements.
#pragma once
#include <cstdint>

namespace tallow_optim {

// What every rule does with the gradient and the parameter first: grad = sign * grad + decay * param, param *= shrink.
struct Prelude {
  double sign = 1;    // -1 to maximize
  double decay = 0;   // weight decay as a part of the gradient
  double shrink = 1;  // 1 - lr * weight decay, where that acts on the parameter itself
};

struct SgdSettings {
  Prelude first;
  double lr, momentum, dampening;
  bool nesterov, fresh;  // fresh: the buffers hold nothing yet
};
struct AdamSettings {
  Prelude first;
  double beta1, beta2, eps;
  double step_size = 0;           // lr / (1 - beta1^t)
  double inverse_correction = 0;  // 1 / sqrt(1 - beta2^t)
};
struct AdamaxSettings {
  Prelude first;
  double beta1, beta2, eps;
  double step_size = 0;  // lr / (1 - beta1^t)
};
struct NadamSettings {
  Prelude first;
  double beta1, beta2, eps;
  double inverse_correction = 0;
  double grad_step = 0, mean_step = 0;  // how far along the gradient, and along its running mean
};
struct RadamSettings {
  Prelude first;
  double beta1, beta2, eps;
  double step_size = 0;    // lr / (1 - beta1^t), times the rectification
  bool rectified = false;  // whether the variance is used
};
struct AdagradSettings {
  Prelude first;
  double eps;
  double step_size = 0;  // lr / (1 + (t - 1) lr_decay)
};
struct AdadeltaSettings {
  Prelude first;
  double lr, rho, eps;
};
struct RmspropSettings {
  Prelude first;
  double lr, alpha, eps, momentum;
};
struct RpropSettings {
  Prelude first;
  double shrink, grow, least, most;  // factors and bounds of the step sizes
};
struct AsgdSettings {
  Prelude first;
  double eta = 0;  // the step
  double mu = 0;   // the weight of the new parameter in the average
};

struct LerpSettings {
  double weight;  // param += weight * (grad - param): the "gradient" is what to move towards
};

// data: parameter, gradient, state...; optional state may be null. n elements each.
template <class T, class Settings>
using Update = void (*)(const Settings& settings, T* const* data, int64_t n);

// X(settings, loop): every rule.
#define TL_OPTIM_RULES(X)       \
  X(SgdSettings, sgd)           \
  X(AdamSettings, adam)         \
  X(AdamaxSettings, adamax)     \
  X(NadamSettings, nadam)       \
  X(RadamSettings, radam)       \
  X(AdagradSettings, adagrad)   \
  X(AdadeltaSettings, adadelta) \
  X(RmspropSettings, rmsprop)   \
  X(RpropSettings, rprop)       \
  X(AsgdSettings, asgd)         \
  X(LerpSettings, lerp)

template <class T>
struct Updates {
  void (*divide)(T* values, double by, int64_t n);
#define TL_RULE(Settings, name) Update<T, Settings> name;
  TL_OPTIM_RULES(TL_RULE)
#undef TL_RULE
#define TL_RULE(Settings, name) \
  void run(const Settings& s, T* const* data, int64_t n) const { name(s, data, n); }
  TL_OPTIM_RULES(TL_RULE)
#undef TL_RULE
};

// Widening to float and rounding back, of float16 (else bfloat16).
struct Conversions {
  void (*widen)(const uint16_t* from, float* to, int64_t n, bool half);
  void (*narrow)(const float* from, uint16_t* to, int64_t n, bool half);
};

template <class T> const Updates<T>& updates();  // for this processor
const Conversions& conversions();

}  // namespace tallow_optim
