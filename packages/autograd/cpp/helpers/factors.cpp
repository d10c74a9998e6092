// Backwards of triangular factors, equations, inverses and determinants.
#include "helpers/matrices.hpp"

namespace tl::autograd {
namespace {

// Half of the diagonal, all of what is below it.
Tensor lower_half(const Tensor& t) { return add(triangle(t, false, -1), scaled(diagonal_matrix(diagonal(t)), 0.5)); }

// grad, L, upper. Giles, "Collected matrix derivative results", 2008: A is Hermitian, so the gradient may be.
void cholesky_backward(Call& c) {
  const bool upper = c.boolean(2);
  const Tensor factor = upper ? adjoint(c.tensor(1)) : c.tensor(1), grad = upper ? adjoint(c.tensor(0)) : c.tensor(0);
  const Tensor half = lower_half(matmul(adjoint(factor), grad));
  const Tensor middle = scaled(add(half, adjoint(half)), 0.5);
  c.ret(solve_triangular(factor, solve_triangular(adjoint(factor), middle, true), false, false));
}

// What a factor L gets through L L^H, and U through U^H U; as in torch, of both triangles.
Tensor through_product(const Tensor& of_product, const Tensor& factor, bool upper) {
  const Tensor both = add(of_product, adjoint(of_product));
  return scaled(upper ? matmul(factor, both) : matmul(both, factor), -1);
}
// grad, factor, X, upper: of B and of the factor
void cholesky_solve_backward(Call& c) {
  const Tensor factor = c.tensor(1), of_b = call<"cholesky_solve">(c.tensor(0), factor, c.boolean(3));
  c.ret(of_b);
  c.ret(through_product(matmul(of_b, adjoint(c.tensor(2))), factor, c.boolean(3)), 1);
}
// grad, factor, inverse, upper
void cholesky_inverse_backward(Call& c) {
  const Tensor inverse = c.tensor(2);
  c.ret(through_product(matmul(inverse, c.tensor(0), inverse), c.tensor(1), c.boolean(3)));
}

// grad, result
void inverse_backward(Call& c) {
  const Tensor x = adjoint(c.tensor(1));
  c.ret(scaled(matmul(x, c.tensor(0), x), -1));
}

// grad, A, X, upper, left, unitriangular: of A and of B
void solve_triangular_backward(Call& c) {
  const Tensor a = c.tensor(1), x = c.tensor(2);
  const bool upper = c.boolean(3), left = c.boolean(4), unit = c.boolean(5);
  const Tensor of_b = solve_triangular(adjoint(a), c.tensor(0), !upper, left, unit);
  const Tensor of_a = scaled(left ? matmul(of_b, adjoint(x)) : matmul(adjoint(x), of_b), -1);
  c.ret(triangle(of_a, upper, unit ? (upper ? 1 : -1) : 0));
  c.ret(of_b, 1);
}

// grad, A, X, LU, pivots, left: of A and of B
void solve_backward(Call& c) {
  Tensor grad = c.tensor(0), x = c.tensor(2);
  const Tensor a = c.tensor(1);
  const bool left = c.boolean(5), vector = x.ndim() == a.ndim() - 1;
  if (vector) grad = column(grad), x = column(x);
  const Tensor of_b = graph_wanted() ? call<"linalg_solve">(adjoint(a), grad, kw("left", left))
                                     : call<"linalg_lu_solve">(c.tensor(3), c.tensor(4), grad, kw("left", left), kw("adjoint", true));
  c.ret(scaled(left ? matmul(of_b, adjoint(x)) : matmul(adjoint(x), of_b), -1));
  c.ret(vector ? call<"squeeze.dim">(of_b, -1) : of_b, 1);
}

// ---------------------------------------------------------------- LU
struct Factors {
  Tensor permutation, lower, upper;
};
Factors unpack(const Tensor& lu, const Tensor& pivots) {
  auto r = call<"lu_unpack", 3>(lu, pivots);
  return {r[0], r[1], r[2]};
}

// grad, LU, pivots. With A = P L U and k = min(m, n), the first k rows and columns are a square problem; what is beside or
// below it is a triangular equation each, whose gradient adds to those of the square factors.
void lu_factor_backward(Call& c) {
  const Tensor grad = c.tensor(0), lu = c.tensor(1);
  const auto [p, l, u] = unpack(lu, c.tensor(2));
  const int64_t m = lu.size(-2), n = lu.size(-1), k = std::min(m, n);
  const Tensor l1 = narrow(l, -2, 0, k), u1 = narrow(u, -1, 0, k), lh = adjoint(l1), uh = adjoint(u1);
  const Tensor square = narrow(narrow(grad, -2, 0, k), -1, 0, k);
  Tensor gl = triangle(square, false, -1), gu = triangle(square, true), beside, below;
  if (n > m) {
    const Tensor g = narrow(grad, -1, m, n - m);
    beside = solve_triangular(lh, g, true, true, true);
    gl = sub(gl, matmul(beside, adjoint(narrow(u, -1, m, n - m))));
  } else if (m > n) {
    const Tensor g = narrow(grad, -2, n, m - n);
    below = solve_triangular(uh, g, false, false);
    gu = sub(gu, matmul(adjoint(narrow(l, -2, n, m - n)), below));
  }
  const Tensor middle = add(triangle(matmul(lh, gl), false, -1), triangle(matmul(gu, uh), true));
  Tensor out = solve_triangular(uh, solve_triangular(lh, middle, true, true, true), false, false);
  if (beside) out = concatenate(out, beside, -1);
  if (below) out = concatenate(out, below, -2);
  c.ret(matmul(p, out));
}

// grad, LU, pivots, B, result, left, adjoint: of LU and of B
void lu_solve_backward(Call& c) {
  const Tensor grad = c.tensor(0), lu = c.tensor(1), pivots = c.tensor(2), x = c.tensor(4);
  const bool left = c.boolean(5), adjoined = c.boolean(6);
  const Tensor of_b = call<"linalg_lu_solve">(lu, pivots, grad, kw("left", left), kw("adjoint", !adjoined));
  // Of A itself, in the equation with A or with its adjoint.
  Tensor of_a = left ? matmul(of_b, adjoint(x)) : matmul(adjoint(x), of_b);
  if (adjoined) of_a = adjoint(of_a);
  of_a = scaled(of_a, -1);
  const auto [p, l, u] = unpack(lu, pivots);
  const Tensor g = matmul(adjoint(p), of_a);
  c.ret(add(triangle(matmul(g, adjoint(u)), false, -1), triangle(matmul(adjoint(l), g), true)));
  c.ret(of_b, 1);
}

// ---------------------------------------------------------------- determinants
Tensor times_identity(const Tensor& t, const Tensor& like) { return mul(column(column(t)), identity(like.size(-1), like.size(-1), like)); }

// scale * A^-H
Tensor scaled_inverse(const Tensor& scale, const Tensor& a, const Tensor& lu, const Tensor& pivots) {
  const Tensor right = times_identity(scale, a);
  return graph_wanted() ? call<"linalg_solve_ex", 2>(adjoint(a), right)[0] : call<"linalg_lu_solve">(lu, pivots, right, kw("adjoint", true));
}

// grad, A, det, LU, pivots. det(A) A^-H is the matrix of cofactors, also where A is singular; there it is made of singular
// values, of each the product of all others.
void det_backward(Call& c) {
  const Tensor grad = c.tensor(0), a = c.tensor(1), det = c.tensor(2);
  const double limit = graph_wanted() ? 100 * epsilon_of(a) : 0;
  if (!has_values(det) || a.numel() == 0 || all_of(call<"gt">(call<"abs">(det), limit))) return c.ret(scaled_inverse(mul(grad, conj(det)), a, c.tensor(3),
      c.tensor(4)));
  auto [u, s, vh] = call<"linalg_svd", 3>(a);
  const Tensor phase = mul(conj(mul(call<"linalg_det">(u), call<"linalg_det">(vh))), grad);
  const Tensor others = call<"autograd::prod_backward">(column(phase), s, s, Dims{-1}, true);
  c.ret(matmul(mul(u, row(others)), vh));
}

// grad of sign, grad of logabsdet, A, sign, LU, pivots
void slogdet_backward(Call& c) {
  const Tensor a = c.tensor(2);
  Tensor scale = c.tensor(1);
  if (is_complex(a)) {  // the sign is a phase, and turns with the imaginary part of the trace
    const Tensor turn = call<"imag">(mul(conj(c.tensor(0)), c.tensor(3)));
    scale = call<"complex">(scale, scaled(turn, -1));
  }
  c.ret(scaled_inverse(scale, a, c.tensor(4), c.tensor(5)));
}

}  // namespace

void factor_helpers() {
  helper<cholesky_backward>("autograd::cholesky_backward(Tensor grad, Tensor L, bool upper) -> Tensor");
  helper<cholesky_solve_backward>("autograd::cholesky_solve_backward(Tensor grad, Tensor factor, Tensor X, bool upper) -> (Tensor, Tensor)");
  helper<cholesky_inverse_backward>("autograd::cholesky_inverse_backward(Tensor grad, Tensor factor, Tensor inverse, bool upper) -> Tensor");
  helper<inverse_backward>("autograd::inverse_backward(Tensor grad, Tensor result) -> Tensor");
  helper<solve_triangular_backward>("autograd::solve_triangular_backward(Tensor grad, Tensor A, Tensor X, bool upper, bool left, bool unitriangular) -> (Tensor, Tensor)");
  helper<solve_backward>("autograd::solve_backward(Tensor grad, Tensor A, Tensor X, Tensor LU, Tensor pivots, bool left) -> (Tensor, Tensor)");
  helper<lu_factor_backward>("autograd::lu_factor_backward(Tensor grad, Tensor LU, Tensor pivots) -> Tensor");
  helper<lu_solve_backward>("autograd::lu_solve_backward(Tensor grad, Tensor LU, Tensor pivots, Tensor B, Tensor X, bool left, bool adjoint) -> (Tensor, Tensor)");
  helper<det_backward>("autograd::det_backward(Tensor grad, Tensor A, Tensor det, Tensor LU, Tensor pivots) -> Tensor");
  helper<slogdet_backward>("autograd::slogdet_backward(Tensor grad_sign, Tensor grad_log, Tensor A, Tensor sign, Tensor LU, Tensor pivots) -> Tensor");
}

}  // namespace tl::autograd
