// The negative log likelihood of class indices.
#include "loss/loss.hpp"

namespace tallow_nn::loss {

void check_classes(const char* op, const tl::Tensor& x, const tl::Tensor& target, const tl::Tensor& weight) {
  require(x.ndim() >= 1, op, ": input tensor should be 1D or more");
  require(is_floating(x.dtype()), "\"", op, "_out_frame\" not implemented for '", x.dtype() == TL_INT64 ? "Long" : "this dtype", "'");
  tl::Dims wanted(x.sizes().begin(), x.sizes().end());
  wanted.erase(wanted.begin() + class_dim(x));
  if (!same_sizes(wanted, target.sizes())) {
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

namespace {

// Losses per element, and the weight each stands for (their sum divides the mean).
void nll_shape(tl::Call& c) {
  const tl::Tensor x = c.tensor(0), target = c.tensor(1), weight = c.tensor(2);
  check_classes("nll_loss", x, target, weight);
  if (c.integer(3) == 0) c.output(0, target.sizes(), x.dtype());
  else c.output(0, {}, x.dtype());
  c.output(1, {}, x.dtype());
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
    const int64_t n = l.positions();
    std::vector<T> each(static_cast<size_t>(n));
    // Sums in double and in the order of the elements: the same for any number of threads.
    double total = 0, weights = 0;
    for (int64_t i = 0; i < n; ++i) {
      const int64_t k = checked_class(t, i, l.classes, ignore);
      if (k < 0) continue;
      const T s = w ? w[k] : T(1);
      each[static_cast<size_t>(i)] = -s * in[l.offset(i, k)];
      total += each[static_cast<size_t>(i)], weights += s;
    }
    const T sum = static_cast<T>(weights), result = static_cast<T>(reduction == 1 ? total / weights : total);
    if (reduction == 0) put(c.out(0), each.data(), n);
    else put(c.out(0), &result, 1);
    put(c.out(1), &sum, 1);
  });
}

void nll_backward_shape(tl::Call& c) {
  const tl::Tensor x = c.tensor(1), target = c.tensor(2);
  check_classes("nll_loss_backward", x, target, c.tensor(3));
  check_gradient("nll_loss_backward", c.tensor(0), target.sizes(), c.integer(5));
  require(c.tensor(4).numel() == 1, "nll_loss_backward: total_weight must be one number, got shape ", tl::to_string(c.tensor(4).sizes()));
  c.output(0, x.sizes(), x.dtype());
}
void nll_backward(tl::Call& c) {
  const tl::Tensor grad = as_compute(c.tensor(0)), target = tl::call<"contiguous">(cast(c.tensor(2), TL_INT64)), total = cast(c.tensor(4), grad.dtype());
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
    const T scale = reduction == 1 ? g[0] / total.data<T>()[0] : reduction == 2 ? g[0] : T(1);
    for (int64_t i = 0; i < l.positions(); ++i) {
      const int64_t k = checked_class(t, i, l.classes, ignore);
      if (k >= 0) o[l.offset(i, k)] = -(w ? w[k] : T(1)) * (reduction == 0 ? g[i] : scale);
    }
  });
  if (temp.get() != out.get()) tl::call<"copy_">(out, temp);
}
// Linear in grad: its own backward picks the entries again, and divides by the same total weight.
void nll_double_backward(tl::Call& c) {
  auto r = tl::call<"nn::nll_loss_forward", 2>(c.tensor(0), c.tensor(1), c.tensor(2), c.integer(4), c.integer(5));
  c.ret(r[0]);
}

void nll_loss(tl::Call& c) {
  auto r = tl::call<"nn::nll_loss_forward", 2>(c.tensor(0), c.tensor(1), c.tensor(2), c.integer(3), c.integer(4));
  c.ret(std::move(r[0]));
}

}  // namespace

void register_nll() {
  tl::def<nll_shape>("nn::nll_loss_forward(Tensor input, Tensor target, Tensor? weight, int reduction, int ignore_index) -> (Tensor output, Tensor total_weight)",
                     TL_OP_HIDDEN)
      .cpu<nll>()
      .grad("input: nn::nll_loss_backward(grad0, input.detach(), target, weight, total_weight.detach(), reduction, ignore_index)");
  tl::def<nll_backward_shape>("nn::nll_loss_backward(Tensor dy, Tensor input, Tensor target, Tensor? weight, Tensor total_weight, int reduction, int ignore_index) -> Tensor",
                              TL_OP_HIDDEN)
      .cpu<nll_backward>()
      .grad("dy: nn::nll_loss_double_backward(grad, target, weight, total_weight, reduction, ignore_index)");
  tl::composite<nll_double_backward>("nn::nll_loss_double_backward(Tensor grad, Tensor target, Tensor? weight, Tensor total_weight, int reduction, int ignore_index) -> Tensor",
                                     TL_OP_HIDDEN);
  tl::composite<nll_loss>("nn::nll_loss(Tensor input, Tensor target, Tensor? weight=None, int reduction=1, int ignore_index=-100) -> Tensor")
      .autocast("float32");
}

}  // namespace tallow_nn::loss
