#define TL_TABLE "ops/pointwise/exponential_ops.hpp"
#define TL_TABLE_NAME exponential
#include "ops/pointwise/loops_of_table.hpp"
