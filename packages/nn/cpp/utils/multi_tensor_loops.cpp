// Compiled once per instruction set. Sums run in a fixed number of lanes, block by block, and the blocks are added in double.
#include "utils/multi_tensor_loops.hpp"

namespace tallow_nn::TL_ISA {
namespace {

constexpr int64_t kLanes = 32, kBlock = 64 * kLanes;

template <class T>
double squares(const T* x, int64_t n) {
  double total = 0;
  int64_t i = 0;
  while (n - i >= kLanes) {
    T lanes[kLanes] = {};
    const int64_t end = n - i < kBlock ? i + (n - i) / kLanes * kLanes : i + kBlock;
    for (; i < end; i += kLanes)
      for (int64_t k = 0; k < kLanes; ++k) lanes[k] += x[i + k] * x[i + k];
    for (T v : lanes) total += static_cast<double>(v);
  }
  for (; i < n; ++i) total += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  return total;
}

template <class T>
void scale(T* x, T factor, int64_t n) {
  for (int64_t i = 0; i < n; ++i) x[i] *= factor;
}

}  // namespace

extern const MultiTensorLoops multi_tensor_loops;
const MultiTensorLoops multi_tensor_loops = {squares<float>, squares<double>, scale<float>, scale<double>};

}  // namespace tallow_nn::TL_ISA
