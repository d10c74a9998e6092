// Activations with a gate or a learned slope, in terms of other ops.
#include "activation/activation.hpp"

#include "layout.hpp"

namespace tallow_nn {
namespace {

// Dauphin et al., "Language modeling with gated convolutional networks", 2016.
void glu(tl::Call& c) {
  const tl::Tensor x = c.tensor(0);
  const int64_t nd = x.ndim(), given = c.integer(1);
  require(nd > 0, "glu does not support 0-dimensional tensors");
  if (given < -nd || given >= nd)
    throw tl::Error(TL_INDEX_ERROR, "Dimension out of range (expected to be in range of [" + std::to_string(-nd) + ", " + std::to_string(nd - 1) +
                                        "], but got " + std::to_string(given) + ")");
  const int64_t dim = given < 0 ? given + nd : given, size = x.size(dim);
  require(size % 2 == 0, "Halving dimension must be even, but dimension ", dim, " is size ", size);
  const tl::Tensor gate = tl::call<"sigmoid">(tl::call<"narrow">(x, dim, size / 2, size / 2));
  c.ret(tl::call<"mul">(tl::call<"narrow">(x, dim, 0, size / 2), gate));
}

// He et al., "Delving deep into rectifiers", 2015.
void prelu(tl::Call& c) {
  const tl::Tensor x = c.tensor(0), weight = c.tensor(1);
  require(x.dtype() == weight.dtype(), "prelu: Type promoting not supported. Got ", dtype_name(x.dtype()), " and ", dtype_name(weight.dtype()));
  require(weight.ndim() <= 1, "prelu: Expected `weight` to be a scalar or 1D tensor, but got: ndim = ", weight.ndim());
  tl::Tensor slope = weight;
  if (weight.numel() != 1) {
    require(x.ndim() > 0, "Not allow zero-dim input tensor.");
    const int64_t channels = x.ndim() > 1 ? x.size(1) : 1;
    require(channels == weight.numel(), "Mismatch of parameter numbers and input channel size. Found parameter numbers = ", weight.numel(),
            " and channel size = ", channels, ".");
    tl::Dims shape(static_cast<size_t>(x.ndim()), 1);
    shape[x.ndim() > 1 ? 1 : 0] = weight.numel();
    slope = tl::call<"view">(weight, shape);
  } else if (x.ndim() == 0) {
    slope = tl::call<"reshape">(weight, tl::Dims{});
  }
  c.ret(tl::call<"where">(tl::call<"gt">(x, 0), x, tl::call<"mul">(x, slope)));
}

// Xu et al., "Empirical evaluation of rectified activations in convolutional network", 2015.
void rrelu(tl::Call& c) {
  const tl::Tensor x = c.tensor(0);
  const double lower = c.number(1), upper = c.number(2);
  require(lower <= upper, "Lower bound should be less than or equal to the upper bound");
  if (!c.boolean(3)) return c.ret(tl::call<"nn::leaky_relu">(x, (lower + upper) / 2));
  const tl::Tensor slopes = tl::call<"uniform_">(tl::call<"empty_like">(x), lower, upper, c.value(4));
  c.ret(tl::call<"mul">(x, tl::call<"where">(tl::call<"gt">(x, 0), 1.0, slopes)));
}

}  // namespace

void register_gated() {
  tl::composite<glu>("nn::glu(Tensor input, int dim=-1) -> Tensor", 0, "The first half along dim times the sigmoid of the second.");
  tl::composite<prelu>("nn::prelu(Tensor input, Tensor weight) -> Tensor", 0, "x where x > 0, else weight * x; weight of one element, or one per channel.")
      .autocast("lower");
  tl::composite<rrelu>("nn::rrelu(Tensor input, float lower=0.125, float upper=0.3333333333333333, bool training=False, Generator? generator=None) -> Tensor",
                       TL_OP_RANDOM | TL_OP_INPLACE, "A leaky relu; in training each negative element has its own slope, uniform in [lower, upper).");
}

}  // namespace tallow_nn
