// Sums, differences, products and quotients.
#include <algorithm>

#include "ops/pointwise/pointwise.hpp"
#include "ops/sparse/sparse.hpp"

namespace tallow {
namespace {

bool is_sparse(const TlValue& v) { return v.tag == TL_TENSOR && v.tensor->sparse(); }
// A number, or a dense tensor that counts as one.
bool is_number(const TlValue& v) { return v.tag != TL_TENSOR || (!v.tensor->sparse() && v.tensor->ndim == 0); }

DType promoted(const TlValue& a, const TlValue& b) {
  ResultType r;
  for (const TlValue* v : {&a, &b}) {
    if (v->tag == TL_TENSOR) r.add(v->tensor);
    else r.add_scalar(*v);
  }
  return r.get();
}
Tensor in(const Tensor& t, DType dtype) { return t.dtype() == dtype ? t : cast_to(t.get(), dtype); }

// Two lists of positions as one. Where both name the same position at the same time it is taken once: two coalesced lists
// give a coalesced one, and gradients with the same indices do not grow as they are summed.
struct Merged {
  Tensor positions, of_a, of_b;  // the position of each result; which result each element of a and of b goes to
  Merged(const Tensor& a, const Tensor& b) {
    const int64_t n = a.numel(), m = b.numel();
    of_a = empty(a.sizes(), DType::Int64), of_b = empty(b.sizes(), DType::Int64);
    std::vector<int64_t> found;
    found.reserve(static_cast<size_t>(n + m));
    const int64_t *x = a.ptr<int64_t>(), *y = b.ptr<int64_t>();
    for (int64_t i = 0, j = 0; i < n || j < m;) {
      const bool left = j >= m || (i < n && x[i] <= y[j]), right = i >= n || (j < m && y[j] <= x[i]);
      const auto at = static_cast<int64_t>(found.size());
      found.push_back(left ? x[i] : y[j]);
      if (left) of_a.ptr<int64_t>()[i++] = at;
      if (right) of_b.ptr<int64_t>()[j++] = at;
    }
    const auto size = static_cast<int64_t>(found.size());
    positions = empty(Sizes(&size, 1), DType::Int64);
    std::copy(found.begin(), found.end(), positions.ptr<int64_t>());
  }
};

// ---------------------------------------------------------------- sums
Tensor add_sparse(const TensorImpl* a, const TensorImpl* b, DType dtype, const TlValue& alpha) {
  TL_CHECK(same_sizes(a->size_span(), b->size_span()), "add: expected sizes of 'self' and 'other' to match, but ", to_string(a->size_span()), " != ",
           to_string(b->size_span()));
  const SparseParts &p = parts_of(a, "add"), &q = parts_of(b, "add");
  TL_CHECK(p.sparse_dim() == q.sparse_dim(), "add: expected 'self' and 'other' to have same number of sparse dimensions, but ", p.sparse_dim(), " != ",
           q.sparse_dim());
  const Sizes sizes = a->size_span();
  const Merged merged(positions(p.indices, sizes), positions(q.indices, sizes));
  Dims shape(p.values.sizes().begin(), p.values.sizes().end());
  shape[0] = merged.positions.numel();
  tl::Tensor values = empty(shape, dtype);
  tl::call<"zero_">(values);
  if (values.numel() > 0) {
    if (p.nnz() > 0) tl::call<"index_add_">(values, 0, tl::Tensor(merged.of_a), tl::Tensor(in(p.values, dtype)));
    if (q.nnz() > 0) tl::call<"index_add_">(values, 0, tl::Tensor(merged.of_b), tl::Tensor(in(q.values, dtype)), tl::kw("alpha", alpha));
  }
  return make_sparse(indices_of(merged.positions, sizes, p.sparse_dim()), own(values), sizes, p.coalesced && q.coalesced);
}

void check_alpha(DType dtype, const TlValue& alpha) {
  TL_CHECK(alpha.tag != TL_DOUBLE || is_inexact(dtype), "For integral input tensors, argument alpha must not be a floating point number.");
  TL_CHECK(alpha.tag != TL_COMPLEX || is_complex(dtype), "For non-complex input tensors, argument alpha must not be a complex number.");
}

[[noreturn]] void sparse_first() { fail(TL_RUNTIME_ERROR, "add(sparse, dense) is not supported. Use add(dense, sparse) instead."); }

void add(tl::Call& c) {
  const TlValue &a = c.value(0), &b = c.value(1);
  if (is_sparse(a) && !is_sparse(b)) sparse_first();
  const DType dtype = promoted(a, b);
  check_alpha(dtype, c.value(2));
  if (is_sparse(a)) return c.ret(add_sparse(a.tensor, b.tensor, dtype, c.value(2)));
  TL_CHECK(a.tag == TL_TENSOR, "add: a number and a sparse tensor cannot be added: the sum would be dense");
  tl::Tensor out = tl::call<"_to_copy">(a, tl::Dtype{code(dtype)}, nullptr, tl::MemoryFormat{TL_CONTIGUOUS_FORMAT});
  add_into(out.get(), b.tensor, c.value(2));
  c.ret(out);
}
void add_(tl::Call& c) {
  TensorImpl* a = c.handle(0);
  const TlValue& b = c.value(1);
  if (a->sparse() && !is_sparse(b)) sparse_first();
  const DType dtype = promoted(c.value(0), b);
  check_alpha(dtype, c.value(2));
  check_result_dtype(dtype, a, c.op());
  if (a->sparse()) assign(a, add_sparse(a, b.tensor, dtype, c.value(2)).get(), c.op());
  else add_into(a, b.tensor, c.value(2));
  c.ret(c.tensor(0));
}

// a - alpha * b = a + (-alpha) * b
tl::Scalar negated(const TlValue& alpha) {
  if (alpha.tag == TL_DOUBLE) return -alpha.d;
  if (alpha.tag == TL_COMPLEX) return std::complex<double>(-alpha.complex[0], -alpha.complex[1]);
  return -alpha.i;
}
void check_sub(const tl::Call& c) {
  for (uint32_t i = 0; i < 2; ++i)
    TL_CHECK(c.value(i).tag != TL_TENSOR || c.handle(i)->dtype != DType::Bool, "Subtraction, the `-` operator, with a bool tensor is not supported. If you "
             "are trying to invert a mask, use the `~` or `logical_not()` operator instead.");
}
void sub(tl::Call& c) {
  check_sub(c);
  c.ret(tl::call<"add">(c.value(0), c.value(1), tl::kw("alpha", negated(c.value(2)).get())));
}
void sub_(tl::Call& c) {
  check_sub(c);
  c.ret(tl::call<"add_">(c.value(0), c.value(1), tl::kw("alpha", negated(c.value(2)).get())));
}

// ---------------------------------------------------------------- products
Tensor mul_sparse(const TensorImpl* a, const TensorImpl* b) {
  TL_CHECK(same_sizes(a->size_span(), b->size_span()), "mul: expected sizes of 'self' and 'other' to match, but ", to_string(a->size_span()), " != ",
           to_string(b->size_span()), " (products of sparse tensors do not broadcast)");
  const Tensor x = coalesced(a, "mul"), y = coalesced(b, "mul");
  const SparseParts &p = sparse_parts(x.get()), &q = sparse_parts(y.get());
  TL_CHECK(p.sparse_dim() == q.sparse_dim(), "mul: expected 'self' and 'other' to have same number of sparse dimensions, but ", p.sparse_dim(), " != ",
           q.sparse_dim());
  const Tensor place = positions(p.indices, a->size_span());
  const Tensor where = find_sorted(positions(q.indices, b->size_span()), place);
  const tl::Tensor kept = tl::call<"reshape">(tl::call<"nonzero">(tl::call<"ge">(where.get(), 0)), Dims{-1});
  const tl::Tensor left = tl::call<"index_select">(p.values.get(), 0, kept);
  const tl::Tensor right = tl::call<"index_select">(q.values.get(), 0, tl::call<"index_select">(where.get(), 0, kept));
  return make_sparse(own(tl::call<"contiguous">(tl::call<"index_select">(p.indices.get(), 1, kept))), own(tl::call<"mul">(left, right)), a->size_span(), true);
}

// The elements of a dense tensor, broadcast, where the sparse one has any.
Tensor broadcast_at(const TlValue& dense, const TensorImpl* sparse, const char* op) {
  const Sizes sizes = sparse->size_span();
  const Dims full = broadcast_sizes(sizes, dense.tensor->size_span(), op);
  TL_CHECK(same_sizes(full, sizes), op, ": a sparse tensor of shape ", to_string(sizes), " does not broadcast to the shape ",
           to_string(dense.tensor->size_span()), " of a dense one");
  return dense_values_at(tl::call<"expand">(dense, sizes).get(), sparse_parts(sparse).indices);
}

void mul(tl::Call& c) {
  const TlValue &a = c.value(0), &b = c.value(1);
  if (is_sparse(a) && is_sparse(b)) return c.ret(mul_sparse(a.tensor, b.tensor));
  const TensorImpl* sparse = is_sparse(a) ? a.tensor : b.tensor;
  const TlValue& other = is_sparse(a) ? b : a;
  const SparseParts& p = parts_of(sparse, "mul");
  if (is_number(other)) return c.ret(with_values(sparse, own(tl::call<"mul">(p.values.get(), other))));
  c.ret(with_values(sparse, own(tl::call<"mul">(p.values.get(), tl::Tensor(broadcast_at(other, sparse, "mul"))))));
}

void neg(tl::Call& c) { c.ret(with_values(c.handle(0), own(tl::call<"neg">(parts_of(c.handle(0), "neg").values.get())))); }

// ---------------------------------------------------------------- quotients
void check_divisor(const tl::Call& c) {
  TL_CHECK(is_sparse(c.value(0)), "Sparse division requires a sparse dividend: ", "a dense tensor or a number cannot be divided by a sparse tensor");
  TL_CHECK(is_number(c.value(1)), "Sparse division requires a scalar or zero-dim dense tensor divisor (got shape ",
           to_string(c.handle(1)->size_span()), " for divisor)");
}
void div(tl::Call& c) {
  check_divisor(c);
  c.ret(with_values(c.handle(0), own(tl::call<"div">(parts_of(c.handle(0), "div").values.get(), c.value(1)))));
}
// Rounding is not linear: elements are summed first.
void div_mode(tl::Call& c) {
  check_divisor(c);
  const Tensor t = coalesced(c.handle(0), "div");
  c.ret(with_values(t.get(), own(tl::call<"div.mode">(sparse_parts(t.get()).values.get(), c.value(1), c.value(2)))));
}
void floor_divide(tl::Call& c) {
  check_divisor(c);
  const Tensor t = coalesced(c.handle(0), "floor_divide");
  c.ret(with_values(t.get(), own(tl::call<"floor_divide">(sparse_parts(t.get()).values.get(), c.value(1)))));
}

TL_OPS(sparse_arithmetic) {
  on_sparse<add>("add");
  on_sparse<add_>("add_");
  on_sparse<sub>("sub");
  on_sparse<sub_>("sub_");
  on_sparse<mul>("mul");
  on_sparse<neg>("neg");
  on_sparse<div>("div");
  on_sparse<div_mode>("div.mode");
  on_sparse<floor_divide>("floor_divide");
}

}  // namespace
}  // namespace tallow
