// Attention in tiles: scores exist for a few rows and columns at a time only (Dao et al., "FlashAttention", 2022;
// Rabe and Staats, "Self-attention does not need O(n^2) memory", 2021).
#pragma once
#include "common.hpp"

namespace tallow_nn::attention {

// query (B, H, L, E), key (B, G, S, E), value (B, G, S, V), mask broadcast to (B, H, L, S) or absent; H a multiple of G.
// Last dimensions are contiguous, except the mask's.
struct Problem {
  tl::Tensor query, key, value, mask;
  bool causal;
  double scale;
  int64_t batch, heads, groups, queries, keys, width, value_width;
};
Problem problem(const tl::Call& c, uint32_t first, bool causal, double scale);

void forward(const Problem& p, const tl::Tensor& output, const tl::Tensor& log_sum);
void backward(const Problem& p, const tl::Tensor& grad, const tl::Tensor& output, const tl::Tensor& log_sum, const tl::Tensor& d_query,
              const tl::Tensor& d_key, const tl::Tensor& d_value);

}  // namespace tallow_nn::attention
