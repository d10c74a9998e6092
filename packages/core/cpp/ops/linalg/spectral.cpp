// Singular values and eigenvalues.
#include "ops/linalg/decompositions.hpp"

namespace tallow {
namespace {

bool needs_gradient(const tl::Tensor& t) { return t.requires_grad() && !(tl::api()->keys_excluded() >> TL_KEY_AUTOGRAD & 1); }

// ---------------------------------------------------------------- singular values
void check_driver(tl::Call& c, uint32_t i) {
  TL_CHECK(!c.has(i), "torch.linalg.svd: keyword argument `driver=` is only supported on CUDA inputs with cuSOLVER backend.");
}

// A, full_matrices, compute_uv, driver
void svd_shape(tl::Call& c) {
  const TensorImpl* a = c.handle(0);
  check_is_matrix(a, "linalg.svd");
  check_inexact(a, "linalg.svd");
  check_lapack_dtype(a->dtype, "linalg_svd_cpu");
  const int64_t m = rows_of(a), n = columns_of(a), k = std::min(m, n);
  const bool full = c.boolean(1), vectors = c.boolean(2, true);
  const Dims none{0};
  c.output(0, vectors ? shape_of(batch_of(a), {m, full ? m : k}) : none, code(a->dtype), a->device);
  c.output(1, shape_of(batch_of(a), {k}), code(to_real(a->dtype)), a->device);
  c.output(2, vectors ? shape_of(batch_of(a), {full ? n : k, n}) : none, code(a->dtype), a->device);
}

template <class T>
void identity(int64_t n, T* out) {
  for (int64_t i = 0; i < n * n; ++i) out[i] = T(i % (n + 1) == 0);
}

void svd(tl::Call& c) {
  const TensorImpl *a = c.handle(0), *u = c.out_handle(0), *s = c.out_handle(1), *v = c.out_handle(2);
  const int64_t m = rows_of(a), n = columns_of(a), k = std::min(m, n), count = checked_numel(batch_of(a));
  const bool full = c.boolean(1), vectors = c.boolean(2, true);
  const int64_t uc = vectors ? (full ? m : k) : 0, vr = vectors ? (full ? n : k) : 0;
  lapack::to_int(m, "linalg.svd"), lapack::to_int(n, "linalg.svd"), lapack::to_int(4 * k * k + 7 * k, "linalg.svd");
  const Tensor info = empty(batch_of(a), DType::Int32, kCpu);
  std::fill_n(info.ptr<int32_t>(), count, 0);
  by_lapack_dtype(a->dtype, "linalg_svd_cpu", [&]<class T>() {
    using R = lapack::real_t<T>;
    const Matrices<T> in(a, batch_of(a));
    T *const to_u = u->ptr<T>(), *const to_v = v->ptr<T>();
    for_batch(count, 20.0 * m * n * k, [&](int64_t begin, int64_t end) {
      const lapack::Room<T> f(m * n), left(m * uc), right(vr * n);
      for (int64_t b = begin; b < end; ++b) {
        if (!k) {  // no singular values: any basis will do
          if (uc) identity(m, to_u + b * m * m);
          if (vr) identity(n, to_v + b * n * n);
          continue;
        }
        const T* from = in.at(b);
        if (!all_finite(from, m * n)) {  // the iteration may never end
          info.ptr<int32_t>()[b] = -4;
          continue;
        }
        transpose_into<T>(m, n, from, n, f, m);
        const int im = static_cast<int>(m), in_ = static_cast<int>(n);
        info.ptr<int32_t>()[b] = lapack::gesdd<T>(vectors ? (full ? 'A' : 'S') : 'N', im, in_, f, im, s->ptr<R>() + b * k, left, im, right,
                                                  static_cast<int>(std::max<int64_t>(vr, 1)));
        if (!vectors) continue;
        transpose_into<T>(uc, m, left, m, to_u + b * m * uc, uc);
        transpose_into<T>(n, vr, right, vr, to_v + b * vr * n, n);
      }
    });
  });
  check_info(tl::Tensor(Tensor(info)), "linalg.svd");
}
void linalg_svd(tl::Call& c) {
  check_driver(c, 2);
  auto r = tl::call<"_linalg_svd", 3>(c.tensor(0), c.boolean(1, true), true);
  for (uint32_t i = 0; i < 3; ++i) c.ret(r[i], i);
}
void svdvals(tl::Call& c) {
  check_driver(c, 1);
  const tl::Tensor a = c.tensor(0);
  c.ret(tl::call<"_linalg_svd", 3>(a, false, needs_gradient(a))[1]);  // the gradient is made of the vectors
}
void legacy_svd(tl::Call& c) {
  const tl::Tensor a = c.tensor(0);
  check_is_matrix(a.get(), "linalg.svd");
  const bool some = c.boolean(1, true);
  if (c.boolean(2, true)) {
    auto [u, s, vh] = tl::call<"_linalg_svd", 3>(a, !some, true);
    c.ret(u), c.ret(s, 1), c.ret(adjoint(vh), 2);
    return;
  }
  const int64_t m = a.size(-2), n = a.size(-1);
  auto zeros = [&](int64_t k) { return tl::call<"new_zeros">(a, shape_of(batch_of(a.get()), {k, k})); };
  c.ret(zeros(m)), c.ret(tl::call<"linalg_svdvals">(a), 1), c.ret(zeros(n), 2);
}

// ---------------------------------------------------------------- symmetric and Hermitian matrices
char triangle_of(std::string_view name) {
  TL_CHECK(name.size() == 1 && (name == "L" || name == "U" || name == "l" || name == "u"), "Expected UPLO argument to be 'L' or 'U', but got ",
           std::string(name));
  return name == "L" || name == "l" ? 'L' : 'U';
}
void eigh_shape(tl::Call& c) {
  const TensorImpl* a = c.handle(0);
  check_square(a, "linalg.eigh");
  triangle_of(c.string(1));
  check_lapack_dtype(a->dtype, "linalg_eigh_cpu");
  const Dims none{0};
  c.output(0, shape_of(batch_of(a), {columns_of(a)}), code(to_real(a->dtype)), a->device);
  c.output(1, c.boolean(2, true) ? Dims(a->size_span().begin(), a->size_span().end()) : none, code(a->dtype), a->device);
}
void eigh(tl::Call& c) {
  const TensorImpl *a = c.handle(0), *w = c.out_handle(0), *v = c.out_handle(1);
  const int64_t n = columns_of(a), count = checked_numel(batch_of(a));
  const bool vectors = c.boolean(2, true);
  const char uplo = triangle_of(c.string(1));
  const int size = lapack::to_int(n, "linalg.eigh");
  lapack::to_int(1 + 6 * n + 2 * n * n, "linalg.eigh");
  const Tensor info = empty(batch_of(a), DType::Int32, kCpu);
  std::fill_n(info.ptr<int32_t>(), count, 0);
  if (!n) return;
  by_lapack_dtype(a->dtype, "linalg_eigh_cpu", [&]<class T>() {
    using R = lapack::real_t<T>;
    const Matrices<T> in(a, batch_of(a));
    for_batch(count, 9.0 * n * n * n, [&](int64_t begin, int64_t end) {
      const lapack::Room<T> f(n * n);
      for (int64_t b = begin; b < end; ++b) {
        const T* from = in.at(b);
        // Only one triangle counts, also in the question whether the iteration can end.
        for (int64_t i = 0; i < n; ++i)
          for (int64_t j = 0; j < n; ++j) f[j * n + i] = (uplo == 'L' ? j <= i : j >= i) ? from[i * n + j] : T(0);
        int32_t& failed = info.ptr<int32_t>()[b];
        failed = all_finite<T>(f, n * n) ? lapack::syevd<T>(vectors, uplo, size, f, size, w->ptr<R>() + b * n) : 1;
        if (vectors) transpose_into<T>(n, n, f, n, v->ptr<T>() + b * n * n, n);
      }
    });
  });
  check_info(tl::Tensor(Tensor(info)), "linalg.eigh");
}
void linalg_eigh(tl::Call& c) {
  auto [w, v] = tl::call<"_linalg_eigh", 2>(c.tensor(0), c.string(1), true);
  c.ret(w), c.ret(v, 1);
}
void eigvalsh(tl::Call& c) {
  const tl::Tensor a = c.tensor(0);
  c.ret(tl::call<"_linalg_eigh", 2>(a, c.string(1), needs_gradient(a))[0]);
}

// ---------------------------------------------------------------- any square matrix
template <bool Vectors>
void eig_shape(tl::Call& c) {
  const TensorImpl* a = c.handle(0);
  check_square(a, Vectors ? "linalg.eig" : "linalg.eigvals");
  check_lapack_dtype(a->dtype, "linalg_eig_out_cpu");
  const TlDtype complex = code(to_complex(a->dtype));
  c.output(0, shape_of(batch_of(a), {columns_of(a)}), complex, a->device);
  if (Vectors) c.output(1, a->size_span(), complex, a->device);
}

// A real matrix has its complex eigenvectors in pairs of columns: real part, imaginary part; the next one is conjugate.
template <class R>
void unpack_pairs(int64_t n, const R* wi, const R* packed, std::complex<R>* out) {
  for (int64_t j = 0; j < n; ++j) {
    const bool pair = wi[j] != 0 && j + 1 < n;
    for (int64_t i = 0; i < n; ++i) {
      const R re = packed[j * n + i], im = pair ? packed[(j + 1) * n + i] : R(0);
      out[i * n + j] = {re, im};
      if (pair) out[i * n + j + 1] = {re, -im};
    }
    j += pair;
  }
}

template <bool Vectors>
void eig(tl::Call& c) {
  const TensorImpl *a = c.handle(0), *w = c.out_handle(0);
  const int64_t n = columns_of(a), count = checked_numel(batch_of(a));
  const char* op = Vectors ? "linalg.eig" : "linalg.eigvals";
  const int size = lapack::to_int(n, op);
  lapack::to_int(n * n, op);
  const Tensor info = empty(batch_of(a), DType::Int32, kCpu);
  std::fill_n(info.ptr<int32_t>(), count, 0);
  if (!n) return;
  by_lapack_dtype(a->dtype, "linalg_eig_out_cpu", [&]<class T>() {
    using R = lapack::real_t<T>;
    using C = std::complex<R>;
    const Matrices<T> in(a, batch_of(a));
    for_batch(count, 25.0 * n * n * n, [&](int64_t begin, int64_t end) {
      const lapack::Room<T> f(n * n), vectors(Vectors ? n * n : 1), values(n);
      const lapack::Room<R> imaginary(n);
      for (int64_t b = begin; b < end; ++b) {
        TL_CHECK(all_finite(in.at(b), n * n), "torch.", op, ": input tensor should not contain infs or NaNs.");
        transpose_into<T>(n, n, in.at(b), n, f, n);
        info.ptr<int32_t>()[b] = lapack::geev<T>(Vectors, size, f, size, values, imaginary, vectors, size);
        C* to = w->ptr<C>() + b * n;
        for (int64_t i = 0; i < n; ++i) {
          if constexpr (lapack::is_complex_v<T>) to[i] = values[i];
          else to[i] = {values[i], imaginary[i]};
        }
        if constexpr (Vectors) {
          C* out = c.out_handle(1)->ptr<C>() + b * n * n;
          if constexpr (lapack::is_complex_v<T>) transpose_into<T>(n, n, vectors, n, out, n);
          else unpack_pairs<R>(n, imaginary, vectors, out);
        }
      }
    });
  });
  check_info(tl::Tensor(Tensor(info)), op);
}
void eigvals(tl::Call& c) {
  const tl::Tensor a = c.tensor(0);
  c.ret(needs_gradient(a) ? tl::call<"linalg_eig", 2>(a)[0] : tl::call<"_linalg_eigvals">(a));
}

}  // namespace

TL_OPS(linalg_spectral) {
  tl::def<svd_shape>("_linalg_svd(Tensor A, bool full_matrices=False, bool compute_uv=True, *, str? driver=None) -> (Tensor U, Tensor S, Tensor Vh)", TL_OP_HIDDEN).cpu<svd>();
  tl::composite<linalg_svd>("linalg_svd(Tensor A, bool full_matrices=True, *, str? driver=None) -> (Tensor U, Tensor S, Tensor Vh)", kOut, "A = U diag(S) Vh, S descending; with full_matrices U and Vh are square.");
  tl::composite<svdvals>("linalg_svdvals(Tensor A, *, str? driver=None) -> Tensor", kOut, "Singular values, descending.");
  tl::composite<legacy_svd>("svd(Tensor self, bool some=True, bool compute_uv=True) -> (Tensor U, Tensor S, Tensor V)", kMethod | kOut, "A = U diag(S) V^H; linalg.svd() is the newer name.");
  tl::def<eigh_shape>("_linalg_eigh(Tensor A, str UPLO='L', bool compute_v=True) -> (Tensor eigenvalues, Tensor eigenvectors)", TL_OP_HIDDEN).cpu<eigh>();
  tl::composite<linalg_eigh>("linalg_eigh(Tensor self, str UPLO='L') -> (Tensor eigenvalues, Tensor eigenvectors)", kOut, "Eigenvalues, ascending, and orthonormal eigenvectors of symmetric or Hermitian matrices, of which one triangle is read.");
  tl::composite<eigvalsh>("linalg_eigvalsh(Tensor self, str UPLO='L') -> Tensor", kOut, "Eigenvalues, ascending, of symmetric or Hermitian matrices.");
  tl::def<eig_shape<true>>("linalg_eig(Tensor self) -> (Tensor eigenvalues, Tensor eigenvectors)", kOut, "Eigenvalues and eigenvectors, both complex, of square matrices.").cpu<eig<true>>();
  tl::def<eig_shape<false>>("_linalg_eigvals(Tensor self) -> Tensor", TL_OP_HIDDEN | kNoGrad).cpu<eig<false>>();
  tl::composite<eigvals>("linalg_eigvals(Tensor self) -> Tensor", kOut, "Eigenvalues, complex, of square matrices.");
}

}  // namespace tallow
