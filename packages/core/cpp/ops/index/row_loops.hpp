// Inner loops over dense rows, compiled per instruction set: combining, blending by a mask, reversing, linear sequences.
#pragma once
#include <cstdint>

#include "tensor/dtype.hpp"

namespace tallow {

struct RowLoops {
  // to[i] = to[i] (+, *, max, min) from[i]; by compute type (f32, f64, i64, c64, c128) and Combine (Copy is unused).
  void (*combine[5][5])(char* to, const char* from, int64_t n);
  // to[i] = mask[i] ? *value : to[i]; by log2 of the item size.
  void (*blend[5])(char* to, const uint8_t* mask, const char* value, int64_t n);
  // to[i] = from[n - 1 - i]
  void (*reverse[5])(char* to, const char* from, int64_t n);
  // to[i] = base + step * (first + i)
  void (*linear_f32)(float* to, double base, double step, int64_t first, int64_t n);
  void (*linear_f64)(double* to, double base, double step, int64_t first, int64_t n);
  void (*linear_i64)(int64_t* to, int64_t base, int64_t step, int64_t first, int64_t n);
};
const RowLoops& row_loops();  // for the running processor

inline int log2_itemsize(DType t) { return __builtin_ctzll(static_cast<uint64_t>(itemsize(t))); }

}  // namespace tallow
