#include "ops/pointwise/truth_loops.hpp"
#include "vec/isa.hpp"

namespace tallow {
namespace baseline { Loop truth_loop(int operands); }
namespace avx2 { Loop truth_loop(int operands); }
namespace avx512 { Loop truth_loop(int operands); }

Loop truth_loop(int operands) { return TL_FOR_THIS_PROCESSOR(truth_loop(operands)); }

ScalarArg truth_coefficients(Loop loop, bool writes_bool, int operands, const ScalarArg* scalars) {
  const int combinations = 1 << operands;
  int64_t in[3][8], out[8];
  char* d[] = {reinterpret_cast<char*>(out), reinterpret_cast<char*>(in[0]), reinterpret_cast<char*>(in[1]), reinterpret_cast<char*>(in[2])};
  const int64_t strides[] = {writes_bool ? 1 : 8, 8, 8, 8};
  for (int k = 0; k < operands; ++k)
    for (int i = 0; i < combinations; ++i) in[k][i] = i >> k & 1;
  loop(d, strides, combinations, scalars);
  int value[8];
  for (int i = 0; i < combinations; ++i) value[i] = writes_bool ? reinterpret_cast<const bool*>(out)[i] : out[i] != 0;
  for (int k = 0; k < operands; ++k)
    for (int i = 0; i < combinations; ++i)
      if (i >> k & 1) value[i] ^= value[i ^ 1 << k];
  ScalarArg coefficients;
  for (int i = 0; i < combinations; ++i) coefficients.i |= int64_t{value[i]} << i;
  return coefficients;
}

}  // namespace tallow
