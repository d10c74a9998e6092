#define TL_TABLE "ops/pointwise/compare_ops.hpp"
#define TL_TABLE_NAME compare
#include "ops/pointwise/loops_of_table.hpp"
