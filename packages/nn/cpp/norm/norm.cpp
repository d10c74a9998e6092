// Normalization in terms of core's ops.
#include "common.hpp"
#include "ops.hpp"

namespace tallow_nn {
namespace {

tl::Tensor affine(tl::Tensor x, const tl::Tensor& weight, const tl::Tensor& bias) {
  if (weight) x = tl::call<"mul">(x, weight);
  if (bias) x = tl::call<"add">(x, bias);
  return x;
}

// Ba, Kiros and Hinton, "Layer normalization", 2016.
void layer_norm(tl::Call& c) {
  const tl::Tensor x = c.tensor(0), weight = c.tensor(2), bias = c.tensor(3);
  const tl::Sizes shape = c.ints(1);
  const auto n = static_cast<int64_t>(shape.size());
  require(n >= 1, "Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one element, but got normalized_shape = ",
          tl::to_string(shape));
  const tl::Sizes sizes = x.sizes();
  require(static_cast<int64_t>(sizes.size()) >= n && std::equal(shape.begin(), shape.end(), sizes.end() - n), "Given normalized_shape=",
          tl::to_string(shape), ", expected input with shape [*, ", tl::to_string(shape), "], but got input of size ", tl::to_string(sizes));
  for (const auto& [t, name] : {std::pair{weight, "weight"}, std::pair{bias, "bias"}})
    if (t)
      require(std::equal(shape.begin(), shape.end(), t.sizes().begin(), t.sizes().end()), "Expected ", name,
              " to be of same shape as normalized_shape, but got ", name, " of shape ", tl::to_string(t.sizes()),
              " and normalized_shape = ", tl::to_string(shape));
  tl::Dims dims;
  for (int64_t i = -n; i < 0; ++i) dims.push_back(i);
  const tl::Tensor centred = tl::call<"sub">(x, tl::call<"mean">(x, dims, true));
  const tl::Tensor var = tl::call<"mean">(tl::call<"mul">(centred, centred), dims, true);
  c.ret(affine(tl::call<"mul">(centred, tl::call<"rsqrt">(tl::call<"add">(var, c.number(4)))), weight, bias));
}

// Ioffe and Szegedy, "Batch normalization", 2015.
void batch_norm(tl::Call& c) {
  const tl::Tensor x = c.tensor(0), weight = c.tensor(1), bias = c.tensor(2), running_mean = c.tensor(3), running_var = c.tensor(4);
  const bool training = c.boolean(5);
  const double momentum = c.number(6), eps = c.number(7);
  const int64_t nd = x.ndim();
  require(nd >= 2, "batch_norm: expected an input of at least 2 dimensions, got shape ", tl::to_string(x.sizes()));
  const int64_t channels = x.size(1);
  tl::Dims across, shape(static_cast<size_t>(nd), 1);
  for (int64_t d = 0; d < nd; ++d)
    if (d != 1) across.push_back(d);
  shape[1] = channels;
  for (const auto& [t, name] :
       {std::pair{weight, "weight"}, std::pair{bias, "bias"}, std::pair{running_mean, "running_mean"}, std::pair{running_var, "running_var"}})
    if (t) require(t.numel() == channels, name, " should contain ", channels, " elements not ", t.numel());
  auto wide = [&](const tl::Tensor& t) { return t ? tl::call<"view">(t, shape) : t; };
  tl::Tensor centred, var;
  if (training) {
    const tl::Tensor mean = tl::call<"mean">(x, across, true);
    centred = tl::call<"sub">(x, mean);
    var = tl::call<"mean">(tl::call<"mul">(centred, centred), across, true);
    const tl::ExcludeKeys no_grad(TlKeySet{1} << TL_KEY_AUTOGRAD);
    const int64_t count = channels ? x.numel() / channels : 0;
    auto update = [&](const tl::Tensor& running, const tl::Tensor& now, double scale) {
      if (!running) return;
      tl::call<"mul_">(running, 1 - momentum);
      tl::call<"add_">(running, cast(tl::call<"reshape">(now, tl::Dims{channels}), running.dtype()), tl::kw("alpha", momentum * scale));
    };
    update(running_mean, mean, 1);
    update(running_var, var, count > 1 ? static_cast<double>(count) / static_cast<double>(count - 1) : 1);
  } else {
    require(running_mean && running_var, "Expected running_mean and running_var to be defined when training=False");
    centred = tl::call<"sub">(x, wide(running_mean));
    var = wide(running_var);
  }
  c.ret(affine(tl::call<"mul">(centred, tl::call<"rsqrt">(tl::call<"add">(var, eps))), wide(weight), wide(bias)));
}

}  // namespace

void register_norm() {
  tl::composite<layer_norm>("nn::layer_norm(Tensor input, int[] normalized_shape, Tensor? weight=None, Tensor? bias=None, float eps=1e-05) -> Tensor");
  tl::composite<batch_norm>("nn::batch_norm(Tensor input, Tensor? weight, Tensor? bias, Tensor? running_mean, Tensor? running_var, bool training, "
                            "float momentum, float eps) -> Tensor");
}

}  // namespace tallow_nn
