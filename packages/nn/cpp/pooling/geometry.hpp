// The windows of pooling calls in one to three dimensions; fewer than three have leading extents of 1.
#pragma once
#include <algorithm>
#include <array>

#include "common.hpp"

namespace tallow_nn::pooling {

using Spatial = std::array<int64_t, 3>;

inline int64_t volume(const Spatial& s) { return s[0] * s[1] * s[2]; }

// Planes are batch times channels.
struct Pool {
  int64_t planes = 1;
  Spatial input{1, 1, 1}, output{1, 1, 1}, kernel{1, 1, 1}, stride{1, 1, 1}, padding{0, 0, 0}, dilation{1, 1, 1};

  int64_t planes_per_piece() const { return std::max<int64_t>(1, 16384 / std::max<int64_t>(1, volume(input))); }
};

// Which outputs along one dimension see a cell of the input through one tap of the kernel, and where that cell is.
struct Reach {
  int64_t first, last, offset;  // cell = output * stride + offset for outputs in [first, last)
};
inline Reach reach(const Pool& p, size_t d, int64_t tap) {
  const int64_t offset = tap * p.dilation[d] - p.padding[d];
  const int64_t first = offset >= 0 ? 0 : (-offset + p.stride[d] - 1) / p.stride[d];
  const int64_t room = p.input[d] - offset;  // outputs with output * stride < room
  const int64_t last = room <= 0 ? 0 : std::min(p.output[d], (room + p.stride[d] - 1) / p.stride[d]);
  return {std::min(first, last), last, offset};
}

struct Geometry {
  const char* op;
  int spatial;
};
Pool geometry(Geometry g, tl::Sizes x, tl::Sizes kernel, tl::Sizes stride, tl::Sizes padding, tl::Sizes dilation, bool ceil_mode);

// Windows chosen so that the result has the given size: output i covers cells [i * in / out, ceil((i + 1) * in / out)).
Pool adaptive_geometry(Geometry g, tl::Sizes x, tl::Sizes size);
inline int64_t window_begin(const Pool& p, size_t d, int64_t i) { return i * p.input[d] / p.output[d]; }
inline int64_t window_end(const Pool& p, size_t d, int64_t i) { return ((i + 1) * p.input[d] + p.output[d] - 1) / p.output[d]; }

tl::Dims pooled_sizes(tl::Sizes x, const Pool& p, int spatial);

// A gradient has to have the shape that the forward pass gave.
inline void require_pooled(Geometry g, const tl::Tensor& dy, tl::Sizes input, const Pool& p) {
  const tl::Dims expected = pooled_sizes(input, p, g.spatial);
  require(std::ranges::equal(dy.sizes(), expected), g.op, "_backward: expected a gradient of sizes ", tl::to_string(expected), ", but got ",
          tl::to_string(dy.sizes()));
}

// ---------------------------------------------------------------- operands
inline bool is_integer(TlDtype t) { return t >= TL_UINT8 && t <= TL_INT64; }
// double and int64 stay, other integers go through int64, other floating types through float.
inline tl::Tensor operand(const tl::Tensor& t) { return is_integer(t.dtype()) ? tl::call<"contiguous">(cast(t, TL_INT64)) : as_compute(t); }
inline tl::Tensor target(const tl::Tensor& out, const tl::Tensor& operand) {
  return out.dtype() == operand.dtype() && out.contiguous() ? out : tl::empty(out.sizes(), operand.dtype());
}
inline void finish(const tl::Tensor& out, const tl::Tensor& from) {
  if (out.get() != from.get()) tl::call<"copy_">(out, from);
}
template <class F>
void by_number(const tl::Tensor& t, F&& f) {
  if (t.dtype() == TL_INT64) f(int64_t());
  else by_float(t, f);
}
inline void require_numbers(const tl::Tensor& t, const char* op) {
  if (!is_floating(t.dtype()) && !is_integer(t.dtype()))
    throw tl::Error(TL_NOT_IMPLEMENTED_ERROR, std::string(op) + "(): not implemented for the dtype of the input; it takes integers and floating-point numbers");
}

void register_max();
void register_average();
void register_adaptive();

}  // namespace tallow_nn::pooling
