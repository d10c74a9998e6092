#include "rules/rules.hpp"

namespace tl::autograd {

// clang-format off
static const GradientRule kRules[] = {
    {"_fft_c2c", "self: _fft_c2c(grad, dim, normalization, not forward)"},
    {"_fft_r2c", "self: _fft_r2c_backward(grad, dim, normalization, onesided, self.sizes[dim[-1]])"},
    {"_fft_c2r", "self: _fft_c2r_backward(grad, dim, normalization)"},
};
// clang-format on

void fft_rules() { set_rules(kRules); }

}  // namespace tl::autograd
