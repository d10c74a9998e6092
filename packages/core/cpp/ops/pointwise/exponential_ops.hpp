// Exponentials, logarithms, powers and roots.
// clang-format off
TL_POINTWISE(exp, "exp(Tensor self) -> Tensor", Float, INEXACT, Costly, TL_FULL, fn::exp(a))
TL_POINTWISE(exp2, "exp2(Tensor self) -> Tensor", Float, INEXACT, Costly, TL_FULL, fn::exp2(a))
TL_POINTWISE(expm1, "expm1(Tensor self) -> Tensor", Float, INEXACT, Costly, TL_FULL, fn::expm1(a))
TL_POINTWISE(log, "log(Tensor self) -> Tensor", Float, INEXACT, Costly, TL_FULL, fn::log(a))
TL_POINTWISE(log2, "log2(Tensor self) -> Tensor", Float, INEXACT, Costly, TL_FULL, fn::log2(a))
TL_POINTWISE(log10, "log10(Tensor self) -> Tensor", Float, INEXACT, Costly, TL_FULL, fn::log10(a))
TL_POINTWISE(log1p, "log1p(Tensor self) -> Tensor", Float, INEXACT, Costly, TL_FULL, fn::log1p(a))
TL_POINTWISE(sqrt, "sqrt(Tensor self) -> Tensor", Float, INEXACT, 0, TL_FULL, fn::sqrt(a))
TL_POINTWISE(rsqrt, "rsqrt(Tensor self) -> Tensor", Float, INEXACT, 0, TL_FULL, T(1) / fn::sqrt(a))
TL_POINTWISE(sigmoid, "sigmoid(Tensor self) -> Tensor", Float, INEXACT, Costly, TL_FULL, fn::sigmoid(a))
TL_POINTWISE(pow, "pow(Tensor|Scalar self, Tensor|Scalar exponent) -> Tensor", Common, ALL, Costly, TL_FULL, fn::pow(a, b))
TL_POINTWISE(logaddexp, "logaddexp(Tensor self, Tensor other) -> Tensor", Common, INEXACT, Costly, TL_OP_METHOD | TL_OP_OUT, fn::logaddexp(a, b))
TL_POINTWISE(logaddexp2, "logaddexp2(Tensor self, Tensor other) -> Tensor", Common, FLOATS, Costly, TL_OP_METHOD | TL_OP_OUT, fn::logaddexp2(a, b))
TL_POINTWISE(xlogy, "xlogy(Tensor|Scalar self, Tensor|Scalar other) -> Tensor", Float, FLOATS, Costly, TL_FULL, fn::xlogy(a, b))
// clang-format on
