#include "conv/functions.hpp"

#include "common.hpp"

namespace tallow_nn {
namespace {

bool is_complex(TlDtype t) { return t == TL_COMPLEX64 || t == TL_COMPLEX128; }

// A bilinear op on complex numbers by four on real ones. f(x, w, bias) with bias only in the parts that have one.
template <class F>
tl::Tensor by_parts(const tl::Tensor& x, const tl::Tensor& w, const tl::Tensor& b, F&& f) {
  const tl::Tensor xr = tl::call<"real">(x), xi = tl::call<"imag">(x), wr = tl::call<"real">(w), wi = tl::call<"imag">(w);
  const tl::Tensor br = b ? tl::call<"real">(b) : tl::Tensor(), bi = b ? tl::call<"imag">(b) : tl::Tensor();
  const tl::Tensor none;
  return tl::call<"complex">(tl::call<"sub">(f(xr, wr, br), f(xi, wi, none)), tl::call<"add">(f(xr, wi, bi), f(xi, wr, none)));
}

struct Operands {
  tl::Tensor x, w, b;
  bool single;  // x came without a batch
};

// Checks what every form shares; (C, *) is one image without a batch.
Operands operands(const tl::Call& c, int64_t spatial, const char* name) {
  Operands o{c.tensor(0), c.tensor(1), c.tensor(2), false};
  require(o.w.ndim() >= 3, "weight should have at least three dimensions, got ", tl::to_string(o.w.sizes()));
  require(o.w.ndim() == spatial + 2, "Expected ", o.w.ndim(), "-dimensional input for ", o.w.ndim(), "-dimensional weight", tl::to_string(o.w.sizes()),
          ", but got ", o.x.ndim(), "-dimensional input of size ", tl::to_string(o.x.sizes()), " instead");
  o.single = o.x.ndim() == spatial + 1;
  require(o.single || o.x.ndim() == spatial + 2, "Expected ", spatial + 1, "D (unbatched) or ", spatial + 2, "D (batched) input to ", name,
          ", but got input of size: ", tl::to_string(o.x.sizes()));
  require(o.x.dtype() == o.w.dtype(), name, "(): Input type and weight type should be the same");
  require(!o.b || o.b.dtype() == o.x.dtype(), name, "(): Input type and bias type should be the same");
  if (o.single) o.x = tl::call<"unsqueeze">(o.x, 0);
  return o;
}

template <int Spatial>
void conv_nd(tl::Call& c) {
  static constexpr const char* names[] = {"conv1d", "conv2d", "conv3d"};
  const Operands o = operands(c, Spatial, names[Spatial - 1]);
  const auto run = [&](const tl::Tensor& x, const tl::Tensor& w, const tl::Tensor& b) {
    return tl::call<"nn::convolution">(x, w, b, c.value(3), c.value(4), c.value(5), c.value(6));
  };
  tl::Tensor y = is_complex(o.x.dtype()) ? by_parts(o.x, o.w, o.b, run) : run(o.x, o.w, o.b);
  c.ret(o.single ? tl::call<"squeeze.dim">(y, 0) : std::move(y));
}

int64_t per_dimension(tl::Sizes v, int64_t d, int64_t spatial, const char* op, const char* name) {
  require(v.size() == 1 || static_cast<int64_t>(v.size()) == spatial, op, "(): expected ", name, " to be a single integer value or a list of ", spatial,
          " values to match the convolution dimensions, but got ", name, "=", tl::to_string(v));
  const int64_t value = v.size() == 1 ? v[0] : v[static_cast<size_t>(d)];
  require(value == static_cast<int32_t>(value), op, "(): ", name, "=", tl::to_string(v), " is out of range");  // so that no product overflows
  return value;
}

// The gradient of a convolution's input, as a forward function: dy is x, and what the gradient is of has the sizes below.
// (input, weight, bias, stride, padding, output_padding, groups, dilation)
template <int Spatial>
void conv_transpose_nd(tl::Call& c) {
  static constexpr const char* names[] = {"conv_transpose1d", "conv_transpose2d", "conv_transpose3d"};
  const char* name = names[Spatial - 1];
  const Operands o = operands(c, Spatial, name);
  const int64_t groups = c.integer(6);
  require(groups > 0, "non-positive groups is not supported");
  require(o.w.size(0) >= groups && o.w.size(0) % groups == 0, "Given groups=", groups, ", expected weight to be divisible by ", groups,
          " at dimension 0, but got weight of size ", tl::to_string(o.w.sizes()), " instead");
  require(o.x.size(1) == o.w.size(0), "Given transposed=1, weight of size ", tl::to_string(o.w.sizes()), ", expected input",
          tl::to_string(o.x.sizes()), " to have ", o.w.size(0), " channels, but got ", o.x.size(1), " channels instead");
  tl::Dims sizes{o.x.size(0), o.w.size(1) * groups}, paddings(Spatial), wanted(Spatial);
  for (int64_t d = 0; d < Spatial; ++d) {
    const int64_t stride = per_dimension(c.ints(3), d, Spatial, name, "stride"), padding = per_dimension(c.ints(4), d, Spatial, name, "padding"),
                  extra = per_dimension(c.ints(5), d, Spatial, name, "output_padding"), dilation = per_dimension(c.ints(7), d, Spatial, name, "dilation");
    require(stride > 0, "non-positive stride is not supported");
    require(padding >= 0, "negative padding is not supported");
    require(dilation > 0, "dilation should be greater than zero");
    require(extra >= 0, "negative output_padding is not supported");
    require(extra < stride || extra < dilation, "output padding must be smaller than either stride or dilation, but got output_padding: ", extra,
            ", stride: ", stride, ", dilation: ", dilation);
    // Cells that no window reaches whatever the weights: they are added afterwards.
    const int64_t whole = (o.x.size(2 + d) - 1) * stride + dilation * (o.w.size(2 + d) - 1) + 1, size = whole - 2 * padding + extra;
    require(size > 0, "Given input size per channel: ", tl::to_string(o.x.sizes().subspan(2)), ". Calculated output size of dimension ", d, ": ", size,
            ". Output size is too small");
    // A convolution of that size would have more windows than x has values: compute all there is and cut it to size.
    const bool cut = extra >= stride;
    paddings[static_cast<size_t>(d)] = cut ? 0 : padding;
    wanted[static_cast<size_t>(d)] = size;
    sizes.push_back(cut ? whole : size);
  }
  if (o.b)
    require(o.b.ndim() == 1 && o.b.numel() == sizes[1], "Given transposed=1, weight of size ", tl::to_string(o.w.sizes()),
            ", expected bias to be 1-dimensional with ", sizes[1], " elements, but got bias of size ", tl::to_string(o.b.sizes()), " instead");
  const auto run = [&](const tl::Tensor& x, const tl::Tensor& w, const tl::Tensor&) {
    return tl::call<"nn::convolution_input_grad">(x, w, sizes, c.value(3), paddings, c.value(7), groups);
  };
  tl::Tensor y = is_complex(o.x.dtype()) ? by_parts(o.x, o.w, tl::Tensor(), run) : run(o.x, o.w, tl::Tensor());
  for (int64_t d = 0; d < Spatial; ++d) {
    const int64_t size = wanted[static_cast<size_t>(d)];
    if (y.size(2 + d) == size) continue;
    const int64_t from = per_dimension(c.ints(4), d, Spatial, name, "padding"), there = std::min(size, y.size(2 + d) - from);
    y = tl::call<"narrow">(y, 2 + d, from, there);
    if (there == size) continue;
    tl::Dims zeros(y.sizes().begin(), y.sizes().end());
    zeros[static_cast<size_t>(2 + d)] = size - there;
    const std::vector<tl::Tensor> parts{y, tl::call<"new_zeros">(y, zeros)};
    y = tl::call<"cat">(parts, 2 + d);
  }
  if (o.b) {
    tl::Dims shape(static_cast<size_t>(Spatial + 2), 1);
    shape[1] = -1;
    y = tl::call<"add">(y, tl::call<"reshape">(o.b, shape));
  }
  c.ret(o.single ? tl::call<"squeeze.dim">(y, 0) : std::move(y));
}

template <int Spatial>
void register_dimension() {
  const std::string n = std::to_string(Spatial), list = "int[" + n + "] ";
  tl::composite<conv_nd<Spatial>>(("nn::conv" + n + "d(Tensor input, Tensor weight, Tensor? bias=None, " + list + "stride=1, " + list + "padding=0, " + list +
                                   "dilation=1, int groups=1) -> Tensor")
                                      .c_str())
      .autocast("lower");
  tl::composite<conv_transpose_nd<Spatial>>(("nn::conv_transpose" + n + "d(Tensor input, Tensor weight, Tensor? bias=None, " + list + "stride=1, " + list +
                                             "padding=0, " + list + "output_padding=0, int groups=1, " + list + "dilation=1) -> Tensor")
                                                .c_str())
      .autocast("lower");
}

}  // namespace

void register_conv_functions() {
  register_dimension<1>();
  register_dimension<2>();
  register_dimension<3>();
}

}  // namespace tallow_nn
