// Dropout (Srivastava et al., 2014): a mask of 0 and 1 / (1 - p), drawn once per element.
#include "common.hpp"
#include "ops.hpp"

namespace tallow_nn {
namespace {

void dropout(tl::Call& c) {
  const tl::Tensor x = c.tensor(0);
  const double p = c.number(1);
  require(p >= 0 && p <= 1, "dropout probability has to be between 0 and 1, but got ", p);
  if (!c.boolean(2) || p == 0 || x.numel() == 0) return c.ret(tl::call<"alias">(x));
  if (p == 1) return c.ret(tl::call<"mul">(x, tl::call<"zeros_like">(x)));
  c.ret(tl::call<"mul">(x, tl::call<"_dropout_mask">(x, p)));
}

}  // namespace

void register_dropout() {
  tl::composite<dropout>("nn::dropout(Tensor input, float p=0.5, bool train=True) -> Tensor", TL_OP_RANDOM,
                         "Zeroes elements with probability p and scales the others by 1 / (1 - p).");
}

}  // namespace tallow_nn
