// Losses of one prediction and one target per element, in terms of core's ops.
#include <cmath>

#include "loss/element.hpp"

namespace tallow_nn::loss {
namespace {

void l1_loss(tl::Call& c) { c.ret(reduce(tl::call<"abs">(c.tensor(0) - c.tensor(1)), c.integer(2, 1))); }

void mse_loss(tl::Call& c) {
  if (in_one_pass(c.tensor(0), c.tensor(1))) return c.ret(tl::call<"nn::mse_loss_forward">(c.tensor(0), c.tensor(1), c.integer(2, 1), 0.0));
  const tl::Tensor d = c.tensor(0) - c.tensor(1);
  c.ret(reduce(d * d, c.integer(2, 1)));
}

// min(a, bound)^2 / 2 + bound (a - min(a, bound)): quadratic up to the bound, linear beyond, without a branch.
tl::Tensor quadratic_then_linear(const tl::Tensor& a, double bound) {
  const tl::Tensor near = tl::call<"clamp">(a, nullptr, bound);
  return near * near * 0.5 + (a - near) * bound;
}

// Girshick, "Fast R-CNN", 2015.
void smooth_l1_loss(tl::Call& c) {
  const double beta = c.number(3, 1.0);
  require(beta >= 0, "smooth_l1_loss does not support negative values for beta.");
  if (beta > 0 && in_one_pass(c.tensor(0), c.tensor(1)))
    return c.ret(tl::call<"nn::smooth_l1_loss_forward">(c.tensor(0), c.tensor(1), c.integer(2, 1), beta));
  const tl::Tensor a = tl::call<"abs">(c.tensor(0) - c.tensor(1));
  c.ret(reduce(beta == 0 ? a : quadratic_then_linear(a, beta) * (1 / beta), c.integer(2, 1)));
}

// Huber, "Robust estimation of a location parameter", 1964.
void huber_loss(tl::Call& c) {
  const double delta = c.number(3, 1.0);
  require(delta > 0, "huber_loss does not support non-positive values for delta.");
  if (in_one_pass(c.tensor(0), c.tensor(1)))
    return c.ret(tl::call<"nn::huber_loss_forward">(c.tensor(0), c.tensor(1), c.integer(2, 1), delta));
  c.ret(reduce(quadratic_then_linear(tl::call<"abs">(c.tensor(0) - c.tensor(1)), delta), c.integer(2, 1)));
}

void binary_cross_entropy(tl::Call& c) {
  const tl::Tensor x = c.tensor(0), t = c.tensor(1), weight = c.tensor(2);
  require(is_floating(x.dtype()), "binary_cross_entropy: expected a floating-point input");
  require(same_sizes(x.sizes(), t.sizes()), "binary_cross_entropy: input has shape ", tl::to_string(x.sizes()), ", target ", tl::to_string(t.sizes()));
  require(x.dtype() == t.dtype(), "Found dtype of target that is not the dtype of input");
  const int64_t reduction = c.integer(3, 1);
  const tl::Tensor loss = tl::call<"nn::binary_cross_entropy_forward">(x, t, weight ? int64_t{0} : reduction, 0.0);
  c.ret(weight ? reduce(loss * weight, reduction) : loss);
}

// log(1 + e^-x) without overflow, and with the right slope where x is 0.
tl::Tensor softplus_of_negative(const tl::Tensor& x) { return tl::call<"logaddexp">(-x, tl::call<"zeros">(tl::Dims{}, tl::kw("dtype", tl::Dtype{x.dtype()}))); }

void binary_cross_entropy_with_logits(tl::Call& c) {
  const tl::Tensor x = c.tensor(0), t = c.tensor(1), weight = c.tensor(2), pos_weight = c.tensor(3);
  if (!pos_weight && in_one_pass(x, t)) {
    const tl::Tensor loss = tl::call<"nn::binary_cross_entropy_with_logits_forward">(x, t, weight ? int64_t{0} : c.integer(4, 1), 0.0);
    c.ret(weight ? reduce(loss * weight, c.integer(4, 1)) : loss);
    return;
  }
  const tl::Tensor rest = softplus_of_negative(x);
  tl::Tensor loss = (1.0 - t) * x + (pos_weight ? ((pos_weight - 1.0) * t + 1.0) * rest : rest);
  if (weight) loss = loss * weight;
  c.ret(reduce(loss, c.integer(4, 1)));
}

// Kullback and Leibler, "On information and sufficiency", 1951; the input is a logarithm, the target too with log_target.
void kl_div(tl::Call& c) {
  const tl::Tensor x = c.tensor(0), t = c.tensor(1);
  require(is_floating(x.dtype()) && is_floating(t.dtype()), "kl_div: Integral inputs not supported.");
  c.ret(reduce(c.boolean(3) ? tl::call<"exp">(t) * (t - x) : tl::call<"xlogy">(t, t) - t * x, c.integer(2, 1)));
}

void soft_margin_loss(tl::Call& c) {
  if (in_one_pass(c.tensor(0), c.tensor(1))) c.ret(tl::call<"nn::soft_margin_loss_forward">(c.tensor(0), c.tensor(1), c.integer(2, 1), 0.0));
  else c.ret(reduce(softplus_of_negative(c.tensor(0) * c.tensor(1)), c.integer(2, 1)));
}

// rate - t log(rate), and with full Stirling's approximation of log(t!) where t > 1.
void poisson_nll_loss(tl::Call& c) {
  const tl::Tensor x = c.tensor(0), t = c.tensor(1);
  tl::Tensor loss = c.boolean(2) ? tl::call<"exp">(x) - t * x : x - t * tl::call<"log">(x + c.number(4));
  if (c.boolean(3)) {
    const tl::Tensor stirling = t * tl::call<"log">(t) - t + tl::call<"log">(t * (2 * M_PI)) * 0.5;
    loss = loss + tl::call<"masked_fill">(stirling, tl::call<"le">(t, 1), 0.0);
  }
  c.ret(reduce(loss, c.integer(5, 1)));
}

}  // namespace

void register_pointwise() {
  tl::composite<l1_loss>("nn::l1_loss(Tensor input, Tensor target, int reduction=1) -> Tensor").autocast("float32");
  tl::composite<mse_loss>("nn::mse_loss(Tensor input, Tensor target, int reduction=1) -> Tensor").autocast("float32");
  tl::composite<smooth_l1_loss>("nn::smooth_l1_loss(Tensor input, Tensor target, int reduction=1, float beta=1.0) -> Tensor")
      .autocast("float32");
  tl::composite<huber_loss>("nn::huber_loss(Tensor input, Tensor target, int reduction=1, float delta=1.0) -> Tensor").autocast("float32");
  tl::composite<binary_cross_entropy>("nn::binary_cross_entropy(Tensor input, Tensor target, Tensor? weight=None, int reduction=1) -> Tensor")
      .autocast("float32");
  tl::composite<binary_cross_entropy_with_logits>("nn::binary_cross_entropy_with_logits(Tensor input, Tensor target, Tensor? weight=None, Tensor? pos_weight=None, "
                                                  "int reduction=1) -> Tensor")
      .autocast("float32");
  tl::composite<kl_div>("nn::kl_div(Tensor input, Tensor target, int reduction=1, bool log_target=False) -> Tensor").autocast("float32");
  tl::composite<soft_margin_loss>("nn::soft_margin_loss(Tensor input, Tensor target, int reduction=1) -> Tensor").autocast("float32");
  tl::composite<poisson_nll_loss>("nn::poisson_nll_loss(Tensor input, Tensor target, bool log_input, bool full, float eps, int reduction) -> Tensor")
      .autocast("float32");
}

}  // namespace tallow_nn::loss
