#include "rules/rules.hpp"

namespace tl::autograd {

// clang-format off
static const GradientRule kRules[] = {
    {"mm", "self: mm(grad, mat2.t().conj()); mat2: mm(self.t().conj(), grad)"},
    {"bmm", "self: bmm(grad, mat2.transpose(1, 2).conj()); mat2: bmm(self.transpose(1, 2).conj(), grad)"},
    {"mv", "self: outer(grad, vec.conj()); vec: mv(self.t().conj(), grad)"},
    {"dot", "self: grad * tensor.conj(); tensor: grad * self.conj()"},
    {"vdot", "self: grad.conj() * other; other: grad * self"},
    {"outer", "self: mv(grad, vec2.conj()); vec2: mv(grad.t(), self.conj())"},
    {"matmul", "self: autograd::matmul_self(grad, self, other); other: autograd::matmul_other(grad, self, other)"},
    {"addmm", "self: grad * beta.conj(); mat1: mm(grad, mat2.t().conj()) * alpha.conj(); mat2: mm(mat1.t().conj(), grad) * alpha.conj()"},
    {"baddbmm", "self: grad * beta.conj(); batch1: bmm(grad, batch2.transpose(1, 2).conj()) * alpha.conj();"
                "batch2: bmm(batch1.transpose(1, 2).conj(), grad) * alpha.conj()"},
    {"cdist", "x1: autograd::cdist_backward(grad, x1, x2, p, result); x2: autograd::cdist_backward(grad.transpose(-2, -1), x2, x1, p, result.transpose(-2, -1))"},
};
// clang-format on

void linalg_rules() { set_rules(kRules); }

}  // namespace tl::autograd
