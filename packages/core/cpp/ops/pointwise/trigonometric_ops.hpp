// Trigonometric and hyperbolic functions and their inverses.
// clang-format off
TL_POINTWISE(sin, "sin(Tensor self) -> Tensor", Float, INEXACT, Costly, TL_FULL, fn::sin(a))
TL_POINTWISE(cos, "cos(Tensor self) -> Tensor", Float, INEXACT, Costly, TL_FULL, fn::cos(a))
TL_POINTWISE(tan, "tan(Tensor self) -> Tensor", Float, INEXACT, Costly, TL_FULL, fn::tan(a))
TL_POINTWISE(asin, "asin(Tensor self) -> Tensor", Float, INEXACT, Costly, TL_FULL, fn::asin(a))
TL_POINTWISE(acos, "acos(Tensor self) -> Tensor", Float, INEXACT, Costly, TL_FULL, fn::acos(a))
TL_POINTWISE(atan, "atan(Tensor self) -> Tensor", Float, INEXACT, Costly, TL_FULL, fn::atan(a))
TL_POINTWISE(atan2, "atan2(Tensor self, Tensor other) -> Tensor", Float, FLOATS, Costly, TL_FULL, fn::atan2(a, b))
TL_POINTWISE(sinh, "sinh(Tensor self) -> Tensor", Float, INEXACT, Costly, TL_FULL, fn::sinh(a))
TL_POINTWISE(cosh, "cosh(Tensor self) -> Tensor", Float, INEXACT, Costly, TL_FULL, fn::cosh(a))
TL_POINTWISE(tanh, "tanh(Tensor self) -> Tensor", Float, INEXACT, Costly, TL_FULL, fn::tanh(a))
TL_POINTWISE(asinh, "asinh(Tensor self) -> Tensor", Float, INEXACT, Costly, TL_FULL, fn::asinh(a))
TL_POINTWISE(acosh, "acosh(Tensor self) -> Tensor", Float, INEXACT, Costly, TL_FULL, fn::acosh(a))
TL_POINTWISE(atanh, "atanh(Tensor self) -> Tensor", Float, INEXACT, Costly, TL_FULL, fn::atanh(a))
TL_POINTWISE(sinc, "sinc(Tensor self) -> Tensor", Float, INEXACT, Costly, TL_FULL, fn::sinc(a))
// clang-format on
