// Distances and similarities of vectors, and the losses made of them, in terms of core's ops.
#include "loss/loss.hpp"

namespace tallow_nn::loss {
namespace {

tl::Tensor at_least(const tl::Tensor& x, double bound) { return tl::call<"clamp">(x, bound); }

// |a - b + eps|_p along the last dimension: eps keeps the gradient finite where both are equal.
tl::Tensor distance(const tl::Tensor& a, const tl::Tensor& b, double p, double eps, bool keepdim = false) {
  const int64_t last = std::max(a.ndim(), b.ndim()) - 1;
  return tl::call<"linalg_vector_norm">(a - b + eps, p, tl::Dims{last}, keepdim);
}
void pairwise_distance(tl::Call& c) { c.ret(distance(c.tensor(0), c.tensor(1), c.number(2, 2), c.number(3), c.boolean(4))); }

tl::Tensor as_floating(const tl::Tensor& t) { return t.dtype() < TL_FLOAT16 ? tl::call<"_to">(t, tl::Dtype{TL_FLOAT32}) : t; }

// Each vector is divided by its own norm, which is at least eps.
void cosine_similarity(tl::Call& c) {
  tl::Tensor a = c.tensor(0), b = c.tensor(1);
  require(is_floating(a.dtype()) && is_floating(b.dtype()), "expected common dtype to be floating point, yet common dtype is an integer type");
  if (!same_sizes(a.sizes(), b.sizes())) {  // dim is one of what both broadcast to
    auto both = tl::call_list<"broadcast_tensors">(std::vector<tl::Tensor>{a, b});
    a = both[0], b = both[1];
  }
  const tl::Dims dim{c.integer(2, 1)};
  const double eps = c.number(3, 1e-8);
  auto unit = [&](const tl::Tensor& x) { return x / at_least(tl::call<"linalg_vector_norm">(x, 2.0, dim, true), eps); };
  c.ret(tl::call<"sum">(unit(a) * unit(b), dim));
}

void margin_ranking_loss(tl::Call& c) {
  c.ret(reduce(at_least(-c.tensor(2) * (c.tensor(0) - c.tensor(1)) + c.number(3), 0), c.integer(4, 1)));
}

// The sides of a loss that depends on whether the target is 1 or -1; any other target counts nothing.
tl::Tensor by_sign(const tl::Tensor& target, const tl::Tensor& if_plus, const tl::Tensor& if_minus) {
  const tl::Tensor zero = tl::call<"zeros_like">(if_plus);
  return tl::call<"where">(tl::call<"eq">(target, 1), if_plus, zero) + tl::call<"where">(tl::call<"eq">(target, -1), if_minus, zero);
}

void hinge_embedding_loss(tl::Call& c) {
  const tl::Tensor x = c.tensor(0), t = c.tensor(1);
  // An element of target 1 costs itself, and so does its share of the margin's side where the target is not -1.
  const tl::Tensor zero = tl::call<"zeros_like">(x);
  const tl::Tensor margin_side = tl::call<"where">(tl::call<"ne">(t, 1), at_least(c.number(2, 1) - x, 0), zero);
  c.ret(reduce(margin_side + tl::call<"where">(tl::call<"ne">(t, -1), x, zero), c.integer(3, 1)));
}

void cosine_embedding_loss(tl::Call& c) {
  const tl::Tensor a = as_floating(c.tensor(0)), b = as_floating(c.tensor(1)), target = c.tensor(2);
  const int64_t vectors = target.ndim() + 1;
  require(target.ndim() <= 1, "0D or 1D target tensor expected, multi-target not supported");
  require(a.ndim() == vectors && b.ndim() == vectors, target.ndim(), "D target tensor expects ", vectors, "D input tensors, but found inputs with sizes ",
          tl::to_string(a.sizes()), " and ", tl::to_string(b.sizes()), ".");
  const tl::Dims last{target.ndim()};
  // Squares are moved off zero by a constant, so that the gradient at a zero vector is finite.
  constexpr double kTiny = 1e-12;
  const tl::Tensor norms = (tl::call<"sum">(a * a, last) + kTiny) * (tl::call<"sum">(b * b, last) + kTiny);
  const tl::Tensor cosine = tl::call<"sum">(a * b, last) / tl::call<"sqrt">(norms);
  c.ret(reduce(by_sign(target, 1.0 - cosine, at_least(cosine - c.number(3), 0)), c.integer(4, 1)));
}

// Balntas et al., "Learning local feature descriptors with triplets", 2016; swap: their anchor swap.
void triplet_margin_loss(tl::Call& c) {
  const tl::Tensor anchor = c.tensor(0), positive = c.tensor(1), negative = c.tensor(2);
  require(anchor.ndim() == positive.ndim() && positive.ndim() == negative.ndim(),
          "The anchor, positive, and negative tensors are expected to have the same number of dimensions, but got: anchor ", anchor.ndim(), "D, positive ",
          positive.ndim(), "D, and negative ", negative.ndim(), "D inputs");
  const double p = c.number(4, 2), eps = c.number(5);
  tl::Tensor far = distance(anchor, negative, p, eps);
  if (c.boolean(6)) far = tl::call<"minimum">(far, distance(positive, negative, p, eps));
  c.ret(reduce(at_least(distance(anchor, positive, p, eps) - far + c.number(3, 1), 0), c.integer(7, 1)));
}

// Distances of all pairs i < j of rows, in the order (0, 1), (0, 2), ..., (1, 2), ...
void pdist(tl::Call& c) {
  const tl::Tensor x = c.tensor(0);
  const double p = c.number(1, 2);
  require(x.ndim() == 2, "pdist only supports 2D tensors, got: ", x.ndim(), "D");
  require(x.dtype() == TL_FLOAT32 || x.dtype() == TL_FLOAT64, "pdist only supports floating-point dtypes");
  require(p >= 0, "pdist only supports non-negative p values");
  const int64_t n = x.size(0);
  const tl::Tensor pairs = tl::call<"triu_indices">(n, n, 1);
  auto rows = [&](int64_t which) { return tl::call<"index_select">(x, 0, tl::call<"select">(pairs, 0, which)); };
  c.ret(tl::call<"linalg_vector_norm">(rows(0) - rows(1), p, tl::Dims{1}));
}

}  // namespace

void register_pairs() {
  tl::composite<pairwise_distance>("nn::pairwise_distance(Tensor x1, Tensor x2, float p=2.0, float eps=1e-06, bool keepdim=False) -> Tensor");
  tl::composite<cosine_similarity>("nn::cosine_similarity(Tensor x1, Tensor x2, int dim=1, float eps=1e-08) -> Tensor");
  tl::composite<pdist>("nn::pdist(Tensor input, float p=2.0) -> Tensor");
  tl::composite<margin_ranking_loss>("nn::margin_ranking_loss(Tensor input1, Tensor input2, Tensor target, float margin=0.0, int reduction=1) -> Tensor")
      .autocast("float32");
  tl::composite<hinge_embedding_loss>("nn::hinge_embedding_loss(Tensor input, Tensor target, float margin=1.0, int reduction=1) -> Tensor")
      .autocast("float32");
  tl::composite<cosine_embedding_loss>("nn::cosine_embedding_loss(Tensor input1, Tensor input2, Tensor target, float margin=0.0, int reduction=1) -> Tensor")
      .autocast("float32");
  tl::composite<triplet_margin_loss>("nn::triplet_margin_loss(Tensor anchor, Tensor positive, Tensor negative, float margin=1.0, float p=2.0, float eps=1e-06, "
                                     "bool swap=False, int reduction=1) -> Tensor")
      .autocast("float32");
}

}  // namespace tallow_nn::loss
