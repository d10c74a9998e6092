#define TL_TABLE "ops/pointwise/arithmetic_ops.hpp"
#define TL_TABLE_NAME arithmetic
#define TL_FMOD(name, FINISH)                                                                                            \
  inline void run_pairs(F_##name, const float* a, bool many_a, const float* b, bool many_b, float* to, int64_t n) {     \
    vec::map_fmod(a, many_a, b, many_b, to, n, [](float m, [[maybe_unused]] float x, [[maybe_unused]] float y) { return FINISH; }); \
  }
#define TL_TABLE_BLOCKS                                      \
  TL_FMOD(fmod, m) TL_FMOD(remainder, vec::remainder_of(m, y)) TL_FMOD(floor_divide, vec::floor_divide_of(m, x, y))
#include "ops/pointwise/loops_of_table.hpp"
