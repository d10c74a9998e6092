// What the kernels of a recurrent layer share.
#pragma once
#include <cstring>

#include "rnn/sequence.hpp"

namespace tallow_nn::rnn {

constexpr int64_t kForwardUnits = 16, kBackwardUnits = 32;  // of a block
constexpr int64_t kRows = 64;                               // samples of a task
constexpr int64_t kPanel = 32;                              // columns of packed weights that lie together
constexpr int64_t kPackFrom = 4;                            // steps that make packing worth its while
constexpr int64_t kJoinFrom = 16;                           // samples of a step that make a product of its own worth its while

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

inline int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

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

inline tl::Tensor zeros(tl::Sizes s, TlDtype d) {
  tl::Tensor t = tl::empty(s, d);
  std::memset(t.data(), 0, static_cast<size_t>(t.numel()) * t.info().itemsize);
  return t;
}
inline tl::Tensor dense(const tl::Tensor& t) { return t ? tl::call<"contiguous">(t) : t; }

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
Shape<T> shape_of(const LayerArguments& a, const Sequence& seq, CellKind kind) {
  return {kind, seq, a.input.size(0), a.input.size(1), a.hx.size(1), gate_count(kind)};
}

inline LayerArguments dense_arguments(const tl::Call& c, uint32_t first) {
  return {dense(c.tensor(first)),     dense(c.tensor(first + 1)), dense(c.tensor(first + 2)), dense(c.tensor(first + 3)),
          dense(c.tensor(first + 4)), dense(c.tensor(first + 5)), dense(c.tensor(first + 6)), {}};
}

}  // namespace tallow_nn::rnn
