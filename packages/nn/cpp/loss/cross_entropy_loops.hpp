// The passes over scores that the cross entropy is made of, compiled per instruction set.
#pragma once
#include <tallow/loops.hpp>

namespace tallow_nn {

// What one place contributes to the gradient: of the softmax, and of each class's weight.
template <class T>
struct CrossEntropyShares {
  T softmax, weight;
};

// The scores of a place are `classes` values `stride` apart; where stride > 1 there are `count` places next to each other.
template <class T>
struct CrossEntropyPasses {
  // log(sum_j exp(x_j)) and, where wanted, sum_j w_j x_j (all w are 1 if null).
  void (*log_sum_exp)(const T* x, int64_t classes, int64_t stride, int64_t count, const T* w, T* lse, T* weighted);
  // out_j = softmax share * exp(x_j - lse) - weight share * w_j. The target's own share is the caller's to subtract.
  void (*gradient)(const T* x, int64_t classes, int64_t stride, int64_t count, const T* w, const T* lse, const CrossEntropyShares<T>* shares, T* out);
};

struct CrossEntropyLoops {
  CrossEntropyPasses<float> in_float;
  CrossEntropyPasses<double> in_double;
};
TL_LOOPS(CrossEntropyLoops, cross_entropy_loops)

}  // namespace tallow_nn
