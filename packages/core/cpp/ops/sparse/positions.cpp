// Places in the sparse dimensions as single numbers, sorting by them, and looking them up.
#include <algorithm>
#include <cstring>

#include "ops/sparse/sparse.hpp"

namespace tallow {
namespace {
constexpr int64_t kGrain = 16384;
}

Tensor positions(const Tensor& indices, Sizes sizes) {
  const int64_t dims = indices.size(0), n = indices.size(1);
  if (dims == 1) return own(tl::call<"reshape">(tl::Tensor(indices), tl::Dims{n}));
  Tensor out = empty(Sizes(&n, 1), DType::Int64);
  const int64_t* from = indices.ptr<int64_t>();
  int64_t* to = out.ptr<int64_t>();
  parallel_for(0, n, kGrain, [&](int64_t begin, int64_t end) {
    std::fill(to + begin, to + end, 0);
    for (int64_t d = 0; d < dims; ++d) {
      const auto size = static_cast<uint64_t>(sizes[static_cast<size_t>(d)]);
      for (int64_t i = begin; i < end; ++i) to[i] = static_cast<int64_t>(static_cast<uint64_t>(to[i]) * size + static_cast<uint64_t>(from[d * n + i]));
    }
  });
  return out;
}

Tensor indices_of(const Tensor& positions, Sizes sizes, int64_t sparse_dim) {
  const int64_t n = positions.numel();
  const int64_t shape[2] = {sparse_dim, n};
  Tensor out = empty(Sizes(shape, 2), DType::Int64);
  const int64_t* from = positions.ptr<int64_t>();
  int64_t* to = out.ptr<int64_t>();
  parallel_for(0, n, kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      int64_t rest = from[i];
      for (int64_t d = sparse_dim; d-- > 0;) {
        const int64_t size = std::max<int64_t>(sizes[static_cast<size_t>(d)], 1);
        to[d * n + i] = rest % size, rest /= size;
      }
    }
  });
  return out;
}

Tensor find_sorted(const Tensor& sorted, const Tensor& wanted) {
  Tensor out = empty(wanted.sizes(), DType::Int64);
  const int64_t* first = sorted.ptr<int64_t>();
  const int64_t* last = first + sorted.numel();
  parallel_for(0, wanted.numel(), 1024, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t v = wanted.ptr<int64_t>()[i];
      const int64_t* at = std::lower_bound(first, last, v);
      out.ptr<int64_t>()[i] = at != last && *at == v ? at - first : -1;
    }
  });
  return out;
}

Tensor coalesced(const TensorImpl* t, const char* op) {
  const SparseParts& p = parts_of(t, op);
  if (p.coalesced) return Tensor::share(const_cast<TensorImpl*>(t));
  const int64_t n = p.nnz();
  const Tensor at = positions(p.indices, t->size_span());
  const int64_t* place = at.ptr<int64_t>();
  bool sorted = true;
  for (int64_t i = 1; i < n && sorted; ++i) sorted = place[i - 1] < place[i];
  if (sorted) return with_parts(t, p.indices, p.values, true);
  auto [by_place, order] = tl::call<"sort", 2>(tl::Tensor(at), 0, false, true);
  // Which of the results each element is added to; elements keep their order, so that sums do not depend on threads.
  Tensor group = empty(Sizes(&n, 1), DType::Int64);
  std::vector<int64_t> distinct;
  const int64_t* ordered = by_place.data<int64_t>();
  const int64_t* from = order.data<int64_t>();
  for (int64_t i = 0; i < n; ++i) {
    if (i == 0 || ordered[i] != ordered[i - 1]) distinct.push_back(ordered[i]);
    group.ptr<int64_t>()[from[i]] = static_cast<int64_t>(distinct.size()) - 1;
  }
  const auto kept = static_cast<int64_t>(distinct.size());
  Tensor unique = empty(Sizes(&kept, 1), DType::Int64);
  std::copy(distinct.begin(), distinct.end(), unique.ptr<int64_t>());
  tl::Dims shape(p.values.sizes().begin(), p.values.sizes().end());
  shape[0] = kept;
  tl::Tensor sums = empty(shape, t->dtype);
  tl::call<"zero_">(sums);
  if (sums.numel() > 0) tl::call<"index_add_">(sums, 0, tl::Tensor(group), tl::Tensor(p.values));
  return with_parts(t, indices_of(unique, t->size_span(), p.sparse_dim()), own(sums), true);
}

Tensor dense_values_at(const TensorImpl* t, const Tensor& indices) {
  const int64_t dims = indices.size(0), n = indices.size(1), rest = t->ndim - dims;
  TL_CHECK(rest >= 0, "indices of ", dims, " dimensions do not fit a tensor of shape ", to_string(t->size_span()));
  check_sparse_indices(indices.get(), t->size_span());
  Dims shape(t->sizes() + dims, t->sizes() + t->ndim);
  shape.insert(shape.begin(), n);
  if (t->numel == 0) return empty(shape, t->dtype);
  // Blocks that are row major are copied as they lie, also out of an expanded or transposed tensor.
  int64_t expected = 1;
  bool row_major = true;
  for (int64_t d = t->ndim; d-- > dims;) {
    row_major &= t->size(d) == 1 || t->stride(d) == expected;
    expected *= t->size(d);
  }
  if (!row_major) return dense_values_at(own(tl::call<"contiguous">(Tensor::share(const_cast<TensorImpl*>(t)))).get(), indices);
  Tensor out = empty(shape, t->dtype);
  const int64_t item = itemsize(t->dtype), bytes = expected * item;
  if (out.numel() == 0) return out;
  const int64_t* at = indices.ptr<int64_t>();
  parallel_for(0, n, std::max<int64_t>(1, 65536 / bytes), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      int64_t offset = 0;
      for (int64_t d = 0; d < dims; ++d) offset += at[d * n + i] * t->stride(d);
      std::memcpy(out.ptr<char>() + i * bytes, t->ptr<char>() + offset * item, static_cast<size_t>(bytes));
    }
  });
  return out;
}

Tensor sparse_values_at(const TensorImpl* t, const Tensor& indices) {
  const Tensor sorted = coalesced(t, "sparse_mask");
  const SparseParts& p = sparse_parts(sorted.get());
  TL_CHECK(indices.size(0) == p.sparse_dim(), "sparse_mask(): the tensor has ", p.sparse_dim(), " sparse dimensions, the mask ", indices.size(0));
  check_sparse_indices(indices.get(), t->size_span());
  const Tensor where = find_sorted(positions(p.indices, t->size_span()), positions(indices, t->size_span()));
  const int64_t bytes = count(p.values.sizes(), 1, p.values.ndim()) * itemsize(t->dtype);
  Dims shape(p.values.sizes().begin(), p.values.sizes().end());
  shape[0] = indices.size(1);
  Tensor out = empty(shape, t->dtype);
  if (out.numel() == 0) return out;
  parallel_for(0, shape[0], 4096, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t from = where.ptr<int64_t>()[i];
      if (from < 0) std::memset(out.ptr<char>() + i * bytes, 0, static_cast<size_t>(bytes));
      else std::memcpy(out.ptr<char>() + i * bytes, p.values.ptr<char>() + from * bytes, static_cast<size_t>(bytes));
    }
  });
  return out;
}

}  // namespace tallow
