// Recurrent layers: one layer in one direction over a (packed) batch of sequences.
#include "differentiable.hpp"
#include "ops.hpp"
#include "rnn/sequence.hpp"

namespace tallow_nn {
namespace rnn {

void check_layer(const LayerArguments& a, const Sequence& s, CellKind kind) {
  const int64_t G = gate_count(kind);
  require(a.input.ndim() == 2, "rnn_layer: input must be (rows of all steps, features), got ", tl::to_string(a.input.sizes()));
  require(a.hx.ndim() == 2, "rnn_layer: hx must be (batch, hidden), got ", tl::to_string(a.hx.sizes()));
  require(s.steps() > 0, "rnn_layer: expected at least one step, got batch_sizes of length 0");
  int64_t total = 0, before = s.size[0];
  for (const int64_t n : s.size) {
    require(n >= 0 && n <= before, "rnn_layer: batch_sizes must not grow and not be negative, got ", tl::to_string(s.size));
    total += n, before = n;
  }
  const bool lstm = kind == CellKind::Lstm;
  require(lstm == static_cast<bool>(a.cx), "rnn_layer: a cell state is what an LSTM takes, and nothing else");
  const int64_t hidden = a.w_hh.ndim() == 2 ? a.w_hh.size(0) / G : 0, out = a.w_hr ? a.w_hr.size(0) : hidden;
  auto expect = [](const tl::Tensor& t, const char* name, const tl::Dims& wanted) {
    if (!t) return;
    const tl::Sizes got = t.sizes();
    require(std::equal(got.begin(), got.end(), wanted.begin(), wanted.end()), "rnn_layer: expected ", name, " of shape ", tl::to_string(wanted), ", got ",
            tl::to_string(got));
  };
  expect(a.input, "input", {total, a.w_ih.ndim() == 2 ? a.w_ih.size(1) : -1});
  expect(a.w_ih, "w_ih", {G * hidden, a.input.size(1)});
  expect(a.w_hh, "w_hh", {G * hidden, out});
  expect(a.w_hr, "w_hr", {out, hidden});
  expect(a.hx, "hx", {s.batch(), out});
  expect(a.cx, "cx", {s.batch(), hidden});
  expect(a.b_ih, "b_ih", {G * hidden});
  expect(a.b_hh, "b_hh", {G * hidden});
  for (const auto& [t, name] :
       {std::pair{&a.hx, "hx"}, {&a.cx, "cx"}, {&a.w_ih, "w_ih"}, {&a.w_hh, "w_hh"}, {&a.b_ih, "b_ih"}, {&a.b_hh, "b_hh"}, {&a.w_hr, "w_hr"}})
    require(!*t || t->dtype() == a.input.dtype(), "rnn_layer: expected input and ", name, " to have the same dtype");
}

namespace {

LayerArguments arguments(const tl::Call& c, uint32_t first) {
  return {c.tensor(first), c.tensor(first + 1), c.tensor(first + 2), c.tensor(first + 3), c.tensor(first + 4), c.tensor(first + 5), c.tensor(first + 6), {}};
}

void fused_shape(tl::Call& c) {
  const LayerArguments a = arguments(c, 0);
  const Sequence s(c.ints(7), c.boolean(9));
  const CellKind kind = cell_kind(c.string(8));
  check_layer(a, s, kind);
  const TlDtype d = a.input.dtype();
  require(d == TL_FLOAT32 || d == TL_FLOAT64, "_rnn_layer: expected float32 or float64");
  const int64_t N = a.input.size(0), H = a.hx.size(1);
  const bool lstm = kind == CellKind::Lstm, gates = lstm || kind == CellKind::Gru;
  c.output(0, tl::Dims{N, H}, d);
  c.output(1, a.hx.sizes(), d);
  c.output(2, lstm ? a.hx.sizes() : tl::Sizes(), d);
  const bool keep = c.boolean(10);
  c.output(3, tl::Dims{gates && keep ? N : 0, padded_row(4 * H)}, d);
  c.output(4, tl::Dims{lstm && keep ? N : 0, padded_row(H)}, d);
}

void layer(tl::Call& c) {
  LayerArguments a = arguments(c, 0);
  a.w_hr = c.tensor(7);
  const CellKind kind = cell_kind(c.string(9));
  const Sequence s(c.ints(8), c.boolean(10));
  check_layer(a, s, kind);
  const TlDtype d = a.input.dtype();
  LayerResults r;
  if ((d == TL_FLOAT32 || d == TL_FLOAT64) && !a.w_hr && a.input.numel() > 0 && a.hx.numel() > 0) {
    // Without a gradient to come, gates and cells need not be kept.
    const bool keep = wants_graph(std::vector<tl::Tensor>{a.input, a.hx, a.cx, a.w_ih, a.w_hh, a.b_ih, a.b_hh});
    auto all = tl::call<"nn::_rnn_layer", 5>(a.input, a.hx, a.cx, a.w_ih, a.w_hh, a.b_ih, a.b_hh, c.value(8), c.value(9), c.value(10), keep);
    r = {all[0], all[1], all[2]};
  } else {
    r = compose_layer(a, s, kind);
  }
  c.ret(r.output, 0), c.ret(r.hy, 1);
  c.ret(kind == CellKind::Lstm ? r.cy : tl::Tensor(), 2);
}

// The gradient of the fused layer; where a graph of it is wanted, that of the composed one.
void layer_backward(tl::Call& c) {
  std::vector<tl::Tensor> tensors;
  for (uint32_t i = 0; i < 10; ++i) tensors.push_back(c.tensor(i));
  if (!wants_graph(tensors)) {
    auto g = tl::call<"nn::_rnn_layer_gradients", 7>(c.value(0), c.value(1), c.value(2), c.value(3), c.value(4), c.value(5), c.value(6), c.value(7), c.value(8),
                                                     c.value(9), c.value(10), c.value(11), c.value(12), c.value(13), c.value(14), c.value(15));
    for (uint32_t i = 0; i < 7; ++i) c.ret(g[i], i);
    return;
  }
  const CellKind kind = cell_kind(c.string(11));
  const bool lstm = kind == CellKind::Lstm;
  const LayerArguments a = arguments(c, 3);
  const LayerResults r = compose_layer(a, Sequence(c.ints(10), c.boolean(12)), kind);
  std::vector<tl::Tensor> outputs{r.output, r.hy}, grads{tensors[0], tensors[1]};
  if (lstm) outputs.push_back(r.cy), grads.push_back(tensors[2]);
  auto g = gradients_with_graph(outputs, grads, {tensors.begin() + 3, tensors.end()});
  for (uint32_t i = 0; i < 7; ++i) c.ret(g[i], i);
}

}  // namespace
}  // namespace rnn

void register_rnn() {
  const std::string tensors = "Tensor input, Tensor hx, Tensor? cx, Tensor w_ih, Tensor w_hh, Tensor? b_ih, Tensor? b_hh, ";
  const std::string rest = "int[] batch_sizes, str mode, bool reverse";
  tl::composite<rnn::layer>(("nn::rnn_layer(" + tensors + "Tensor? w_hr, " + rest + "=False) -> (Tensor output, Tensor hy, Tensor? cy)").c_str(), 0,
                            "One direction of one recurrent layer over the rows of all steps, as a packed sequence has them.")
      .autocast("lower");
  const std::string fused = "nn::_rnn_layer(" + tensors + rest + ", bool keep) -> (Tensor output, Tensor hy, Tensor cy, Tensor gates, Tensor cells)";
  tl::def<rnn::fused_shape>(fused.c_str(), TL_OP_HIDDEN)
      .cpu<rnn::forward_kernel>()
      .grad("(input, hx, cx, w_ih, w_hh, b_ih, b_hh): nn::_rnn_layer_backward(grad0, grad1, grad2, input, hx, cx, w_ih, w_hh, b_ih, b_hh, batch_sizes, "
            "mode, reverse, result0, result3, result4)");
  const std::string backward = "(Tensor grad_output, Tensor grad_hy, Tensor grad_cy, " + tensors + rest +
                               ", Tensor output, Tensor gates, Tensor cells) -> (Tensor, Tensor, Tensor?, Tensor, Tensor, Tensor?, Tensor?)";
  tl::composite<rnn::layer_backward>(("nn::_rnn_layer_backward" + backward).c_str(), TL_OP_HIDDEN);
  tl::opaque(("nn::_rnn_layer_gradients" + backward).c_str(), TL_OP_HIDDEN | TL_OP_NOT_DIFFERENTIABLE).cpu<rnn::backward_kernel>();
}

}  // namespace tallow_nn
