// Connectionist temporal classification (Graves et al., 2006): the probability of a target is the sum over all paths that give it
// once repeats are merged and blanks dropped, by the forward-backward algorithm in logarithms.
#include <cmath>
#include <limits>

#include "loss/loss.hpp"

namespace tallow_nn::loss {
namespace {

constexpr double kImpossible = -std::numeric_limits<double>::infinity();

double log_add(double a, double b) {
  const double top = std::max(a, b);
  return top == kImpossible ? kImpossible : top + std::log1p(std::exp(std::min(a, b) - top));
}

// The target of one sequence with blanks between, before and after its labels: 2 S + 1 states.
struct States {
  const int64_t* labels;
  int64_t length, blank;
  int64_t count() const { return 2 * length + 1; }
  int64_t at(int64_t s) const { return s % 2 ? labels[s / 2] : blank; }
  bool may_skip(int64_t s) const { return s >= 2 && at(s) != blank && at(s) != at(s - 2); }  // from s - 2 straight to s
};

struct Problem {
  int64_t steps, batch, classes, most, blank;  // most: states of the longest target
  tl::Sizes input_lengths, target_lengths;
  std::vector<int64_t> first;  // of each sequence's labels
  tl::Tensor targets;

  States states(int64_t b) const { return {targets.data<int64_t>() + first[static_cast<size_t>(b)], target_lengths[static_cast<size_t>(b)], blank}; }
  int64_t length(int64_t b) const { return input_lengths[static_cast<size_t>(b)]; }
};

int64_t longest(tl::Sizes lengths) {
  int64_t most = 0;
  for (const int64_t n : lengths) most = std::max(most, n);
  return most;
}

Problem problem(const tl::Tensor& x, const tl::Tensor& targets, tl::Sizes input_lengths, tl::Sizes target_lengths, int64_t blank) {
  Problem p{x.size(0), x.size(1), x.size(2), 2 * longest(target_lengths) + 1, blank, input_lengths, target_lengths, {}, {}};
  p.targets = tl::call<"contiguous">(cast(targets, TL_INT64));
  const int64_t width = targets.ndim() == 2 ? targets.size(1) : -1;
  int64_t next = 0;
  for (int64_t b = 0; b < p.batch; ++b) {
    p.first.push_back(next);
    next += width >= 0 ? width : target_lengths[static_cast<size_t>(b)];
  }
  return p;
}

void check(const tl::Tensor& x, const tl::Tensor& targets, tl::Sizes input_lengths, tl::Sizes target_lengths, int64_t blank) {
  require(x.ndim() == 3, "ctc_loss: log_probs must be (T, N, C) or (T, C), got shape ", tl::to_string(x.sizes()));
  require(x.dtype() == TL_FLOAT32 || x.dtype() == TL_FLOAT64, "\"ctc_loss_cpu\" not implemented for this dtype: log_probs must be float32 or float64");
  require(targets.dtype() == TL_INT64 || targets.dtype() == TL_INT32, "ctc_loss: targets must be int32 or int64");
  const int64_t batch = x.size(1), classes = x.size(2);
  require(blank >= 0 && blank < classes, "blank must be in label range");
  require(static_cast<int64_t>(input_lengths.size()) == batch, "input_lengths must be of size batch_size");
  require(static_cast<int64_t>(target_lengths.size()) == batch, "target_lengths must be of size batch_size");
  int64_t sum = 0;
  for (size_t b = 0; b < input_lengths.size(); ++b) {
    require(target_lengths[b] >= 0, "Expected target_lengths to have value at least 0, but got value ", target_lengths[b]);
    require(input_lengths[b] >= 0, "Expected input_lengths to have value at least 0, but got value ", input_lengths[b]);
    require(input_lengths[b] <= x.size(0), "Expected input_lengths to have value at most ", x.size(0), ", but got value ", input_lengths[b],
            " (while checking arguments for ctc_loss)");
    sum += target_lengths[b];
  }
  if (targets.ndim() == 1) {
    require(targets.numel() == sum, "Expected tensor to have size ", sum, " at dimension 0, but got size ", targets.numel(),
            " for argument #2 'targets' (while checking arguments for ctc_loss)");
  } else {
    require(targets.ndim() == 2 && targets.size(0) == batch, "ctc_loss: targets must be (N, S) or a vector of all labels, got shape ",
            tl::to_string(targets.sizes()), " for a batch of ", batch);
    require(targets.size(1) >= longest(target_lengths), "Expected tensor to have size at least ", longest(target_lengths), " at dimension 1, but got size ",
            tl::to_string(targets.sizes()), " for argument #2 'targets' (while checking arguments for ctc_loss)");
  }
}

std::array<int64_t, 3> alpha_sizes(const tl::Tensor& x, tl::Sizes target_lengths) { return {x.size(1), x.size(0), 2 * longest(target_lengths) + 1}; }

void forward_shape(tl::Call& c) {
  const tl::Tensor x = c.tensor(0);
  check(x, c.tensor(1), c.ints(2), c.ints(3), c.integer(4));
  c.output(0, x.sizes().subspan(1, 1), x.dtype());
  c.output(1, alpha_sizes(x, c.ints(3)), TL_FLOAT64);
}

void check_labels(const Problem& p, int64_t b) {
  const States states = p.states(b);
  for (int64_t s = 0; s < states.length; ++s)
    require(states.labels[s] >= 0 && states.labels[s] < p.classes, "ctc_loss: label ", states.labels[s], " of sequence ", b, " is not in [0, ", p.classes, ")");
}

// From the two states in which a path may end.
double total_loss(const Problem& p, const States& states, int64_t steps, const double* alpha) {
  const int64_t n = states.count();
  const double* last = alpha + (steps - 1) * p.most;
  return -(n > 1 ? log_add(last[n - 1], last[n - 2]) : last[n - 1]);
}

// alpha[t][s]: the logarithm of the probability of all paths that are in state s after step t.
template <class T>
double forward_pass(const Problem& p, int64_t b, const T* x, double* alpha) {
  const States states = p.states(b);
  const int64_t n = states.count(), steps = p.length(b);
  check_labels(p, b);
  if (steps == 0) return states.length == 0 ? 0 : -kImpossible;
  for (int64_t t = 0; t < steps; ++t) {
    const T* y = x + (t * p.batch + b) * p.classes;
    const double* before = alpha + (t - 1) * p.most;
    double* now = alpha + t * p.most;
    for (int64_t s = 0; s < n; ++s) {
      double a;
      if (t == 0) {
        a = s < 2 ? 0 : kImpossible;
      } else {
        a = before[s];
        if (s >= 1) a = log_add(a, before[s - 1]);
        if (states.may_skip(s)) a = log_add(a, before[s - 2]);
      }
      now[s] = a + static_cast<double>(y[states.at(s)]);
    }
  }
  return total_loss(p, states, steps, alpha);
}

void forward(tl::Call& c) {
  const tl::Tensor x = tl::call<"contiguous">(c.tensor(0)), losses = c.out(0), alphas = c.out(1);
  const Problem p = problem(x, c.tensor(1), c.ints(2), c.ints(3), c.integer(4));
  tl::call<"fill_">(alphas, kImpossible);
  by_float(x, [&](auto zero) {
    using T = decltype(zero);
    const T* in = x.data<T>();
    T* out = losses.data<T>();
    double* alpha = alphas.data<double>();
    tl::parallel_for(0, p.batch, 1, [&](int64_t b, int64_t e) {
      for (; b < e; ++b) out[b] = static_cast<T>(forward_pass(p, b, in, alpha + b * p.steps * p.most));
    });
  });
}

// The gradient for the scores that log_softmax was taken of: e^x - (probability of all paths through a class) / (probability of
// all paths). It is what log_softmax's own backward leaves unchanged.
template <class T>
void backward_pass(const Problem& p, int64_t b, const T* x, const double* alpha, double grad, T* out) {
  const States states = p.states(b);
  const int64_t n = states.count(), steps = p.length(b);
  if (steps == 0) return;
  check_labels(p, b);
  const double loss = total_loss(p, states, steps, alpha);  // and not the result, which may have been rounded to float
  std::vector<double> beta(static_cast<size_t>(n), kImpossible), next, through(static_cast<size_t>(p.classes));
  for (int64_t t = steps - 1; t >= 0; --t) {
    const T* y = x + (t * p.batch + b) * p.classes;
    next.assign(beta.begin(), beta.end());
    for (int64_t s = 0; s < n; ++s) {
      const auto i = static_cast<size_t>(s);
      double a;
      if (t == steps - 1) {
        a = s >= n - 2 ? 0 : kImpossible;
      } else {
        a = next[i];
        if (s + 1 < n) a = log_add(a, next[i + 1]);
        if (s + 2 < n && states.may_skip(s + 2)) a = log_add(a, next[i + 2]);
      }
      beta[i] = a + static_cast<double>(y[states.at(s)]);
    }
    std::fill(through.begin(), through.end(), kImpossible);
    for (int64_t s = 0; s < n; ++s) {
      double& sum = through[static_cast<size_t>(states.at(s))];
      sum = log_add(sum, alpha[t * p.most + s] + beta[static_cast<size_t>(s)]);
    }
    T* to = out + (t * p.batch + b) * p.classes;
    for (int64_t k = 0; k < p.classes; ++k) {
      const double v = static_cast<double>(y[k]);
      to[k] = static_cast<T>(grad * (std::exp(v) - std::exp(through[static_cast<size_t>(k)] + loss - v)));
    }
  }
}

void backward_shape(tl::Call& c) {
  const tl::Tensor x = c.tensor(1), losses = c.tensor(3), alphas = c.tensor(4);
  check(x, c.tensor(2), c.ints(5), c.ints(6), c.integer(7));
  check_gradient("ctc_loss_backward", c.tensor(0), x.sizes().subspan(1, 1), 0);
  require(same_sizes(losses.sizes(), x.sizes().subspan(1, 1)) && losses.dtype() == x.dtype() && alphas.dtype() == TL_FLOAT64 &&
              same_sizes(alphas.sizes(), alpha_sizes(x, c.ints(6))),
          "ctc_loss_backward: loss and log_alpha must be those of the forward, got shapes ", tl::to_string(losses.sizes()), " and ",
          tl::to_string(alphas.sizes()));
  c.output(0, x.sizes(), x.dtype());
}
void backward(tl::Call& c) {
  const tl::Tensor x = tl::call<"contiguous">(c.tensor(1)), grad = cast(tl::call<"contiguous">(c.tensor(0)), x.dtype());
  const tl::Tensor losses = tl::call<"contiguous">(c.tensor(3)), alphas = tl::call<"contiguous">(c.tensor(4)), out = c.out();
  const Problem p = problem(x, c.tensor(2), c.ints(5), c.ints(6), c.integer(7));
  const bool zero_infinity = c.boolean(8);
  tl::call<"zero_">(out);
  by_float(x, [&](auto zero) {
    using T = decltype(zero);
    const T *in = x.data<T>(), *loss = losses.data<T>(), *g = grad.data<T>();
    const double* alpha = alphas.data<double>();
    T* to = out.data<T>();
    tl::parallel_for(0, p.batch, 1, [&](int64_t b, int64_t e) {
      for (; b < e; ++b)
        if (!zero_infinity || std::isfinite(loss[b]))
          backward_pass(p, b, in, alpha + b * p.steps * p.most, static_cast<double>(g[b]), to);
    });
  });
}

// The backward is linear in dy. How it depends on log_probs has no rule: a second derivative says so.
void backward_dy(tl::Call& c) {
  const tl::Tensor one = tl::call<"ones_like">(c.tensor(1));
  const tl::Tensor slope = tl::call<"nn::ctc_loss_backward">(one, c.tensor(2), c.tensor(3), c.tensor(4), c.tensor(5), c.ints(6), c.ints(7),
                                                          c.integer(8), c.boolean(9));
  c.ret(tl::call<"sum">(c.tensor(0) * slope, tl::Dims{0, 2}));
}

void ctc_loss(tl::Call& c) {
  tl::Tensor x = c.tensor(0), targets = c.tensor(1);
  const tl::Sizes target_lengths = c.ints(3);
  const int64_t reduction = c.integer(5, 1);
  const bool zero_infinity = c.boolean(6), single = x.ndim() == 2;
  if (single) x = tl::call<"unsqueeze">(x, 1);
  if (single && targets.ndim() == 1) targets = tl::call<"unsqueeze">(targets, 0);
  tl::Tensor loss = std::move(tl::call<"nn::ctc_loss_forward", 2>(x, targets, c.ints(2), target_lengths, c.integer(4), zero_infinity)[0]);
  if (zero_infinity) loss = tl::call<"masked_fill">(loss, tl::call<"isinf">(loss), 0.0);
  if (reduction == 1) {
    const tl::Tensor lengths = tl::empty(tl::Dims{static_cast<int64_t>(target_lengths.size())}, TL_INT64);
    std::copy(target_lengths.begin(), target_lengths.end(), lengths.data<int64_t>());
    c.ret(tl::call<"mean">(loss / cast(tl::call<"clamp">(lengths, 1), loss.dtype())));
    return;
  }
  if (reduction == 2) c.ret(tl::call<"sum">(loss));
  else c.ret(single ? tl::call<"squeeze.dim">(loss, 0) : loss);
}

}  // namespace

void register_ctc() {
  tl::def<forward_shape>("nn::ctc_loss_forward(Tensor log_probs, Tensor targets, int[] input_lengths, int[] target_lengths, int blank, bool zero_infinity) -> "
                         "(Tensor loss, Tensor log_alpha)", TL_OP_HIDDEN)
      .cpu<forward>()
      .grad("log_probs: nn::ctc_loss_backward(grad0, log_probs, targets, loss.detach(), log_alpha.detach(), input_lengths, target_lengths, blank, "
            "zero_infinity)");
  tl::def<backward_shape>("nn::ctc_loss_backward(Tensor dy, Tensor log_probs, Tensor targets, Tensor loss, Tensor log_alpha, int[] input_lengths, "
                          "int[] target_lengths, int blank, bool zero_infinity) -> Tensor", TL_OP_HIDDEN)
      .cpu<backward>()
      .grad("dy: nn::ctc_loss_backward_dy(grad, dy, log_probs, targets, loss, log_alpha, input_lengths, target_lengths, blank, zero_infinity)");
  tl::composite<backward_dy>("nn::ctc_loss_backward_dy(Tensor grad, Tensor dy, Tensor log_probs, Tensor targets, Tensor loss, Tensor log_alpha, "
                             "int[] input_lengths, int[] target_lengths, int blank, bool zero_infinity) -> Tensor", TL_OP_HIDDEN);
  tl::composite<ctc_loss>("nn::ctc_loss(Tensor log_probs, Tensor targets, int[] input_lengths, int[] target_lengths, int blank=0, int reduction=1, "
                          "bool zero_infinity=False) -> Tensor")
      .autocast("float32");
}

}  // namespace tallow_nn::loss
