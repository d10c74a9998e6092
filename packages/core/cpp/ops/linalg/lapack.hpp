// LAPACK's routines for the four types it knows, found in OpenBLAS at run time. Matrices are column major here.
//
// Every routine runs on the calling thread alone: a batch is spread over threads by its matrices, so that the bits of a
// result do not depend on their number.
#pragma once
#include <algorithm>
#include <complex>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "dispatch/error.hpp"
#include "ops/linalg/openblas.hpp"
#include "ops/linalg/small_lu.hpp"

namespace tallow::lapack {

template <class T> struct Real { using type = T; };
template <class R> struct Real<std::complex<R>> { using type = R; };
template <class T> using real_t = typename Real<T>::type;
template <class T> constexpr bool is_complex_v = !std::is_same_v<T, real_t<T>>;
template <class T> constexpr char prefix = 's';
template <> inline constexpr char prefix<double> = 'd';
template <> inline constexpr char prefix<std::complex<float>> = 'c';
template <> inline constexpr char prefix<std::complex<double>> = 'z';

// The routine of T with the given name; a symmetric or orthogonal one has another name for complex numbers.
template <class T, class F>
F* routine(const char* real_name, const char* complex_name = nullptr) {
  const char* name = is_complex_v<T> && complex_name ? complex_name : real_name;
  return reinterpret_cast<F*>(blas::require_openblas_symbol((std::string(1, prefix<T>) + name + "_").c_str()));
}

// Sizes and offsets inside of the library are ints.
inline int to_int(int64_t n, const char* op) {
  TL_CHECK(n <= std::numeric_limits<int>::max(), op, ": a matrix or workspace with ", n, " rows, columns or elements is larger than LAPACK takes");
  return static_cast<int>(n);
}

// Memory that is not initialised.
template <class T>
class Room {
 public:
  explicit Room(int64_t n) : p_(new typename std::aligned_storage<sizeof(T), alignof(T)>::type[static_cast<size_t>(n > 0 ? n : 1)]) {}
  operator T*() const { return reinterpret_cast<T*>(p_.get()); }

 private:
  std::unique_ptr<typename std::aligned_storage<sizeof(T), alignof(T)>::type[]> p_;
};

// What a workspace query answered: a number in floating point, which float32 rounds from 2^24 on.
template <class T>
int64_t answered(T work) {
  const auto n = static_cast<double>(std::real(work));
  return static_cast<int64_t>(n * (1 + 1e-6)) + 1;
}

// Runs call(work, lwork) first to ask for the size of the workspace, then with one.
template <class T, class Call>
int with_work(const char* op, Call&& call) {
  T size{};
  if (const int info = call(&size, -1)) return info;
  const int n = to_int(answered(size), op);
  Room<T> work(n);
  return call(static_cast<T*>(work), n);
}

using Length = size_t;  // of a character argument, which Fortran passes behind the others

template <class T>
int getrf(int m, int n, T* a, int lda, int* pivots) {
  if (std::max(m, n) <= kSmall && lda == m) return small::getrf(m, n, a, pivots);
  static auto* const f = routine<T, void(const int*, const int*, T*, const int*, int*, int*)>("getrf");
  int info = 0;
  f(&m, &n, a, &lda, pivots, &info);
  return info;
}
template <class T>
int getri(int n, T* a, int lda, const int* pivots) {
  if (n <= kSmall && lda == n) {
    T inverse[kSmall * kSmall] = {};
    for (int i = 0; i < n; ++i) inverse[i * n + i] = T(1);
    small::getrs('N', n, n, a, pivots, inverse);
    std::copy_n(inverse, n * n, a);
    return 0;
  }
  static auto* const f = routine<T, void(const int*, T*, const int*, const int*, T*, const int*, int*)>("getri");
  return with_work<T>("getri", [&](T* work, int lwork) {
    int info = 0;
    f(&n, a, &lda, pivots, work, &lwork, &info);
    return info;
  });
}
template <class T>
int getrs(char trans, int n, int columns, const T* a, int lda, const int* pivots, T* b, int ldb) {
  if (n <= kSmall && lda == n && ldb == n) return small::getrs(trans, n, columns, a, pivots, b), 0;
  static auto* const f = routine<T, void(const char*, const int*, const int*, const T*, const int*, const int*, T*, const int*, int*, Length)>("getrs");
  int info = 0;
  f(&trans, &n, &columns, a, &lda, pivots, b, &ldb, &info, 1);
  return info;
}
template <class T>
int potrf(char uplo, int n, T* a, int lda) {
  static auto* const f = routine<T, void(const char*, const int*, T*, const int*, int*, Length)>("potrf");
  int info = 0;
  f(&uplo, &n, a, &lda, &info, 1);
  return info;
}
template <class T>
void trsm(char side, char uplo, char trans, char diag, int m, int n, const T* a, int lda, T* b, int ldb) {
  static auto* const f = routine<T, void(const char*, const char*, const char*, const char*, const int*, const int*, const T*, const T*, const int*,
                                         T*, const int*, Length, Length, Length, Length)>("trsm");
  const T one(1);
  f(&side, &uplo, &trans, &diag, &m, &n, &one, a, &lda, b, &ldb, 1, 1, 1, 1);
}
template <class T>
int geqrf(int m, int n, T* a, int lda, T* tau) {
  static auto* const f = routine<T, void(const int*, const int*, T*, const int*, T*, T*, const int*, int*)>("geqrf");
  return with_work<T>("geqrf", [&](T* work, int lwork) {
    int info = 0;
    f(&m, &n, a, &lda, tau, work, &lwork, &info);
    return info;
  });
}
// The first n columns of the product of k reflectors.
template <class T>
int orgqr(int m, int n, int k, T* a, int lda, const T* tau) {
  static auto* const f = routine<T, void(const int*, const int*, const int*, T*, const int*, const T*, T*, const int*, int*)>("orgqr", "ungqr");
  return with_work<T>("orgqr", [&](T* work, int lwork) {
    int info = 0;
    f(&m, &n, &k, a, &lda, tau, work, &lwork, &info);
    return info;
  });
}

// Symmetric or Hermitian: `Bunch-Kaufman` factors, and the solution of equations with them.
template <class T>
int sytrf(bool hermitian, char uplo, int n, T* a, int lda, int* pivots) {
  using F = void(const char*, const int*, T*, const int*, int*, T*, const int*, int*, Length);
  static F* const symmetric = routine<T, F>("sytrf");
  static F* const conjugate = routine<T, F>("sytrf", "hetrf");
  return with_work<T>("sytrf", [&](T* work, int lwork) {
    int info = 0;
    (hermitian ? conjugate : symmetric)(&uplo, &n, a, &lda, pivots, work, &lwork, &info, 1);
    return info;
  });
}
template <class T>
int sytrs(bool hermitian, char uplo, int n, int columns, const T* a, int lda, const int* pivots, T* b, int ldb) {
  using F = void(const char*, const int*, const int*, const T*, const int*, const int*, T*, const int*, int*, Length);
  static F* const symmetric = routine<T, F>("sytrs");
  static F* const conjugate = routine<T, F>("sytrs", "hetrs");
  int info = 0;
  (hermitian ? conjugate : symmetric)(&uplo, &n, &columns, a, &lda, pivots, b, &ldb, &info, 1);
  return info;
}

// Eigenvalues w, ascending, of a symmetric or Hermitian matrix; with `vectors` they replace a.
template <class T>
int syevd(bool vectors, char uplo, int n, T* a, int lda, real_t<T>* w) {
  using R = real_t<T>;
  const char job = vectors ? 'V' : 'N';
  int info = 0, ask = -1, isize = 0;
  T size{};
  if constexpr (is_complex_v<T>) {
    static auto* const f = routine<T, void(const char*, const char*, const int*, T*, const int*, R*, T*, const int*, R*, const int*, int*, const int*,
                                           int*, Length, Length)>("heevd");
    R rsize{};
    f(&job, &uplo, &n, a, &lda, w, &size, &ask, &rsize, &ask, &isize, &ask, &info, 1, 1);
    if (info) return info;
    const int lwork = to_int(answered(size), "eigh"), lrwork = to_int(answered(rsize), "eigh");
    Room<T> work(lwork);
    Room<R> rwork(lrwork);
    Room<int> iwork(isize);
    f(&job, &uplo, &n, a, &lda, w, work, &lwork, rwork, &lrwork, iwork, &isize, &info, 1, 1);
  } else {
    static auto* const f = routine<T, void(const char*, const char*, const int*, T*, const int*, R*, T*, const int*, int*, const int*, int*, Length,
                                           Length)>("syevd");
    f(&job, &uplo, &n, a, &lda, w, &size, &ask, &isize, &ask, &info, 1, 1);
    if (info) return info;
    const int lwork = to_int(answered(size), "eigh");
    Room<T> work(lwork);
    Room<int> iwork(isize);
    f(&job, &uplo, &n, a, &lda, w, work, &lwork, iwork, &isize, &info, 1, 1);
  }
  return info;
}

// Singular values s, descending. job: 'A' all vectors, 'S' min(m, n) of them, 'N' none. a is destroyed.
template <class T>
int gesdd(char job, int m, int n, T* a, int lda, real_t<T>* s, T* u, int ldu, T* vt, int ldvt) {
  using R = real_t<T>;
  const int64_t small = m < n ? m : n, large = m < n ? n : m;
  Room<int> iwork(8 * small);
  if constexpr (is_complex_v<T>) {
    static auto* const f = routine<T, void(const char*, const int*, const int*, T*, const int*, R*, T*, const int*, T*, const int*, T*, const int*, R*,
                                           int*, int*, Length)>("gesdd");
    Room<R> rwork(job == 'N' ? 7 * small : small * std::max(5 * small + 7, 2 * large + 2 * small + 1));
    return with_work<T>("svd", [&](T* work, int lwork) {
      int info = 0;
      f(&job, &m, &n, a, &lda, s, u, &ldu, vt, &ldvt, work, &lwork, rwork, iwork, &info, 1);
      return info;
    });
  } else {
    (void)large;
    static auto* const f = routine<T, void(const char*, const int*, const int*, T*, const int*, R*, T*, const int*, T*, const int*, T*, const int*, int*,
                                           int*, Length)>("gesdd");
    return with_work<T>("svd", [&](T* work, int lwork) {
      int info = 0;
      f(&job, &m, &n, a, &lda, s, u, &ldu, vt, &ldvt, work, &lwork, iwork, &info, 1);
      return info;
    });
  }
}

// Eigenvalues of any square matrix and, with `vectors`, its right eigenvectors. Of a real matrix they come as LAPACK packs
// them; the caller unpacks. wi is used by real types only.
template <class T>
int geev(bool vectors, int n, T* a, int lda, T* w, real_t<T>* wi, T* vr, int ldvr) {
  using R = real_t<T>;
  const char none = 'N', job = vectors ? 'V' : 'N';
  const int one = 1;
  if constexpr (is_complex_v<T>) {
    static auto* const f = routine<T, void(const char*, const char*, const int*, T*, const int*, T*, T*, const int*, T*, const int*, T*, const int*, R*,
                                           int*, Length, Length)>("geev");
    Room<R> rwork(2 * static_cast<int64_t>(n));
    return with_work<T>("eig", [&](T* work, int lwork) {
      int info = 0;
      f(&none, &job, &n, a, &lda, w, nullptr, &one, vr, &ldvr, work, &lwork, rwork, &info, 1, 1);
      return info;
    });
  } else {
    static auto* const f = routine<T, void(const char*, const char*, const int*, T*, const int*, T*, R*, T*, const int*, T*, const int*, T*, const int*,
                                           int*, Length, Length)>("geev");
    return with_work<T>("eig", [&](T* work, int lwork) {
      int info = 0;
      f(&none, &job, &n, a, &lda, w, wi, nullptr, &one, vr, &ldvr, work, &lwork, &info, 1, 1);
      return info;
    });
  }
}

// Least squares: how the four drivers are called; what a driver does not have (rank, singular values) stays as it is.
enum class Driver { QR, PivotedQR, DivideAndConquer, SVD };

template <class T>
int least_squares(Driver driver, int m, int n, int columns, T* a, int lda, T* b, int ldb, real_t<T> rcond, real_t<T>* s, int* rank) {
  using R = real_t<T>;
  int info = 0;
  const int64_t small = std::min(m, n);
  if (driver == Driver::QR) {
    static auto* const f =
        routine<T, void(const char*, const int*, const int*, const int*, T*, const int*, T*, const int*, T*, const int*, int*, Length)>("gels");
    const char trans = 'N';
    return with_work<T>("lstsq", [&](T* work, int lwork) {
      f(&trans, &m, &n, &columns, a, &lda, b, &ldb, work, &lwork, &info, 1);
      return info;
    });
  }
  if (driver == Driver::PivotedQR) {
    Room<int> pivots(n);
    std::fill_n(static_cast<int*>(pivots), n, 0);
    return with_work<T>("lstsq", [&](T* work, int lwork) {
      if constexpr (is_complex_v<T>) {
        static auto* const f = routine<T, void(const int*, const int*, const int*, T*, const int*, T*, const int*, int*, const R*, int*, T*, const int*,
                                               R*, int*)>("gelsy");
        Room<R> rwork(2 * static_cast<int64_t>(n));
        f(&m, &n, &columns, a, &lda, b, &ldb, pivots, &rcond, rank, work, &lwork, rwork, &info);
      } else {
        static auto* const f = routine<T, void(const int*, const int*, const int*, T*, const int*, T*, const int*, int*, const R*, int*, T*, const int*,
                                               int*)>("gelsy");
        f(&m, &n, &columns, a, &lda, b, &ldb, pivots, &rcond, rank, work, &lwork, &info);
      }
      return info;
    });
  }
  if (driver == Driver::SVD) {
    return with_work<T>("lstsq", [&](T* work, int lwork) {
      if constexpr (is_complex_v<T>) {
        static auto* const f = routine<T, void(const int*, const int*, const int*, T*, const int*, T*, const int*, R*, const R*, int*, T*, const int*,
                                               R*, int*)>("gelss");
        Room<R> rwork(5 * small);
        f(&m, &n, &columns, a, &lda, b, &ldb, s, &rcond, rank, work, &lwork, rwork, &info);
      } else {
        static auto* const f = routine<T, void(const int*, const int*, const int*, T*, const int*, T*, const int*, R*, const R*, int*, T*, const int*,
                                               int*)>("gelss");
        f(&m, &n, &columns, a, &lda, b, &ldb, s, &rcond, rank, work, &lwork, &info);
      }
      return info;
    });
  }
  int ask = -1, isize = 0;
  T size{};
  if constexpr (is_complex_v<T>) {
    static auto* const f = routine<T, void(const int*, const int*, const int*, T*, const int*, T*, const int*, R*, const R*, int*, T*, const int*, R*,
                                           int*, int*)>("gelsd");
    R rsize{};
    f(&m, &n, &columns, a, &lda, b, &ldb, s, &rcond, rank, &size, &ask, &rsize, &isize, &info);
    if (info) return info;
    const int lwork = to_int(answered(size), "lstsq");
    Room<T> work(lwork);
    Room<R> rwork(answered(rsize));
    Room<int> iwork(isize);
    f(&m, &n, &columns, a, &lda, b, &ldb, s, &rcond, rank, work, &lwork, rwork, iwork, &info);
  } else {
    static auto* const f = routine<T, void(const int*, const int*, const int*, T*, const int*, T*, const int*, R*, const R*, int*, T*, const int*,
                                           int*, int*)>("gelsd");
    f(&m, &n, &columns, a, &lda, b, &ldb, s, &rcond, rank, &size, &ask, &isize, &info);
    if (info) return info;
    const int lwork = to_int(answered(size), "lstsq");
    Room<T> work(lwork);
    Room<int> iwork(isize);
    f(&m, &n, &columns, a, &lda, b, &ldb, s, &rcond, rank, work, &lwork, iwork, &info);
  }
  return info;
}

}  // namespace tallow::lapack
