// What overwrites a tensor with random numbers cuts it off from its history.
#include "rules/rules.hpp"

namespace tl::autograd {

// clang-format off
static const GradientRule kRules[] = {
    {"normal_", "self: zeros_like(grad)"},
    {"uniform_", "self: zeros_like(grad)"},
    {"random_", "self: zeros_like(grad)"},
    {"bernoulli_", "self: zeros_like(grad)"},
    {"exponential_", "self: zeros_like(grad)"},
    {"geometric_", "self: zeros_like(grad)"},
    {"cauchy_", "self: zeros_like(grad)"},
    {"log_normal_", "self: zeros_like(grad)"},
};
// clang-format on

void random_rules() { set_rules(kRules); }

}  // namespace tl::autograd
