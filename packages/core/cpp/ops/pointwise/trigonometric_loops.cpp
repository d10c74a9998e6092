#define TL_TABLE "ops/pointwise/trigonometric_ops.hpp"
#define TL_TABLE_NAME trigonometric
#define TL_BLOCK(name)                                                                                          \
  inline void run_block(F_##name, const float* from, float* to, int64_t n) { vec::name##_block(from, to, n); }  \
  inline void run_block(F_##name, const double* from, double* to, int64_t n) { vec::name##_block(from, to, n); }
#define TL_TABLE_BLOCKS TL_BLOCK(sin) TL_BLOCK(cos) TL_BLOCK(tan)
#include "ops/pointwise/loops_of_table.hpp"
