// Statistics of several variables, and reductions to a size, in terms of other ops.
#include "ops/family.hpp"

namespace tallow {
namespace {

using tl::call;
using tl::Call;

// ---------------------------------------------------------------- cov, corrcoef
void check_weights(TensorImpl* w, int64_t observations, const char* name, bool integral) {
  TL_CHECK(w->ndim <= 1, "cov(): expected ", name, " to have one or fewer dimensions but got ", name, " with ", w->ndim, " dimensions");
  TL_CHECK(integral ? is_integral(w->dtype) : is_floating(w->dtype), "cov(): expected ", name, " to have ", integral ? "integral" : "floating point",
           " dtype but got ", name, " with ", dtype_long_name(w->dtype), " dtype");
  TL_CHECK(w->numel == observations, "cov(): expected ", name, " to have the same numel as there are observations in the input but got ", w->numel,
           " != ", observations);
  TL_CHECK(w->numel == 0 || w->is_meta() || tl::to_double(tl::call_scalar<"runtime::item">(call<"min">(w))) >= 0, "cov(): ", name,
           " cannot be negative");
}

void cov(Call& c) {
  tl::Tensor x = c.tensor(0), weights;
  TL_CHECK(x.ndim() <= 2, "cov(): expected input to have two or fewer dimensions but got an input with ", x.ndim(), " dimensions");
  TL_CHECK(x.get()->dtype != DType::Bool, "cov(): bool dtype is not supported for input");
  if (x.ndim() < 2) x = call<"reshape">(x, Dims{1, -1});
  const int64_t n = x.size(1), correction = c.integer(1, 1);
  if (c.has(2)) check_weights(c.handle(2), n, "fweights", true), weights = call<"reshape">(c.tensor(2), Dims{-1});
  if (c.has(3)) {
    check_weights(c.handle(3), n, "aweights", false);
    const tl::Tensor a = call<"reshape">(c.tensor(3), Dims{-1});
    weights = weights ? call<"mul">(weights, a) : a;
  }
  // The number of observations, less the degrees of freedom that the mean takes: not less than 0.
  tl::Tensor mean, factor;
  if (weights) {
    const tl::Tensor total = call<"sum">(weights);
    TL_CHECK(n == 0 || total.get()->is_meta() || tl::to_double(tl::call_scalar<"runtime::item">(total)) != 0,
             "cov(): weights sum to zero, can't be normalized");
    mean = call<"div">(call<"sum">(call<"mul">(x, weights), Dims{1}), total);
    if (c.has(3) && correction)
      factor = call<"sub">(total, call<"div">(call<"mul">(call<"sum">(call<"mul">(weights, c.tensor(3))), correction), total));
    else
      factor = call<"sub">(total, correction);
  } else {
    mean = call<"div">(call<"sum">(x, Dims{1}), n);
    factor = call<"_to">(call<"full">(Dims{}, std::max<int64_t>(n - correction, 0)), tl::Dtype{mean.dtype()}, x.device());
  }
  factor = call<"clamp">(is_complex(factor.get()->dtype) ? call<"real">(factor) : factor, 0);
  x = call<"sub">(x, call<"unsqueeze">(mean, 1));
  const tl::Tensor other = call<"conj">(call<"t">(weights ? call<"mul">(x, weights) : x));
  c.ret(call<"squeeze">(call<"div">(call<"matmul">(x, other), factor)));
}

void corrcoef(Call& c) {
  TL_CHECK(c.handle(0)->ndim <= 2, "corrcoef(): expected input to have two or fewer dimensions but got an input with ", c.handle(0)->ndim, " dimensions");
  tl::Tensor r = call<"cov">(c.tensor(0));
  if (r.ndim() == 0) return c.ret(call<"div">(r, r));
  const bool complex = is_complex(r.get()->dtype);
  const tl::Tensor variance = call<"diagonal">(r), deviation = call<"sqrt">(complex ? call<"real">(variance) : variance);
  r = call<"div">(call<"div">(r, call<"unsqueeze">(deviation, 1)), call<"unsqueeze">(deviation, 0));
  if (!complex) return c.ret(call<"clamp">(r, -1, 1));
  c.ret(call<"complex">(call<"clamp">(call<"real">(r), -1, 1), call<"clamp">(call<"imag">(r), -1, 1)));
}

// ---------------------------------------------------------------- renorm
void renorm(Call& c) {
  const TensorImpl* t = c.handle(0);
  const int64_t dim = wrap_dim(c.integer(2), t->ndim);
  TL_CHECK(c.value(1).tag != TL_COMPLEX && c.number(1) > 0, "renorm: non-positive-norm not supported");
  TL_CHECK(c.value(3).tag != TL_COMPLEX && c.number(3) >= 0, "renorm: expected maxnorm to be >= 0 but got ", c.number(3));
  TL_CHECK(t->ndim > 1, "renorm: input needs at least 2 dimensions, got ", t->ndim, " dimensions");
  TL_CHECK(is_inexact(t->dtype), "renorm: expected a floating point or complex tensor, got ", dtype_long_name(t->dtype));
  Dims others;
  for (int64_t d = 0; d < t->ndim; ++d)
    if (d != dim) others.push_back(d);
  const tl::Tensor norm = call<"linalg_vector_norm">(c.tensor(0), c.number(1), others, true);
  // 1e-7 keeps the result below the bound in spite of rounding
  const tl::Tensor shrunk = call<"mul">(call<"reciprocal">(call<"add">(norm, 1e-7)), c.number(3));
  const tl::Tensor factor = call<"where">(call<"gt">(norm, c.number(3)), shrunk, call<"ones_like">(norm));
  c.ret(call<"_to">(call<"mul">(c.tensor(0), factor), tl::Dtype{code(t->dtype)}));
}

// ---------------------------------------------------------------- sum_to_size
void sum_to_size(Call& c) {
  const TensorImpl* t = c.handle(0);
  const Sizes want = c.ints(1);
  const auto lead = static_cast<int64_t>(t->ndim) - static_cast<int64_t>(want.size());
  bool fits = lead >= 0;
  Dims summed;
  for (int64_t d = 0; fits && d < t->ndim; ++d) {
    if (d < lead) {
      summed.push_back(d);
    } else if (const int64_t w = want[static_cast<size_t>(d - lead)]; w != t->size(d)) {
      fits = w == 1;
      summed.push_back(d);
    }
  }
  TL_CHECK(fits, "size {", to_string(want), "} is not expandable to size {", to_string(t->size_span()), "}.");
  const Dims sizes(want.begin(), want.end());
  tl::Tensor r = c.tensor(0);
  if (!summed.empty()) r = call<"sum">(r, summed, true);
  c.ret(call<"reshape">(r, sizes));
}

}  // namespace

TL_OPS(statistics) {
  tl::composite<cov>("cov(Tensor self, *, int correction=1, Tensor? fweights=None, Tensor? aweights=None) -> Tensor", kMethod,
                     "The covariance matrix of variables (rows) over observations (columns), with frequencies and weights of the observations.");
  tl::composite<corrcoef>("corrcoef(Tensor self) -> Tensor", kMethod, "The matrix of Pearson's correlation coefficients of variables (rows).");
  tl::composite<renorm>("renorm(Tensor self, Scalar p, int dim, Scalar maxnorm) -> Tensor", kMethod | kInPlace | kOut,
                        "Each slice along dim whose p-norm is above maxnorm is scaled down to it.");
  tl::composite<sum_to_size>("sum_to_size(Tensor self, int[] size) -> Tensor", kMethod | TL_OP_NO_FUNCTION,
                             "The sum over the dimensions by which `size` would be broadcast to this tensor.");
}

}  // namespace tallow
