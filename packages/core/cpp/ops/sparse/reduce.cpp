// Sums and norms of sparse tensors, and comparisons of whole tensors.
#include <cmath>

#include "ops/pointwise/pointwise.hpp"
#include "ops/sparse/sparse.hpp"

namespace tallow {
namespace {

// Which dimensions a list names, all if there is none.
std::vector<bool> reduced(const tl::Call& c, int64_t ndim, const char* op) {
  std::vector<bool> out(static_cast<size_t>(ndim), c.ints(1).empty());
  for (const int64_t d : c.ints(1)) {
    const auto at = static_cast<size_t>(wrap_dim(d, ndim, op));
    if (at >= out.size()) continue;  // of a 0-dim tensor
    TL_CHECK(!out[at], op, ": dim ", d, " appears multiple times in the list of dims");
    out[at] = true;
  }
  return out;
}

// The sum: dense where no indexed dimension is left, otherwise sparse.
tl::Tensor sum_over(const TensorImpl* t, const std::vector<bool>& gone, bool keepdim, const TlValue& dtype) {
  const SparseParts& p = parts_of(t, "sum");
  const int64_t dims = p.sparse_dim();
  const Sizes sizes = t->size_span();
  Dims over, rows, kept, sizes_kept;  // dimensions of the values to sum; rows of the indices that stay; the shape of values; that of the result
  for (int64_t d = 0; d < t->ndim; ++d) {
    const bool stays = !gone[static_cast<size_t>(d)];
    if (stays || keepdim) sizes_kept.push_back(stays ? sizes[static_cast<size_t>(d)] : 1);
    if (d < dims && stays) rows.push_back(d);
    if (d >= dims && !stays) over.push_back(d - dims + 1);
    if (d >= dims && (stays || keepdim)) kept.push_back(stays ? sizes[static_cast<size_t>(d)] : 1);
  }
  tl::Tensor values = p.values;
  if (rows.empty()) over.push_back(0);
  if (!over.empty() || dtype.tag != TL_NONE || is_integral(t->dtype, true)) {
    if (over.empty()) values = tl::call<"sum">(tl::call<"unsqueeze">(values, 0), Dims{0}, false, tl::kw("dtype", dtype));
    else values = tl::call<"sum">(values, over, false, tl::kw("dtype", dtype));
  }
  if (rows.empty()) return tl::call<"reshape">(values, sizes_kept);
  kept.insert(kept.begin(), p.nnz());
  values = tl::call<"contiguous">(tl::call<"reshape">(values, kept));
  if (static_cast<int64_t>(rows.size()) == dims) return make_sparse(p.indices, own(values), sizes_kept, p.coalesced);
  std::vector<tl::Tensor> indices;
  for (int64_t d = 0; d < dims; ++d) {
    const tl::Tensor row = tl::call<"select">(p.indices.get(), 0, d);
    if (!gone[static_cast<size_t>(d)]) indices.push_back(row);
    else if (keepdim) indices.push_back(tl::call<"zeros_like">(row));
  }
  return coalesced(make_sparse(own(tl::call<"stack">(indices, 0)), own(values), sizes_kept, false).get(), "sum");
}

void sum(tl::Call& c) { c.ret(sum_over(c.handle(0), reduced(c, c.handle(0)->ndim, "sum"), c.boolean(2), c.value(3))); }
void sparse_sum(tl::Call& c) { c.ret(sum_over(c.handle(0), reduced(c, c.handle(0)->ndim, "sparse.sum"), false, c.value(2))); }

void vector_norm(tl::Call& c) {
  const TensorImpl* t = c.handle(0);
  for (const bool all : reduced(c, t->ndim, "linalg.vector_norm"))
    TL_CHECK_KIND(TL_NOT_IMPLEMENTED_ERROR, all, "linalg.vector_norm: of a sparse tensor over some of its dimensions: use to_dense() first");
  const Tensor unique = coalesced(t, "linalg.vector_norm");
  const Tensor& values = sparse_parts(unique.get()).values;
  const bool with_zeros = values.numel() < t->numel;
  TL_CHECK(t->numel > 0 || c.number(1, 2) >= 0, "linalg.vector_norm: an empty tensor has no norm of a negative order");
  tl::Tensor out;
  if (with_zeros && values.numel() == 0) {  // nothing but zeros, however many
    tl::Tensor one = empty(Sizes(), t->dtype);
    out = tl::call<"linalg_vector_norm">(tl::call<"zero_">(one), c.value(1), nullptr, false, c.value(4));
  } else {
    out = tl::call<"linalg_vector_norm">(values.get(), c.value(1), nullptr, false, c.value(4));
  }
  if (with_zeros && c.number(1, 2) < 0) out = tl::call<"zeros_like">(out);
  c.ret(c.boolean(3) ? tl::call<"reshape">(out, Dims(t->ndim, 1)) : out);
}

void any(tl::Call& c) {
  for (const bool all : reduced(c, c.handle(0)->ndim, "any"))
    TL_CHECK_KIND(TL_NOT_IMPLEMENTED_ERROR, all, "any: of a sparse tensor over some of its dimensions: use to_dense() first");
  const Tensor unique = coalesced(c.handle(0), "any");
  const tl::Tensor out = tl::call<"any">(sparse_parts(unique.get()).values.get());
  c.ret(c.boolean(2) ? tl::call<"reshape">(out, Dims(c.handle(0)->ndim, 1)) : out);
}

tl::Tensor as_dense(const TensorImpl* t) {
  if (t->sparse()) parts_of(t, "to_dense");
  return t->sparse() ? to_dense(t) : Tensor::share(const_cast<TensorImpl*>(t));
}
void equal(tl::Call& c) {
  const TensorImpl *a = c.handle(0), *b = c.handle(1);
  if (a->sparse() != b->sparse() || !same_sizes(a->size_span(), b->size_span())) return c.ret_bool(false);
  c.ret_bool(tl::call_scalar<"equal">(as_dense(a), as_dense(b)).i != 0);
}
void allclose(tl::Call& c) {
  c.ret_bool(tl::call_scalar<"allclose">(as_dense(c.handle(0)), as_dense(c.handle(1)), c.value(2), c.value(3), c.value(4)).i != 0);
}

TL_OPS(sparse_reduce) {
  on_sparse<sum>("sum");
  on_sparse<vector_norm>("linalg_vector_norm");
  on_sparse<any>("any");
  on_sparse<equal>("equal");
  on_sparse<allclose>("allclose");
  tl::opaque("_sparse_sum(Tensor self, int[1]? dim=None, *, dtype? dtype=None) -> Tensor", TL_OP_HIDDEN, "The sum of a sparse tensor, with a sparse gradient.")
      .on<sparse_sum>(TL_KEY_SPARSE_CPU)
      .grad("self: autograd::masked_sum_backward(grad, self, dim)");
}

}  // namespace
}  // namespace tallow
