// A recurrent layer's gradient: step by step in the opposite order, each one parallel loop over blocks of hidden units, whose
// task multiplies the gradient of the gates with its columns of the hidden weights and goes on through the gates of the step
// before. The gradients of the weights are products over all steps at the end.
#include "rnn/tiles.hpp"

namespace tallow_nn::rnn {
namespace {

template <class T>
class Backward {
 public:
  Backward(const Shape<T>& shape, const LayerArguments& a, const T* grad_output, const T* output, const T* gates, const T* cells, T* dh, T* dc, T* d_gates)
      : s_(shape), blocks_{shape.hidden, kBackwardUnits}, hx_(a.hx.data<T>()), cx_(a.cx ? a.cx.data<T>() : nullptr), w_hh_(a.w_hh.data<T>()),
        grad_(grad_output), output_(output), gates_(gates), cells_(cells), dh_(dh), dc_(dc), d_gates_(d_gates) {
    if (s_.seq.steps() >= kPackFrom) pack_weights(a.input.dtype());
    const int64_t steps = s_.seq.steps();
    auto rows_of = [&](int64_t i) { return i >= 0 && i < steps ? s_.seq.size[s_.seq.at(i)] : 0; };
    // The gradient through step i + 1's product, then step i's gates: both concern the same units of a row.
    for (int64_t i = steps - 1; i >= -1; --i)
      for_each_tile(blocks_, std::max(rows_of(i), rows_of(i + 1)), [&](int64_t block, int64_t begin, int64_t end) {
        const int64_t through = std::min(end, rows_of(i + 1)), own = std::min(end, rows_of(i));
        const int64_t unit = blocks_.begin(block), units = blocks_.length(block);
        if (begin < own) fetch_cell(i, unit, units, begin, own);
        if (begin < through) product(i + 1, block, begin, through);
        if (begin < own) cell(i, unit, units, begin, own);
      });
  }

 private:
  void pack_weights(TlDtype dtype) {
    const int64_t H = s_.hidden, depth = s_.gates * H;
    packed_ = tl::empty(tl::Dims{depth * H}, dtype);
    T* to = packed_.data<T>();
    columns_ = to;
    tl::parallel_for(0, blocks_.count(), 1, [&](int64_t begin, int64_t end) {
      for (int64_t b = begin; b < end; ++b)
        cell_loops<T>().pack_columns(depth, blocks_.length(b), blocks_.length(b), w_hh_ + blocks_.begin(b), H, false, to + blocks_.begin(b) * depth);
    });
  }

  // dh of the rows [begin, end) = (its direct part of a GRU +) d_gates of step i times the hidden weights.
  void product(int64_t i, int64_t block, int64_t begin, int64_t end) {
    const int64_t H = s_.hidden, G = s_.gates, unit = blocks_.begin(block), units = blocks_.length(block);
    const T* w = columns_ ? columns_ + unit * G * H : w_hh_ + unit;
    const int64_t ldw = columns_ ? units : H, ldg = s_.gate_row();
    const T* d = d_gates_ + (s_.seq.offset[s_.seq.at(i)] + begin) * ldg;
    T* dh = dh_ + begin * H + unit;
    if (s_.kind == CellKind::Gru) {
      gemm<T>(false, false, end - begin, units, 2 * H, d, ldg, w, ldw, T(1), dh, H);
      gemm<T>(false, false, end - begin, units, H, d + 3 * H, ldg, w + 2 * H * ldw, ldw, T(1), dh, H);
    } else {
      gemm<T>(false, false, end - begin, units, G * H, d, ldg, w, ldw, T(0), dh, H);
    }
  }

  void fetch_cell(int64_t i, int64_t unit, int64_t units, int64_t begin, int64_t end) const {
    const int64_t H = s_.hidden, ldg = s_.gate_row(), row = s_.seq.offset[s_.seq.at(i)] + begin, rows = end - begin;
    fetch(grad_ + row * H + unit, rows, H, units);
    fetch(d_gates_ + row * ldg + unit, rows, ldg, units, s_.gated() ? 4 : 1, H);
    if (cells_) fetch(cells_ + row * s_.cell_row() + unit, rows, s_.cell_row(), units);
    else fetch(output_ + row * H + unit, rows, H, units);
    if (gates_) fetch(gates_ + row * ldg + unit, rows, ldg, units, 4, H);
  }

  void cell(int64_t i, int64_t unit, int64_t units, int64_t begin, int64_t end) {
    const int64_t H = s_.hidden, ldg = s_.gate_row(), at = s_.seq.offset[s_.seq.at(i)];
    const CellLoops<T>& loops = cell_loops<T>();
    const Strides strides = s_.strides();
    s_.seq.with_previous(i, begin, end, H, output_, hx_, [&](int64_t first, int64_t count, const T* before) {
      const int64_t row = at + first;
      const T* grad = grad_ + row * H + unit;
      T *dh = dh_ + first * H + unit, *d = d_gates_ + row * ldg + unit;
      if (s_.kind == CellKind::Lstm) {
        const bool goes_on = first < s_.seq.continued(i);
        const int64_t before_row = goes_on ? strides.cells : H;
        const T* c_before = goes_on ? cells_ + (s_.seq.offset[s_.seq.at(i - 1)] + first) * before_row : cx_ + first * H;
        loops.lstm_backward(count, units, strides, grad, dh, dc_ + first * H + unit, gates_ + row * ldg + unit, cells_ + row * strides.cells + unit,
                            c_before + unit, before_row, d);
      } else if (s_.kind == CellKind::Gru) {
        loops.gru_backward(count, units, strides, grad, dh, gates_ + row * ldg + unit, before + unit, d);
      } else {
        loops.rnn_backward(count, units, strides, grad, dh, output_ + row * H + unit, d, s_.kind == CellKind::Relu);
      }
    });
  }

  const Shape<T>& s_;
  Blocks blocks_;
  const T *hx_, *cx_, *w_hh_, *grad_, *output_, *gates_, *cells_;
  T *dh_, *dc_, *d_gates_;
  tl::Tensor packed_;
  const T* columns_ = nullptr;
};

// The previous state of every row.
template <class T>
tl::Tensor previous_states(const Shape<T>& s, const T* output, const T* hx, TlDtype dtype) {
  tl::Tensor out = tl::empty(tl::Dims{s.rows, s.hidden}, dtype);
  T* to = out.data<T>();
  for (int64_t i = 0; i < s.seq.steps(); ++i) {
    const size_t t = s.seq.at(i);
    s.seq.with_previous(i, 0, s.seq.size[t], s.hidden, output, hx, [&](int64_t first, int64_t count, const T* before) {
      std::copy_n(before, count * s.hidden, to + (s.seq.offset[t] + first) * s.hidden);
    });
  }
  return out;
}

}  // namespace

// What the forward pass made is checked like any argument.
static void check_saved(CellKind kind, const tl::Call& c, const LayerArguments& a, TlDtype dtype) {
  const char* op = "_rnn_layer_gradients";
  const int64_t N = a.input.size(0), H = a.hx.size(1);
  require_like(op, "grad_output", c.tensor(0), tl::Dims{N, H}, dtype);
  require_like(op, "grad_hy", c.tensor(1), a.hx.sizes(), dtype);
  require_like(op, "output", c.tensor(13), tl::Dims{N, H}, dtype);
  const bool lstm = kind == CellKind::Lstm;
  if (lstm) require_like(op, "grad_cy", c.tensor(2), a.hx.sizes(), dtype);
  if (lstm || kind == CellKind::Gru) require_like(op, "gates", c.tensor(14), tl::Dims{N, padded_row(4 * H)}, dtype);
  if (lstm) require_like(op, "cells", c.tensor(15), tl::Dims{N, padded_row(H)}, dtype);
}

// grad_output, grad_hy, grad_cy, the forward's arguments, output, gates, cells
void backward_kernel(tl::Call& c) {
  const LayerArguments a = dense_arguments(c, 3);
  const tl::Tensor grad = dense(c.tensor(0)), output = dense(c.tensor(13)), gates = dense(c.tensor(14)), cells = dense(c.tensor(15));
  const CellKind kind = cell_kind(c.string(11));
  const Sequence seq(c.ints(10), c.boolean(12));
  const TlDtype dtype = a.input.dtype();
  check_layer(a, seq, kind);
  require(dtype == TL_FLOAT32 || dtype == TL_FLOAT64, "_rnn_layer_gradients: expected float32 or float64");
  check_saved(kind, c, a, dtype);
  const tl::Tensor dh = tl::call<"clone">(dense(c.tensor(1))), dc = kind == CellKind::Lstm ? tl::call<"clone">(dense(c.tensor(2))) : tl::Tensor();
  by_float(a.input, [&](auto zero) {
    using T = decltype(zero);
    const Shape<T> s = shape_of<T>(a, seq, kind);
    const int64_t N = s.rows, I = s.inputs, H = s.hidden, n = s.gates * H, ldg = s.gate_row();
    const tl::Tensor d_gates = tl::empty(tl::Dims{N, ldg}, dtype);
    const T* d = d_gates.data<T>();
    const bool lstm = kind == CellKind::Lstm;
    Backward<T>(s, a, grad.data<T>(), output.data<T>(), s.gated() ? gates.data<T>() : nullptr, lstm ? cells.data<T>() : nullptr, dh.data<T>(),
                lstm ? dc.data<T>() : nullptr, d_gates.data<T>());
    const tl::Tensor dx = tl::empty(a.input.sizes(), dtype), dw_ih = tl::empty(a.w_ih.sizes(), dtype), dw_hh = tl::empty(a.w_hh.sizes(), dtype);
    gemm<T>(false, false, N, I, n, d, ldg, a.w_ih.data<T>(), I, T(0), dx.data<T>(), I);
    gemm<T>(true, false, n, I, N, d, ldg, a.input.data<T>(), I, T(0), dw_ih.data<T>(), I);
    const tl::Tensor before = previous_states<T>(s, output.data<T>(), a.hx.data<T>(), dtype);
    const bool gru = kind == CellKind::Gru;
    gemm<T>(true, false, gru ? 2 * H : n, H, N, d, ldg, before.data<T>(), H, T(0), dw_hh.data<T>(), H);
    if (gru) gemm<T>(true, false, H, H, N, d + 3 * H, ldg, before.data<T>(), H, T(0), dw_hh.data<T>() + 2 * H * H, H);
    c.ret(dx, 0), c.ret(dh, 1), c.ret(dc, 2), c.ret(dw_ih, 3), c.ret(dw_hh, 4);
    if (!a.b_ih && !a.b_hh) return;
    const tl::Tensor sums = tl::call<"sum">(d_gates, tl::Dims{0});
    auto columns = [&](int64_t b, int64_t e) { return tl::call<"slice">(sums, 0, b, e, 1); };
    if (a.b_ih) c.ret(tl::call<"clone">(columns(0, n)), 5);
    if (a.b_hh) c.ret(gru ? tl::call<"cat">(std::vector<tl::Tensor>{columns(0, 2 * H), columns(3 * H, 4 * H)}, 0) : tl::call<"clone">(columns(0, n)), 6);
  });
}

}  // namespace tallow_nn::rnn
