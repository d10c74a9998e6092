// The cross entropy of scores and class indices in one op: the forward keeps one number per place (the logarithm of the sum of
// exponentials), and the backward makes the gradient from that and the scores. No other buffer has the size of the scores.
//
// With classes' weights w, smoothing s over C classes, target t and W = sum w (Szegedy et al., 2016):
//   loss  = (1 - s) w_t (lse - x_t) + s/C (W lse - sum_j w_j x_j)
//   dx_j  = ((1 - s) w_t + s/C W) softmax_j - (1 - s) w_t [j = t] - s/C w_j
#include "loss/cross_entropy_loops.hpp"

#include "layout.hpp"
#include "loss/loss.hpp"

namespace tallow_nn::loss {
namespace {

constexpr int64_t kGrain = 1 << 15;  // scores per piece of work

template <class T>
const CrossEntropyPasses<T>& passes() {
  if constexpr (sizeof(T) == 8) return cross_entropy_loops().in_double;
  else return cross_entropy_loops().in_float;
}

// f(first place, count) over all places: one each where classes are next to each other, else up to a whole batch element's.
template <class F>
void for_each_place(const Layout& l, F f) {
  if (!l.classes) return;
  const int64_t grain = std::max<int64_t>(l.inner == 1 ? 1 : 64, kGrain / l.classes);
  tl::parallel_for(0, l.positions(), grain, [&](int64_t b, int64_t e) {
    while (b < e) {
      const int64_t n = l.inner == 1 ? 1 : std::min(e, (b / l.inner + 1) * l.inner) - b;
      f(b, n);
      b += n;
    }
  });
}

template <class T>
double sum_of(const T* w, int64_t n) {
  if (!w) return static_cast<double>(n);
  double s = 0;
  for (int64_t i = 0; i < n; ++i) s += static_cast<double>(w[i]);
  return s;
}

void forward_shape(tl::Call& c) {
  const tl::Tensor x = c.tensor(0), target = c.tensor(1);
  check_classes("cross_entropy_loss", x, target, c.tensor(2));
  if (c.integer(3) == 0) c.output(0, target.sizes(), x.dtype());
  else c.output(0, {}, x.dtype());
  c.output(1, target.sizes(), compute_dtype(x.dtype()));
  c.output(2, {}, compute_dtype(x.dtype()));
}

void forward(tl::Call& c) {
  const tl::Tensor x = as_compute(c.tensor(0)), target = tl::call<"contiguous">(cast(c.tensor(1), TL_INT64)),
                   weight = c.tensor(2) ? cast(as_compute(c.tensor(2)), x.dtype()) : tl::Tensor();
  const int64_t reduction = c.integer(3), ignore = c.integer(4);
  const double smoothing = c.number(5);
  const Layout l = layout(x);
  by_float(x, [&](auto zero) {
    using T = decltype(zero);
    const T *in = x.data<T>(), *w = weight ? weight.data<T>() : nullptr;
    const int64_t* t = target.data<int64_t>();
    T* lse = c.out(1).data<T>();
    const int64_t n = l.positions();
    std::vector<T> each(static_cast<size_t>(n)), dots(static_cast<size_t>(smoothing > 0 ? n : 0));
    for_each_place(l, [&](int64_t i, int64_t count) {
      passes<T>().log_sum_exp(in + l.offset(i, 0), l.classes, l.inner, count, w, lse + i, dots.empty() ? nullptr : dots.data() + i);
    });
    const double all_weights = sum_of(w, l.classes), spread = smoothing / static_cast<double>(std::max<int64_t>(l.classes, 1));
    // In double and in the order of the places: the same sum for any number of threads.
    double total = 0, weights = 0;
    for (int64_t i = 0; i < n; ++i) {
      const int64_t k = checked_class(t, i, l.classes, ignore);
      if (k < 0) continue;
      const T s = w ? w[k] : T(1);
      T loss = s * (lse[i] - in[l.offset(i, k)]);
      if (smoothing > 0)
        loss = static_cast<T>((1 - smoothing) * static_cast<double>(loss) +
                              spread * (all_weights * static_cast<double>(lse[i]) - static_cast<double>(dots[static_cast<size_t>(i)])));
      each[static_cast<size_t>(i)] = loss;
      total += static_cast<double>(loss), weights += static_cast<double>(s);
    }
    const T sum = static_cast<T>(weights), result = static_cast<T>(reduction == 1 ? total / weights : total);
    if (reduction == 0) put(c.out(0), each.data(), n);
    else put(c.out(0), &result, 1);
    put(c.out(2), &sum, 1);
  });
}

void backward_shape(tl::Call& c) {
  const tl::Tensor x = c.tensor(1), target = c.tensor(2), lse = c.tensor(4), total = c.tensor(5);
  check_classes("cross_entropy_backward", x, target, c.tensor(3));
  check_gradient("cross_entropy_backward", c.tensor(0), target.sizes(), c.integer(6));
  require(same_sizes(lse.sizes(), target.sizes()) && lse.dtype() == compute_dtype(x.dtype()), "cross_entropy_backward: log_sum_exp has shape ",
          tl::to_string(lse.sizes()), " or a dtype that the forward does not give");
  require(total.numel() == 1 && total.dtype() == compute_dtype(x.dtype()), "cross_entropy_backward: total_weight must be the forward's number, got shape ",
          tl::to_string(total.sizes()));
  c.output(0, x.sizes(), x.dtype());
}

void backward(tl::Call& c) {
  const tl::Tensor x = as_compute(c.tensor(1)), target = tl::call<"contiguous">(cast(c.tensor(2), TL_INT64)),
                   grad = tl::call<"contiguous">(cast(c.tensor(0), x.dtype())), lse = tl::call<"contiguous">(c.tensor(4)), total = c.tensor(5),
                   weight = c.tensor(3) ? cast(as_compute(c.tensor(3)), x.dtype()) : tl::Tensor(), out = c.out();
  const int64_t reduction = c.integer(6), ignore = c.integer(7);
  const double smoothing = c.number(8);
  const Layout l = layout(x);
  const tl::Tensor made = out.dtype() == x.dtype() ? out : tl::empty(x.sizes(), x.dtype());
  by_float(x, [&](auto zero) {
    using T = decltype(zero);
    const T *in = x.data<T>(), *w = weight ? weight.data<T>() : nullptr, *g = grad.data<T>(), *logs = lse.data<T>();
    const int64_t* t = target.data<int64_t>();
    T* to = made.data<T>();
    const T keep = static_cast<T>(1 - smoothing), spread = static_cast<T>(smoothing / static_cast<double>(std::max<int64_t>(l.classes, 1)));
    const T even = spread * static_cast<T>(sum_of(w, l.classes));
    const T scale = reduction == 1 ? g[0] / total.data<T>()[0] : reduction == 2 ? g[0] : T(0);
    for_each_place(l, [&](int64_t first, int64_t count) {
      constexpr int64_t kPlaces = 256;
      CrossEntropyShares<T> shares[kPlaces];
      T own[kPlaces];
      for (int64_t b = first; b < first + count; b += kPlaces) {
        const int64_t n = std::min(kPlaces, first + count - b);
        for (int64_t i = 0; i < n; ++i) {
          const int64_t k = checked_class(t, b + i, l.classes, ignore);
          const T s = k < 0 ? T(0) : reduction == 0 ? g[b + i] : scale;
          own[i] = k < 0 ? T(0) : s * keep * (w ? w[k] : T(1));
          shares[i] = {own[i] + s * even, s * spread};
        }
        passes<T>().gradient(in + l.offset(b, 0), l.classes, l.inner, n, w, logs + b, shares, to + l.offset(b, 0));
        for (int64_t i = 0; i < n; ++i)
          if (const int64_t k = t[b + i]; k != ignore) to[l.offset(b + i, k)] -= own[i];
      }
    });
  });
  if (made.get() != out.get()) tl::call<"copy_">(out, made);
}

tl::Tensor over_classes(const tl::Tensor& t, const tl::Tensor& like) {
  return tl::call<"unsqueeze">(t, class_dim(like));
}

// The backward is linear in dy: its slope along G is G times the gradient for dy = 1, summed.
void backward_dy(tl::Call& c) {
  const tl::Tensor along = c.tensor(0), x = c.tensor(2);
  const tl::Tensor one = tl::call<"ones_like">(c.tensor(1));
  const tl::Tensor slope = along * tl::call<"nn::cross_entropy_backward">(one, x, c.tensor(3), c.tensor(4), c.tensor(5), c.tensor(6), c.integer(7),
                                                                         c.integer(8), c.number(9));
  c.ret(c.integer(7) == 0 ? tl::call<"sum">(slope, tl::Dims{class_dim(x)}) : tl::call<"sum">(slope));
}
// Of the gradient only the softmax depends on x: share * p (G - sum_k p_k G_k).
void backward_input(tl::Call& c) {
  const tl::Tensor along = c.tensor(0), dy = c.tensor(1), x = c.tensor(2), target = c.tensor(3), weight = c.tensor(4);
  const int64_t reduction = c.integer(7), dim = class_dim(x);
  const double smoothing = c.number(9), spread = smoothing / static_cast<double>(std::max<int64_t>(x.size(dim), 1));
  const tl::Tensor ignored = tl::call<"eq">(target, c.integer(8));
  tl::Tensor share;
  if (weight) {
    const tl::Tensor index = tl::call<"reshape">(cast(tl::call<"masked_fill">(target, ignored, 0), TL_INT64), tl::Dims{-1});
    share = shaped(tl::call<"index_select">(weight, 0, index), target.sizes()) * (1 - smoothing) + tl::call<"sum">(weight) * spread;
  } else {
    share = tl::call<"ones_like">(cast(target, x.dtype()));
  }
  share = tl::call<"masked_fill">(share, ignored, 0.0) * dy;
  if (reduction == 1) share = share / cast(c.tensor(6), x.dtype());
  const tl::Tensor p = tl::call<"softmax">(x, dim);
  const tl::Tensor mean = tl::call<"sum">(p * along, tl::Dims{dim}, true);
  c.ret(over_classes(share, x) * p * (along - mean));
}

// Targets that are probabilities: the composition of core's ops.
tl::Tensor of_probabilities(const tl::Tensor& x, tl::Tensor target, const tl::Tensor& weight, int64_t reduction, double smoothing) {
  const int64_t dim = class_dim(x), classes = x.size(dim);
  if (smoothing > 0) target = target * (1 - smoothing) + smoothing / static_cast<double>(classes);
  tl::Tensor loss = tl::call<"log_softmax">(x, dim) * target;
  if (weight) {
    tl::Dims shape(static_cast<size_t>(x.ndim()), 1);
    shape[static_cast<size_t>(dim)] = classes;
    loss = loss * tl::call<"view">(weight, shape);
  }
  loss = -tl::call<"sum">(loss, tl::Dims{dim});
  if (reduction != 1) return reduce(loss, reduction);
  return tl::call<"sum">(loss) / static_cast<double>(std::max<int64_t>(1, classes ? x.numel() / classes : 0));
}

void cross_entropy(tl::Call& c) {
  const tl::Tensor x = c.tensor(0), target = c.tensor(1), weight = c.tensor(2);
  const int64_t reduction = c.integer(3), ignore = c.integer(4);
  const double smoothing = c.number(5);
  require(x.ndim() >= 1, "cross_entropy: input must have at least one dimension");
  require(smoothing >= 0 && smoothing <= 1, "label_smoothing must be between 0.0 and 1.0. Got: ", smoothing);
  if (same_sizes(x.sizes(), target.sizes())) {
    require(is_floating(target.dtype()), "Expected floating point type for target with class probabilities, got ",
            target.dtype() == TL_INT64 ? "Long" : "an integer type");
    require(ignore < 0, "ignore_index is not supported for floating point target");
    c.ret(of_probabilities(x, target, weight, reduction, smoothing));
    return;
  }
  auto r = tl::call<"nn::cross_entropy_forward", 3>(x, target, weight, reduction, ignore, smoothing);
  c.ret(std::move(r[0]));
}

}  // namespace

void register_cross_entropy() {
  // What is kept of the forward is detached: the gradients of the backward know how it depends on the input.
  tl::def<forward_shape>("nn::cross_entropy_forward(Tensor input, Tensor target, Tensor? weight, int reduction, int ignore_index, float label_smoothing) -> "
                         "(Tensor output, Tensor log_sum_exp, Tensor total_weight)", TL_OP_HIDDEN)
      .cpu<forward>()
      .grad("input: nn::cross_entropy_backward(grad0, input, target, weight, log_sum_exp.detach(), total_weight.detach(), reduction, "
            "ignore_index, label_smoothing)");
  tl::def<backward_shape>("nn::cross_entropy_backward(Tensor dy, Tensor input, Tensor target, Tensor? weight, Tensor log_sum_exp, Tensor total_weight, "
                          "int reduction, int ignore_index, float label_smoothing) -> Tensor", TL_OP_HIDDEN)
      .cpu<backward>()
      .grad("dy: nn::cross_entropy_backward_dy(grad, dy, input, target, weight, log_sum_exp, total_weight, reduction, ignore_index, label_smoothing); "
            "input: nn::cross_entropy_backward_input(grad, dy, input, target, weight, log_sum_exp, total_weight, reduction, ignore_index, label_smoothing)");
  const char* second = "(Tensor grad, Tensor dy, Tensor input, Tensor target, Tensor? weight, Tensor log_sum_exp, Tensor total_weight, int reduction, "
                       "int ignore_index, float label_smoothing) -> Tensor";
  tl::composite<backward_dy>((std::string("nn::cross_entropy_backward_dy") + second).c_str(), TL_OP_HIDDEN);
  tl::composite<backward_input>((std::string("nn::cross_entropy_backward_input") + second).c_str(), TL_OP_HIDDEN);
  tl::composite<cross_entropy>("nn::cross_entropy_loss(Tensor input, Tensor target, Tensor? weight=None, int reduction=1, int ignore_index=-100, "
                               "float label_smoothing=0.0) -> Tensor")
      .autocast("float32");
}

}  // namespace tallow_nn::loss
