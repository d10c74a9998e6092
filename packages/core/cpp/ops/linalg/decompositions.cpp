#include "ops/linalg/decompositions.hpp"

namespace tallow {

void check_is_matrix(const TensorImpl* t, const char* op, const char* name) {
  TL_CHECK(t->ndim >= 2, op, ": The input tensor ", name, " must have at least 2 dimensions.");
}

void check_square(const TensorImpl* t, const char* op, const char* name) {
  check_is_matrix(t, op, name);
  TL_CHECK(rows_of(t) == columns_of(t), op, ": ", name, " must be batches of square matrices, but they are ", rows_of(t), " by ", columns_of(t), " matrices");
}

void check_inexact(const TensorImpl* t, const char* op, bool low_precision) {
  TL_CHECK(is_inexact(t->dtype), op, ": Expected a floating point or complex tensor as input. Got ", dtype_long_name(t->dtype));
  TL_CHECK(low_precision || (t->dtype != DType::Float16 && t->dtype != DType::BFloat16), op, ": Low precision dtypes not supported. Got ",
           dtype_long_name(t->dtype));
}

namespace {

// What the first failure of an op means; `code` is LAPACK's info.
[[noreturn]] void fail_with(const std::string& who, std::string_view op, int32_t code) {
  auto of = [&](std::string_view part) { return op.find(part) != std::string_view::npos; };
  auto ill = [&](const char* repeated) {
    fail(TL_LINALG_ERROR, who, "The algorithm failed to converge because the input matrix is ill-conditioned or has too many repeated ", repeated,
         " (error code: ", code, ").");
  };
  if (of("svd") && code == -4) fail(TL_LINALG_ERROR, who, "The algorithm failed to converge because the input matrix contained non-finite values.");
  if (of("svd")) ill("singular values");
  TL_CHECK(code > 0, who, "Argument ", -code, " has illegal value.");
  if (of("lu_factor"))
    fail(TL_RUNTIME_ERROR, who, "U[", code, ",", code, "] is zero and using it on lu_solve would result in a division by zero. ",
         "If you still want to perform the factorization, consider calling linalg.lu(A, pivot) or linalg.lu_factor_ex(A, pivot)");
  if (of("inv"))
    fail(TL_LINALG_ERROR, who, "The diagonal element ", code, " is zero, the inversion could not be completed because the input matrix is singular.");
  if (of("solve")) fail(TL_LINALG_ERROR, who, "The solver failed because the input matrix is singular.");
  if (of("cholesky"))
    fail(TL_LINALG_ERROR, who, "The factorization could not be completed because the input is not positive-definite (the leading minor of order ", code,
         " is not positive-definite).");
  if (of("eig")) ill("eigenvalues");
  if (of("lstsq"))
    fail(TL_LINALG_ERROR, who, "The least squares solution could not be computed because the input matrix does not have full rank (error code: ", code, ").");
  fail(TL_LINALG_ERROR, who, "The factorization failed (error code: ", code, ").");
}

}  // namespace

void check_info(const tl::Tensor& info, const char* op) {
  if (info.device().type != TL_CPU) return;  // a meta tensor has no values to look at
  const TensorImpl* t = info.get();
  const Matrices<int32_t> dense(t, t->size_span(), 0);
  for (int64_t b = 0; b < t->numel; ++b)
    if (const int32_t code = *dense.at(b)) fail_with(str(op, ": ", t->ndim ? str("(Batch element ", b, "): ") : ""), op, code);
}

}  // namespace tallow
