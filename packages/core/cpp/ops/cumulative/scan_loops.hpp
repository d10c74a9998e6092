// The loops of running sums and products, per instruction set. Float runs in double; 64-bit integers wrap.
#pragma once
#include <cstdint>

namespace tallow {

struct ScanLoops {
  // Rows of n elements, `stride` apart; row r starts from init[r], in the accumulating type (double or int64).
  void (*rows)(const void* x, void* y, int64_t rows, int64_t stride, int64_t n, const void* init);
  // Down n rows, `stride` apart, for at most kScanColumns neighbouring columns, from the identity.
  void (*columns)(const void* x, void* y, int64_t n, int64_t stride, int64_t columns);
  // The sum or product of n elements.
  void (*total)(const void* x, int64_t n, void* out);
};
struct ScanTable {
  ScanLoops loops[2][3];  // [sum, product][float, double, int64]
};
constexpr int64_t kScanColumns = 512;

}  // namespace tallow
