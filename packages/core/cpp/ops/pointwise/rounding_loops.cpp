#define TL_TABLE "ops/pointwise/rounding_ops.hpp"
#define TL_TABLE_NAME rounding
#include "ops/pointwise/loops_of_table.hpp"
