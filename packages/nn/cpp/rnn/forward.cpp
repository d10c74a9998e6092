// A recurrent layer in one pass: each step is one parallel loop over blocks of hidden units, whose task multiplies the input
// and the previous state with its columns of the weights and applies the gates while they are in the cache. The columns are
// packed once, one block after the other. Where steps are small, the input's part of all of them is one product instead.
#include "rnn/tiles.hpp"

namespace tallow_nn::rnn {
namespace {

template <class T>
class Forward {
 public:
  // gates is null where they are not kept.
  Forward(const Shape<T>& shape, const LayerArguments& a, T* output, T* gates, T* cells)
      : s_(shape), blocks_{shape.hidden, kForwardUnits}, input_(a.input.data<T>()), hx_(a.hx.data<T>()), cx_(a.cx ? a.cx.data<T>() : nullptr),
        w_ih_(a.w_ih.data<T>()), w_hh_(a.w_hh.data<T>()), output_(output), gates_(gates), cells_(cells) {
    const int64_t n = s_.gates * s_.hidden;
    const TlDtype dtype = a.input.dtype();
    bias_ih_ = a.b_ih ? a.b_ih : zeros(tl::Dims{n}, dtype), bias_hh_ = a.b_hh ? a.b_hh : zeros(tl::Dims{n}, dtype);
    if (s_.kind != CellKind::Gru) bias_ih_ = tl::call<"add">(bias_ih_, bias_hh_);
    packed_ = s_.seq.steps() >= kPackFrom;
    // A GRU needs both parts of its third gate apart.
    joined_ = packed_ && s_.kind != CellKind::Gru && s_.rows >= kJoinFrom * s_.seq.steps();
    if (joined_) {
      no_input_ = zeros(tl::Dims{kForwardUnits}, dtype);
    } else {
      if (s_.gated() && !gates_) {
        scratch_ = tl::empty(tl::Dims{s_.rows, s_.gate_row()}, dtype);
        gates_ = scratch_.data<T>();
      }
      gemm<T>(false, true, s_.rows, n, s_.inputs, input_, s_.inputs, w_ih_, s_.inputs, T(0), gates_ ? gates_ : output_,
              gates_ ? s_.gate_row() : s_.hidden);
    }
    weights_ = tl::empty(tl::Dims{packed_ ? n * depth() : s_.seq.batch() * n}, dtype);
    // Read once: an access asks the tensor where its memory is.
    b_ih_ = bias_ih_.template data<T>(), b_hh_ = bias_hh_.template data<T>(), whole_ = weights_.template data<T>();
    nothing_ = {no_input_ ? no_input_.template data<T>() : nullptr, 0, 0};
    if (packed_) pack_weights();
    for (int64_t i = 0; i < s_.seq.steps(); ++i) step(i);
  }

 private:
  // Rows of the packed weights: those of the input, if it takes part in the steps' products, then those of the state.
  int64_t joined_rows() const { return joined_ ? s_.inputs : 0; }
  int64_t depth() const { return joined_rows() + s_.hidden; }

  // The columns of a block, gate by gate, in panels that lie one after the other.
  void pack_weights() {
    T* to = weights_.data<T>();
    const int64_t H = s_.hidden, G = s_.gates, I = s_.inputs, K = depth();
    tl::parallel_for(0, blocks_.count(), 1, [&](int64_t begin, int64_t end) {
      for (int64_t b = begin; b < end; ++b) {
        const int64_t units = blocks_.length(b), width = G * units;
        T* block = to + blocks_.begin(b) * G * K;
        for (int64_t column = 0; column < width;) {  // a stretch of columns of one gate in one panel
          const int64_t gate = column / units, unit = column % units, panel = column / kPanel * kPanel;
          const int64_t stretch = std::min(units - unit, panel + kPanel - column), panel_width = std::min(kPanel, width - panel);
          const int64_t row = gate * H + blocks_.begin(b) + unit;  // of the weights
          T* at = block + panel * K + column - panel;
          if (joined_) cell_loops<T>().pack_columns(I, stretch, panel_width, w_ih_ + row * I, I, true, at);
          cell_loops<T>().pack_columns(H, stretch, panel_width, w_hh_ + row * H, H, true, at + joined_rows() * panel_width);
          column += stretch;
        }
      }
    });
  }

  void step(int64_t i) {
    const int64_t H = s_.hidden, G = s_.gates, rows = s_.seq.size[s_.seq.at(i)];
    T* whole = whole_;
    if (!packed_)
      s_.seq.with_previous(i, 0, rows, H, output_, hx_, [&](int64_t first, int64_t count, const T* before) {
        gemm<T>(false, true, count, G * H, H, before, H, w_hh_, H, T(0), whole + first * G * H, G * H);
      });
    for_each_tile(blocks_, rows, [&](int64_t block, int64_t begin, int64_t end) {
      const int64_t unit = blocks_.begin(block), units = blocks_.length(block), width = G * units;
      T buffer[4 * kForwardUnits * kRows];
      const int64_t row = s_.seq.offset[s_.seq.at(i)] + begin;
      fetch(output_ + row * H + unit, end - begin, H, units);
      if (cells_) fetch(cells_ + row * s_.cell_row() + unit, end - begin, s_.cell_row(), units);
      if (gates_) fetch(gates_ + row * s_.gate_row() + unit, end - begin, s_.gate_row(), units, 4, H);
      s_.seq.with_previous(i, begin, end, H, output_, hx_, [&](int64_t first, int64_t count, const T* before) {
        Part<T> part{whole + first * G * H + unit, G * H, H};
        if (packed_) {
          const T* x = input_ + (s_.seq.offset[s_.seq.at(i)] + first) * s_.inputs;
          product(count, width, x, before, whole + unit * G * depth(), buffer);
          part = {buffer, width, units};
        }
        cell(i, first, count, unit, units, part, before);
      });
    });
  }

  // The pre-activations of a block of units.
  void product(int64_t rows, int64_t width, const T* x, const T* before, const T* block, T* out) const {
    const int64_t H = s_.hidden, I = joined_rows();
    for (int64_t panel = 0; panel < width; panel += kPanel) {
      const int64_t columns = std::min(kPanel, width - panel);
      const T* w = block + panel * depth();
      if (joined_) gemm<T>(false, false, rows, columns, I, x, I, w, columns, T(0), out + panel, width);
      gemm<T>(false, false, rows, columns, H, before, H, w + I * columns, columns, T(joined_), out + panel, width);
    }
  }

  void cell(int64_t i, int64_t first, int64_t count, int64_t unit, int64_t units, const Part<T>& part, const T* h_before) {
    const int64_t H = s_.hidden, row = s_.seq.offset[s_.seq.at(i)] + first;
    const CellLoops<T>& loops = cell_loops<T>();
    const Strides strides = s_.strides();
    const T *b_ih = b_ih_ + unit, *b_hh = b_hh_ + unit;
    T* h = output_ + row * H + unit;
    T forgotten[4 * kForwardUnits];
    const Gates<T> gates = gates_ ? Gates<T>{gates_ + row * strides.gates + unit, strides.gates, H} : Gates<T>{forgotten, 0, kForwardUnits};
    if (s_.kind == CellKind::Lstm) {
      const bool goes_on = first < s_.seq.continued(i);
      const int64_t before_row = goes_on ? strides.cells : H;
      const T* c_before = goes_on ? cells_ + (s_.seq.offset[s_.seq.at(i - 1)] + first) * before_row : cx_ + first * H;
      loops.lstm_forward(count, units, strides, joined_ ? nothing_ : Part<T>{gates.at, gates.row, gates.gate}, part, b_ih, gates, c_before + unit, before_row,
                         cells_ + row * strides.cells + unit, h);
    } else if (s_.kind == CellKind::Gru) {
      loops.gru_forward(count, units, strides, part, b_ih, b_hh, gates, h_before + unit, h);
    } else {
      loops.rnn_forward(count, units, strides, joined_ ? nothing_ : Part<T>{h, H, 0}, part, b_ih, h, s_.kind == CellKind::Relu);
    }
  }

  const Shape<T>& s_;
  Blocks blocks_;
  const T *input_, *hx_, *cx_, *w_ih_, *w_hh_;
  T *output_, *gates_, *cells_;
  bool packed_, joined_;
  tl::Tensor bias_ih_, bias_hh_, weights_, no_input_, scratch_;
  const T *b_ih_, *b_hh_;
  T* whole_;  // the packed weights, or the product of all units
  Part<T> nothing_;
};

// The state after each sequence's last computed step.
template <class T>
void last_states(const Sequence& seq, int64_t width, const T* states, int64_t row, T* out) {
  for (size_t t = 0; t < seq.size.size(); ++t) {
    const int64_t going_on = !seq.reverse && t + 1 < seq.size.size() ? seq.size[t + 1] : 0;
    for (int64_t b = going_on; b < seq.size[t]; ++b) std::copy_n(states + (seq.offset[t] + b) * row, width, out + b * width);
    if (seq.reverse) return;  // every sequence ends at the first step
  }
}

}  // namespace

void forward_kernel(tl::Call& c) {
  const LayerArguments a = dense_arguments(c, 0);
  const CellKind kind = cell_kind(c.string(8));
  const Sequence seq(c.ints(7), c.boolean(9));
  by_float(a.input, [&](auto zero) {
    using T = decltype(zero);
    const Shape<T> s = shape_of<T>(a, seq, kind);
    const bool lstm = kind == CellKind::Lstm, keep = c.boolean(10);
    const tl::Tensor states = lstm && !keep ? tl::empty(tl::Dims{s.rows, s.cell_row()}, a.input.dtype()) : c.out(4);
    T *output = c.out(0).data<T>(), *gates = keep && s.gated() ? c.out(3).data<T>() : nullptr, *cells = lstm ? states.data<T>() : nullptr;
    Forward<T>(s, a, output, gates, cells);
    last_states(seq, s.hidden, output, s.hidden, c.out(1).data<T>());
    if (lstm) last_states(seq, s.hidden, cells, s.cell_row(), c.out(2).data<T>());
  });
}

}  // namespace tallow_nn::rnn
