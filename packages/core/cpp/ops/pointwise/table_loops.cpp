// The loops of the pointwise table; compiled once per instruction set.
#include "ops/pointwise/functions.hpp"
#include "ops/pointwise/loops.hpp"

namespace tallow::TL_ISA_NS {
namespace {

constexpr int arity_of(const char* schema) {  // how many Tensor parameters
  int n = 0;
  for (const char* s = schema; *s && !(s[0] == '-' && s[1] == '>'); ++s)
    if (s[0] == 'T' && s[1] == 'e' && s[2] == 'n' && s[3] == 's' && s[4] == 'o' && s[5] == 'r') ++n;
  return n;
}

#define TL_POINTWISE(name, schema, promote, types, flags, op_flags, expression)                                            \
  struct F_##name {                                                                                                        \
    template <class T>                                                                                                     \
    static inline __attribute__((always_inline)) auto run([[maybe_unused]] T a, [[maybe_unused]] T b, [[maybe_unused]] T c, \
                                                          [[maybe_unused]] const Params<T>& p) {                           \
      return expression;                                                                                                   \
    }                                                                                                                      \
  };
#include "ops/pointwise/table_ops.hpp"
#undef TL_POINTWISE

}  // namespace

const LoopSet* pointwise_loops() {
  static const LoopSet loops[] = {
#define TL_POINTWISE(name, schema, promote, types, flags, op_flags, expression) loops_for<F_##name, arity_of(schema), types>(),
#include "ops/pointwise/table_ops.hpp"
#undef TL_POINTWISE
  };
  return loops;
}

}  // namespace tallow::TL_ISA_NS
