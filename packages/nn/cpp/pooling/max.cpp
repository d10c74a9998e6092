// Maximum pooling: values, and where in the plane they are; the gradient goes to where the maximum was.
#include <limits>
#include <vector>

#include "ops.hpp"
#include "pooling/geometry.hpp"
#include "pooling/rows.hpp"

namespace tallow_nn::pooling {
namespace {

constexpr const char* kMaxNames[] = {"max_pool1d", "max_pool2d", "max_pool3d"};
Pool max_geometry(tl::Call& c, int n) {
  return geometry({kMaxNames[n - 1], n}, c.tensor(0).sizes(), c.ints(1), c.ints(2), c.ints(3), c.ints(4), c.boolean(5));
}

template <int N>
void max_shape(tl::Call& c) {
  require_numbers(c.tensor(0), kMaxNames[N - 1]);
  const tl::Dims s = pooled_sizes(c.tensor(0).sizes(), max_geometry(c, N), N);
  c.output(0, s, c.tensor(0).dtype());
  c.output(1, s, TL_INT64);
}
template <int N>
void values_shape(tl::Call& c) {
  require_numbers(c.tensor(0), kMaxNames[N - 1]);
  c.output(0, pooled_sizes(c.tensor(0).sizes(), max_geometry(c, N), N), c.tensor(0).dtype());
}

// Calls f(row of the input, its position in the plane, first output column, how many) for all taps of one row of outputs.
template <class F>
void each_tap(const Pool& p, int64_t od, int64_t oh, F&& f) {
  for (int64_t kd = 0; kd < p.kernel[0]; ++kd) {
    const int64_t d = od * p.stride[0] + kd * p.dilation[0] - p.padding[0];
    if (d < 0 || d >= p.input[0]) continue;
    for (int64_t kh = 0; kh < p.kernel[1]; ++kh) {
      const int64_t h = oh * p.stride[1] + kh * p.dilation[1] - p.padding[1];
      if (h < 0 || h >= p.input[1]) continue;
      for (int64_t kw = 0; kw < p.kernel[2]; ++kw) {
        const Reach r = reach(p, 2, kw);
        if (r.first < r.last) f((d * p.input[1] + h) * p.input[2] + r.first * p.stride[2] + r.offset, r.first, r.last - r.first);
      }
    }
  }
}

// Calls f(plane, od, oh, offset of the row of results) for every row of results, in parallel over planes.
template <class F>
void each_row(const Pool& p, F&& f) {
  tl::parallel_for(0, p.planes, p.planes_per_piece(), [&](int64_t b, int64_t e) {
    auto row = f();  // what one thread keeps
    for (int64_t i = b; i < e; ++i)
      for (int64_t od = 0; od < p.output[0]; ++od)
        for (int64_t oh = 0; oh < p.output[1]; ++oh) row(i, od, oh, ((i * p.output[0] + od) * p.output[1] + oh) * p.output[2]);
  });
}

template <class T>
T lowest() {
  return std::numeric_limits<T>::has_infinity ? -std::numeric_limits<T>::infinity() : std::numeric_limits<T>::lowest();
}

template <int N>
void max_pool(tl::Call& c) {
  const Pool p = max_geometry(c, N);
  const tl::Tensor x = operand(c.tensor(0)), out = c.out(0), index = c.out(1), to = target(out, x);
  require(volume(p.input) < std::numeric_limits<int32_t>::max(), kMaxNames[N - 1], "(): a plane of the input has more than 2^31 - 1 elements: ",
          tl::to_string(c.tensor(0).sizes()));
  by_number(x, [&](auto zero) {
    using T = decltype(zero);
    using I = std::conditional_t<sizeof(T) == 4, int32_t, int64_t>;
    const T* in = x.data<T>();
    T* o = to.data<T>();
    int64_t* k = index.data<int64_t>();
    const auto fold = rows().max(zero);
    each_row(p, [&] {
      return [&, best = std::vector<I>(static_cast<size_t>(p.output[2]))](int64_t plane, int64_t od, int64_t oh, int64_t at) mutable {
        std::fill_n(o + at, p.output[2], lowest<T>());
        std::fill(best.begin(), best.end(), I{-1});
        const T* from = in + plane * volume(p.input);
        each_tap(p, od, oh, [&](int64_t position, int64_t first, int64_t count) {
          fold(from + position, p.stride[2], count, static_cast<I>(position), o + at + first, best.data() + first);
        });
        std::copy(best.begin(), best.end(), k + at);
      };
    });
  });
  finish(out, to);
}

template <int N>
void max_values(tl::Call& c) {
  const Pool p = max_geometry(c, N);
  const tl::Tensor x = operand(c.tensor(0)), out = c.out(0), to = target(out, x);
  by_number(x, [&](auto zero) {
    using T = decltype(zero);
    const T* in = x.data<T>();
    T* o = to.data<T>();
    const auto fold = rows().values(zero);
    each_row(p, [&] {
      return [&](int64_t plane, int64_t od, int64_t oh, int64_t at) {
        std::fill_n(o + at, p.output[2], lowest<T>());
        const T* from = in + plane * volume(p.input);
        each_tap(p, od, oh, [&](int64_t position, int64_t first, int64_t count) { fold(from + position, p.stride[2], count, o + at + first); });
      };
    });
  });
  finish(out, to);
}

// The name of an op for a number of dimensions: # is the digit.
template <size_t L>
consteval tl::Name<L> numbered(const char (&text)[L], int n) {
  tl::Name<L> name(text);
  for (char& letter : name.text)
    if (letter == '#') letter = static_cast<char>('0' + n);
  return name;
}

// Positions are only written where somebody may want them.
template <int N>
void max_pool_values(tl::Call& c) {
  if (c.tensor(0).requires_grad()) {
    auto r = tl::call<numbered("nn::max_pool#d_with_indices", N), 2>(c.value(0), c.value(1), c.value(2), c.value(3), c.value(4), c.value(5));
    c.ret(std::move(r[0]));
  } else {
    c.ret(tl::call<numbered("nn::max_pool#d_values", N)>(c.value(0), c.value(1), c.value(2), c.value(3), c.value(4), c.value(5)));
  }
}

// ---------------------------------------------------------------- gradient, and unpooling
// dy of windows to the positions `indices` in planes of the given sizes; `spatial` is the number of their dimensions.
int64_t plane_size(tl::Sizes sizes, int64_t spatial) {
  int64_t n = 1;
  for (size_t d = sizes.size() - static_cast<size_t>(spatial); d < sizes.size(); ++d) n *= sizes[d];
  return n;
}
void check_windows(const char* op, tl::Sizes planes, const tl::Tensor& index, int64_t spatial) {
  const auto n = static_cast<size_t>(std::clamp<int64_t>(spatial, 0, 3));
  require(spatial >= 1 && spatial <= 3 && planes.size() >= n && static_cast<size_t>(index.ndim()) == planes.size() &&
              std::equal(planes.begin(), planes.end() - static_cast<ptrdiff_t>(n), index.sizes().begin()),
          op, ": windows of sizes ", tl::to_string(index.sizes()), " do not belong to planes of sizes ", tl::to_string(planes), " with ", spatial,
          " spatial dimensions");
  require(index.dtype() == TL_INT64, op, ": indices have to be of type int64");
}
void scatter_shape(tl::Call& c) {
  const tl::Tensor dy = c.tensor(0), index = c.tensor(1);
  require_numbers(dy, "max_pool_scatter");
  check_windows("max_pool_scatter", c.ints(2), index, c.integer(3));
  require(std::ranges::equal(dy.sizes(), index.sizes()), "max_pool_scatter: Expected shape of indices to be that of the gradient, ",
          tl::to_string(dy.sizes()), ", but got ", tl::to_string(index.sizes()));
  c.output(0, c.ints(2), dy.dtype());
}
void scatter(tl::Call& c) {
  const tl::Tensor grad = operand(c.tensor(0)), index = tl::call<"contiguous">(c.tensor(1)), out = c.out(), to = target(out, grad);
  const int64_t plane = plane_size(out.sizes(), c.integer(3)), window = plane_size(grad.sizes(), c.integer(3)), planes = plane ? out.numel() / plane : 0;
  by_number(grad, [&](auto zero) {
    using T = decltype(zero);
    const T* g = grad.data<T>();
    const int64_t* k = index.data<int64_t>();
    T* o = to.data<T>();
    tl::parallel_for(0, planes, std::max<int64_t>(1, 16384 / std::max<int64_t>(1, plane)), [&](int64_t b, int64_t e) {
      std::fill(o + b * plane, o + e * plane, T(0));
      for (int64_t i = b; i < e; ++i)
        for (int64_t j = 0; j < window; ++j) {
          const int64_t at = k[i * window + j];
          require(at >= 0 && at < plane, "max pooling: index ", at, " is outside a plane of ", plane, " elements");
          o[i * plane + at] += g[i * window + j];
        }
    });
  });
  finish(out, to);
}
void gather(tl::Call& c) {  // the adjoint of scatter: picks what scatter would have sent
  const tl::Tensor x = c.tensor(0), index = c.tensor(1);
  const int64_t spatial = c.integer(2);
  check_windows("max_pool_gather", x.sizes(), index, spatial);
  tl::Dims flat(x.sizes().begin(), x.sizes().end() - spatial), iflat(index.sizes().begin(), index.sizes().end() - spatial);
  flat.push_back(plane_size(x.sizes(), spatial)), iflat.push_back(plane_size(index.sizes(), spatial));
  c.ret(tl::call<"reshape">(tl::call<"gather">(tl::call<"reshape">(x, flat), -1, tl::call<"reshape">(index, iflat)), index.sizes()));
}

template <int N>
void register_dimension() {
  const std::string n = std::to_string(N), list = "int[" + n + "] ", name = "nn::max_pool" + n + "d";
  const std::string parameters =
      "(Tensor input, " + list + "kernel_size, " + list + "stride=[], " + list + "padding=0, " + list + "dilation=1, bool ceil_mode=False) -> ";
  tl::Definition with_indices = tl::def<max_shape<N>>((name + "_with_indices" + parameters + "(Tensor output, Tensor indices)").c_str(), 0,
                        "The largest value of each window, and where in the plane it is.")
      .template cpu<max_pool<N>>()
      .grad(("input: nn::max_pool_scatter(grad0, indices, input.sizes, " + n + ")").c_str());
  tl::def<values_shape<N>>((name + "_values" + parameters + "Tensor").c_str(), TL_OP_HIDDEN | TL_OP_NOT_DIFFERENTIABLE).template cpu<max_values<N>>();
  tl::Definition values = tl::composite<max_pool_values<N>>((name + parameters + "Tensor").c_str());
  if (N == 3) {
    with_indices.autocast("float32");
    values.autocast("float32");
  }
}

}  // namespace

void register_max() {
  register_dimension<1>();
  register_dimension<2>();
  register_dimension<3>();
  tl::def<scatter_shape>("nn::max_pool_scatter(Tensor dy, Tensor indices, int[] sizes, int spatial) -> Tensor", TL_OP_HIDDEN)
      .cpu<scatter>()
      .grad("dy: nn::max_pool_gather(grad, indices, spatial)");
  tl::composite<gather>("nn::max_pool_gather(Tensor input, Tensor indices, int spatial) -> Tensor", TL_OP_HIDDEN);
}

}  // namespace tallow_nn::pooling
