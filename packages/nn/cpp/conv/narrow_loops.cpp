#include "conv/narrow_loops.hpp"

#include <utility>

namespace tallow_nn::conv::TL_ISA {
namespace {

constexpr int L = TL_ISA_LEVEL == 2 ? 16 : TL_ISA_LEVEL == 1 ? 8 : 4;
constexpr int kVectors = TL_ISA_LEVEL == 2 ? 2 : 1;  // of columns at a time: what the registers hold
typedef float Vec __attribute__((vector_size(L * sizeof(float))));
typedef float Memory __attribute__((vector_size(L * sizeof(float)), aligned(alignof(float)), may_alias));
inline Vec load(const float* p) { return *reinterpret_cast<const Memory*>(p); }
inline void store(float* p, Vec v) { *reinterpret_cast<Memory*>(p) = v; }

template <int K>
void forward_channels(const Narrow& g, const float* x, const float* w, const float* bias, int64_t outputs, float* y, int64_t out) {
  constexpr int64_t step = kVectors * L;
  for (int64_t r = 0; r < g.rows; ++r)
    for (int64_t c0 = 0; c0 < g.columns; c0 += step) {
      Vec sum[K][kVectors];
#pragma GCC unroll 8
      for (int k = 0; k < K; ++k)
#pragma GCC unroll 2
        for (int v = 0; v < kVectors; ++v) sum[k][v] = bias[k] - Vec{};
      const float* weight = w;
      for (int64_t c = 0; c < g.channels; ++c)
        for (int64_t i = 0; i < g.kh; ++i) {
          const float* from = x + c * g.plane + (r + i) * g.row + c0;
          for (int64_t j = 0; j < g.kw; ++j, weight += kNarrowOutputs) {
            Vec in[kVectors];
#pragma GCC unroll 2
            for (int v = 0; v < kVectors; ++v) in[v] = load(from + j + v * L);
#pragma GCC unroll 8
            for (int k = 0; k < K; ++k)
#pragma GCC unroll 2
              for (int v = 0; v < kVectors; ++v) sum[k][v] += weight[k] * in[v];
          }
        }
      // What spills over the end of a row is overwritten by the next one.
      const int64_t n = g.columns - c0;
      const bool spill = r * g.columns + c0 + step <= g.rows * g.columns;
#pragma GCC unroll 8
      for (int k = 0; k < K; ++k) {
        if (k >= outputs) break;
        float* to = y + k * out + r * g.columns + c0;
        if (n >= step || spill) {
          for (int v = 0; v < kVectors; ++v) store(to + v * L, sum[k][v]);
          continue;
        }
        float some[step];
        for (int v = 0; v < kVectors; ++v) store(some + v * L, sum[k][v]);
        for (int64_t j = 0; j < n; ++j) to[j] = some[j];
      }
    }
}

void forward(const Narrow& g, const float* x, const float* w, const float* bias, int64_t outputs, float* y, int64_t out) {
  if (outputs <= 2) forward_channels<2>(g, x, w, bias, outputs, y, out);
  else if (outputs <= 4) forward_channels<4>(g, x, w, bias, outputs, y, out);
  else if (outputs <= 6) forward_channels<6>(g, x, w, bias, outputs, y, out);
  else forward_channels<8>(g, x, w, bias, outputs, y, out);
}

typedef int Mask __attribute__((vector_size(L * sizeof(int))));

template <int K, int KW>
inline __attribute__((always_inline)) void add(const float* from, const float* grads, int64_t out, Mask inside, Vec (&sum)[K][KW]) {
  Vec d[K];
#pragma GCC unroll 4
  for (int k = 0; k < K; ++k) d[k] = load(grads + k * out);
#pragma GCC unroll 7
  for (int j = 0; j < KW; ++j) {
    const Vec in = (Vec)((Mask)load(from + j) & inside);
#pragma GCC unroll 4
    for (int k = 0; k < K; ++k) sum[k][j] += d[k] * in;
  }
}

// Lane l of all vectors belongs to columns l, l + kNarrowLanes, ...
template <int KW>
void weights_of(const Narrow& g, const float* x, const float* dy, int64_t out, float* sums) {
  constexpr int K = kNarrowGrads;
  const int64_t whole = g.columns / kNarrowLanes * kNarrowLanes, row = (g.columns + kNarrowLanes - 1) / kNarrowLanes * kNarrowLanes;
  for (int64_t c = 0; c < g.channels; ++c)
    for (int64_t i = 0; i < g.kh; ++i, sums += K * KW * kNarrowLanes)
      for (int64_t lane = 0; lane < kNarrowLanes; lane += L) {
        // What lies beyond the last column must not reach a sum, not even as infinity times zero.
        Mask all, some;
        for (int l = 0; l < L; ++l) all[l] = -1, some[l] = whole + lane + l < g.columns ? -1 : 0;
        Vec sum[K][KW];
#pragma GCC unroll 4
        for (int k = 0; k < K; ++k)
#pragma GCC unroll 7
          for (int j = 0; j < KW; ++j) sum[k][j] = load(sums + (k * KW + j) * kNarrowLanes + lane);
        for (int64_t r = 0; r < g.rows; ++r) {
          const float *from = x + c * g.plane + (r + i) * g.row + lane, *grads = dy + r * row + lane;
          for (int64_t c0 = 0; c0 < row; c0 += kNarrowLanes) add<K, KW>(from + c0, grads + c0, out, c0 < whole ? all : some, sum);
        }
#pragma GCC unroll 4
        for (int k = 0; k < K; ++k)
#pragma GCC unroll 7
          for (int j = 0; j < KW; ++j) store(sums + (k * KW + j) * kNarrowLanes + lane, sum[k][j]);
      }
}

template <int... J>
void weights(const Narrow& g, const float* x, const float* dy, int64_t out, float* sums, std::integer_sequence<int, J...>) {
  (void)((g.kw == J + 1 && (weights_of<J + 1>(g, x, dy, out, sums), true)) || ...);
}
void weights(const Narrow& g, const float* x, const float* dy, int64_t out, float* sums) {
  weights(g, x, dy, out, sums, std::make_integer_sequence<int, kNarrowWidest>{});
}

}  // namespace

extern const NarrowLoops narrow_loops;
const NarrowLoops narrow_loops = {forward, weights};

}  // namespace tallow_nn::conv::TL_ISA
