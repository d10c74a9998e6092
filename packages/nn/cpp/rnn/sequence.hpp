// A recurrent layer's arguments, checked, and its steps as they lie in memory.
#pragma once
#include <algorithm>
#include <vector>

#include "common.hpp"
#include "rnn/rnn_loops.hpp"

namespace tallow_nn::rnn {

// The rows of step t are [offset[t], offset[t] + size[t]): sizes never grow, so that row b of every step belongs to
// sequence b (the layout of a packed sequence; a padded batch has equal sizes).
struct Sequence {
  std::vector<int64_t> size, offset;
  bool reverse;

  Sequence(tl::Sizes sizes, bool backwards) : size(sizes.begin(), sizes.end()), reverse(backwards) {
    int64_t at = 0;
    for (const int64_t s : size) offset.push_back(at), at += s;
  }
  int64_t steps() const { return static_cast<int64_t>(size.size()); }
  // The step that is computed i-th.
  size_t at(int64_t i) const { return static_cast<size_t>(reverse ? steps() - 1 - i : i); }
  int64_t batch() const { return size[0]; }
  // How many rows of the i-th computed step go on from the step computed before; the others start here.
  int64_t continued(int64_t i) const { return i == 0 ? 0 : std::min(size[at(i)], size[at(i - 1)]); }

  // Calls f(first, rows, before) for the rows [begin, end) of the i-th step: `before` is where the previous state of row
  // `first` lies, in the states of all steps or in the initial ones.
  template <class T, class F>
  void with_previous(int64_t i, int64_t begin, int64_t end, int64_t width, const T* states, const T* initial, F&& f) const {
    const int64_t middle = std::clamp(continued(i), begin, end);
    if (begin < middle) f(begin, middle - begin, states + (offset[at(i - 1)] + begin) * width);
    if (middle < end) f(middle, end - middle, initial + middle * width);
  }
};

inline CellKind cell_kind(std::string_view mode) {
  if (mode == "LSTM") return CellKind::Lstm;
  if (mode == "GRU") return CellKind::Gru;
  if (mode == "RNN_TANH") return CellKind::Tanh;
  require(mode == "RNN_RELU", "rnn_layer: mode must be LSTM, GRU, RNN_TANH or RNN_RELU, got ", mode);
  return CellKind::Relu;
}
inline int64_t gate_count(CellKind kind) { return kind == CellKind::Lstm ? 4 : kind == CellKind::Gru ? 3 : 1; }

// Rows a multiple of 4 KiB apart compete for the same places of the cache, and a load waits for the store to the row before
// when their addresses agree in the lower 12 bits: rows of our own buffers are a little longer then.
inline int64_t padded_row(int64_t n) { return n % 128 ? n : n + 16; }

struct LayerArguments {
  tl::Tensor input, hx, cx, w_ih, w_hh, b_ih, b_hh, w_hr;
};

// Raises unless every shape and dtype fits the others.
void check_layer(const LayerArguments& a, const Sequence& s, CellKind kind);

struct LayerResults {
  tl::Tensor output, hy, cy;
};
// The layer in terms of differentiable ops.
LayerResults compose_layer(const LayerArguments& a, const Sequence& s, CellKind kind);

void forward_kernel(tl::Call& c);
void backward_kernel(tl::Call& c);

}  // namespace tallow_nn::rnn
