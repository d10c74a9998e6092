// Convolution as ops: forward, and its two gradients, each of which is the others' gradient again.
#include <algorithm>

#include "common.hpp"
#include "conv/conv.hpp"
#include "conv/functions.hpp"
#include "ops.hpp"

namespace tallow_nn {
namespace {

using conv::Shape;

// Reads stride, padding, dilation (one value or one per dimension) and groups at arguments first, first+1, ...
Shape geometry(tl::Call& c, uint32_t first, tl::Sizes input, tl::Sizes weight) {
  const auto nd = static_cast<int64_t>(weight.size());
  require(nd >= 3 && nd <= 5, "convolution: expected a weight of 3 to 5 dimensions, got ", tl::to_string(weight));
  require(static_cast<int64_t>(input.size()) == nd, "Expected ", nd, "D (batched) input to conv", nd - 2, "d, but got input of size: ", tl::to_string(input));
  Shape s;
  s.groups = c.integer(first + 3);
  require(s.groups > 0, "non-positive groups is not supported");
  s.batch = input[0], s.in_channels = input[1], s.out_channels = weight[0];
  require(weight[0] >= s.groups, "Given groups=", s.groups, ", expected weight to be at least ", s.groups, " at dimension 0, but got weight of size ",
          tl::to_string(weight), " instead");
  require(weight[0] % s.groups == 0, "Given groups=", s.groups, ", expected weight to be divisible by ", s.groups,
          " at dimension 0, but got weight of size ", tl::to_string(weight), " instead");
  require(input[1] == weight[1] * s.groups, "Given groups=", s.groups, ", weight of size ", tl::to_string(weight), ", expected input", tl::to_string(input),
          " to have ", weight[1] * s.groups, " channels, but got ", input[1], " channels instead");
  const char* names[] = {"stride", "padding", "dilation"};
  conv::Spatial* fields[] = {&s.stride, &s.padding, &s.dilation};
  for (uint32_t k = 0; k < 3; ++k) {
    const tl::Sizes v = c.ints(first + k);
    require(v.size() == 1 || static_cast<int64_t>(v.size()) == nd - 2, "expected ", names[k], " to be a single integer value or a list of ", nd - 2,
            " values to match the convolution dimensions, but got ", names[k], "=", tl::to_string(v));
    for (int64_t d = 0; d < nd - 2; ++d) {
      const int64_t x = v.size() == 1 ? v[0] : v[static_cast<size_t>(d)];
      require(k == 1 ? x >= 0 : x > 0, k == 1 ? "negative" : "non-positive", " ", names[k], " is not supported");
      require(x == static_cast<int32_t>(x), names[k], "=", tl::to_string(v), " is out of range");  // so that no product overflows
      (*fields[k])[static_cast<size_t>(d + 5 - nd)] = x;
    }
  }
  for (int64_t d = 2; d < nd; ++d) {
    const auto at = static_cast<size_t>(d + 3 - nd);
    s.input[at] = input[static_cast<size_t>(d)], s.kernel[at] = weight[static_cast<size_t>(d)];
    const int64_t span = s.input[at] + 2 * s.padding[at] - s.dilation[at] * (s.kernel[at] - 1) - 1;
    require(span >= 0, "Calculated padded input size per channel: (", s.input[at] + 2 * s.padding[at], "). Kernel size: (",
            s.dilation[at] * (s.kernel[at] - 1) + 1, "). Kernel size can't be greater than actual input size");
    s.output[at] = span / s.stride[at] + 1;
  }
  return s;
}

tl::Dims output_sizes(const Shape& s, int64_t nd) {
  tl::Dims out{s.batch, s.out_channels};
  for (int64_t d = 5 - nd; d < 3; ++d) out.push_back(s.output[static_cast<size_t>(d)]);
  return out;
}

// Memory and five strides of a tensor of nd dimensions.
template <class T>
conv::View<T> view(const tl::Tensor& t) {
  const TlTensorInfo i = t.info();
  conv::Strides st{};
  st[0] = i.strides[0], st[1] = i.strides[1];
  for (int64_t d = 2; d < i.ndim; ++d) st[static_cast<size_t>(d + 5 - i.ndim)] = i.strides[d];
  const int64_t lead = i.ndim < 5 ? i.strides[2] * i.sizes[2] : 0;  // extents of 1 step over nothing
  for (int64_t d = 2; d < 2 + 5 - i.ndim; ++d) st[static_cast<size_t>(d)] = lead;
  return {static_cast<T*>(i.data), st};
}

// double is computed as it is, integers in int64, everything else in float.
bool is_double(const tl::Tensor& t) { return t.dtype() == TL_FLOAT64; }
bool is_integer(TlDtype t) { return t >= TL_UINT8 && t <= TL_INT64; }
TlDtype compute_type(TlDtype t) { return t == TL_FLOAT64 ? t : is_integer(t) ? TL_INT64 : TL_FLOAT32; }

// (N, C, spatial) in memory as (N, spatial, C); what is both that and contiguous counts as contiguous.
tl::Dims channels_last(tl::Sizes sizes) {
  const size_t nd = sizes.size();
  tl::Dims st(nd);
  st[1] = 1;
  int64_t step = sizes[1];
  for (size_t d = nd - 1; d >= 2; --d) st[d] = step, step *= sizes[d];
  st[0] = step;
  return st;
}
bool is_channels_last(const tl::Tensor& t) {
  if (t.contiguous() || t.ndim() < 4) return false;
  const tl::Dims want = channels_last(t.sizes());
  for (size_t d = 0; d < want.size(); ++d)
    if (t.sizes()[d] != 1 && t.strides()[d] != want[d]) return false;
  return true;
}
// The layout of a result: its operands' where one of them is channels-last.
void describe(tl::Call& c, tl::Sizes sizes, const tl::Tensor& a, const tl::Tensor& b) {
  const bool last = sizes.size() >= 4 && (is_channels_last(a) || is_channels_last(b));
  c.output(0, sizes, a.dtype(), a.device(), last ? channels_last(sizes).data() : nullptr);
}

tl::Tensor operand(const tl::Tensor& t) {
  const TlDtype type = compute_type(t.dtype());
  return type == TL_FLOAT32 && t.dtype() == type && is_channels_last(t) ? t : tl::call<"contiguous">(cast(t, type));
}
// What a kernel writes into: the result itself where it has the type and the layout.
tl::Tensor target(const tl::Tensor& out) {
  const TlDtype type = compute_type(out.dtype());
  return out.dtype() == type && (type == TL_FLOAT32 || out.contiguous()) ? out : tl::empty(out.sizes(), type);
}
void finish(const tl::Tensor& out, const tl::Tensor& from) {
  if (out.get() != from.get()) tl::call<"copy_">(out, from);
}

void forward_shape(tl::Call& c) {
  const tl::Tensor x = c.tensor(0), w = c.tensor(1), b = c.tensor(2);
  const Shape s = geometry(c, 3, x.sizes(), w.sizes());
  require(x.dtype() == w.dtype(), "Input type and weight type should be the same");
  require(is_floating(x.dtype()) || is_integer(x.dtype()), "\"convolution\" not implemented for this dtype of the input");
  if (b) require(b.ndim() == 1 && b.numel() == s.out_channels && b.dtype() == w.dtype(), "Given weight of size ", tl::to_string(w.sizes()),
                 ", expected bias to be 1-dimensional with ", s.out_channels, " elements, but got bias of size ", tl::to_string(b.sizes()), " instead");
  describe(c, output_sizes(s, x.ndim()), x, w);
}
void forward(tl::Call& c) {
  const Shape s = geometry(c, 3, c.tensor(0).sizes(), c.tensor(1).sizes());
  const tl::Tensor out = c.out();
  if (out.numel() == 0) return;
  const tl::Tensor x = operand(c.tensor(0)), w = operand(c.tensor(1)), b = c.tensor(2) ? operand(c.tensor(2)) : tl::Tensor(), y = target(out);
  if (x.numel() == 0 || w.numel() == 0) {
    tl::call<"zero_">(out);
    if (b) tl::call<"copy_">(out, tl::call<"reshape">(c.tensor(2), [&] { tl::Dims d(static_cast<size_t>(out.ndim()), 1); d[1] = -1; return d; }()));
    return;
  }
  if (x.dtype() == TL_INT64) conv::forward(s, x.data<int64_t>(), w.data<int64_t>(), b ? b.data<int64_t>() : nullptr, y.data<int64_t>());
  else if (is_double(x)) conv::forward(s, x.data<double>(), w.data<double>(), b ? b.data<double>() : nullptr, y.data<double>());
  else conv::forward(s, view<const float>(x), view<const float>(w), b ? b.data<float>() : nullptr, view<float>(y));
  finish(out, y);
}

void require_output(const char* op, const Shape& s, const tl::Tensor& dy, const tl::Tensor& other) {
  const tl::Dims expected = output_sizes(s, dy.ndim());
  require(std::ranges::equal(dy.sizes(), expected), op, ": expected a gradient of sizes ", tl::to_string(expected), ", but got ", tl::to_string(dy.sizes()));
  require(dy.dtype() == other.dtype(), op, ": Input type and weight type should be the same");
  require(is_floating(dy.dtype()) || is_integer(dy.dtype()), op, ": not implemented for this dtype of the input");
}

void input_grad_shape(tl::Call& c) {
  const Shape s = geometry(c, 3, c.ints(2), c.tensor(1).sizes());
  require(c.tensor(0).ndim() == c.tensor(1).ndim(), "convolution_input_grad: a gradient of ", c.tensor(0).ndim(), " dimensions and a weight of ",
          c.tensor(1).ndim());
  require_output("convolution_input_grad", s, c.tensor(0), c.tensor(1));
  describe(c, c.ints(2), c.tensor(0), c.tensor(1));
}
void input_grad(tl::Call& c) {
  const Shape s = geometry(c, 3, c.ints(2), c.tensor(1).sizes());
  const tl::Tensor out = c.out();
  if (out.numel() == 0) return;
  const tl::Tensor dy = operand(c.tensor(0)), w = operand(c.tensor(1)), dx = target(out);
  if (dy.numel() == 0) return void(tl::call<"zero_">(out));
  if (dy.dtype() == TL_INT64) conv::backward_data(s, dy.data<int64_t>(), w.data<int64_t>(), dx.data<int64_t>());
  else if (is_double(dy)) conv::backward_data(s, dy.data<double>(), w.data<double>(), dx.data<double>());
  else conv::backward_data(s, view<const float>(dy), view<const float>(w), view<float>(dx));
  finish(out, dx);
}

void weight_grad_shape(tl::Call& c) {
  const Shape s = geometry(c, 3, c.tensor(1).sizes(), c.ints(2));
  require(c.tensor(0).ndim() == c.tensor(1).ndim(), "convolution_weight_grad: a gradient of ", c.tensor(0).ndim(), " dimensions and an input of ",
          c.tensor(1).ndim());
  require_output("convolution_weight_grad", s, c.tensor(0), c.tensor(1));
  c.output(0, c.ints(2), c.tensor(0).dtype());
}
void weight_grad(tl::Call& c) {
  const Shape s = geometry(c, 3, c.tensor(1).sizes(), c.ints(2));
  const tl::Tensor out = c.out();
  if (out.numel() == 0) return;
  const tl::Tensor dy = operand(c.tensor(0)), x = operand(c.tensor(1)), dw = target(out);
  if (dy.numel() == 0) return void(tl::call<"zero_">(out));
  if (is_double(dy)) conv::backward_weights(s, x.data<double>(), dy.data<double>(), dw.data<double>());
  else conv::backward_weights(s, view<const float>(x), view<const float>(dy), view<float>(dw));
  finish(out, dw);
}
void bias_grad(tl::Call& c) {
  const tl::Tensor g = c.tensor(0);
  tl::Dims dims{0};
  for (int64_t d = 2; d < g.ndim(); ++d) dims.push_back(d);
  c.ret(tl::call<"sum">(g, dims));
}

}  // namespace

void register_conv() {
  const std::string rest = "int[] stride, int[] padding, int[] dilation, int groups) -> Tensor";
  tl::def<forward_shape>(("nn::convolution(Tensor input, Tensor weight, Tensor? bias, " + rest).c_str(), 0,
                         "Cross-correlation of (N, C, *) with (O, C / groups, *), in one to three spatial dimensions.")
      .cpu<forward>()
      .grad("input: nn::convolution_input_grad(grad, weight, input.sizes, stride, padding, dilation, groups);"
            "weight: nn::convolution_weight_grad(grad, input, weight.sizes, stride, padding, dilation, groups);"
            "bias: nn::convolution_bias_grad(grad)");
  tl::def<input_grad_shape>(("nn::convolution_input_grad(Tensor dy, Tensor weight, int[] input_size, " + rest).c_str(), TL_OP_HIDDEN)
      .cpu<input_grad>()
      .grad("dy: nn::convolution(grad, weight, None, stride, padding, dilation, groups);"
            "weight: nn::convolution_weight_grad(dy, grad, weight.sizes, stride, padding, dilation, groups)");
  tl::def<weight_grad_shape>(("nn::convolution_weight_grad(Tensor dy, Tensor input, int[] weight_size, " + rest).c_str(), TL_OP_HIDDEN)
      .cpu<weight_grad>()
      .grad("dy: nn::convolution(input, grad, None, stride, padding, dilation, groups);"
            "input: nn::convolution_input_grad(dy, grad, input.sizes, stride, padding, dilation, groups)");
  tl::composite<bias_grad>("nn::convolution_bias_grad(Tensor grad) -> Tensor", TL_OP_HIDDEN);
  register_conv_functions();
}

}  // namespace tallow_nn
