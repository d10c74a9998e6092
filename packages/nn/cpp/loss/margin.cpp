// Losses that ask for a margin between the scores of right and wrong classes.
#include "loss/loss.hpp"

namespace tallow_nn::loss {
namespace {

// Scores (C) or (N, C): C is not 0, N may be.
void check_scores(const tl::Tensor& x) {
  const int64_t nd = x.ndim();
  require((nd == 2 && x.size(1) != 0) || (nd == 1 && x.size(0) != 0) || nd == 0,
          "Expected non-empty vector or matrix with optional 0-dim batch size, but got: ", tl::to_string(x.sizes()));
}

// sum_{j != t} w_t max(0, margin - x_t + x_j)^p / C.
void multi_margin_loss(tl::Call& c) {
  tl::Tensor x = c.tensor(0), target = c.tensor(1);
  const tl::Tensor weight = c.tensor(4);
  const int64_t p = c.integer(2, 1), reduction = c.integer(5, 1);
  check_scores(x);
  require(p == 1 || p == 2, "only p == 1 and p == 2 supported");
  const bool one = x.ndim() <= 1;
  const int64_t rows = one ? 1 : x.size(0), classes = x.ndim() == 0 ? 1 : x.size(-1);
  require(target.ndim() <= 1 && target.numel() == rows, "target tensor should be 1-D with size equal to the batch. Expected target size [", rows, "], but got ",
          tl::to_string(target.sizes()));
  require(target.dtype() == TL_INT64, "expected scalar type Long but found ", is_floating(target.dtype()) ? "Float" : "another dtype");
  if (weight)
    require(weight.ndim() <= 1 && weight.numel() == classes, "inconsistent weight size, expected ", classes, " but got ", tl::to_string(weight.sizes()));
  const int64_t* t = tl::call<"contiguous">(target).data<int64_t>();
  for (int64_t i = 0; i < rows; ++i) require(t[i] >= 0 && t[i] < classes, "target out of range: class ", t[i], " of ", classes);
  const tl::Dims matrix{rows, classes};
  x = shaped(x, matrix);
  const tl::Tensor index = shaped(target, tl::Dims{rows, 1});
  tl::Tensor cost = tl::call<"clamp">(x - tl::call<"gather">(x, 1, index) + c.number(3, 1.0), 0.0);
  if (p == 2) cost = cost * cost;
  if (weight) cost = cost * shaped(tl::call<"index_select">(weight, 0, shaped(target, tl::Dims{rows})), tl::Dims{rows, 1});
  const tl::Tensor loss = tl::call<"sum">(tl::call<"scatter.value">(cost, 1, index, 0.0), tl::Dims{1}) / static_cast<double>(classes);
  c.ret(reduction == 0 && one ? shaped(loss, tl::Dims{}) : reduce(loss, reduction));
}

// sum over classes j of the target and i not of it of max(0, 1 - (x_j - x_i)) / C. A row of the target lists its classes, up to
// the first -1.
void check_multilabel(const tl::Tensor& x, const tl::Tensor& target) {
  check_scores(x);
  require(x.dtype() == TL_FLOAT32 || x.dtype() == TL_FLOAT64, "\"multilabel_margin_loss_forward_out_frame\" not implemented for this dtype");
  require(same_sizes(x.sizes(), target.sizes()), "inconsistent target size: ", tl::to_string(target.sizes()), " for input of size: ", tl::to_string(x.sizes()));
  require(target.dtype() == TL_INT64, "expected scalar type Long but found ", is_floating(target.dtype()) ? "Float" : "another dtype");
}
tl::Sizes per_row(const tl::Tensor& x) { return x.ndim() < 2 ? tl::Sizes() : x.sizes().first(1); }
void multilabel_shape(tl::Call& c) {
  const tl::Tensor x = c.tensor(0);
  check_multilabel(x, c.tensor(1));
  c.output(0, per_row(x), x.dtype());
}

// Calls f(row, classes of the target, flags of all classes) for every row.
template <class F>
void for_each_row(const tl::Tensor& x, const tl::Tensor& target, F f) {
  const int64_t classes = x.ndim() ? x.size(-1) : 1, rows = x.numel() / classes;
  const tl::Tensor dense = tl::call<"contiguous">(target);
  const int64_t* t = dense.data<int64_t>();
  tl::parallel_for(0, rows, std::max<int64_t>(1, 4096 / classes), [&](int64_t b, int64_t e) {
    std::vector<char> wanted(static_cast<size_t>(classes));
    for (int64_t r = b; r < e; ++r) {
      const int64_t* row = t + r * classes;
      int64_t n = 0;
      while (n < classes && row[n] != -1) {
        require(row[n] >= 0 && row[n] < classes, "argument #2 'target' is out of range: class ", row[n], " of ", classes);
        ++n;
      }
      std::fill(wanted.begin(), wanted.end(), 0);
      for (int64_t k = 0; k < n; ++k) wanted[static_cast<size_t>(row[k])] = 1;
      f(r, classes, std::span<const int64_t>(row, static_cast<size_t>(n)), wanted);
    }
  });
}

void multilabel(tl::Call& c) {
  const tl::Tensor x = as_compute(c.tensor(0)), out = c.out();
  by_float(x, [&](auto zero) {
    using T = decltype(zero);
    const T* in = x.data<T>();
    T* to = out.data<T>();
    for_each_row(x, c.tensor(1), [&](int64_t r, int64_t classes, std::span<const int64_t> right, const std::vector<char>& wanted) {
      T sum = 0;
      for (const int64_t j : right)
        for (int64_t i = 0; i < classes; ++i)
          if (!wanted[static_cast<size_t>(i)]) sum += std::max(T(0), T(1) - in[r * classes + j] + in[r * classes + i]);
      to[r] = sum / static_cast<T>(classes);
    });
  });
}

void multilabel_backward_shape(tl::Call& c) {
  const tl::Tensor x = c.tensor(1);
  check_multilabel(x, c.tensor(2));
  check_gradient("multilabel_margin_backward", c.tensor(0), per_row(x), 0);
  c.output(0, x.sizes(), x.dtype());
}
void multilabel_backward(tl::Call& c) {
  const tl::Tensor x = as_compute(c.tensor(1)), grad = cast(tl::call<"contiguous">(c.tensor(0)), x.dtype()), out = c.out();
  tl::call<"zero_">(out);
  by_float(x, [&](auto zero) {
    using T = decltype(zero);
    const T *in = x.data<T>(), *g = grad.data<T>();
    T* to = out.data<T>();
    for_each_row(x, c.tensor(2), [&](int64_t r, int64_t classes, std::span<const int64_t> right, const std::vector<char>& wanted) {
      const T share = g[r] / static_cast<T>(classes);
      for (const int64_t j : right)
        for (int64_t i = 0; i < classes; ++i)
          if (!wanted[static_cast<size_t>(i)] && T(1) - in[r * classes + j] + in[r * classes + i] > 0)
            to[r * classes + j] -= share, to[r * classes + i] += share;
    });
  });
}
// The loss is piecewise linear in x: the second derivative is that in dy alone.
void multilabel_backward_dy(tl::Call& c) {
  const tl::Tensor along = c.tensor(0), dy = c.tensor(1), x = c.tensor(2);
  const tl::Tensor slope = along * tl::call<"nn::multilabel_margin_backward">(tl::call<"ones_like">(dy), x, c.tensor(3));
  c.ret(x.ndim() ? tl::call<"sum">(slope, tl::Dims{-1}) : slope);
}
void multilabel_margin_loss(tl::Call& c) { c.ret(reduce(tl::call<"nn::multilabel_margin_each">(c.tensor(0), c.tensor(1)), c.integer(2, 1))); }

}  // namespace

void register_margin() {
  tl::composite<multi_margin_loss>("nn::multi_margin_loss(Tensor input, Tensor target, int p=1, float margin=1.0, Tensor? weight=None, int reduction=1) -> Tensor")
      .autocast("float32");
  tl::def<multilabel_shape>("nn::multilabel_margin_each(Tensor input, Tensor target) -> Tensor", TL_OP_HIDDEN)
      .cpu<multilabel>()
      .grad("input: nn::multilabel_margin_backward(grad, input.detach(), target)");
  tl::def<multilabel_backward_shape>("nn::multilabel_margin_backward(Tensor dy, Tensor input, Tensor target) -> Tensor", TL_OP_HIDDEN)
      .cpu<multilabel_backward>()
      .grad("dy: nn::multilabel_margin_backward_dy(grad, dy, input, target)");
  tl::composite<multilabel_backward_dy>("nn::multilabel_margin_backward_dy(Tensor grad, Tensor dy, Tensor input, Tensor target) -> Tensor", TL_OP_HIDDEN);
  tl::composite<multilabel_margin_loss>("nn::multilabel_margin_loss(Tensor input, Tensor target, int reduction=1) -> Tensor")
      .autocast("float32");
}

}  // namespace tallow_nn::loss
