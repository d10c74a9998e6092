#define TL_TABLE "ops/pointwise/trigonometric_ops.hpp"
#define TL_TABLE_NAME trigonometric
#include "ops/pointwise/loops_of_table.hpp"
