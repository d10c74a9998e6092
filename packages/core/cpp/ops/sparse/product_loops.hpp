// The inner loop of products with a sparse matrix, compiled per instruction set.
#pragma once
#include <cstdint>

namespace tallow {

struct SparseProductLoops {
  // to[j] = sum over i < n of values[i] * rows[at[i] * width + j], in the order of i; by compute type (f32, f64, i64, c64, c128).
  void (*row[5])(char* to, const char* values, const int64_t* at, int64_t n, const char* rows, int64_t width);
};
const SparseProductLoops& sparse_product_loops();  // for the running processor

}  // namespace tallow
