// argmax, argmin, and max and min over one dimension with their positions.
#include <algorithm>

#include "ops/family.hpp"
#include "ops/pointwise/pointwise.hpp"
#include "ops/reduce/arg_loops.hpp"
#include "vec/isa.hpp"

namespace tallow {
namespace baseline { const ArgTable* arg_table(); }
namespace avx2 { const ArgTable* arg_table(); }
namespace avx512 { const ArgTable* arg_table(); }

namespace {

using tl::Call;

const ArgLoops& arg_loops(bool max, ComputeType c) {
  static const ArgTable* t = TL_FOR_THIS_PROCESSOR(arg_table());
  return t->loops[!max][c];
}

// Positions along the middle of [outer, n, inner]; values too, if wanted, in the compute type.
void run(bool max, const TensorImpl* in, int64_t outer, int64_t n, int64_t inner, int64_t* indices, TensorImpl* values) {
  Tensor held = in->contiguous() ? Tensor::share(const_cast<TensorImpl*>(in)) : empty(in->size_span(), in->dtype);
  if (!in->contiguous()) copy_into(held.get(), in);
  const ComputeType ct = compute_type(in->dtype);
  const DType cd = dtype_of_compute(ct);
  if (held.dtype() != cd) held = cast_to(held.get(), cd);
  Tensor wide;
  if (values) wide = values->dtype == cd ? Tensor::share(values) : empty(values->size_span(), cd);
  const ArgLoops& loops = arg_loops(max, ct);
  const int64_t item = itemsize(cd);
  const char* x = held.ptr<char>();
  char* v = values ? wide.ptr<char>() : nullptr;
  if (inner == 1) {
    parallel_for(0, outer, std::max<int64_t>(1, 65536 / n), [&](int64_t b, int64_t e) {
      loops.inner(x + b * n * item, e - b, n, n, indices + b, v ? v + b * item : nullptr);
    });
  } else {
    const int64_t width = std::min<int64_t>(inner, 512), tiles = (inner + width - 1) / width;
    parallel_for(0, outer * tiles, std::max<int64_t>(1, 65536 / (n * width)), [&](int64_t b, int64_t e) {
      for (int64_t i = b; i < e; ++i) {
        const int64_t o = i / tiles, c = i % tiles * width, at = o * inner + c;
        loops.outer(x + (o * n * inner + c) * item, n, inner, std::min(width, inner - c), indices + at, v ? v + at * item : nullptr);
      }
    });
  }
  if (values && wide.get() != values) copy_into(values, wide.get());
}

void run_dim(bool max, const TensorImpl* t, int64_t dim, int64_t* indices, TensorImpl* values) {
  int64_t outer = 1, inner = 1;
  for (int64_t d = 0; d < t->ndim; ++d) (d < dim ? outer : d > dim ? inner : outer) *= d == dim ? 1 : t->size(d);
  run(max, t, outer, t->ndim ? t->size(dim) : 1, inner, indices, values);
}

Dims without(const TensorImpl* t, int64_t dim, bool keepdim) {
  Dims s(t->size_span().begin(), t->size_span().end());
  if (s.empty()) return s;
  if (keepdim) s[dim] = 1;
  else s.erase(s.begin() + dim);
  return s;
}

void arg_shape(Call& c) {
  const TensorImpl* t = c.handle(0);
  const char* op = c.op()->schema.name.c_str();
  TL_CHECK(!is_complex(t->dtype), op, "(): does not support complex input");
  TL_CHECK(t->dtype != DType::Bool, op, "(): does not support bool input");
  if (!c.has(1)) {
    TL_CHECK_INDEX(t->numel > 0, op, "(): Expected reduction dim to be specified for input.numel() == 0.");
    return c.output(0, Dims(c.boolean(2) ? t->ndim : 0, 1), TL_INT64, t->device);
  }
  const int64_t dim = wrap_dim(c.integer(1), t->ndim);
  TL_CHECK_INDEX(t->ndim == 0 || t->size(dim) > 0, op, "(): Expected reduction dim ", dim, " to have non-zero size.");
  c.output(0, without(t, dim, c.boolean(2)), TL_INT64, t->device);
}
template <bool Max>
void arg_cpu(Call& c) {
  const TensorImpl* t = c.handle(0);
  TensorImpl* out = c.out_handle();
  if (out->numel == 0) return;
  if (c.has(1)) run_dim(Max, t, wrap_dim(c.integer(1), t->ndim), out->ptr<int64_t>(), nullptr);
  else run(Max, t, 1, t->numel, 1, out->ptr<int64_t>(), nullptr);
}

void dim_shape(Call& c) {
  const TensorImpl* t = c.handle(0);
  const char* op = c.op()->schema.name.c_str();
  TL_CHECK(!is_complex(t->dtype), op, "(): does not support complex input");
  const int64_t dim = wrap_dim(c.integer(1), t->ndim);
  TL_CHECK_INDEX(t->ndim == 0 || t->size(dim) > 0, op, "(): Expected reduction dim ", dim, " to have non-zero size.");
  const Dims sizes = without(t, dim, c.boolean(2));
  c.output(0, sizes, code(t->dtype), t->device);
  c.output(1, sizes, TL_INT64, t->device);
}
template <bool Max>
void dim_cpu(Call& c) {
  const TensorImpl* t = c.handle(0);
  if (c.out_handle(1)->numel) run_dim(Max, t, wrap_dim(c.integer(1), t->ndim), c.out_handle(1)->ptr<int64_t>(), c.out_handle(0));
}

}  // namespace

void register_max_dim() {
  tl::def<dim_shape>("max.dim(Tensor self, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)", kMethod | kOut,
                     "The largest element along dim and the position of its first occurrence; the first NaN wins.")
      .cpu<dim_cpu<true>>();
  tl::def<dim_shape>("min.dim(Tensor self, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)", kMethod | kOut,
                     "The smallest element along dim and the position of its first occurrence; the first NaN wins.")
      .cpu<dim_cpu<false>>();
}

TL_OPS(arg_extrema) {
  tl::def<arg_shape>("argmax(Tensor self, int? dim=None, bool keepdim=False) -> Tensor", kMethod | kOut | kNoGrad,
                     "The position of the largest element along dim, or in the flattened tensor: int64, the first of equal ones.")
      .cpu<arg_cpu<true>>();
  tl::def<arg_shape>("argmin(Tensor self, int? dim=None, bool keepdim=False) -> Tensor", kMethod | kOut | kNoGrad,
                     "The position of the smallest element along dim, or in the flattened tensor: int64, the first of equal ones.")
      .cpu<arg_cpu<false>>();
}

}  // namespace tallow
