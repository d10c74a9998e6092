#define TL_TABLE "ops/pointwise/arithmetic_ops.hpp"
#define TL_TABLE_NAME arithmetic
#include "ops/pointwise/loops_of_table.hpp"
