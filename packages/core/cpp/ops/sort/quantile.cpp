// quantile and nanquantile: sort, then gather and interpolate; in terms of other ops.
#include "ops/family.hpp"
#include "ops/pointwise/pointwise.hpp"

namespace tallow {
namespace {

using tl::Call;

tl::Tensor quantile(Call& c, const tl::Tensor& q, bool skip_nan) {
  const std::string op = c.op()->schema.name + "()";
  tl::Tensor x = c.tensor(0);
  const std::string mode(c.string(4));
  TL_CHECK(x.numel() > 0, op, " input tensor must be non-empty");
  TL_CHECK(q.ndim() <= 1, op, " q must be a scalar or 1D tensor");
  TL_CHECK(x.dtype() == TL_FLOAT32 || x.dtype() == TL_FLOAT64, op, " input tensor must be either float or double dtype");
  TL_CHECK(x.dtype() == q.dtype(), op, " q tensor must be same dtype as the input tensor");
  TL_CHECK(mode == "linear" || mode == "lower" || mode == "higher" || mode == "midpoint" || mode == "nearest", op,
           " interpolation must be one of linear, lower, higher, midpoint or nearest, but got ", mode);
  const int64_t ndim = x.ndim(), dim = c.has(2) ? wrap_dim(c.integer(2), ndim) : 0;
  const bool all = !c.has(2), keepdim = c.boolean(3);
  x = all || ndim == 0 ? tl::call<"reshape">(x, Dims{-1}) : tl::call<"movedim.int">(x, dim, -1);
  const tl::Tensor sorted = tl::call<"sort", 2>(x, -1)[0];
  const int64_t n = sorted.size(-1);
  // Ranks among the elements of each line: NaN are last, so the last rank finds one if there is any.
  const tl::Tensor nan = tl::call<"isnan">(x);
  tl::Tensor ranks;
  const tl::Tensor row = tl::call<"reshape">(q, Dims{-1});
  if (skip_nan) {
    const tl::Tensor numbers = tl::call<"sum">(tl::call<"logical_not">(nan), Dims{-1}, true);
    ranks = tl::call<"clamp">(tl::call<"mul">(row, tl::call<"sub">(numbers, 1)), 0);
  } else {
    const tl::Tensor has_nan = tl::call<"any">(nan, Dims{-1}, true);
    ranks = tl::call<"where">(has_nan, static_cast<double>(n - 1), tl::call<"mul">(row, n - 1));
    ranks = tl::call<"_to">(ranks, tl::Dtype{x.dtype()});
  }
  if (mode == "lower") ranks = tl::call<"floor">(ranks);
  else if (mode == "higher") ranks = tl::call<"ceil">(ranks);
  else if (mode == "nearest") ranks = tl::call<"round">(ranks);
  const tl::Tensor below = tl::call<"_to">(ranks, tl::Dtype{TL_INT64});
  tl::Tensor result = tl::call<"gather">(sorted, -1, below);
  if (mode == "linear" || mode == "midpoint") {
    const tl::Tensor above = tl::call<"_to">(tl::call<"ceil">(ranks), tl::Dtype{TL_INT64});
    const tl::Tensor upper = tl::call<"gather">(sorted, -1, above);
    if (mode == "linear") result = tl::call<"lerp">(result, upper, tl::call<"sub">(ranks, below));
    else result = tl::call<"lerp">(result, upper, 0.5);
  }
  // [lines..., q] becomes [q, lines...], with the reduced dimension back in place if asked.
  if (keepdim && all) {
    Dims ones(ndim, 1);
    ones.push_back(q.numel());
    result = tl::call<"reshape">(result, ones);
  } else if (keepdim && ndim) {
    result = tl::call<"unsqueeze">(result, dim);
  }
  result = tl::call<"movedim.int">(result, -1, 0);
  return q.ndim() ? result : tl::call<"select">(result, 0, 0);
}

void check_range(const std::string& op, const TensorImpl* q) {
  if (q->is_meta() || !is_floating(q->dtype)) return;
  const Tensor d = cast_to(q, DType::Float64);
  const auto n = d.numel();
  for (int64_t i = 0; i < n && d.contiguous(); ++i)
    TL_CHECK(d.ptr<double>()[i] >= 0 && d.ptr<double>()[i] <= 1, op, "() q values must be in the range [0, 1]");
}
template <bool SkipNan>
void with_tensor(Call& c) {
  check_range(c.op()->schema.name, c.handle(1));
  c.ret(quantile(c, c.tensor(1), SkipNan));
}
template <bool SkipNan>
void with_number(Call& c) {
  const double q = c.number(1);
  TL_CHECK(q >= 0 && q <= 1, c.op()->schema.name, "() q must be in the range [0, 1] but got ", q);
  const TensorImpl* t = c.handle(0);
  Tensor one = empty({}, t->dtype, t->device);
  fill(one.get(), c.value(1));
  c.ret(quantile(c, one, SkipNan));
}

}  // namespace

TL_OPS(quantile) {
#define TL_QUANTILE(NAME, SKIP, DOC)                                                                                                               \
  tl::composite<with_tensor<SKIP>>(NAME "(Tensor self, Tensor q, int? dim=None, bool keepdim=False, *, str interpolation='linear') -> Tensor",     \
                                   kMethod | kOut, DOC);                                                                                           \
  tl::composite<with_number<SKIP>>(NAME ".scalar(Tensor self, float q, int? dim=None, bool keepdim=False, *, str interpolation='linear') -> Tensor", \
                                   kMethod | kOut, DOC);
  TL_QUANTILE("quantile", false, "The q-th quantiles along dim, or of all elements: a leading dimension for each q of a 1-D q. NaN if there is one.")
  TL_QUANTILE("nanquantile", true, "The q-th quantiles along dim, or of all elements, of the elements that are not NaN.")
#undef TL_QUANTILE
}

}  // namespace tallow
