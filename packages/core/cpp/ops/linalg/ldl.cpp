// Factors L D L^H of symmetric and Hermitian matrices that need not be definite (Bunch and Kaufman).
#include "ops/linalg/decompositions.hpp"

namespace tallow {
namespace {

constexpr const char* kFactor = "torch.linalg.ldl_factor_ex";
constexpr const char* kSolve = "torch.linalg.ldl_solve";

void ldl_factor_shape(tl::Call& c) {
  const TensorImpl* a = c.handle(0);
  check_square(a, kFactor);
  check_inexact(a, kFactor);
  check_lapack_dtype(a->dtype, "ldl_factor_kernel_cpu");
  c.output(0, a->size_span(), code(a->dtype), a->device);
  c.output(1, shape_of(batch_of(a), {columns_of(a)}), TL_INT32, a->device);
  c.output(2, batch_of(a), TL_INT32, a->device);
}
void ldl_factor_ex(tl::Call& c) {
  const TensorImpl *a = c.handle(0), *out = c.out_handle(0);
  const int64_t n = columns_of(a);
  const bool hermitian = c.boolean(1);
  const int size = lapack::to_int(n, kFactor);
  int32_t *pivots = c.out_handle(1)->ptr<int32_t>(), *info = c.out_handle(2)->ptr<int32_t>();
  by_lapack_dtype(a->dtype, "ldl_factor_kernel_cpu", [&]<class T>() {
    const Matrices<T> in(a, batch_of(a));
    T* const to = out->ptr<T>();
    for_batch(checked_numel(batch_of(a)), static_cast<double>(n) * n * n / 3, [&](int64_t begin, int64_t end) {
      const lapack::Room<T> f(n * n);
      for (int64_t b = begin; b < end; ++b) {
        transpose_into<T>(n, n, in.at(b), n, f, n);
        info[b] = n ? lapack::sytrf<T>(hermitian, 'L', size, f, size, pivots + b * n) : 0;
        T* packed = to + b * n * n;
        transpose_into<T>(n, n, f, n, packed, n);
        for (int64_t i = 0; i < n; ++i) std::fill(packed + i * n + i + 1, packed + (i + 1) * n, T(0));
      }
    });
  });
  if (c.boolean(2)) check_info(c.out(2), kFactor);
}
void ldl_factor(tl::Call& c) {
  auto [ld, pivots, info] = tl::call<"linalg_ldl_factor_ex", 3>(c.tensor(0), c.boolean(1), false);
  check_info(info, "torch.linalg.ldl_factor");
  c.ret(ld), c.ret(pivots, 1);
}

void ldl_solve_shape(tl::Call& c) {
  const TensorImpl *ld = c.handle(0), *pivots = c.handle(1), *b = c.handle(2);
  check_square(ld, kSolve, "LD");
  check_inexact(ld, kSolve);
  check_is_matrix(b, kSolve, "B");
  TL_CHECK(columns_of(ld) == rows_of(b), kSolve, ": Incompatible shapes of A and B for the equation AX = B (", rows_of(ld), "x", columns_of(ld), " and ",
           rows_of(b), "x", columns_of(b), ")");
  TL_CHECK(b->ndim >= 2, kSolve, ": Expected B to have at least 2 dimensions, but it has ", b->ndim, " dimensions instead");
  const Sizes expected = ld->size_span().first(static_cast<size_t>(ld->ndim - 1));
  TL_CHECK(same_sizes(expected, pivots->size_span()), kSolve, ": Expected LD.shape[:-1] and pivots.shape to be the same, but got pivots with shape ",
           to_string(pivots->size_span()), " instead");
  TL_CHECK(pivots->dtype == DType::Int32, kSolve, ": Expected pivots to be integers of 32 bits. Got ", dtype_long_name(pivots->dtype));
  TL_CHECK(ld->dtype == b->dtype, kSolve, ": LD dtype ", dtype_long_name(ld->dtype), " does not match b dtype ", dtype_long_name(b->dtype));
  check_lapack_dtype(b->dtype, "ldl_solve_kernel_cpu");
  const Dims batch = broadcast_sizes(batch_of(ld), batch_of(b), kSolve);
  c.output(0, shape_of(batch, {rows_of(b), columns_of(b)}), code(b->dtype), b->device);
}
void ldl_solve(tl::Call& c) {
  const TensorImpl *ld = c.handle(0), *p = c.handle(1), *b = c.handle(2), *out = c.out_handle();
  const int64_t n = columns_of(ld), columns = columns_of(out);
  const bool hermitian = c.boolean(3);
  const int size = lapack::to_int(n, kSolve), many = lapack::to_int(columns, kSolve);
  if (!out->numel) return;
  const Matrices<int32_t> pivots(p, batch_of(out), 1);
  by_lapack_dtype(out->dtype, "ldl_solve_kernel_cpu", [&]<class T>() {
    const Matrices<T> factors(ld, batch_of(out)), sides(b, batch_of(out));
    for_batch(out->numel / (n * columns), static_cast<double>(n) * n * columns, [&](int64_t begin, int64_t end) {
      const lapack::Room<T> f(n * n), x(n * columns);
      for (int64_t i = begin; i < end; ++i) {
        for (int64_t j = 0; j < n; ++j) {  // rows are exchanged by them: what is no index would write outside
          const int64_t with = std::abs(static_cast<int64_t>(pivots.at(i)[j]));
          const bool block = pivots.at(i)[j] < 0;  // of two rows, which have it both
          const bool second = block && j > 0 && pivots.at(i)[j - 1] == pivots.at(i)[j];
          TL_CHECK(with >= 1 && with <= n && (!block || second || (j + 1 < n && pivots.at(i)[j + 1] < 0)), kSolve,
                   ": pivots must be those of torch.linalg.ldl_factor, but element ", j, " is ", pivots.at(i)[j]);
        }
        transpose_into<T>(n, n, factors.at(i), n, f, n);
        transpose_into<T>(n, columns, sides.at(i), columns, x, n);
        lapack::sytrs<T>(hermitian, 'L', size, many, f, size, pivots.at(i), x, size);
        transpose_into<T>(columns, n, x, n, out->ptr<T>() + i * n * columns, columns);
      }
    });
  });
}

}  // namespace

TL_OPS(linalg_ldl) {
  tl::def<ldl_factor_shape>("linalg_ldl_factor_ex(Tensor self, *, bool hermitian=False, bool check_errors=False) -> (Tensor LD, Tensor pivots, Tensor info)", kOut | kNoGrad, "L and the blocks of D of A = L D L^T (with hermitian: L D L^H) in one matrix, and the exchanges of rows.").cpu<ldl_factor_ex>();
  tl::composite<ldl_factor>("linalg_ldl_factor(Tensor self, *, bool hermitian=False) -> (Tensor LD, Tensor pivots)", kOut | kNoGrad, "Factors of symmetric or Hermitian matrices, definite or not.");
  tl::def<ldl_solve_shape>("linalg_ldl_solve(Tensor LD, Tensor pivots, Tensor B, *, bool hermitian=False) -> Tensor", kOut | kNoGrad, "X of A X = B, given the factors of linalg.ldl_factor().").cpu<ldl_solve>();
}

}  // namespace tallow
