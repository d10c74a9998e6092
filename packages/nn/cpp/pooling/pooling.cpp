// Pooling over planes: max, average and adaptive average, with their backward passes beside them.
#include <cmath>
#include <limits>

#include "common.hpp"
#include "ops.hpp"

namespace tallow_nn {
namespace {

// The geometry of a pooling call; planes are batch times channels.
struct Pool {
  int64_t planes, h, w, oh, ow;
  Pair kernel, stride, padding, dilation;
};

int64_t output_size(int64_t in, int64_t pad, int64_t kernel, int64_t stride, int64_t dilation, bool ceil_mode) {
  const int64_t span = in + 2 * pad - dilation * (kernel - 1) - 1;
  int64_t out = (span >= 0 ? span : span - stride + 1) / stride + 1;
  if (ceil_mode) {
    out = (span + stride - 1) / stride + 1;
    if ((out - 1) * stride >= in + pad) --out;  // the last window must start inside the input or its left padding
  }
  return out;
}

Pool geometry(const char* op, const tl::Tensor& x, tl::Sizes kernel, tl::Sizes stride, tl::Sizes padding, tl::Sizes dilation, bool ceil_mode) {
  const int64_t nd = x.ndim();
  require(nd == 3 || nd == 4, op, "(): Expected 3D or 4D (batch mode) tensor with optional 0 dim batch size for input, but got: ", tl::to_string(x.sizes()));
  for (int64_t d = nd == 4 ? 1 : 0; d < nd; ++d)
    require(x.size(d) > 0, op, "(): Expected 3D or 4D (batch mode) tensor with optional 0 dim batch size for input, but got: ", tl::to_string(x.sizes()));
  Pool p;
  p.kernel = pair(kernel, {0, 0}, op, "kernel_size");
  p.stride = pair(stride, p.kernel, op, "stride");
  p.padding = pair(padding, {0, 0}, op, "padding");
  p.dilation = pair(dilation, {1, 1}, op, "dilation");
  require(p.kernel.h > 0 && p.kernel.w > 0, "kernel size should be greater than zero, but got kH: ", p.kernel.h, " kW: ", p.kernel.w);
  require(p.stride.h > 0 && p.stride.w > 0, "stride should not be zero");
  require(p.dilation.h > 0 && p.dilation.w > 0, "dilation should be greater than zero, but got dilationH: ", p.dilation.h, " dilationW: ", p.dilation.w);
  require(p.padding.h >= 0 && p.padding.w >= 0, "pad must be non-negative, but got pad: ", std::min(p.padding.h, p.padding.w));
  require(p.padding.h <= ((p.kernel.h - 1) * p.dilation.h + 1) / 2 && p.padding.w <= ((p.kernel.w - 1) * p.dilation.w + 1) / 2,
          "pad should be at most half of effective kernel size, but got pad=", std::max(p.padding.h, p.padding.w), ", kernel_size=", p.kernel.h,
          " and dilation=", p.dilation.h);
  p.h = x.size(-2), p.w = x.size(-1);
  p.planes = 1;
  for (int64_t d = 0; d < nd - 2; ++d) p.planes *= x.size(d);
  p.oh = output_size(p.h, p.padding.h, p.kernel.h, p.stride.h, p.dilation.h, ceil_mode);
  p.ow = output_size(p.w, p.padding.w, p.kernel.w, p.stride.w, p.dilation.w, ceil_mode);
  require(p.oh > 0 && p.ow > 0, "Given input size: (", p.planes, "x", p.h, "x", p.w, "). Calculated output size: (", p.planes, "x", p.oh, "x", p.ow,
          "). Output size is too small");
  return p;
}

tl::Dims pooled_shape(const tl::Tensor& x, const Pool& p) {
  tl::Dims s(x.sizes().begin(), x.sizes().end());
  s[s.size() - 2] = p.oh, s[s.size() - 1] = p.ow;
  return s;
}

int64_t planes_per_piece(const Pool& p) { return std::max<int64_t>(1, 16384 / std::max<int64_t>(1, p.h * p.w)); }

// ---------------------------------------------------------------- max
Pool max_geometry(tl::Call& c) { return geometry("max_pool2d", c.tensor(0), c.ints(1), c.ints(2), c.ints(3), c.ints(4), c.boolean(5)); }

void max_shape(tl::Call& c) {
  const tl::Dims s = pooled_shape(c.tensor(0), max_geometry(c));
  c.output(0, s, c.tensor(0).dtype());
  c.output(1, s, TL_INT64);
}

template <class T>
void max_plane(const Pool& p, const T* in, T* out, int64_t* index) {
  for (int64_t y = 0; y < p.oh; ++y) {
    for (int64_t x = 0; x < p.ow; ++x) {
      int64_t y0 = y * p.stride.h - p.padding.h, x0 = x * p.stride.w - p.padding.w;
      const int64_t y1 = std::min(y0 + (p.kernel.h - 1) * p.dilation.h + 1, p.h), x1 = std::min(x0 + (p.kernel.w - 1) * p.dilation.w + 1, p.w);
      while (y0 < 0) y0 += p.dilation.h;
      while (x0 < 0) x0 += p.dilation.w;
      int64_t best = y0 * p.w + x0;
      T top = -std::numeric_limits<T>::infinity();
      for (int64_t i = y0; i < y1; i += p.dilation.h)
        for (int64_t j = x0; j < x1; j += p.dilation.w) {
          const T v = in[i * p.w + j];
          if (v > top || v != v) top = v, best = i * p.w + j;
        }
      out[y * p.ow + x] = top;
      index[y * p.ow + x] = best;
    }
  }
}

void max_pool(tl::Call& c) {
  const Pool p = max_geometry(c);
  const tl::Tensor x = as_compute(c.tensor(0)), out = c.out(0), index = c.out(1);
  const tl::Tensor to = out.dtype() == x.dtype() ? out : tl::empty(out.sizes(), x.dtype());
  by_float(x, [&](auto zero) {
    using T = decltype(zero);
    const T* in = x.data<T>();
    T* o = to.data<T>();
    int64_t* k = index.data<int64_t>();
    tl::parallel_for(0, p.planes, planes_per_piece(p), [&](int64_t b, int64_t e) {
      for (int64_t i = b; i < e; ++i) max_plane(p, in + i * p.h * p.w, o + i * p.oh * p.ow, k + i * p.oh * p.ow);
    });
  });
  if (to.get() != out.get()) tl::call<"copy_">(out, to);
}

// Each window's gradient goes to where its maximum was.
void scatter_shape(tl::Call& c) { c.output(0, c.ints(2), c.tensor(0).dtype()); }
void scatter(tl::Call& c) {
  const tl::Tensor grad = as_compute(c.tensor(0)), index = tl::call<"contiguous">(c.tensor(1)), out = c.out();
  const tl::Tensor to = out.dtype() == grad.dtype() ? out : tl::empty(out.sizes(), grad.dtype());
  const int64_t plane = out.size(-1) * out.size(-2), window = grad.size(-1) * grad.size(-2), planes = window ? grad.numel() / window : 0;
  by_float(grad, [&](auto zero) {
    using T = decltype(zero);
    const T* g = grad.data<T>();
    const int64_t* k = index.data<int64_t>();
    T* o = to.data<T>();
    tl::parallel_for(0, planes, std::max<int64_t>(1, 16384 / std::max<int64_t>(1, plane)), [&](int64_t b, int64_t e) {
      std::fill(o + b * plane, o + e * plane, T(0));
      for (int64_t i = b; i < e; ++i)
        for (int64_t j = 0; j < window; ++j) o[i * plane + k[i * window + j]] += g[i * window + j];
    });
  });
  if (to.get() != out.get()) tl::call<"copy_">(out, to);
}
void gather(tl::Call& c) {  // the adjoint of scatter: picks what scatter would have sent
  const tl::Tensor x = c.tensor(0), index = c.tensor(1);
  tl::Dims flat(x.sizes().begin(), x.sizes().end() - 2), iflat(index.sizes().begin(), index.sizes().end() - 2);
  flat.push_back(-1), iflat.push_back(-1);
  c.ret(tl::call<"reshape">(tl::call<"gather">(tl::call<"reshape">(x, flat), -1, tl::call<"reshape">(index, iflat)), index.sizes()));
}

void max_pool_values(tl::Call& c) {
  auto r = tl::call<"nn::max_pool2d_with_indices", 2>(c.value(0), c.value(1), c.value(2), c.value(3), c.value(4), c.value(5));
  c.ret(std::move(r[0]));
}

// ---------------------------------------------------------------- average
Pool avg_geometry(const tl::Tensor& x, tl::Call& c, uint32_t first) {
  return geometry("avg_pool2d", x, c.ints(first), c.ints(first + 1), c.ints(first + 2), {}, c.boolean(first + 3));
}

// f(row, column range of the input, divisor) for each window.
template <class F>
void each_window(const Pool& p, bool count_pad, int64_t divisor, F f) {
  for (int64_t y = 0; y < p.oh; ++y)
    for (int64_t x = 0; x < p.ow; ++x) {
      int64_t y0 = y * p.stride.h - p.padding.h, x0 = x * p.stride.w - p.padding.w;
      int64_t y1 = std::min(y0 + p.kernel.h, p.h + p.padding.h), x1 = std::min(x0 + p.kernel.w, p.w + p.padding.w);
      const int64_t whole = (y1 - y0) * (x1 - x0);
      y0 = std::max<int64_t>(y0, 0), x0 = std::max<int64_t>(x0, 0), y1 = std::min(y1, p.h), x1 = std::min(x1, p.w);
      const int64_t inside = std::max<int64_t>(0, y1 - y0) * std::max<int64_t>(0, x1 - x0);
      f(y * p.ow + x, y0, y1, x0, x1, divisor ? divisor : count_pad ? whole : inside);
    }
}

void avg_shape(tl::Call& c) {
  require(!c.has(6) || c.integer(6) != 0, "divisor must be not zero");
  c.output(0, pooled_shape(c.tensor(0), avg_geometry(c.tensor(0), c, 1)), c.tensor(0).dtype());
}
void avg_pool(tl::Call& c) {
  const Pool p = avg_geometry(c.tensor(0), c, 1);
  const tl::Tensor x = as_compute(c.tensor(0)), out = c.out();
  const tl::Tensor to = out.dtype() == x.dtype() ? out : tl::empty(out.sizes(), x.dtype());
  const bool tiles =
      p.kernel.h == 2 && p.kernel.w == 2 && p.stride.h == 2 && p.stride.w == 2 && !p.padding.h && !p.padding.w && p.oh * 2 <= p.h && p.ow * 2 <= p.w;
  by_float(x, [&](auto zero) {
    using T = decltype(zero);
    const T* in = x.data<T>();
    T* o = to.data<T>();
    tl::parallel_for(0, p.planes, planes_per_piece(p), [&](int64_t b, int64_t e) {
      for (int64_t i = b; i < e; ++i) {
        const T* a = in + i * p.h * p.w;
        T* r = o + i * p.oh * p.ow;
        if (tiles) {
          const T scale = T(1) / T(c.integer(6, 4));
          for (int64_t y = 0; y < p.oh; ++y)
            for (int64_t q = 0; q < p.ow; ++q)
              r[y * p.ow + q] = (a[2 * y * p.w + 2 * q] + a[2 * y * p.w + 2 * q + 1] + a[(2 * y + 1) * p.w + 2 * q] + a[(2 * y + 1) * p.w + 2 * q + 1]) * scale;
          continue;
        }
        each_window(p, c.boolean(5), c.integer(6), [&](int64_t at, int64_t y0, int64_t y1, int64_t x0, int64_t x1, int64_t divisor) {
          T sum = 0;
          for (int64_t y = y0; y < y1; ++y)
            for (int64_t q = x0; q < x1; ++q) sum += a[y * p.w + q];
          r[at] = sum / static_cast<T>(divisor);
        });
      }
    });
  });
  if (to.get() != out.get()) tl::call<"copy_">(out, to);
}

void avg_backward_shape(tl::Call& c) { c.output(0, c.tensor(1).sizes(), c.tensor(0).dtype()); }
void avg_backward(tl::Call& c) {
  const Pool p = avg_geometry(c.tensor(1), c, 2);
  const tl::Tensor grad = as_compute(c.tensor(0)), out = c.out();
  const tl::Tensor to = out.dtype() == grad.dtype() ? out : tl::empty(out.sizes(), grad.dtype());
  by_float(grad, [&](auto zero) {
    using T = decltype(zero);
    const T* g = grad.data<T>();
    T* o = to.data<T>();
    tl::parallel_for(0, p.planes, planes_per_piece(p), [&](int64_t b, int64_t e) {
      std::fill(o + b * p.h * p.w, o + e * p.h * p.w, T(0));
      for (int64_t i = b; i < e; ++i) {
        T* a = o + i * p.h * p.w;
        const T* r = g + i * p.oh * p.ow;
        each_window(p, c.boolean(6), c.integer(7), [&](int64_t at, int64_t y0, int64_t y1, int64_t x0, int64_t x1, int64_t divisor) {
          const T share = r[at] / static_cast<T>(divisor);
          for (int64_t y = y0; y < y1; ++y)
            for (int64_t q = x0; q < x1; ++q) a[y * p.w + q] += share;
        });
      }
    });
  });
  if (to.get() != out.get()) tl::call<"copy_">(out, to);
}

// ---------------------------------------------------------------- adaptive average
struct Adaptive {
  int64_t planes, h, w, oh, ow;
};
Adaptive adaptive(const tl::Tensor& x, tl::Sizes size) {
  require(x.ndim() == 3 || x.ndim() == 4, "adaptive_avg_pool2d(): Expected 3D or 4D tensor, but got ", tl::to_string(x.sizes()));
  require(size.size() == 2, "adaptive_avg_pool2d: output_size must be 2");
  require(size[0] >= 0 && size[1] >= 0, "adaptive_avg_pool2d: elements of output_size must be greater than or equal to 0 but received {", size[0], ", ",
          size[1], "}");
  Adaptive a{1, x.size(-2), x.size(-1), size[0], size[1]};
  require(a.h > 0 && a.w > 0, "adaptive_avg_pool2d(): Expected input to have non-zero size for non-batch dimensions, but input has sizes ",
          tl::to_string(x.sizes()));
  for (int64_t d = 0; d < x.ndim() - 2; ++d) a.planes *= x.size(d);
  return a;
}
template <class F>
void adaptive_windows(const Adaptive& p, F f) {
  for (int64_t y = 0; y < p.oh; ++y)
    for (int64_t x = 0; x < p.ow; ++x)
      f(y * p.ow + x, y * p.h / p.oh, ((y + 1) * p.h + p.oh - 1) / p.oh, x * p.w / p.ow, ((x + 1) * p.w + p.ow - 1) / p.ow);
}
void adaptive_shape(tl::Call& c) {
  const Adaptive p = adaptive(c.tensor(0), c.ints(1));
  tl::Dims s(c.tensor(0).sizes().begin(), c.tensor(0).sizes().end());
  s[s.size() - 2] = p.oh, s[s.size() - 1] = p.ow;
  c.output(0, s, c.tensor(0).dtype());
}
void adaptive_pool(tl::Call& c) {
  const Adaptive p = adaptive(c.tensor(0), c.ints(1));
  const tl::Tensor x = as_compute(c.tensor(0)), out = c.out();
  const tl::Tensor to = out.dtype() == x.dtype() ? out : tl::empty(out.sizes(), x.dtype());
  by_float(x, [&](auto zero) {
    using T = decltype(zero);
    const T* in = x.data<T>();
    T* o = to.data<T>();
    tl::parallel_for(0, p.planes, std::max<int64_t>(1, 16384 / (p.h * p.w)), [&](int64_t b, int64_t e) {
      for (int64_t i = b; i < e; ++i)
        adaptive_windows(p, [&](int64_t at, int64_t y0, int64_t y1, int64_t x0, int64_t x1) {
          T sum = 0;
          for (int64_t y = y0; y < y1; ++y)
            for (int64_t q = x0; q < x1; ++q) sum += in[(i * p.h + y) * p.w + q];
          o[i * p.oh * p.ow + at] = sum / static_cast<T>((y1 - y0) * (x1 - x0));
        });
    });
  });
  if (to.get() != out.get()) tl::call<"copy_">(out, to);
}
void adaptive_backward(tl::Call& c) {
  const tl::Tensor grad = as_compute(c.tensor(0)), out = c.out();
  const int64_t size[2] = {grad.size(-2), grad.size(-1)};
  const Adaptive p = adaptive(c.tensor(1), size);
  const tl::Tensor to = out.dtype() == grad.dtype() ? out : tl::empty(out.sizes(), grad.dtype());
  by_float(grad, [&](auto zero) {
    using T = decltype(zero);
    const T* g = grad.data<T>();
    T* o = to.data<T>();
    tl::parallel_for(0, p.planes, std::max<int64_t>(1, 16384 / (p.h * p.w)), [&](int64_t b, int64_t e) {
      std::fill(o + b * p.h * p.w, o + e * p.h * p.w, T(0));
      for (int64_t i = b; i < e; ++i)
        adaptive_windows(p, [&](int64_t at, int64_t y0, int64_t y1, int64_t x0, int64_t x1) {
          const T share = g[i * p.oh * p.ow + at] / static_cast<T>((y1 - y0) * (x1 - x0));
          for (int64_t y = y0; y < y1; ++y)
            for (int64_t q = x0; q < x1; ++q) o[(i * p.h + y) * p.w + q] += share;
        });
    });
  });
  if (to.get() != out.get()) tl::call<"copy_">(out, to);
}

}  // namespace

void register_pooling() {
  tl::def<max_shape>("nn::max_pool2d_with_indices(Tensor input, int[2] kernel_size, int[2] stride=[], int[2] padding=0, int[2] dilation=1, bool ceil_mode=False) "
                     "-> (Tensor output, Tensor indices)",
                     0, "The largest value of each window of (N, C, H, W) or (C, H, W), and where in the plane it is.")
      .cpu<max_pool>()
      .grad("input: nn::max_pool2d_scatter(grad0, indices, input.sizes)");
  tl::def<scatter_shape>("nn::max_pool2d_scatter(Tensor dy, Tensor indices, int[] sizes) -> Tensor", TL_OP_HIDDEN)
      .cpu<scatter>()
      .grad("dy: nn::max_pool2d_gather(grad, indices)");
  tl::composite<gather>("nn::max_pool2d_gather(Tensor input, Tensor indices) -> Tensor", TL_OP_HIDDEN);
  tl::composite<max_pool_values>("nn::max_pool2d(Tensor input, int[2] kernel_size, int[2] stride=[], int[2] padding=0, int[2] dilation=1, bool ceil_mode=False) -> Tensor");
  tl::def<avg_shape>("nn::avg_pool2d(Tensor input, int[2] kernel_size, int[2] stride=[], int[2] padding=0, bool ceil_mode=False, bool count_include_pad=True, "
                     "int? divisor_override=None) -> Tensor",
                     0, "The mean of each window of (N, C, H, W) or (C, H, W).")
      .cpu<avg_pool>()
      .grad("input: nn::avg_pool2d_backward(grad, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)");
  tl::def<avg_backward_shape>("nn::avg_pool2d_backward(Tensor dy, Tensor input, int[2] kernel_size, int[2] stride, int[2] padding, bool ceil_mode, "
                              "bool count_include_pad, int? divisor_override) -> Tensor",
                              TL_OP_HIDDEN)
      .cpu<avg_backward>()
      .grad("dy: nn::avg_pool2d(grad, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)");
  tl::def<adaptive_shape>("nn::adaptive_avg_pool2d(Tensor input, int[2] output_size) -> Tensor", 0, "Means over windows chosen so that the result has output_size.")
      .cpu<adaptive_pool>()
      .grad("input: nn::adaptive_avg_pool2d_backward(grad, input)");
  tl::def<avg_backward_shape>("nn::adaptive_avg_pool2d_backward(Tensor dy, Tensor input) -> Tensor", TL_OP_HIDDEN)
      .cpu<adaptive_backward>()
      .grad("dy: nn::adaptive_avg_pool2d(grad, [grad.sizes[-2], grad.sizes[-1]])");
}

}  // namespace tallow_nn
