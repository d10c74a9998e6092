#define TL_TABLE "ops/pointwise/exponential_ops.hpp"
#define TL_TABLE_NAME exponential
#define TL_TABLE_BLOCKS                                                                                                \
  inline void run_with_number(F_pow, const float* a, float y, float* to, int64_t n) { fn::pow_number(a, y, to, n); }   \
  inline void run_with_number(F_pow, const double* a, double y, double* to, int64_t n) { fn::pow_number(a, y, to, n); } \
  TL_BLOCK(exp) TL_BLOCK(log) TL_BLOCK(log2) TL_BLOCK(log10) TL_BLOCK(sqrt)
#include "ops/pointwise/loops_of_table.hpp"
