// searchsorted, bucketize, isin.
#include <numeric>

#include "ops/sort/lines.hpp"

namespace tallow {
namespace {

using tl::Call;

template <class F>
void compute_type_of(DType t, F&& f) {
  switch (compute_type(t)) {
    case kF32: return f.template operator()<float>();
    case kF64: return f.template operator()<double>();
    case kI64: return f.template operator()<int64_t>();
    default: fail(TL_NOT_IMPLEMENTED_ERROR, "\"searchsorted_out_cpu\" not implemented for '", dtype_long_name(t), "'");
  }
}

// How many of `at(0) <= at(1) <= ...` come before v: those less than it, or (right) not greater. A NaN comes last.
template <class T, class At>
int64_t place(int64_t n, T v, bool right, At at) {
  const auto before = [&](int64_t i) {
    const T x = at(i);
    return static_cast<int64_t>(right ? !(x > v) : !(x >= v));
  };
  // The number of steps depends on n alone, and none has a branch that nothing could foresee.
  int64_t low = 0;
  for (; n > 1; n -= n / 2) low += before(low + n / 2 - 1) * (n / 2);
  return n ? low + before(low) : low;
}

// v is one value or a tensor; leading dimensions of a boundary tensor with several match those of v.
void search(const Tensor& boundaries, const Tensor& values, const TensorImpl* sorter, bool right, TensorImpl* out) {
  if (out->numel == 0) return;
  const DType common = dtype_of_compute(compute_type(promote(boundaries.dtype(), values.dtype())));
  const Tensor b = dense_as(boundaries.get(), common), v = dense_as(values.get(), common);
  Tensor order;
  if (sorter) order = dense_as(const_cast<TensorImpl*>(sorter), DType::Int64);
  const int64_t n = b.size(b.ndim() - 1), per_row = b.ndim() == 1 ? v.numel() : v.size(v.ndim() - 1);
  WorkingOutput result(out, DType::Int64);
  auto* to = result.t.ptr<int64_t>();
  compute_type_of(common, [&]<class T>() {
    parallel_for(0, v.numel(), 4096, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t base = i / per_row * n;
        const T* row = b.ptr<T>() + base;
        if (order) {
          const int64_t* o = order.ptr<int64_t>() + base;
          to[i] = place(n, v.ptr<T>()[i], right, [&](int64_t k) { return row[o[k]]; });
        } else {
          to[i] = place(n, v.ptr<T>()[i], right, [&](int64_t k) { return row[k]; });
        }
      }
    });
  });
  result.finish();
}

Tensor number_tensor(const TlValue& v, TlDevice device) {
  Tensor t = empty({}, scalar_dtype(v), device);
  fill(t.get(), v);
  return t;
}

// ---------------------------------------------------------------- searchsorted(boundaries, values)
bool from_the_right(const Call& c) {
  const bool right = c.boolean(3);
  if (!c.has(4)) return right;
  const std::string side(c.string(4));
  TL_CHECK(side == "left" || side == "right", "torch.searchsorted(): side can only be 'left' or 'right' but got ", side);
  TL_CHECK(side == "right" || !right, "torch.searchsorted(): side and right can't be set to opposites, got side of left while right was True");
  return side == "right";
}
void searchsorted_shape(Call& c) {
  const TensorImpl* b = c.handle(0);
  const TensorImpl* v = c.handle(1);
  TL_CHECK(b->ndim > 0, "torch.searchsorted(): boundaries tensor should have positive dimension, but got 0 dimension");
  from_the_right(c);
  TL_CHECK(b->ndim == 1 || (v && v->ndim > 0), "torch.searchsorted(): input value can be a scalar only when boundaries tensor dimension is 1, ",
           "but we got boundaries tensor dim(", b->ndim, ") and input value's dim(0) numel(1)");
  if (v && b->ndim > 1) {
    bool match = v->ndim == b->ndim;
    for (int d = 0; match && d + 1 < b->ndim; ++d) match = v->size(d) == b->size(d);
    TL_CHECK(match, "torch.searchsorted(): boundaries tensor should be 1 dimension or the first N-1 dimensions of boundaries tensor and input value tensor "
             "must match, but we got boundaries tensor ", to_string(b->size_span()), " and input value tensor ", to_string(v->size_span()));
  }
  if (const TensorImpl* s = c.handle(5)) {
    TL_CHECK(same_sizes(s->size_span(), b->size_span()), "torch.searchsorted(): boundary and sorter must have the same size, but got boundary tensor ",
             to_string(b->size_span()), "and got sorter tensor ", to_string(s->size_span()));
    TL_CHECK(s->dtype == DType::Int64, "torch.searchsorted(): sorter must be a tensor of long dtype but got dtype ", dtype_long_name(s->dtype));
  }
  c.output(0, v ? v->size_span() : Sizes(), c.boolean(2) ? TL_INT32 : TL_INT64, b->device);
}
void searchsorted_cpu(Call& c) {
  TensorImpl* b = c.handle(0);
  if (TensorImpl* s = c.handle(5)) {
    const Tensor order = dense_as(s, DType::Int64);
    for (int64_t i = 0; i < order.numel(); ++i)
      TL_CHECK(order.ptr<int64_t>()[i] >= 0 && order.ptr<int64_t>()[i] < b->size(b->ndim - 1), "torch.searchsorted(): sorter index out of range");
  }
  const Tensor v = c.handle(1) ? Tensor::share(c.handle(1)) : number_tensor(c.value(1), b->device);
  search(Tensor::share(b), v, c.handle(5), from_the_right(c), c.out_handle());
}

// ---------------------------------------------------------------- bucketize(values, boundaries)
void bucketize_shape(Call& c) {
  const TensorImpl *v = c.handle(0), *b = c.handle(1);
  TL_CHECK(b->ndim == 1, "boundaries tensor must be 1 dimension, but got dim(", b->ndim, ")");
  c.output(0, v ? v->size_span() : Sizes(), c.boolean(2) ? TL_INT32 : TL_INT64, b->device);
}
void bucketize_cpu(Call& c) {
  const Tensor b = Tensor::share(c.handle(1));
  const Tensor v = c.handle(0) ? Tensor::share(c.handle(0)) : number_tensor(c.value(0), b.device());
  search(b, v, nullptr, c.boolean(3), c.out_handle());
}

// ---------------------------------------------------------------- isin
void isin_shape(Call& c) {
  for (uint32_t i = 0; i < 2; ++i)
    if (const TensorImpl* t = c.handle(i))
      TL_CHECK(!is_complex(t->dtype) && t->dtype != DType::Bool, "Unsupported input type encountered for isin(): ", dtype_long_name(t->dtype));
  TL_CHECK(c.handle(0) || c.handle(1), "isin(): at least one of elements and test_elements must be a tensor");
  const TensorImpl* e = c.handle(0);
  c.output(0, e ? e->size_span() : Sizes(), TL_BOOL_DT, e ? e->device : c.handle(1)->device);
}
void isin_cpu(Call& c) {
  TensorImpl* out = c.out_handle();
  if (out->numel == 0) return;
  const Tensor elements = c.handle(0) ? Tensor::share(c.handle(0)) : number_tensor(c.value(0), kCpu);
  const Tensor tests = c.handle(1) ? Tensor::share(c.handle(1)) : number_tensor(c.value(1), kCpu);
  ResultType common;
  for (uint32_t i = 0; i < 2; ++i) c.handle(i) ? common.add(c.handle(i)) : common.add_scalar(c.value(i));
  const DType t = dtype_of_compute(compute_type(common.get()));
  const Tensor x = dense_as(elements.get(), t), y = dense_as(tests.get(), t);
  const bool invert = c.boolean(3);
  compute_type_of(t, [&]<class T>() {
    std::vector<T> sorted;
    for (int64_t i = 0; i < y.numel(); ++i)
      if (y.ptr<T>()[i] == y.ptr<T>()[i]) sorted.push_back(y.ptr<T>()[i]);  // a NaN equals nothing
    std::sort(sorted.begin(), sorted.end());
    parallel_for(0, x.numel(), 4096, [&](int64_t b, int64_t e) {
      for (int64_t i = b; i < e; ++i) {
        const T v = x.ptr<T>()[i];
        const auto at = std::lower_bound(sorted.begin(), sorted.end(), v);
        out->ptr<bool>()[i] = (at != sorted.end() && *at == v) != invert;
      }
    });
  });
}

}  // namespace

TL_OPS(search) {
  tl::def<searchsorted_shape>(
      "searchsorted(Tensor sorted_sequence, Tensor|Scalar self, *, bool out_int32=False, bool right=False, str? side=None, Tensor? sorter=None) -> Tensor",
      kOut | kNoGrad,
      "Where the values belong in the sorted last dimension of sorted_sequence: before equal elements, or after them with side='right'. int64 or int32.")
      .cpu<searchsorted_cpu>();
  tl::def<bucketize_shape>("bucketize(Tensor|Scalar self, Tensor boundaries, *, bool out_int32=False, bool right=False) -> Tensor", kOut | kNoGrad,
                           "The number of the bucket between sorted boundaries that each value falls into.")
      .cpu<bucketize_cpu>();
  tl::def<isin_shape>("isin(Tensor|Scalar elements, Tensor|Scalar test_elements, *, bool assume_unique=False, bool invert=False) -> Tensor", kOut | kNoGrad,
                      "Whether each element occurs among the test elements: bool.")
      .cpu<isin_cpu>();
}

}  // namespace tallow
