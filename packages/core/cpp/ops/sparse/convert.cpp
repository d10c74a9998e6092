// Between dense and sparse, copies of sparse tensors, and new ones without elements.
#include "ops/factory/factory.hpp"
#include "ops/sparse/sparse.hpp"

namespace tallow {

void add_into(TensorImpl* dense, const TensorImpl* sparse, const TlValue& alpha) {
  TL_CHECK(same_sizes(dense->size_span(), sparse->size_span()), "add: expected 'self' and 'other' to have same size, but self has size ",
           to_string(dense->size_span()), " while other has size ", to_string(sparse->size_span()),
           " (FYI: dense-sparse addition does not currently support broadcasting)");
  const SparseParts& p = parts_of(sparse, "add");
  if (dense->numel == 0 || p.nnz() == 0) return;
  if (!dense->contiguous()) {
    tl::Tensor plain = tl::call<"contiguous">(dense);
    add_into(plain.get(), sparse, alpha);
    tl::call<"copy_">(dense, plain);
    return;
  }
  const Sizes sizes = sparse->size_span();
  const int64_t rows = count(sizes, 0, p.sparse_dim()), row = count(sizes, p.sparse_dim(), sparse->ndim);
  const int64_t shape[2] = {rows, row}, strides[2] = {row, 1};
  const tl::Tensor flat = make_alias(dense, Sizes(shape, 2), Sizes(strides, 2), dense->offset, dense->dtype);
  tl::Tensor values = tl::call<"reshape">(p.values.get(), Dims{p.nnz(), row});
  if (p.values.dtype() != dense->dtype) values = cast_to(values.get(), dense->dtype);
  tl::call<"index_add_">(flat, 0, tl::Tensor(positions(p.indices, sizes)), values, tl::kw("alpha", alpha));
}

Tensor to_dense(const TensorImpl* t) {
  tl::Tensor out = empty(t->size_span(), t->dtype);
  tl::call<"zero_">(out);
  add_into(out.get(), t, tl::pack(1));
  out.get()->storage->version.store(0, std::memory_order_relaxed);
  return own(std::move(out));
}

namespace {

void dense(tl::Call& c) {
  parts_of(c.handle(0), "to_dense");
  c.ret(to_dense(c.handle(0)));
}
void to_dense_any(tl::Call& c) {
  if (c.handle(0)->sparse()) {
    TL_CHECK(!c.has(1), "dtype argument is not supported by sparse_to_dense");
    return c.ret(tl::call<"_sparse_to_dense">(c.value(0)));
  }
  c.ret(tl::call<"_to">(c.value(0), c.value(1)));
}

void check_layout(const tl::Call& c) {
  TL_CHECK(!c.has(2) || c.value(2).i == TL_SPARSE_COO, "to_sparse: the layout must be tallow.sparse_coo, got tallow.strided");
  TL_CHECK(!c.has(3), "to_sparse: blocksize belongs to block layouts, which are not supported: only tallow.sparse_coo is");
}
void from_dense(tl::Call& c) {
  check_layout(c);
  const TensorImpl* t = c.handle(0);
  const int64_t n = t->ndim, dims = c.integer(1, n - c.integer(4));
  TL_CHECK(dims > 0 || n == 0, "dense_to_sparse: sparse_dim argument must be in >0 when self.dim()>0");
  TL_CHECK(dims <= n && dims >= 0, "dense_to_sparse: sparse_dim argument must be in [0,", n, "] range, but ", dims, " is given");
  const Sizes sizes = t->size_span();
  const int64_t rows = count(sizes, 0, dims), row = count(sizes, dims, n);
  const tl::Tensor flat = tl::call<"reshape">(c.value(0), Dims{rows, row});
  const tl::Tensor some = dims == n ? tl::call<"reshape">(flat, Dims{rows}) : tl::call<"any">(tl::call<"ne">(flat, 0), Dims{1});
  const tl::Tensor at = tl::call<"reshape">(tl::call<"nonzero">(some), Dims{-1});
  Dims shape(sizes.begin() + dims, sizes.end());
  shape.insert(shape.begin(), at.numel());
  const tl::Tensor values = tl::call<"reshape">(tl::call<"index_select">(flat, 0, at), shape);
  c.ret(make_sparse(indices_of(own(at), sizes, dims), own(tl::call<"contiguous">(values)), sizes, true));
}
void from_sparse(tl::Call& c) {
  check_layout(c);
  const SparseParts& p = parts_of(c.handle(0), "to_sparse");
  TL_CHECK(!c.has(1) || c.integer(1) == p.sparse_dim(),
           "to_sparse: conversion from Sparse to Sparse with sparse_dim argument !=self.sparse_dim() is not supported");
  c.ret(c.tensor(0));
}

void coalesce(tl::Call& c) { c.ret(coalesced(c.handle(0), "coalesce")); }

void values_at(tl::Call& c) {
  const TensorImpl* t = c.handle(0);
  const TensorImpl* at = c.handle(1);
  TL_CHECK(at->ndim == 2 && at->dtype == DType::Int64 && !at->sparse(), "indices must be an int64 tensor, sparse_dim x nnz");
  const Tensor indices = own(tl::call<"contiguous">(c.value(1)));
  c.ret(t->sparse() ? sparse_values_at(t, indices) : dense_values_at(t, indices));
}
void sparse_mask(tl::Call& c) {
  const TensorImpl* t = c.handle(0);
  TL_CHECK_KIND(TL_NOT_IMPLEMENTED_ERROR, c.handle(1)->sparse(), "Could not run 'sparse_mask' with arguments from the 'CPU' backend: the mask must be sparse");
  TL_CHECK(same_sizes(t->size_span(), c.handle(1)->size_span()), "sparse_mask(): operands have incompatible sizes; self has size ",
           to_string(t->size_span()), " but mask has size ", to_string(c.handle(1)->size_span()));
  const Tensor mask = coalesced(c.handle(1), "sparse_mask");
  const Tensor& indices = sparse_parts(mask.get()).indices;
  const Tensor values = t->sparse() ? sparse_values_at(t, indices) : dense_values_at(t, indices);
  c.ret(make_sparse(indices, values, t->size_span(), true));
}

// ---------------------------------------------------------------- copies
void clone(tl::Call& c) {
  const SparseParts& p = parts_of(c.handle(0), "clone");
  c.ret(with_parts(c.handle(0), own(tl::call<"clone">(p.indices.get())), own(tl::call<"clone">(p.values.get())), p.coalesced));
}
void detach(tl::Call& c) { c.ret(make_alias(c.handle(0))); }
void to_copy(tl::Call& c) {
  const SparseParts& p = parts_of(c.handle(0), "to");
  TL_CHECK_KIND(TL_NOT_IMPLEMENTED_ERROR, !c.has(2) || c.device(2).type == TL_CPU, "to(): sparse tensors live on the CPU, not on ", device_string(c.device(2)));
  const tl::Tensor values = tl::call<"_to_copy">(p.values.get(), c.value(1));
  c.ret(with_parts(c.handle(0), own(tl::call<"clone">(p.indices.get())), own(values), p.coalesced));
}
void zero_(tl::Call& c) {
  TensorImpl* t = c.handle(0);
  sparse_parts(t) = SparseParts(sparse_parts(empty_sparse(t->size_span(), parts_of(t, "zero_").sparse_dim(), t->dtype, t->device).get()));
  c.ret(c.tensor(0));
}
void copy_(tl::Call& c) {
  TensorImpl* to = c.handle(0);
  const TensorImpl* from = c.handle(1);
  TL_CHECK(to->sparse() && from->sparse(), "copy_() between dense and sparse Tensors is not implemented! Found self of layout ",
           to->sparse() ? "sparse_coo" : "strided", " and src of layout ", from->sparse() ? "sparse_coo" : "strided");
  parts_of(from, "copy_");
  TL_CHECK(same_sizes(to->size_span(), from->size_span()), "copy_(): a sparse tensor of shape ", to_string(to->size_span()),
           " cannot take the elements of one of shape ", to_string(from->size_span()));
  const Tensor copy = own(tl::call<"_to_copy">(c.value(1), tl::Dtype{code(to->dtype)}));
  sparse_parts(to) = SparseParts(sparse_parts(copy.get()));
  c.ret(c.tensor(0));
}

// ---------------------------------------------------------------- new tensors
// empty_like and new_empty: of this layout unless another one is asked for.
void empty_like(tl::Call& c) {
  const TensorImpl* t = c.handle(0);
  const DType dtype = dtype_arg(c, 1, t->dtype);
  const TlDevice device = c.has(3) ? device_or_cpu(c, 3) : t->device;
  if (c.has(2) && c.value(2).i == TL_STRIDED) return c.ret(empty(t->size_span(), dtype, device));
  c.ret(empty_sparse(t->size_span(), sparse_parts(t).sparse_dim(), dtype, device));
}
void new_empty(tl::Call& c) {
  const TensorImpl* t = c.handle(0);
  const DType dtype = dtype_arg(c, 2, t->dtype);
  const TlDevice device = c.has(4) ? device_or_cpu(c, 4) : t->device;
  if (c.has(3) && c.value(3).i == TL_STRIDED) return c.ret(empty(c.ints(1), dtype, device));
  c.ret(empty_sparse(c.ints(1), static_cast<int64_t>(c.ints(1).size()), dtype, device));
}

void is_same_size(tl::Call& c) { c.ret_bool(same_sizes(c.handle(0)->size_span(), c.handle(1)->size_span())); }

TL_OPS(sparse_convert) {
  tl::opaque("_sparse_to_dense(Tensor self) -> Tensor", TL_OP_HIDDEN, "A sparse tensor with all its zeros.")
      .on<dense>(TL_KEY_SPARSE_CPU)
      .grad("self: sparse_mask(grad, self)");
  tl::composite<to_dense_any>("to_dense(Tensor self, dtype? dtype=None, *, bool? masked_grad=None) -> Tensor", kMethod | TL_OP_NO_FUNCTION | TL_OP_ANY_LAYOUT,
                              "A dense tensor of the same elements; dense ones as they are.");
  tl::opaque("to_sparse(Tensor self, int? sparse_dim=None, *, layout? layout=None, int[]? blocksize=None, int? dense_dim=None) -> Tensor",
             kMethod | TL_OP_NO_FUNCTION, "The elements that are not zero, as a sparse tensor whose first `sparse_dim` dimensions (default: all) are indexed.")
      .cpu<from_dense>().on<from_sparse>(TL_KEY_SPARSE_CPU)
      .grad("self: grad.to_dense()").rule("grad.sparse", "self: grad");
  tl::opaque("coalesce(Tensor self) -> Tensor", kMethod | TL_OP_NO_FUNCTION, "The same sparse tensor with its indices sorted, and each only once: values are summed.")
      .cpu<coalesce>().on<coalesce>(TL_KEY_SPARSE_CPU)
      .grad("self: grad");
  tl::opaque("_sparse_values_at(Tensor self, Tensor indices) -> Tensor", TL_OP_HIDDEN, "The elements of self at indices, [sparse_dim, nnz]: [nnz, ...].")
      .cpu<values_at>().on<values_at>(TL_KEY_SPARSE_CPU)
      .grad("self: _sparse_coo_tensor(indices, grad, self.sizes).to_dense()").rule("grad.sparse", "self: _sparse_coo_tensor(indices, grad, self.sizes)");
  tl::opaque("sparse_mask(Tensor self, Tensor mask) -> Tensor", kMethod | TL_OP_NO_FUNCTION, "The elements of self where `mask`, which is sparse, has any.")
      .cpu<sparse_mask>().on<sparse_mask>(TL_KEY_SPARSE_CPU)
      .grad("self: autograd::as_layout(sparse_mask(grad, mask), self); mask: zeros_like(mask)");
  on_sparse<clone>("clone");
  on_sparse<detach>("detach");
  on_sparse<to_copy>("_to_copy");
  on_sparse<zero_>("zero_");
  on_sparse<copy_>("copy_");
  on_sparse<empty_like>("empty_like");
  on_sparse<new_empty>("new_empty");
  on_sparse<is_same_size>("is_same_size");
}

}  // namespace
}  // namespace tallow
