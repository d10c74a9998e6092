// Dropout (Srivastava et al., 2014): a mask of 0 and 1 / (1 - p), drawn once per element, or once per channel of each
// sample (Tompson et al., 2015); alpha dropout (Klambauer et al., 2017) drops to SELU's limit and restores mean and variance.
#include <cmath>

#include "dropout/dropout_loops.hpp"
#include "layout.hpp"
#include "ops.hpp"

namespace tallow_nn {
namespace {

double probability(const tl::Call& c) {
  const double p = c.number(1);
  require(p >= 0 && p <= 1, "dropout probability has to be between 0 and 1, but got ", p);
  return p;
}

// ---------------------------------------------------------------- elements: the mask is not kept but drawn again
void apply(const tl::Tensor& input, const tl::Tensor& out, const tl::Tensor& state, double p) {
  const tl::Tensor x = as_compute(input), y = out.dtype() == x.dtype() ? out : tl::empty(out.sizes(), x.dtype());
  const auto* s = state.data<int64_t>();
  const auto limit = static_cast<uint32_t>(std::min(p * 4294967296.0, 4294967295.0));
  by_float(x, [&](auto zero) {
    using T = decltype(zero);
    const auto run = [&] {
      if constexpr (std::is_same_v<T, float>) return dropout_loops().f32.apply;
      else return dropout_loops().f64.apply;
    }();
    const T *from = x.data<T>(), scale = static_cast<T>(1 / (1 - p));
    T* to = y.data<T>();
    tl::parallel_for(0, x.numel(), 16 * kDropoutChunk, [&](int64_t b, int64_t e) {
      run(from + b, to + b, b, e - b, static_cast<uint64_t>(s[0]), static_cast<uint64_t>(s[1]), limit, scale);
    });
  });
  finish(out, y);
}

void require_probability(double p) { require(p >= 0 && p < 1, "dropout: expected a probability of at least 0 and below 1, got ", p); }

void draw_shape(tl::Call& c) {
  require_probability(c.number(1));
  require_floating(c.tensor(0), "dropout");
  const int64_t two[1] = {2};
  c.output(0, c.tensor(0).sizes(), c.tensor(0).dtype());
  c.output(1, two, TL_INT64);
}
void draw(tl::Call& c) {
  const tl::Tensor x = c.tensor(0), state = c.out(1);
  uint64_t seed, offset;
  const auto blocks = static_cast<uint64_t>((x.numel() + kDropoutChunk - 1) / kDropoutChunk * kDropoutBlocks);
  tl::api()->generator_reserve(tl::api()->generator_default({TL_CPU, -1}), blocks, &seed, &offset);
  state.data<int64_t>()[0] = static_cast<int64_t>(seed), state.data<int64_t>()[1] = static_cast<int64_t>(offset);
  apply(x, c.out(0), state, c.number(1));
}

void replay_shape(tl::Call& c) {
  const tl::Tensor state = c.tensor(1);
  require(state.dtype() == TL_INT64 && state.numel() == 2 && state.contiguous(), "dropout_replay: the state must be two int64 numbers");
  require_probability(c.number(2));
  require_floating(c.tensor(0), "dropout");
  c.output(0, c.tensor(0).sizes(), c.tensor(0).dtype());
}
void replay(tl::Call& c) { apply(c.tensor(0), c.out(), c.tensor(1), c.number(2)); }

// ---------------------------------------------------------------- with a mask
// What the mask is drawn for: the input itself, or one element per channel.
template <bool Feature>
tl::Tensor mask(const tl::Tensor& x, double p) {
  if constexpr (!Feature) return tl::call<"_dropout_mask">(x, p);
  require(x.ndim() >= 2, "Feature dropout requires at least 2 dimensions in the input");
  tl::Dims sizes(static_cast<size_t>(x.ndim()), 1);
  sizes[0] = x.size(0), sizes[1] = x.size(1);
  return tl::call<"_dropout_mask">(tl::empty(sizes, x.dtype(), x.device()), p);
}

template <bool Feature>
void dropout(tl::Call& c) {
  const tl::Tensor x = c.tensor(0);
  const double p = probability(c);
  if (!c.boolean(2) || p == 0 || x.numel() == 0) return c.ret(tl::call<"alias">(x));
  if (p == 1) return c.ret(tl::call<"mul">(x, tl::call<"zeros_like">(x)));
  if (!Feature && is_floating(x.dtype())) return c.ret(tl::call<"nn::dropout_draw", 2>(x, p)[0]);
  c.ret(tl::call<"mul">(x, mask<Feature>(x, p)));
}

template <bool Feature>
void alpha_dropout(tl::Call& c) {
  constexpr double alpha = 1.7580993408473766;  // SELU's limit at minus infinity is -alpha
  const tl::Tensor x = c.tensor(0);
  const double p = probability(c);
  if (!c.boolean(2) || p == 0 || x.numel() == 0) return c.ret(tl::call<"alias">(x));
  if (p == 1) return c.ret(tl::call<"mul">(x, tl::call<"zeros_like">(x)));
  const double a = 1 / std::sqrt((alpha * alpha * p + 1) * (1 - p)), keep = 1 - p;
  const tl::Tensor m = mask<Feature>(x, p);  // a (x where kept, else -alpha) + a alpha p
  const tl::Tensor offset = tl::call<"sub">(tl::call<"mul">(m, keep * alpha * a), alpha * a * keep);
  c.ret(tl::call<"add">(tl::call<"mul">(x, tl::call<"mul">(m, keep * a)), offset));
}

}  // namespace

void register_dropout() {
  const uint32_t flags = TL_OP_RANDOM | TL_OP_INPLACE;
  tl::def<draw_shape>("nn::dropout_draw(Tensor input, float p) -> (Tensor output, Tensor state)", TL_OP_RANDOM | TL_OP_HIDDEN,
                      "dropout() of floating-point numbers, and the state of the generator that its mask comes from.")
      .cpu<draw>()
      .grad("input: nn::dropout_replay(grad0, state, p)");
  tl::def<replay_shape>("nn::dropout_replay(Tensor input, Tensor state, float p) -> Tensor", TL_OP_HIDDEN, "dropout_draw() with the same mask once more.")
      .cpu<replay>()
      .grad("input: nn::dropout_replay(grad, state, p)");
  tl::composite<dropout<false>>("nn::dropout(Tensor input, float p=0.5, bool train=True) -> Tensor", flags,
                                "Zeroes elements with probability p and scales the others by 1 / (1 - p).");
  tl::composite<dropout<true>>("nn::feature_dropout(Tensor input, float p=0.5, bool train=True) -> Tensor", flags,
                               "dropout() of whole channels (N, C, *).");
  tl::composite<alpha_dropout<false>>("nn::alpha_dropout(Tensor input, float p=0.5, bool train=True) -> Tensor", flags,
                                      "Sets elements to SELU's lower limit with probability p; keeps mean 0 and variance 1.");
  tl::composite<alpha_dropout<true>>("nn::feature_alpha_dropout(Tensor input, float p=0.5, bool train=True) -> Tensor", flags,
                                     "alpha_dropout() of whole channels (N, C, *).");
}

}  // namespace tallow_nn
