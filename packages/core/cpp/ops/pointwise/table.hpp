// The tables of pointwise ops and what their lines mean.
//
//   TL_POINTWISE(name, schema, promote, types, pointwise flags, op flags, expression)
//
// In the expression a, b, c are the operands in the compute type T and p(i) the i-th Scalar parameter; fn:: holds the
// functions. A table is a file <theme>_ops.hpp with a <theme>_loops.cpp beside it that compiles its loops for each
// instruction set; table.cpp registers it.
#pragma once

#define TL_POINTWISE_TABLES(X) X(arithmetic) X(compare) X(exponential) X(rounding) X(special) X(trigonometric)

// Op flags that most lines have.
#define TL_FULL (TL_OP_METHOD | TL_OP_INPLACE | TL_OP_OUT)
#define TL_QUERY (TL_OP_METHOD | TL_OP_INPLACE | TL_OP_OUT | TL_OP_NOT_DIFFERENTIABLE)
