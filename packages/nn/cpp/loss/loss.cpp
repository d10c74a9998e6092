// Losses. reduction: 0 none, 1 mean, 2 sum.
#include <cmath>

#include "common.hpp"
#include "ops.hpp"

namespace tallow_nn {
namespace {

tl::Tensor reduce(const tl::Tensor& t, int64_t reduction) {
  return reduction == 1 ? tl::call<"mean">(t) : reduction == 2 ? tl::call<"sum">(t) : t;
}

void mse_loss(tl::Call& c) {
  const tl::Tensor d = tl::call<"sub">(c.tensor(0), c.tensor(1));
  c.ret(reduce(tl::call<"mul">(d, d), c.integer(2, 1)));
}

// Where the class dimension lies: (C) or (N, C, d1, ...).
int64_t class_dim(const tl::Tensor& input) { return input.ndim() == 1 ? 0 : 1; }

struct Layout {
  int64_t batch, classes, inner;
};
Layout layout(const tl::Tensor& x) {
  const int64_t d = class_dim(x);
  Layout l{1, x.size(d), 1};
  if (d) l.batch = x.size(0);
  for (int64_t i = d + 1; i < x.ndim(); ++i) l.inner *= x.size(i);
  return l;
}

void check_nll(const char* op, const tl::Tensor& x, const tl::Tensor& target, const tl::Tensor& weight) {
  require(x.ndim() >= 1, op, ": input tensor should be 1D or more");
  require(is_floating(x.dtype()), "\"", op, "_out_frame\" not implemented for '", x.dtype() == TL_INT64 ? "Long" : "this dtype", "'");
  tl::Dims wanted(x.sizes().begin(), x.sizes().end());
  wanted.erase(wanted.begin() + class_dim(x));
  if (!std::equal(wanted.begin(), wanted.end(), target.sizes().begin(), target.sizes().end())) {
    if (x.ndim() > 1 && target.ndim() >= 1 && x.size(0) != target.size(0))
      throw tl::Error(TL_VALUE_ERROR, "Expected input batch_size (" + std::to_string(x.size(0)) + ") to match target batch_size (" +
                                          std::to_string(target.size(0)) + ").");
    require(false, op, ": Expected target size ", tl::to_string(wanted), ", got ", tl::to_string(target.sizes()));
  }
  require(target.dtype() == TL_INT64 || target.dtype() == TL_UINT8 || target.dtype() == TL_INT32, "expected scalar type Long but found ",
          is_floating(target.dtype()) ? "Float" : "another dtype", " for target");
  if (weight) require(weight.ndim() == 1 && weight.numel() == layout(x).classes, "weight tensor should be defined either for all ", layout(x).classes,
                      " classes or no classes but got weight tensor of shape: ", tl::to_string(weight.sizes()));
}

// Losses per element, and the weight each stands for (their sum divides the mean).
void nll_shape(tl::Call& c) {
  const tl::Tensor x = c.tensor(0), target = c.tensor(1), weight = c.tensor(2);
  check_nll("nll_loss", x, target, weight);
  if (c.integer(3) == 0) c.output(0, target.sizes(), x.dtype());
  else c.output(0, {}, x.dtype());
  c.output(1, {}, x.dtype());
}

template <class T>
int64_t checked_class(const int64_t* t, int64_t i, int64_t classes, int64_t ignore) {
  const int64_t k = t[i];
  if (k == ignore) return -1;
  if (k < 0 || k >= classes) throw tl::Error(TL_INDEX_ERROR, "Target " + std::to_string(k) + " is out of bounds.");
  return k;
}

void nll(tl::Call& c) {
  const tl::Tensor x = as_compute(c.tensor(0)), target = tl::call<"contiguous">(cast(c.tensor(1), TL_INT64)),
                   weight = c.tensor(2) ? cast(as_compute(c.tensor(2)), x.dtype()) : tl::Tensor();
  const int64_t reduction = c.integer(3), ignore = c.integer(4);
  const Layout l = layout(x);
  by_float(x, [&](auto zero) {
    using T = decltype(zero);
    const T *in = x.data<T>(), *w = weight ? weight.data<T>() : nullptr;
    const int64_t* t = target.data<int64_t>();
    const int64_t n = l.batch * l.inner;
    std::vector<T> each(static_cast<size_t>(n));
    // Sums in double and in the order of the elements: the same for any number of threads.
    double total = 0, weights = 0;
    for (int64_t i = 0; i < n; ++i) {
      const int64_t k = checked_class<T>(t, i, l.classes, ignore);
      if (k < 0) continue;
      const T s = w ? w[k] : T(1);
      each[static_cast<size_t>(i)] = -s * in[(i / l.inner * l.classes + k) * l.inner + i % l.inner];
      total += each[static_cast<size_t>(i)], weights += s;
    }
    auto put = [&](const tl::Tensor& out, const T* from, int64_t count) {
      const int64_t s[1] = {count};
      TlTensor blob;
      tl::check(tl::api()->tensor_from_blob(const_cast<T*>(from), s, nullptr, 1, x.dtype(), {TL_CPU, -1}, nullptr, nullptr, &blob));
      tl::call<"copy_">(tl::call<"view">(out, tl::Dims{count}), tl::Tensor::steal(blob));
    };
    const T sum = static_cast<T>(weights), result = static_cast<T>(reduction == 1 ? total / weights : total);
    if (reduction == 0) put(c.out(0), each.data(), n);
    else put(c.out(0), &result, 1);
    put(c.out(1), &sum, 1);
  });
}

void nll_backward_shape(tl::Call& c) { c.output(0, c.tensor(1).sizes(), c.tensor(1).dtype()); }
void nll_backward(tl::Call& c) {
  const tl::Tensor grad = as_compute(c.tensor(0)), target = tl::call<"contiguous">(cast(c.tensor(2), TL_INT64)), total = as_compute(c.tensor(4));
  tl::Tensor out = c.out();
  const tl::Tensor weight = c.tensor(3) ? cast(as_compute(c.tensor(3)), grad.dtype()) : tl::Tensor();
  const int64_t reduction = c.integer(5), ignore = c.integer(6);
  const Layout l = layout(out);
  tl::Tensor temp = out.dtype() == grad.dtype() ? out : tl::empty(out.sizes(), grad.dtype());
  tl::call<"zero_">(temp);
  by_float(grad, [&](auto zero) {
    using T = decltype(zero);
    const T *g = grad.data<T>(), *w = weight ? weight.data<T>() : nullptr;
    const int64_t* t = target.data<int64_t>();
    T* o = temp.data<T>();
    const T scale = reduction == 1 ? g[0] / total.data<T>()[0] : g[0];
    for (int64_t i = 0; i < l.batch * l.inner; ++i) {
      const int64_t k = checked_class<T>(t, i, l.classes, ignore);
      if (k >= 0) o[(i / l.inner * l.classes + k) * l.inner + i % l.inner] = -(w ? w[k] : T(1)) * (reduction == 0 ? g[i] : scale);
    }
  });
  if (temp.get() != out.get()) tl::call<"copy_">(out, temp);
}
// Linear in grad: its own backward picks the entries again.
void nll_double_backward(tl::Call& c) {
  const tl::Tensor gg = c.tensor(0);
  auto r = tl::call<"nn::nll_loss_forward", 2>(gg, c.tensor(1), c.tensor(2), c.integer(4), c.integer(5));  // divides by the same total weight
  c.ret(r[0]);
}

void nll_loss(tl::Call& c) {
  auto r = tl::call<"nn::nll_loss_forward", 2>(c.tensor(0), c.tensor(1), c.tensor(2), c.integer(3), c.integer(4));
  c.ret(std::move(r[0]));
}

void cross_entropy(tl::Call& c) {
  const tl::Tensor x = c.tensor(0), target = c.tensor(1), weight = c.tensor(2);
  const int64_t reduction = c.integer(3), ignore = c.integer(4);
  const double smoothing = c.number(5);
  require(x.ndim() >= 1, "cross_entropy: input must have at least one dimension");
  require(smoothing >= 0 && smoothing <= 1, "label_smoothing must be between 0.0 and 1.0. Got: ", smoothing);
  const int64_t dim = class_dim(x), classes = x.size(dim);
  const bool probabilities = is_floating(target.dtype()) && std::equal(x.sizes().begin(), x.sizes().end(), target.sizes().begin(), target.sizes().end());
  const tl::Tensor logp = tl::call<"log_softmax">(x, dim);
  tl::Dims wshape(static_cast<size_t>(x.ndim()), 1);
  wshape[static_cast<size_t>(dim)] = classes;
  if (probabilities) {
    tl::Tensor t = target;
    if (smoothing > 0) t = tl::call<"add">(tl::call<"mul">(t, 1 - smoothing), smoothing / static_cast<double>(classes));
    tl::Tensor loss = tl::call<"mul">(logp, t);
    if (weight) loss = tl::call<"mul">(loss, tl::call<"view">(weight, wshape));
    loss = tl::call<"neg">(tl::call<"sum">(loss, tl::Dims{dim}));
    if (reduction == 1) c.ret(tl::call<"div">(tl::call<"sum">(loss), static_cast<double>(std::max<int64_t>(1, classes ? x.numel() / classes : 0))));
    else c.ret(reduce(loss, reduction));
    return;
  }
  check_nll("nll_loss", logp, target, weight);
  if (smoothing == 0) return c.ret(tl::call<"nn::nll_loss">(logp, target, weight, reduction, ignore));
  const tl::Tensor nll = tl::call<"nn::nll_loss">(logp, target, weight, reduction, ignore);
  tl::Tensor smooth = tl::call<"neg">(tl::call<"sum">(weight ? tl::call<"mul">(logp, tl::call<"view">(weight, wshape)) : logp, tl::Dims{dim}));
  const tl::Tensor ignored = tl::call<"eq">(target, ignore);
  smooth = tl::call<"masked_fill">(smooth, ignored, 0.0);
  if (reduction == 1) {
    tl::Tensor count;
    if (weight) {
      const tl::Tensor safe = tl::call<"masked_fill">(target, ignored, 0);
      const tl::Tensor w = tl::call<"index_select">(weight, 0, tl::call<"reshape">(cast(safe, TL_INT64), tl::Dims{-1}));
      count = tl::call<"sum">(tl::call<"masked_fill">(w, tl::call<"reshape">(ignored, tl::Dims{-1}), 0.0));
    } else {
      count = cast(tl::call<"sum">(tl::call<"logical_not">(ignored)), smooth.dtype());
    }
    smooth = tl::call<"div">(tl::call<"sum">(smooth), count);
  } else {
    smooth = reduce(smooth, reduction);
  }
  c.ret(tl::call<"add">(tl::call<"mul">(nll, 1 - smoothing), tl::call<"mul">(smooth, smoothing / static_cast<double>(classes))));
}

}  // namespace

void register_loss() {
  tl::composite<mse_loss>("nn::mse_loss(Tensor input, Tensor target, int reduction=1) -> Tensor");
  tl::def<nll_shape>("nn::nll_loss_forward(Tensor input, Tensor target, Tensor? weight, int reduction, int ignore_index) -> (Tensor output, Tensor total_weight)",
                     TL_OP_HIDDEN)
      .cpu<nll>()
      .grad("input: nn::nll_loss_backward(grad0, input, target, weight, total_weight, reduction, ignore_index)");
  tl::def<nll_backward_shape>("nn::nll_loss_backward(Tensor dy, Tensor input, Tensor target, Tensor? weight, Tensor total_weight, int reduction, int ignore_index) -> Tensor",
                              TL_OP_HIDDEN)
      .cpu<nll_backward>()
      .grad("dy: nn::nll_loss_double_backward(grad, target, weight, total_weight, reduction, ignore_index)");
  tl::composite<nll_double_backward>("nn::nll_loss_double_backward(Tensor grad, Tensor target, Tensor? weight, Tensor total_weight, int reduction, int ignore_index) -> Tensor",
                                     TL_OP_HIDDEN);
  tl::composite<nll_loss>("nn::nll_loss(Tensor input, Tensor target, Tensor? weight=None, int reduction=1, int ignore_index=-100) -> Tensor");
  tl::composite<cross_entropy>("nn::cross_entropy_loss(Tensor input, Tensor target, Tensor? weight=None, int reduction=1, int ignore_index=-100, "
                               "float label_smoothing=0.0) -> Tensor");
}

}  // namespace tallow_nn
