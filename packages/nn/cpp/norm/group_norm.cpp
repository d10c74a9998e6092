// Group normalisation (Wu and He, 2018) of (N, C, *): statistics over each sample's groups of channels, a weight and bias per
// channel. With as many groups as channels it is instance normalisation (Ulyanov, Vedaldi and Lempitsky, 2016).
#include <cmath>

#include "norm/double_backward.hpp"
#include "norm/norm_loops.hpp"
#include "ops.hpp"

namespace tallow_nn {
namespace {

struct Groups {
  int64_t batch, channels, groups, inner = 1;
  Groups(const tl::Tensor& x, int64_t groups) : batch(x.size(0)), channels(x.size(1)), groups(groups) {
    for (int64_t d = 2; d < x.ndim(); ++d) inner *= x.size(d);
  }
  int64_t per_group() const { return channels / groups; }
  int64_t run() const { return per_group() * inner; }  // a group's elements are neighbours
  int64_t grain() const { return std::max<int64_t>(1, 16384 / std::max<int64_t>(1, run())); }
};

void check(const tl::Tensor& x, int64_t groups, const tl::Tensor& weight, const tl::Tensor& bias) {
  require(x.ndim() >= 2, "Expected at least 2 dimensions for input tensor but received ", x.ndim());
  require(groups > 0, "Expected num groups to be greater than 0, got ", groups);
  const int64_t channels = x.size(1);
  require(channels % groups == 0, "Expected number of channels in input to be divisible by num_groups, but got input of shape ", tl::to_string(x.sizes()),
          " and num_groups=", groups);
  for (const auto& [t, name] : {std::pair{weight, "weight"}, std::pair{bias, "bias"}})
    if (t)
      require(t.ndim() == 1 && t.numel() == channels, "Expected ", name, " to be a vector of size equal to the number of channels in input, but got ", name,
              " of shape ", tl::to_string(t.sizes()), " and input of shape ", tl::to_string(x.sizes()));
}

// ---------------------------------------------------------------- forward
void forward_shape(tl::Call& c) {
  const tl::Tensor x = c.tensor(0);
  check(x, c.integer(1), c.tensor(2), c.tensor(3));
  require_floating(x, "GroupNormKernelImpl");
  const int64_t s[2] = {x.size(0), c.integer(1)};
  c.output(0, x.sizes(), x.dtype());
  c.output(1, s, compute_dtype(x.dtype()));
  c.output(2, s, compute_dtype(x.dtype()));
}

template <class T>
void run_forward(const Groups& g, const T* x, const T* weight, const T* bias, T* y, T* mean, T* rstd, double eps) {
  const auto& loops = norm_loops_of<T>();
  tl::parallel_for(0, g.batch * g.groups, g.grain(), [&](int64_t b, int64_t e) {
    for (int64_t i = b; i < e; ++i) {
      if (g.inner == 1) {  // a group is a row with a weight for each element
        const int64_t channel = i % g.groups * g.per_group(), at = i * g.run();
        loops.rows(x + at, weight ? weight + channel : nullptr, bias ? bias + channel : nullptr, y + at, mean + i, rstd + i, 1, g.run(), eps);
        continue;
      }
      const Moments m = loops.moments(x + i * g.run(), g.run());
      mean[i] = static_cast<T>(m.mean), rstd[i] = static_cast<T>(1 / std::sqrt(m.variance() + eps));
      for (int64_t k = 0; k < g.per_group(); ++k) {
        const int64_t channel = i % g.groups * g.per_group() + k, at = i * g.run() + k * g.inner;
        loops.apply(x + at, y + at, g.inner, mean[i], weight ? rstd[i] * weight[channel] : rstd[i], bias ? bias[channel] : T(0));
      }
    }
  });
}

void forward(tl::Call& c) {
  const tl::Tensor out = c.out(0), mean = c.out(1), rstd = c.out(2);
  if (out.numel() == 0) return void((tl::call<"zero_">(mean), tl::call<"zero_">(rstd)));
  const TlDtype compute = compute_dtype(out.dtype());
  const tl::Tensor x = as_compute(c.tensor(0)), y = target_for(out), weight = as_parameter(c.tensor(2), compute), bias = as_parameter(c.tensor(3), compute);
  by_float(x, [&](auto zero) {
    using T = decltype(zero);
    const T *w = data_or_null<T>(weight), *b = data_or_null<T>(bias);
    run_forward<T>(Groups(x, c.integer(1)), x.data<T>(), w, b, y.data<T>(), mean.data<T>(), rstd.data<T>(), c.number(4));
  });
  finish(out, y);
}

// ---------------------------------------------------------------- backward: dy, input, groups, weight, mean, rstd, eps
void backward_shape(tl::Call& c) {
  const tl::Tensor x = c.tensor(1), weight = c.tensor(3);
  check(x, c.integer(2), weight, {});
  require_same_sizes("group_norm_backward", c.tensor(0), x);
  for (uint32_t i = 4; i < 6; ++i) require_elements("group_norm_backward", "a statistic", c.tensor(i), x.size(0) * c.integer(2));
  const int64_t channels[1] = {x.size(1)};
  c.output(0, x.sizes(), x.dtype());
  for (uint32_t i = 1; i < 3; ++i) c.output(i, channels, weight ? weight.dtype() : x.dtype());
}

template <class T>
void run_backward(const Groups& g, const T* dy, const T* x, const T* weight, const T* mean, const T* rstd, T* dx, T* dweight, T* dbias) {
  const auto& loops = norm_loops_of<T>();
  std::vector<Products> sums(static_cast<size_t>(g.batch * g.channels));
  tl::parallel_for(0, g.batch * g.groups, g.grain(), [&](int64_t b, int64_t e) {
    for (int64_t i = b; i < e; ++i) {
      double first = 0, second = 0;
      for (int64_t k = 0; k < g.per_group(); ++k) {
        const int64_t channel = i % g.groups * g.per_group() + k, at = i * g.run() + k * g.inner;
        const Products p = sums[static_cast<size_t>(i * g.per_group() + k)] = loops.products(dy + at, x + at, g.inner, mean[i]);
        const double w = weight ? static_cast<double>(weight[channel]) : 1;
        first += w * p.dy, second += w * p.dyx;
      }
      const double n = static_cast<double>(g.run()), s = static_cast<double>(rstd[i]);
      const T c1 = static_cast<T>(-s * first / n), c2 = static_cast<T>(-s * s * s * second / n);
      for (int64_t k = 0; k < g.per_group(); ++k) {
        const int64_t channel = i % g.groups * g.per_group() + k, at = i * g.run() + k * g.inner;
        loops.apply_dx(dy + at, x + at, dx + at, g.inner, weight ? rstd[i] * weight[channel] : rstd[i], mean[i], c1, c2);
      }
    }
  });
  for (int64_t k = 0; k < g.channels; ++k) {
    double w = 0, b = 0;
    for (int64_t n = 0; n < g.batch; ++n) {
      const Products& p = sums[static_cast<size_t>(n * g.channels + k)];
      w += p.dyx * static_cast<double>(rstd[n * g.groups + k / g.per_group()]), b += p.dy;
    }
    dweight[k] = static_cast<T>(w), dbias[k] = static_cast<T>(b);
  }
}

void backward(tl::Call& c) {
  const tl::Tensor out = c.out(0);
  if (out.numel() == 0) return void((tl::call<"zero_">(c.out(1)), tl::call<"zero_">(c.out(2))));
  const TlDtype compute = compute_dtype(out.dtype());
  const tl::Tensor dy = cast(as_compute(c.tensor(0)), compute), x = as_compute(c.tensor(1)), weight = as_parameter(c.tensor(3), compute);
  const tl::Tensor mean = as_parameter(c.tensor(4), compute), rstd = as_parameter(c.tensor(5), compute);
  auto to = [&](const tl::Tensor& t) { return t.dtype() == compute ? t : tl::empty(t.sizes(), compute); };
  const tl::Tensor dx = to(out), dweight = to(c.out(1)), dbias = to(c.out(2));
  by_float(x, [&](auto zero) {
    using T = decltype(zero);
    run_backward<T>(Groups(x, c.integer(2)), dy.data<T>(), x.data<T>(), data_or_null<T>(weight), mean.data<T>(), rstd.data<T>(), dx.data<T>(),
                    dweight.data<T>(), dbias.data<T>());
  });
  finish(out, dx), finish(c.out(1), dweight), finish(c.out(2), dbias);
}

// grads, dy, input, groups, weight, eps
void double_backward(tl::Call& c) {
  const auto grads = c.tensors(0);
  const tl::Tensor x = c.tensor(2);
  require(grads.size() == 3, "group_norm_double_backward: expected a gradient for each result");
  check(x, c.integer(3), c.tensor(4), {});
  const Groups g(x, c.integer(3));
  const tl::Dims data{g.batch, g.groups, g.per_group(), g.inner}, parameter{1, g.groups, g.per_group(), 1};
  auto in_groups = [&](const tl::Tensor& t) { return t ? tl::call<"reshape">(t, data) : t; };
  auto wide = [&](const tl::Tensor& t) { return t ? tl::call<"reshape">(t, parameter) : t; };
  SecondGradients r = differentiate_backward(
      {in_groups(grads[0]), wide(grads[1]), wide(grads[2]), in_groups(c.tensor(1)), in_groups(x), wide(c.tensor(4)), {}, {}, {2, 3}, c.number(5)});
  c.ret(tl::call<"reshape">(r.dy, x.sizes()), 0), c.ret(tl::call<"reshape">(r.x, x.sizes()), 1);
  c.ret(tl::call<"reshape">(tl::call<"sum">(r.weight, tl::Dims{0, 3}), tl::Dims{g.channels}), 2);
}

void group_norm(tl::Call& c) {
  check(c.tensor(0), c.integer(1), c.tensor(2), c.tensor(3));
  c.ret(tl::call<"nn::native_group_norm", 3>(c.value(0), c.value(1), c.value(2), c.value(3), c.value(4))[0]);
}

// As batch norm of one sample with a channel for each of N * C where running statistics take part; else as group norm.
void instance_norm(tl::Call& c) {
  const tl::Tensor x = c.tensor(0), weight = c.tensor(1), bias = c.tensor(2), running_mean = c.tensor(3), running_var = c.tensor(4);
  const bool own = c.boolean(5);
  const double momentum = c.number(6), eps = c.number(7);
  require(x.ndim() >= 3, "Expected input to have at least 3 dimensions but got ", x.ndim(), " dimensions");
  require(own || (running_mean && running_var), "Expected running_mean and running_var to be defined when use_input_stats is false");
  const int64_t batch = x.size(0), channels = x.size(1);
  if (own && !running_mean && !running_var && x.numel() > 0) return c.ret(tl::call<"nn::group_norm">(x, channels, weight, bias, eps));
  tl::Dims one{1, batch * channels};
  one.insert(one.end(), x.sizes().begin() + 2, x.sizes().end());
  auto repeated = [&](const tl::Tensor& t) { return t ? tl::call<"repeat">(t, tl::Dims{batch}) : t; };
  const tl::Tensor mean = repeated(running_mean), var = repeated(running_var);
  const tl::Tensor y = tl::call<"nn::batch_norm">(tl::call<"reshape">(x, one), repeated(weight), repeated(bias), mean, var, own, momentum, eps);
  if (own && batch > 0) {
    const tl::ExcludeKeys no_grad(TlKeySet{1} << TL_KEY_AUTOGRAD);
    auto keep = [&](const tl::Tensor& running, const tl::Tensor& now) {
      if (running) tl::call<"copy_">(running, tl::call<"mean">(tl::call<"view">(now, tl::Dims{batch, channels}), tl::Dims{0}));
    };
    keep(running_mean, mean), keep(running_var, var);
  }
  c.ret(tl::call<"reshape">(y, x.sizes()));
}

}  // namespace

void register_group_norm() {
  tl::def<forward_shape>("nn::native_group_norm(Tensor input, int num_groups, Tensor? weight, Tensor? bias, float eps) -> "
                         "(Tensor output, Tensor mean, Tensor rstd)",
                         TL_OP_HIDDEN, "group_norm(), the mean of each group and 1 / sqrt(variance + eps).")
      .cpu<forward>()
      .grad("(input, weight, bias): nn::group_norm_backward(grad0, input, num_groups, weight, mean, rstd, eps)");
  tl::def<backward_shape>("nn::group_norm_backward(Tensor dy, Tensor input, int num_groups, Tensor? weight, Tensor mean, Tensor rstd, float eps) -> "
                          "(Tensor dinput, Tensor dweight, Tensor dbias)",
                          TL_OP_HIDDEN)
      .cpu<backward>()
      .grad("(dy, input, weight): nn::group_norm_double_backward(grads, dy, input, num_groups, weight, eps); mean: None; rstd: None");
  tl::composite<double_backward>("nn::group_norm_double_backward(Tensor?[] grads, Tensor dy, Tensor input, int num_groups, Tensor? weight, float eps) -> "
                                 "(Tensor ddy, Tensor dinput, Tensor dweight)",
                                 TL_OP_HIDDEN);
  tl::composite<group_norm>("nn::group_norm(Tensor input, int num_groups, Tensor? weight=None, Tensor? bias=None, float eps=1e-05) -> Tensor", 0,
                            "Normalises num_groups groups of channels of each sample of (N, C, *), with a weight and bias per channel.");
  tl::composite<instance_norm>("nn::instance_norm(Tensor input, Tensor? weight, Tensor? bias, Tensor? running_mean, Tensor? running_var, bool use_input_stats, "
                               "float momentum, float eps) -> Tensor",
                               0, "Normalises each channel of each sample of (N, C, *).");
}

}  // namespace tallow_nn
