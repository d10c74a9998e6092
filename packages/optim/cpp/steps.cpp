// The step ops: settings of each rule from its options and the parameter's step. Formulas: Sutskever et al., 2013 (SGD);
// Kingma and Ba, 2014 (Adam, Adamax); Loshchilov and Hutter, 2017 (decoupled weight decay); Reddi et al., 2018 (amsgrad);
// Dozat, 2016 (NAdam); Liu et al., 2019 (RAdam); Duchi et al., 2011 (Adagrad); Zeiler, 2012 (Adadelta); Hinton, 2012,
// and Graves, 2013 (RMSprop); Riedmiller and Braun, 1993 (Rprop); Polyak and Juditsky, 1992 (ASGD).
#include "steps.hpp"

#include <cmath>

#include "step.hpp"

namespace tallow_optim {
namespace {

Prelude prelude(double lr, double weight_decay, bool maximize, bool decoupled = false) {
  return {maximize ? -1.0 : 1.0, decoupled ? 0 : weight_decay, decoupled ? 1 - lr * weight_decay : 1};
}

void sgd_step(tl::Call& c) {
  Step step(c);
  if (step.skipped()) return;
  SgdSettings s{};
  s.lr = step.number(), s.momentum = step.number(), s.dampening = step.number();
  const double weight_decay = step.number();
  s.nesterov = step.boolean();
  s.first = prelude(s.lr, weight_decay, step.boolean());
  s.fresh = step.boolean();
  step.run(s);
}

void adam_step(tl::Call& c) {
  Step step(c);
  if (step.skipped()) return;
  AdamSettings s{};
  const double lr = step.number();
  s.beta1 = step.number(), s.beta2 = step.number(), s.eps = step.number();
  const double weight_decay = step.number();
  const bool maximize = step.boolean();
  s.first = prelude(lr, weight_decay, maximize, step.boolean());
  step.run_counted([&](double t) {
    s.step_size = lr / (1 - std::pow(s.beta1, t));
    s.inverse_correction = 1 / std::sqrt(1 - std::pow(s.beta2, t));
    return s;
  });
}

void adamax_step(tl::Call& c) {
  Step step(c);
  if (step.skipped()) return;
  AdamaxSettings s{};
  const double lr = step.number();
  s.beta1 = step.number(), s.beta2 = step.number(), s.eps = step.number();
  const double weight_decay = step.number();
  s.first = prelude(lr, weight_decay, step.boolean());
  step.run_counted([&](double t) {
    s.step_size = lr / (1 - std::pow(s.beta1, t));
    return s;
  });
}

void nadam_step(tl::Call& c) {
  Step step(c);
  if (step.skipped()) return;
  NadamSettings s{};
  const double lr = step.number();
  s.beta1 = step.number(), s.beta2 = step.number(), s.eps = step.number();
  const double weight_decay = step.number(), momentum_decay = step.number();
  const bool maximize = step.boolean();
  s.first = prelude(lr, weight_decay, maximize, step.boolean());
  auto momentum = [&](double t) { return s.beta1 * (1 - 0.5 * std::pow(0.96, t * momentum_decay)); };
  std::vector<NadamSettings> all(step.size(), s);
  for (size_t i = 0; i < step.size(); ++i) {
    const double t = step.count(i), mu = momentum(t), next = momentum(t + 1);
    step.set(1, i, step.get(1, i) * mu);  // the product of all momenta so far
    const double product = step.get(1, i);
    all[i].inverse_correction = 1 / std::sqrt(1 - std::pow(s.beta2, t));
    all[i].grad_step = lr * (1 - mu) / (1 - product);
    all[i].mean_step = lr * next / (1 - product * next);
  }
  step.run_each(all);
}

void radam_step(tl::Call& c) {
  Step step(c);
  if (step.skipped()) return;
  RadamSettings s{};
  const double lr = step.number();
  s.beta1 = step.number(), s.beta2 = step.number(), s.eps = step.number();
  const double weight_decay = step.number();
  const bool maximize = step.boolean();
  s.first = prelude(lr, weight_decay, maximize, step.boolean());
  const double limit = 2 / (1 - s.beta2) - 1;
  step.run_counted([&](double t) {
    const double power = std::pow(s.beta2, t), correction = 1 - power, length = limit - 2 * t * power / correction;
    s.rectified = length > 5;  // below, the variance of the adaptive rate has no bound
    s.step_size = lr / (1 - std::pow(s.beta1, t));
    if (s.rectified) s.step_size *= std::sqrt(correction * (length - 4) * (length - 2) * limit / ((limit - 4) * (limit - 2) * length));
    return s;
  });
}

void adagrad_step(tl::Call& c) {
  Step step(c);
  if (step.skipped()) return;
  AdagradSettings s{};
  const double lr = step.number(), lr_decay = step.number(), weight_decay = step.number();
  s.eps = step.number();
  s.first = prelude(lr, weight_decay, step.boolean());
  step.run_counted([&](double t) {
    s.step_size = lr / (1 + (t - 1) * lr_decay);
    return s;
  });
}

void adadelta_step(tl::Call& c) {
  Step step(c);
  if (step.skipped()) return;
  AdadeltaSettings s{};
  s.lr = step.number(), s.rho = step.number(), s.eps = step.number();
  const double weight_decay = step.number();
  s.first = prelude(s.lr, weight_decay, step.boolean());
  step.run_counted([&](double) { return s; });
}

void rmsprop_step(tl::Call& c) {
  Step step(c);
  if (step.skipped()) return;
  RmspropSettings s{};
  s.lr = step.number(), s.alpha = step.number(), s.eps = step.number();
  const double weight_decay = step.number();
  s.momentum = step.number();
  s.first = prelude(s.lr, weight_decay, step.boolean());
  step.run_counted([&](double) { return s; });
}

void rprop_step(tl::Call& c) {
  Step step(c);
  if (step.skipped()) return;
  RpropSettings s{};
  s.shrink = step.number(), s.grow = step.number(), s.least = step.number(), s.most = step.number();
  s.first = prelude(0, 0, step.boolean());
  step.run_counted([&](double) { return s; });
}

void asgd_step(tl::Call& c) {
  Step step(c);
  if (step.skipped()) return;
  const double lr = step.number(), lambda = step.number(), alpha = step.number(), t0 = step.number(), weight_decay = step.number();
  const bool maximize = step.boolean(), narrow = step.boolean();
  std::vector<AsgdSettings> all(step.size());
  for (size_t i = 0; i < step.size(); ++i) {
    const double t = step.count(i);
    AsgdSettings& s = all[i];
    s.eta = step.get(1, i), s.mu = step.get(2, i);
    s.first = prelude(lr, weight_decay, maximize);
    s.first.shrink = 1 - lambda * s.eta;
    if (narrow) step.set(1, i, static_cast<float>(lr) / std::pow(1 + static_cast<float>(lambda * lr) * static_cast<float>(t), static_cast<float>(alpha)));
    else step.set(1, i, lr / std::pow(1 + lambda * lr * t, alpha));
    step.set(2, i, 1 / std::max(1.0, t - t0));
  }
  step.run_each(all);
}

void lerp_step(tl::Call& c) {
  Step step(c);
  if (!step.skipped()) step.run(LerpSettings{step.number()});
}

template <auto Kernel>
void op(const char* name, const char* lists, const char* options, const char* doc) {
  const std::string schema = std::string("optim::") + name + "(Tensor[] params, Tensor[] grads" + lists + ", *, " + options +
                             ", Tensor? grad_scale=None, Tensor? found_inf=None) -> ()";
  tl::opaque(schema.c_str(), TL_OP_NOT_DIFFERENTIABLE | TL_OP_MIXED_DEVICES, doc).cpu<Kernel>();
}

}  // namespace

void register_steps() {
  op<sgd_step>("sgd_step", ", Tensor?[] momentum_buffers",
               "float lr, float momentum, float dampening, float weight_decay, bool nesterov, bool maximize, bool first",
               "One step of stochastic gradient descent on all parameters, in place. first: the buffers hold nothing yet.");
  op<adam_step>("adam_step", ", Tensor[] exp_avgs, Tensor[] exp_avg_sqs, Tensor[] max_exp_avg_sqs, Tensor[] steps",
                "float lr, float beta1, float beta2, float eps, float weight_decay, bool maximize, bool decoupled",
                "One step of Adam (decoupled: AdamW) on all parameters, in place; the steps are counted up.");
  op<adamax_step>("adamax_step", ", Tensor[] exp_avgs, Tensor[] exp_infs, Tensor[] steps",
                  "float lr, float beta1, float beta2, float eps, float weight_decay, bool maximize",
                  "One step of Adamax on all parameters, in place; the steps are counted up.");
  op<nadam_step>("nadam_step", ", Tensor[] exp_avgs, Tensor[] exp_avg_sqs, Tensor[] steps, Tensor[] mu_products",
                 "float lr, float beta1, float beta2, float eps, float weight_decay, float momentum_decay, bool maximize, bool decoupled",
                 "One step of NAdam on all parameters, in place; the steps are counted up.");
  op<radam_step>("radam_step", ", Tensor[] exp_avgs, Tensor[] exp_avg_sqs, Tensor[] steps",
                 "float lr, float beta1, float beta2, float eps, float weight_decay, bool maximize, bool decoupled",
                 "One step of RAdam on all parameters, in place; the steps are counted up.");
  op<adagrad_step>("adagrad_step", ", Tensor[] sums, Tensor[] steps", "float lr, float lr_decay, float weight_decay, float eps, bool maximize",
                   "One step of Adagrad on all parameters, in place; the steps are counted up.");
  op<adadelta_step>("adadelta_step", ", Tensor[] square_avgs, Tensor[] acc_deltas, Tensor[] steps",
                    "float lr, float rho, float eps, float weight_decay, bool maximize",
                    "One step of Adadelta on all parameters, in place; the steps are counted up.");
  op<rmsprop_step>("rmsprop_step", ", Tensor[] square_avgs, Tensor[] momentum_buffers, Tensor[] grad_avgs, Tensor[] steps",
                   "float lr, float alpha, float eps, float weight_decay, float momentum, bool maximize",
                   "One step of RMSprop on all parameters, in place; the steps are counted up.");
  op<rprop_step>("rprop_step", ", Tensor[] prevs, Tensor[] step_sizes, Tensor[] steps",
                 "float etaminus, float etaplus, float step_size_min, float step_size_max, bool maximize",
                 "One step of Rprop on all parameters, in place; the steps are counted up.");
  op<asgd_step>("asgd_step", ", Tensor[] axs, Tensor[] steps, Tensor[] etas, Tensor[] mus",
                "float lr, float lambd, float alpha, float t0, float weight_decay, bool maximize, bool narrow",
                "One step of averaged SGD on all parameters, in place; the steps are counted up.");
  op<lerp_step>("lerp_step", "", "float weight", "Moves all params towards grads, here any tensors, by a part of the way, in place.");
}

}  // namespace tallow_optim
