// y = x W^T + b.
#include "common.hpp"
#include "layout.hpp"
#include "ops.hpp"

namespace tallow_nn {
namespace {

void linear_shape(tl::Call& c) {
  const tl::Tensor x = c.tensor(0), w = c.tensor(1), b = c.tensor(2);
  require(w.ndim() == 2 || w.ndim() == 1, "linear: weight must be 1-D or 2-D, got shape ", tl::to_string(w.sizes()));
  require(x.ndim() >= 1 && x.size(-1) == w.size(-1), "linear: mat1 and mat2 shapes cannot be multiplied (input ", tl::to_string(x.sizes()), ", weight ",
          tl::to_string(w.sizes()), ")");
  require(x.dtype() == w.dtype(), "linear: mat1 and mat2 must have the same dtype, but got ", dtype_name(x.dtype()), " and ", dtype_name(w.dtype()));
  require(!b || b.dtype() == w.dtype(), "linear: expected weight and bias to have the same dtype, but got ", dtype_name(w.dtype()), " and ",
          b ? dtype_name(b.dtype()) : "");
  tl::Dims out(x.sizes().begin(), x.sizes().end() - 1);
  if (w.ndim() == 2) out.push_back(w.size(0));
  if (b) require(b.ndim() <= 1 && (b.numel() == (w.ndim() == 2 ? w.size(0) : 1) || b.numel() == 1), "linear: bias of shape ", tl::to_string(b.sizes()),
                 " does not fit weight of shape ", tl::to_string(w.sizes()));
  c.output(0, out, x.dtype());
}

// Rows of x times W^T: straight into the result, with the bias where there is one.
void linear(tl::Call& c) {
  const tl::Tensor x = c.tensor(0), w = c.tensor(1), b = c.tensor(2), y = c.out();
  const int64_t k = w.size(-1), n = w.ndim() == 2 ? w.size(0) : 1, m = k ? x.numel() / k : y.numel() / (n ? n : 1);
  if (y.numel() == 0) return;
  const bool native = x.dtype() == TL_FLOAT32 || x.dtype() == TL_FLOAT64;
  if (!native) {
    tl::Tensor r = tl::call<"matmul">(x, w.ndim() == 2 ? tl::call<"t">(w) : w);
    if (b) r = tl::call<"add">(r, b);
    tl::call<"copy_">(y, r);
    return;
  }
  const tl::Tensor dx = tl::call<"contiguous">(x);
  // The weight may be a transposed view: then it is not copied.
  const tl::Sizes ws = w.strides();
  const bool transposed = w.ndim() == 2 && ws[0] == 1 && ws[1] >= n && n > 1;
  const tl::Tensor dw = transposed ? w : tl::call<"contiguous">(w);
  if (b) {  // added while the product is written
    const tl::Tensor row = b.numel() == n ? tl::call<"view">(b, tl::Dims{n}) : tl::call<"expand">(b, tl::Dims{n});
    tl::call<"addmm.out">(row, tl::call<"view">(dx, tl::Dims{m, k}), tl::call<"t">(w.ndim() == 2 ? dw : tl::call<"view">(dw, tl::Dims{n, k})),
                          tl::kw("out", tl::call<"view">(y, tl::Dims{m, n})));
    return;
  }
  tl::check(tl::api()->gemm(x.dtype(), 0, !transposed, m, n, k, 1.0, dx.data(), std::max<int64_t>(k, 1), dw.data(),
                            transposed ? ws[1] : std::max<int64_t>(k, 1), 0.0, y.data(), n));
}

// d weight = grad^T x over all rows; d bias = their sum.
void linear_weight_grad(tl::Call& c) {
  const tl::Tensor grad = c.tensor(0), x = c.tensor(1);
  const int64_t k = x.size(-1);
  const int64_t weight_ndim = c.integer(2);
  if (weight_ndim == 1) {
    c.ret(tl::call<"mv">(tl::call<"t">(tl::call<"reshape">(x, tl::Dims{-1, k})), tl::call<"reshape">(grad, tl::Dims{-1})));
    return;
  }
  const int64_t n = grad.size(-1), rows = n ? grad.numel() / n : 0;
  c.ret(tl::call<"mm">(tl::call<"t">(tl::call<"reshape">(grad, tl::Dims{rows, n})), tl::call<"reshape">(x, tl::Dims{rows, k})));
}
void linear_input_grad(tl::Call& c) {
  const tl::Tensor grad = c.tensor(0), w = c.tensor(1);
  if (w.ndim() == 1) c.ret(tl::call<"mul">(tl::call<"unsqueeze">(grad, -1), w));
  else c.ret(tl::call<"matmul">(grad, w));
}

}  // namespace

void register_linear() {
  tl::def<linear_shape>("nn::linear(Tensor input, Tensor weight, Tensor? bias=None) -> Tensor", TL_OP_OUT, "input @ weight.T + bias over the last dimension.")
      .cpu<linear>()
      .grad("input: nn::linear_input_grad(grad, weight); weight: nn::linear_weight_grad(grad, input, weight.ndim); bias: grad")
      .autocast("lower");
  tl::composite<linear_weight_grad>("nn::linear_weight_grad(Tensor grad, Tensor input, int weight_ndim) -> Tensor", TL_OP_HIDDEN);
  tl::composite<linear_input_grad>("nn::linear_input_grad(Tensor grad, Tensor weight) -> Tensor", TL_OP_HIDDEN);
}

}  // namespace tallow_nn
