// Special functions.
// clang-format off
TL_POINTWISE(erf, "erf(Tensor self) -> Tensor", Float, FLOATS, Costly, TL_FULL, fn::erf(a))
TL_POINTWISE(erfc, "erfc(Tensor self) -> Tensor", Float, FLOATS, Costly, TL_FULL, fn::erfc(a))
TL_POINTWISE(erfinv, "erfinv(Tensor self) -> Tensor", Float, FLOATS, Costly, TL_FULL, fn::erfinv(a))
TL_POINTWISE(lgamma, "lgamma(Tensor self) -> Tensor", Float, FLOATS, Costly, TL_FULL, fn::lgamma(a))
TL_POINTWISE(digamma, "digamma(Tensor self) -> Tensor", Float, FLOATS, Costly, TL_FULL, fn::digamma(a))
// clang-format on
