#include "rules/rules.hpp"

namespace tl::autograd {

// clang-format off
static const GradientRule kRules[] = {
    {"igamma", "self: autograd::not_implemented(grad, 'igamma: input'); other: grad * exp((self - 1) * log(other) - other - lgamma(self))"},
    {"igammac", "self: autograd::not_implemented(grad, 'igammac: input'); other: -grad * exp((self - 1) * log(other) - other - lgamma(self))"},
    {"i0", "self: grad * special::i1(self)"},
    {"special::i0e", "self: grad * (special::i1e(self) - self.sgn() * result)"},
    {"special::i1", "self: grad * where(self == 0, 0.5, i0(self) - result / self)"},
    {"special::i1e", "self: grad * where(self == 0, 0.5, special::i0e(self) - result * (self.sgn() + self.reciprocal()))"},
    {"special::erfcx", "self: grad * (self * result * 2 - 1.1283791670955126)"},
    {"special::entr", "self: grad * (-log(self) - 1)"},
    {"special::ndtr", "self: grad * (exp(self * self * -0.5) * 0.3989422804014327)"},
    {"special::log_ndtr", "self: grad / special::erfcx(self * -0.7071067811865476) * 0.7978845608028654"},
    {"special::ndtri", "self: grad * (exp(result * result * 0.5) * 2.5066282746310002)"},
    {"special::xlog1py", "self: where((self == 0) * (other <= -1), 0, special::xlog1py(grad, other)); other: grad * self / (other + 1)"},
    {"special::zeta", "other: grad * -self * special::zeta(self + 1, other)"},
};
// clang-format on

void special_rules() { set_rules(kRules); }

}  // namespace tl::autograd
