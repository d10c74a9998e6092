// Products of matrices and vectors on blas.hpp. A transposed operand is passed as a flag, never copied.
#include "ops/family.hpp"
#include "ops/linalg/blas.hpp"
#include "ops/pointwise/pointwise.hpp"

namespace tallow {
namespace {

// A matrix as BLAS sees it: row-major storage, possibly read transposed.
struct Matrix {
  Tensor owner;  // a dense copy where the strides fit no BLAS form
  const char* data;
  int64_t ld;
  char trans;
};

// The last two dimensions of t as a BLAS operand; rows and cols are those of the product's operand.
bool blas_form(int64_t rows, int64_t cols, int64_t rs, int64_t cs, int64_t* ld, char* trans) {
  if (cols <= 1) cs = 1;
  if (rows <= 1 && cs == 1) rs = std::max<int64_t>(cols, 1);
  if (cs == 1 && rs >= std::max<int64_t>(cols, 1)) {
    *ld = rs, *trans = 'N';
    return true;
  }
  if (rows <= 1) rs = 1;
  if (cols <= 1 && rs == 1) cs = std::max<int64_t>(rows, 1);
  if (rs == 1 && cs >= std::max<int64_t>(rows, 1)) {
    *ld = cs, *trans = 'T';
    return true;
  }
  return false;
}

Tensor dense(const TensorImpl* t) {
  Tensor d = empty(t->size_span(), t->dtype, t->device);
  copy_into(d.get(), t);
  return d;
}

// Calls f with a value of the C++ type of dtype; bool counts as uint8 with its sums cast back.
template <class F>
void by_dtype(DType t, const char* op, F&& f) {
  switch (t) {
    case DType::Float32: return f(float());
    case DType::Float64: return f(double());
    case DType::Float16: return f(Half());
    case DType::BFloat16: return f(BFloat16());
    case DType::Complex64: return f(c64());
    case DType::Complex128: return f(c128());
    case DType::Int64: return f(int64_t());
    case DType::Int32: return f(int32_t());
    case DType::Int16: return f(int16_t());
    case DType::Int8: return f(int8_t());
    case DType::UInt8: return f(uint8_t());
    default: fail(TL_NOT_IMPLEMENTED_ERROR, "\"", op, "\" not implemented for '", dtype_long_name(t), "'");
  }
}

template <class T>
T scalar_as(const TlValue& v) {
  const ScalarArg a = to_scalar_arg(v);
  if constexpr (std::is_same_v<T, Half> || std::is_same_v<T, BFloat16>) return T(a.as<float>());
  else if constexpr (std::is_integral_v<T>) return static_cast<T>(a.as<int64_t>());
  else return a.as<T>();
}
template <class T> T one() {
  if constexpr (std::is_same_v<T, Half> || std::is_same_v<T, BFloat16>) return T(1.0f);
  else return T(1);
}
template <class T> T zero() {
  if constexpr (std::is_same_v<T, Half> || std::is_same_v<T, BFloat16>) return T(0.0f);
  else return T(0);
}

void same_dtype(const char* op, const TensorImpl* a, const TensorImpl* b) {
  TL_CHECK(a->dtype == b->dtype, op, ": expected m1 and m2 to have the same dtype, but got: ", dtype_long_name(a->dtype), " != ", dtype_long_name(b->dtype));
}

// out (b, m, n) = alpha * a (b, m, k) @ c (b, k, n) + beta * out. Batches by stride; 2-dim tensors are one batch. `row`
// takes out's place in the sum of a 2-dim product: n contiguous elements for every row.
void product(TensorImpl* out, const TensorImpl* a, const TensorImpl* b, const TlValue& alpha, const TlValue& beta, const char* op,
             const TensorImpl* row = nullptr) {
  const int nd = out->ndim;
  const int64_t m = out->size(nd - 2), n = out->size(nd - 1), k = a->size(a->ndim - 1), batch = nd == 3 ? out->size(0) : 1;
  if (out->numel == 0) return;
  Tensor ca, cb;
  int64_t lda, ldb;
  char ta, tb;
  if (!blas_form(m, k, a->stride(a->ndim - 2), a->stride(a->ndim - 1), &lda, &ta)) {
    ca = dense(a);
    a = ca.get();
    lda = std::max<int64_t>(k, 1), ta = 'N';
  }
  if (!blas_form(k, n, b->stride(b->ndim - 2), b->stride(b->ndim - 1), &ldb, &tb)) {
    cb = dense(b);
    b = cb.get();
    ldb = std::max<int64_t>(n, 1), tb = 'N';
  }
  by_dtype(out->dtype, op, [&](auto t) {
    using T = decltype(t);
    const T al = scalar_as<T>(alpha), be = scalar_as<T>(beta);
    if (row)
      blas::gemm_row<T>(ta, tb, m, n, k, al, a->ptr<T>(), lda, b->ptr<T>(), ldb, be, row->ptr<T>(), out->ptr<T>(), n);
    else if (batch == 1)
      blas::gemm<T>(ta, tb, m, n, k, al, a->ptr<T>(), lda, b->ptr<T>(), ldb, be, out->ptr<T>(), n);
    else
      blas::gemm_batch<T>(ta, tb, m, n, k, al, a->ptr<T>(), lda, a->stride(0), b->ptr<T>(), ldb, b->stride(0), be, out->ptr<T>(), n, m * n, batch);
  });
}

const TlValue kOne = tl::pack(int64_t{1}), kZero = tl::pack(int64_t{0});

// ---------------------------------------------------------------- mm, bmm
void mm_shape(tl::Call& c) {
  const TensorImpl *a = c.handle(0), *b = c.handle(1);
  TL_CHECK(a->ndim == 2, "mm: self must be a matrix, got shape ", to_string(a->size_span()));
  TL_CHECK(b->ndim == 2, "mm: mat2 must be a matrix, got shape ", to_string(b->size_span()));
  TL_CHECK(a->size(1) == b->size(0), "mat1 and mat2 shapes cannot be multiplied (", a->size(0), "x", a->size(1), " and ", b->size(0), "x", b->size(1), ")");
  same_dtype("mm", a, b);
  const int64_t s[2] = {a->size(0), b->size(1)};
  c.output(0, s, code(a->dtype), a->device);
}
void mm(tl::Call& c) { product(c.out_handle(), c.handle(0), c.handle(1), kOne, kZero, "addmm_impl_cpu_"); }

void bmm_shape(tl::Call& c) {
  const TensorImpl *a = c.handle(0), *b = c.handle(1);
  TL_CHECK(a->ndim == 3, "bmm: batch1 must be a 3D tensor, got shape ", to_string(a->size_span()));
  TL_CHECK(b->ndim == 3, "bmm: batch2 must be a 3D tensor, got shape ", to_string(b->size_span()));
  TL_CHECK(a->size(0) == b->size(0) && a->size(2) == b->size(1), "Expected size for first two dimensions of batch2 tensor to be: [", a->size(0), ", ",
           a->size(2), "] but got: [", b->size(0), ", ", b->size(1), "].");
  same_dtype("bmm", a, b);
  const int64_t s[3] = {a->size(0), a->size(1), b->size(2)};
  c.output(0, s, code(a->dtype), a->device);
}
void bmm(tl::Call& c) { product(c.out_handle(), c.handle(0), c.handle(1), kOne, kZero, "bmm"); }

// ---------------------------------------------------------------- with an addend: beta * self + alpha * product
void check_scalars(const char* op, DType t, const TlValue& beta, const TlValue& alpha) {
  for (const TlValue* v : {&beta, &alpha})
    TL_CHECK(!(is_integral(t, true) && (v->tag == TL_DOUBLE || v->tag == TL_COMPLEX)), op, ": For integral input tensors, argument ",
             v == &alpha ? "alpha" : "beta", " must not be a floating point number.");
}
void addend_shape(tl::Call& c, Sizes s, const char* op) {
  const TensorImpl *self = c.handle(0), *a = c.handle(1), *b = c.handle(2);
  same_dtype(op, a, b);
  TL_CHECK(self->dtype == a->dtype, op, ": self and mat1 must have the same dtype, but got ", dtype_long_name(self->dtype), " and ", dtype_long_name(a->dtype));
  const Dims full = broadcast_sizes(self->size_span(), s, op);
  TL_CHECK(same_sizes(full, s), op, ": The expanded size of the tensor must match: self of shape ", to_string(self->size_span()),
           " does not broadcast to ", to_string(s));
  c.output(0, s, code(a->dtype), a->device);
}
void addmm_shape(tl::Call& c) {
  const TensorImpl *a = c.handle(1), *b = c.handle(2);
  TL_CHECK(a->ndim == 2 && b->ndim == 2, "addmm: mat1 and mat2 must be matrices, got ", a->ndim, "-D and ", b->ndim, "-D tensors");
  TL_CHECK(a->size(1) == b->size(0), "mat1 and mat2 shapes cannot be multiplied (", a->size(0), "x", a->size(1), " and ", b->size(0), "x", b->size(1), ")");
  check_scalars("addmm", a->dtype, c.value(3), c.value(4));  // baddbmm takes the whole part of them
  const int64_t s[2] = {a->size(0), b->size(1)};
  addend_shape(c, s, "addmm");
}
bool is_zero(const TlValue& v) { return tl::to_double(v) == 0 && v.tag != TL_COMPLEX; }
// A vector, or a row that is expanded, is added while the product is written.
bool is_row(const TensorImpl* t, const TensorImpl* out) {
  return out->ndim == 2 && t->ndim > 0 && t->size(t->ndim - 1) == out->size(1) && (t->stride(t->ndim - 1) == 1 || out->size(1) == 1) &&
         (t->ndim == 1 || t->size(0) == 1 || t->stride(0) == 0) && t->storage != out->storage;
}
void add_product(tl::Call& c, const char* op) {
  if (is_row(c.handle(0), c.out_handle()) && !is_zero(c.value(3)))
    return product(c.out_handle(), c.handle(1), c.handle(2), c.value(4), c.value(3), op, c.handle(0));
  if (!is_zero(c.value(3))) copy_into(c.out_handle(), c.handle(0));  // beta 0 ignores self, NaN included
  product(c.out_handle(), c.handle(1), c.handle(2), c.value(4), c.value(3), op);
}
void addmm(tl::Call& c) { add_product(c, "addmm_impl_cpu_"); }
void baddbmm_shape(tl::Call& c) {
  const TensorImpl *a = c.handle(1), *b = c.handle(2);
  TL_CHECK(a->ndim == 3 && b->ndim == 3, "baddbmm: batch1 and batch2 must be 3D tensors, got ", a->ndim, "-D and ", b->ndim, "-D");
  TL_CHECK(a->size(0) == b->size(0) && a->size(2) == b->size(1), "Expected size for first two dimensions of batch2 tensor to be: [", a->size(0), ", ",
           a->size(2), "] but got: [", b->size(0), ", ", b->size(1), "].");
  const int64_t s[3] = {a->size(0), a->size(1), b->size(2)};
  addend_shape(c, s, "baddbmm");
}
void baddbmm(tl::Call& c) { add_product(c, "baddbmm"); }

// ---------------------------------------------------------------- vectors
void mv_shape(tl::Call& c) {
  const TensorImpl *a = c.handle(0), *b = c.handle(1);
  TL_CHECK(a->ndim == 2 && b->ndim == 1, "vector + matrix @ vector expected, got ", a->ndim, ", ", b->ndim);
  TL_CHECK(a->size(1) == b->size(0), "size mismatch, got input (", a->size(0), "), mat (", a->size(0), "x", a->size(1), "), vec (", b->size(0), ")");
  same_dtype("mv", a, b);
  const int64_t s[1] = {a->size(0)};
  c.output(0, s, code(a->dtype), a->device);
}
void mv(tl::Call& c) {
  const TensorImpl *a = c.handle(0), *x = c.handle(1);
  TensorImpl* y = c.out_handle();
  const int64_t m = a->size(0), n = a->size(1);
  if (m == 0) return;
  int64_t ld;
  char trans;
  Tensor ca;
  if (!blas_form(m, n, a->stride(0), a->stride(1), &ld, &trans)) {
    ca = dense(a);
    a = ca.get();
    ld = std::max<int64_t>(n, 1), trans = 'N';
  }
  const int64_t inc = x->size(0) > 1 ? x->stride(0) : 1;
  by_dtype(y->dtype, "addmv_impl_cpu", [&](auto t) {
    using T = decltype(t);
    // BLAS names the stored matrix; a transposed one is stored n x m.
    if (trans == 'N') blas::gemv<T>('N', m, n, one<T>(), a->ptr<T>(), ld, x->ptr<T>(), inc, zero<T>(), y->ptr<T>(), 1);
    else blas::gemv<T>('T', n, m, one<T>(), a->ptr<T>(), ld, x->ptr<T>(), inc, zero<T>(), y->ptr<T>(), 1);
  });
}
void check_dot(const char* op, const TensorImpl* a, const TensorImpl* b) {
  TL_CHECK(a->ndim == 1 && b->ndim == 1, "1D tensors expected, but got ", a->ndim, "D and ", b->ndim, "D tensors");
  TL_CHECK(a->dtype == b->dtype, op, " : expected both vectors to have same dtype, but found ", dtype_long_name(a->dtype), " and ", dtype_long_name(b->dtype));
  TL_CHECK(a->numel == b->numel, "inconsistent tensor size, expected tensor [", a->numel, "] and src [", b->numel,
           "] to have the same number of elements, but got ", a->numel, " and ", b->numel, " elements respectively");
}
void dot_shape(tl::Call& c) {
  check_dot("dot", c.handle(0), c.handle(1));
  c.output(0, {}, code(c.handle(0)->dtype), c.handle(0)->device);
}
template <bool Conjugate>
void dot(tl::Call& c) {
  const TensorImpl *a = c.handle(0), *b = c.handle(1);
  TensorImpl* out = c.out_handle();
  const int64_t ia = a->numel > 1 ? a->stride(0) : 1, ib = b->numel > 1 ? b->stride(0) : 1;
  by_dtype(out->dtype, "dot", [&](auto t) {
    using T = decltype(t);
    *out->ptr<T>() = Conjugate ? blas::vdot<T>(a->numel, a->ptr<T>(), ia, b->ptr<T>(), ib) : blas::dot<T>(a->numel, a->ptr<T>(), ia, b->ptr<T>(), ib);
  });
}

// ---------------------------------------------------------------- matmul: any dimensions
void matmul(tl::Call& c) {
  tl::Tensor a = c.tensor(0), b = c.tensor(1);
  const int na = a.get()->ndim, nb = b.get()->ndim;
  TL_CHECK(na > 0 && nb > 0, "both arguments to matmul need to be at least 1D, but they are ", na, "D and ", nb, "D");
  if (na == 1 && nb == 1) return c.ret(tl::call<"dot">(a, b));
  if (na == 2 && nb == 2) return c.ret(tl::call<"mm">(a, b));
  if (na == 2 && nb == 1) return c.ret(tl::call<"mv">(a, b));
  if (na == 1 && nb == 2) return c.ret(tl::call<"mv">(tl::call<"t">(b), a));
  // One operand has a batch that the other lacks: fold it into the rows.
  if (na >= 3 && nb <= 2) {
    const Dims s(a.sizes().begin(), a.sizes().end());
    Dims out(s.begin(), s.end() - 1);
    const tl::Tensor flat = tl::call<"reshape">(a, Dims{-1 * (s.back() != 0) + (s.back() == 0 ? checked_numel(out) : 0), s.back()});
    if (nb == 1) return c.ret(tl::call<"view">(tl::call<"mv">(flat, b), out));
    out.push_back(b.size(1));
    return c.ret(tl::call<"view">(tl::call<"mm">(flat, b), out));
  }
  const bool row = na == 1, column = nb == 1;
  if (row) a = tl::call<"unsqueeze">(a, 0);
  if (column) b = tl::call<"unsqueeze">(b, 1);
  const Dims sa(a.sizes().begin(), a.sizes().end()), sb(b.sizes().begin(), b.sizes().end());
  const Dims batch = broadcast_sizes(Sizes(sa.data(), sa.size() - 2), Sizes(sb.data(), sb.size() - 2), "matmul");
  const int64_t m = sa[sa.size() - 2], k = sa.back(), n = sb.back(), count = checked_numel(batch);
  TL_CHECK(k == sb[sb.size() - 2], "matmul: shapes cannot be multiplied: ", to_string(sa), " and ", to_string(sb));
  auto fold = [&](const tl::Tensor& t, const Dims& s, int64_t r, int64_t q) {
    Dims full = batch;
    full.push_back(r), full.push_back(q);
    const tl::Tensor e = same_sizes(full, s) ? t : tl::call<"expand">(t, full);
    return tl::call<"reshape">(e, Dims{count, r, q});
  };
  tl::Tensor r = tl::call<"bmm">(fold(a, sa, m, k), fold(b, sb, k, n));
  Dims out = batch;
  if (!row) out.push_back(m);
  if (!column) out.push_back(n);
  c.ret(tl::call<"view">(r, out));
}

// ---------------------------------------------------------------- composites
void outer(tl::Call& c) {
  TL_CHECK(c.handle(0)->ndim == 1, "outer: Expected 1-D argument self, but got ", c.handle(0)->ndim, "-D");
  TL_CHECK(c.handle(1)->ndim == 1, "outer: Expected 1-D argument vec2, but got ", c.handle(1)->ndim, "-D");
  c.ret(tl::call<"mul">(tl::call<"unsqueeze">(c.tensor(0), 1), c.tensor(1)));
}
void inner(tl::Call& c) {
  const tl::Tensor a = c.tensor(0), b = c.tensor(1);
  if (a.ndim() == 0 || b.ndim() == 0) return c.ret(tl::call<"mul">(a, b));
  TL_CHECK(a.size(-1) == b.size(-1), "inner() the last dimension must match on both input tensors but got shapes ", tl::to_string(a.sizes()), " and ",
           tl::to_string(b.sizes()));
  c.ret(tl::call<"_tensordot">(a, b, Dims{-1}, Dims{-1}));
}
void scaled_sum(tl::Call& c, const tl::Tensor& product) {  // beta * self + alpha * product
  // The factors count as what the product is, integer or bool, so that the result is one too.
  auto factor = [&](uint32_t i) {
    if (product.get()->dtype == DType::Bool) return tl::pack(c.boolean(i));
    return is_integral(product.get()->dtype) ? tl::pack(tl::to_int(c.value(i))) : c.value(i);
  };
  const TlValue beta = factor(3), alpha = factor(4);
  const tl::Tensor p = tl::to_double(alpha) == 1 ? product : tl::call<"mul">(product, alpha);
  if (is_zero(beta)) return c.ret(p);
  c.ret(tl::call<"add">(p, tl::call<"mul">(c.tensor(0), beta)));
}
void addmv(tl::Call& c) {
  scaled_sum(c, tl::call<"mv">(c.tensor(1), c.tensor(2)));
}
void addr(tl::Call& c) {
  TL_CHECK(c.handle(1)->ndim == 1 && c.handle(2)->ndim == 1, "addr: Expected 1-D argument vec1 and vec2, but got ", c.handle(1)->ndim, "-D and ",
           c.handle(2)->ndim, "-D");
  scaled_sum(c, tl::call<"outer">(c.tensor(1), c.tensor(2)));
}
void addbmm(tl::Call& c) {
  const tl::Tensor products = tl::call<"bmm">(c.tensor(1), c.tensor(2));
  scaled_sum(c, tl::call<"sum">(products, Dims{0}, false, tl::kw("dtype", tl::Dtype{products.dtype()})));
}

void tensordot(tl::Call& c) {
  tl::Tensor a = c.tensor(0), b = c.tensor(1);
  const int64_t na = a.ndim(), nb = b.ndim();
  const Sizes da = c.ints(2), db = c.ints(3);
  TL_CHECK(da.size() == db.size(), "both dimension lists should have same length");
  Dims ca, cb;
  std::vector<bool> in_a(static_cast<size_t>(na)), in_b(static_cast<size_t>(nb));
  for (size_t i = 0; i < da.size(); ++i) {
    ca.push_back(wrap_dim(da[i], na, "tensordot")), cb.push_back(wrap_dim(db[i], nb, "tensordot"));
    const int64_t x = a.size(ca.back()), y = b.size(cb.back());
    TL_CHECK(x == y || x == 1 || y == 1, "contracted dimensions need to match, but first has size ", x, " in dim ", ca.back(), " and second has size ", y,
             " in dim ", cb.back());
    if (x != y && x == 1) b = tl::call<"sum">(b, Dims{cb.back()}, true);
    if (x != y && y == 1) a = tl::call<"sum">(a, Dims{ca.back()}, true);
    TL_CHECK(!in_a[ca.back()] && !in_b[cb.back()], "tensordot: dim ", ca.back(), " appears multiple times in the list of dims");
    in_a[ca.back()] = in_b[cb.back()] = true;
  }
  Dims pa, pb = cb, out;
  int64_t m = 1, n = 1, k = 1;
  for (int64_t d = 0; d < na; ++d)
    if (!in_a[d]) pa.push_back(d), out.push_back(a.size(d)), m *= a.size(d);
  for (int64_t d : ca) pa.push_back(d), k *= a.size(d);
  for (int64_t d = 0; d < nb; ++d)
    if (!in_b[d]) pb.push_back(d), out.push_back(b.size(d)), n *= b.size(d);
  const tl::Tensor x = tl::call<"reshape">(tl::call<"permute">(a, pa), Dims{m, k}), y = tl::call<"reshape">(tl::call<"permute">(b, pb), Dims{k, n});
  c.ret(tl::call<"reshape">(tl::call<"mm">(x, y), out));
}

void kron(tl::Call& c) {
  const tl::Tensor a = c.tensor(0), b = c.tensor(1);
  const int64_t n = std::max(a.ndim(), b.ndim());
  Dims sa, sb, out;
  for (int64_t i = 0; i < n; ++i) {
    const int64_t x = i < n - a.ndim() ? 1 : a.size(i - (n - a.ndim())), y = i < n - b.ndim() ? 1 : b.size(i - (n - b.ndim()));
    sa.push_back(x), sa.push_back(1), sb.push_back(1), sb.push_back(y), out.push_back(x * y);
  }
  c.ret(tl::call<"reshape">(tl::call<"mul">(tl::call<"reshape">(a, sa), tl::call<"reshape">(b, sb)), out));
}

void matrix_power(tl::Call& c) {
  tl::Tensor x = c.tensor(0);
  const int64_t n = c.integer(1);
  TL_CHECK(x.ndim() >= 2 && x.size(-1) == x.size(-2), "linalg.matrix_power: A must be batches of square matrices, but they are ",
           tl::to_string(x.sizes()), " matrices");
  if (n == 0) {  // a function of x, if a constant one
    const tl::Tensor one = tl::call<"eye">(x.size(-1), tl::kw("dtype", tl::Dtype{x.dtype()}), tl::kw("device", x.device()));
    return c.ret(tl::call<"copy_">(tl::call<"clone">(x), one));
  }
  if (n < 0) x = tl::call<"linalg_inv">(x);
  tl::Tensor r;
  for (uint64_t left = n < 0 ? -static_cast<uint64_t>(n) : static_cast<uint64_t>(n); left; left >>= 1) {
    if (left & 1) r = r ? tl::call<"matmul">(r, x) : x;
    if (left > 1) x = tl::call<"matmul">(x, x);
  }
  c.ret(tl::call<"clone">(r));
}

void cross(tl::Call& c) {
  const tl::Tensor a = c.tensor(0), b = c.tensor(1);
  TL_CHECK(a.ndim() == b.ndim(), "linalg.cross: inputs must have the same number of dimensions.");
  const Dims full = broadcast_sizes(a.sizes(), b.sizes(), "linalg.cross");
  const int64_t dim = wrap_dim(c.integer(2), static_cast<int64_t>(full.size()), "cross");
  TL_CHECK(a.size(dim) == 3 && b.size(dim) == 3, "linalg.cross: inputs dimension ", dim, " must have length 3. Got ", a.size(dim), " and ", b.size(dim));
  auto roll = [&](const tl::Tensor& t, int64_t by) { return tl::call<"roll">(t, Dims{by}, Dims{dim}); };
  c.ret(tl::call<"sub">(tl::call<"mul">(roll(a, -1), roll(b, -2)), tl::call<"mul">(roll(a, -2), roll(b, -1))));
}
void legacy_cross(tl::Call& c) {  // without dim: the first dimension of size 3
  int64_t dim = -1;
  if (c.has(2)) {
    dim = c.integer(2);
  } else {
    const tl::Tensor a = c.tensor(0);
    int64_t found = -1;
    for (int64_t d = 0; d < a.ndim() && found < 0; ++d)
      if (a.size(d) == 3) found = d;
    TL_CHECK(found >= 0, "no dimension of size 3 in input");
    dim = found;
  }
  c.ret(tl::call<"linalg_cross">(c.tensor(0), c.tensor(1), tl::kw("dim", dim)));
}
void multi_dot(tl::Call& c) {
  const std::vector<tl::Tensor> t = c.tensors(0);
  TL_CHECK(t.size() >= 2, "multi_dot(): expected at least 2 tensors but got ", t.size());
  tl::Tensor r = t[0];
  for (size_t i = 1; i < t.size(); ++i) r = tl::call<"matmul">(r, t[i]);
  c.ret(r);
}
void chain_matmul(tl::Call& c) {
  const std::vector<tl::Tensor> t = c.tensors(0);
  TL_CHECK(!t.empty(), "chain_matmul(): Expected one or more matrices");
  tl::Tensor r = t[0];
  for (size_t i = 1; i < t.size(); ++i) r = tl::call<"mm">(r, t[i]);
  c.ret(r);
}

}  // namespace

TL_OPS(linalg_products) {
  const uint32_t f = kMethod | kOut, fi = f | kInPlace;
  tl::def<mm_shape>("mm(Tensor self, Tensor mat2) -> Tensor", f, "Matrix product of (n, m) and (m, p): (n, p).").cpu<mm>();
  tl::def<bmm_shape>("bmm(Tensor self, Tensor mat2) -> Tensor", f, "Batched matrix product of (b, n, m) and (b, m, p): (b, n, p).").cpu<bmm>();
  tl::def<addmm_shape>("addmm(Tensor self, Tensor mat1, Tensor mat2, *, Scalar beta=1, Scalar alpha=1) -> Tensor", fi, "beta * self + alpha * mat1 @ mat2.").cpu<addmm>();
  tl::def<baddbmm_shape>("baddbmm(Tensor self, Tensor batch1, Tensor batch2, *, Scalar beta=1, Scalar alpha=1) -> Tensor", fi, "beta * self + alpha * batch1 @ batch2.").cpu<baddbmm>();
  tl::def<mv_shape>("mv(Tensor self, Tensor vec) -> Tensor", f, "Product of a matrix (n, m) and a vector (m): (n).").cpu<mv>();
  tl::def<dot_shape>("dot(Tensor self, Tensor tensor) -> Tensor", f, "Sum of products of two vectors: a 0-dim tensor.").cpu<dot<false>>();
  tl::def<dot_shape>("vdot(Tensor self, Tensor other) -> Tensor", f, "dot() with the first vector conjugated.").cpu<dot<true>>();
  tl::composite<matmul>("matmul(Tensor self, Tensor other) -> Tensor", f, "Matrix product with broadcasting over leading dimensions; vectors count as rows or columns.");
  tl::composite<outer>("outer(Tensor self, Tensor vec2) -> Tensor", f, "All products of two vectors (n), (m): (n, m).");
  tl::composite<outer>("ger(Tensor self, Tensor vec2) -> Tensor", f, "Alias of outer().");
  tl::composite<inner>("inner(Tensor self, Tensor other) -> Tensor", f, "Sums of products over the last dimensions.");
  tl::composite<addmv>("addmv(Tensor self, Tensor mat, Tensor vec, *, Scalar beta=1, Scalar alpha=1) -> Tensor", fi, "beta * self + alpha * mat @ vec.");
  tl::composite<addr>("addr(Tensor self, Tensor vec1, Tensor vec2, *, Scalar beta=1, Scalar alpha=1) -> Tensor", fi, "beta * self + alpha * outer(vec1, vec2).");
  tl::composite<addbmm>("addbmm(Tensor self, Tensor batch1, Tensor batch2, *, Scalar beta=1, Scalar alpha=1) -> Tensor", fi, "beta * self + alpha * the sum of batch1 @ batch2.");
  tl::composite<tensordot>("_tensordot(Tensor self, Tensor other, int[] dims_self, int[] dims_other) -> Tensor", TL_OP_HIDDEN, "Contraction over the listed dimensions.");
  tl::composite<kron>("kron(Tensor self, Tensor other) -> Tensor", f, "The Kronecker product.");
  tl::composite<matrix_power>("matrix_power(Tensor self, int n) -> Tensor", f, "The n-th power of square matrices.");
  tl::composite<matrix_power>("linalg_matrix_power(Tensor self, int n) -> Tensor", kOut);
  tl::composite<cross>("linalg_cross(Tensor self, Tensor other, *, int dim=-1) -> Tensor", kOut, "The vector product over a dimension of size 3.");
  tl::composite<legacy_cross>("cross(Tensor self, Tensor other, int? dim=None) -> Tensor", f, "The vector product; without dim, over the first dimension of size 3.");
  tl::composite<multi_dot>("linalg_multi_dot(Tensor[] tensors) -> Tensor", kOut);
  tl::composite<chain_matmul>("_chain_matmul(Tensor[] matrices) -> Tensor", TL_OP_HIDDEN);
}

}  // namespace tallow
