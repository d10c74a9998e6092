// Pointwise activations: one kernel each way, in the layout of the input.
#include "activation/activation.hpp"

#include "activation/activation_loops.hpp"
#include "layout.hpp"
#include "ops.hpp"

namespace tallow_nn {
namespace {

constexpr int64_t kGrain = 16384;

// A row of the table of ops.
struct Row {
  Activation id;
  const char* name;        // of the op
  const char* kernel;      // torch's name in the message about dtypes
  const char* parameters;  // in the schema, after the tensors
  const char* arguments;   // the same in a rule
  const char* second;      // the second derivative at `input`; null: zero
  const char* doc;
};

// The params at arguments first, first + 1, ... (at most three).
struct Params {
  double values[3] = {};
  Params(const tl::Call& c, uint32_t first) {
    for (uint32_t i = 0; first + i < c.nargs(); ++i) values[i] = c.number(first + i);
  }
};

const ActivationLoop<float>& loop_of(const Row& r, float) { return activation_loops().f32[static_cast<int64_t>(r.id)]; }
const ActivationLoop<double>& loop_of(const Row& r, double) { return activation_loops().f64[static_cast<int64_t>(r.id)]; }

void forward_shape(tl::Call& c) {
  const tl::Tensor x = c.tensor(0);
  require_floating(x, c.user<Row>()->kernel);
  output_like(c, 0, x, x.dtype());
}
void forward(tl::Call& c) {
  const tl::Tensor out = c.out(), y = target_for(out), x = in_layout_of(c.tensor(0), y, y.dtype());
  const Params params(c, 1);
  by_float(y, [&](auto zero) {
    using T = decltype(zero);
    const auto run = loop_of(*c.user<Row>(), zero).forward;
    const T* from = x.data<T>();
    T* to = y.data<T>();
    tl::parallel_for(0, y.numel(), kGrain, [&](int64_t b, int64_t e) { run(from + b, to + b, e - b, params.values); });
  });
  finish(out, y);
}

void backward_shape(tl::Call& c) {
  const tl::Tensor x = c.tensor(1);
  require(std::ranges::equal(c.tensor(0).sizes(), x.sizes()), c.user<Row>()->name, "_backward: a gradient of shape ", tl::to_string(c.tensor(0).sizes()),
          " for an input of shape ", tl::to_string(x.sizes()));
  output_like(c, 0, x, x.dtype());
}
void backward(tl::Call& c) {
  const tl::Tensor out = c.out(), dx = target_for(out), dy = in_layout_of(c.tensor(0), dx, dx.dtype()), x = in_layout_of(c.tensor(1), dx, dx.dtype());
  const Params params(c, 2);
  by_float(dx, [&](auto zero) {
    using T = decltype(zero);
    const auto run = loop_of(*c.user<Row>(), zero).backward;
    const T *g = dy.data<T>(), *from = x.data<T>();
    T* to = dx.data<T>();
    tl::parallel_for(0, dx.numel(), kGrain, [&](int64_t b, int64_t e) { run(g + b, from + b, to + b, e - b, params.values); });
  });
  finish(out, dx);
}

// clang-format off
const Row kRows[] = {
    {Activation::gelu_erf, "gelu_erf", "GeluKernelImpl", "", "", "nn::gelu_erf_second(input)", "x * Phi(x), Phi the normal distribution function."},
    {Activation::gelu_tanh, "gelu_tanh", "GeluKernelImpl", "", "", "nn::gelu_tanh_second(input)", "gelu by a hyperbolic tangent."},
    {Activation::silu, "silu", "silu_cpu", "", "", "nn::silu_second(input)", "x * sigmoid(x)."},
    {Activation::mish, "mish", "mish_cpu", "", "", "nn::mish_second(input)", "x * tanh(log(1 + exp(x)))."},
    {Activation::hardswish, "hardswish", "hardswish_cpu", "", "",
     "where((input > -3) * (input < 3), 0.3333333333333333, 0.0)", "x * clamp(x + 3, 0, 6) / 6."},
    {Activation::hardsigmoid, "hardsigmoid", "hardsigmoid_cpu", "", "", nullptr, "clamp(x + 3, 0, 6) / 6."},
    {Activation::hardtanh, "hardtanh", "hardtanh_cpu", ", float min_val=-1, float max_val=1", ", min_val, max_val", nullptr,
     "clamp(x, min_val, max_val)."},
    {Activation::elu, "elu", "elu_cpu", ", float alpha=1, float scale=1, float input_scale=1", ", alpha, scale, input_scale",
     "where(input > 0, 0.0, exp(input * input_scale) * (input_scale * input_scale * alpha * scale))",
     "scale * x where x > 0, else scale * alpha * (exp(x * input_scale) - 1)."},
    {Activation::leaky_relu, "leaky_relu", "leaky_relu_cpu", ", float negative_slope=0.01", ", negative_slope", nullptr,
     "x where x > 0, else x * negative_slope."},
    {Activation::softplus, "softplus", "softplus_cpu", ", float beta=1, float threshold=20", ", beta, threshold",
     "where(input * beta > threshold, 0.0, beta * sigmoid(input * beta) * sigmoid(input * -beta))",
     "log(1 + exp(beta * x)) / beta; x where beta * x > threshold."},
    {Activation::softshrink, "softshrink", "softshrink_cpu", ", float lambd=0.5", ", lambd", nullptr, "x moved by lambd towards 0, and 0 nearer than that."},
    {Activation::log_sigmoid, "log_sigmoid", "log_sigmoid_cpu", "", "", "-sigmoid(input) * sigmoid(-input)", "log(sigmoid(x))."},
};
// clang-format on

void define(const Row& r) {
  const std::string op = std::string("nn::") + r.name, back = op + "_backward", arguments = r.arguments;
  void* user = const_cast<Row*>(&r);
  tl::def<forward_shape>((op + "(Tensor input" + r.parameters + ") -> Tensor").c_str(), TL_OP_INPLACE | TL_OP_OUT | TL_OP_POINTWISE, r.doc, user)
      .cpu<forward>(user)
      .grad(("input: " + back + "(grad, input" + arguments + ")").c_str());
  const std::string second = r.second ? "grad * dy * (" + std::string(r.second) + ")" : "zeros_like(input)";
  tl::def<backward_shape>((back + "(Tensor dy, Tensor input" + r.parameters + ") -> Tensor").c_str(), TL_OP_HIDDEN, nullptr, user)
      .cpu<backward>(user)
      .grad(("dy: " + back + "(grad, input" + arguments + "); input: " + second).c_str());
}

void gelu(tl::Call& c) {
  const auto how = c.string(1);
  if (how == "none") return c.ret(tl::call<"nn::gelu_erf">(c.value(0)));
  require(how == "tanh", "approximate argument must be either none or tanh.");
  c.ret(tl::call<"nn::gelu_tanh">(c.value(0)));
}

}  // namespace

void register_activation() {
  register_second_derivatives();
  for (const Row& r : kRows) define(r);
  tl::composite<gelu>("nn::gelu(Tensor input, *, str approximate='none') -> Tensor", TL_OP_OUT, "x * Phi(x), or its approximation by a hyperbolic tangent.");
  register_gated();
}

}  // namespace tallow_nn
