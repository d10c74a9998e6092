// Least squares, and what singular values say of a matrix: pseudo-inverse, rank, condition.
#include "ops/linalg/decompositions.hpp"

namespace tallow {
namespace {

// ---------------------------------------------------------------- least squares
constexpr const char* kLeast = "torch.linalg.lstsq";

lapack::Driver driver_of(std::string_view name) {
  if (name.empty() || name == "gelsy") return lapack::Driver::PivotedQR;
  if (name == "gels") return lapack::Driver::QR;
  if (name == "gelsd") return lapack::Driver::DivideAndConquer;
  TL_CHECK(name == "gelss", kLeast, ": parameter `driver` should be one of (gels, gelsy, gelsd, gelss)");
  return lapack::Driver::SVD;
}
bool has_values(lapack::Driver d) { return d == lapack::Driver::DivideAndConquer || d == lapack::Driver::SVD; }
bool is_vector_side(const TensorImpl* a, const TensorImpl* b) { return b->ndim == a->ndim - 1; }

// self, b, rcond, driver. Residuals are always described; the public op drops those that no driver vouches for.
void lstsq_shape(tl::Call& c) {
  const TensorImpl *a = c.handle(0), *b = c.handle(1);
  TL_CHECK(a->ndim >= 2, kLeast, ": input must have at least 2 dimensions.");
  TL_CHECK(b->ndim >= 1, kLeast, ": other must have at least 1 dimension.");
  TL_CHECK(a->dtype == b->dtype, kLeast, ": Expected input and other to have the same dtype, but got input's dtype ", dtype_long_name(a->dtype),
           " and other's dtype ", dtype_long_name(b->dtype));
  TL_CHECK(a->ndim - b->ndim == 0 || a->ndim - b->ndim == 1, kLeast, ": input.dim() must be greater or equal to other.dim() and (input.dim() - other.dim()) "
           "<= 1");
  const bool vector = is_vector_side(a, b);
  const int64_t n = columns_of(a), columns = vector ? 1 : columns_of(b);
  TL_CHECK(rows_of(a) == b->size(b->ndim - (vector ? 1 : 2)), kLeast, ": input.size(-2) should match other.size(", vector ? -1 : -2, ")");
  const lapack::Driver driver = driver_of(c.string(3));
  check_lapack_dtype(a->dtype, "torch.linalg.lstsq_cpu");
  const Sizes sides = b->size_span().first(static_cast<size_t>(b->ndim - (vector ? 1 : 2)));
  const Dims batch = broadcast_sizes(batch_of(a), sides, kLeast), none{0};
  c.output(0, vector ? shape_of(batch, {n}) : shape_of(batch, {n, columns}), code(a->dtype), a->device);
  c.output(1, shape_of(batch, {columns}), code(to_real(a->dtype)), a->device);
  c.output(2, driver == lapack::Driver::QR ? none : batch, TL_INT64, a->device);
  c.output(3, has_values(driver) ? shape_of(batch, {std::min(rows_of(a), n)}) : none, code(to_real(a->dtype)), a->device);
}
void lstsq(tl::Call& c) {
  const TensorImpl *a = c.handle(0), *b = c.handle(1), *out = c.out_handle(0), *rest = c.out_handle(1);
  const bool vector = is_vector_side(a, b);
  const int64_t m = rows_of(a), n = columns_of(a), k = std::min(m, n), columns = rest->size(rest->ndim - 1), rows = std::max({m, n, int64_t{1}});
  const lapack::Driver driver = driver_of(c.string(3));
  const Sizes batch = rest->size_span().first(static_cast<size_t>(rest->ndim - 1));
  const int64_t count = checked_numel(batch);
  lapack::to_int(m, kLeast), lapack::to_int(n, kLeast), lapack::to_int(columns, kLeast), lapack::to_int(rows * std::max(n, columns), kLeast);
  const Tensor info = empty(batch, DType::Int32, kCpu);
  std::fill_n(info.ptr<int32_t>(), count, 0);
  by_lapack_dtype(a->dtype, "torch.linalg.lstsq_cpu", [&]<class T>() {
    using R = lapack::real_t<T>;
    const Matrices<T> in(a, batch), sides(b, batch, vector ? 1 : 2);
    const R rcond = c.has(2) ? static_cast<R>(c.number(2)) : std::numeric_limits<R>::epsilon() * static_cast<R>(std::max(m, n));
    T* const to = out->ptr<T>();
    R* const left_over = rest->ptr<R>();
    for_batch(count, 4.0 * m * n * (k + columns), [&](int64_t begin, int64_t end) {
      const lapack::Room<T> f(m * n), x(rows * columns);
      const lapack::Room<R> room(k);
      for (int64_t i = begin; i < end; ++i) {
        const bool finite = all_finite(in.at(i), m * n) && all_finite(sides.at(i), m * columns);
        int rank = static_cast<int>(k);
        R* values = has_values(driver) ? c.out_handle(3)->ptr<R>() + i * k : room;
        if (!k || !columns || !finite) {  // nothing to fit; and with NaN the iteration may never end
          const R fill = finite ? R(0) : std::numeric_limits<R>::quiet_NaN();
          std::fill_n(static_cast<T*>(x), rows * columns, T(fill));
          std::fill_n(values, k, fill);
          rank = finite ? 0 : rank;
        } else {
          transpose_into<T>(m, n, in.at(i), n, f, m);
          transpose_into<T>(m, columns, sides.at(i), columns, x, rows);
          info.ptr<int32_t>()[i] = lapack::least_squares<T>(driver, static_cast<int>(m), static_cast<int>(n), static_cast<int>(columns), f,
                                                            static_cast<int>(m), x, static_cast<int>(rows), rcond, values, &rank);
        }
        transpose_into<T>(columns, n, x, rows, to + i * n * columns, columns);
        for (int64_t j = 0; j < columns; ++j) {  // what is below the solution are the residuals, turned
          R sum = 0;
          for (int64_t r = n; r < m; ++r) sum += std::norm(x[j * rows + r]);
          left_over[i * columns + j] = sum;
        }
        if (driver != lapack::Driver::QR) c.out_handle(2)->ptr<int64_t>()[i] = rank;
      }
    });
  });
  check_info(tl::Tensor(Tensor(info)), kLeast);
}
void linalg_lstsq(tl::Call& c) {
  const tl::Tensor a = c.tensor(0);
  const lapack::Driver driver = driver_of(c.string(3));
  auto r = tl::call<"_linalg_lstsq", 4>(a, c.tensor(1), c.value(2), c.value(3));
  bool known = a.size(-2) > a.size(-1) && driver != lapack::Driver::PivotedQR;
  if (known && has_values(driver) && a.device().type == TL_CPU) {
    const int64_t* ranks = r[2].data<int64_t>();
    known = std::all_of(ranks, ranks + r[2].numel(), [&](int64_t x) { return x == a.size(-1); });
  }
  if (!known) r[1] = tl::call<"reshape">(tl::call<"narrow">(r[1], -1, 0, 0), Dims{0});
  r[3] = tl::call<"detach">(r[3]);
  for (uint32_t i = 0; i < 4; ++i) c.ret(r[i], i);
}

// ---------------------------------------------------------------- which singular values count as zero
double epsilon_of(DType t) { return to_real(t) == DType::Float64 ? std::numeric_limits<double>::epsilon() : std::numeric_limits<float>::epsilon(); }
double default_rtol(const tl::Tensor& a) { return epsilon_of(dtype_of_tensor(a)) * static_cast<double>(std::max(a.size(-2), a.size(-1))); }

tl::Tensor number(double v, const tl::Tensor& like) {
  return tl::call<"full">(Dims{}, v, tl::kw("dtype", tl::Dtype{code(to_real(dtype_of_tensor(like)))}), tl::kw("device", like.device()));
}
struct Tolerance {
  tl::Tensor atol, rtol;
};
Tolerance tolerance(const tl::Tensor& a, const TlValue& atol, const TlValue& rtol) {
  // An absolute bound alone is the only one, unless it is 0.
  const bool bounded = atol.tag != TL_NONE && tl::to_double(atol) > 0;
  return {number(atol.tag == TL_NONE ? 0.0 : tl::to_double(atol), a),
          number(rtol.tag != TL_NONE ? tl::to_double(rtol) : bounded ? 0.0 : default_rtol(a), a)};
}
Tolerance tolerance_tensors(const tl::Tensor& a, const tl::Tensor& atol, const tl::Tensor& rtol, const char* op) {
  for (const tl::Tensor& t : {atol, rtol})
    if (t) TL_CHECK(!is_complex(dtype_of_tensor(t)), op, ": ", t.get() == atol.get() ? "atol" : "rtol", " tensor of complex type is not supported. Got ",
                    dtype_long_name(dtype_of_tensor(t)));
  if (rtol) return {atol ? atol : number(0, a), rtol};
  if (!atol) return tolerance(a, {}, {});
  return {atol, tl::call<"where">(tl::call<"gt">(atol, 0), number(0, a), number(default_rtol(a), a))};
}
// Sizes of the values, and from where on they count.
tl::Tensor counts(const tl::Tensor& sizes, const tl::Tensor& atol, const tl::Tensor& rtol) {
  auto wide = [](const tl::Tensor& t) { return t.ndim() ? tl::call<"unsqueeze">(t, -1) : t; };
  const tl::Tensor top = tl::call<"amax">(sizes, Dims{-1}, true);
  return tl::call<"gt">(sizes, tl::call<"maximum">(wide(atol), tl::call<"mul">(wide(rtol), top)));
}

// ---------------------------------------------------------------- pseudo-inverse
// A, atol, rtol, hermitian
void pseudo_inverse(tl::Call& c) {
  const tl::Tensor a = c.tensor(0);
  if (a.numel() == 0) return c.ret(tl::call<"new_zeros">(a, shape_of(batch_of(a.get()), {a.size(-1), a.size(-2)})));
  const bool hermitian = c.boolean(3);
  tl::Tensor left, values, sizes, right;
  if (hermitian) {
    auto [w, v] = tl::call<"linalg_eigh", 2>(a);
    left = v, values = w, sizes = tl::call<"abs">(w), right = adjoint(v);
  } else {
    auto [u, s, vh] = tl::call<"linalg_svd", 3>(a, false);
    left = adjoint(vh), values = sizes = s, right = adjoint(u);
  }
  const tl::Tensor keep = counts(sizes, c.tensor(1), c.tensor(2)), drop = tl::call<"logical_not">(keep);
  const tl::Tensor inverse = tl::call<"masked_fill">(tl::call<"reciprocal">(tl::call<"masked_fill">(values, drop, 1)), drop, 0);
  c.ret(tl::call<"matmul">(tl::call<"mul">(left, tl::call<"unsqueeze">(inverse, -2)), right));
}
void check_pinv(const tl::Tensor& a) {
  TL_CHECK(is_inexact(dtype_of_tensor(a)) && a.get()->dtype != DType::Float16 && a.get()->dtype != DType::BFloat16 && a.ndim() >= 2, "linalg.pinv(",
           dtype_long_name(dtype_of_tensor(a)), "{", tl::to_string(a.sizes()), "}): expected a tensor with 2 or more dimensions of float, double, cfloat or "
               "cdouble types");
}
void pinv_with(tl::Call& c, const Tolerance& t, bool hermitian) { c.ret(tl::call<"_linalg_pinv">(c.tensor(0), t.atol, t.rtol, hermitian)); }
void pinv_float(tl::Call& c) {
  check_pinv(c.tensor(0));
  pinv_with(c, tolerance(c.tensor(0), c.value(1), c.value(2)), c.boolean(3));
}
void pinv_tensor(tl::Call& c) {
  check_pinv(c.tensor(0));
  pinv_with(c, tolerance_tensors(c.tensor(0), c.tensor(1), c.tensor(2), "torch.linalg.pinv"), c.boolean(3));
}
void pinv_rcond(tl::Call& c) {
  check_pinv(c.tensor(0));
  pinv_with(c, {number(0, c.tensor(0)), number(c.number(1), c.tensor(0))}, c.boolean(2));
}
void pinv_rcond_tensor(tl::Call& c) {
  check_pinv(c.tensor(0));
  pinv_with(c, {number(0, c.tensor(0)), c.tensor(1)}, c.boolean(2));
}

void pinverse(tl::Call& c) {
  check_pinv(c.tensor(0));
  pinv_with(c, {number(0, c.tensor(0)), number(c.number(1), c.tensor(0))}, false);
}

// ---------------------------------------------------------------- rank
void rank_with(tl::Call& c, const Tolerance& t, bool hermitian) {
  const tl::Tensor a = c.tensor(0);
  const tl::Tensor sizes = hermitian ? tl::call<"abs">(tl::call<"linalg_eigvalsh">(a)) : tl::call<"linalg_svdvals">(a);
  if (a.numel() == 0) return c.ret(tl::call<"new_zeros">(a, shape_of(batch_of(a.get()), {}), tl::kw("dtype", tl::Dtype{TL_INT64})));
  c.ret(tl::call<"sum">(counts(sizes, t.atol, t.rtol), Dims{-1}));
}
void check_rank(const tl::Tensor& a) {
  check_is_matrix(a.get(), "torch.linalg.matrix_rank", "input");
  check_inexact(a.get(), "torch.linalg.matrix_rank");
}
void rank_float(tl::Call& c) {
  check_rank(c.tensor(0));
  rank_with(c, tolerance(c.tensor(0), c.value(1), c.value(2)), c.boolean(3));
}
void rank_tensor(tl::Call& c) {
  check_rank(c.tensor(0));
  rank_with(c, tolerance_tensors(c.tensor(0), c.tensor(1), c.tensor(2), "torch.linalg.matrix_rank"), c.boolean(3));
}
void rank_tol(tl::Call& c) {
  check_rank(c.tensor(0));
  rank_with(c, {number(c.number(1), c.tensor(0)), number(0, c.tensor(0))}, c.boolean(2));
}
void rank_tol_tensor(tl::Call& c) {
  check_rank(c.tensor(0));
  rank_with(c, {c.tensor(1), number(0, c.tensor(0))}, c.boolean(2));
}

// ---------------------------------------------------------------- condition
// By singular values, or as the product of the norms of the matrix and of its inverse.
template <class Norm>
tl::Tensor condition_by(const tl::Tensor& a, Norm&& norm) {
  check_square(a.get(), "linalg.cond");
  auto [inverse, info] = tl::call<"linalg_inv_ex", 2>(a);
  const tl::Tensor singular = tl::call<"unsqueeze">(tl::call<"unsqueeze">(tl::call<"ne">(info, 0), -1), -1);
  const tl::Tensor r = tl::call<"mul">(norm(a), norm(tl::call<"masked_fill">(inverse, singular, HUGE_VAL)));
  return tl::call<"nan_to_num">(r, HUGE_VAL, HUGE_VAL, -HUGE_VAL);
}
bool empty_condition(tl::Call& c) {
  const tl::Tensor a = c.tensor(0);
  TL_CHECK(a.ndim() >= 2, "linalg.cond: The input tensor must have at least 2 dimensions.");
  if (a.numel()) return false;
  c.ret(tl::call<"new_zeros">(a, shape_of(batch_of(a.get()), {}), tl::kw("dtype", tl::Dtype{code(to_real(dtype_of_tensor(a)))})));
  return true;
}
void cond(tl::Call& c) {
  if (empty_condition(c)) return;
  const tl::Tensor a = c.tensor(0);
  const double p = c.number(1, 2);
  if (std::fabs(p) != 2) return c.ret(condition_by(a, [&](const tl::Tensor& t) { return tl::call<"linalg_matrix_norm">(t, c.value(1)); }));
  const tl::Tensor s = tl::call<"linalg_svdvals">(a), high = tl::call<"select">(s, -1, 0), low = tl::call<"select">(s, -1, -1);
  c.ret(p > 0 ? tl::call<"div">(high, low) : tl::call<"div">(low, high));
}
void cond_name(tl::Call& c) {
  if (empty_condition(c)) return;
  const tl::Tensor a = c.tensor(0);
  if (c.string(1) != "nuc") return c.ret(condition_by(a, [&](const tl::Tensor& t) { return tl::call<"linalg_matrix_norm.str_ord">(t, c.value(1)); }));
  // Both norms of the singular values: of the inverse they are the reciprocals.
  check_square(a.get(), "linalg.cond");
  const tl::Tensor s = tl::call<"linalg_svdvals">(a);
  c.ret(tl::call<"mul">(tl::call<"sum">(s, Dims{-1}), tl::call<"sum">(tl::call<"reciprocal">(s), Dims{-1})));
}

}  // namespace

TL_OPS(linalg_least_squares) {
  tl::def<lstsq_shape>("_linalg_lstsq(Tensor self, Tensor b, float? rcond=None, str? driver=None) -> (Tensor solution, Tensor residuals, Tensor rank, Tensor singular_values)", TL_OP_HIDDEN).cpu<lstsq>();
  tl::composite<linalg_lstsq>("linalg_lstsq(Tensor self, Tensor b, float? rcond=None, *, str? driver=None) -> (Tensor solution, Tensor residuals, Tensor rank, Tensor singular_values)", kOut, "X that makes the columns of A X - B shortest. driver: gelsy (the default), gels (A has full rank), gelsd, gelss.");
  tl::composite<pseudo_inverse>("_linalg_pinv(Tensor A, Tensor atol, Tensor rtol, bool hermitian=False) -> Tensor", TL_OP_HIDDEN);
  tl::composite<pinv_float>("linalg_pinv.atol_rtol_float(Tensor self, *, float? atol=None, float? rtol=None, bool hermitian=False) -> Tensor", kOut, "The pseudo-inverse of Moore and Penrose; singular values up to max(atol, rtol * largest) count as zero.");
  tl::composite<pinv_tensor>("linalg_pinv.atol_rtol_tensor(Tensor self, *, Tensor? atol=None, Tensor? rtol=None, bool hermitian=False) -> Tensor", kOut);
  tl::composite<pinv_rcond>("linalg_pinv(Tensor self, float rcond, bool hermitian=False) -> Tensor", kOut, "The pseudo-inverse of Moore and Penrose; singular values up to rcond * largest count as zero.");
  tl::composite<pinv_rcond_tensor>("linalg_pinv.rcond_tensor(Tensor self, Tensor rcond, bool hermitian=False) -> Tensor", kOut);
  tl::composite<pinverse>("pinverse(Tensor self, float rcond=1e-15) -> Tensor", kMethod, "linalg.pinv() with rcond.");
  const uint32_t rank = kOut | kNoGrad;
  tl::composite<rank_float>("linalg_matrix_rank.atol_rtol_float(Tensor self, *, float? atol=None, float? rtol=None, bool hermitian=False) -> Tensor", rank, "How many singular values exceed max(atol, rtol * largest).");
  tl::composite<rank_tensor>("linalg_matrix_rank.atol_rtol_tensor(Tensor input, *, Tensor? atol=None, Tensor? rtol=None, bool hermitian=False) -> Tensor", rank);
  tl::composite<rank_tol>("linalg_matrix_rank(Tensor self, float tol, bool hermitian=False) -> Tensor", rank, "How many singular values exceed tol.");
  tl::composite<rank_tol_tensor>("linalg_matrix_rank.tol_tensor(Tensor input, Tensor tol, bool hermitian=False) -> Tensor", rank);
  tl::composite<cond>("linalg_cond(Tensor self, Scalar? p=None) -> Tensor", kOut, "The condition of matrices in a norm, 2 by default: how much an equation with them may magnify errors.");
  tl::composite<cond_name>("linalg_cond.p_str(Tensor self, str p) -> Tensor", kOut);
}

}  // namespace tallow
