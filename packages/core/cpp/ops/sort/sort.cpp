// sort, argsort, msort.
#include "ops/sort/lines.hpp"

namespace tallow {
namespace {

using tl::Call;

template <class T>
void sort_lines(const TensorImpl* t, const ScanShape& s, bool descending, T* values, int64_t* indices) {
  each_sort_line<T>(t, s, 2, [&](const T* x, int64_t stride, int64_t line, packed_for<T>* a) {
    encode(x, stride, s.n, descending, a);
    sort_packed(a, a + s.n, s.n);
    const int64_t base = line / stride * s.n * stride + line % stride;
    for (int64_t i = 0; i < s.n; ++i) {
      const int64_t from = index_of(a[i]);
      if (values) values[base + i * stride] = x[from * stride];
      indices[base + i * stride] = from;
    }
  });
}

void check(const Call& c) {
  const TensorImpl* t = c.handle(0);
  TL_CHECK(!is_complex(t->dtype), " Sort does not support complex dtypes on CPU");
  wrap_dim(c.integer(1), t->ndim);
}
void run(const Call& c, TensorImpl* values, TensorImpl* indices) {
  if (indices->numel == 0) return;
  const Tensor x = dense_as(c.handle(0), c.handle(0)->dtype);
  const ScanShape s(x.get(), wrap_dim(c.integer(1), x.ndim()));
  real_dtype(x.dtype(), "sort_stable", [&]<class T>() {
    sort_lines<T>(x.get(), s, c.boolean(2), values ? values->ptr<T>() : nullptr, indices->ptr<int64_t>());
  });
}

void sort_shape(Call& c) {
  const TensorImpl* t = c.handle(0);
  check(c);
  c.output(0, t->size_span(), code(t->dtype), t->device);
  c.output(1, t->size_span(), TL_INT64, t->device);
}
void sort_cpu(Call& c) { run(c, c.out_handle(0), c.out_handle(1)); }
void argsort_shape(Call& c) {
  check(c);
  c.output(0, c.handle(0)->size_span(), TL_INT64, c.handle(0)->device);
}
void argsort_cpu(Call& c) { run(c, nullptr, c.out_handle(0)); }
void msort(Call& c) { c.ret(std::move(tl::call<"sort", 2>(c.value(0), 0)[0])); }

}  // namespace

TL_OPS(sort) {
  tl::def<sort_shape>("sort(Tensor self, int dim=-1, bool descending=False, bool? stable=None) -> (Tensor values, Tensor indices)", kMethod | kOut,
                      "The elements in order along dim, and where they stood. Always stable; NaN counts as the largest.")
      .cpu<sort_cpu>();
  tl::def<argsort_shape>("argsort(Tensor self, int dim=-1, bool descending=False, bool? stable=None) -> Tensor", kMethod | kOut | kNoGrad,
                         "The positions of the elements in order along dim. Always stable; NaN counts as the largest.")
      .cpu<argsort_cpu>();
  tl::composite<msort>("msort(Tensor self) -> Tensor", kMethod | kOut, "The elements in order along the first dimension.");
}

}  // namespace tallow
