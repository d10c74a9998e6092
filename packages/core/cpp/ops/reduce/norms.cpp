// linalg_vector_norm and norm.
#include <cmath>

#include "ops/pointwise/pointwise.hpp"
#include "ops/reduce/engine.hpp"

namespace tallow {
namespace {

using tl::Call;

DType norm_dtype(const Call& c) { return dtype_arg(c, 4, c.handle(0)->dtype); }

std::string number(double p) { return std::isinf(p) ? (p > 0 ? "inf" : "-inf") : str(p); }

void norm_shape(Call& c) {
  const TensorImpl* t = c.handle(0);
  TL_CHECK(is_inexact(t->dtype), "linalg.vector_norm: Expected a floating point or complex tensor as input. Got ", dtype_long_name(t->dtype));
  const DType as = norm_dtype(c);
  TL_CHECK(is_inexact(as), "linalg.vector_norm: dtype should be floating point or complex, but got ", dtype_long_name(as));
  TL_CHECK(is_complex(as) == is_complex(t->dtype), "linalg.vector_norm: dtype should be ", is_complex(t->dtype) ? "complex" : "real", " for ",
           is_complex(t->dtype) ? "complex" : "real", " inputs, but got ", dtype_long_name(as));
  TL_CHECK(promote(as, t->dtype) == as, "linalg.vector_norm: the dtype of the input (", dtype_long_name(t->dtype),
           ") should be convertible without narrowing to the specified dtype (", dtype_long_name(as), ")");
  TL_CHECK(c.value(1).tag != TL_COMPLEX, "linalg.vector_norm: Expected a non-complex scalar as the order of norm.");
  const DimMask mask = dim_mask(c.ints(2), t->ndim, "linalg.vector_norm");
  const double p = c.number(1, 2);
  if (t->numel == 0 && (p < 0 || std::isinf(p))) {
    TL_CHECK(!c.ints(2).empty(), "linalg.vector_norm cannot compute the ", number(p),
             " norm on an empty tensor because the operation does not have an identity");
    for (int d = 0; d < t->ndim; ++d)
      TL_CHECK(!mask.reduced[d] || t->size(d) > 0, "linalg.vector_norm cannot compute the ", number(p), " norm on the dimension ", d,
               " because this dimension is empty and the operation does not have an identity");
  }
  c.output(0, reduced_sizes(t, mask, c.boolean(3)), code(to_real(as)), t->device);
}

struct Root {
  double p;
  DType out;
};
void finish_root(const void* acc, int64_t n, char* out, const void* context) {
  const auto& r = *static_cast<const Root*>(context);
  const CastFn cast = cast_fn(DType::Float64, r.out);
  const auto* a = static_cast<const double*>(acc);
  double roots[256];
  for (int64_t i = 0; i < n; i += 256) {
    const int64_t k = std::min<int64_t>(256, n - i);
    for (int64_t j = 0; j < k; ++j) roots[j] = r.p == 2 ? std::sqrt(a[i + j]) : std::pow(a[i + j], 1 / r.p);
    cast(reinterpret_cast<const char*>(roots), 8, out + i * itemsize(r.out), itemsize(r.out), k);
  }
}

template <class T>
void magnitudes(const TensorImpl* t, TensorImpl* out) {
  const auto* x = t->ptr<std::complex<T>>();
  T* y = out->ptr<T>();
  parallel_for(0, out->numel, 16384, [&](int64_t b, int64_t e) {
    for (int64_t i = b; i < e; ++i) y[i] = std::abs(x[i]);
  });
}

void norm_cpu(Call& c) {
  Tensor t = Tensor::share(c.handle(0));
  const DType as = norm_dtype(c);
  const DimMask mask = dim_mask(c.ints(2), t.ndim(), "linalg.vector_norm");
  if (is_complex(as)) {
    Tensor dense = empty(t.sizes(), as), real = empty(t.sizes(), to_real(as));
    copy_into(dense.get(), t.get());
    as == DType::Complex64 ? magnitudes<float>(dense.get(), real.get()) : magnitudes<double>(dense.get(), real.get());
    t = std::move(real);
  }
  const double p = c.number(1, 2);
  TensorImpl* out = c.out_handle();
  const DType compute = compute_dtype(to_real(as));
  Reduction r{Reducer::PowerSum, compute, p};
  const Root root{p, out->dtype};
  if (p == 0) r.reducer = Reducer::Count, r.compute = DType::Bool;
  else if (std::isinf(p)) r.reducer = p > 0 ? Reducer::AbsMax : Reducer::AbsMin;
  else if (p == 1) r.reducer = Reducer::AbsSum;
  else r.reducer = p == 2 ? Reducer::SquareSum : Reducer::PowerSum, r.finish = finish_root, r.context = &root;
  reduce(r, t.get(), mask, out);
}

void norm(Call& c) { c.ret(tl::call<"linalg_vector_norm">(c.value(0), c.has(1) ? c.value(1) : tl::pack(2), c.value(2), c.value(3), c.value(4))); }

void named_norm(Call& c) {
  const std::string_view p = c.string(1);
  TL_CHECK(p == "fro" || p == "nuc", "norm(): expected p to be a number, 'fro' or 'nuc', but got '", std::string(p), "'");
  if (p == "nuc") {
    TL_CHECK(c.has(2) || c.handle(0)->ndim == 2, "norm(): p='nuc' needs a matrix, or two dims, but got a tensor with ", c.handle(0)->ndim, " dimensions");
    const Dims last{-2, -1};
    return c.ret(tl::call<"linalg_matrix_norm.str_ord">(c.value(0), "nuc", c.has(2) ? c.value(2) : tl::pack(last), c.value(3), c.value(4)));
  }
  c.ret(tl::call<"linalg_vector_norm">(c.value(0), 2, c.value(2), c.value(3), c.value(4)));
}

}  // namespace

TL_OPS(norms) {
  tl::def<norm_shape>("linalg_vector_norm(Tensor self, Scalar ord=2, int[1]? dim=None, bool keepdim=False, *, dtype? dtype=None) -> Tensor",
                      kOut | TL_OP_REDUCTION,
                      "The p-norm of the elements over the given dimensions, or over all: (sum |x|^p)^(1/p); inf and -inf give the largest and "
                      "smallest magnitude, 0 the number of elements that are not zero. Floating point and complex only; the result is real.")
      .cpu<norm_cpu>();
  tl::composite<norm>("norm(Tensor self, Scalar? p=2, int[1]? dim=None, bool keepdim=False, *, dtype? dtype=None) -> Tensor", kMethod | kOut | TL_OP_ANY_LAYOUT,
                      "The p-norm of the elements: linalg.vector_norm().");
  tl::composite<named_norm>("norm.name(Tensor self, str p, int[1]? dim=None, bool keepdim=False, *, dtype? dtype=None) -> Tensor", kMethod | kOut | TL_OP_ANY_LAYOUT,
                            "The Frobenius norm ('fro') or the sum of the singular values ('nuc').");
}

}  // namespace tallow
