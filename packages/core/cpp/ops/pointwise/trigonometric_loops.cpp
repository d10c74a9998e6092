#define TL_TABLE "ops/pointwise/trigonometric_ops.hpp"
#define TL_TABLE_NAME trigonometric
#define TL_TABLE_BLOCKS TL_BLOCK(sin) TL_BLOCK(cos) TL_BLOCK(tan)
#include "ops/pointwise/loops_of_table.hpp"
