#include "rules/rules.hpp"

namespace tl::autograd {

// clang-format off
static const GradientRule kRules[] = {
    {"cumsum", "self: autograd::reversed_cumsum(grad, dim)"},
    {"cumprod", "self: autograd::cumprod_backward(grad, self, dim, result)"},
    {"cummax", "self: autograd::cummaxmin_backward(grad, result1, dim)"},
    {"cummin", "self: autograd::cummaxmin_backward(grad, result1, dim)"},
    {"logcumsumexp", "self: autograd::logcumsumexp_backward(grad, self, result, dim)"},
};
// clang-format on

void cumulative_rules() { set_rules(kRules); }

}  // namespace tl::autograd
