#include "pooling/geometry.hpp"

namespace tallow_nn::pooling {
namespace {

const char* ints(int spatial) { return spatial == 1 ? "one int" : spatial == 2 ? "two ints" : "three ints"; }

// One value or one per dimension, at the right-hand end of `to`.
void read(tl::Sizes from, Spatial& to, Geometry g, const char* name) {
  if (from.empty()) return;
  const auto n = static_cast<size_t>(g.spatial);
  require(from.size() == 1 || from.size() == n, g.op, ": ", name, " must either be a single int, or a tuple of ", ints(g.spatial), ", got ",
          tl::to_string(from));
  for (size_t d = 0; d < n; ++d) {
    const int64_t value = to[3 - n + d] = from[from.size() == 1 ? 0 : d];
    require(value == static_cast<int32_t>(value), g.op, ": ", name, "=", tl::to_string(from), " is out of range");  // so that no product overflows
  }
}

int64_t floor_div(int64_t a, int64_t b) { return (a >= 0 ? a : a - b + 1) / b; }

int64_t output_size(int64_t in, int64_t pad, int64_t kernel, int64_t stride, int64_t dilation, bool ceil_mode) {
  const int64_t span = in + 2 * pad - dilation * (kernel - 1) - 1;
  int64_t out = floor_div(span + (ceil_mode ? stride - 1 : 0), stride) + 1;
  if (ceil_mode && (out - 1) * stride >= in + pad) --out;  // the last window must start inside the input or its near padding
  return out;
}

// Planes and extents; every dimension but the batch has to have a size.
Pool extents(Geometry g, tl::Sizes x) {
  const int64_t nd = static_cast<int64_t>(x.size()), n = g.spatial;
  const auto complain = [&] {
    require(false, g.op, "(): Expected ", n + 1, "D or ", n + 2, "D (batch mode) tensor with optional 0 dim batch size for input, but got: ",
            tl::to_string(x));
  };
  if (nd != n + 1 && nd != n + 2) complain();
  Pool p;
  for (int64_t d = 0; d < nd; ++d) {
    if (x[static_cast<size_t>(d)] == 0 && (nd == n + 1 || d > 0)) complain();
    if (d < nd - n) p.planes *= x[static_cast<size_t>(d)];
    else p.input[static_cast<size_t>(3 - nd + d)] = x[static_cast<size_t>(d)];
  }
  return p;
}

}  // namespace

Pool geometry(Geometry g, tl::Sizes x, tl::Sizes kernel, tl::Sizes stride, tl::Sizes padding, tl::Sizes dilation, bool ceil_mode) {
  Pool p = extents(g, x);
  require(!kernel.empty(), g.op, ": kernel_size must either be a single int, or a tuple of ", ints(g.spatial));
  read(kernel, p.kernel, g, "kernel_size");
  p.stride = p.kernel;
  read(stride, p.stride, g, "stride");
  read(padding, p.padding, g, "padding");
  read(dilation, p.dilation, g, "dilation");
  for (size_t d = static_cast<size_t>(3 - g.spatial); d < 3; ++d) {
    require(p.kernel[d] > 0, g.op, "() kernel_size must be greater than zero, but got ", p.kernel[d]);
    require(p.stride[d] > 0, g.op, "() stride must be greater than zero, but got ", p.stride[d]);
    require(p.dilation[d] > 0, g.op, "() dilation must be greater than zero, but got ", p.dilation[d]);
    require(p.padding[d] >= 0, "pad must be non-negative, but got pad: ", p.padding[d]);
    require(p.padding[d] <= ((p.kernel[d] - 1) * p.dilation[d] + 1) / 2, "pad should be at most half of effective kernel size, but got pad=", p.padding[d],
            ", kernel_size=", p.kernel[d], " and dilation=", p.dilation[d]);
    p.output[d] = output_size(p.input[d], p.padding[d], p.kernel[d], p.stride[d], p.dilation[d], ceil_mode);
  }
  const auto shown = [&](const Spatial& s) { return tl::to_string(tl::Sizes(s).subspan(static_cast<size_t>(3 - g.spatial))); };
  for (int64_t size : p.output)
    require(size > 0, g.op, "(): Given input size: ", shown(p.input), ". Calculated output size: ", shown(p.output), ". Output size is too small");
  return p;
}

Pool adaptive_geometry(Geometry g, tl::Sizes x, tl::Sizes size) {
  const auto n = static_cast<size_t>(g.spatial);
  require(size.size() == n, g.op, ": output_size must be ", g.spatial, " numbers, got ", tl::to_string(size));
  for (int64_t s : size) require(s >= 0, g.op, ": elements of output_size must be greater than or equal to 0 but received ", tl::to_string(size));
  Pool p = extents(g, x);
  for (size_t d = 0; d < n; ++d) p.output[3 - n + d] = size[d];
  return p;
}

tl::Dims pooled_sizes(tl::Sizes x, const Pool& p, int spatial) {
  tl::Dims s(x.begin(), x.end());
  for (int d = 1; d <= spatial; ++d) s[s.size() - static_cast<size_t>(d)] = p.output[static_cast<size_t>(3 - d)];
  return s;
}

}  // namespace tallow_nn::pooling

namespace tallow_nn {
void register_pooling() {
  pooling::register_max();
  pooling::register_average();
  pooling::register_adaptive();
}
}  // namespace tallow_nn
