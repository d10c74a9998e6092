// Included by each <theme>_loops.cpp after it defined TL_TABLE (the file) and TL_TABLE_NAME (the theme); TL_TABLE_BLOCKS
// may add run_block(functor, from, to, n) for functions that have a form for whole blocks, run_pairs(functor, a, many_a, b,
// many_b, to, n) likewise for two operands, each an array or one number, and run_with_number(functor, from, number, to, n)
// for those with simpler forms for some second operands. TL_BLOCK(name) is the first for vec's name##_block.
#include "ops/pointwise/functions.hpp"
#include "ops/pointwise/loops.hpp"
#include "ops/pointwise/table.hpp"

#define TL_JOIN_2(a, b) a##b
#define TL_JOIN(a, b) TL_JOIN_2(a, b)

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
#include TL_TABLE
#undef TL_POINTWISE
#define TL_BLOCK(name)                                                                                          \
  inline void run_block(F_##name, const float* from, float* to, int64_t n) { vec::name##_block(from, to, n); }  \
  inline void run_block(F_##name, const double* from, double* to, int64_t n) { vec::name##_block(from, to, n); }
#ifdef TL_TABLE_BLOCKS
TL_TABLE_BLOCKS
#endif

}  // namespace

const LoopSet* TL_JOIN(TL_TABLE_NAME, _table)() {
  static const LoopSet loops[] = {
#define TL_POINTWISE(name, schema, promote, types, flags, op_flags, expression) loops_for<F_##name, arity_of(schema), types>(),
#include TL_TABLE
#undef TL_POINTWISE
  };
  return loops;
}

}  // namespace tallow::TL_ISA_NS
