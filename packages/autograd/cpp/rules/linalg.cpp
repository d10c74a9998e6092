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
    {"linalg_cholesky_ex", "self: autograd::cholesky_backward(grad0, L, upper)"},
    {"cholesky_solve", "(self, input2): autograd::cholesky_solve_backward(grad, input2, result, upper)"},
    {"cholesky_inverse", "self: autograd::cholesky_inverse_backward(grad, self, result, upper)"},
    {"linalg_inv_ex", "A: autograd::inverse_backward(grad0, inverse)"},
    {"linalg_solve_triangular", "(self, B): autograd::solve_triangular_backward(grad, self, result, upper, left, unitriangular)"},
    {"_linalg_solve_ex", "(A, B): autograd::solve_backward(grad0, A, result0, LU, pivots, left)"},
    {"linalg_lu_factor_ex", "A: autograd::lu_factor_backward(grad0, LU, pivots)"},
    {"linalg_lu_solve", "(LU, B): autograd::lu_solve_backward(grad, LU, pivots, B, result, left, adjoint)"},
    {"_linalg_det", "A: autograd::det_backward(grad0, A, result0, LU, pivots)"},
    {"_linalg_slogdet", "A: autograd::slogdet_backward(grad0, grad1, A, sign, LU, pivots)"},
    {"linalg_qr", "A: autograd::qr_backward(grads, Q, R, mode)"},
    {"linalg_householder_product", "(input, tau): autograd::householder_backward(grad, input, tau)"},
    {"_linalg_svd", "A: autograd::svd_backward(grads, U, S, Vh)"},
    {"_linalg_eigh", "A: autograd::eigh_backward(grads, eigenvalues, eigenvectors)"},
    {"linalg_eig", "self: autograd::eig_backward(grads, eigenvalues, eigenvectors)"},
    {"_linalg_lstsq", "(self, b): autograd::lstsq_backward(grads, self, b, solution)"},
    {"_linalg_pinv", "A: autograd::pinv_backward(grad, result, A)"},
    {"matrix_exp", "self: autograd::matrix_exp_backward(grad, self)"},
};
// clang-format on

void linalg_rules() { set_rules(kRules); }

}  // namespace tl::autograd
