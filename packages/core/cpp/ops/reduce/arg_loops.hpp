// Finding extrema with their positions, per instruction set. The first of equal elements wins, and the first NaN
// wins over every number.
#pragma once
#include "tensor/dtype.hpp"

namespace tallow {

struct ArgLoops {
  // Each of `rows` runs of n elements: its extremum's position (and value where values is not null).
  void (*inner)(const void* x, int64_t rows, int64_t row_stride, int64_t n, int64_t* indices, void* values) = nullptr;
  // Each of `columns` columns of n rows.
  void (*outer)(const void* x, int64_t n, int64_t row_stride, int64_t columns, int64_t* indices, void* values) = nullptr;
};
struct ArgTable {
  ArgLoops loops[2][3];  // [max, min][float, double, int64]
};

}  // namespace tallow
