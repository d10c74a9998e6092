// Activations that core does not have, in terms of its ops.
#include "common.hpp"
#include "ops.hpp"

namespace tallow_nn {
namespace {

// Hendrycks and Gimpel, "Gaussian error linear units", 2016.
void gelu(tl::Call& c) {
  const tl::Tensor x = c.tensor(0);
  require(is_floating(x.dtype()), "gelu: expected a floating-point tensor");
  const auto how = c.string(1);
  const tl::Tensor half = tl::call<"mul">(x, 0.5);
  if (how == "none") {
    c.ret(tl::call<"mul">(half, tl::call<"add">(tl::call<"erf">(tl::call<"mul">(x, 0.70710678118654752440)), 1)));
  } else {
    require(how == "tanh", "approximate argument must be either none or tanh.");
    const tl::Tensor cube = tl::call<"mul">(tl::call<"mul">(x, x), x);
    const tl::Tensor inner = tl::call<"mul">(tl::call<"add">(x, cube, tl::kw("alpha", 0.044715)), 0.79788456080286535588);
    c.ret(tl::call<"mul">(half, tl::call<"add">(tl::call<"tanh">(inner), 1)));
  }
}

}  // namespace

void register_activation() {
  tl::composite<gelu>("nn::gelu(Tensor input, *, str approximate='none') -> Tensor", 0, "x * Phi(x), or its approximation by a hyperbolic tangent.");
}

}  // namespace tallow_nn
