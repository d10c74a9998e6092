// Making sparse tensors, and what they are made of.
#include "ops/sparse/sparse.hpp"

namespace tallow {

const SparseParts& parts_of(const TensorImpl* t, const char* op) {
  TL_CHECK(t->sparse(), op, " expected sparse coordinate tensor layout but got Strided");
  const SparseParts& p = sparse_parts(t);
  bool fits = p.sparse_dim() + p.dense_dim() == t->ndim && p.values.size(0) == p.nnz() && p.values.dtype() == t->dtype;
  for (int64_t d = 0; fits && d < p.dense_dim(); ++d) fits = p.values.size(d + 1) == t->size(p.sparse_dim() + d);
  TL_CHECK(fits, op, ": another tensor that shares the indices and values of this one was given another shape");
  check_sparse_indices(p.indices.get(), t->size_span());
  return p;
}

Tensor with_parts(const TensorImpl* t, const Tensor& indices, const Tensor& values, bool coalesced) {
  return make_sparse(indices, values, t->size_span(), coalesced);
}

namespace {

Tensor row_major(tl::Tensor t, DType dtype) {
  if (static_cast<DType>(t.dtype()) != dtype) t = tl::call<"_to_copy">(t, tl::kw("dtype", tl::Dtype{code(dtype)}));
  return own(tl::call<"contiguous">(t));
}

// _sparse_coo_tensor(indices, values, size, is_coalesced): of two dense tensors.
void from_parts(tl::Call& c) {
  TL_CHECK(!c.handle(0)->sparse() && !c.handle(1)->sparse(), "sparse_coo_tensor: indices and values must be strided tensors");
  const Tensor values = row_major(c.tensor(1), c.handle(1)->dtype);
  c.ret(make_sparse(row_major(c.tensor(0), DType::Int64), values, c.ints(2), c.boolean(3)));
}

template <bool Indices>
void raw_part(tl::Call& c) {
  const SparseParts& p = sparse_parts(c.handle(0));
  c.ret(make_alias((Indices ? p.indices : p.values).get()));
}
template <bool Indices>
void part(tl::Call& c) {
  const char* name = Indices ? "indices" : "values";
  const SparseParts& p = parts_of(c.handle(0), name);
  TL_CHECK(p.coalesced, "Cannot get ", name, " on an uncoalesced tensor, please call .coalesce() first");
  c.ret(make_alias((Indices ? p.indices : p.values).get()));
}
void is_coalesced(tl::Call& c) { c.ret_bool(parts_of(c.handle(0), "is_coalesced").coalesced); }
void set_coalesced(tl::Call& c) {
  sparse_parts(c.handle(0)).coalesced = c.boolean(1) || sparse_parts(c.handle(0)).nnz() < 2;
  c.ret(c.tensor(0));
}
void nnz(tl::Call& c) { c.ret_int(sparse_parts(c.handle(0)).nnz()); }
void sparse_dim(tl::Call& c) { c.ret_int(c.handle(0)->sparse() ? sparse_parts(c.handle(0)).sparse_dim() : 0); }
void dense_dim(tl::Call& c) { c.ret_int(c.handle(0)->sparse() ? sparse_parts(c.handle(0)).dense_dim() : c.handle(0)->ndim); }

template <auto F>
tl::Definition of_sparse(const char* schema, uint32_t flags, const char* doc) {
  return tl::opaque(schema, flags, doc).on<F>(TL_KEY_SPARSE_CPU);
}
template <auto F>
tl::Definition of_both(const char* schema, uint32_t flags, const char* doc) {
  return of_sparse<F>(schema, flags, doc).template cpu<F>();
}

TL_OPS(sparse_parts) {
  constexpr uint32_t method = kMethod | TL_OP_NO_FUNCTION;
  tl::opaque("_sparse_coo_tensor(Tensor indices, Tensor values, int[] size, bool is_coalesced=False) -> Tensor", TL_OP_HIDDEN,
             "A sparse tensor of these values, [nnz, ...], at these indices, [sparse_dim, nnz].")
      .cpu<from_parts>()
      .grad("values: _sparse_values_at(grad, indices)");
  of_sparse<raw_part<true>>("_indices(Tensor self) -> Tensor", method | kNoGrad, "The indices, coalesced or not: (sparse_dim, nnz).");
  of_sparse<raw_part<false>>("_values(Tensor self) -> Tensor", method | kNoGrad, "The values, coalesced or not: (nnz, ...), outside the graph.");
  of_both<part<true>>("indices(Tensor self) -> Tensor", method | kNoGrad, "The indices of a coalesced sparse tensor: (sparse_dim, nnz).");
  of_both<part<false>>("values(Tensor self) -> Tensor", method, "The values of a coalesced sparse tensor: (nnz, ...).")
      .grad("self: _sparse_coo_tensor(self._indices(), grad, self.sizes, True)");
  of_both<is_coalesced>("is_coalesced(Tensor self) -> bool", method | kNoGrad, "Whether the indices are known to be sorted and each to occur once.");
  of_sparse<set_coalesced>("_coalesced_(Tensor(a!) self, bool coalesced) -> Tensor", method | kNoGrad, "Says whether the indices are sorted and each occurs once.");
  of_sparse<nnz>("_nnz(Tensor self) -> int", method | kNoGrad, "How many elements a sparse tensor holds.");
  of_both<sparse_dim>("sparse_dim(Tensor self) -> int", method | kNoGrad, "How many dimensions are indexed: 0 of a dense tensor.");
  of_both<dense_dim>("dense_dim(Tensor self) -> int", method | kNoGrad, "How many dimensions each value of a sparse tensor has.");
}

}  // namespace
}  // namespace tallow
