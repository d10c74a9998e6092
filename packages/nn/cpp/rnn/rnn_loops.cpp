// Compiled once per instruction set. Hochreiter and Schmidhuber, "Long short-term memory", 1997; Cho et al., "Learning
// phrase representations using RNN encoder-decoder", 2014.
#include "rnn/rnn_loops.hpp"

#include <algorithm>

#include <tallow/vec/exp.hpp>

namespace tallow_nn::TL_ISA {
namespace {

namespace vec = tallow::vec::TL_ISA;

// A gate as a fraction: a division takes as long as all the rest, so those of one unit share it.
template <class T>
struct Fraction {
  T top, bottom;
};
template <class T>
inline __attribute__((always_inline)) Fraction<T> sigmoid(T x) {
  const T z = vec::exp_negative(-vec::abs(x));
  return {x < T(0) ? z : T(1), T(1) + z};
}
// tanh |x| = t / (t + 2) with t = e^(2|x|) - 1; beyond the bound it is 1 to the last bit.
template <class T>
inline __attribute__((always_inline)) Fraction<T> tanh(T x) {
  constexpr T bound = sizeof(T) == 4 ? T(10) : T(20);
  const T a = vec::abs(x), t = vec::expm1_inner(T(2) * (a > bound ? bound : a));
  return {vec::copysign(t, x), t + T(2)};
}

template <class T>
void lstm_forward(int64_t rows, int64_t units, const Strides& s, Part<T> input, Part<T> part, const T* bias, Gates<T> gates, const T* c_before,
                  int64_t before_row, T* c, T* h) {
  const int64_t H = s.H;
  for (int64_t r = 0; r < rows; ++r) {
    const T *p0 = part.at + r * part.row, *p1 = p0 + part.gate, *p2 = p1 + part.gate, *p3 = p2 + part.gate;
    const T *b0 = bias, *b1 = b0 + H, *b2 = b1 + H, *b3 = b2 + H, *before = c_before + r * before_row;
    const T *x0 = input.at + r * input.row, *x1 = x0 + input.gate, *x2 = x1 + input.gate, *x3 = x2 + input.gate;
    T *g0 = gates.at + r * gates.row, *g1 = g0 + gates.gate, *g2 = g1 + gates.gate, *g3 = g2 + gates.gate, *cell = c + r * s.cells, *out = h + r * H;
#pragma GCC ivdep
    for (int64_t j = 0; j < units; ++j) {
      const Fraction<T> in = sigmoid(x0[j] + p0[j] + b0[j]), forget = sigmoid(x1[j] + p1[j] + b1[j]);
      const Fraction<T> cell_in = tanh(x2[j] + p2[j] + b2[j]), out_gate = sigmoid(x3[j] + p3[j] + b3[j]);
      const T left = in.bottom * forget.bottom, right = cell_in.bottom * out_gate.bottom, one = T(1) / (left * right);
      const T of_left = one * right, of_right = one * left;
      const T i = in.top * (forget.bottom * of_left), f = forget.top * (in.bottom * of_left);
      const T g = cell_in.top * (out_gate.bottom * of_right), o = out_gate.top * (cell_in.bottom * of_right);
      const T state = f * before[j] + i * g;
      g0[j] = i, g1[j] = f, g2[j] = g, g3[j] = o;
      cell[j] = state;
      out[j] = o * vec::tanh(state);
    }
  }
}

template <class T>
void gru_forward(int64_t rows, int64_t units, const Strides& s, Part<T> part, const T* bias_ih, const T* bias_hh, Gates<T> gates, const T* h_before, T* h) {
  const int64_t H = s.H;
  for (int64_t row = 0; row < rows; ++row) {
    const T *p0 = part.at + row * part.row, *p1 = p0 + part.gate, *p2 = p1 + part.gate, *before = h_before + row * H;
    T *g0 = gates.at + row * gates.row, *g1 = g0 + gates.gate, *g2 = g1 + gates.gate, *g3 = g2 + gates.gate, *out = h + row * H;
#pragma GCC ivdep
    for (int64_t j = 0; j < units; ++j) {
      const Fraction<T> reset = sigmoid(g0[j] + p0[j] + bias_ih[j] + bias_hh[j]);
      const Fraction<T> update = sigmoid(g1[j] + p1[j] + bias_ih[H + j] + bias_hh[H + j]);
      const T one = T(1) / (reset.bottom * update.bottom);
      const T r = reset.top * (update.bottom * one), z = update.top * (reset.bottom * one);
      const T hidden = p2[j] + bias_hh[2 * H + j];
      const T n = vec::tanh(g2[j] + bias_ih[2 * H + j] + r * hidden);
      g0[j] = r, g1[j] = z, g2[j] = n, g3[j] = hidden;
      out[j] = n + z * (before[j] - n);
    }
  }
}

template <class T>
void rnn_forward(int64_t rows, int64_t units, const Strides& s, Part<T> input, Part<T> part, const T* bias, T* h, bool relu) {
  const int64_t H = s.H;
  for (int64_t r = 0; r < rows; ++r) {
    const T *p = part.at + r * part.row, *in = input.at + r * input.row;
    T* out = h + r * H;
    if (relu) {
#pragma GCC ivdep
      for (int64_t j = 0; j < units; ++j) {
        const T x = in[j] + p[j] + bias[j];
        out[j] = x < T(0) ? T(0) : x;
      }
    } else {
#pragma GCC ivdep
      for (int64_t j = 0; j < units; ++j) out[j] = vec::tanh(in[j] + p[j] + bias[j]);
    }
  }
}

template <class T>
void lstm_backward(int64_t rows, int64_t units, const Strides& s, const T* grad_h, const T* dh_rec, T* dc, const T* gates, const T* c,
                   const T* c_before, int64_t before_row, T* d_gates) {
  const int64_t H = s.H;
  for (int64_t r = 0; r < rows; ++r) {
    const T *gh = grad_h + r * H, *rec = dh_rec + r * H, *cell = c + r * s.cells, *before = c_before + r * before_row;
    const T *g0 = gates + r * s.gates, *g1 = g0 + H, *g2 = g1 + H, *g3 = g2 + H;
    T *d0 = d_gates + r * s.gates, *d1 = d0 + H, *d2 = d1 + H, *d3 = d2 + H, *carry = dc + r * H;
#pragma GCC ivdep
    for (int64_t j = 0; j < units; ++j) {
      const T dh = gh[j] + rec[j], t = vec::tanh(cell[j]);
      const T i = g0[j], f = g1[j], g = g2[j], o = g3[j];
      const T d = carry[j] + dh * o * (T(1) - t * t);
      d0[j] = d * g * i * (T(1) - i);
      d1[j] = d * before[j] * f * (T(1) - f);
      d2[j] = d * i * (T(1) - g * g);
      d3[j] = dh * t * o * (T(1) - o);
      carry[j] = d * f;
    }
  }
}

template <class T>
void gru_backward(int64_t rows, int64_t units, const Strides& s, const T* grad_h, T* dh_rec, const T* gates, const T* h_before, T* d_gates) {
  const int64_t H = s.H;
  for (int64_t row = 0; row < rows; ++row) {
    const T *gh = grad_h + row * H, *before = h_before + row * H;
    const T *g0 = gates + row * s.gates, *g1 = g0 + H, *g2 = g1 + H, *g3 = g2 + H;
    T *d0 = d_gates + row * s.gates, *d1 = d0 + H, *d2 = d1 + H, *d3 = d2 + H, *rec = dh_rec + row * H;
#pragma GCC ivdep
    for (int64_t j = 0; j < units; ++j) {
      const T dh = gh[j] + rec[j], r = g0[j], z = g1[j], n = g2[j];
      const T dn = dh * (T(1) - z) * (T(1) - n * n);
      d0[j] = dn * g3[j] * r * (T(1) - r);
      d1[j] = dh * (before[j] - n) * z * (T(1) - z);
      d2[j] = dn;
      d3[j] = dn * r;
      rec[j] = dh * z;
    }
  }
}

template <class T>
void rnn_backward(int64_t rows, int64_t units, const Strides& s, const T* grad_h, const T* dh_rec, const T* h, T* d_gates, bool relu) {
  const int64_t H = s.H;
  for (int64_t r = 0; r < rows; ++r) {
    const T *gh = grad_h + r * H, *rec = dh_rec + r * H, *out = h + r * H;
    T* d = d_gates + r * s.gates;
    if (relu) {
#pragma GCC ivdep
      for (int64_t j = 0; j < units; ++j) d[j] = out[j] > T(0) ? gh[j] + rec[j] : T(0);
    } else {
#pragma GCC ivdep
      for (int64_t j = 0; j < units; ++j) d[j] = (gh[j] + rec[j]) * (T(1) - out[j] * out[j]);
    }
  }
}

template <class T>
void pack_columns(int64_t lines, int64_t columns, int64_t width, const T* from, int64_t ld, bool transposed, T* to) {
  if (!transposed) {
    for (int64_t i = 0; i < lines; ++i) std::copy_n(from + i * ld, columns, to + i * width);
    return;
  }
  // Squares of 16 by 16 keep both sides in the cache.
  constexpr int64_t square = 16;
  for (int64_t i = 0; i < lines; i += square)
    for (int64_t j = 0; j < columns; ++j)
      for (int64_t k = i; k < std::min(lines, i + square); ++k) to[k * width + j] = from[j * ld + k];
}

template <class T>
constexpr CellLoops<T> kLoops = {lstm_forward<T>, gru_forward<T>,  rnn_forward<T>, lstm_backward<T>,
                                 gru_backward<T>, rnn_backward<T>, pack_columns<T>};

}  // namespace

const CellLoops<float> cell_loops_float = kLoops<float>;
const CellLoops<double> cell_loops_double = kLoops<double>;

}  // namespace tallow_nn::TL_ISA
