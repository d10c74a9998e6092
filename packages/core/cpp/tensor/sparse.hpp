// Tensors of sparse layout, in coordinate format (COO): the elements that are not zero, and where they are.
//
// Such a tensor has sizes, a dtype and a key set of its own (TL_KEY_SPARSE_CPU instead of TL_KEY_CPU), and no memory: its
// storage owns the parts below. Detached copies share the storage, so that they see what is written in place.
#pragma once
#include "tensor/tensor.hpp"

namespace tallow {

struct SparseParts {
  Tensor indices;      // int64, [sparse_dim, nnz], row major
  Tensor values;       // [nnz, dense sizes...], row major
  bool coalesced;      // the indices are sorted and none occurs twice; what users say, so never a matter of safety
  int64_t nnz() const { return indices.size(1); }
  int64_t sparse_dim() const { return indices.size(0); }
  int64_t dense_dim() const { return values.ndim() - 1; }
};

// What a sparse tensor is made of; t must be one.
inline SparseParts& sparse_parts(const TensorImpl* t) { return *static_cast<SparseParts*>(t->storage->context); }

// A sparse tensor of these parts, after every check that keeps kernels inside memory: shapes that fit, and no index out
// of range. The parts are shared where they are row major.
Tensor make_sparse(const Tensor& indices, const Tensor& values, Sizes sizes, bool coalesced);
// Without elements: the first `sparse_dim` dimensions are indexed, the others belong to the values.
Tensor empty_sparse(Sizes sizes, int64_t sparse_dim, DType dtype, TlDevice device);
// Indices can be written to from outside (_indices()): whoever follows them checks them again first.
void check_sparse_indices(const TensorImpl* indices, Sizes sizes);

}  // namespace tallow
