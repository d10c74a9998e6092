#include "rules/rules.hpp"

namespace tl::autograd {

// clang-format off
static const GradientRule kRules[] = {
    {"sum", "self: grad.expand(self.sizes) if dim is None else autograd::expand_reduced(grad, self.sizes, dim, keepdim)"},
    {"nansum", "self: where(isnan(self), 0, autograd::expand_reduced(grad, self.sizes, dim, keepdim))"},
    {"mean", "self: autograd::mean_backward(grad, self.sizes, dim, keepdim)"},
    {"prod", "self: autograd::prod_backward(grad, self, result, None, False)"},
    {"prod.dim", "self: autograd::prod_backward(grad, self, result, dim, keepdim)"},
    {"amax", "self: autograd::evenly_distribute(grad, self, result, dim, keepdim)"},
    {"amin", "self: autograd::evenly_distribute(grad, self, result, dim, keepdim)"},
    {"aminmax", "self: autograd::evenly_distribute(grad0, self, result0, dim, keepdim) + autograd::evenly_distribute(grad1, self, result1, dim, keepdim)"},
    {"max", "self: autograd::evenly_distribute(grad, self, result)"},
    {"min", "self: autograd::evenly_distribute(grad, self, result)"},
    {"max.dim", "self: autograd::value_selecting_backward(grad, dim, result1, self.sizes, keepdim)"},
    {"min.dim", "self: autograd::value_selecting_backward(grad, dim, result1, self.sizes, keepdim)"},
    {"median", "self: autograd::evenly_distribute(grad, self, result)"},
    {"nanmedian", "self: autograd::evenly_distribute(grad, self, result)"},
    {"median.dim", "self: autograd::value_selecting_backward(grad, dim, result1, self.sizes, keepdim)"},
    {"nanmedian.dim", "self: autograd::value_selecting_backward(grad, dim, result1, self.sizes, keepdim)"},
    {"mode", "self: autograd::value_selecting_backward(grad, dim, result1, self.sizes, keepdim)"},
    {"var", "self: autograd::var_backward(grad, self, dim, correction, keepdim)"},
    {"std", "self: autograd::std_backward(grad, self, result, dim, correction, keepdim)"},
    {"var_mean", "self: autograd::var_mean_backward(grad0, grad1, self, result0, dim, correction, keepdim, False)"},
    {"std_mean", "self: autograd::var_mean_backward(grad0, grad1, self, result0, dim, correction, keepdim, True)"},
    {"norm", "self: autograd::norm_backward(grad, self, p, result, dim, keepdim)"},
    {"linalg_vector_norm", "self: autograd::norm_backward(grad, self, ord, result, dim, keepdim)"},
    {"logsumexp", "self: autograd::logsumexp_backward(grad, self, result, dim, keepdim)"},
    {"softmax", "self: (grad - (grad * result).sum(dim, True)) * result"},
    {"log_softmax", "self: grad - exp(result) * grad.sum(dim, True)"},
};
// clang-format on

void reduce_rules() { set_rules(kRules); }

}  // namespace tl::autograd
