// A recurrent layer in one pass: the input's part of all steps is one product; each step then is one parallel loop over
// blocks of hidden units, whose task multiplies the previous state with its columns of the hidden weights and applies the
// gates while they are in the cache. The columns are packed once, one block after the other.
#include <cstring>

#include "rnn/sequence.hpp"

namespace tallow_nn::rnn {
namespace {

constexpr int64_t kForwardUnits = 16, kBackwardUnits = 32;  // of a block
constexpr int64_t kRows = 64;                               // samples of a task
constexpr int64_t kPanel = 32;                              // columns of packed weights that lie together
constexpr int64_t kPackFrom = 4;                            // steps that make packing worth its while

template <class T>
void gemm(bool ta, bool tb, int64_t m, int64_t n, int64_t k, const T* a, int64_t lda, const T* b, int64_t ldb, T beta, T* c, int64_t ldc) {
  tl::check(tl::api()->gemm(sizeof(T) == 4 ? TL_FLOAT32 : TL_FLOAT64, ta, tb, m, n, k, 1.0, a, std::max<int64_t>(lda, 1), b, std::max<int64_t>(ldb, 1),
                            static_cast<double>(beta), c, ldc));
}

// Asks for `units` elements of `rows` rows, `gates` times, which a product before their use leaves time to fetch: rows lie
// too far apart for the hardware to foresee.
template <class T>
void fetch(const T* at, int64_t rows, int64_t row, int64_t units, int64_t gates = 1, int64_t gate = 0) {
  constexpr int64_t line = 64 / sizeof(T);
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t g = 0; g < gates; ++g)
      for (int64_t j = 0; j < units; j += line) __builtin_prefetch(at + r * row + g * gate + j, 1, 2);
}

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

struct Blocks {
  int64_t hidden, units;
  int64_t count() const { return ceil_div(hidden, units); }
  int64_t begin(int64_t b) const { return b * units; }
  int64_t length(int64_t b) const { return std::min(units, hidden - b * units); }
};

// One parallel loop over blocks of units and of rows.
template <class F>
void for_each_tile(const Blocks& blocks, int64_t rows, F&& f) {
  const int64_t down = ceil_div(rows, kRows);
  tl::parallel_for(0, blocks.count() * down, 1, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) f(task / down, task % down * kRows, std::min(rows, task % down * kRows + kRows));
  });
}

tl::Tensor zeros(tl::Sizes s, TlDtype d) {
  tl::Tensor t = tl::empty(s, d);
  std::memset(t.data(), 0, static_cast<size_t>(t.numel()) * t.info().itemsize);
  return t;
}
tl::Tensor dense(const tl::Tensor& t) { return t ? tl::call<"contiguous">(t) : t; }

template <class T>
struct Shape {
  CellKind kind;
  Sequence seq;
  int64_t rows, inputs, hidden, gates;  // rows of all steps together
  bool gated() const { return kind == CellKind::Lstm || kind == CellKind::Gru; }
  int64_t gate_row() const { return padded_row(kind == CellKind::Gru ? 4 * hidden : gates * hidden); }
  int64_t cell_row() const { return padded_row(hidden); }
  Strides strides() const { return {hidden, gate_row(), cell_row()}; }
};

template <class T>
class Forward {
 public:
  Forward(const Shape<T>& shape, const LayerArguments& a, T* output, T* gates, T* cells)
      : s_(shape), blocks_{shape.hidden, kForwardUnits}, hx_(a.hx.data<T>()), cx_(a.cx ? a.cx.data<T>() : nullptr), w_hh_(a.w_hh.data<T>()),
        output_(output), gates_(gates), cells_(cells) {
    const int64_t n = s_.gates * s_.hidden;
    bias_ih_ = bias(a.b_ih, n), bias_hh_ = bias(a.b_hh, n);
    if (s_.kind != CellKind::Gru) bias_ih_ = tl::call<"add">(bias_ih_, bias_hh_);
    gemm<T>(false, true, s_.rows, n, s_.inputs, a.input.data<T>(), s_.inputs, a.w_ih.data<T>(), s_.inputs, T(0), gates_ ? gates_ : output_,
            gates_ ? s_.gate_row() : s_.hidden);
    const bool pack = s_.seq.steps() >= kPackFrom;
    weights_ = tl::empty(tl::Dims{pack ? n * s_.hidden : s_.seq.batch() * n}, a.input.dtype());
    if (pack) pack_weights();
    for (int64_t i = 0; i < s_.seq.steps(); ++i) step(i, pack);
  }

 private:
  static tl::Tensor bias(const tl::Tensor& b, int64_t n) { return b ? b : zeros(tl::Dims{n}, sizeof(T) == 4 ? TL_FLOAT32 : TL_FLOAT64); }

  // The columns of a block, gate by gate, in panels that lie one after the other.
  void pack_weights() {
    T* to = weights_.data<T>();
    const int64_t H = s_.hidden, G = s_.gates;
    tl::parallel_for(0, blocks_.count(), 1, [&](int64_t begin, int64_t end) {
      for (int64_t b = begin; b < end; ++b) {
        const int64_t units = blocks_.length(b), width = G * units;
        T* block = to + blocks_.begin(b) * G * H;
        for (int64_t column = 0; column < width;) {  // a stretch of columns of one gate in one panel
          const int64_t gate = column / units, unit = column % units, panel = column / kPanel * kPanel;
          const int64_t stretch = std::min(units - unit, panel + kPanel - column), panel_width = std::min(kPanel, width - panel);
          const T* from = w_hh_ + (gate * H + blocks_.begin(b) + unit) * H;
          cell_loops<T>().pack_columns(H, stretch, panel_width, from, H, true, block + panel * H + column - panel);
          column += stretch;
        }
      }
    });
  }

  void step(int64_t i, bool packed) {
    const int64_t H = s_.hidden, G = s_.gates, rows = s_.seq.size[s_.seq.at(i)];
    T* whole = weights_.data<T>();  // the packed weights, or the product of all units
    if (!packed)
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
        if (packed) {
          for (int64_t panel = 0; panel < width; panel += kPanel) {
            const int64_t columns = std::min(kPanel, width - panel);
            gemm<T>(false, false, count, columns, H, before, H, whole + (unit * G + panel) * H, columns, T(0), buffer + panel, width);
          }
          part = {buffer, width, units};
        }
        cell(i, first, count, unit, units, part, before);
      });
    });
  }

  void cell(int64_t i, int64_t first, int64_t count, int64_t unit, int64_t units, const Part<T>& part, const T* h_before) {
    const int64_t H = s_.hidden, row = s_.seq.offset[s_.seq.at(i)] + first;
    const CellLoops<T>& loops = cell_loops<T>();
    const Strides strides = s_.strides();
    const T *b_ih = bias_ih_.template data<T>() + unit, *b_hh = bias_hh_.template data<T>() + unit;
    T* h = output_ + row * H + unit;
    if (s_.kind == CellKind::Lstm) {
      const bool goes_on = first < s_.seq.continued(i);
      const int64_t before_row = goes_on ? strides.cells : H;
      const T* c_before = goes_on ? cells_ + (s_.seq.offset[s_.seq.at(i - 1)] + first) * before_row : cx_ + first * H;
      loops.lstm_forward(count, units, strides, part, b_ih, gates_ + row * strides.gates + unit, c_before + unit, before_row,
                         cells_ + row * strides.cells + unit, h);
    } else if (s_.kind == CellKind::Gru) {
      loops.gru_forward(count, units, strides, part, b_ih, b_hh, gates_ + row * strides.gates + unit, h_before + unit, h);
    } else {
      loops.rnn_forward(count, units, strides, part, b_ih, h, s_.kind == CellKind::Relu);
    }
  }

  const Shape<T>& s_;
  Blocks blocks_;
  const T *hx_, *cx_, *w_hh_;
  T *output_, *gates_, *cells_;
  tl::Tensor bias_ih_, bias_hh_, weights_;
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

template <class T>
Shape<T> shape_of(const LayerArguments& a, const Sequence& seq, CellKind kind) {
  return {kind, seq, a.input.size(0), a.input.size(1), a.hx.size(1), gate_count(kind)};
}

// ---------------------------------------------------------------- backward
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
    tl::parallel_for(0, blocks_.count(), 1, [&](int64_t begin, int64_t end) {
      for (int64_t b = begin; b < end; ++b)
        cell_loops<T>().pack_columns(depth, blocks_.length(b), blocks_.length(b), w_hh_ + blocks_.begin(b), H, false, to + blocks_.begin(b) * depth);
    });
  }

  // dh of the rows [begin, end) = (its direct part of a GRU +) d_gates of step i times the hidden weights.
  void product(int64_t i, int64_t block, int64_t begin, int64_t end) {
    const int64_t H = s_.hidden, G = s_.gates, unit = blocks_.begin(block), units = blocks_.length(block);
    const T* w = packed_ ? packed_.template data<T>() + unit * G * H : w_hh_ + unit;
    const int64_t ldw = packed_ ? units : H, ldg = s_.gate_row();
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

LayerArguments dense_arguments(const tl::Call& c, uint32_t first) {
  return {dense(c.tensor(first)),     dense(c.tensor(first + 1)), dense(c.tensor(first + 2)), dense(c.tensor(first + 3)),
          dense(c.tensor(first + 4)), dense(c.tensor(first + 5)), dense(c.tensor(first + 6)), {}};
}

}  // namespace

void forward_kernel(tl::Call& c) {
  const LayerArguments a = dense_arguments(c, 0);
  const CellKind kind = cell_kind(c.string(8));
  const Sequence seq(c.ints(7), c.boolean(9));
  by_float(a.input, [&](auto zero) {
    using T = decltype(zero);
    const Shape<T> s = shape_of<T>(a, seq, kind);
    T *output = c.out(0).data<T>(), *gates = s.gated() ? c.out(3).data<T>() : nullptr, *cells = kind == CellKind::Lstm ? c.out(4).data<T>() : nullptr;
    Forward<T>(s, a, output, gates, cells);
    last_states(seq, s.hidden, output, s.hidden, c.out(1).data<T>());
    if (kind == CellKind::Lstm) last_states(seq, s.hidden, cells, s.cell_row(), c.out(2).data<T>());
  });
}

// grad_output, grad_hy, grad_cy, the forward's arguments, output, gates, cells
void backward_kernel(tl::Call& c) {
  const LayerArguments a = dense_arguments(c, 3);
  const tl::Tensor grad = dense(c.tensor(0)), output = c.tensor(13), gates = c.tensor(14), cells = c.tensor(15);
  const CellKind kind = cell_kind(c.string(11));
  const Sequence seq(c.ints(10), c.boolean(12));
  const TlDtype dtype = a.input.dtype();
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
