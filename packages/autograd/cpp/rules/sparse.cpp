#include "rules/rules.hpp"

namespace tl::autograd {

// Rules for calls with sparse arguments, where they differ from those for dense ones: the gradient of a sparse matrix has
// elements only where the matrix has them, and rules of dense arguments look at them through views.
// clang-format off
static const GradientRule kRules[] = {
    {"sum", "self: autograd::sparse_sum_backward(grad, self, dim, keepdim)"},
    {"mm", "self: autograd::as_layout(mm(grad, mat2.t().conj()), self); mat2: autograd::as_layout(mm(self.t().conj(), grad), mat2)"},
    {"mv", "self: autograd::as_layout(outer(grad, vec.conj()), self); vec: mv(self.t().conj(), grad)"},
    {"matmul", "self: autograd::sparse_matmul_self(grad, self, other); other: autograd::sparse_matmul_other(grad, self, other)"},
    {"addmm", "self: grad * beta.conj(); mat1: autograd::as_layout(mm(grad, mat2.t().conj()) * alpha.conj(), mat1);"
              "mat2: autograd::as_layout(mm(mat1.t().conj(), grad) * alpha.conj(), mat2)"},
    {"index_select", "self: autograd::as_layout(autograd::index_select_backward(grad.to_dense(), self.sizes, dim, index), self)"},
    {"select", "self: autograd::as_layout(autograd::select_backward(grad.to_dense(), self.sizes, dim, index), self)"},
    {"cat", "tensors: autograd::cat_backward(grad.to_dense(), tensors.sizes, dim)"},
    {"stack", "tensors: grad.to_dense().unbind(dim)"},
    {"unsqueeze", "self: grad.to_dense().squeeze(dim)"},
    {"linalg_vector_norm", "self: autograd::as_layout(autograd::norm_backward(grad, self.to_dense(), ord, result, dim, keepdim), self)"},
};
// clang-format on

void sparse_rules() {
  for (const GradientRule& r : kRules) check(api()->op_set_rule(r.op, "grad.sparse", nullptr, r.text));
}

}  // namespace tl::autograd
