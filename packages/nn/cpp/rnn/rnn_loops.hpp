// The pointwise part of recurrent cells: gates and states from pre-activations, and back.
//
// All work on a rectangle of `rows` samples by `units` hidden units; `Strides` says how memory goes on from row to row.
#pragma once
#include <tallow/loops.hpp>

namespace tallow_nn {

enum class CellKind { Lstm, Gru, Tanh, Relu };

// H is the hidden size: gate k of a row lies k * H elements after gate 0, and states lie H elements apart.
struct Strides {
  int64_t H, gates, cells;
};

// A part of the pre-activations, that of the previous state or of the input: `row` elements from row to row, `gate` from gate to gate.
template <class T>
struct Part {
  const T* at;
  int64_t row, gate;
};

// Where activated gates go.
template <class T>
struct Gates {
  T* at;
  int64_t row, gate;
};

template <class T>
struct CellLoops {
  // gates become the activated i, f, g, o. bias: 4H sums of both biases. input may lie where gates go.
  void (*lstm_forward)(int64_t rows, int64_t units, const Strides& s, Part<T> input, Part<T> part, const T* bias, Gates<T> gates, const T* c_before,
                       int64_t before_row, T* c, T* h);
  // gates: on entry the input's part of r, z, n; on return r, z, n and the hidden part of n, with its bias.
  void (*gru_forward)(int64_t rows, int64_t units, const Strides& s, Part<T> part, const T* bias_ih, const T* bias_hh, Gates<T> gates, const T* h_before,
                      T* h);
  void (*rnn_forward)(int64_t rows, int64_t units, const Strides& s, Part<T> input, Part<T> part, const T* bias, T* h, bool relu);

  // dh is grad_h + dh_rec. d_gates: gradients before the activations. dc is read and replaced by that of the step before.
  void (*lstm_backward)(int64_t rows, int64_t units, const Strides& s, const T* grad_h, const T* dh_rec, T* dc, const T* gates, const T* c,
                        const T* c_before, int64_t before_row, T* d_gates);
  // d_gates: of r, z, n as the input sees them, then of n as the hidden state does. dh_rec becomes the
  // direct part of the previous state's gradient.
  void (*gru_backward)(int64_t rows, int64_t units, const Strides& s, const T* grad_h, T* dh_rec, const T* gates, const T* h_before, T* d_gates);
  void (*rnn_backward)(int64_t rows, int64_t units, const Strides& s, const T* grad_h, const T* dh_rec, const T* h, T* d_gates, bool relu);

  // to (columns of `width` each, one after the other, `lines` long) from `from` (row stride `ld`), read transposed if so.
  void (*pack_columns)(int64_t lines, int64_t columns, int64_t width, const T* from, int64_t ld, bool transposed, T* to);
};

TL_LOOPS(CellLoops<float>, cell_loops_float)
TL_LOOPS(CellLoops<double>, cell_loops_double)

template <class T> const CellLoops<T>& cell_loops();
template <> inline const CellLoops<float>& cell_loops<float>() { return cell_loops_float(); }
template <> inline const CellLoops<double>& cell_loops<double>() { return cell_loops_double(); }

}  // namespace tallow_nn
