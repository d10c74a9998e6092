// The elementary reductions: what the inner loops offer to the engine.
//
// A reducer reads elements of its compute type and merges them into accumulators. Loops see runs of at most kRun
// elements; the engine merges the accumulators of runs in the order of the data, so sums are blocked (a float sum adds
// a few dozen values per lane, then goes on in double) and independent of the number of threads.
#pragma once
#include <cstddef>
#include <cstdint>

#include "tensor/dtype.hpp"

namespace tallow {

enum class Reducer : uint8_t { Sum, NanSum, Prod, Max, Min, AbsSum, SquareSum, AbsMax, AbsMin, PowerSum, Any, All, Count, Moments, kCount };
constexpr int kReducers = static_cast<int>(Reducer::kCount);

// Columns of the compute tables. Truth and counting work on bytes that are 0 or 1.
enum ReduceType : uint8_t { kRF32, kRF64, kRI64, kRC64, kRC128, kRBool, kReduceTypes };

constexpr int64_t kRun = 4096;      // longest run of one call of `inner`
constexpr int64_t kColumns = 1024;  // widest tile of one call of `outer`

// Mean and sum of squared deviations of `n` values; merged by the formula of Chan, Golub and LeVeque (1979).
struct Moments {
  double n = 0, mean = 0, m2 = 0;
};

struct ReduceLoops {
  size_t accumulator = 0;  // its size in bytes
  void (*init)(void* acc, int64_t n) = nullptr;
  // acc[i] merges the run of n elements at x + i * row_stride (in elements).
  void (*inner)(const void* x, int64_t rows, int64_t row_stride, int64_t n, void* acc, double p) = nullptr;
  // acc[c] merges the column x[c], x[c + row_stride], ... of n rows.
  void (*outer)(const void* x, int64_t n, int64_t row_stride, int64_t columns, void* acc, double p) = nullptr;
  void (*merge)(void* into, const void* from, int64_t n) = nullptr;
};
struct ReduceTable {
  ReduceLoops loops[kReducers][kReduceTypes];
};
const ReduceLoops& reduce_loops(Reducer r, ReduceType t);

}  // namespace tallow
