// The pointwise ops, a line each: schema, how dtypes promote, which compute types it has, the expression.
//
//   TL_POINTWISE(name, schema, promote, types, pointwise flags, op flags, expression)
//
// In the expression a, b, c are the operands in the compute type T and p(i) the i-th Scalar parameter. This file is
// included once per instruction set for the loops, and once for the registration.
// clang-format off

#define FULL (TL_OP_METHOD | TL_OP_INPLACE | TL_OP_OUT)
#define NODIFF TL_OP_NOT_DIFFERENTIABLE

// ---------------------------------------------------------------- arithmetic
TL_POINTWISE(add, "add(Tensor|Scalar self, Tensor|Scalar other, *, Scalar alpha=1) -> Tensor", Common, ALL, 0, FULL, a + p(0) * b)
TL_POINTWISE(sub, "sub(Tensor|Scalar self, Tensor|Scalar other, *, Scalar alpha=1) -> Tensor", Common, ALL, NoBool, FULL, a - p(0) * b)
TL_POINTWISE(rsub, "rsub(Tensor self, Tensor|Scalar other, *, Scalar alpha=1) -> Tensor", Common, ALL, NoBool, TL_OP_METHOD, b - p(0) * a)
TL_POINTWISE(mul, "mul(Tensor|Scalar self, Tensor|Scalar other) -> Tensor", Common, ALL, 0, FULL, a * b)
TL_POINTWISE(neg, "neg(Tensor self) -> Tensor", Common, ALL, NoBool, FULL, -a)
TL_POINTWISE(exp, "exp(Tensor self) -> Tensor", Float, INEXACT, Costly, FULL, fn::exp(a))
TL_POINTWISE(relu, "relu(Tensor self) -> Tensor", Common, REALS, NoBool, TL_OP_METHOD | TL_OP_INPLACE, fn::max(a, T(0)))

// ---------------------------------------------------------------- comparison
TL_POINTWISE(eq, "eq(Tensor|Scalar self, Tensor|Scalar other) -> Tensor", Compare, ALL, 0, FULL | NODIFF, a == b)
TL_POINTWISE(ne, "ne(Tensor|Scalar self, Tensor|Scalar other) -> Tensor", Compare, ALL, 0, FULL | NODIFF, a != b)
TL_POINTWISE(lt, "lt(Tensor|Scalar self, Tensor|Scalar other) -> Tensor", Compare, REALS, 0, FULL | NODIFF, a < b)
TL_POINTWISE(le, "le(Tensor|Scalar self, Tensor|Scalar other) -> Tensor", Compare, REALS, 0, FULL | NODIFF, a <= b)
TL_POINTWISE(gt, "gt(Tensor|Scalar self, Tensor|Scalar other) -> Tensor", Compare, REALS, 0, FULL | NODIFF, a > b)
TL_POINTWISE(ge, "ge(Tensor|Scalar self, Tensor|Scalar other) -> Tensor", Compare, REALS, 0, FULL | NODIFF, a >= b)

// ---------------------------------------------------------------- selection
TL_POINTWISE(where, "where(Tensor condition, Tensor|Scalar self, Tensor|Scalar other) -> Tensor", Condition, ALL, 0, TL_OP_OUT, a != T(0) ? b : c)

#undef FULL
#undef NODIFF
// clang-format on
