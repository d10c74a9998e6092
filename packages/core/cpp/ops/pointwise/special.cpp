// Special functions in terms of the table's ops.
#include <cmath>

#include "ops/family.hpp"
#include "ops/pointwise/pointwise.hpp"

namespace tallow {
namespace {

void polygamma_method(tl::Call& c) { c.ret(tl::call<"polygamma">(c.integer(1), c.tensor(0))); }

// log of the multivariate gamma function (James, "Distributions of matrix variates", 1964): a sum of p lgammas.
void mvlgamma(tl::Call& c) {
  tl::Tensor x = c.tensor(0);
  const int64_t p = c.integer(1);
  TL_CHECK(p >= 1, "p has to be greater than or equal to 1");
  if (is_integral(x.get()->dtype, true)) x = tl::call<"_to">(x, tl::Dtype{code(default_dtype())});
  TL_CHECK_KIND(TL_NOT_IMPLEMENTED_ERROR, is_floating(x.get()->dtype), "\"mvlgamma\" not implemented for '", dtype_long_name(x.get()->dtype), "'");
  const tl::Tensor halves =
      tl::call<"arange.start_step">(0.5 * (1 - static_cast<double>(p)), 0.25, 0.5, tl::kw("dtype", tl::Dtype{x.dtype()}), tl::kw("device", x.device()));
  const tl::Tensor terms = tl::call<"lgamma">(tl::call<"add">(tl::call<"unsqueeze">(x, -1), halves));
  c.ret(tl::call<"add">(tl::call<"sum">(terms, Dims{-1}), 0.25 * static_cast<double>(p * (p - 1)) * std::log(3.14159265358979323846)));
}

// Mantissas of magnitude [0.5, 1) and exponents.
void frexp_shape(tl::Call& c) {
  const TensorImpl* t = c.handle(0);
  TL_CHECK(is_floating(t->dtype), "frexp() only supports floating-point dtypes");
  c.output(0, t->size_span(), code(t->dtype), t->device);
  c.output(1, t->size_span(), code(DType::Int32), t->device);
}
void frexp_cpu(tl::Call& c) {
  const TensorImpl* t = c.handle(0);
  Tensor in = empty(t->size_span(), DType::Float64, t->device), mantissa = empty(t->size_span(), DType::Float64, t->device);
  copy_into(in.get(), t);
  const double* x = in.ptr<double>();
  double* m = mantissa.ptr<double>();
  int32_t* e = c.out_handle(1)->ptr<int32_t>();
  parallel_for(0, t->numel, 16384, [&](int64_t b, int64_t end) {
    for (int64_t i = b; i < end; ++i) {
      int power = 0;
      m[i] = std::frexp(x[i], &power);
      e[i] = power;
    }
  });
  copy_into(c.out_handle(0), mantissa.get());
}

}  // namespace

TL_OPS(special_composites) {
  tl::composite<polygamma_method>("polygamma.method(Tensor self, int n) -> Tensor", kMethod | kInPlace);
  tl::composite<mvlgamma>("mvlgamma(Tensor self, int p) -> Tensor", kMethod | kInPlace | kOut, "The logarithm of the multivariate gamma function of dimension p.");
  tl::composite<mvlgamma>("special::multigammaln(Tensor self, int p) -> Tensor", kOut, "Alias of mvlgamma().");
  tl::def<frexp_shape>("frexp(Tensor self) -> (Tensor mantissa, Tensor exponent)", kMethod | kOut, "Splits x into mantissa * 2**exponent with 0.5 <= |mantissa| < 1.")
      .cpu<frexp_cpu>();
}

}  // namespace tallow
