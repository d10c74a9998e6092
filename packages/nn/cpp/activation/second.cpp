// Second derivatives of the smooth activations, for gradients of gradients.
#include "activation/activation.hpp"

#include "common.hpp"

namespace tallow_nn {
namespace {

template <class A, class B> tl::Tensor times(const A& a, const B& b) { return tl::call<"mul">(a, b); }
template <class A, class B> tl::Tensor plus(const A& a, const B& b) { return tl::call<"add">(a, b); }
tl::Tensor from(double one, const tl::Tensor& t) { return tl::call<"rsub">(t, one); }

// phi(x) (2 - x^2)
void gelu_erf(tl::Call& c) {
  const tl::Tensor x = c.tensor(0), square = times(x, x);
  const tl::Tensor density = times(tl::call<"exp">(times(square, -0.5)), 0.39894228040143267794);
  c.ret(times(density, from(2, square)));
}

// f = x s(v), v = k (x + c x^3): f'' = s (1 - s) (2 v' + x v'' + x v'^2 (1 - 2 s))
void gelu_tanh(tl::Call& c) {
  constexpr double k = 2 * 0.79788456080286535588, cubic = 0.044715;
  const tl::Tensor x = c.tensor(0), square = times(x, x);
  const tl::Tensor s = tl::call<"sigmoid">(times(x, plus(times(square, k * cubic), k)));
  const tl::Tensor v1 = plus(times(square, 3 * k * cubic), k);
  const tl::Tensor bend = plus(times(v1, 2), times(square, 6 * k * cubic));
  const tl::Tensor turn = times(times(x, times(v1, v1)), from(1, times(s, 2)));
  c.ret(times(times(s, from(1, s)), plus(bend, turn)));
}

// s (1 - s) (2 + x (1 - 2 s))
void silu(tl::Call& c) {
  const tl::Tensor x = c.tensor(0), s = tl::call<"sigmoid">(x);
  const tl::Tensor inner = plus(times(x, from(1, times(s, 2))), 2);
  c.ret(times(times(s, from(1, s)), inner));
}

// t = tanh(softplus(x)): s (1 - t^2) (2 + x (1 - s - 2 t s))
void mish(tl::Call& c) {
  const tl::Tensor x = c.tensor(0), s = tl::call<"sigmoid">(x), t = tl::call<"tanh">(tl::call<"nn::softplus">(x));
  const tl::Tensor turn = from(1, times(s, plus(times(t, 2), 1)));
  c.ret(times(times(s, from(1, times(t, t))), plus(times(x, turn), 2)));
}

}  // namespace

void register_second_derivatives() {
  tl::composite<gelu_erf>("nn::gelu_erf_second(Tensor input) -> Tensor", TL_OP_HIDDEN);
  tl::composite<gelu_tanh>("nn::gelu_tanh_second(Tensor input) -> Tensor", TL_OP_HIDDEN);
  tl::composite<silu>("nn::silu_second(Tensor input) -> Tensor", TL_OP_HIDDEN);
  tl::composite<mish>("nn::mish_second(Tensor input) -> Tensor", TL_OP_HIDDEN);
}

}  // namespace tallow_nn
