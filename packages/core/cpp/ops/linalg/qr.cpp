// Orthogonal factors: QR, and the products of Householder reflectors that LAPACK keeps them as.
#include "ops/linalg/decompositions.hpp"

namespace tallow {
namespace {

void check_sizes(int64_t m, int64_t n, const char* op) { lapack::to_int(m, op), lapack::to_int(n, op), lapack::to_int(m * std::min(m, n), op); }

struct Mode {
  bool q, reduced;
};
Mode mode_of(std::string_view name) {
  TL_CHECK(name == "reduced" || name == "complete" || name == "r", "qr received unrecognized mode '", std::string(name),
           "' but expected one of 'reduced' (default), 'r', or 'complete'");
  return {name != "r", name != "complete"};
}

void qr_shape(tl::Call& c) {
  const TensorImpl* a = c.handle(0);
  const Mode mode = mode_of(c.string(1));
  check_is_matrix(a, "linalg.qr");
  check_inexact(a, "linalg.qr");
  check_lapack_dtype(a->dtype, "geqrf_cpu");
  const int64_t m = rows_of(a), n = columns_of(a), k = std::min(m, n);
  const Dims empty{0};
  c.output(0, mode.q ? shape_of(batch_of(a), {m, mode.reduced ? k : m}) : empty, code(a->dtype), a->device);
  c.output(1, shape_of(batch_of(a), {mode.reduced ? k : m, n}), code(a->dtype), a->device);
}
void qr(tl::Call& c) {
  const TensorImpl *a = c.handle(0), *q = c.out_handle(0), *r = c.out_handle(1);
  const Mode mode = mode_of(c.string(1));
  const int64_t m = rows_of(a), n = columns_of(a), k = std::min(m, n), rows = mode.reduced ? k : m;
  check_sizes(m, std::max(m, n), "linalg.qr");
  by_lapack_dtype(a->dtype, "geqrf_cpu", [&]<class T>() {
    const Matrices<T> in(a, batch_of(a));
    T *const to_q = q->ptr<T>(), *const to_r = r->ptr<T>();
    for_batch(checked_numel(batch_of(a)), 4.0 * m * n * k, [&](int64_t begin, int64_t end) {
      const lapack::Room<T> f(m * std::max(n, rows)), tau(k);
      for (int64_t b = begin; b < end; ++b) {
        const int im = static_cast<int>(m), in_columns = static_cast<int>(n), ik = static_cast<int>(k);
        if (k) {
          transpose_into<T>(m, n, in.at(b), n, f, m);
          lapack::geqrf<T>(im, in_columns, f, im, tau);
        }
        T* out = to_r + b * rows * n;
        for (int64_t i = 0; i < rows; ++i)
          for (int64_t j = 0; j < n; ++j) out[i * n + j] = j >= i && i < k ? f[j * m + i] : T(0);
        if (!mode.q || !m || !rows) continue;
        if (k) {
          lapack::orgqr<T>(im, static_cast<int>(rows), ik, f, im, tau);
        } else {
          for (int64_t i = 0; i < m * rows; ++i) f[i] = T(i % (m + 1) == 0);
        }
        transpose_into<T>(rows, m, f, m, to_q + b * m * rows, rows);
      }
    });
  });
}
void legacy_qr(tl::Call& c) {
  check_is_matrix(c.handle(0), "linalg.qr");
  auto [q, r] = tl::call<"linalg_qr", 2>(c.tensor(0), c.boolean(1, true) ? "reduced" : "complete");
  c.ret(q), c.ret(r, 1);
}

// ---------------------------------------------------------------- reflectors
void geqrf_shape(tl::Call& c) {
  const TensorImpl* a = c.handle(0);
  check_is_matrix(a, "torch.geqrf", "input");
  check_lapack_dtype(a->dtype, "geqrf_cpu");
  c.output(0, a->size_span(), code(a->dtype), a->device);
  c.output(1, shape_of(batch_of(a), {std::min(rows_of(a), columns_of(a))}), code(a->dtype), a->device);
}
void geqrf(tl::Call& c) {
  const TensorImpl *a = c.handle(0), *out = c.out_handle(0), *tau = c.out_handle(1);
  const int64_t m = rows_of(a), n = columns_of(a), k = std::min(m, n);
  check_sizes(m, n, "geqrf");
  if (!k) return;
  by_lapack_dtype(a->dtype, "geqrf_cpu", [&]<class T>() {
    const Matrices<T> in(a, batch_of(a));
    T *const to = out->ptr<T>(), *const factors = tau->ptr<T>();
    for_batch(checked_numel(batch_of(a)), 2.0 * m * n * k, [&](int64_t begin, int64_t end) {
      const lapack::Room<T> f(m * n);
      for (int64_t b = begin; b < end; ++b) {
        transpose_into<T>(m, n, in.at(b), n, f, m);
        lapack::geqrf<T>(static_cast<int>(m), static_cast<int>(n), f, static_cast<int>(m), factors + b * k);
        transpose_into<T>(n, m, f, m, to + b * m * n, n);
      }
    });
  });
}

void householder_shape(tl::Call& c) {
  const TensorImpl *a = c.handle(0), *tau = c.handle(1);
  const char* op = "torch.linalg.householder_product";
  TL_CHECK(a->ndim >= 2, op, ": input must have at least 2 dimensions.");
  TL_CHECK(rows_of(a) >= columns_of(a), op, ": input.shape[-2] must be greater than or equal to input.shape[-1]");
  TL_CHECK(a->ndim - tau->ndim == 1, op, ": Expected tau to have one dimension less than input, but got tau.ndim equal to ", tau->ndim,
           " and input.ndim is equal to ",
           a->ndim);
  TL_CHECK(columns_of(a) >= tau->size(tau->ndim - 1), op, ": input.shape[-1] must be greater than or equal to tau.shape[-1]");
  TL_CHECK(same_sizes(batch_of(a), tau->size_span().first(static_cast<size_t>(tau->ndim - 1))), op,
           ": Expected batch dimensions of tau to be equal to input.shape[:-2], but got ",
           to_string(tau->size_span().first(static_cast<size_t>(tau->ndim - 1))));
  TL_CHECK(a->dtype == tau->dtype, op, ": tau dtype ", dtype_long_name(tau->dtype), " does not match input dtype ", dtype_long_name(a->dtype));
  check_lapack_dtype(a->dtype, "orgqr_cpu");
  c.output(0, a->size_span(), code(a->dtype), a->device);
}
void householder(tl::Call& c) {
  const TensorImpl *a = c.handle(0), *tau = c.handle(1), *out = c.out_handle();
  const int64_t m = rows_of(a), n = columns_of(a), k = tau->size(tau->ndim - 1);
  check_sizes(m, n, "torch.linalg.householder_product");
  if (!out->numel) return;
  by_lapack_dtype(a->dtype, "orgqr_cpu", [&]<class T>() {
    const Matrices<T> in(a, batch_of(a)), factors(tau, batch_of(a), 1);
    T* const to = out->ptr<T>();
    for_batch(checked_numel(batch_of(a)), 2.0 * m * n * n, [&](int64_t begin, int64_t end) {
      const lapack::Room<T> f(m * n);
      for (int64_t b = begin; b < end; ++b) {
        transpose_into<T>(m, n, in.at(b), n, f, m);
        lapack::orgqr<T>(static_cast<int>(m), static_cast<int>(n), static_cast<int>(k), f, static_cast<int>(m), k ? factors.at(b) : nullptr);
        transpose_into<T>(n, m, f, m, to + b * m * n, n);
      }
    });
  });
}

// self: (..., m, k) reflectors; the product with all m columns of their Q, of which torch never forms a matrix. Here it is
// one, so that the gradient is that of householder_product().
void ormqr(tl::Call& c) {
  const tl::Tensor a = c.tensor(0), tau = c.tensor(1), other = c.tensor(2);
  const bool left = c.boolean(3, true), transposed = c.boolean(4);
  TL_CHECK(a.ndim() >= 2, "torch.ormqr: input must have at least 2 dimensions.");
  TL_CHECK(other.ndim() >= 2, "torch.ormqr: other must have at least 2 dimensions.");
  const int64_t m = other.size(left ? -2 : -1);
  TL_CHECK(m >= tau.size(-1), "torch.ormqr: other.shape[", left ? -2 : -1, "] must be greater than or equal to tau.shape[-1]");
  TL_CHECK(m == a.size(-2), "torch.ormqr: other.shape[", left ? -2 : -1, "] must be equal to input.shape[-2]");
  TL_CHECK(tau.size(-1) <= a.size(-1), "torch.ormqr: tau.shape[-1] must be less than or equal to input.shape[-1]");
  TL_CHECK(a.ndim() - tau.ndim() == 1, "torch.ormqr: Expected tau to have one dimension less than input, but got tau.ndim equal to ", tau.ndim(),
           " and input.ndim is equal to ", a.ndim());
  TL_CHECK(a.ndim() == other.ndim(), "torch.ormqr: Expected other to have the same number of dimensions as input, but got other.ndim equal to ", other.ndim(),
           " and input.ndim is equal to ", a.ndim());
  const Sizes batch = batch_of(a.get()), tau_batch = tau.sizes().first(static_cast<size_t>(tau.ndim() - 1));
  TL_CHECK(same_sizes(batch, tau_batch), "torch.ormqr: Expected batch dimensions of tau to be equal to input.shape[:-2], but got ", tl::to_string(tau_batch));
  TL_CHECK(same_sizes(batch, batch_of(other.get())), "torch.ormqr: Expected batch dimensions of other to be equal to input.shape[:-2], but got ",
           tl::to_string(batch_of(other.get())));
  TL_CHECK(a.dtype() == tau.dtype() && a.dtype() == other.dtype(), "torch.ormqr: Expected input, tau and other to have the same dtype, but got ",
           dtype_long_name(dtype_of_tensor(a)), ", ", dtype_long_name(dtype_of_tensor(tau)), " and ", dtype_long_name(dtype_of_tensor(other)));
  const int64_t k = a.size(-1);
  tl::Tensor square = k > m ? tl::call<"narrow">(a, -1, 0, m) : a;
  if (k < m) square = tl::call<"cat">(std::vector<tl::Tensor>{a, tl::call<"new_zeros">(a, shape_of(batch, {m, m - k}))}, -1);
  tl::Tensor q = tl::call<"linalg_householder_product">(square, tau);
  if (transposed) q = adjoint(q);
  c.ret(left ? tl::call<"matmul">(q, other) : tl::call<"matmul">(other, q));
}
void orgqr(tl::Call& c) { c.ret(tl::call<"linalg_householder_product">(c.tensor(0), c.tensor(1))); }

}  // namespace

TL_OPS(linalg_qr) {
  const uint32_t f = kMethod | kOut;
  tl::def<qr_shape>("linalg_qr(Tensor A, str mode='reduced') -> (Tensor Q, Tensor R)", kOut, "A = Q R with orthonormal columns in Q and R upper triangular. mode: 'reduced', 'complete' (Q is square), 'r' (Q is empty).").cpu<qr>();
  tl::composite<legacy_qr>("qr(Tensor self, bool some=True) -> (Tensor Q, Tensor R)", f, "linalg.qr() with mode 'reduced' or, without some, 'complete'.");
  tl::def<geqrf_shape>("geqrf(Tensor self) -> (Tensor a, Tensor tau)", f | kNoGrad, "R in the upper triangle, and Q as reflectors below it and in tau.").cpu<geqrf>();
  tl::def<householder_shape>("linalg_householder_product(Tensor input, Tensor tau) -> Tensor", kOut, "The first columns of the product of the reflectors I - tau_i v_i v_i^H, v_i below the diagonal of column i.").cpu<householder>();
  tl::composite<orgqr>("orgqr(Tensor self, Tensor input2) -> Tensor", f, "Alias of linalg.householder_product().");
  tl::composite<ormqr>("ormqr(Tensor self, Tensor input2, Tensor input3, bool left=True, bool transpose=False) -> Tensor", f, "The product of input3 with Q, given as the reflectors of geqrf().");
}

}  // namespace tallow
