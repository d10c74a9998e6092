// Attention (Vaswani et al., "Attention is all you need", 2017) in terms of core's ops.
#include <cmath>
#include <limits>

#include "common.hpp"
#include "ops.hpp"

namespace tallow_nn {
namespace {

void sdpa(tl::Call& c) {
  tl::Tensor q = c.tensor(0), k = c.tensor(1), v = c.tensor(2), mask = c.tensor(3);
  const double dropout_p = c.number(4);
  const bool causal = c.boolean(5);
  require(q.ndim() >= 2 && k.ndim() >= 2 && v.ndim() >= 2, "scaled_dot_product_attention: query, key and value must be at least 2 dimensional, got ",
          tl::to_string(q.sizes()), ", ", tl::to_string(k.sizes()), ", ", tl::to_string(v.sizes()));
  require(!(causal && mask), "_scaled_dot_product_attention: Explicit attn_mask should not be set when is_causal=True");
  if (c.boolean(7)) {  // grouped queries: each key head serves several query heads
    const int64_t times = k.size(-3) ? q.size(-3) / k.size(-3) : 1;
    if (times > 1) k = tl::call<"repeat_interleave">(k, times, -3), v = tl::call<"repeat_interleave">(v, times, -3);
  }
  const double scale = c.has(6) ? c.number(6) : 1 / std::sqrt(static_cast<double>(q.size(-1)));
  tl::Tensor scores = tl::call<"matmul">(tl::call<"mul">(q, scale), tl::call<"transpose">(k, -2, -1));
  const double low = -std::numeric_limits<double>::infinity();
  if (causal) {
    const tl::Tensor keep = tl::call<"tril">(tl::call<"ones">(tl::Dims{q.size(-2), k.size(-2)}, tl::kw("dtype", tl::Dtype{TL_BOOL_DT})));
    scores = tl::call<"masked_fill">(scores, tl::call<"logical_not">(keep), low);
  }
  if (mask) {
    if (mask.dtype() == TL_BOOL_DT) scores = tl::call<"masked_fill">(scores, tl::call<"logical_not">(mask), low);
    else scores = tl::call<"add">(scores, mask);
  }
  tl::Tensor weights = tl::call<"softmax">(scores, -1);
  if (mask && mask.dtype() == TL_BOOL_DT)  // a row with nothing to attend to gives zeros, not NaN
    weights = tl::call<"masked_fill">(weights, tl::call<"logical_not">(tl::call<"any">(mask, -1, true)), 0.0);
  if (dropout_p > 0) weights = tl::call<"nn::dropout">(weights, dropout_p, true);
  c.ret(tl::call<"matmul">(weights, v));
}

}  // namespace

void register_attention() {
  tl::composite<sdpa>("nn::scaled_dot_product_attention(Tensor query, Tensor key, Tensor value, Tensor? attn_mask=None, float dropout_p=0.0, "
                      "bool is_causal=False, *, float? scale=None, bool enable_gqa=False) -> Tensor",
                      TL_OP_RANDOM);
}

}  // namespace tallow_nn
