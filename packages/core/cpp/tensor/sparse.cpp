#include "tensor/sparse.hpp"

#include <algorithm>

#include "parallel/parallel.hpp"

namespace tallow {
namespace {

Tensor detached(const Tensor& t) { return t->autograd || t->base ? make_alias(t.get()) : t; }

Tensor make(const Tensor& indices, const Tensor& values, Sizes sizes, bool coalesced) {
  const TlDevice device = values.device();
  auto* parts = new SparseParts{detached(indices), detached(values), coalesced};
  const int64_t nothing[1] = {0};
  Tensor t = from_blob(nullptr, Sizes(nothing, 1), nullptr, values.dtype(), device, [](void* p) { delete static_cast<SparseParts*>(p); }, parts);
  t->set_shape(sizes.data(), nullptr, static_cast<int64_t>(sizes.size()));
  t->flags &= static_cast<uint16_t>(~TensorImpl::Contiguous);
  t->keys = TlKeySet{1} << (device.type == TL_CUDA ? TL_KEY_SPARSE_CUDA : TL_KEY_SPARSE_CPU);
  return t;
}

}  // namespace

void check_sparse_indices(const TensorImpl* indices, Sizes sizes) {
  const int64_t dims = indices->size(0), nnz = indices->size(1);
  for (int64_t d = 0; d < dims; ++d) {
    const int64_t* at = indices->ptr<int64_t>() + d * nnz;
    const auto size = static_cast<uint64_t>(sizes[static_cast<size_t>(d)]);
    parallel_for(0, nnz, 65536, [&](int64_t begin, int64_t end) {
      uint64_t bad = 0;
      for (int64_t i = begin; i < end; ++i) bad |= static_cast<uint64_t>(at[i]) >= size;
      if (!bad) return;
      for (int64_t i = begin; i < end; ++i) {
        TL_CHECK(at[i] >= 0, "found negative index ", at[i], " for dim ", d);
        TL_CHECK(at[i] < sizes[static_cast<size_t>(d)], "size is inconsistent with indices: for dim ", d, ", size is ", size, " but found index ", at[i]);
      }
    });
  }
}

Tensor make_sparse(const Tensor& indices, const Tensor& values, Sizes sizes, bool coalesced) {
  TL_CHECK(indices.ndim() == 2, "indices must be sparse_dim x nnz, but got: ", to_string(indices.sizes()));
  TL_CHECK(indices.dtype() == DType::Int64, "indices must be an int64 tensor, but got ", dtype_name(indices.dtype()));
  TL_CHECK(values.ndim() >= 1, "values must have at least one dimension, nnz, but got: ", to_string(values.sizes()));
  TL_CHECK(indices.device().type == TL_CPU && values.device().type == TL_CPU, "sparse tensors live on the CPU, but got indices on ",
           device_string(indices.device()), " and values on ", device_string(values.device()));
  const int64_t sparse_dim = indices.size(0), dense_dim = values.ndim() - 1, nnz = indices.size(1);
  TL_CHECK(static_cast<int64_t>(sizes.size()) == sparse_dim + dense_dim, "'len(size) == sparse_dim + dense_dim' is not satisfied: len(size) = ",
           sizes.size(), ", sparse_dim = ", sparse_dim, ", dense_dim = ", dense_dim);
  TL_CHECK(values.size(0) == nnz, "indices and values must have same nnz, but got nnz from indices: ", nnz, ", nnz from values: ", values.size(0));
  checked_numel(sizes);
  int64_t positions = 1;
  for (int64_t d = 0; d < sparse_dim && nnz > 0; ++d)
    TL_CHECK(!__builtin_mul_overflow(positions, std::max<int64_t>(sizes[static_cast<size_t>(d)], 1), &positions),
             "numel: integer multiplication overflow: ", to_string(sizes));
  Dims expected(sizes.begin() + sparse_dim, sizes.end());
  expected.insert(expected.begin(), nnz);
  TL_CHECK(same_sizes(values.sizes(), expected), "values has incorrect size, expected ", to_string(expected), ", got ", to_string(values.sizes()));
  TL_CHECK(indices.contiguous() && values.contiguous(), "sparse tensors are made of row-major indices and values");
  check_sparse_indices(indices.get(), sizes);
  return make(indices, values, sizes, coalesced || nnz < 2);
}

Tensor empty_sparse(Sizes sizes, int64_t sparse_dim, DType dtype, TlDevice device) {
  TL_CHECK(device.type == TL_CPU, "sparse tensors live on the CPU, not on ", device_string(device));
  Dims values(sizes.begin() + sparse_dim, sizes.end());
  values.insert(values.begin(), 0);
  checked_numel(sizes);
  const int64_t indices[2] = {sparse_dim, 0};
  return make(empty(Sizes(indices, 2), DType::Int64, device), empty(values, dtype, device), sizes, true);
}

}  // namespace tallow
