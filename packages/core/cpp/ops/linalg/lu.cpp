// Factorizations with pivots: LU of any matrix, and equations, inverses and determinants by it.
#include "ops/linalg/decompositions.hpp"

namespace tallow {
namespace {

// The factors of one row-major matrix, in column major at `f`.
template <class T>
int factor(int64_t m, int64_t n, const T* from, T* f, int32_t* pivots) {
  if (m == 0 || n == 0) return 0;
  transpose_into(m, n, from, n, f, m);
  return lapack::getrf<T>(static_cast<int>(m), static_cast<int>(n), f, static_cast<int>(m), pivots);
}
double lu_work(int64_t m, int64_t n) { return static_cast<double>(m) * n * std::min(m, n); }
void check_sizes(int64_t m, int64_t n, const char* op) { lapack::to_int(m, op), lapack::to_int(n, op); }

void lu_factor_shape(tl::Call& c) {
  const TensorImpl* a = c.handle(0);
  TL_CHECK(a->ndim >= 2, "torch.lu_factor: Expected tensor with 2 or more dimensions. Got size: ", to_string(a->size_span()), " instead");
  check_lapack_dtype(a->dtype, "lu_cpu");
  TL_CHECK(c.boolean(1, true), "linalg.lu_factor: LU without pivoting is not implemented on the CPU");
  c.output(0, a->size_span(), code(a->dtype), a->device);
  c.output(1, shape_of(batch_of(a), {std::min(rows_of(a), columns_of(a))}), TL_INT32, a->device);
  c.output(2, batch_of(a), TL_INT32, a->device);
}
void lu_factor_ex(tl::Call& c) {
  const TensorImpl *a = c.handle(0), *out = c.out_handle(0);
  const int64_t m = rows_of(a), n = columns_of(a), k = std::min(m, n);
  check_sizes(m, n, "linalg.lu_factor");
  int32_t *pivots = c.out_handle(1)->ptr<int32_t>(), *info = c.out_handle(2)->ptr<int32_t>();
  by_lapack_dtype(a->dtype, "lu_cpu", [&]<class T>() {
    const Matrices<T> in(a, batch_of(a));
    T* const to = out->ptr<T>();
    for_batch(checked_numel(batch_of(a)), lu_work(m, n), [&](int64_t begin, int64_t end) {
      const lapack::Room<T> f(m * n);
      for (int64_t b = begin; b < end; ++b) {
        info[b] = factor<T>(m, n, in.at(b), f, pivots + b * k);
        transpose_into<T>(n, m, f, m, to + b * m * n, n);
      }
    });
  });
  if (c.boolean(2)) check_info(c.out(2), "torch.linalg.lu_factor_ex");
}
void lu_factor(tl::Call& c) {
  auto [lu, pivots, info] = tl::call<"linalg_lu_factor_ex", 3>(c.tensor(0), c.boolean(1, true), false);
  check_info(info, "torch.linalg.lu_factor");
  c.ret(lu), c.ret(pivots, 1);
}
void lu_with_info(tl::Call& c) {
  auto [lu, pivots, info] = tl::call<"linalg_lu_factor_ex", 3>(c.tensor(0), c.boolean(1, true), c.boolean(2, true));
  c.ret(lu), c.ret(pivots, 1), c.ret(info, 2);
}

// ---------------------------------------------------------------- P, L and U from what LAPACK packs
void permutation_shape(tl::Call& c) {
  const TensorImpl* p = c.handle(0);
  TL_CHECK(p->dtype == DType::Int32, "torch.lu_unpack: LU_pivots is expected to be a contiguous tensor of torch.int32 dtype.\n",
           "Note: this function is intended to be used with the output produced by torch.linalg.lu_factor");
  TL_CHECK(p->ndim >= 1 && p->size(p->ndim - 1) <= c.integer(1), "lu_unpack: expected as many pivots as rows (", c.integer(1),
           ") or fewer, but got pivots of shape ",
           to_string(p->size_span()));
  c.output(0, shape_of(p->size_span().first(static_cast<size_t>(p->ndim - 1)), {c.integer(1), c.integer(1)}), c.dtype(2, TL_FLOAT32), p->device);
}
void permutation(tl::Call& c) {
  const TensorImpl *p = c.handle(0), *out = c.out_handle();
  const int64_t m = c.integer(1), k = p->size(p->ndim - 1);
  const Sizes batch = p->size_span().first(static_cast<size_t>(p->ndim - 1));
  const Matrices<int32_t> pivots(p, batch, 1);
  by_lapack_dtype(out->dtype, "lu_unpack_cpu", [&]<class T>() {
    T* const to = out->ptr<T>();
    std::fill_n(to, out->numel, T(0));
    for_batch(checked_numel(batch), static_cast<double>(m), [&](int64_t begin, int64_t end) {
      const lapack::Room<int64_t> order(m);
      for (int64_t b = begin; b < end; ++b) {
        for (int64_t i = 0; i < m; ++i) order[i] = i;
        for (int64_t i = 0; i < k; ++i) {
          const int64_t with = pivots.at(b)[i];
          TL_CHECK(with >= 1 && with <= m, "pivots passed to lu_unpack must be between 1 and LU.size(-2) inclusive.Did you properly pass the result of "
                   "lu_factor?");
          std::swap(order[i], order[with - 1]);
        }
        for (int64_t i = 0; i < m; ++i) to[b * m * m + order[i] * m + i] = T(1);
      }
    });
  });
}
tl::Tensor unpack_lower(const tl::Tensor& lu) {
  const int64_t m = lu.size(-2), n = lu.size(-1);
  const tl::Tensor lower = tl::call<"tril">(n > m ? tl::call<"narrow">(lu, -1, 0, m) : lu, -1);
  const Dims eye{m, std::min(m, n)};
  return tl::call<"add">(lower, tl::call<"eye.m">(eye[0], eye[1], tl::kw("dtype", tl::Dtype{lu.dtype()}), tl::kw("device", lu.device())));
}
tl::Tensor unpack_upper(const tl::Tensor& lu) {
  const int64_t m = lu.size(-2), n = lu.size(-1);
  return tl::call<"triu">(m > n ? tl::call<"narrow">(lu, -2, 0, n) : lu);
}
void unpack(tl::Call& c, const tl::Tensor& lu, const tl::Tensor& pivots, bool data, bool permute) {
  const tl::Tensor none = tl::call<"new_empty">(lu, Dims{0});
  c.ret(permute ? tl::call<"_lu_permutation">(pivots, lu.size(-2), tl::Dtype{lu.dtype()}) : none);
  c.ret(data ? unpack_lower(lu) : none, 1);
  c.ret(data ? unpack_upper(lu) : none, 2);
}
void lu_unpack(tl::Call& c) {
  const tl::Tensor lu = c.tensor(0), pivots = c.tensor(1);
  TL_CHECK(lu.ndim() >= 2, "lu_unpack: Expected tensor with 2 or more dimensions. Got size: ", tl::to_string(lu.sizes()), " instead");
  TL_CHECK(!c.boolean(3, true) || dtype_of_tensor(pivots) == DType::Int32,
           "torch.lu_unpack: LU_pivots is expected to be a contiguous tensor of torch.int32 dtype.\n"
           "Note: this function is intended to be used with the output produced by torch.linalg.lu_factor");
  unpack(c, lu, pivots, c.boolean(2, true), c.boolean(3, true));
}
void linalg_lu(tl::Call& c) {
  const tl::Tensor a = c.tensor(0);
  TL_CHECK(a.ndim() >= 2, "linalg.lu: Expected tensor with 2 or more dimensions. Got size: ", tl::to_string(a.sizes()), " instead");
  TL_CHECK(c.boolean(1, true), "linalg.lu_factor: LU without pivoting is not implemented on the CPU");
  auto [lu, pivots, info] = tl::call<"linalg_lu_factor_ex", 3>(a, true, false);
  unpack(c, lu, pivots, true, true);
}

// ---------------------------------------------------------------- equations
void check_side(const TensorImpl* a, int64_t rows, int64_t columns, bool left, const char* op) {
  TL_CHECK(columns_of(a) == (left ? rows : columns), op, ": Incompatible shapes of A and B for the equation ", left ? "AX = B" : "XA = B", " (", rows_of(a),
           "x", columns_of(a), " and ", rows, "x", columns, ")");
}

void lu_solve_shape(tl::Call& c) {
  const TensorImpl *lu = c.handle(0), *pivots = c.handle(1), *b = c.handle(2);
  check_inexact(lu, "torch.linalg.lu_solve", false);
  TL_CHECK(lu->dtype == b->dtype, "linalg.lu_solve: Expected LU and B to have the same dtype, but found LU of type ", dtype_long_name(lu->dtype),
           " and B of type ", dtype_long_name(b->dtype), " instead");
  TL_CHECK(pivots->dtype == DType::Int32, "linalg.lu_solve: pivots should be a Tensor of scalar type torch.int32");
  check_square(lu, "torch.linalg.lu_solve", "LU");
  check_is_matrix(b, "torch.linalg.lu_solve", "B");
  check_side(lu, rows_of(b), columns_of(b), c.boolean(3, true), "linalg.lu_solve");
  TL_CHECK(pivots->ndim >= 1 && columns_of(lu) == pivots->size(pivots->ndim - 1), "linalg.lu_solve: Number of pivots per batch should be same as the "
           "dimension of the matrix");
  TL_CHECK(same_sizes(batch_of(lu), pivots->size_span().first(static_cast<size_t>(pivots->ndim - 1))),
           "linalg.lu_solve: Expected LU.shape[:-1] and pivots.shape to be the same, "
           "but got pivots with shape ", to_string(pivots->size_span()), " instead");
  const Dims batch = broadcast_sizes(batch_of(lu), batch_of(b), "linalg.lu_solve");
  c.output(0, shape_of(batch, {rows_of(b), columns_of(b)}), code(b->dtype), b->device);
}

// X of op(A) X = B in place of B (column major n x columns).
template <class T>
void solve_columns(char trans, int64_t n, int64_t columns, const T* lu, const int32_t* pivots, T* b) {
  if (n && columns) lapack::getrs<T>(trans, static_cast<int>(n), static_cast<int>(columns), lu, static_cast<int>(n), pivots, b, static_cast<int>(n));
}

// One row-major right or left side. X A = B is A^T X^T = B^T, and X^T in column major is X in row major.
template <class T>
void solve_side(bool left, bool conjugate, int64_t n, int64_t other, const T* lu, const int32_t* pivots, const T* from, T* to, T* room) {
  const int64_t count = n * other;
  auto conj_copy = [&](const T* p, T* q) {
    for (int64_t i = 0; i < count; ++i) {
      if constexpr (lapack::is_complex_v<T>) q[i] = std::conj(p[i]);
      else q[i] = p[i];
    }
  };
  if (left) {
    transpose_into(n, other, from, other, room, n);
    solve_columns<T>(conjugate ? 'C' : 'N', n, other, lu, pivots, room);
    transpose_into(other, n, static_cast<const T*>(room), n, to, other);
  } else if (conjugate) {  // X A^H = B: A X^H = B^H
    conj_copy(from, to);
    solve_columns<T>('N', n, other, lu, pivots, to);
    conj_copy(to, to);
  } else {
    std::copy_n(from, count, to);
    solve_columns<T>('T', n, other, lu, pivots, to);
  }
}

void lu_solve(tl::Call& c) {
  const TensorImpl *lu = c.handle(0), *p = c.handle(1), *b = c.handle(2), *out = c.out_handle();
  const bool left = c.boolean(3, true), conjugate = c.boolean(4);
  const int64_t n = columns_of(lu), other = left ? columns_of(out) : rows_of(out);
  check_sizes(n, other, "linalg.lu_solve");
  if (!out->numel) return;
  const Matrices<int32_t> pivots(p, batch_of(out), 1);
  by_lapack_dtype(out->dtype, "linalg.lu_solve_cpu", [&]<class T>() {
    const Matrices<T> factors(lu, batch_of(out)), sides(b, batch_of(out));
    T* const to = out->ptr<T>();
    for_batch(out->numel / (n * other), static_cast<double>(n) * n * other, [&](int64_t begin, int64_t end) {
      const lapack::Room<T> f(n * n), room(n * other);
      for (int64_t i = begin; i < end; ++i) {
        for (int64_t j = 0; j < n; ++j) {  // rows are exchanged by them: what is no index would write outside
          const int32_t with = pivots.at(i)[j];
          TL_CHECK(with >= 1 && with <= n, "Pivots given to lu_solve must all be greater or equal to 1. Did you properly pass the result of lu_factor?");
        }
        transpose_into<T>(n, n, factors.at(i), n, f, n);
        solve_side<T>(left, conjugate, n, other, f, pivots.at(i), sides.at(i), to + i * n * other, room);
      }
    });
  });
}
void legacy_lu_solve(tl::Call& c) { c.ret(tl::call<"linalg_lu_solve">(c.tensor(1), c.tensor(2), c.tensor(0))); }

// B is a vector, or a batch of vectors, where its shape is A's without the last dimension.
bool is_vector_case(const TensorImpl* a, const TensorImpl* b) {
  return b->ndim == 1 || (a->ndim - 1 == b->ndim && same_sizes(b->size_span(), a->size_span().first(static_cast<size_t>(a->ndim - 1))));
}

void solve_ex_shape(tl::Call& c) {
  const TensorImpl *a = c.handle(0), *b = c.handle(1);
  const bool left = c.boolean(2, true);
  check_inexact(a, "linalg.solve", false);
  TL_CHECK(a->dtype == b->dtype, "linalg.solve: Expected A and B to have the same dtype, but found A of type ", dtype_long_name(a->dtype), " and B of type ",
           dtype_long_name(b->dtype), " instead");
  check_square(a, "linalg.solve");
  const bool vector = is_vector_case(a, b);
  TL_CHECK(left || !vector, "linalg.solve: Vector broadcasting of the left hand side is not supported for left=False. In this case linalg.solve is equivalent "
           "to B / A.squeeze(-1)");
  TL_CHECK(vector || b->ndim >= 2, "linalg.solve: The input tensor B must have at least 2 dimensions.");
  const int64_t rows = vector ? b->size(b->ndim - 1) : rows_of(b), columns = vector ? 1 : columns_of(b);
  check_side(a, rows, columns, left, "linalg.solve");
  const Sizes sides = b->size_span().first(static_cast<size_t>(b->ndim - (vector ? 1 : 2)));
  const Dims batch = broadcast_sizes(batch_of(a), sides, "linalg.solve");
  c.output(0, vector ? shape_of(batch, {rows}) : shape_of(batch, {rows, columns}), code(a->dtype), a->device);
  c.output(1, a->size_span(), code(a->dtype), a->device);
  c.output(2, shape_of(batch_of(a), {columns_of(a)}), TL_INT32, a->device);
  c.output(3, batch_of(a), TL_INT32, a->device);
}
void solve_ex(tl::Call& c) {
  const TensorImpl *a = c.handle(0), *b = c.handle(1), *out = c.out_handle(0), *lu = c.out_handle(1);
  const bool vector = is_vector_case(a, b), left = c.boolean(2, true);
  const int64_t n = columns_of(a), count = checked_numel(batch_of(a)), tail = vector ? 1 : 2;
  const Sizes batch = out->size_span().first(static_cast<size_t>(out->ndim - tail));
  const int64_t solutions = checked_numel(batch), other = vector ? 1 : left ? columns_of(out) : rows_of(out);
  check_sizes(n, other, "linalg.solve");
  int32_t *pivots = c.out_handle(2)->ptr<int32_t>(), *info = c.out_handle(3)->ptr<int32_t>();
  by_lapack_dtype(a->dtype, "linalg_solve_cpu", [&]<class T>() {
    const Matrices<T> in(a, batch_of(a)), sides(b, batch, tail);
    T *const packed = lu->ptr<T>(), *const to = out->ptr<T>();
    const lapack::Room<T> factors(n * n * count);
    for_batch(count, lu_work(n, n), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        T* f = factors + i * n * n;
        info[i] = factor<T>(n, n, in.at(i), f, pivots + i * n);
        transpose_into<T>(n, n, f, n, packed + i * n * n, n);
      }
    });
    // Which factors belong to a solution: the same broadcast, counted in matrices.
    Dims index_sizes = shape_of(batch_of(a), {});
    Tensor numbers = empty(index_sizes, DType::Int64, a->device);
    for (int64_t i = 0; i < count; ++i) numbers.ptr<int64_t>()[i] = i;
    const Matrices<int64_t> which(numbers.get(), batch, 0);
    if (!out->numel) return;
    for_batch(solutions, static_cast<double>(n) * n * other, [&](int64_t begin, int64_t end) {
      const lapack::Room<T> room(n * other);
      for (int64_t i = begin; i < end; ++i) {
        const int64_t w = *which.at(i);
        // With a zero on the diagonal the result holds what the division gives, as in torch.
        solve_side<T>(left, false, n, other, factors + w * n * n, pivots + w * n, sides.at(i), to + i * n * other, room);
      }
    });
  });
  if (c.boolean(3)) check_info(c.out(3), "torch.linalg.solve_ex");
}
void linalg_solve_ex(tl::Call& c) {
  auto [x, lu, pivots, info] = tl::call<"_linalg_solve_ex", 4>(c.tensor(0), c.tensor(1), c.boolean(2, true), c.boolean(3));
  c.ret(x), c.ret(info, 1);
}
void linalg_solve(tl::Call& c) {
  auto [x, lu, pivots, info] = tl::call<"_linalg_solve_ex", 4>(c.tensor(0), c.tensor(1), c.boolean(2, true), false);
  check_info(info, "torch.linalg.solve");
  c.ret(x);
}

// ---------------------------------------------------------------- inverses
void inv_shape(tl::Call& c) {
  const TensorImpl* a = c.handle(0);
  check_square(a, "linalg.inv");
  check_inexact(a, "linalg.inv", false);
  c.output(0, a->size_span(), code(a->dtype), a->device);
  c.output(1, batch_of(a), TL_INT32, a->device);
}
void inv_ex(tl::Call& c) {
  const TensorImpl *a = c.handle(0), *out = c.out_handle(0);
  const int64_t n = columns_of(a);
  const int size = lapack::to_int(n, "linalg.inv");
  int32_t* info = c.out_handle(1)->ptr<int32_t>();
  by_lapack_dtype(a->dtype, "linalg_inv_cpu", [&]<class T>() {
    const Matrices<T> in(a, batch_of(a));
    T* const to = out->ptr<T>();
    for_batch(checked_numel(batch_of(a)), 2 * lu_work(n, n), [&](int64_t begin, int64_t end) {
      const lapack::Room<int> pivots(n);
      const lapack::Room<T> f(n * n);
      for (int64_t b = begin; b < end; ++b) {
        info[b] = factor<T>(n, n, in.at(b), f, pivots);
        if (n && info[b] == 0) info[b] = lapack::getri<T>(size, f, size, pivots);
        else std::fill_n(static_cast<T*>(f), n * n, T(std::numeric_limits<lapack::real_t<T>>::quiet_NaN()));
        transpose_into<T>(n, n, f, n, to + b * n * n, n);
      }
    });
  });
  if (c.boolean(1)) check_info(c.out(1), "linalg.inv_ex");
}
void inverse(tl::Call& c) {
  auto [x, info] = tl::call<"linalg_inv_ex", 2>(c.tensor(0), false);
  check_info(info, "linalg.inv");
  c.ret(x);
}

// ---------------------------------------------------------------- determinants
void det_shape(tl::Call& c) {
  const TensorImpl* a = c.handle(0);
  check_square(a, "linalg.det");
  check_inexact(a, "linalg.det");
  check_lapack_dtype(a->dtype, "lu_cpu");
  c.output(0, batch_of(a), code(a->dtype), a->device);
  c.output(1, a->size_span(), code(a->dtype), a->device);
  c.output(2, shape_of(batch_of(a), {columns_of(a)}), TL_INT32, a->device);
}
void slogdet_shape(tl::Call& c) {
  const TensorImpl* a = c.handle(0);
  check_square(a, "linalg.slogdet");
  check_inexact(a, "linalg.slogdet", false);
  c.output(0, batch_of(a), code(a->dtype), a->device);
  c.output(1, batch_of(a), code(to_real(a->dtype)), a->device);
  c.output(2, a->size_span(), code(a->dtype), a->device);
  c.output(3, shape_of(batch_of(a), {columns_of(a)}), TL_INT32, a->device);
}

// Factors every matrix and hands use(b, diagonal step, parity of the exchanges) its column-major factors.
template <class T, class Use>
void factored(const TensorImpl* a, T* packed, int32_t* pivots, Use&& use) {
  const int64_t n = columns_of(a);
  check_sizes(n, n, "linalg.det");
  const Matrices<T> in(a, batch_of(a));
  for_batch(checked_numel(batch_of(a)), lu_work(n, n), [&](int64_t begin, int64_t end) {
    const lapack::Room<T> f(n * n);
    for (int64_t b = begin; b < end; ++b) {
      factor<T>(n, n, in.at(b), f, pivots + b * n);
      bool odd = false;
      for (int64_t i = 0; i < n; ++i) odd ^= pivots[b * n + i] != i + 1;
      use(b, static_cast<const T*>(f), odd);
      transpose_into<T>(n, n, f, n, packed + b * n * n, n);
    }
  });
}
void det(tl::Call& c) {
  const TensorImpl* a = c.handle(0);
  const int64_t n = columns_of(a);
  by_lapack_dtype(a->dtype, "lu_cpu", [&]<class T>() {
    T* const to = c.out_handle(0)->ptr<T>();
    factored<T>(a, c.out_handle(1)->ptr<T>(), c.out_handle(2)->ptr<int32_t>(), [&](int64_t b, const T* f, bool odd) {
      T product(odd ? -1 : 1);
      for (int64_t i = 0; i < n; ++i) product *= f[i * n + i];
      to[b] = product;
    });
  });
}
void slogdet(tl::Call& c) {
  const TensorImpl* a = c.handle(0);
  const int64_t n = columns_of(a);
  by_lapack_dtype(a->dtype, "lu_cpu", [&]<class T>() {
    using R = lapack::real_t<T>;
    T* const signs = c.out_handle(0)->ptr<T>();
    R* const logs = c.out_handle(1)->ptr<R>();
    factored<T>(a, c.out_handle(2)->ptr<T>(), c.out_handle(3)->ptr<int32_t>(), [&](int64_t b, const T* f, bool odd) {
      T sign(odd ? -1 : 1);
      R sum = 0;
      for (int64_t i = 0; i < n; ++i) {
        const T d = f[i * n + i];
        const R size = std::abs(d);
        if constexpr (lapack::is_complex_v<T>) sign *= size == 0 ? T(0) : d / size;
        else sign *= static_cast<T>((d > 0) - (d < 0));
        sum += std::log(size);
      }
      signs[b] = sign, logs[b] = sum;
    });
  });
}
void linalg_det(tl::Call& c) { c.ret(tl::call<"_linalg_det", 3>(c.tensor(0))[0]); }
void linalg_slogdet(tl::Call& c) {
  auto r = tl::call<"_linalg_slogdet", 4>(c.tensor(0));
  c.ret(r[0]), c.ret(r[1], 1);
}
void logdet(tl::Call& c) {
  const tl::Tensor a = c.tensor(0);
  check_square(a.get(), "logdet");
  check_inexact(a.get(), "logdet", false);
  auto r = tl::call<"_linalg_slogdet", 4>(a);
  if (is_complex(dtype_of_tensor(a))) return c.ret(tl::call<"add">(tl::call<"log">(r[0]), r[1]));
  const tl::Tensor negative = tl::call<"eq">(r[0], -1);
  c.ret(tl::call<"masked_fill">(r[1], negative, std::numeric_limits<double>::quiet_NaN()));
}

}  // namespace

TL_OPS(linalg_lu) {
  const uint32_t f = kMethod | kOut;
  tl::def<lu_factor_shape>("linalg_lu_factor_ex(Tensor A, *, bool pivot=True, bool check_errors=False) -> (Tensor LU, Tensor pivots, Tensor info)", kOut, "L (below the diagonal) and U of A = P L U in one matrix, the exchanges of rows, and per matrix 0 or the first zero of U's diagonal.").cpu<lu_factor_ex>();
  tl::composite<lu_factor>("linalg_lu_factor(Tensor A, *, bool pivot=True) -> (Tensor LU, Tensor pivots)", kOut, "L (below the diagonal) and U of A = P L U in one matrix, and the exchanges of rows.");
  tl::composite<lu_with_info>("_lu_with_info(Tensor self, bool pivot=True, bool check_errors=True) -> (Tensor LU, Tensor pivots, Tensor info)", 0);
  tl::def<permutation_shape>("_lu_permutation(Tensor pivots, int size, dtype dtype) -> Tensor", TL_OP_HIDDEN | kNoGrad, "The permutation matrix of the exchanges.").cpu<permutation>();
  tl::composite<lu_unpack>("lu_unpack(Tensor LU_data, Tensor LU_pivots, bool unpack_data=True, bool unpack_pivots=True) -> (Tensor P, Tensor L, Tensor U)", kOut, "P, L and U from what linalg.lu_factor() packs.");
  tl::composite<linalg_lu>("linalg_lu(Tensor A, *, bool pivot=True) -> (Tensor P, Tensor L, Tensor U)", kOut, "The factors of A = P L U with partial pivoting.");
  tl::def<lu_solve_shape>("linalg_lu_solve(Tensor LU, Tensor pivots, Tensor B, *, bool left=True, bool adjoint=False) -> Tensor", kOut, "X of A X = B (or X A = B, or with A^H for A), given A's factors.").cpu<lu_solve>();
  tl::composite<legacy_lu_solve>("lu_solve(Tensor self, Tensor LU_data, Tensor LU_pivots) -> Tensor", f, "X of A X = self; linalg.lu_solve() is the newer name.");
  tl::def<solve_ex_shape>("_linalg_solve_ex(Tensor A, Tensor B, *, bool left=True, bool check_errors=False) -> (Tensor result, Tensor LU, Tensor pivots, Tensor info)", TL_OP_HIDDEN).cpu<solve_ex>();
  tl::composite<linalg_solve_ex>("linalg_solve_ex(Tensor A, Tensor B, *, bool left=True, bool check_errors=False) -> (Tensor result, Tensor info)", kOut, "X of A X = B, and per matrix 0 or the first zero pivot.");
  tl::composite<linalg_solve>("linalg_solve(Tensor A, Tensor B, *, bool left=True) -> Tensor", kOut, "X of A X = B, or of X A = B where left is False; B may be a vector.");
  tl::def<inv_shape>("linalg_inv_ex(Tensor A, *, bool check_errors=False) -> (Tensor inverse, Tensor info)", kOut, "Inverses, and per matrix 0 or the first zero pivot.").cpu<inv_ex>();
  tl::composite<inverse>("linalg_inv(Tensor A) -> Tensor", kOut, "Inverses of square matrices.");
  tl::composite<inverse>("inverse(Tensor self) -> Tensor", f, "Alias of linalg.inv().");
  tl::def<det_shape>("_linalg_det(Tensor A) -> (Tensor result, Tensor LU, Tensor pivots)", TL_OP_HIDDEN).cpu<det>();
  tl::def<slogdet_shape>("_linalg_slogdet(Tensor A) -> (Tensor sign, Tensor logabsdet, Tensor LU, Tensor pivots)", TL_OP_HIDDEN).cpu<slogdet>();
  tl::composite<linalg_det>("linalg_det(Tensor A) -> Tensor", kOut, "Determinants of square matrices.");
  tl::composite<linalg_det>("det(Tensor self) -> Tensor", kMethod, "Alias of linalg.det().");
  tl::composite<linalg_slogdet>("linalg_slogdet(Tensor A) -> (Tensor sign, Tensor logabsdet)", kOut, "Sign (or phase) and logarithm of the absolute value of determinants.");
  tl::composite<linalg_slogdet>("slogdet(Tensor self) -> (Tensor sign, Tensor logabsdet)", f, "Alias of linalg.slogdet().");
  tl::composite<logdet>("logdet(Tensor self) -> Tensor", kMethod, "Logarithms of determinants; NaN where they are negative.");
}

}  // namespace tallow
