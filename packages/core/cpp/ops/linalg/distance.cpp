// Distances and norms of matrices.
#include <cmath>

#include "ops/family.hpp"
#include "ops/pointwise/pointwise.hpp"

namespace tallow {
namespace {

void cdist_shape(tl::Call& c) {
  const TensorImpl *a = c.handle(0), *b = c.handle(1);
  TL_CHECK(is_floating(a->dtype), "cdist only supports floating-point dtypes, X1 got: ", dtype_long_name(a->dtype));
  TL_CHECK(is_floating(b->dtype), "cdist only supports floating-point dtypes, X2 got: ", dtype_long_name(b->dtype));
  TL_CHECK(a->ndim >= 2, "cdist only supports at least 2D tensors, X1 got: ", a->ndim, "D");
  TL_CHECK(b->ndim >= 2, "cdist only supports at least 2D tensors, X2 got: ", b->ndim, "D");
  TL_CHECK(a->size(a->ndim - 1) == b->size(b->ndim - 1), "X1 and X2 must have the same number of columns. X1: ", a->size(a->ndim - 1),
           " X2: ", b->size(b->ndim - 1));
  TL_CHECK(c.number(2, 2) >= 0, "cdist only supports non-negative p values");
  const std::string_view mode = c.string(3);  // how to compute is ours to choose; the name must be one that exists
  TL_CHECK_KIND(TL_VALUE_ERROR,
                !c.has(3) || mode == "use_mm_for_euclid_dist_if_necessary" || mode == "use_mm_for_euclid_dist" || mode == "donot_use_mm_for_euclid_dist",
                std::string(mode), " is not a valid value for compute_mode");
  Dims s = broadcast_sizes(a->size_span().first(static_cast<size_t>(a->ndim - 2)), b->size_span().first(static_cast<size_t>(b->ndim - 2)), "cdist");
  s.push_back(a->size(a->ndim - 2)), s.push_back(b->size(b->ndim - 2));
  c.output(0, s, code(promote(a->dtype, b->dtype)), a->device);
}

template <class T>
T distance(const T* x, const T* y, int64_t n, double p) {
  T s = 0;
  if (p == 2) {
    for (int64_t i = 0; i < n; ++i) s += (x[i] - y[i]) * (x[i] - y[i]);
    return std::sqrt(s);
  }
  for (int64_t i = 0; i < n; ++i) {
    const T d = std::abs(x[i] - y[i]);
    if (p == 0) s += d != 0;
    else if (p == 1) s += d;
    else if (std::isinf(p)) s = d != d || d > s ? d : s;
    else s += std::pow(d, static_cast<T>(p));
  }
  return p == 0 || p == 1 || std::isinf(p) ? s : std::pow(s, static_cast<T>(1 / p));
}

template <class T>
void distances(const TensorImpl* a, const TensorImpl* b, TensorImpl* out, double p) {
  const int64_t m = out->size(out->ndim - 2), n = out->size(out->ndim - 1), k = a->size(a->ndim - 1);
  const T *x = a->ptr<T>(), *y = b->ptr<T>();
  T* o = out->ptr<T>();
  parallel_for(0, n ? out->numel / n : 0, std::max<int64_t>(1, 65536 / (n * (k + 1) + 1)), [&](int64_t from, int64_t to) {
    for (int64_t r = from; r < to; ++r)
      for (int64_t j = 0; j < n; ++j) o[r * n + j] = distance(x + r * k, y + (r / m * n + j) * k, k, p);
  });
}

void cdist(tl::Call& c) {
  TensorImpl* out = c.out_handle();
  const DType compute = out->dtype == DType::Float64 ? DType::Float64 : DType::Float32;
  auto dense = [&](const TensorImpl* t) {
    Dims s(out->size_span().begin(), out->size_span().end());
    s[s.size() - 2] = t->size(t->ndim - 2), s.back() = t->size(t->ndim - 1);
    Tensor d = empty(s, compute, t->device);
    copy_into(d.get(), t);
    return d;
  };
  if (out->numel == 0) return;
  const Tensor a = dense(c.handle(0)), b = dense(c.handle(1));
  Tensor temp = out->dtype == compute ? Tensor::share(out) : empty(out->size_span(), compute, out->device);
  if (compute == DType::Float64) distances<double>(a.get(), b.get(), temp.get(), c.number(2, 2));
  else distances<float>(a.get(), b.get(), temp.get(), c.number(2, 2));
  if (temp.get() != out) copy_into(out, temp.get());
}

void dist(tl::Call& c) { c.ret(tl::call<"linalg_vector_norm">(tl::call<"sub">(c.tensor(0), c.tensor(1)), c.value(2))); }

void vecdot(tl::Call& c) {
  const tl::Tensor x = c.tensor(0), y = c.tensor(1);
  TL_CHECK(x.get()->dtype == y.get()->dtype, "linalg.vecdot: Expected x and y to have the same dtype, but got ", dtype_long_name(x.get()->dtype), " and ",
           dtype_long_name(y.get()->dtype));
  c.ret(tl::call<"sum">(tl::call<"mul">(tl::call<"conj">(x), y), Dims{c.integer(2, -1)}, false, tl::kw("dtype", tl::Dtype{x.dtype()})));
}

// Norms of matrices.
void check_matrix(const tl::Tensor& a, Sizes dim, const char* op) {
  TL_CHECK(a.ndim() >= 2, op, ": The input tensor A must have at least 2 dimensions.");
  TL_CHECK(is_inexact(a.get()->dtype), op, ": Expected a floating point or complex tensor as input. Got ", dtype_long_name(a.get()->dtype));
  TL_CHECK(dim.size() == 2, op, ": dim must be a 2-tuple. Got ", tl::to_string(dim));
}
tl::Tensor singular_values(const tl::Tensor& a, int64_t rows, int64_t columns) {
  const DType t = a.get()->dtype;
  TL_CHECK(t != DType::Float16 && t != DType::BFloat16, "linalg.matrix_norm: Low precision dtypes not supported. Got ", dtype_long_name(t));
  const Dims from{rows, columns}, to{-2, -1};
  return tl::call<"linalg_svdvals">(tl::call<"movedim">(a, from, to));
}
// A number per matrix, with the two dimensions back as 1 where they are to be kept.
tl::Tensor put_back(const tl::Tensor& t, int64_t rows, int64_t columns, bool keep) {
  if (!keep) return t;
  return tl::call<"unsqueeze">(tl::call<"unsqueeze">(t, std::min(rows, columns)), std::max(rows, columns));
}
void matrix_norm(tl::Call& c) {
  tl::Tensor a = c.tensor(0);
  check_matrix(a, c.ints(2), "linalg.matrix_norm");
  if (c.has(4)) a = tl::call<"_to">(a, c.value(4));
  const double p = c.number(1);
  const bool keep = c.boolean(3);
  int64_t rows = wrap_dim(c.ints(2)[0], a.ndim(), "linalg.matrix_norm"), columns = wrap_dim(c.ints(2)[1], a.ndim(), "linalg.matrix_norm");
  TL_CHECK(rows != columns, "linalg.matrix_norm: dims must be different. Got (", rows, ", ", columns, ")");
  const double size = std::fabs(p);
  TL_CHECK(size == 1 || size == 2 || std::isinf(p), "linalg.matrix_norm: Order ", p, " not supported.");
  if (size == 2) {
    const tl::Tensor s = singular_values(a, rows, columns);
    return c.ret(put_back(p > 0 ? tl::call<"amax">(s, Dims{-1}) : tl::call<"amin">(s, Dims{-1}), rows, columns, keep));
  }
  if (std::isinf(p)) std::swap(rows, columns);  // sums over rows, the largest of columns
  tl::Tensor r = tl::call<"sum">(tl::call<"abs">(a), Dims{rows}, true);
  r = p > 0 ? tl::call<"amax">(r, Dims{columns}, true) : tl::call<"amin">(r, Dims{columns}, true);
  c.ret(keep ? r : tl::call<"squeeze.dims">(r, Dims{rows, columns}));
}
void matrix_norm_name(tl::Call& c) {
  const std::string_view name = c.string(1);
  check_matrix(c.tensor(0), c.ints(2), "linalg.matrix_norm");
  TL_CHECK(name == "fro" || name == "nuc", "linalg.matrix_norm: Order ", std::string(name), " not supported.");
  if (name == "nuc") {
    const tl::Tensor a = c.has(4) ? tl::call<"_to">(c.tensor(0), c.value(4)) : c.tensor(0);
    const int64_t rows = wrap_dim(c.ints(2)[0], a.ndim(), "linalg.matrix_norm"), columns = wrap_dim(c.ints(2)[1], a.ndim(), "linalg.matrix_norm");
    TL_CHECK(rows != columns, "linalg.matrix_norm: dims must be different. Got (", rows, ", ", columns, ")");
    return c.ret(put_back(tl::call<"sum">(singular_values(a, rows, columns), Dims{-1}), rows, columns, c.boolean(3)));
  }
  c.ret(tl::call<"linalg_vector_norm">(c.value(0), 2, c.value(2), c.value(3), c.value(4)));
}
void linalg_norm(tl::Call& c) {
  const tl::Tensor a = c.tensor(0);
  if (c.has(1) && !(c.has(2) && c.ints(2).size() == 1)) {
    TL_CHECK(c.has(2) || a.ndim() == 1 || a.ndim() == 2, "linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. Got ", a.ndim(), "D.");
    if (a.ndim() != 1 || c.has(2)) {
      const Dims last{-2, -1};
      return c.ret(tl::call<"linalg_matrix_norm">(a, c.value(1), c.has(2) ? c.value(2) : tl::pack(last), c.value(3), c.value(4)));
    }
  }
  c.ret(tl::call<"linalg_vector_norm">(a, c.has(1) ? c.value(1) : tl::pack(2), c.value(2), c.value(3), c.value(4)));
}
void nuclear_norm(tl::Call& c) {
  TL_CHECK(c.handle(0)->ndim == 2, "Expected a tensor with 2 dimensions, but got a tensor with ", c.handle(0)->ndim, " dimensions instead.");
  c.ret(tl::call<"linalg_matrix_norm.str_ord">(c.tensor(0), "nuc", Dims{-2, -1}, c.boolean(1)));
}
void nuclear_norm_dim(tl::Call& c) { c.ret(tl::call<"linalg_matrix_norm.str_ord">(c.tensor(0), "nuc", c.value(1), c.boolean(2))); }
void frobenius_norm(tl::Call& c) {
  TL_CHECK(c.ints(1).size() <= 2, "Expected at most 2 dimensions, but got ", c.ints(1).size(), " dimensions instead.");
  c.ret(tl::call<"linalg_vector_norm">(c.tensor(0), 2, c.value(1), c.boolean(2)));
}
void linalg_norm_name(tl::Call& c) {
  const tl::Tensor a = c.tensor(0);
  TL_CHECK(c.has(2) || a.ndim() == 2, "linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. Got ", a.ndim(), "D.");
  const Dims last{-2, -1};
  c.ret(tl::call<"linalg_matrix_norm.str_ord">(a, c.value(1), c.has(2) ? c.value(2) : tl::pack(last), c.value(3), c.value(4)));
}

}  // namespace

TL_OPS(linalg_distances) {
  tl::def<cdist_shape>("cdist(Tensor x1, Tensor x2, float p=2, str? compute_mode='use_mm_for_euclid_dist_if_necessary') -> Tensor", 0, "The p-norm distances between the rows of (..., n, k) and (..., m, k): (..., n, m).").cpu<cdist>();
  tl::composite<dist>("dist(Tensor self, Tensor other, Scalar p=2) -> Tensor", kMethod | kOut, "The p-norm of the difference.");
  tl::composite<vecdot>("linalg_vecdot(Tensor x, Tensor y, *, int dim=-1) -> Tensor", kOut, "Sums of products along dim; the first operand is conjugated.");
  tl::composite<matrix_norm>("linalg_matrix_norm(Tensor self, Scalar ord, int[] dim=[-2, -1], bool keepdim=False, *, dtype? dtype=None) -> Tensor", kOut, "The norm of matrices: ord 1, -1, 2, -2, inf or -inf.");
  tl::composite<matrix_norm_name>("linalg_matrix_norm.str_ord(Tensor self, str ord='fro', int[] dim=[-2, -1], bool keepdim=False, *, dtype? dtype=None) -> Tensor", kOut, "The norm of matrices: 'fro' (Frobenius) or 'nuc' (the sum of the singular values).");
  tl::composite<linalg_norm>("linalg_norm(Tensor self, Scalar? ord=None, int[1]? dim=None, bool keepdim=False, *, dtype? dtype=None) -> Tensor", kOut, "The norm of vectors or matrices.");
  tl::composite<linalg_norm_name>("linalg_norm.ord_str(Tensor self, str ord, int[1]? dim=None, bool keepdim=False, *, dtype? dtype=None) -> Tensor", kOut);
  tl::composite<nuclear_norm>("nuclear_norm(Tensor self, bool keepdim=False) -> Tensor", kOut, "The sum of the singular values of a matrix.");
  tl::composite<nuclear_norm_dim>("nuclear_norm.dim(Tensor self, int[2] dim, bool keepdim=False) -> Tensor", kOut);
  tl::composite<frobenius_norm>("frobenius_norm(Tensor self, int[1] dim, bool keepdim=False) -> Tensor", kOut, "The root of the sum of squares over one or two dimensions.");
}

}  // namespace tallow
