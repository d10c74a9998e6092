// Backwards of orthogonal factors, singular values, eigenvalues and what is made of them.
#include "helpers/matrices.hpp"

namespace tl::autograd {
namespace {

Tensor skew(const Tensor& t) { return sub(t, adjoint(t)); }

// values_j - values_i off the diagonal, 1 on it.
Tensor differences(const Tensor& values) {
  const Tensor d = sub(row(values), column(values));
  return add(d, identity(values.size(-1), values.size(-1), values));
}

void check_phase(const Tensor& diagonals, const char* what) {
  if (!is_complex(diagonals) || !has_values(diagonals)) return;
  require(all_of(call<"le">(call<"abs">(call<"imag">(diagonals)), 1e-2)), what);
}

// ---------------------------------------------------------------- QR
// X + X^H of the upper triangle, with the diagonal once and real.
Tensor hermitian_of_upper(const Tensor& t) {
  const Tensor upper = triangle(t, true, 1);
  Tensor middle = diagonal(t);
  if (is_complex(t)) middle = call<"_to_copy">(call<"real">(middle), kw("dtype", Dtype{t.dtype()}));
  return add(add(upper, adjoint(upper)), diagonal_matrix(middle));
}

// grads, Q, R, mode. Walter and Lehmann, "Walter's formula for the QR decomposition", 2018; for the wide case Roberts and
// Roberts, "QR and LQ decomposition matrix backpropagation algorithms", 2020.
void qr_backward(Call& c) {
  const std::vector<Tensor> grads = gradients(c, 2);
  const Tensor q = c.tensor(1), r = c.tensor(2);
  const std::string_view mode = c.string(3);
  if (mode == "r")
    throw Error(TL_RUNTIME_ERROR, "The derivative of linalg.qr depends on Q, which is not computed when mode='r'. Please use linalg.qr(A, mode='reduced') if "
                "you "
                "are going to require gradients.");
  const int64_t m = q.size(-2), n = r.size(-1);
  if (mode == "complete" && m > n)
    throw Error(TL_RUNTIME_ERROR, "The QR decomposition is not differentiable when mode='complete' and nrows > ncols.");
  Tensor gq = grads[0], gr = grads[1], r1 = r, beside;
  if (n > m) {  // A2 = Q R2 is linear in both
    r1 = narrow(r, -1, 0, m);
    if (gr) {
      const Tensor gr2 = narrow(gr, -1, m, n - m);
      beside = matmul(q, gr2);
      gq = add(gq, matmul(matmul(q, narrow(r, -1, m, n - m)), adjoint(gr2)));
      gr = narrow(gr, -1, 0, m);
    }
  }
  Tensor middle;
  if (gr) middle = matmul(gr, adjoint(r1));
  if (gq) middle = add(middle, scaled(matmul(adjoint(q), gq), -1));
  Tensor out = solve_triangular(adjoint(r1), add(matmul(q, hermitian_of_upper(middle)), gq), false, false);
  if (n > m) out = concatenate(out, beside ? beside : call<"new_zeros">(q, call<"narrow">(r, -1, m, n - m).sizes()), -1);
  c.ret(out);
}

// grad, input, tau, result. With L_i the reflectors before the i-th and R_i those after it (times the columns that are kept),
// dH_i has the gradient N = L_i^H G R_i^H, of which only products with v_i are needed.
void householder_backward(Call& c) {
  const Tensor grad = c.tensor(0), input = c.tensor(1), tau = c.tensor(2);
  const int64_t m = input.size(-2), n = input.size(-1), k = tau.size(-1);
  // The vectors, with their one and the zeros above it.
  const Tensor vectors = add(triangle(input, false, -1), identity(m, n, input));
  auto vector = [&](int64_t i) { return narrow(vectors, -1, i, 1); };
  auto factor = [&](int64_t i) { return column(narrow(tau, -1, i, 1)); };
  auto reflect = [&](const Tensor& t, const Tensor& v, const Tensor& f) { return sub(t, mul(f, matmul(v, matmul(adjoint(v), t)))); };
  std::vector<Tensor> after(static_cast<size_t>(k) + 1);
  after[static_cast<size_t>(k)] = call<"expand_as">(identity(m, n, input), input);
  for (int64_t i = k; i-- > 0;) after[static_cast<size_t>(i)] = reflect(after[static_cast<size_t>(i) + 1], vector(i), factor(i));
  Tensor left = grad;
  std::vector<Tensor> of_vectors, of_tau;
  for (int64_t i = 0; i < k; ++i) {
    const Tensor v = vector(i), f = factor(i), right = after[static_cast<size_t>(i) + 1];
    const Tensor rv = matmul(adjoint(right), v), lv = matmul(adjoint(left), v);  // R^H v, K^H v
    const Tensor nv = matmul(left, rv), nhv = matmul(right, lv);                 // N v, N^H v
    of_tau.push_back(scaled(call<"squeeze.dim">(matmul(adjoint(v), nv), -1), -1));
    of_vectors.push_back(scaled(add(mul(conj(f), nv), mul(f, nhv)), -1));
    left = reflect(left, v, conj(f));
  }
  if (k < n || k == 0) of_vectors.push_back(call<"zeros_like">(narrow(input, -1, k, n - k)));
  c.ret(triangle(call<"cat">(of_vectors, -1), false, -1));
  c.ret(k ? call<"cat">(of_tau, -1) : call<"zeros_like">(tau), 1);
}

// ---------------------------------------------------------------- singular values
// grads, U, S, Vh. Townsend, "Differentiating the singular value decomposition", 2016. Vectors beyond the singular values
// (full_matrices) are any basis of a space: only those that have one count.
void svd_backward(Call& c) {
  const std::vector<Tensor> grads = gradients(c, 3);
  const Tensor s = c.tensor(2);
  const int64_t k = s.size(-1), m = c.tensor(1).size(-2), n = c.tensor(3).size(-1);
  const Tensor u = narrow(c.tensor(1), -1, 0, k), vh = narrow(c.tensor(3), -2, 0, k);
  const Tensor gu = grads[0] ? narrow(grads[0], -1, 0, k) : Tensor(), gvh = grads[2] ? narrow(grads[2], -2, 0, k) : Tensor(), gs = grads[1];
  if (!gu && !gvh) return c.ret(m >= n ? matmul(u, mul(column(gs), vh)) : matmul(mul(u, row(gs)), vh));
  Tensor of_u, of_v, middle;
  if (gu) of_u = skew(matmul(adjoint(u), gu));
  if (gvh) of_v = skew(matmul(vh, adjoint(gvh)));
  if (is_complex(u))
    check_phase(diagonal(add(of_u, of_v)), "svd_backward: The singular vectors in the complex case are specified up to multiplication by e^{i phi}. The "
                "specified loss "
                "function depends on this phase term, making it ill-defined.");
  // S_j^2 - S_i^2 as a product, which keeps the digits of close ones.
  const Tensor apart = add(mul(sub(row(s), column(s)), add(row(s), column(s))), identity(k, k, s));
  if (gu) middle = mul(div(of_u, apart), row(s));
  if (gvh) middle = add(middle, mul(column(s), div(of_v, apart)));
  if (is_complex(u) && gu && gvh) middle = add(middle, diagonal_matrix(div(diagonal(of_u), scaled(s, 2))));
  if (gs) middle = add(middle, diagonal_matrix(gs));
  if (m > k && gu) {
    const Tensor free = div(gu, row(s));
    const Tensor out = add(matmul(u, sub(middle, matmul(adjoint(u), free))), free);
    if (!(n > k && gvh)) return c.ret(matmul(out, vh));
  }
  if (n > k && gvh) {
    const Tensor free = div(gvh, column(s));
    return c.ret(matmul(u, add(matmul(sub(middle, matmul(free, adjoint(vh))), vh), free)));
  }
  c.ret(matmul(u, middle, vh));
}

// ---------------------------------------------------------------- eigenvalues
constexpr const char* kEigenvectorPhase[] = {
    "linalg_eig_backward: The eigenvectors in the complex case are specified up to multiplication by e^{i phi}. The specified loss function depends on this "
        "quantity, "
    "so it is ill-defined.",
    "linalg_eigh_backward: The eigenvectors in the complex case are specified up to multiplication by e^{i phi}. The specified loss function depends on this "
        "quantity, "
    "so it is ill-defined."};

// grads, eigenvalues, eigenvectors
void eigh_backward(Call& c) {
  const std::vector<Tensor> grads = gradients(c, 2);
  const Tensor w = c.tensor(1), v = c.tensor(2), vh = adjoint(v);
  if (!grads[1]) return c.ret(matmul(mul(v, row(grads[0])), vh));
  Tensor middle = matmul(vh, grads[1]);
  check_phase(diagonal(middle), kEigenvectorPhase[1]);
  middle = sub(middle, diagonal_matrix(diagonal(middle)));
  middle = div(middle, differences(w));
  if (grads[0]) middle = add(middle, diagonal_matrix(grads[0]));
  c.ret(matmul(v, middle, vh));
}

// grads, eigenvalues, eigenvectors: columns of length one, which is part of what they are.
void eig_backward(Call& c) {
  const std::vector<Tensor> grads = gradients(c, 2);
  const Tensor w = c.tensor(1), v = c.tensor(2), vh = adjoint(v);
  if (!grads[1]) return c.ret(call<"linalg_solve">(vh, mul(column(grads[0]), vh)));
  Tensor middle = matmul(vh, grads[1]);
  const Tensor lengths = diagonal(middle);
  check_phase(lengths, kEigenvectorPhase[0]);
  middle = sub(middle, matmul(vh, mul(v, row(call<"real">(lengths)))));
  middle = sub(middle, diagonal_matrix(diagonal(middle)));
  middle = div(middle, conj(differences(w)));
  if (grads[0]) middle = add(middle, diagonal_matrix(grads[0]));
  c.ret(call<"linalg_solve">(vh, matmul(middle, vh)));
}

// ---------------------------------------------------------------- what is made of them
// Golub and Pereyra, "The differentiation of pseudo-inverses and nonlinear least squares problems", 1973.
Tensor pseudo_inverse_backward(const Tensor& grad, const Tensor& x, const Tensor& a) {
  const Tensor xh = adjoint(x), gh = adjoint(grad);
  if (a.size(-2) <= a.size(-1)) {
    const Tensor k = matmul(gh, x), kx = matmul(k, xh);
    return add(sub(sub(kx, adjoint(matmul(x, k))), matmul(matmul(a, x), kx)), matmul(matmul(xh, x), sub(gh, matmul(k, a))));
  }
  const Tensor k = matmul(x, gh), xk = matmul(xh, k);
  return add(sub(sub(xk, adjoint(matmul(k, x))), matmul(matmul(xk, x), a)), matmul(matmul(sub(gh, matmul(a, k)), x), xh));
}
void pinv_backward(Call& c) { c.ret(pseudo_inverse_backward(c.tensor(0), c.tensor(1), c.tensor(2))); }

// grads, A, B, X: through the solution and through the residuals |A X - B|^2
void lstsq_backward(Call& c) {
  const std::vector<Tensor> grads = gradients(c, 4);
  const Tensor a = c.tensor(1), x = c.tensor(3);
  Tensor b = c.tensor(2);
  const bool vector = b.ndim() == a.ndim() - 1;
  auto matrix = [&](const Tensor& t) { return vector ? column(t) : t; };
  b = matrix(b);
  Tensor of_a, of_b;
  if (grads[0]) {
    const Tensor g = matrix(grads[0]), inverse = call<"linalg_pinv">(a);
    of_b = matmul(adjoint(inverse), g);
    of_a = pseudo_inverse_backward(matmul(g, adjoint(b)), inverse, a);
  }
  if (grads[1] && grads[1].numel()) {
    // The residual is orthogonal to A, so that only its own change counts.
    const Tensor rest = mul(sub(matmul(a, matrix(x)), b), scaled(row(grads[1]), 2));
    of_a = add(of_a, matmul(rest, adjoint(matrix(x))));
    of_b = of_b ? sub(of_b, rest) : scaled(rest, -1);
  }
  if (!of_a) of_a = call<"zeros_like">(a), of_b = call<"zeros_like">(b);
  c.ret(of_a);
  c.ret(vector ? call<"squeeze.dim">(of_b, -1) : of_b, 1);
}

// grad, A. The derivative of exp in a direction is a block of the exponential of a matrix twice the size (Mathias, 1996).
void matrix_exp_backward(Call& c) {
  const Tensor a = adjoint(c.tensor(1));
  const int64_t n = a.size(-1);
  const Tensor upper = concatenate(a, c.tensor(0), -1), lower = concatenate(call<"zeros_like">(a), a, -1);
  const Tensor whole = call<"matrix_exp">(concatenate(upper, lower, -2));
  c.ret(narrow(narrow(whole, -2, 0, n), -1, n, n));
}

}  // namespace

void spectral_helpers() {
  helper<qr_backward>("autograd::qr_backward(Tensor?[] grads, Tensor Q, Tensor R, str mode) -> Tensor");
  helper<householder_backward>("autograd::householder_backward(Tensor grad, Tensor input, Tensor tau) -> (Tensor, Tensor)");
  helper<svd_backward>("autograd::svd_backward(Tensor?[] grads, Tensor U, Tensor S, Tensor Vh) -> Tensor");
  helper<eigh_backward>("autograd::eigh_backward(Tensor?[] grads, Tensor eigenvalues, Tensor eigenvectors) -> Tensor");
  helper<eig_backward>("autograd::eig_backward(Tensor?[] grads, Tensor eigenvalues, Tensor eigenvectors) -> Tensor");
  helper<pinv_backward>("autograd::pinv_backward(Tensor grad, Tensor result, Tensor A) -> Tensor");
  helper<lstsq_backward>("autograd::lstsq_backward(Tensor?[] grads, Tensor A, Tensor B, Tensor X) -> (Tensor, Tensor)");
  helper<matrix_exp_backward>("autograd::matrix_exp_backward(Tensor grad, Tensor A) -> Tensor");
}

}  // namespace tl::autograd
