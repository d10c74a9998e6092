// The pointwise parts of tiled attention, on one tile of scores.
#pragma once
#include <tallow/loops.hpp>

namespace tallow_nn {

// The part of an additive mask over a tile: `at` is null where there is none; strides in elements, 0 where broadcast.
template <class T>
struct MaskTile {
  const T* at;
  int64_t row, col;
};

template <class T>
struct AttentionLoops {
  // scores (rows x cols, row stride ld) become exponentials e^(scale * score + mask - m), m being the running maximum `top`
  // of each row; row r sees its first `seen0 + r` columns only. Updates top and sum; factor[r] is what earlier
  // exponentials have to be multiplied with. Columns beyond `seen` become zero.
  void (*accumulate)(int64_t rows, int64_t cols, T scale, MaskTile<T> mask, int64_t seen0, T* scores, int64_t ld, T* top, T* sum, T* factor);
  // out[r] *= factor[r]
  void (*scale_rows)(int64_t rows, int64_t cols, const T* factor, T* out, int64_t ld);
  // scores become the weights e^(scale * score + mask - log_sum[r]).
  void (*weights)(int64_t rows, int64_t cols, T scale, MaskTile<T> mask, int64_t seen0, const T* log_sum, T* scores, int64_t ld);
  // d_weights become scale * weights * (d_weights - delta[r]).
  void (*score_gradient)(int64_t rows, int64_t cols, T scale, const T* delta, const T* weights, T* d_weights, int64_t ld);
  // out[r] = sum over columns of a * b
  void (*row_dots)(int64_t rows, int64_t cols, const T* a, int64_t lda, const T* b, int64_t ldb, T* out);
  // to[e * width + j] = from[j * ld + e]
  void (*transpose)(int64_t rows, int64_t cols, const T* from, int64_t ld, T* to, int64_t width);
};

TL_LOOPS(AttentionLoops<float>, attention_loops_float)
TL_LOOPS(AttentionLoops<double>, attention_loops_double)

template <class T> const AttentionLoops<T>& attention_loops();
template <> inline const AttentionLoops<float>& attention_loops<float>() { return attention_loops_float(); }
template <> inline const AttentionLoops<double>& attention_loops<double>() { return attention_loops_double(); }

}  // namespace tallow_nn
