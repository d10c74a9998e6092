#include "rules/rules.hpp"

namespace tl::autograd {

// clang-format off
static const GradientRule kRules[] = {
    {"sort", "self: autograd::value_selecting_backward(grad, dim, result1, self.sizes, True)"},
    {"topk", "self: autograd::value_selecting_backward(grad, dim, result1, self.sizes, True)"},
    {"kthvalue", "self: autograd::value_selecting_backward(grad, dim, result1, self.sizes, keepdim)"},
};
// clang-format on

void sort_rules() { set_rules(kRules); }

}  // namespace tl::autograd
