// Indexing with tensors, as NumPy does it: index and index_put.
#include "ops/index/index.hpp"

namespace tallow {
namespace {

bool is_mask(const TensorImpl* t) { return t->dtype == DType::Bool || t->dtype == DType::UInt8; }

// The indices of a call, masks replaced by the positions they name: one per dimension, undefined where all is taken.
struct Plan {
  std::vector<Tensor> index;  // by dimension of self; int32/int64
  Dims shape;                 // of the broadcast indices
  Dims indexed, rest;         // dimensions
  bool adjacent = true;       // the indexed dimensions stand next to each other
  size_t first = 0;           // of them
  Dims result(const TensorImpl* t) const {
    Dims out;
    auto add = [&](int64_t d) { out.push_back(t->size(d)); };
    if (!adjacent) {
      out = shape;
      for (int64_t d : rest) add(d);
      return out;
    }
    for (int64_t d : rest)
      if (d < static_cast<int64_t>(first)) add(d);
    out.insert(out.end(), shape.begin(), shape.end());
    for (int64_t d : rest)
      if (d > static_cast<int64_t>(first)) add(d);
    return out;
  }
};

Plan plan(const TensorImpl* t, std::span<const TlTensor> indices) {
  TL_CHECK_INDEX(!indices.empty(), "at least one index must be provided");
  Plan p;
  for (const TensorImpl* i : indices) {
    if (!i) {
      p.index.emplace_back();
      continue;
    }
    TL_CHECK_INDEX(is_index(i->dtype) || is_mask(i), "tensors used as indices must be long, int, byte or bool tensors");
    if (!is_mask(i)) {
      p.index.push_back(Tensor::share(const_cast<TensorImpl*>(i)));
      continue;
    }
    const size_t at = p.index.size();
    TL_CHECK_INDEX(at + i->ndim <= t->ndim, "too many indices for tensor of dimension ", t->ndim);
    for (int64_t d = 0; d < i->ndim; ++d)
      TL_CHECK_INDEX(i->size(d) == t->size(at + d), "The shape of the mask ", to_string(i->size_span()), " at index ", d,
                     " does not match the shape of the indexed tensor ", to_string(t->size_span()), " at index ", at + d);
    TL_CHECK_KIND(TL_NOT_IMPLEMENTED_ERROR, !i->is_meta(), "index: a mask has no data on the meta device, so the shape of the result is unknown");
    Tensor positions = nonzero_positions(i);
    const int64_t n = positions.size(0), width = positions.size(1);
    for (int64_t d = 0; d < width; ++d) p.index.push_back(make_alias(positions.get(), Sizes(&n, 1), Sizes(&width, 1), d, DType::Int64));
  }
  TL_CHECK_INDEX(p.index.size() <= t->ndim, "too many indices for tensor of dimension ", t->ndim);
  p.index.resize(t->ndim);
  for (int64_t d = 0; d < t->ndim; ++d) (p.index[d] ? p.indexed : p.rest).push_back(d);
  try {
    for (int64_t d : p.indexed) p.shape = broadcast_sizes(p.shape, p.index[d].sizes());
  } catch (const Error&) {
    std::string shapes;
    for (int64_t d : p.indexed) shapes += (shapes.empty() ? "" : ", ") + to_string(p.index[d].sizes());
    fail(TL_INDEX_ERROR, "shape mismatch: indexing tensors could not be broadcast together with shapes ", shapes);
  }
  p.adjacent = false;  // with nothing indexed, all dimensions are the rest
  if (!p.indexed.empty()) {
    p.first = static_cast<size_t>(p.indexed.front());
    p.adjacent = p.indexed.back() - p.indexed.front() + 1 == static_cast<int64_t>(p.indexed.size());
  }
  return p;
}

Grid grid_of(const TensorImpl* t, const Plan& p) {
  Grid g;
  const int64_t n = checked_numel(p.shape);
  g.at = empty(Sizes(&n, 1), DType::Int64);
  int64_t* at = g.at.ptr<int64_t>();
  bool first = true;
  for (int64_t d : p.indexed) {
    const int64_t size = t->size(d), stride = t->stride(d);
    TL_CHECK_INDEX(size > 0 || n == 0, "index is out of bounds for dimension with size 0");
    Tensor wide = same_sizes(p.index[d].sizes(), p.shape) ? p.index[d] : expanded(p.index[d].get(), p.shape);
    Tensor values = index_values(wide.get());
    const int64_t* v = values.ptr<int64_t>();
    parallel_for(0, n, 65536, [=](int64_t b, int64_t e) {
      for (int64_t i = b; i < e; ++i) {
        const int64_t k = v[i];
        TL_CHECK_INDEX(k >= -size && k < size, "index ", k, " is out of bounds for dimension ", d, " with size ", size);
        const int64_t offset = (k < 0 ? k + size : k) * stride;
        at[i] = first ? offset : at[i] + offset;
      }
    });
    first = false;
  }
  if (first && n) at[0] = 0;
  Dims before, after;
  for (int64_t d : p.rest) (p.adjacent && d < static_cast<int64_t>(p.first) ? before : after).push_back(d);
  g.before = offsets_of(t, before, nullptr);
  g.after = offsets_of(t, after, &g.run);
  return g;
}

// One mask of the tensor's own shape: no positions are needed.
const TensorImpl* whole_mask(const TensorImpl* t, std::span<const TlTensor> indices) {
  const TensorImpl* m = indices.size() == 1 ? indices[0] : nullptr;
  return m && m->dtype == DType::Bool && m->ndim && !m->is_meta() && same_sizes(m->size_span(), t->size_span()) ? m : nullptr;
}

void index(tl::Call& c) {
  const TensorImpl* t = c.handle(0);
  if (const TensorImpl* m = whole_mask(t, c.handles(1)); m && !t->is_meta()) {
    Tensor mask = contiguous(m), dense = contiguous(t);
    const int64_t n = count_true(mask.get());
    Tensor out = empty(Sizes(&n, 1), t->dtype, t->device);
    select_true(dense.get(), mask.get(), out.ptr<char>());
    return c.ret(std::move(out));
  }
  const Plan p = plan(t, c.handles(1));
  Tensor out = empty(p.result(t), t->dtype, t->device);
  if (!t->is_meta()) grid_read(t, grid_of(t, p), out.ptr<char>());
  c.ret(std::move(out));
}

void index_put_check(tl::Call& c) {
  const TensorImpl* t = c.handle(0);
  const TensorImpl* v = c.handle(2);
  TL_CHECK(t->dtype == v->dtype, "Index put requires the source and destination dtypes match, got ", dtype_long_name(t->dtype),
           " for the destination and ", dtype_long_name(v->dtype), " for the source.");
}

Tensor in_compute_dtype(const TensorImpl* t) {
  Tensor out = empty(t->size_span(), compute_dtype(t->dtype), t->device);
  copy_into(out.get(), t);
  return out;
}

void index_put(tl::Call& c, TensorImpl* t) {
  const TensorImpl* values = c.handle(2);
  const bool accumulate = c.boolean(3);
  if (accumulate && t->dtype != compute_dtype(t->dtype)) {
    Tensor wide = in_compute_dtype(t), wide_values = in_compute_dtype(values);
    TlValue args[4] = {tl::pack(wide.get()), c.value(1), tl::pack(wide_values.get()), c.value(3)};
    TlCall inner = *c.raw();
    inner.args = args;
    tl::Call call(&inner);
    index_put(call, wide.get());
    return copy_into(t, wide.get());
  }
  if (const TensorImpl* m = whole_mask(t, c.handles(1)); m && values->numel == 1 && !accumulate) return masked_write(t, m, values->ptr<char>());
  const Plan p = plan(t, c.handles(1));
  const Dims shape = p.result(t);
  const bool one = values->numel == 1;
  Tensor dense;
  if (one) {
    dense = contiguous(values);
  } else {
    // Leading dimensions of size 1 are no reason to refuse.
    Tensor v = Tensor::share(const_cast<TensorImpl*>(values));
    while (v.ndim() > static_cast<int64_t>(shape.size()) && v.size(0) == 1)
      v = make_alias(v.get(), v.sizes().subspan(1), v.strides().subspan(1), v->offset, v.dtype());
    bool fits = v.ndim() <= static_cast<int64_t>(shape.size());
    for (int64_t d = 0; fits && d < v.ndim(); ++d) {
      const int64_t want = shape[shape.size() - v.ndim() + d];
      fits = v.size(d) == want || v.size(d) == 1;
    }
    TL_CHECK(fits, "shape mismatch: value tensor of shape ", to_string(values->size_span()), " cannot be broadcast to indexing result of shape ",
             to_string(shape));
    dense = contiguous(expanded(v.get(), shape).get());
  }
  grid_write(t, grid_of(t, p), dense.get(), one, accumulate ? Combine::Add : Combine::Copy);
}

TL_OPS(index_advanced) {
  tl::opaque("index(Tensor self, Tensor?[] indices) -> Tensor", TL_OP_HIDDEN,
             "self[indices]: one index tensor (integers or a mask) or None per dimension, broadcast together; where they do not stand next to each "
             "other their dimensions come first.")
      .cpu<index>().on<index>(TL_KEY_META);
  Editing<index_put_check, index_put>::define("index_put(Tensor self, Tensor?[] indices, Tensor values, bool accumulate=False) -> Tensor", kMethod,
                                              "self[indices] = values, or += with `accumulate`; repeated indices add up in their order.");
}

}  // namespace
}  // namespace tallow
