// Pointwise functions in terms of the tables' ops.
#include <cmath>
#include <limits>

#include "ops/family.hpp"
#include "ops/pointwise/pointwise.hpp"

namespace tallow {
namespace {

void clamp(tl::Call& c) {
  TL_CHECK(c.has(1) || c.has(2), "clamp: At least one of 'min' or 'max' must not be None");
  if (!c.has(2)) c.ret(tl::call<"clamp_min">(c.value(0), c.value(1)));
  else if (!c.has(1)) c.ret(tl::call<"clamp_max">(c.value(0), c.value(2)));
  else c.ret(tl::call<"_clamp">(c.value(0), c.value(1), c.value(2)));
}

void div_mode(tl::Call& c) {
  const auto mode = c.string(2);
  if (!c.has(2)) c.ret(tl::call<"div">(c.value(0), c.value(1)));
  else if (mode == "floor") c.ret(tl::call<"floor_divide">(c.value(0), c.value(1)));
  else if (mode == "trunc") c.ret(tl::call<"_div_trunc">(c.value(0), c.value(1)));
  else fail(TL_RUNTIME_ERROR, "div expected rounding_mode to be one of None, 'trunc', or 'floor' but found '", mode, "'");
}

void bitwise_not(tl::Call& c) {
  if (c.handle(0)->dtype == DType::Bool) c.ret(tl::call<"logical_not">(c.value(0)));
  else c.ret(tl::call<"_bitwise_not">(c.value(0)));
}

void positive(tl::Call& c) {
  TL_CHECK(c.handle(0)->dtype != DType::Bool, "The `+` operator, on a bool tensor is not supported.");
  c.ret(c.tensor(0));
}

void logit(tl::Call& c) {
  tl::Tensor x = c.tensor(0);
  if (is_integral(x.get()->dtype, true)) x = tl::call<"_to">(x, tl::Dtype{code(default_dtype())});
  if (c.has(1)) x = tl::call<"_clamp">(x, c.number(1), 1 - c.number(1));
  // log(x / (1 - x)), in the form that stays exact near 1/2
  c.ret(tl::call<"log">(tl::call<"div">(x, tl::call<"rsub">(x, 1))));
}

void round_decimals(tl::Call& c) {
  const int64_t n = c.integer(1);
  const tl::Tensor x = c.tensor(0);
  if (n == 0) return c.ret(tl::call<"round">(x));
  TL_CHECK_KIND(TL_NOT_IMPLEMENTED_ERROR, is_floating(x.get()->dtype), "\"round_decimals\" not implemented for '", dtype_long_name(x.get()->dtype), "'");
  const double scale = std::pow(10.0, static_cast<double>(n < 0 ? -n : n));
  if (n > 0) c.ret(tl::call<"div">(tl::call<"round">(tl::call<"mul">(x, scale)), scale));
  else c.ret(tl::call<"mul">(tl::call<"round">(tl::call<"div">(x, scale)), scale));
}

void nan_to_num(tl::Call& c) {
  const DType t = to_real(c.handle(0)->dtype);
  double top = std::numeric_limits<double>::max();
  if (t == DType::Float32) top = std::numeric_limits<float>::max();
  if (t == DType::BFloat16) top = 3.3895313892515355e38;
  if (t == DType::Float16) top = 65504;
  if (is_integral(t, true)) return c.ret(tl::call<"clone">(c.value(0)));
  c.ret(tl::call<"_nan_to_num">(c.value(0), c.number(1, 0), c.number(2, top), c.number(3, -top)));
}

void ldexp(tl::Call& c) { c.ret(tl::call<"mul">(c.value(0), tl::call<"pow">(2.0, c.value(1)))); }

void float_power(tl::Call& c) {
  auto wide = [](const TlValue& v) {
    if (v.tag != TL_TENSOR) return tl::Tensor();
    return tl::call<"_to">(v, tl::Dtype{code(is_complex(v.tensor->dtype) ? DType::Complex128 : DType::Float64)});
  };
  const tl::Tensor a = wide(c.value(0)), b = wide(c.value(1));
  c.ret(tl::call<"pow">(a ? tl::pack(a) : c.value(0), b ? tl::pack(b) : c.value(1)));
}

void isclose(tl::Call& c) {
  const tl::Tensor a = c.tensor(0), b = c.tensor(1);
  TL_CHECK(a.get()->dtype == b.get()->dtype, "isclose: ", dtype_long_name(a.get()->dtype), " did not match ", dtype_long_name(b.get()->dtype));
  const double rtol = c.number(2), atol = c.number(3);
  TL_CHECK(rtol >= 0, "isclose: rtol must be greater than or equal to zero, but got ", rtol);
  TL_CHECK(atol >= 0, "isclose: atol must be greater than or equal to zero, but got ", atol);
  tl::Tensor close = tl::call<"eq">(a, b);
  if (c.boolean(4) && is_inexact(a.get()->dtype))
    close = tl::call<"logical_or">(close, tl::call<"logical_and">(tl::call<"isnan">(a), tl::call<"isnan">(b)));
  if (rtol == 0 && atol == 0) return c.ret(close);
  tl::Tensor x = a, y = b;
  if (is_integral(x.get()->dtype, true)) x = tl::call<"_to">(x, tl::Dtype{TL_FLOAT64}), y = tl::call<"_to">(y, tl::Dtype{TL_FLOAT64});
  const tl::Tensor allowed = tl::call<"add">(tl::call<"mul">(tl::call<"abs">(y), rtol), atol);
  const tl::Tensor error = tl::call<"abs">(tl::call<"sub">(x, y));
  c.ret(tl::call<"logical_or">(close, tl::call<"logical_and">(tl::call<"isfinite">(error), tl::call<"le">(error, allowed))));
}

}  // namespace

TL_OPS(pointwise_composite) {
  const uint32_t full = kMethod | kInPlace | kOut;
  tl::composite<clamp>("clamp(Tensor self, Scalar? min=None, Scalar? max=None) -> Tensor", full, "Limits the elements to [min, max]; NaN stays NaN.");
  tl::composite<clamp>("clamp.Tensor(Tensor self, Tensor|Scalar? min=None, Tensor|Scalar? max=None) -> Tensor", full);
  tl::composite<clamp>("clip(Tensor self, Scalar? min=None, Scalar? max=None) -> Tensor", full, "Alias of clamp().");
  tl::composite<clamp>("clip.Tensor(Tensor self, Tensor|Scalar? min=None, Tensor|Scalar? max=None) -> Tensor", full);
  tl::composite<div_mode>("div.mode(Tensor|Scalar self, Tensor|Scalar other, *, str? rounding_mode) -> Tensor", full);
  tl::composite<div_mode>("divide.mode(Tensor|Scalar self, Tensor|Scalar other, *, str? rounding_mode) -> Tensor", full);
  tl::composite<bitwise_not>("bitwise_not(Tensor self) -> Tensor", full | kNoGrad, "Bitwise not of integers; logical not of bool.");
  tl::composite<positive>("positive(Tensor self) -> Tensor", kMethod);
  tl::composite<logit>("logit(Tensor self, float? eps=None) -> Tensor", full, "log(x / (1 - x)); with eps, x is first limited to [eps, 1 - eps].");
  tl::composite<logit>("special::logit(Tensor self, float? eps=None) -> Tensor", kOut);
  tl::composite<round_decimals>("round.decimals(Tensor self, *, int decimals) -> Tensor", full);
  tl::composite<nan_to_num>("nan_to_num(Tensor self, float? nan=None, float? posinf=None, float? neginf=None) -> Tensor", full,
                            "Replaces NaN (by 0 unless given) and infinities (by the largest finite values unless given).");
  tl::composite<ldexp>("ldexp(Tensor self, Tensor|Scalar other) -> Tensor", full, "self * 2**other.");
  tl::composite<float_power>("float_power(Tensor|Scalar self, Tensor|Scalar exponent) -> Tensor", full, "pow() in float64 or complex128.");
  tl::composite<isclose>("isclose(Tensor self, Tensor other, float rtol=1e-05, float atol=1e-08, bool equal_nan=False) -> Tensor", kMethod | kNoGrad);
}

}  // namespace tallow
