// A recurrent layer step by step in terms of other ops: for gradients of gradients, half precision and projections.
#include "rnn/sequence.hpp"

namespace tallow_nn::rnn {
namespace {

tl::Tensor rows(const tl::Tensor& t, int64_t begin, int64_t end) { return tl::call<"slice">(t, 0, begin, end, 1); }
tl::Tensor join(const tl::Tensor& a, const tl::Tensor& b) { return tl::call<"cat">(std::vector<tl::Tensor>{a, b}, 0); }
tl::Tensor add(const tl::Tensor& a, const tl::Tensor& b) { return tl::call<"add">(a, b); }
tl::Tensor mul(const tl::Tensor& a, const tl::Tensor& b) { return tl::call<"mul">(a, b); }
tl::Tensor sigmoid(const tl::Tensor& a) { return tl::call<"sigmoid">(a); }
tl::Tensor tanh(const tl::Tensor& a) { return tl::call<"tanh">(a); }

// x: the input's part of the gates; h and c become the new state.
void cell(CellKind kind, const LayerArguments& a, const tl::Tensor& x, tl::Tensor& h, tl::Tensor& c) {
  const tl::Tensor hidden = tl::call<"nn::linear">(h, a.w_hh, a.b_hh);
  if (kind == CellKind::Lstm) {
    const auto g = tl::call_list<"chunk">(add(x, hidden), 4, 1);
    c = add(mul(sigmoid(g[1]), c), mul(sigmoid(g[0]), tanh(g[2])));
    h = mul(sigmoid(g[3]), tanh(c));
    if (a.w_hr) h = tl::call<"nn::linear">(h, a.w_hr);
  } else if (kind == CellKind::Gru) {
    const auto gx = tl::call_list<"chunk">(x, 3, 1), gh = tl::call_list<"chunk">(hidden, 3, 1);
    const tl::Tensor r = sigmoid(add(gx[0], gh[0])), z = sigmoid(add(gx[1], gh[1])), n = tanh(add(gx[2], mul(r, gh[2])));
    h = add(n, mul(z, tl::call<"sub">(h, n)));
  } else {
    const tl::Tensor s = add(x, hidden);
    h = kind == CellKind::Tanh ? tanh(s) : tl::call<"relu">(s);
  }
}

}  // namespace

LayerResults compose_layer(const LayerArguments& a, const Sequence& s, CellKind kind) {
  const bool lstm = kind == CellKind::Lstm;
  const tl::Tensor x = tl::call<"nn::linear">(a.input, a.w_ih, a.b_ih);
  std::vector<tl::Tensor> outputs(s.size.size());
  tl::Tensor h = rows(a.hx, 0, s.size[s.at(0)]), c = lstm ? rows(a.cx, 0, s.size[s.at(0)]) : tl::Tensor();
  tl::Tensor ended_h, ended_c;  // of sequences that are over, in their order
  for (int64_t i = 0; i < s.steps(); ++i) {
    const size_t t = s.at(i);
    const int64_t now = s.size[t], had = h.size(0);
    if (now < had) {
      const tl::Tensor over = rows(h, now, had);
      ended_h = ended_h ? join(over, ended_h) : over;
      h = rows(h, 0, now);
      if (lstm) {
        const tl::Tensor over_c = rows(c, now, had);
        ended_c = ended_c ? join(over_c, ended_c) : over_c;
        c = rows(c, 0, now);
      }
    } else if (now > had) {
      h = join(h, rows(a.hx, had, now));
      if (lstm) c = join(c, rows(a.cx, had, now));
    }
    cell(kind, a, rows(x, s.offset[t], s.offset[t] + now), h, c);
    outputs[t] = h;
  }
  return {tl::call<"cat">(outputs, 0), ended_h ? join(h, ended_h) : h, ended_c ? join(c, ended_c) : c};
}

}  // namespace tallow_nn::rnn
