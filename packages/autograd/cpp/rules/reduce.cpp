#include "rules/rules.hpp"

namespace tl::autograd {

// clang-format off
static const GradientRule kRules[] = {
    {"sum", "self: grad.expand(self.sizes) if dim is None else autograd::expand_reduced(grad, self.sizes, dim, keepdim)"},
    {"nansum", "self: where(isnan(self), 0, autograd::expand_reduced(grad, self.sizes, dim, keepdim))"},
    {"mean", "self: autograd::mean_backward(grad, self.sizes, dim, keepdim)"},
    {"prod", "self: autograd::prod_backward(grad, self, result, dim, keepdim)"},
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
    {"var.correction", "self: autograd::var_backward(grad, self, dim, correction, keepdim)"},
    {"std.correction", "self: autograd::std_backward(grad, self, result, dim, correction, keepdim)"},
    {"var_mean.correction", "self: autograd::var_mean_backward(grad0, grad1, self, result0, dim, correction, keepdim, False)"},
    {"std_mean.correction", "self: autograd::var_mean_backward(grad0, grad1, self, result0, dim, correction, keepdim, True)"},
    {"linalg_vector_norm", "self: autograd::norm_backward(grad, self, ord, result, dim, keepdim)"},
    {"logsumexp", "self: autograd::logsumexp_backward(grad, self, result, dim, keepdim)"},
    {"_softmax", "self: _softmax_backward_data(grad, result, dim, self.dtype)"},
    {"_log_softmax", "self: _log_softmax_backward_data(grad, result, dim, self.dtype)"},
    {"_softmax_backward_data", "grad_output: _softmax_backward_data(grad, output, dim, grad_output.dtype);"
                               "output: grad * grad_output - grad * (grad_output * output).sum(dim, True) - grad_output * (grad * output).sum(dim, True)"},
    {"_log_softmax_backward_data", "grad_output: grad - (grad * exp(output)).sum(dim, True);"
                                   "output: -(grad_output.sum(dim, True) * exp(output) * grad)"},
};
// clang-format on

void reduce_rules() { set_rules(kRules); }

}  // namespace tl::autograd
