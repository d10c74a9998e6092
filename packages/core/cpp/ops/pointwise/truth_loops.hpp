// Functions of truth values. Whatever an op computes, on bool operands its values on all their combinations tell
// everything: from them comes the sum modulo two of products of operands that equals it (Zhegalkin, 1927), which runs on
// bytes, eight times as many to a vector as there would be integers.
#pragma once
#include "ops/pointwise/pointwise.hpp"

namespace tallow {

constexpr uint8_t Partial = 16;  // a pointwise flag: the op refuses some integers, so its table cannot be made

// The coefficients of the products: bit m is that of the operands in m. loop: the op's in int64, which writes bool or int64.
ScalarArg truth_coefficients(Loop loop, bool writes_bool, int operands, const ScalarArg* scalars);
Loop truth_loop(int operands);  // takes the coefficients as its scalar

// run_pointwise() of a loop that reads elements of any dtype.
void run_loop(Loop loop, DType compute, DType result, const Operand* operands, int noperands, const ScalarArg* scalars, Sizes shape, bool costly);

}  // namespace tallow
