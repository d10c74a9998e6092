// Transposing, slicing and joining sparse tensors.
#include <algorithm>
#include <cstring>
#include <numeric>

#include "ops/sparse/sparse.hpp"

namespace tallow {
namespace {

// Dimensions in a new order; indexed ones stay before those of the values.
Tensor permuted(const TensorImpl* t, const Dims& order, const char* op) {
  const SparseParts& p = parts_of(t, op);
  const int64_t dims = p.sparse_dim();
  Dims sizes, of_values{0}, rows;
  for (size_t i = 0; i < order.size(); ++i) {
    TL_CHECK((order[i] < dims) == (static_cast<int64_t>(i) < dims), op, ": transposed dimensions of a sparse tensor must be both sparse or both dense; it has ",
             dims, " sparse dimensions of ", t->ndim);
    sizes.push_back(t->size(order[i]));
    if (order[i] < dims) rows.push_back(order[i]);
    else of_values.push_back(order[i] - dims + 1);
  }
  const bool same_rows = std::is_sorted(rows.begin(), rows.end());
  Tensor indices = p.indices;
  if (!same_rows) {
    indices = empty(p.indices.sizes(), DType::Int64);
    const int64_t* from = p.indices.ptr<int64_t>();
    int64_t* to = indices.ptr<int64_t>();
    for (const int64_t row : rows) to = std::copy_n(from + row * p.nnz(), p.nnz(), to);
  }
  const tl::Tensor values = tl::call<"contiguous">(tl::call<"permute">(p.values.get(), of_values));
  return make_sparse(indices, own(values), sizes, p.coalesced && same_rows);
}

void transpose(tl::Call& c) {
  const TensorImpl* t = c.handle(0);
  const int64_t a = wrap_dim(c.integer(1), t->ndim, "transpose"), b = wrap_dim(c.integer(2), t->ndim, "transpose");
  if (t->ndim == 0 || a == b) return c.ret(make_alias(t));
  Dims order(t->ndim);
  std::iota(order.begin(), order.end(), 0);
  std::swap(order[static_cast<size_t>(a)], order[static_cast<size_t>(b)]);
  c.ret(permuted(t, order, "transpose"));
}
void permute(tl::Call& c) {
  const TensorImpl* t = c.handle(0);
  TL_CHECK(c.ints(1).size() == t->ndim, "permute(sparse_coo): number of dimensions in the tensor input does not match the length of the desired ordering of "
           "dimensions i.e. input.dim() = ", t->ndim, " is not equal to len(dims) = ", c.ints(1).size());
  Dims order;
  std::vector<bool> seen(t->ndim);
  for (const int64_t d : c.ints(1)) {
    const int64_t at = wrap_dim(d, t->ndim, "permute");
    TL_CHECK(!seen[static_cast<size_t>(at)], "permute(): duplicate dims are not allowed.");
    seen[static_cast<size_t>(at)] = true;
    order.push_back(at);
  }
  c.ret(permuted(t, order, "permute"));
}

tl::Tensor unsqueezed(const TensorImpl* t, int64_t dim) {
  const SparseParts& p = parts_of(t, "unsqueeze");
  Dims sizes(t->sizes(), t->sizes() + t->ndim);
  sizes.insert(sizes.begin() + dim, 1);
  if (dim > p.sparse_dim()) return make_sparse(p.indices, own(tl::call<"unsqueeze">(p.values.get(), dim - p.sparse_dim() + 1)), sizes, p.coalesced);
  const int64_t shape[2] = {1, p.nnz()};
  tl::Tensor zeros = empty(Sizes(shape, 2), DType::Int64);
  tl::call<"zero_">(zeros);
  std::vector<tl::Tensor> rows{tl::call<"narrow">(p.indices.get(), 0, 0, dim), zeros, tl::call<"narrow">(p.indices.get(), 0, dim, p.sparse_dim() - dim)};
  return make_sparse(own(tl::call<"cat">(rows, 0)), p.values, sizes, p.coalesced);
}
void unsqueeze(tl::Call& c) { c.ret(unsqueezed(c.handle(0), wrap_dim(c.integer(1), c.handle(0)->ndim + 1, "unsqueeze"))); }

// The elements `kept` (a vector of their numbers), with new indices in dimension `dim`, or without that dimension.
Tensor some_elements(const TensorImpl* t, const SparseParts& p, int64_t dim, const tl::Tensor& kept, const tl::Tensor& places, int64_t size) {
  Dims sizes(t->sizes(), t->sizes() + t->ndim);
  std::vector<tl::Tensor> rows;
  for (int64_t d = 0; d < p.sparse_dim(); ++d) {
    if (d == dim && places) rows.push_back(places);
    if (d != dim) rows.push_back(tl::call<"index_select">(tl::call<"select">(p.indices.get(), 0, d), 0, kept));
  }
  if (places) sizes[static_cast<size_t>(dim)] = size;
  else sizes.erase(sizes.begin() + dim);
  return make_sparse(own(tl::call<"stack">(rows, 0)), own(tl::call<"index_select">(p.values.get(), 0, kept)), sizes, !places && p.coalesced);
}

void select(tl::Call& c) {
  const TensorImpl* t = c.handle(0);
  TL_CHECK_INDEX(t->ndim, "select() cannot be applied to a 0-dim tensor.");
  const int64_t dim = wrap_dim(c.integer(1), t->ndim, "select"), size = t->size(dim);
  TL_CHECK_INDEX(c.integer(2) >= -size && c.integer(2) < size, "select(): index ", c.integer(2), " out of range for tensor of size ",
                 to_string(t->size_span()), " at dimension ", dim);
  const int64_t index = c.integer(2) < 0 ? c.integer(2) + size : c.integer(2);
  const SparseParts& p = parts_of(t, "select");
  Dims sizes(t->sizes(), t->sizes() + t->ndim);
  if (dim >= p.sparse_dim()) {
    sizes.erase(sizes.begin() + dim);
    const tl::Tensor values = tl::call<"contiguous">(tl::call<"select">(p.values.get(), dim - p.sparse_dim() + 1, index));
    return c.ret(make_sparse(p.indices, own(values), sizes, p.coalesced));
  }
  const tl::Tensor row = tl::call<"select">(p.indices.get(), 0, dim);
  const tl::Tensor kept = tl::call<"reshape">(tl::call<"nonzero">(tl::call<"eq">(row, index)), Dims{-1});
  if (p.sparse_dim() == 1)  // no index is left: the value itself
    return c.ret(tl::call<"sum">(tl::call<"index_select">(p.values.get(), 0, kept), Dims{0}, false, tl::kw("dtype", tl::Dtype{code(t->dtype)})));
  c.ret(some_elements(t, p, dim, kept, {}, 0));
}

void index_select(tl::Call& c) {
  const TensorImpl* t = c.handle(0);
  TL_CHECK_INDEX(t->ndim, "index_select(): a 0-dim sparse tensor has no dimension to select from");
  const int64_t dim = wrap_dim(c.integer(1), t->ndim, "index_select"), size = t->size(dim);
  TL_CHECK_INDEX(c.handle(2)->ndim <= 1 && is_integral(c.handle(2)->dtype) && !c.handle(2)->sparse(),
                 "index_select(): Index is supposed to be a vector of integers");
  const SparseParts& p = parts_of(t, "index_select");
  Dims sizes(t->sizes(), t->sizes() + t->ndim);
  const Tensor index = own(tl::call<"contiguous">(tl::call<"_to">(tl::call<"reshape">(c.value(2), Dims{-1}), tl::Dtype{TL_INT64})));
  const int64_t m = index.numel();
  sizes[static_cast<size_t>(dim)] = m;
  if (dim >= p.sparse_dim()) {
    const tl::Tensor values = tl::call<"index_select">(p.values.get(), dim - p.sparse_dim() + 1, tl::Tensor(index));
    return c.ret(make_sparse(p.indices, own(values), sizes, p.coalesced));
  }
  for (int64_t i = 0; i < m; ++i) {
    int64_t& at = index.ptr<int64_t>()[i];
    TL_CHECK_INDEX(at >= 0 && at < size, "index_select(): index contains ", at, " that is out of range for tensor of size ", to_string(t->size_span()),
                   " at dimension ", dim);
  }
  // Each element goes to every place that names its index.
  auto [wanted, place] = tl::call<"sort", 2>(tl::Tensor(index));
  const int64_t *first = wanted.data<int64_t>(), *last = first + m, *row = p.indices.ptr<int64_t>() + dim * p.nnz();
  std::vector<int64_t> element, to;
  for (int64_t i = 0; i < p.nnz(); ++i) {
    const auto [begin, end] = std::equal_range(first, last, row[i]);
    for (const int64_t* at = begin; at != end; ++at) element.push_back(i), to.push_back(place.data<int64_t>()[at - first]);
  }
  const auto n = static_cast<int64_t>(element.size());
  Tensor kept = empty(Sizes(&n, 1), DType::Int64), places = empty(Sizes(&n, 1), DType::Int64);
  std::copy(element.begin(), element.end(), kept.ptr<int64_t>());
  std::copy(to.begin(), to.end(), places.ptr<int64_t>());
  c.ret(some_elements(t, p, dim, tl::Tensor(kept), tl::Tensor(places), m));
}

// ---------------------------------------------------------------- joining
tl::Tensor joined(const std::vector<tl::Tensor>& list, int64_t dim) {
  const TensorImpl* first = list[0].get();
  for (size_t i = 0; i < list.size(); ++i) {
    TL_CHECK(list[i].is_sparse(), "Concatenating sparse tensors, but a dense tensor was found at position ", i, ".");
    TL_CHECK(list[i].ndim() == first->ndim && parts_of(list[i].get(), "cat").sparse_dim() == sparse_parts(first).sparse_dim(),
             "All tensors must have the same shape: ", to_string(list[i].sizes()), ", ", to_string(first->size_span()),
             " and the same number of sparse dimensions");
    for (int64_t d = 0; d < first->ndim; ++d)
      TL_CHECK(d == dim || list[i].size(d) == first->size(d), "Sizes of tensors must match except in dimension ", dim, ". Expected size ", first->size(d),
               " but got size ", list[i].size(d), " for tensor number ", i, " in the list.");
  }
  const int64_t dims = sparse_parts(first).sparse_dim();
  Dims sizes(first->sizes(), first->sizes() + first->ndim);
  std::vector<tl::Tensor> indices, values;
  int64_t before = 0, total = 0;
  for (const tl::Tensor& t : list) total += t.size(dim);
  for (const tl::Tensor& t : list) {
    const SparseParts& p = sparse_parts(t.get());
    const int64_t here = t.size(dim);
    if (dim < dims) {
      tl::Tensor moved = tl::call<"clone">(p.indices.get());
      tl::call<"add_">(tl::call<"select">(moved, 0, dim), before);
      indices.push_back(moved);
      values.push_back(p.values);
    } else {  // along a dimension of the values: zeros before and after
      Dims shape(p.values.sizes().begin(), p.values.sizes().end());
      const auto at = static_cast<size_t>(dim - dims + 1);
      std::vector<tl::Tensor> line;
      for (const int64_t n : {before, total - before - here}) {
        shape[at] = n;
        line.push_back(tl::call<"new_zeros">(p.values.get(), shape));
      }
      line.insert(line.begin() + 1, p.values);
      indices.push_back(p.indices);
      values.push_back(tl::call<"cat">(line, static_cast<int64_t>(at)));
    }
    before += here;
  }
  sizes[static_cast<size_t>(dim)] = total;
  const tl::Tensor all = tl::call<"contiguous">(tl::call<"cat">(values, 0));
  return make_sparse(own(tl::call<"contiguous">(tl::call<"cat">(indices, 1))), own(all), sizes, false);
}
void cat(tl::Call& c) {
  const std::vector<tl::Tensor> list = c.tensors(0);
  for (size_t i = 0; i < list.size(); ++i)
    TL_CHECK(list[i] && list[i].is_sparse(), "Concatenating sparse tensors, but a dense tensor was found at position ", i, ".");
  c.ret(joined(list, wrap_dim(c.integer(1), list[0].ndim(), "cat")));
}
void stack(tl::Call& c) {
  std::vector<tl::Tensor> list = c.tensors(0);
  TL_CHECK(list[0], "stack: expected tensors, got None");
  const int64_t dim = wrap_dim(c.integer(1), list[0].ndim() + 1, "stack");
  const Dims first(list[0].get()->sizes(), list[0].get()->sizes() + list[0].ndim());
  for (tl::Tensor& t : list) {
    TL_CHECK(t && t.is_sparse(), "stack: sparse and dense tensors cannot be joined");
    TL_CHECK(same_sizes(t.get()->size_span(), first), "stack expects each tensor to be equal size, but got ", to_string(first), " at entry 0 and ",
             to_string(t.get()->size_span()));
    t = unsqueezed(t.get(), dim);
  }
  c.ret(joined(list, dim));
}
// Iterating: the slices along a dimension.
void unbind(tl::Call& c) {
  const TensorImpl* t = c.handle(0);
  TL_CHECK(t->ndim, "unbind: a 0-dim tensor has no dimension");
  const int64_t dim = wrap_dim(c.integer(1), t->ndim, "unbind");
  std::vector<tl::Tensor> out;
  for (int64_t i = 0; i < t->size(dim); ++i) out.push_back(tl::call<"select">(c.value(0), dim, i));
  c.ret_list(std::move(out));
}

TL_OPS(sparse_rearrange) {
  on_sparse<transpose>("transpose");
  on_sparse<permute>("permute");
  on_sparse<unsqueeze>("unsqueeze");
  on_sparse<select>("select");
  on_sparse<index_select>("index_select");
  on_sparse<cat>("cat");
  on_sparse<stack>("stack");
  on_sparse<unbind>("unbind");
}

}  // namespace
}  // namespace tallow
