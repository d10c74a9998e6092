// What the ops of sparse tensors share. They are written in terms of ops on the parts, which are dense: indices
// [sparse_dim, nnz] and values [nnz, ...]; an element's position is its place in the sparse dimensions taken as one.
#pragma once
#include "ops/family.hpp"
#include "tensor/sparse.hpp"

namespace tallow {

inline Tensor own(tl::Tensor t) { return Tensor::steal(t.take()); }

// Hangs a kernel for sparse arguments on an op of another family. In-place and out= forms follow from it (fallback.cpp).
template <auto F>
void on_sparse(const char* op) {
  tl::check(tl::api()->op_register_kernel(op, TL_KEY_SPARSE_CPU, tl::kernel<F>, nullptr));
}

// The parts of a sparse argument, safe to follow: what could be written to from outside was checked again.
const SparseParts& parts_of(const TensorImpl* t, const char* op);
// A tensor of these values at these indices, with other values than `t` has or at other places.
Tensor with_parts(const TensorImpl* t, const Tensor& indices, const Tensor& values, bool coalesced);
inline Tensor with_values(const TensorImpl* t, const Tensor& values) {
  const SparseParts& p = sparse_parts(t);
  return with_parts(t, p.indices, values, p.coalesced);
}
// t itself where its indices are sorted and none occurs twice; otherwise its elements summed and sorted.
Tensor coalesced(const TensorImpl* t, const char* op);

// Elements along the sparse dimensions of a shape, and along the dense ones.
inline int64_t count(Sizes sizes, int64_t from, int64_t to) {
  int64_t n = 1;
  for (int64_t d = from; d < to; ++d) n *= sizes[static_cast<size_t>(d)];
  return n;
}
Tensor positions(const Tensor& indices, Sizes sizes);                       // [nnz]
Tensor indices_of(const Tensor& positions, Sizes sizes, int64_t sparse_dim);  // back again
// The elements of a dense tensor at these indices: [nnz, the sizes of the other dimensions].
Tensor dense_values_at(const TensorImpl* t, const Tensor& indices);
// Those of a sparse one, zeros where it has none.
Tensor sparse_values_at(const TensorImpl* t, const Tensor& indices);
// Where each of `wanted` stands in `sorted`, -1 where it does not.
Tensor find_sorted(const Tensor& sorted, const Tensor& wanted);
// dense += alpha * sparse
void add_into(TensorImpl* dense, const TensorImpl* sparse, const TlValue& alpha);
// Puts what another tensor holds, or a dense one as it is, into a tensor that was given (in place, out=).
void assign(TensorImpl* to, const TensorImpl* from, const Op* op);
Tensor to_dense(const TensorImpl* t);

}  // namespace tallow
