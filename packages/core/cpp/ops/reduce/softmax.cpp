// softmax, log_softmax, what their gradients call, and logsumexp.
#include <algorithm>

#include "ops/cumulative/scan.hpp"
#include "ops/reduce/engine.hpp"
#include "ops/reduce/softmax_loops.hpp"
#include "vec/isa.hpp"

namespace tallow {
namespace baseline { const SoftmaxLoops* softmax_loops(); }
namespace avx2 { const SoftmaxLoops* softmax_loops(); }
namespace avx512 { const SoftmaxLoops* softmax_loops(); }

namespace {

using tl::Call;

const SoftmaxLoops& loops_for(DType t) {
  static const SoftmaxLoops* l = TL_FOR_THIS_PROCESSOR(softmax_loops());
  return l[t == DType::Float64];
}

struct Layout {
  int64_t outer = 1, n = 1, inner = 1;
  Layout(const TensorImpl* t, int64_t dim) {
    for (int64_t d = 0; d < t->ndim; ++d) (d < dim ? outer : d > dim ? inner : n) *= t->size(d);
  }
  // f(offset, count, columns): count rows from offset on, or `columns` neighbouring columns.
  template <class F>
  void run(F f) const {
    if (inner == 1) {
      parallel_for(0, outer, std::max<int64_t>(1, 32768 / std::max<int64_t>(1, n)), [&](int64_t b, int64_t e) { f(b * n, e - b, 0); });
      return;
    }
    const int64_t tiles = (inner + kSoftmaxColumns - 1) / kSoftmaxColumns;
    parallel_for(0, outer * tiles, std::max<int64_t>(1, 32768 / (n * std::min(inner, kSoftmaxColumns))), [&](int64_t b, int64_t e) {
      for (int64_t i = b; i < e; ++i) {
        const int64_t c = i % tiles * kSoftmaxColumns;
        f(i / tiles * n * inner + c, 1, std::min(kSoftmaxColumns, inner - c));
      }
    });
  }
};

// ---------------------------------------------------------------- forward
template <bool Log>
void forward_shape(Call& c) {
  const TensorImpl* t = c.handle(0);
  wrap_dim(c.integer(1), t->ndim);
  if (!is_floating(t->dtype))
    fail(TL_NOT_IMPLEMENTED_ERROR, Log ? "\"log_softmax_lastdim_kernel_impl" : "\"softmax_kernel_impl",
         "\" not implemented for '", dtype_long_name(t->dtype), "'");
  c.output(0, t->size_span(), c.boolean(2) ? TL_FLOAT32 : code(t->dtype), t->device);
}
template <bool Log>
void forward_cpu(Call& c) {
  TensorImpl* out = c.out_handle();
  if (out->numel == 0) return;
  const DType compute = compute_dtype(out->dtype);
  const Tensor x = dense_as(c.handle(0), compute);
  const Tensor y = out->dtype == compute ? Tensor::share(out) : empty(out->size_span(), compute);
  const SoftmaxLoops& l = loops_for(compute);
  const int64_t item = itemsize(compute);
  const Layout layout(x.get(), wrap_dim(c.integer(1), x.ndim()));
  layout.run([&](int64_t at, int64_t rows, int64_t columns) {
    const char* from = x.ptr<char>() + at * item;
    char* to = y.ptr<char>() + at * item;
    if (columns) l.columns(from, to, layout.n, layout.inner, columns, Log);
    else l.rows(from, to, rows, layout.n, Log);
  });
  if (y.get() != out) copy_into(out, y.get());
}

// ---------------------------------------------------------------- backward
void backward_shape(Call& c) {
  const TensorImpl *g = c.handle(0), *y = c.handle(1);
  TL_CHECK(same_sizes(g->size_span(), y->size_span()), c.op()->schema.name, ": grad_output of shape ", to_string(g->size_span()),
           " and output of shape ", to_string(y->size_span()), " must have the same shape");
  wrap_dim(c.integer(2), y->ndim);
  c.output(0, y->size_span(), code(dtype_arg(c, 3, y->dtype)), y->device);
}
template <bool Log>
void backward_cpu(Call& c) {
  TensorImpl* out = c.out_handle();
  if (out->numel == 0) return;
  const DType compute = compute_dtype(c.handle(1)->dtype);
  const Tensor g = dense_as(c.handle(0), compute), y = dense_as(c.handle(1), compute);
  const Tensor dx = out->dtype == compute ? Tensor::share(out) : empty(out->size_span(), compute);
  const SoftmaxLoops& l = loops_for(compute);
  const int64_t item = itemsize(compute);
  const Layout layout(y.get(), wrap_dim(c.integer(2), y.ndim()));
  layout.run([&](int64_t at, int64_t rows, int64_t columns) {
    const int64_t o = at * item;
    if (columns) l.backward_columns(g.ptr<char>() + o, y.ptr<char>() + o, dx.ptr<char>() + o, layout.n, layout.inner, columns, Log);
    else l.backward_rows(g.ptr<char>() + o, y.ptr<char>() + o, dx.ptr<char>() + o, rows, layout.n, Log);
  });
  if (dx.get() != out) copy_into(out, dx.get());
}

// ---------------------------------------------------------------- public forms
tl::Tensor converted(Call& c, uint32_t arg) {
  return c.has(arg) ? tl::call<"_to">(c.value(0), c.value(arg)) : c.tensor(0);
}
void softmax(Call& c) { c.ret(tl::call<"_softmax">(converted(c, 2), c.value(1), false)); }
void log_softmax(Call& c) { c.ret(tl::call<"_log_softmax">(converted(c, 2), c.value(1), false)); }

// ---------------------------------------------------------------- logsumexp
void logsumexp_shape(Call& c) {
  const TensorImpl* t = c.handle(0);
  const DType result = is_integral(t->dtype, true) ? default_dtype() : t->dtype;
  if (is_complex(result)) fail(TL_NOT_IMPLEMENTED_ERROR, "logsumexp(): not implemented for '", dtype_long_name(t->dtype), "'");
  c.output(0, reduced_sizes(t, dim_mask(c, 1, t->ndim), c.boolean(2)), code(result), t->device);
}
void logsumexp_cpu(Call& c) {
  TensorImpl* t = c.handle(0);
  TensorImpl* out = c.out_handle();
  if (out->numel == 0) return;
  const DimMask mask = dim_mask(c, 1, t->ndim);
  const DType compute = compute_dtype(out->dtype);
  Dims sizes, strides;  // the reduced dimensions last
  for (int pass = 0; pass < 2; ++pass)
    for (int d = 0; d < t->ndim; ++d)
      if (mask.reduced[d] == (pass == 1)) sizes.push_back(t->size(d)), strides.push_back(t->stride(d));
  const Tensor moved = make_alias(t, sizes, strides, t->offset, t->dtype);
  const Tensor x = dense_as(moved.get(), compute);
  const Tensor y = out->dtype == compute ? Tensor::share(out) : empty(out->size_span(), compute);
  const SoftmaxLoops& l = loops_for(compute);
  const int64_t n = reduced_count(t, mask), item = itemsize(compute);
  parallel_for(0, out->numel, std::max<int64_t>(1, 32768 / std::max<int64_t>(1, n)), [&](int64_t b, int64_t e) {
    l.log_sum(x.ptr<char>() + b * n * item, y.ptr<char>() + b * item, e - b, n);
  });
  if (y.get() != out) copy_into(out, y.get());
}

}  // namespace

TL_OPS(softmax) {
  tl::def<forward_shape<false>>("_softmax(Tensor self, int dim, bool half_to_float) -> Tensor", kOut | TL_OP_HIDDEN,
                                "softmax() without conversions: floating point only.")
      .cpu<forward_cpu<false>>();
  tl::def<forward_shape<true>>("_log_softmax(Tensor self, int dim, bool half_to_float) -> Tensor", kOut | TL_OP_HIDDEN,
                               "log_softmax() without conversions: floating point only.")
      .cpu<forward_cpu<true>>();
  tl::def<backward_shape>("_softmax_backward_data(Tensor grad_output, Tensor output, int dim, dtype input_dtype) -> Tensor", kOut | TL_OP_HIDDEN,
                          "The gradient of softmax() from that of its result: (g - sum(g * y)) * y.")
      .cpu<backward_cpu<false>>();
  tl::def<backward_shape>("_log_softmax_backward_data(Tensor grad_output, Tensor output, int dim, dtype input_dtype) -> Tensor", kOut | TL_OP_HIDDEN,
                          "The gradient of log_softmax() from that of its result: g - exp(y) * sum(g).")
      .cpu<backward_cpu<true>>();
  tl::composite<softmax>("softmax(Tensor self, int dim, dtype? dtype=None) -> Tensor", kMethod | kOut,
                         "exp(x) / sum(exp(x)) along dim, without overflow. The input is converted to dtype first, if given.");
  tl::composite<log_softmax>("log_softmax(Tensor self, int dim, dtype? dtype=None) -> Tensor", kMethod | kOut,
                             "log(softmax(x)) along dim, without overflow. The input is converted to dtype first, if given.");
  tl::def<logsumexp_shape>("logsumexp(Tensor self, int[1] dim, bool keepdim=False) -> Tensor", kMethod | kOut | TL_OP_REDUCTION,
                           "log(sum(exp(x))) over the given dimensions, without overflow. Integers become the default floating type.")
      .cpu<logsumexp_cpu>();
}

}  // namespace tallow
