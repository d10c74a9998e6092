#include "rules/rules.hpp"

namespace tl::autograd {

// clang-format off
static const GradientRule kRules[] = {
    // arithmetic
    {"add", "self: grad; other: grad if alpha == 1 else grad * alpha.conj()"},
    {"sub", "self: grad; other: -grad if alpha == 1 else grad * -alpha.conj()"},
    {"rsub", "self: -grad if alpha == 1 else grad * -alpha.conj(); other: grad"},
    {"mul", "self: grad * other.conj(); other: grad * self.conj()"},
    {"div", "self: grad / other.conj(); other: -grad * ((self / other) / other).conj()"},
    {"div.mode", "self: grad / other.conj() if rounding_mode is None else zeros_like(grad);"
                 "other: -grad * ((self / other) / other).conj() if rounding_mode is None else zeros_like(grad)"},
    {"remainder", "self: grad; other: -grad * floor_divide(self, other)"},
    {"fmod", "self: grad; other: -grad * _div_trunc(self, other)"},
    {"pow", "self: autograd::pow_self(grad, self, exponent); exponent: autograd::pow_exponent(grad, self, exponent, result)"},
    {"neg", "self: -grad"},
    {"abs", "self: grad * self.sgn()"},
    {"sign", "self: zeros_like(grad)"},
    {"sgn", "self: autograd::sgn_backward(grad, self, result)"},
    {"reciprocal", "self: -grad * (result * result).conj()"},
    {"square", "self: grad * (self * 2).conj()"},
    {"sqrt", "self: grad / (result * 2).conj()"},
    {"rsqrt", "self: grad * -0.5 * (result ** 3).conj()"},
    {"addcmul", "self: grad; tensor1: grad * (tensor2 * value).conj(); tensor2: grad * (tensor1 * value).conj()"},
    {"addcdiv", "self: grad; tensor1: grad * (value / tensor2).conj(); tensor2: -grad * (tensor1 * value / (tensor2 * tensor2)).conj()"},
    {"lerp", "self: grad * (1 - weight).conj(); end: grad * weight.conj(); weight: grad * (end - self).conj()"},
    {"hypot", "self: grad * (self / result); other: grad * (other / result)"},
    {"nextafter", "self: where(self == other, 0, grad); other: zeros_like(grad)"},
    {"frexp", "self: ldexp(grad0, -exponent)"},
    {"copysign", "self: grad * where(self == 0, 0, result / self); other: zeros_like(grad)"},

    // exponentials and logarithms
    {"exp", "self: grad * result.conj()"},
    {"exp2", "self: grad * result.conj() * 0.6931471805599453"},
    {"expm1", "self: grad * (result + 1).conj()"},
    {"log", "self: grad / self.conj()"},
    {"log2", "self: grad / (self.conj() * 0.6931471805599453)"},
    {"log10", "self: grad / (self.conj() * 2.302585092994046)"},
    {"log1p", "self: grad / (self + 1).conj()"},
    {"logaddexp", "self: grad / (1 + exp(other - self)).conj(); other: grad / (1 + exp(self - other)).conj()"},
    {"logaddexp2", "self: grad / (1 + exp2(other - self)); other: grad / (1 + exp2(self - other))"},
    {"xlogy", "self: where((self == 0) * (other <= 0), 0, xlogy(grad, other)); other: grad * self / other"},
    {"sigmoid", "self: autograd::sigmoid_backward(grad, result)"},
    {"logit", "self: autograd::logit_backward(grad, self, eps)"},

    // trigonometric and hyperbolic
    {"sin", "self: grad * self.cos().conj()"},
    {"cos", "self: grad * -self.sin().conj()"},
    {"tan", "self: grad * (result * result + 1).conj()"},
    {"asin", "self: grad * (1 - self * self).rsqrt().conj()"},
    {"acos", "self: grad * -(1 - self * self).rsqrt().conj()"},
    {"atan", "self: grad / (self * self + 1).conj()"},
    {"atan2", "self: grad * (other / (self * self + other * other)); other: grad * -(self / (self * self + other * other))"},
    {"sinh", "self: grad * self.cosh().conj()"},
    {"cosh", "self: grad * self.sinh().conj()"},
    {"tanh", "self: autograd::tanh_backward(grad, result)"},
    {"asinh", "self: grad * (self * self + 1).rsqrt().conj()"},
    {"acosh", "self: grad * ((self + 1).rsqrt() * (self - 1).rsqrt()).conj() if self.is_complex else grad * (self * self - 1).rsqrt()"},
    {"atanh", "self: grad / (1 - self * self).conj()"},
    {"sinc", "self: autograd::sinc_backward(grad, self)"},
    {"deg2rad", "self: grad * 0.017453292519943295"},
    {"rad2deg", "self: grad * 57.29577951308232"},

    // special
    {"erf", "self: grad * (exp(-(self * self)) * 1.1283791670955126)"},
    {"erfc", "self: grad * (exp(-(self * self)) * -1.1283791670955126)"},
    {"erfinv", "self: grad * (exp(result * result) * 0.886226925452758)"},
    {"lgamma", "self: grad * digamma(self)"},
    {"digamma", "self: grad * autograd::polygamma(1, self)"},
    {"polygamma", "self: grad * polygamma(n + 1, self)"},

    // rounding and selection
    {"floor", "self: zeros_like(grad)"},
    {"ceil", "self: zeros_like(grad)"},
    {"round", "self: zeros_like(grad)"},
    {"trunc", "self: zeros_like(grad)"},
    {"frac", "self: grad"},
    {"relu", "self: autograd::relu_backward(grad, result)"},
    {"threshold", "self: where(self > threshold, grad, 0)"},
    {"hardshrink", "self: where(result != 0, grad, 0)"},
    {"_clamp", "(self, min, max): autograd::clamp_backward(grad, self, min, max)"},
    {"clamp_min", "(self, min): autograd::clamp_backward(grad, self, min, None)"},
    {"clamp_max", "self: autograd::clamp_backward(grad, self, None, max)[0]; max: autograd::clamp_backward(grad, self, None, max)[2]"},
    {"maximum", "self: grad * where(self == other, 0.5, where(self < other, 0.0, 1.0)); other: grad * where(self == other, 0.5, where(self > other, 0.0, 1.0))"},
    {"minimum", "self: grad * where(self == other, 0.5, where(self > other, 0.0, 1.0)); other: grad * where(self == other, 0.5, where(self < other, 0.0, 1.0))"},
    {"fmax", "self: where(logical_or(self >= other, isnan(other)), grad, 0); other: where(logical_or(self >= other, isnan(other)), 0, grad)"},
    {"fmin", "self: where(logical_or(self <= other, isnan(other)), grad, 0); other: where(logical_or(self <= other, isnan(other)), 0, grad)"},
    {"where", "self: where(condition, grad, 0); other: where(condition, 0, grad)"},
    {"_nan_to_num", "self: where(isfinite(self), grad, 0)"},

    // complex
    {"angle", "self: autograd::angle_backward(grad, self)"},
    {"conj_physical", "self: grad.conj()"},

    // memory
    {"clone", "self: grad"},
    {"_to_copy", "self: grad"},
    {"copy_", "self: zeros_like(grad); src: grad"},
    {"fill_", "self: zeros_like(grad); value: grad.sum()"},
    {"zero_", "self: zeros_like(grad)"},
};
// clang-format on

void pointwise_rules() { set_rules(kRules); }

}  // namespace tl::autograd
