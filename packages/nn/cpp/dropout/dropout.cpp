// Dropout (Srivastava et al., 2014): a mask of 0 and 1 / (1 - p), drawn once per element, or once per channel of each
// sample (Tompson et al., 2015); alpha dropout (Klambauer et al., 2017) drops to SELU's limit and restores mean and variance.
#include <cmath>

#include "common.hpp"
#include "ops.hpp"

namespace tallow_nn {
namespace {

double probability(const tl::Call& c) {
  const double p = c.number(1);
  require(p >= 0 && p <= 1, "dropout probability has to be between 0 and 1, but got ", p);
  return p;
}

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
