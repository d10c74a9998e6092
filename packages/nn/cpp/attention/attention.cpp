// Attention (Vaswani et al., "Attention is all you need", 2017): in tiles where it can be, otherwise in terms of core's ops.
#include <cmath>
#include <limits>

#include "attention/tiled.hpp"
#include "differentiable.hpp"
#include "ops.hpp"

namespace tallow_nn {
namespace attention {
namespace {

const double kLow = -std::numeric_limits<double>::infinity();

tl::Tensor times_heads(const tl::Tensor& t, int64_t times) { return times > 1 ? tl::call<"repeat_interleave">(t, times, -3) : t; }

// Any shapes, dtypes and masks, gradients included.
tl::Tensor compose(const tl::Tensor& q, const tl::Tensor& k, const tl::Tensor& v, const tl::Tensor& mask, double dropout, bool causal, double scale) {
  tl::Tensor scores = tl::call<"matmul">(tl::call<"mul">(q, scale), tl::call<"transpose">(k, -2, -1)), open;
  if (causal) {
    open = tl::call<"tril">(tl::call<"ones">(tl::Dims{q.size(-2), k.size(-2)}, tl::kw("dtype", tl::Dtype{TL_BOOL_DT}), tl::kw("device", q.device())));
  } else if (mask && mask.dtype() == TL_BOOL_DT) {
    open = mask;
  } else if (mask) {
    scores = tl::call<"add">(scores, mask);
    // Only infinities close a key.
    open = tl::call<"ne">(scores, kLow);
  }
  if (open) scores = tl::call<"masked_fill">(scores, tl::call<"logical_not">(open), kLow);
  tl::Tensor weights = tl::call<"softmax">(scores, -1);
  // A query that sees no key gives zeros, not NaN.
  if (open) weights = tl::call<"masked_fill">(weights, tl::call<"logical_not">(tl::call<"any">(open, -1, true)), 0.0);
  if (dropout > 0) weights = tl::call<"nn::dropout">(weights, dropout, true);
  return tl::call<"matmul">(weights, v);
}

bool is_native(TlDtype d) { return d == TL_FLOAT32 || d == TL_FLOAT64; }

tl::Tensor rows_dense(const tl::Tensor& t) {
  const TlTensorInfo i = t.info();
  return i.strides[3] == 1 || i.sizes[3] == 1 ? (i.strides[2] >= i.sizes[3] ? t : tl::call<"contiguous">(t)) : tl::call<"contiguous">(t);
}

// (B, H, L, width), a query's heads side by side in memory, so that joining heads copies nothing.
void heads_output(tl::Call& c, uint32_t i, int64_t batch, int64_t heads, int64_t rows, int64_t width, const tl::Tensor& like) {
  const int64_t sizes[4] = {batch, heads, rows, width}, strides[4] = {rows * heads * width, width, heads * width, 1};
  c.output(i, sizes, like.dtype(), like.device(), strides);
}
tl::Tensor heads_empty(const tl::Tensor& like) {
  const tl::Sizes s = like.sizes();
  return tl::call<"transpose">(tl::empty(tl::Dims{s[0], s[2], s[1], s[3]}, like.dtype()), 1, 2);
}

void tiled_shape(tl::Call& c) {
  const Problem p = problem(c, 0, c.boolean(4), c.number(5));
  heads_output(c, 0, p.batch, p.heads, p.queries, p.value_width, p.query);
  c.output(1, tl::Dims{p.batch, p.heads, p.queries}, p.query.dtype());
}
void tiled(tl::Call& c) {
  Problem p = problem(c, 0, c.boolean(4), c.number(5));
  p.query = rows_dense(p.query), p.key = rows_dense(p.key), p.value = rows_dense(p.value);
  forward(p, c.out(0), c.out(1));
}

// grad_output, query, key, value, mask, is_causal, scale, output, log_sum
void tiled_gradients(tl::Call& c) {
  Problem p = problem(c, 1, c.boolean(5), c.number(6));
  const tl::Dims output{p.batch, p.heads, p.queries, p.value_width};
  require_like("_tiled_attention_gradients", "grad_output", c.tensor(0), output, p.query.dtype());
  require_like("_tiled_attention_gradients", "output", c.tensor(7), output, p.query.dtype());
  require_like("_tiled_attention_gradients", "log_sum", c.tensor(8), tl::Sizes(output).first(3), p.query.dtype());
  const tl::Tensor dq = heads_empty(p.query), dk = heads_empty(p.key), dv = heads_empty(p.value);
  p.query = rows_dense(p.query), p.key = rows_dense(p.key), p.value = rows_dense(p.value);
  backward(p, rows_dense(c.tensor(0)), rows_dense(c.tensor(7)), tl::call<"contiguous">(c.tensor(8)), dq, dk, dv);
  c.ret(dq, 0), c.ret(dk, 1), c.ret(dv, 2);
}

void tiled_backward(tl::Call& c) {
  const std::vector<tl::Tensor> tensors{c.tensor(0), c.tensor(1), c.tensor(2), c.tensor(3)};
  if (!wants_graph(tensors)) {
    auto g = tl::call<"nn::_tiled_attention_gradients", 3>(c.value(0), c.value(1), c.value(2), c.value(3), c.value(4), c.value(5), c.value(6),
                                                           c.value(7), c.value(8));
    for (uint32_t i = 0; i < 3; ++i) c.ret(g[i], i);
    return;
  }
  const int64_t times = tensors[1].size(1) / tensors[2].size(1);
  const tl::Tensor output = compose(tensors[1], times_heads(tensors[2], times), times_heads(tensors[3], times), c.tensor(4), 0, c.boolean(5), c.number(6));
  auto g = gradients_with_graph({output}, {tensors[0]}, {tensors.begin() + 1, tensors.end()});
  for (uint32_t i = 0; i < 3; ++i) c.ret(g[i], i);
}

// t with four dimensions: missing ones are added in front, further ones folded into the batch.
tl::Tensor four(const tl::Tensor& t) {
  const tl::Sizes s = t.sizes();
  const size_t n = s.size();
  if (n == 4) return t;
  tl::Dims d(4, 1);
  for (size_t i = 0; i < std::min<size_t>(n, 3); ++i) d[3 - i] = s[n - 1 - i];
  if (n > 4)
    for (size_t i = 0; i + 3 < n; ++i) d[0] *= s[i];
  return n < 4 ? tl::call<"view">(t, d) : tl::call<"reshape">(t, d);
}

void sdpa(tl::Call& c) {
  tl::Tensor q = c.tensor(0), k = c.tensor(1), v = c.tensor(2), mask = c.tensor(3);
  const double dropout = c.number(4);
  const bool causal = c.boolean(5), grouped = c.boolean(7);
  require(q.ndim() >= 2 && k.ndim() >= 2 && v.ndim() >= 2, "scaled_dot_product_attention: query, key and value must be at least 2 dimensional, got ",
          tl::to_string(q.sizes()), ", ", tl::to_string(k.sizes()), ", ", tl::to_string(v.sizes()));
  require(q.dtype() == k.dtype() && q.dtype() == v.dtype(), "Expected query, key, and value to have the same dtype");
  require(!(causal && mask), "_scaled_dot_product_attention: Explicit attn_mask should not be set when is_causal=True");
  require(!mask || mask.dtype() == TL_BOOL_DT || mask.dtype() == q.dtype() || is_floating(mask.dtype()),
          "Expected attn_mask dtype to be bool or float or to match query dtype");
  const int64_t nd = q.ndim();
  int64_t times = 1;
  if (grouped) {  // each key head serves several query heads
    require(nd >= 3 && k.ndim() >= 3 && v.ndim() >= 3, "scaled_dot_product_attention: enable_gqa needs a dimension of heads, got query ",
            tl::to_string(q.sizes()));
    const int64_t hq = q.size(-3), hk = k.size(-3), hv = v.size(-3);
    require(hk > 0 && hv > 0 && hq % hk == 0 && hq % hv == 0,
            "scaled_dot_product_attention: the number of heads in key and value must divide that in query, got ",
            hq, ", ", hk, " and ", hv);
    times = hq / hk;
    if (hk != hv) k = times_heads(k, times), v = times_heads(v, hq / hv), times = 1;
  }
  const double scale = c.has(6) ? c.number(6) : 1 / std::sqrt(static_cast<double>(q.size(-1)));
  // In tiles: plain batches, no dropout, no gradient of the mask.
  auto leading = [&](const tl::Tensor& t) {
    const tl::Sizes s = t.sizes(), w = q.sizes();
    const size_t heads = nd >= 3 ? 1 : 0;
    return t.ndim() == nd && std::equal(s.begin(), s.end() - 2 - static_cast<int64_t>(heads), w.begin()) &&
           (!heads || s[static_cast<size_t>(nd) - 3] * times == w[static_cast<size_t>(nd) - 3]);
  };
  const bool shaped = leading(k) && leading(v) && k.size(-2) == v.size(-2) && q.size(-1) == k.size(-1);
  const bool filled = q.numel() > 0 && k.numel() > 0 && v.numel() > 0;
  const bool graph_of_mask = mask && wants_graph({&mask, 1});
  bool known_mask = !mask || (nd <= 4 && mask.ndim() <= nd);
  for (int64_t d = 1; mask && known_mask && d <= mask.ndim(); ++d) known_mask = mask.size(-d) == 1 || mask.size(-d) == (d == 1 ? k.size(-2) : q.size(-d));
  if (!is_native(q.dtype()) || !shaped || !filled || dropout > 0 || graph_of_mask || !known_mask) {
    return c.ret(compose(q, times_heads(k, times), times_heads(v, times), mask, dropout, causal, scale));
  }
  if (mask) {
    if (mask.dtype() == TL_BOOL_DT) {
      const tl::Tensor zeros = tl::call<"zeros">(mask.sizes(), tl::kw("dtype", tl::Dtype{q.dtype()}), tl::kw("device", q.device()));
      mask = tl::call<"masked_fill">(zeros, tl::call<"logical_not">(mask), kLow);
    }
    mask = four(cast(mask, q.dtype()));
  }
  tl::Dims out(q.sizes().begin(), q.sizes().end());
  out.back() = v.size(-1);
  const auto r = tl::call<"nn::_tiled_attention", 2>(four(q), four(k), four(v), mask, causal, scale);
  c.ret(nd == 4 ? r[0] : tl::call<"reshape">(r[0], out));
}

}  // namespace

Problem problem(const tl::Call& c, uint32_t first, bool causal, double scale) {
  Problem p{c.tensor(first), c.tensor(first + 1), c.tensor(first + 2), c.tensor(first + 3), causal, scale, 0, 0, 0, 0, 0, 0, 0};
  require(p.query.ndim() == 4 && p.key.ndim() == 4 && p.value.ndim() == 4, "_tiled_attention: query, key and value must have 4 dimensions");
  const tl::Sizes q = p.query.sizes(), k = p.key.sizes(), v = p.value.sizes();
  p.batch = q[0], p.heads = q[1], p.queries = q[2], p.width = q[3], p.groups = k[1], p.keys = k[2], p.value_width = v[3];
  require(k[0] == q[0] && v[0] == q[0] && v[1] == k[1] && v[2] == k[2] && k[3] == q[3] && p.groups > 0 && p.heads % p.groups == 0,
          "_tiled_attention: query, key and value do not fit together, got ", tl::to_string(q), ", ", tl::to_string(k), ", ", tl::to_string(v));
  const TlDtype d = p.query.dtype();
  require(is_native(d) && p.key.dtype() == d && p.value.dtype() == d && (!p.mask || p.mask.dtype() == d),
          "_tiled_attention: all tensors must be float32, or all float64");
  if (!p.mask) return p;
  const int64_t full[4] = {p.batch, p.heads, p.queries, p.keys};
  const tl::Sizes m = p.mask.sizes();
  require(m.size() == 4, "_tiled_attention: the mask must have 4 dimensions");
  for (size_t i = 0; i < 4; ++i)
    require(m[i] == 1 || m[i] == full[i], "scaled_dot_product_attention: attn_mask of shape ", tl::to_string(m), " does not broadcast to ",
            tl::to_string(full));
  return p;
}

}  // namespace attention

void register_attention() {
  using namespace attention;
  tl::composite<sdpa>("nn::scaled_dot_product_attention(Tensor query, Tensor key, Tensor value, Tensor? attn_mask=None, float dropout_p=0.0, "
                      "bool is_causal=False, *, float? scale=None, bool enable_gqa=False) -> Tensor",
                      TL_OP_RANDOM)
      .autocast("lower");
  const std::string arguments = "Tensor query, Tensor key, Tensor value, Tensor? mask, bool is_causal, float scale";
  tl::def<tiled_shape>(("nn::_tiled_attention(" + arguments + ") -> (Tensor output, Tensor log_sum)").c_str(), TL_OP_HIDDEN)
      .cpu<tiled>()
      .grad("(query, key, value): nn::_tiled_attention_backward(grad0, query, key, value, mask, is_causal, scale, result0, result1)");
  const std::string backward = "(Tensor grad_output, " + arguments + ", Tensor output, Tensor log_sum) -> (Tensor, Tensor, Tensor)";
  tl::composite<tiled_backward>(("nn::_tiled_attention_backward" + backward).c_str(), TL_OP_HIDDEN);
  tl::opaque(("nn::_tiled_attention_gradients" + backward).c_str(), TL_OP_HIDDEN | TL_OP_NOT_DIFFERENTIABLE).cpu<tiled_gradients>();
}

}  // namespace tallow_nn
