// Losses of one prediction and one target per element in one pass: nothing of the inputs' size is made but the gradient.
#include "loss/element_loops.hpp"

#include "loss/element.hpp"

namespace tallow_nn::loss {
namespace {

constexpr int64_t kGrain = 1 << 14;

template <ElementLoss Kind, class T>
const ElementPasses<T>& passes() {
  if constexpr (sizeof(T) == 8) return element_loops().in_double[static_cast<int>(Kind)];
  else return element_loops().in_float[static_cast<int>(Kind)];
}

// (input, target, reduction, parameter)
void check_pair(const tl::Tensor& x, const tl::Tensor& t) {
  require(is_floating(x.dtype()) && x.dtype() == t.dtype() && same_sizes(x.sizes(), t.sizes()),
          "input and target must be of one floating-point dtype and one shape, got ", tl::to_string(x.sizes()), " and ", tl::to_string(t.sizes()));
}
void forward_shape(tl::Call& c) {
  const tl::Tensor x = c.tensor(0), t = c.tensor(1);
  check_pair(x, t);
  if (c.integer(2) == 0) c.output(0, x.sizes(), x.dtype());
  else c.output(0, {}, x.dtype());
}

template <class T>
void check_probabilities(const T* x, int64_t n) {
  bool good = true;
  for (int64_t i = 0; i < n; ++i) good &= x[i] >= 0 && x[i] <= 1;
  require(good, "all elements of input should be between 0 and 1");
}

template <ElementLoss Kind>
void forward(tl::Call& c) {
  const tl::Tensor x = as_compute(c.tensor(0)), t = as_compute(c.tensor(1)), out = c.out();
  const int64_t reduction = c.integer(2), n = x.numel();
  by_float(x, [&](auto zero) {
    using T = decltype(zero);
    const T *in = x.data<T>(), *target = t.data<T>();
    const T p = static_cast<T>(c.number(3));
    if constexpr (Kind == ElementLoss::Binary) check_probabilities(in, n);
    if (reduction == 0) {
      const tl::Tensor made = out.dtype() == x.dtype() ? out : tl::empty(out.sizes(), x.dtype());
      T* to = made.data<T>();
      tl::parallel_for(0, n, kGrain, [&](int64_t b, int64_t e) { passes<Kind, T>().each(in + b, target + b, p, to + b, e - b); });
      if (made.get() != out.get()) tl::call<"copy_">(out, made);
      return;
    }
    // A sum per piece, added in the order of the pieces: the same for any number of threads.
    std::vector<double> sums(static_cast<size_t>(n / kGrain + 1));
    tl::parallel_for(0, n, kGrain, [&](int64_t b, int64_t e) {
      for (; b < e; b += kGrain) sums[static_cast<size_t>(b / kGrain)] = passes<Kind, T>().sum(in + b, target + b, p, std::min(kGrain, e - b));
    });
    double total = 0;
    for (const double s : sums) total += s;
    const T result = static_cast<T>(reduction == 1 ? total / static_cast<double>(n) : total);
    put(out, &result, 1);
  });
}

// (dy, input, target, reduction, parameter)
void backward_shape(tl::Call& c) {
  const tl::Tensor x = c.tensor(1);
  check_pair(x, c.tensor(2));
  check_gradient("loss backward", c.tensor(0), x.sizes(), c.integer(3));
  c.output(0, x.sizes(), x.dtype());
}

template <ElementLoss Kind>
void backward(tl::Call& c) {
  const tl::Tensor x = as_compute(c.tensor(1)), t = as_compute(c.tensor(2)), g = cast(tl::call<"contiguous">(c.tensor(0)), x.dtype()), out = c.out();
  const int64_t reduction = c.integer(3), n = x.numel();
  const tl::Tensor made = out.dtype() == x.dtype() ? out : tl::empty(out.sizes(), x.dtype());
  by_float(x, [&](auto zero) {
    using T = decltype(zero);
    const T *in = x.data<T>(), *target = t.data<T>(), *grad = g.data<T>(), *each = reduction == 0 ? grad : nullptr;
    T* to = made.data<T>();
    const T p = static_cast<T>(c.number(4)), scale = reduction == 0 || n == 0 ? T(1) : reduction == 1 ? grad[0] / static_cast<T>(n) : grad[0];
    tl::parallel_for(0, n, kGrain, [&](int64_t b, int64_t e) {
      passes<Kind, T>().slope(in + b, target + b, p, each ? each + b : nullptr, scale, to + b, e - b);
    });
  });
  if (made.get() != out.get()) tl::call<"copy_">(out, made);
}

// What an element's share in the result is, as a factor of all gradients: dy, or dy / n of a mean.
tl::Tensor per_element(const tl::Tensor& dy, const tl::Tensor& x, int64_t reduction) {
  return reduction == 1 ? dy / static_cast<double>(std::max<int64_t>(x.numel(), 1)) : dy;
}
tl::Tensor between(const tl::Tensor& a, double bound, bool inclusive, const tl::Tensor& like) {
  return cast(inclusive ? tl::call<"le">(a, bound) : tl::call<"lt">(a, bound), like.dtype());
}

// d2 loss / d x2; for all but the binary ones the target counts as minus the input.
template <ElementLoss Kind>
tl::Tensor curvature(const tl::Tensor& x, const tl::Tensor& t, double p) {
  if constexpr (Kind == ElementLoss::Squared) return tl::call<"full_like">(x, 2.0);
  if constexpr (Kind == ElementLoss::Smooth) return between(tl::call<"abs">(x - t), p, false, x) * (1 / p);
  if constexpr (Kind == ElementLoss::Huber) return between(tl::call<"abs">(x - t), p, true, x);
  if constexpr (Kind == ElementLoss::Binary) {
    const tl::Tensor spread = tl::call<"clamp">((1.0 - x) * x, 1e-12);
    return (spread - (x - t) * (1.0 - x * 2.0)) / (spread * spread);
  }
  const tl::Tensor s = tl::call<"sigmoid">(Kind == ElementLoss::SoftMargin ? -x * t : x), both = s * (1.0 - s);
  return Kind == ElementLoss::SoftMargin ? both * t * t : both;
}
// d2 loss / dx dt.
template <ElementLoss Kind>
tl::Tensor mixed(const tl::Tensor& x, const tl::Tensor& t, double p) {
  if constexpr (Kind == ElementLoss::Binary) return -tl::call<"reciprocal">(tl::call<"clamp">((1.0 - x) * x, 1e-12));
  if constexpr (Kind == ElementLoss::BinaryLogits) return tl::call<"full_like">(x, -1.0);
  if constexpr (Kind == ElementLoss::SoftMargin) {
    const tl::Tensor s = tl::call<"sigmoid">(-x * t);
    return s * (1.0 - s) * x * t - s;
  }
  return -curvature<Kind>(x, t, p);
}
// d loss / d t; composite, so that it has gradients itself.
template <ElementLoss Kind>
tl::Tensor target_slope(const tl::Tensor& x, const tl::Tensor& t) {
  if constexpr (Kind == ElementLoss::Binary)
    return tl::call<"clamp">(tl::call<"log1p">(-x), -100.0) - tl::call<"clamp">(tl::call<"log">(x), -100.0);
  if constexpr (Kind == ElementLoss::BinaryLogits) return -x;
  return -x * tl::call<"sigmoid">(-x * t);
}

// (grad, dy, input, target, reduction, parameter)
template <ElementLoss Kind, tl::Tensor (*Second)(const tl::Tensor&, const tl::Tensor&, double)>
void backward_second(tl::Call& c) {
  const tl::Tensor x = c.tensor(2);
  c.ret(c.tensor(0) * per_element(c.tensor(1), x, c.integer(4)) * Second(x, c.tensor(3), c.number(5)));
}
// (dy, input, target, reduction, parameter)
template <ElementLoss Kind, tl::Name Backward>
void backward_target(tl::Call& c) {
  const tl::Tensor dy = c.tensor(0), x = c.tensor(1), t = c.tensor(2);
  if constexpr (Kind == ElementLoss::Squared || Kind == ElementLoss::Smooth || Kind == ElementLoss::Huber)
    c.ret(-tl::call<Backward>(dy, x, t, c.integer(3), c.number(4)));
  else c.ret(per_element(dy, x, c.integer(3)) * target_slope<Kind>(x, t));
}
// Linear in dy: along * d loss, summed where dy is one number.
template <tl::Name Backward>
void backward_dy(tl::Call& c) {
  const tl::Tensor x = c.tensor(2);
  const tl::Tensor slope = c.tensor(0) * tl::call<Backward>(tl::call<"ones_like">(c.tensor(1)), x, c.tensor(3), c.integer(4), c.number(5));
  c.ret(c.integer(4) == 0 ? slope : tl::call<"sum">(slope));
}

template <ElementLoss Kind, tl::Name Backward>
void define(const std::string& name) {
  const std::string args = "Tensor input, Tensor target, int reduction, float parameter", given = "input, target, reduction, parameter";
  const std::string second = "(Tensor grad, Tensor dy, " + args + ") -> Tensor";
  tl::def<forward_shape>((name + "_forward(" + args + ") -> Tensor").c_str(), TL_OP_HIDDEN)
      .template cpu<forward<Kind>>()
      .grad(("input: " + name + "_backward(grad, " + given + "); target: " + name + "_backward_target(grad, " + given + ")").c_str());
  tl::def<backward_shape>((name + "_backward(Tensor dy, " + args + ") -> Tensor").c_str(), TL_OP_HIDDEN)
      .template cpu<backward<Kind>>()
      .grad(("dy: " + name + "_backward_dy(grad, dy, " + given + "); input: " + name + "_backward_input(grad, dy, " + given + "); target: " + name +
             "_backward_mixed(grad, dy, " + given + ")")
                .c_str());
  tl::composite<backward_dy<Backward>>((name + "_backward_dy" + second).c_str(), TL_OP_HIDDEN);
  tl::composite<backward_second<Kind, curvature<Kind>>>((name + "_backward_input" + second).c_str(), TL_OP_HIDDEN);
  tl::composite<backward_second<Kind, mixed<Kind>>>((name + "_backward_mixed" + second).c_str(), TL_OP_HIDDEN);
  tl::composite<backward_target<Kind, Backward>>((name + "_backward_target(Tensor dy, " + args + ") -> Tensor").c_str(), TL_OP_HIDDEN);
}

}  // namespace

bool in_one_pass(const tl::Tensor& x, const tl::Tensor& t) {
  return is_floating(x.dtype()) && x.dtype() == t.dtype() && same_sizes(x.sizes(), t.sizes()) && x.device().type == TL_CPU && t.device().type == TL_CPU;
}

void register_element() {
  define<ElementLoss::Squared, "nn::mse_loss_backward">("nn::mse_loss");
  define<ElementLoss::Smooth, "nn::smooth_l1_loss_backward">("nn::smooth_l1_loss");
  define<ElementLoss::Huber, "nn::huber_loss_backward">("nn::huber_loss");
  define<ElementLoss::Binary, "nn::binary_cross_entropy_backward">("nn::binary_cross_entropy");
  define<ElementLoss::BinaryLogits, "nn::binary_cross_entropy_with_logits_backward">("nn::binary_cross_entropy_with_logits");
  define<ElementLoss::SoftMargin, "nn::soft_margin_loss_backward">("nn::soft_margin_loss");
}

}  // namespace tallow_nn::loss
