// Rows and columns of softmax and its kin, per instruction set and floating type.
#pragma once
#include <cstdint>

namespace tallow {

struct SoftmaxLoops {
  // Each of `rows` contiguous rows of n elements.
  void (*rows)(const void* x, void* y, int64_t rows, int64_t n, bool log);
  // y' from the gradient g of the result y.
  void (*backward_rows)(const void* g, const void* y, void* dx, int64_t rows, int64_t n, bool log);
  // Down `n` rows that are `stride` elements apart, for `columns` neighbours, at most kSoftmaxColumns.
  void (*columns)(const void* x, void* y, int64_t n, int64_t stride, int64_t columns, bool log);
  void (*backward_columns)(const void* g, const void* y, void* dx, int64_t n, int64_t stride, int64_t columns, bool log);
  // log sum exp of each row.
  void (*log_sum)(const void* x, void* y, int64_t rows, int64_t n);
};
constexpr int64_t kSoftmaxColumns = 256;

}  // namespace tallow
