// Exponentials of matrices, Vandermonde matrices, and equations over several dimensions.
#include "ops/linalg/blas.hpp"
#include "ops/linalg/decompositions.hpp"

namespace tallow {
namespace {

// ---------------------------------------------------------------- exp
void matrix_exp_shape(tl::Call& c) {
  const TensorImpl* a = c.handle(0);
  check_square(a, "linalg.matrix_exp");
  check_inexact(a, "linalg.matrix_exp");
  check_lapack_dtype(a->dtype, "matrix_exp");
  c.output(0, a->size_span(), code(a->dtype), a->device);
}

// Higham, "The scaling and squaring method for the matrix exponential revisited", 2005: the rational approximation of
// degree 13 of exp(A / 2^s), squared s times. Matrices are row major.
template <class T>
class Exponential {
 public:
  explicit Exponential(int64_t n) : n_(n), count_(n * n), room_(7 * n * n), pivots_(n) {}

  void operator()(const T* from, T* to) {
    using R = lapack::real_t<T>;
    if (!all_finite(from, count_)) {
      std::fill_n(to, count_, T(std::numeric_limits<R>::quiet_NaN()));
      return;
    }
    R norm = 0;  // the largest sum of a column
    for (int64_t j = 0; j < n_; ++j) {
      R sum = 0;
      for (int64_t i = 0; i < n_; ++i) sum += std::abs(from[i * n_ + j]);
      norm = std::max(norm, sum);
    }
    constexpr R kLimit = 5.371920351148152;
    // Beyond 2^1000 no result is finite; the bound keeps the loop short.
    const int squarings = norm > kLimit ? static_cast<int>(std::min(std::ceil(std::log2(norm / kLimit)), 1100.0)) : 0;
    T *a = room(0), *a2 = room(1), *a4 = room(2), *a6 = room(3), *u = room(4), *v = room(5), *w = room(6);
    for (int64_t i = 0; i < count_; ++i) a[i] = scale(from[i], squarings);
    degree13(a, a2, a4, a6, u, v, w);
    // (v - u) X = v + u, in column major.
    for (int64_t i = 0; i < count_; ++i) a[i] = v[i] - u[i], a2[i] = v[i] + u[i];
    transpose_into<T>(n_, n_, a, n_, a4, n_);
    transpose_into<T>(n_, n_, a2, n_, a6, n_);
    const int size = static_cast<int>(n_);
    lapack::getrf<T>(size, size, a4, size, pivots_);
    lapack::getrs<T>('N', size, size, a4, size, pivots_, a6, size);
    transpose_into<T>(n_, n_, a6, n_, a, n_);
    for (int s = 0; s < squarings; ++s) {
      multiply(a, a, a2);
      std::swap(a, a2);
    }
    std::copy_n(a, count_, to);
  }

 private:
  T* room(int64_t i) { return room_ + i * count_; }
  static T scale(T x, int squarings) {
    if constexpr (lapack::is_complex_v<T>) return {std::ldexp(x.real(), -squarings), std::ldexp(x.imag(), -squarings)};
    else return std::ldexp(x, -squarings);
  }
  void multiply(const T* x, const T* y, T* z) { blas::gemm<T>('N', 'N', n_, n_, n_, T(1), x, n_, y, n_, T(0), z, n_); }
  // sum of factors times matrices, and `one` times the identity
  void combine(T* out, std::initializer_list<std::pair<double, const T*>> terms, double one) {
    using R = lapack::real_t<T>;
    for (int64_t i = 0; i < count_; ++i) {
      T sum(0);
      for (const auto& [factor, m] : terms) sum += static_cast<R>(factor) * m[i];
      out[i] = sum;
    }
    for (int64_t i = 0; i < n_; ++i) out[i * n_ + i] += static_cast<R>(one);
  }
  // The odd part u and the even part v of the numerator; the denominator is v - u.
  void degree13(const T* a, T* a2, T* a4, T* a6, T* u, T* v, T* w) {
    multiply(a, a, a2), multiply(a2, a2, a4), multiply(a4, a2, a6);
    combine(v, {{1.0, a6}, {16380.0, a4}, {40840800.0, a2}}, 0);
    multiply(a6, v, u);
    combine(w, {{1.0, u}, {33522128640.0, a6}, {10559470521600.0, a4}, {1187353796428800.0, a2}}, 32382376266240000.0);
    multiply(a, w, u);
    combine(w, {{182.0, a6}, {960960.0, a4}, {1323241920.0, a2}}, 0);
    multiply(a6, w, v);
    combine(v, {{1.0, v}, {670442572800.0, a6}, {129060195264000.0, a4}, {7771770303897600.0, a2}}, 64764752532480000.0);
  }

  int64_t n_, count_;
  lapack::Room<T> room_;
  lapack::Room<int> pivots_;
};

void matrix_exp(tl::Call& c) {
  const TensorImpl *a = c.handle(0), *out = c.out_handle();
  const int64_t n = columns_of(a);
  lapack::to_int(n, "linalg.matrix_exp");
  if (!n) return;
  by_lapack_dtype(a->dtype, "matrix_exp", [&]<class T>() {
    // In double precision throughout: the squarings double what was rounded before.
    using Wide = std::conditional_t<lapack::is_complex_v<T>, c128, double>;
    const Matrices<T> in(a, batch_of(a));
    T* const to = out->ptr<T>();
    for_batch(checked_numel(batch_of(a)), 16.0 * n * n * n, [&](int64_t begin, int64_t end) {
      Exponential<Wide> exponential(n);
      const lapack::Room<Wide> wide(n * n);
      for (int64_t b = begin; b < end; ++b) {
        std::copy_n(in.at(b), n * n, static_cast<Wide*>(wide));
        exponential(wide, wide);
        for (int64_t i = 0; i < n * n; ++i) to[b * n * n + i] = static_cast<T>(wide[i]);
      }
    });
  });
}
void linalg_matrix_exp(tl::Call& c) { c.ret(tl::call<"matrix_exp">(c.tensor(0))); }

// ---------------------------------------------------------------- several dimensions as one
int64_t product(Sizes s) { return checked_numel(s); }

void tensorinv(tl::Call& c) {
  const tl::Tensor a = c.tensor(0);
  const int64_t split = c.integer(1, 2);
  TL_CHECK(split > 0, "Expected a strictly positive integer for 'ind'");
  const Sizes s = a.sizes();
  const auto at = static_cast<size_t>(std::min<int64_t>(split, a.ndim()));
  const Sizes first = s.first(at), last = s.subspan(at);
  TL_CHECK(product(first) == product(last), "Expected self to satisfy the requirement prod(self.shape[ind:]) == prod(self.shape[:ind]), but got ",
           product(last),
           " != ", product(first));
  Dims shape(last.begin(), last.end());
  shape.insert(shape.end(), first.begin(), first.end());
  const tl::Tensor square = tl::call<"reshape">(a, Dims{product(last), product(first)});
  c.ret(tl::call<"reshape">(tl::call<"linalg_inv">(square), shape));
}
void tensorsolve(tl::Call& c) {
  tl::Tensor a = c.tensor(0);
  const tl::Tensor b = c.tensor(1);
  if (c.has(2)) {
    const Sizes dims = c.ints(2);
    Dims ends;
    for (size_t i = 0; i < dims.size(); ++i) ends.push_back(a.ndim() - static_cast<int64_t>(dims.size() - i));
    a = tl::call<"movedim">(a, dims, ends);
  }
  TL_CHECK(a.ndim() >= b.ndim(), "linalg.tensorsolve: Expected self to have at least as many dimensions as other, but got ", a.ndim(), " and ", b.ndim());
  const Sizes rest = a.sizes().subspan(static_cast<size_t>(b.ndim()));
  const Dims shape(rest.begin(), rest.end());
  TL_CHECK(product(shape) == b.numel(), "Expected self to satisfy the requirement prod(self.shape[other.ndim:]) == prod(self.shape[:other.ndim]), but got ",
           product(shape), " != ", b.numel());
  const tl::Tensor square = tl::call<"reshape">(a, Dims{b.numel(), product(shape)});
  c.ret(tl::call<"reshape">(tl::call<"linalg_solve">(square, tl::call<"reshape">(b, Dims{b.numel()})), shape));
}

void vander(tl::Call& c) {
  const tl::Tensor x = c.tensor(0);
  const DType t = dtype_of_tensor(x);
  TL_CHECK(is_inexact(t) || is_integral(t), "linalg.vander supports floating point, complex, and integer tensors, but got ", dtype_long_name(t));
  const tl::Tensor column = x.ndim() ? x : tl::call<"unsqueeze">(x, 0);
  const int64_t n = c.integer(1, column.size(-1));
  TL_CHECK(!c.has(1) || n > 1, "N must be greater than 1.");
  Dims shape(column.sizes().begin(), column.sizes().end());
  shape.push_back(std::max<int64_t>(n - 1, 0));
  const tl::Tensor powers = tl::call<"cumprod">(tl::call<"expand">(tl::call<"unsqueeze">(column, -1), shape), -1);
  shape.back() = n > 0;
  c.ret(tl::call<"cat">(std::vector<tl::Tensor>{tl::call<"new_ones">(powers, shape), powers}, -1));
}

}  // namespace

TL_OPS(linalg_functions) {
  tl::def<matrix_exp_shape>("matrix_exp(Tensor self) -> Tensor", kMethod, "The exponential of square matrices: the sum of A^k / k!.").cpu<matrix_exp>();
  tl::composite<linalg_matrix_exp>("linalg_matrix_exp(Tensor self) -> Tensor", kOut, "Alias of matrix_exp().");
  tl::composite<tensorinv>("linalg_tensorinv(Tensor self, int ind=2) -> Tensor", kOut, "The inverse of the mapping from the last dimensions to the first `ind`.");
  tl::composite<tensorsolve>("linalg_tensorsolve(Tensor self, Tensor other, int[]? dims=None) -> Tensor", kOut, "X whose contraction with self's last dimensions is `other`.");
  tl::composite<vander>("linalg_vander(Tensor x, *, int? N=None) -> Tensor", 0, "Powers 0 to N - 1 of every element, in a new last dimension.");
}

}  // namespace tallow
