// Rounding to integers.
// clang-format off
TL_POINTWISE(floor, "floor(Tensor self) -> Tensor", Common, REALS, 0, TL_FULL, fn::floor(a))
TL_POINTWISE(ceil, "ceil(Tensor self) -> Tensor", Common, REALS, 0, TL_FULL, fn::ceil(a))
TL_POINTWISE(trunc, "trunc(Tensor self) -> Tensor", Common, REALS, 0, TL_FULL, fn::trunc(a))
TL_POINTWISE(round, "round(Tensor self) -> Tensor", Common, REALS, 0, TL_FULL, fn::round(a))
TL_POINTWISE(frac, "frac(Tensor self) -> Tensor", Common, FLOATS, 0, TL_FULL, a - fn::trunc(a))
// clang-format on
