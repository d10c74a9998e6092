// Normalisation over the trailing dimensions: layer norm (Ba, Kiros and Hinton, 2016) and RMS norm (Zhang and Sennrich,
// 2019). The data is rows of as many elements as normalized_shape has; a row stays in the cache between its passes.
#include <limits>
#include <numeric>

#include "norm/double_backward.hpp"
#include "norm/norm_loops.hpp"
#include "ops.hpp"

namespace tallow_nn {
namespace {

struct Rows {
  int64_t rows, columns;
  Rows(const tl::Tensor& x, tl::Sizes shape) : columns(std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<>())) {
    rows = 1;
    for (size_t d = 0; d + shape.size() < static_cast<size_t>(x.ndim()); ++d) rows *= x.size(static_cast<int64_t>(d));
  }
  int64_t grain() const { return std::max<int64_t>(1, 16384 / std::max<int64_t>(1, columns)); }
};

void check(const char* op, const tl::Tensor& x, tl::Sizes shape, const tl::Tensor& weight, const tl::Tensor& bias) {
  const auto n = static_cast<int64_t>(shape.size());
  require(n >= 1, "Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one element, but got normalized_shape = ",
          tl::to_string(shape));
  for (const auto& [t, name] : {std::pair{weight, "weight"}, std::pair{bias, "bias"}})
    if (t)
      require(std::ranges::equal(shape, t.sizes()), "Expected ", name, " to be of same shape as normalized_shape, but got ", name, " of shape ",
              tl::to_string(t.sizes()), " and normalized_shape = ", tl::to_string(shape));
  const tl::Sizes sizes = x.sizes();
  require(x.ndim() >= n && std::equal(shape.begin(), shape.end(), sizes.end() - n), "Given normalized_shape=", tl::to_string(shape),
          ", expected input with shape [*, ", tl::to_string(shape).substr(1), ", but got input of size ", tl::to_string(sizes), " in ", op);
}

// The sizes of the statistics: those of x with ones for the normalised dimensions.
tl::Dims statistics_shape(const tl::Tensor& x, size_t n) {
  tl::Dims s(x.sizes().begin(), x.sizes().end());
  std::fill(s.end() - static_cast<int64_t>(n), s.end(), 1);
  return s;
}

// ---------------------------------------------------------------- forward; RMS norm has neither bias nor mean
template <bool Rms>
void forward_shape(tl::Call& c) {
  const tl::Tensor x = c.tensor(0);
  const tl::Sizes shape = c.ints(1);
  check(Rms ? "rms_norm" : "layer_norm", x, shape, c.tensor(2), Rms ? tl::Tensor() : c.tensor(3));
  require_floating(x, Rms ? "rms_norm" : "LayerNormKernelImpl");
  const tl::Dims s = statistics_shape(x, shape.size());
  c.output(0, x.sizes(), x.dtype());
  c.output(1, s, compute_dtype(x.dtype()));
  if (!Rms) c.output(2, s, compute_dtype(x.dtype()));
}

template <bool Rms>
void forward(tl::Call& c) {
  const tl::Tensor out = c.out(0);
  if (out.numel() == 0) {
    for (uint32_t i = 1; i < (Rms ? 2 : 3); ++i) tl::call<"zero_">(c.out(i));
    return;
  }
  const TlDtype compute = compute_dtype(out.dtype());
  const tl::Tensor x = as_compute(c.tensor(0)), y = target_for(out), mean = Rms ? tl::Tensor() : c.out(1), rstd = c.out(Rms ? 1 : 2);
  const tl::Tensor weight = as_parameter(c.tensor(2), compute), bias = Rms ? tl::Tensor() : as_parameter(c.tensor(3), compute);
  const double eps = c.number(Rms ? 3 : 4);
  const Rows r(x, c.ints(1));
  by_float(x, [&](auto zero) {
    using T = decltype(zero);
    const auto run = norm_loops_of<T>().rows;
    const T *from = x.data<T>(), *w = data_or_null<T>(weight), *b = data_or_null<T>(bias);
    T *to = y.data<T>(), *m = data_or_null<T>(mean), *s = rstd.data<T>();
    tl::parallel_for(0, r.rows, r.grain(), [&](int64_t first, int64_t end) {
      run(from + first * r.columns, w, b, to + first * r.columns, m ? m + first : nullptr, s + first, end - first, r.columns, eps);
    });
  });
  finish(out, y);
}

// ---------------------------------------------------------------- backward
template <bool Rms>
void backward_shape(tl::Call& c) {
  const tl::Tensor x = c.tensor(1), weight = c.tensor(3);
  const char* op = Rms ? "rms_norm_backward" : "layer_norm_backward";
  check(op, x, c.ints(2), weight, {});
  require_same_sizes(op, c.tensor(0), x);
  for (uint32_t i = 4; i < (Rms ? 5 : 6); ++i) require_elements(op, "a statistic", c.tensor(i), Rows(x, c.ints(2)).rows);
  const TlDtype parameters = weight ? weight.dtype() : x.dtype();
  c.output(0, x.sizes(), x.dtype());
  c.output(1, c.ints(2), parameters);
  if (!Rms) c.output(2, c.ints(2), parameters);
}

// The rows are cut into at most 32 pieces, by shape; each has its own sums for the parameters, joined in order.
template <class T>
void run_backward(const Rows& r, const T* dy, const T* x, const T* weight, const T* mean, const T* rstd, T* dx, T* dweight, T* dbias) {
  const auto run = norm_loops_of<T>().rows_dx;
  const int64_t step = std::max(r.grain(), (r.rows + 31) / 32), pieces = (r.rows + step - 1) / step, d = r.columns;
  std::vector<T> sums(static_cast<size_t>(2 * pieces * d));
  tl::parallel_for(0, pieces, 1, [&](int64_t first, int64_t end) {
    for (int64_t p = first; p < end; ++p) {
      const int64_t at = p * step;
      T* s = sums.data() + 2 * p * d;
      run(dy + at * d, x + at * d, weight, mean ? mean + at : nullptr, rstd + at, dx + at * d, s, s + d, std::min(step, r.rows - at), d);
    }
  });
  for (int64_t k = 0; k < 2; ++k) {
    T* to = k ? dbias : dweight;
    if (!to) continue;
    std::copy_n(sums.data() + k * d, d, to);
    for (int64_t p = 1; p < pieces; ++p)
      for (int64_t i = 0; i < d; ++i) to[i] += sums[static_cast<size_t>((2 * p + k) * d + i)];
  }
}

// dy, input, normalized_shape, weight, [mean,] rstd
template <bool Rms>
void backward(tl::Call& c) {
  const tl::Tensor out = c.out(0);
  if (out.numel() == 0) {
    for (uint32_t i = 1; i < (Rms ? 2 : 3); ++i) tl::call<"zero_">(c.out(i));
    return;
  }
  const TlDtype compute = compute_dtype(out.dtype());
  const tl::Tensor dy = cast(as_compute(c.tensor(0)), compute), x = as_compute(c.tensor(1)), weight = as_parameter(c.tensor(3), compute);
  const tl::Tensor mean = Rms ? tl::Tensor() : as_parameter(c.tensor(4), compute), rstd = as_parameter(c.tensor(Rms ? 4 : 5), compute);
  auto to = [&](const tl::Tensor& t) { return t.dtype() == compute ? t : tl::empty(t.sizes(), compute); };
  const tl::Tensor dx = to(out), dweight = to(c.out(1)), dbias = Rms ? tl::Tensor() : to(c.out(2));
  by_float(x, [&](auto zero) {
    using T = decltype(zero);
    run_backward<T>(Rows(x, c.ints(2)), dy.data<T>(), x.data<T>(), data_or_null<T>(weight), data_or_null<T>(mean), rstd.data<T>(), dx.data<T>(),
                    dweight.data<T>(), data_or_null<T>(dbias));
  });
  finish(out, dx), finish(c.out(1), dweight);
  if (!Rms) finish(c.out(2), dbias);
}

// grads, dy, input, normalized_shape, weight, eps
template <bool Rms>
void double_backward(tl::Call& c) {
  const auto grads = c.tensors(0);
  const tl::Tensor x = c.tensor(2);
  require(grads.size() == (Rms ? 2 : 3), "layer_norm_double_backward: expected a gradient for each result");
  const auto n = static_cast<int64_t>(c.ints(3).size());
  NormBackwardTerms k{grads[0], grads[1], Rms ? tl::Tensor() : grads[2], c.tensor(1), x, c.tensor(4), {}, {}, {}, c.number(5), !Rms};
  for (int64_t d = -n; d < 0; ++d) k.dims.push_back(d);
  SecondGradients r = differentiate_backward(k);
  c.ret(std::move(r.dy), 0), c.ret(std::move(r.x), 1);
  tl::Dims leading;
  for (int64_t d = 0; d < x.ndim() - n; ++d) leading.push_back(d);
  c.ret(leading.empty() ? std::move(r.weight) : tl::call<"sum">(r.weight, leading), 2);
}

// ---------------------------------------------------------------- the ops
void layer_norm(tl::Call& c) {
  c.ret(tl::call<"nn::native_layer_norm", 3>(c.value(0), c.value(1), c.value(2), c.value(3), c.value(4))[0]);
}
void rms_norm(tl::Call& c) {
  const TlDtype t = c.tensor(0).dtype();
  const double smallest = t == TL_FLOAT64 ? std::numeric_limits<double>::epsilon() : std::numeric_limits<float>::epsilon();
  c.ret(tl::call<"nn::native_rms_norm", 2>(c.value(0), c.value(1), c.value(2), c.number(3, smallest))[0]);
}

}  // namespace

void register_layer_norm() {
  tl::def<forward_shape<false>>("nn::native_layer_norm(Tensor input, int[] normalized_shape, Tensor? weight, Tensor? bias, float eps) -> "
                                "(Tensor output, Tensor mean, Tensor rstd)",
                                TL_OP_HIDDEN, "layer_norm(), the mean of each row and 1 / sqrt(variance + eps).")
      .cpu<forward<false>>()
      .grad("(input, weight, bias): nn::layer_norm_backward(grad0, input, normalized_shape, weight, mean, rstd, eps)");
  tl::def<backward_shape<false>>("nn::layer_norm_backward(Tensor dy, Tensor input, int[] normalized_shape, Tensor? weight, Tensor mean, Tensor rstd, float eps) -> "
                                 "(Tensor dinput, Tensor dweight, Tensor dbias)",
                                 TL_OP_HIDDEN)
      .cpu<backward<false>>()
      .grad("(dy, input, weight): nn::layer_norm_double_backward(grads, dy, input, normalized_shape, weight, eps); mean: None; rstd: None");
  tl::composite<double_backward<false>>("nn::layer_norm_double_backward(Tensor?[] grads, Tensor dy, Tensor input, int[] normalized_shape, Tensor? weight, float eps) "
                                        "-> (Tensor ddy, Tensor dinput, Tensor dweight)",
                                        TL_OP_HIDDEN);
  tl::composite<layer_norm>("nn::layer_norm(Tensor input, int[] normalized_shape, Tensor? weight=None, Tensor? bias=None, float eps=1e-05) -> Tensor", 0,
                            "(x - mean) / sqrt(var + eps) * weight + bias, with statistics over the trailing normalized_shape.");
  tl::def<forward_shape<true>>("nn::native_rms_norm(Tensor input, int[] normalized_shape, Tensor? weight, float eps) -> (Tensor output, Tensor rstd)",
                               TL_OP_HIDDEN, "rms_norm() and 1 / sqrt(mean square + eps) of each row.")
      .cpu<forward<true>>()
      .grad("(input, weight): nn::rms_norm_backward(grad0, input, normalized_shape, weight, rstd, eps)");
  tl::def<backward_shape<true>>("nn::rms_norm_backward(Tensor dy, Tensor input, int[] normalized_shape, Tensor? weight, Tensor rstd, float eps) -> "
                                "(Tensor dinput, Tensor dweight)",
                                TL_OP_HIDDEN)
      .cpu<backward<true>>()
      .grad("(dy, input, weight): nn::rms_norm_double_backward(grads, dy, input, normalized_shape, weight, eps); rstd: None");
  tl::composite<double_backward<true>>("nn::rms_norm_double_backward(Tensor?[] grads, Tensor dy, Tensor input, int[] normalized_shape, Tensor? weight, float eps) "
                                       "-> (Tensor ddy, Tensor dinput, Tensor dweight)",
                                       TL_OP_HIDDEN);
  tl::composite<rms_norm>("nn::rms_norm(Tensor input, int[] normalized_shape, Tensor? weight=None, float? eps=None) -> Tensor", 0,
                          "x / sqrt(mean(x^2) + eps) * weight over the trailing normalized_shape; eps defaults to the machine's.");
}

}  // namespace tallow_nn
