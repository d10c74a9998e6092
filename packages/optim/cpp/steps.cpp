// The step ops: settings of each rule from its options and the parameter's step. Formulas: Sutskever et al., 2013 (SGD);
// Kingma and Ba, 2014 (Adam, Adamax); Loshchilov and Hutter, 2017 (decoupled weight decay); Reddi et al., 2018 (amsgrad);
// Dozat, 2016 (NAdam); Liu et al., 2019 (RAdam); Duchi et al., 2011 (Adagrad); Zeiler, 2012 (Adadelta); Hinton, 2012,
// and Graves, 2013 (RMSprop); Riedmiller and Braun, 1993 (Rprop); Polyak and Juditsky, 1992 (ASGD).
#include "steps.hpp"

#include <cmath>

#include "step.hpp"

namespace tallow_optim {
namespace {

Prelude prelude(double lr, double weight_decay, double maximize, double decoupled = 0) {
  return {maximize ? -1.0 : 1.0, decoupled ? 0 : weight_decay, decoupled ? 1 - lr * weight_decay : 1};
}

void sgd(Step& step) {
  const auto [lr, momentum, dampening, weight_decay, nesterov, maximize, fresh] = step.options<7>();
  step.run(SgdSettings{prelude(lr, weight_decay, maximize), lr, momentum, dampening, nesterov != 0, fresh != 0});
}

void adam(Step& step) {
  const auto [lr, beta1, beta2, eps, weight_decay, maximize, decoupled] = step.options<7>();
  AdamSettings s{prelude(lr, weight_decay, maximize, decoupled), beta1, beta2, eps};
  step.run_counted([&s, lr](double t) {
    s.step_size = lr / (1 - std::pow(s.beta1, t));
    s.inverse_correction = 1 / std::sqrt(1 - std::pow(s.beta2, t));
    return s;
  });
}

void adamax(Step& step) {
  const auto [lr, beta1, beta2, eps, weight_decay, maximize] = step.options<6>();
  AdamaxSettings s{prelude(lr, weight_decay, maximize), beta1, beta2, eps};
  step.run_counted([&s, lr](double t) {
    s.step_size = lr / (1 - std::pow(s.beta1, t));
    return s;
  });
}

void nadam(Step& step) {
  const auto [lr, beta1, beta2, eps, weight_decay, momentum_decay, maximize, decoupled] = step.options<8>();
  auto momentum = [beta1, momentum_decay](double t) { return beta1 * (1 - 0.5 * std::pow(0.96, t * momentum_decay)); };
  std::vector<NadamSettings> all(step.size(), {prelude(lr, weight_decay, maximize, decoupled), beta1, beta2, eps});
  for (size_t i = 0; i < step.size(); ++i) {
    const double t = step.count(i), mu = momentum(t), next = momentum(t + 1);
    step.set(1, i, step.get(1, i) * mu);  // the product of all momenta so far
    const double product = step.get(1, i);
    all[i].inverse_correction = 1 / std::sqrt(1 - std::pow(beta2, t));
    all[i].grad_step = lr * (1 - mu) / (1 - product);
    all[i].mean_step = lr * next / (1 - product * next);
  }
  step.run_each(all);
}

void radam(Step& step) {
  const auto [lr, beta1, beta2, eps, weight_decay, maximize, decoupled] = step.options<7>();
  RadamSettings s{prelude(lr, weight_decay, maximize, decoupled), beta1, beta2, eps};
  const double limit = 2 / (1 - beta2) - 1;
  step.run_counted([&s, lr, limit](double t) {
    const double power = std::pow(s.beta2, t), correction = 1 - power, length = limit - 2 * t * power / correction;
    s.rectified = length > 5;  // below, the variance of the adaptive rate has no bound
    s.step_size = lr / (1 - std::pow(s.beta1, t));
    if (s.rectified) s.step_size *= std::sqrt(correction * (length - 4) * (length - 2) * limit / ((limit - 4) * (limit - 2) * length));
    return s;
  });
}

void adagrad(Step& step) {
  const auto [lr, lr_decay, weight_decay, eps, maximize] = step.options<5>();
  AdagradSettings s{prelude(lr, weight_decay, maximize), eps};
  step.run_counted([&s, lr, lr_decay](double t) {
    s.step_size = lr / (1 + (t - 1) * lr_decay);
    return s;
  });
}

void adadelta(Step& step) {
  const auto [lr, rho, eps, weight_decay, maximize] = step.options<5>();
  step.count_and_run(AdadeltaSettings{prelude(lr, weight_decay, maximize), lr, rho, eps});
}

void rmsprop(Step& step) {
  const auto [lr, alpha, eps, weight_decay, momentum, maximize] = step.options<6>();
  step.count_and_run(RmspropSettings{prelude(lr, weight_decay, maximize), lr, alpha, eps, momentum});
}

void rprop(Step& step) {
  const auto [shrink, grow, least, most, maximize] = step.options<5>();
  step.count_and_run(RpropSettings{prelude(0, 0, maximize), shrink, grow, least, most});
}

void asgd(Step& step) {
  const auto [lr, lambda, alpha, t0, weight_decay, maximize, narrow] = step.options<7>();
  std::vector<AsgdSettings> all(step.size(), {prelude(lr, weight_decay, maximize)});
  for (size_t i = 0; i < step.size(); ++i) {
    const double t = step.count(i);
    AsgdSettings& s = all[i];
    s.eta = step.get(1, i), s.mu = step.get(2, i);
    s.first.shrink = 1 - lambda * s.eta;
    if (narrow) step.set(1, i, static_cast<float>(lr) / std::pow(1 + static_cast<float>(lambda * lr) * static_cast<float>(t), static_cast<float>(alpha)));
    else step.set(1, i, lr / std::pow(1 + lambda * lr * t, alpha));
    step.set(2, i, 1 / std::max(1.0, t - t0));
  }
  step.run_each(all);
}

void lerp(Step& step) {
  const auto [weight] = step.options<1>();
  step.run(LerpSettings{weight});
}

template <void (*Rule)(Step&)>
void run(tl::Call& c) {
  Step step(c);
  if (!step.skipped()) Rule(step);
}

// Options have the names that they have in a parameter group.
template <void (*Rule)(Step&)>
void op(const char* name, const char* lists, const std::string& options, const std::string& doc) {
  const std::string schema = std::string("optim::") + name + "(Tensor[] params, Tensor[] grads" + lists + ", *, " + options +
                             ", Tensor? grad_scale=None, Tensor? found_inf=None) -> ()";
  tl::opaque(schema.c_str(), TL_OP_NOT_DIFFERENTIABLE | TL_OP_MIXED_DEVICES, doc.c_str()).cpu<run<Rule>>();
}

}  // namespace

void register_steps() {
  const std::string adam_options = "float lr, float[] betas, float eps, float weight_decay", ascend = ", bool maximize",
                    decay = ascend + ", bool decoupled_weight_decay";
  auto doc = [](const char* rule) { return std::string("One step of ") + rule + " on all parameters, in place; the steps are counted up."; };
  op<sgd>("sgd_step", ", Tensor?[] momentum_buffers",
          "float lr, float momentum, float dampening, float weight_decay, bool nesterov" + ascend + ", bool first",
          "One step of stochastic gradient descent on all parameters, in place. first: the buffers hold nothing yet.");
  op<adam>("adam_step", ", Tensor[] exp_avgs, Tensor[] exp_avg_sqs, Tensor[] max_exp_avg_sqs, Tensor[] steps", adam_options + decay,
           doc("Adam (decoupled_weight_decay: AdamW)"));
  op<adamax>("adamax_step", ", Tensor[] exp_avgs, Tensor[] exp_infs, Tensor[] steps", adam_options + ascend, doc("Adamax"));
  op<nadam>("nadam_step", ", Tensor[] exp_avgs, Tensor[] exp_avg_sqs, Tensor[] steps, Tensor[] mu_products",
            adam_options + ", float momentum_decay" + decay, doc("NAdam"));
  op<radam>("radam_step", ", Tensor[] exp_avgs, Tensor[] exp_avg_sqs, Tensor[] steps", adam_options + decay, doc("RAdam"));
  op<adagrad>("adagrad_step", ", Tensor[] sums, Tensor[] steps", "float lr, float lr_decay, float weight_decay, float eps" + ascend, doc("Adagrad"));
  op<adadelta>("adadelta_step", ", Tensor[] square_avgs, Tensor[] acc_deltas, Tensor[] steps", "float lr, float rho, float eps, float weight_decay" + ascend,
               doc("Adadelta"));
  op<rmsprop>("rmsprop_step", ", Tensor[] square_avgs, Tensor[] momentum_buffers, Tensor[] grad_avgs, Tensor[] steps",
              "float lr, float alpha, float eps, float weight_decay, float momentum" + ascend, doc("RMSprop"));
  op<rprop>("rprop_step", ", Tensor[] prevs, Tensor[] sizes, Tensor[] steps", "float[] etas, float[] step_sizes" + ascend, doc("Rprop"));
  op<asgd>("asgd_step", ", Tensor[] axs, Tensor[] steps, Tensor[] etas, Tensor[] mus",
           "float lr, float lambd, float alpha, float t0, float weight_decay" + ascend + ", bool narrow", doc("averaged SGD"));
  op<lerp>("lerp_step", "", "float weight", "Moves all params towards grads, here any tensors, by a part of the way, in place.");
}

}  // namespace tallow_optim
