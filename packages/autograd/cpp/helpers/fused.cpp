// Backwards of activations in one pass over memory, where the plain formula takes several.
#include <tallow/layout.hpp>

#include "helpers/fused_loops.hpp"
#include "helpers/helpers.hpp"

namespace tl::autograd {
namespace {

constexpr int64_t kGrain = 32768;

struct Relu {
  template <class T> static auto loop() { return fused_loops<T>().relu; }
  static Tensor plain(const Tensor& grad, const Tensor& result) { return call<"where">(call<"le">(result, 0), 0, grad); }
};
struct Sigmoid {
  template <class T> static auto loop() { return fused_loops<T>().sigmoid; }
  static Tensor plain(const Tensor& grad, const Tensor& result) {
    return call<"mul">(grad, call<"conj">(call<"mul">(call<"rsub">(result, 1), result)));
  }
};
struct Tanh {
  template <class T> static auto loop() { return fused_loops<T>().tanh; }
  static Tensor plain(const Tensor& grad, const Tensor& result) {
    return call<"mul">(grad, call<"conj">(call<"rsub">(call<"mul">(result, result), 1)));
  }
};

void shape(Call& c) {
  const Tensor result = c.tensor(1);
  if (!std::ranges::equal(c.tensor(0).sizes(), result.sizes()))
    throw Error(TL_RUNTIME_ERROR, "the backward of an activation got a gradient of shape " + to_string(c.tensor(0).sizes()) +
                                      " for a result of shape " + to_string(result.sizes()));
  output_like(c, 0, result, result.dtype());
}

template <class F>
void cpu(Call& c) {
  const Tensor grad = c.tensor(0), result = c.tensor(1), out = c.out();
  auto run = [&]<class T>(T*) {
    const Tensor g = in_layout_of(grad, out, out.dtype()), r = in_layout_of(result, out, out.dtype());
    const T *from = g.data<T>(), *at = r.data<T>();
    T* to = out.data<T>();
    const auto loop = F::template loop<T>();
    parallel_for(0, out.numel(), kGrain, [=](int64_t b, int64_t e) { loop(from + b, at + b, to + b, e - b); });
  };
  const TlDtype t = result.dtype();
  if (t == TL_FLOAT32 && grad.dtype() == t) run(static_cast<float*>(nullptr));
  else if (t == TL_FLOAT64 && grad.dtype() == t) run(static_cast<double*>(nullptr));
  else call<"copy_">(out, F::plain(grad, result));
}

}  // namespace

void fused_helpers() {
  def<shape>("autograd::relu_backward(Tensor gradient, Tensor result) -> Tensor", TL_OP_HIDDEN)
      .cpu<cpu<Relu>>()
      .grad("gradient: autograd::relu_backward(grad, result); result: zeros_like(grad)");
  def<shape>("autograd::sigmoid_backward(Tensor gradient, Tensor output) -> Tensor", TL_OP_HIDDEN)
      .cpu<cpu<Sigmoid>>()
      .grad("gradient: grad * ((1 - output) * output); output: grad.conj() * gradient * (1 - 2 * output).conj()");
  def<shape>("autograd::tanh_backward(Tensor gradient, Tensor output) -> Tensor", TL_OP_HIDDEN)
      .cpu<cpu<Tanh>>()
      .grad("gradient: grad * (1 - output * output); output: grad.conj() * gradient * (-2 * output).conj()");
}

}  // namespace tl::autograd
