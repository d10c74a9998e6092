// The inner loops of random numbers, compiled per instruction set.
#pragma once
#include <cstdint>

#include "ops/random/philox.hpp"

namespace tallow {

// How many Philox blocks the loops take at a time. Calls start at a multiple of it, so that an element's place in a
// vector, and with it the rounding of its value, depends on its index alone.
constexpr int64_t kRandomChunk = 128;

struct RandomLoops {
  // n values from block `first` on: four floats or two doubles per block. value = a + b * (uniform or normal).
  void (*uniform_f32)(const Philox& rng, int64_t first, float* out, int64_t n, double a, double b);
  void (*uniform_f64)(const Philox& rng, int64_t first, double* out, int64_t n, double a, double b);
  void (*normal_f32)(const Philox& rng, int64_t first, float* out, int64_t n, double a, double b);
  void (*normal_f64)(const Philox& rng, int64_t first, double* out, int64_t n, double a, double b);
};
const RandomLoops& random_loops();  // for the running processor

}  // namespace tallow
