#include "ops/pointwise/special_functions.hpp"

#define TL_TABLE "ops/pointwise/special_ops.hpp"
#define TL_TABLE_NAME special
#include "ops/pointwise/loops_of_table.hpp"
