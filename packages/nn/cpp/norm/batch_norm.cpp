// Batch normalisation (Ioffe and Szegedy, 2015), training and evaluation, forward and backward. One look at the data for
// the statistics and one for the result; where a channel's data is a single piece the second finds it in the cache.
#include <cmath>

#include "norm/channels.hpp"
#include "norm/double_backward.hpp"
#include "ops.hpp"

namespace tallow_nn {
namespace {

// Runs measure(piece of a channel) on every piece, joins the sums S of each channel in order, hands them to settle(channel,
// sums), and runs apply on every piece.
template <class S, class Measure, class Settle, class Apply>
void over_planes(const Channels& c, bool measured, Measure measure, Settle settle, Apply apply) {
  const int64_t step = planes_per_piece(c), pieces = (c.batch + step - 1) / step;
  const int64_t grain = std::max<int64_t>(1, 16384 / std::max<int64_t>(1, c.per_channel()));
  if (pieces == 1)
    return tl::parallel_for(0, c.channels, grain, [&](int64_t b, int64_t e) {
      for (int64_t k = b; k < e; ++k) {
        settle(k, measured ? measure(k, 0, c.batch) : S());
        apply(k, 0, c.batch);
      }
    });
  auto each = [&](auto f) {
    tl::parallel_for(0, c.channels * pieces, 1, [&](int64_t b, int64_t e) {
      for (int64_t i = b; i < e; ++i) f(i, i / pieces, i % pieces * step, std::min(c.batch, (i % pieces + 1) * step));
    });
  };
  std::vector<S> parts(static_cast<size_t>(c.channels * pieces));
  if (measured) each([&](int64_t i, int64_t k, int64_t b, int64_t e) { parts[static_cast<size_t>(i)] = measure(k, b, e); });
  for (int64_t k = 0; k < c.channels; ++k) {
    S all;
    for (int64_t p = 0; p < pieces; ++p) all.join(parts[static_cast<size_t>(k * pieces + p)]);
    settle(k, all);
  }
  each([&](int64_t, int64_t k, int64_t b, int64_t e) { apply(k, b, e); });
}

// The same for columns: measure(first row, rows, sums of all channels).
template <class S, class Measure, class Settle, class Apply>
void over_columns(const Channels& c, bool measured, Measure measure, Settle settle, Apply apply) {
  const int64_t step = rows_per_piece(c), pieces = (c.rows() + step - 1) / step;
  std::vector<S> all(static_cast<size_t>(c.channels));
  if (measured) {
    std::vector<S> parts(static_cast<size_t>(c.channels * pieces));
    tl::parallel_for(0, pieces, 1, [&](int64_t b, int64_t e) {
      for (int64_t p = b; p < e; ++p) measure(p * step, std::min(step, c.rows() - p * step), parts.data() + p * c.channels);
    });
    for (int64_t p = 0; p < pieces; ++p)
      for (int64_t k = 0; k < c.channels; ++k) all[static_cast<size_t>(k)].join(parts[static_cast<size_t>(p * c.channels + k)]);
  }
  for (int64_t k = 0; k < c.channels; ++k) settle(k, all[static_cast<size_t>(k)]);
  tl::parallel_for(0, c.rows(), step, [&](int64_t b, int64_t e) { apply(b, e - b); });
}

// ---------------------------------------------------------------- forward
void forward_shape(tl::Call& c) {
  const tl::Tensor x = c.tensor(0);
  require_floating(x, "batch_norm");
  require(x.ndim() >= 2, "batch_norm: expected an input of at least 2 dimensions, got shape ", tl::to_string(x.sizes()));
  const char* names[] = {"", "weight", "bias", "running_mean", "running_var"};
  for (uint32_t i = 1; i < 5; ++i) require_elements("batch_norm", names[i], c.tensor(i), x.size(1));
  require(c.boolean(5) || (c.tensor(3) && c.tensor(4)), "Expected running_mean and running_var to be defined when training=False");
  const int64_t channels[1] = {x.size(1)};
  const TlDtype stats = compute_dtype(x.dtype());
  output_like(c, 0, x, x.dtype());
  c.output(1, channels, stats);
  c.output(2, channels, stats);
}

template <class T>
void run_forward(const tl::Tensor& x, const tl::Tensor& y, const T* weight, const T* bias, T* mean, T* var, bool training, double eps) {
  const Channels c(x);
  const auto& loops = norm_loops_of<T>();
  const T* from = x.data<T>();
  T* to = y.data<T>();
  std::vector<T> scale(static_cast<size_t>(c.channels)), shift(static_cast<size_t>(c.channels));
  auto settle = [&](int64_t k, const Moments& m) {
    if (training) mean[k] = static_cast<T>(m.mean), var[k] = static_cast<T>(m.variance());
    const double s = 1 / std::sqrt((training ? m.variance() : static_cast<double>(var[k])) + eps);
    scale[static_cast<size_t>(k)] = static_cast<T>(weight ? s * static_cast<double>(weight[k]) : s);
    shift[static_cast<size_t>(k)] = bias ? bias[k] : T(0);
  };
  if (c.columns)
    return over_columns<Moments>(
        c, training, [&](int64_t r, int64_t n, Moments* m) { loops.column_moments(from + r * c.channels, n, c.channels, m); }, settle,
        [&](int64_t r, int64_t n) {
          const int64_t at = r * c.channels;
          loops.column_apply(from + at, to + at, n, c.channels, mean, scale.data(), shift.data());
        });
  over_planes<Moments>(
      c, training,
      [&](int64_t k, int64_t b, int64_t e) {
        Moments m;
        T scratch[kGathered];
        for_runs(c, k, b, e, [&](int64_t at, int64_t planes) { m.join(loops.moments(gathered(c, from + at, planes, scratch), planes * c.inner)); });
        return m;
      },
      settle,
      [&](int64_t k, int64_t b, int64_t e) {
        T scratch[kGathered];
        for_runs(c, k, b, e, [&](int64_t at, int64_t planes) {
          const T* run = gathered(c, from + at, planes, scratch);
          T* out = planes == 1 ? to + at : scratch;
          loops.apply(run, out, planes * c.inner, mean[k], scale[static_cast<size_t>(k)], shift[static_cast<size_t>(k)]);
          if (planes > 1) scattered(c, out, planes, to + at);
        });
      });
}

void forward(tl::Call& c) {
  const tl::Tensor out = c.out(0), mean = c.out(1), var = c.out(2);
  const bool training = c.boolean(5);
  if (!training) tl::call<"copy_">(mean, c.tensor(3)), tl::call<"copy_">(var, c.tensor(4));
  if (out.numel() == 0) {
    if (training) tl::call<"zero_">(mean), tl::call<"zero_">(var);
    return;
  }
  const TlDtype compute = compute_dtype(out.dtype());
  const tl::Tensor x = in_channels(c.tensor(0), compute), y = in_place_of(out, x);
  const tl::Tensor weight = as_parameter(c.tensor(1), compute), bias = as_parameter(c.tensor(2), compute);
  by_float(x, [&](auto zero) {
    using T = decltype(zero);
    run_forward<T>(x, y, data_or_null<T>(weight), data_or_null<T>(bias), mean.data<T>(), var.data<T>(), training, c.number(6));
  });
  finish(out, y);
}

// ---------------------------------------------------------------- backward
void backward_shape(tl::Call& c) {
  const tl::Tensor x = c.tensor(1), weight = c.tensor(2);
  require(x.ndim() >= 2, "batch_norm_backward: expected an input of at least 2 dimensions, got shape ", tl::to_string(x.sizes()));
  require_same_sizes("batch_norm_backward", c.tensor(0), x);
  const char* names[] = {"", "", "weight", "mean", "var"};
  for (uint32_t i = 2; i < 5; ++i) require_elements("batch_norm_backward", names[i], c.tensor(i), x.size(1));
  const int64_t channels[1] = {x.size(1)};
  const TlDtype parameters = weight ? weight.dtype() : compute_dtype(x.dtype());
  output_like(c, 0, x, x.dtype());
  c.output(1, channels, parameters);
  c.output(2, channels, parameters);
}

template <class T>
void run_backward(const tl::Tensor& dy, const tl::Tensor& x, const tl::Tensor& dx, const T* weight, const T* mean, const T* var, T* dweight, T* dbias,
                  bool training, double eps) {
  const Channels c(x);
  const auto& loops = norm_loops_of<T>();
  const T *g = dy.data<T>(), *from = x.data<T>();
  T* to = dx.data<T>();
  const double n = static_cast<double>(c.per_channel());
  std::vector<T> k(static_cast<size_t>(c.channels)), c1(k.size()), c2(k.size());
  auto settle = [&](int64_t channel, const Products& p) {
    const auto i = static_cast<size_t>(channel);
    const double s = 1 / std::sqrt(static_cast<double>(var[channel]) + eps), scale = weight ? s * static_cast<double>(weight[channel]) : s;
    dweight[channel] = static_cast<T>(p.dyx * s), dbias[channel] = static_cast<T>(p.dy);
    k[i] = static_cast<T>(scale);
    c1[i] = training ? static_cast<T>(-scale * p.dy / n) : T(0);
    c2[i] = training ? static_cast<T>(-scale * s * s * p.dyx / n) : T(0);
  };
  if (c.columns)
    return over_columns<Products>(
        c, true,
        [&](int64_t r, int64_t rows, Products* p) {
          const int64_t at = r * c.channels;
          loops.column_products(g + at, from + at, rows, c.channels, mean, p);
        },
        settle,
        [&](int64_t r, int64_t rows) {
          const int64_t at = r * c.channels;
          loops.column_apply_dx(g + at, from + at, to + at, rows, c.channels, k.data(), mean, c1.data(), c2.data());
        });
  over_planes<Products>(
      c, true,
      [&](int64_t channel, int64_t b, int64_t e) {
        Products p;
        T scratch[2][kGathered];
        for_runs(c, channel, b, e, [&](int64_t at, int64_t planes) {
          p.join(loops.products(gathered(c, g + at, planes, scratch[0]), gathered(c, from + at, planes, scratch[1]), planes * c.inner, mean[channel]));
        });
        return p;
      },
      settle,
      [&](int64_t channel, int64_t b, int64_t e) {
        const auto i = static_cast<size_t>(channel);
        T scratch[2][kGathered];
        for_runs(c, channel, b, e, [&](int64_t at, int64_t planes) {
          const T *gs = gathered(c, g + at, planes, scratch[0]), *xs = gathered(c, from + at, planes, scratch[1]);
          T* out = planes == 1 ? to + at : scratch[1];
          loops.apply_dx(gs, xs, out, planes * c.inner, k[i], mean[channel], c1[i], c2[i]);
          if (planes > 1) scattered(c, out, planes, to + at);
        });
      });
}

void backward(tl::Call& c) {
  const tl::Tensor out = c.out(0), given = c.tensor(2);
  if (out.numel() == 0) return void((tl::call<"zero_">(c.out(1)), tl::call<"zero_">(c.out(2))));
  const TlDtype compute = compute_dtype(out.dtype());
  const tl::Tensor x = in_channels(c.tensor(1), compute), dy = in_layout_of(c.tensor(0), x, compute), weight = as_parameter(given, compute);
  const tl::Tensor mean = as_parameter(c.tensor(3), compute), var = as_parameter(c.tensor(4), compute);
  auto to = [&](const tl::Tensor& t) { return t.dtype() == compute ? t : tl::empty(t.sizes(), compute); };
  const tl::Tensor dx = in_place_of(out, x);
  const tl::Tensor dweight = to(c.out(1)), dbias = to(c.out(2));
  by_float(x, [&](auto zero) {
    using T = decltype(zero);
    run_backward<T>(dy, x, dx, data_or_null<T>(weight), mean.data<T>(), var.data<T>(), dweight.data<T>(), dbias.data<T>(), c.boolean(5), c.number(6));
  });
  finish(out, dx), finish(c.out(1), dweight), finish(c.out(2), dbias);
}

void double_backward(tl::Call& c) {
  const auto grads = c.tensors(0);
  require(grads.size() == 3 && c.tensor(2).ndim() >= 2, "batch_norm_double_backward: expected three gradients, and an input of at least 2 dimensions");
  const tl::Tensor x = c.tensor(2), weight = c.tensor(3);
  tl::Dims shape(static_cast<size_t>(x.ndim()), 1);
  shape[1] = x.size(1);
  auto wide = [&](const tl::Tensor& t) { return t ? tl::call<"view">(t, shape) : t; };
  NormBackwardTerms k{grads[0], wide(grads[1]), wide(grads[2]), c.tensor(1), x, wide(weight), {}, {}, {}, c.number(7)};
  if (!c.boolean(6)) k.mean = wide(c.tensor(4)), k.var = wide(c.tensor(5));
  for (int64_t d = 0; d < x.ndim(); ++d)
    if (d != 1) k.dims.push_back(d);
  SecondGradients r = differentiate_backward(k);
  c.ret(std::move(r.dy), 0), c.ret(std::move(r.x), 1), c.ret(tl::call<"sum">(r.weight, k.dims), 2);
}

// ---------------------------------------------------------------- the op
// running = (1 - momentum) running + momentum now, of the mean and, unbiased, the variance.
void update_running(tl::Call& c) {
  const double momentum = c.number(5), n = static_cast<double>(c.integer(4));
  for (uint32_t i = 0; i < 2; ++i) {
    const tl::Tensor running = c.tensor(i);
    if (!running) continue;
    const double scale = i == 1 && n > 1 ? n / (n - 1) : 1;
    tl::call<"mul_">(running, 1 - momentum);
    tl::call<"add_">(running, cast(c.tensor(2 + i), running.dtype()), tl::kw("alpha", momentum * scale));
  }
}

void update_nothing(tl::Call&) {}  // without data

void batch_norm(tl::Call& c) {
  const tl::Tensor x = c.tensor(0), weight = c.tensor(1), bias = c.tensor(2), running_mean = c.tensor(3), running_var = c.tensor(4);
  const bool training = c.boolean(5);
  const int64_t channels = x.ndim() >= 2 ? x.size(1) : 0;
  for (const auto& [t, name] :
       {std::pair{running_mean, "running_mean"}, std::pair{running_var, "running_var"}, std::pair{weight, "weight"}, std::pair{bias, "bias"}})
    if (t) require(t.numel() == channels, name, " should contain ", channels, " elements not ", t.numel());
  require(training || (running_mean && running_var), "Expected running_mean and running_var to be defined when training=False");
  if (x.ndim() < 2) {
    require(x.ndim() == 1 && x.numel() == 0, "batch_norm: expected an input of at least 2 dimensions, got shape ", tl::to_string(x.sizes()));
    return c.ret(tl::call<"clone">(x));
  }
  auto r = tl::call<"nn::native_batch_norm", 3>(x, weight, bias, running_mean, running_var, training, c.number(7));
  if (training && (running_mean || running_var) && x.numel() > 0) {
    const tl::ExcludeKeys no_grad(TlKeySet{1} << TL_KEY_AUTOGRAD);
    tl::detail::invoke(tl::op<"nn::batch_norm_update">(), nullptr, running_mean, running_var, r[1], r[2], x.numel() / channels, c.number(6));
  }
  c.ret(std::move(r[0]));
}

}  // namespace

void register_batch_norm() {
  tl::def<forward_shape>("nn::native_batch_norm(Tensor input, Tensor? weight, Tensor? bias, Tensor? running_mean, Tensor? running_var, bool training, float eps) "
                         "-> (Tensor output, Tensor mean, Tensor var)",
                         TL_OP_HIDDEN, "batch_norm(), and the mean and biased variance that it used.")
      .cpu<forward>()
      .grad("(input, weight, bias): nn::batch_norm_backward(grad0, input, weight, mean, var, training, eps)");
  tl::def<backward_shape>("nn::batch_norm_backward(Tensor dy, Tensor input, Tensor? weight, Tensor mean, Tensor var, bool training, float eps) "
                          "-> (Tensor dinput, Tensor dweight, Tensor dbias)",
                          TL_OP_HIDDEN)
      .cpu<backward>()
      .grad("(dy, input, weight): nn::batch_norm_double_backward(grads, dy, input, weight, mean, var, training, eps); mean: None; var: None");
  tl::composite<double_backward>("nn::batch_norm_double_backward(Tensor?[] grads, Tensor dy, Tensor input, Tensor? weight, Tensor mean, Tensor var, bool training, "
                                 "float eps) -> (Tensor ddy, Tensor dinput, Tensor dweight)",
                                 TL_OP_HIDDEN);
  tl::opaque("nn::batch_norm_update(Tensor? running_mean, Tensor? running_var, Tensor mean, Tensor var, int count, float momentum) -> ()",
             TL_OP_HIDDEN | TL_OP_NOT_DIFFERENTIABLE, "Moves running statistics towards those of a batch of `count` values per channel.")
      .cpu<update_running>()
      .on<update_nothing>(TL_KEY_META);
  tl::composite<batch_norm>("nn::batch_norm(Tensor input, Tensor? weight, Tensor? bias, Tensor? running_mean, Tensor? running_var, bool training, "
                            "float momentum, float eps) -> Tensor",
                            0, "Normalises each channel of (N, C, *), in training by its own statistics, else by the running ones.");
}

}  // namespace tallow_nn
