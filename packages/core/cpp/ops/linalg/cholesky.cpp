// Cholesky factors of positive definite matrices, and equations that are triangular.
#include "ops/linalg/decompositions.hpp"

namespace tallow {
namespace {

// A row-major matrix is its transpose in column major, so that upper and lower change places and nothing is copied.
constexpr char triangle(bool upper) { return upper ? 'L' : 'U'; }

void cholesky_shape(tl::Call& c) {
  const TensorImpl* a = c.handle(0);
  check_square(a, "linalg.cholesky");
  check_inexact(a, "linalg.cholesky");
  check_lapack_dtype(a->dtype, "cholesky_cpu");
  c.output(0, a->size_span(), code(a->dtype), a->device);
  c.output(1, batch_of(a), TL_INT32, a->device);
}

void cholesky_ex(tl::Call& c) {
  const TensorImpl *a = c.handle(0), *out = c.out_handle(0);
  const int64_t n = columns_of(a);
  const bool upper = c.boolean(1);
  int32_t* info = c.out_handle(1)->ptr<int32_t>();
  const int size = lapack::to_int(n, "linalg.cholesky");
  by_lapack_dtype(a->dtype, "cholesky_cpu", [&]<class T>() {
    const Matrices<T> in(a, batch_of(a));
    T* const to = out->ptr<T>();
    for_batch(checked_numel(batch_of(a)), static_cast<double>(n) * n * n / 3, [&](int64_t begin, int64_t end) {
      for (int64_t b = begin; b < end; ++b) {
        const T* from = in.at(b);
        T* f = to + b * n * n;
        // The other triangle is not looked at by the factorization, and is zero in its result.
        for (int64_t i = 0; i < n; ++i)
          for (int64_t j = 0; j < n; ++j) f[i * n + j] = (upper ? j >= i : j <= i) ? from[i * n + j] : T(0);
        info[b] = n ? lapack::potrf(triangle(upper), size, f, size) : 0;
      }
    });
  });
  if (c.boolean(2)) check_info(c.out(1), "linalg.cholesky_ex");
}

tl::Tensor checked_factor(const tl::Tensor& a, bool upper, const char* op) {
  auto [factor, info] = tl::call<"linalg_cholesky_ex", 2>(a, upper, false);
  check_info(info, op);
  return factor;
}
void linalg_cholesky(tl::Call& c) { c.ret(checked_factor(c.tensor(0), c.boolean(1), "linalg.cholesky")); }
void cholesky(tl::Call& c) {
  check_square(c.handle(0), "cholesky");
  c.ret(checked_factor(c.tensor(0), c.boolean(1), "cholesky"));
}

// ---------------------------------------------------------------- triangular equations
void solve_triangular_shape(tl::Call& c) {
  const TensorImpl *a = c.handle(0), *b = c.handle(1);
  const bool left = c.boolean(3);
  TL_CHECK(a->dtype == b->dtype, "linalg.solve_triangular: Expected A and B to have the same dtype, but found A of type ", dtype_long_name(a->dtype),
           " and B of type ", dtype_long_name(b->dtype), " instead");
  check_square(a, "linalg.solve_triangular");
  check_is_matrix(b, "linalg.solve_triangular", "B");
  const int64_t n = columns_of(a);
  TL_CHECK(n == (left ? rows_of(b) : columns_of(b)), "linalg.solve_triangular: Incompatible shapes of A and B for the equation ", left ? "AX = B" : "XA = B",
           " (", rows_of(a), "x", n, " and ", rows_of(b), "x", columns_of(b), ")");
  check_lapack_dtype(a->dtype, "triangular_solve_cpu");
  const Dims batch = broadcast_sizes(batch_of(a), batch_of(b), "linalg.solve_triangular");
  c.output(0, shape_of(batch, {rows_of(b), columns_of(b)}), code(a->dtype), a->device);
}

void solve_triangular(tl::Call& c) {
  const TensorImpl *a = c.handle(0), *b = c.handle(1), *out = c.out_handle();
  const bool upper = c.boolean(2), left = c.boolean(3);
  const char diagonal = c.boolean(4) ? 'U' : 'N', side = left ? 'R' : 'L';
  const int64_t m = rows_of(out), n = columns_of(out), k = columns_of(a);
  const int rows = lapack::to_int(m, "linalg.solve_triangular"), columns = lapack::to_int(n, "linalg.solve_triangular");
  const int size = lapack::to_int(k, "linalg.solve_triangular");
  if (!out->numel) return;
  by_lapack_dtype(a->dtype, "triangular_solve_cpu", [&]<class T>() {
    const Matrices<T> factors(a, batch_of(out)), sides(b, batch_of(out));
    T* const to = out->ptr<T>();
    for_batch(out->numel / (m * n), static_cast<double>(m) * n * k, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        std::copy_n(sides.at(i), m * n, to + i * m * n);
        lapack::trsm(side, triangle(upper), 'N', diagonal, columns, rows, factors.at(i), size, to + i * m * n, columns);
      }
    });
  });
}

void triangular_solve(tl::Call& c) {
  const tl::Tensor b = c.tensor(0);
  tl::Tensor a = c.tensor(1);
  bool upper = c.boolean(2);
  check_is_matrix(b.get(), "torch.triangular_solve", "B");
  check_square(a.get(), "triangular_solve");
  const Dims batch = broadcast_sizes(batch_of(b.get()), batch_of(a.get()), "triangular_solve");
  const tl::Tensor copy = tl::call<"clone">(tl::call<"expand">(a, shape_of(batch, {a.size(-2), a.size(-1)})));
  if (c.boolean(3)) a = tl::call<"transpose">(a, -2, -1), upper = !upper;
  c.ret(tl::call<"linalg_solve_triangular">(a, b, tl::kw("upper", upper), tl::kw("unitriangular", c.boolean(4))));
  c.ret(copy, 1);
}

// ---------------------------------------------------------------- equations with a Cholesky factor
tl::Tensor solve_with_factor(const tl::Tensor& b, const tl::Tensor& factor, bool upper) {
  const tl::Tensor other = adjoint(factor);
  const tl::Tensor half = tl::call<"linalg_solve_triangular">(upper ? other : factor, b, tl::kw("upper", false));
  return tl::call<"linalg_solve_triangular">(upper ? factor : other, half, tl::kw("upper", true));
}
void cholesky_solve(tl::Call& c) {
  const tl::Tensor b = c.tensor(0), factor = c.tensor(1);
  TL_CHECK(b.ndim() >= 2, "b should have at least 2 dimensions, but has ", b.ndim(), " dimensions instead");
  TL_CHECK(factor.ndim() >= 2, "u should have at least 2 dimensions, but has ", factor.ndim(), " dimensions instead");
  check_square(factor.get(), "cholesky_solve");
  TL_CHECK(factor.size(-1) == b.size(-2), "Incompatible matrix sizes for cholesky_solve: each A matrix is ", factor.size(-1), " by ", factor.size(-1),
           " but each b matrix is ", b.size(-2), " by ", b.size(-1));
  c.ret(solve_with_factor(b, factor, c.boolean(2)));
}
void cholesky_inverse(tl::Call& c) {
  const tl::Tensor factor = c.tensor(0);
  check_square(factor.get(), "cholesky_inverse");
  check_lapack_dtype(dtype_of_tensor(factor), "cholesky_inverse_out_cpu");
  c.ret(solve_with_factor(identity_like(factor, factor.size(-1)), factor, c.boolean(1)));
}

}  // namespace

TL_OPS(linalg_cholesky) {
  const uint32_t f = kMethod | kOut;
  tl::def<cholesky_shape>("linalg_cholesky_ex(Tensor self, *, bool upper=False, bool check_errors=False) -> (Tensor L, Tensor info)", kOut, "The Cholesky factor L of A = L L^H (with upper: U of A = U^H U), and per matrix 0 or the order of the first minor that is not positive.").cpu<cholesky_ex>();
  tl::composite<linalg_cholesky>("linalg_cholesky(Tensor self, *, bool upper=False) -> Tensor", kOut, "The Cholesky factor L of positive definite matrices A = L L^H; with upper, U of A = U^H U.");
  tl::composite<cholesky>("cholesky(Tensor self, bool upper=False) -> Tensor", f, "The Cholesky factor; linalg.cholesky() is the newer name.");
  tl::def<solve_triangular_shape>("linalg_solve_triangular(Tensor self, Tensor B, *, bool upper, bool left=True, bool unitriangular=False) -> Tensor", kOut, "X of A X = B (or X A = B) for triangular A, of which only that triangle is read.").cpu<solve_triangular>();
  tl::composite<triangular_solve>("triangular_solve(Tensor self, Tensor A, bool upper=True, bool transpose=False, bool unitriangular=False) -> (Tensor solution, Tensor cloned_coefficient)", f, "X of A X = self for triangular A, and a copy of A. linalg.solve_triangular() is the newer name.");
  tl::composite<cholesky_solve>("cholesky_solve(Tensor self, Tensor input2, bool upper=False) -> Tensor", f, "X of A X = self, given the Cholesky factor of A.");
  tl::composite<cholesky_inverse>("cholesky_inverse(Tensor self, bool upper=False) -> Tensor", f, "The inverse of A, given its Cholesky factor.");
}

}  // namespace tallow
