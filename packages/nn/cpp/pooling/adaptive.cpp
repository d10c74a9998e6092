// Pooling to a given size: averages, maxima and their gradients.
#include "ops.hpp"
#include "pooling/geometry.hpp"

namespace tallow_nn::pooling {
namespace {

constexpr const char* kAverage[] = {"adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d"};
constexpr const char* kMax[] = {"adaptive_max_pool1d", "adaptive_max_pool2d", "adaptive_max_pool3d"};

// Calls f(result, begin, end) for every window of one plane.
template <class F>
void each_window(const Pool& p, F&& f) {
  int64_t at = 0;
  for (int64_t od = 0; od < p.output[0]; ++od)
    for (int64_t oh = 0; oh < p.output[1]; ++oh)
      for (int64_t ow = 0; ow < p.output[2]; ++ow)
        f(at++, Spatial{window_begin(p, 0, od), window_begin(p, 1, oh), window_begin(p, 2, ow)},
          Spatial{window_end(p, 0, od), window_end(p, 1, oh), window_end(p, 2, ow)});
}
// Calls f(position in the plane) for every cell of a window.
template <class F>
void each_cell(const Pool& p, const Spatial& begin, const Spatial& end, F&& f) {
  for (int64_t d = begin[0]; d < end[0]; ++d)
    for (int64_t h = begin[1]; h < end[1]; ++h)
      for (int64_t w = begin[2]; w < end[2]; ++w) f((d * p.input[1] + h) * p.input[2] + w);
}
int64_t cells(const Spatial& begin, const Spatial& end) { return (end[0] - begin[0]) * (end[1] - begin[1]) * (end[2] - begin[2]); }

template <int N>
void average_shape(tl::Call& c) {
  const Pool p = adaptive_geometry({kAverage[N - 1], N}, c.tensor(0).sizes(), c.ints(1));
  require(is_floating(c.tensor(0).dtype()), kAverage[N - 1], "(): not implemented for the dtype of the input; it takes floating-point numbers");
  c.output(0, pooled_sizes(c.tensor(0).sizes(), p, N), c.tensor(0).dtype());
}
template <int N>
void average(tl::Call& c) {
  const Pool p = adaptive_geometry({kAverage[N - 1], N}, c.tensor(0).sizes(), c.ints(1));
  if (c.out().numel() == 0) return;
  const tl::Tensor x = operand(c.tensor(0)), out = c.out(), to = target(out, x);
  by_float(x, [&](auto zero) {
    using T = decltype(zero);
    const T* in = x.data<T>();
    T* o = to.data<T>();
    tl::parallel_for(0, p.planes, p.planes_per_piece(), [&](int64_t b, int64_t e) {
      for (int64_t i = b; i < e; ++i)
        each_window(p, [&](int64_t at, const Spatial& begin, const Spatial& end) {
          T sum = 0;
          each_cell(p, begin, end, [&](int64_t cell) { sum += in[i * volume(p.input) + cell]; });
          o[i * volume(p.output) + at] = sum / static_cast<T>(cells(begin, end));
        });
    });
  });
  finish(out, to);
}

template <int N>
Pool backward_geometry(tl::Call& c) {
  const tl::Tensor dy = c.tensor(0);
  require(dy.ndim() >= N, kAverage[N - 1], "_backward: expected a gradient of at least ", N, " dimensions, but got ", tl::to_string(dy.sizes()));
  const Pool p = adaptive_geometry({kAverage[N - 1], N}, c.ints(1), dy.sizes().subspan(static_cast<size_t>(dy.ndim() - N)));
  require_pooled({kAverage[N - 1], N}, dy, c.ints(1), p);
  return p;
}
template <int N>
void backward_shape(tl::Call& c) {
  backward_geometry<N>(c);
  c.output(0, c.ints(1), c.tensor(0).dtype());
}
template <int N>
void average_backward(tl::Call& c) {
  const tl::Tensor grad = as_compute(c.tensor(0)), out = c.out(), to = target(out, grad);
  const Pool p = backward_geometry<N>(c);
  by_float(grad, [&](auto zero) {
    using T = decltype(zero);
    const T* g = grad.data<T>();
    T* o = to.data<T>();
    tl::parallel_for(0, p.planes, p.planes_per_piece(), [&](int64_t b, int64_t e) {
      std::fill(o + b * volume(p.input), o + e * volume(p.input), T(0));
      if (grad.numel() == 0) return;
      for (int64_t i = b; i < e; ++i)
        each_window(p, [&](int64_t at, const Spatial& begin, const Spatial& end) {
          const T share = g[i * volume(p.output) + at] / static_cast<T>(cells(begin, end));
          each_cell(p, begin, end, [&](int64_t cell) { o[i * volume(p.input) + cell] += share; });
        });
    });
  });
  finish(out, to);
}

template <int N>
void max_shape(tl::Call& c) {
  require_numbers(c.tensor(0), kMax[N - 1]);
  const tl::Dims s = pooled_sizes(c.tensor(0).sizes(), adaptive_geometry({kMax[N - 1], N}, c.tensor(0).sizes(), c.ints(1)), N);
  c.output(0, s, c.tensor(0).dtype());
  c.output(1, s, TL_INT64);
}
template <int N>
void max(tl::Call& c) {
  const Pool p = adaptive_geometry({kMax[N - 1], N}, c.tensor(0).sizes(), c.ints(1));
  if (c.out().numel() == 0) return;
  const tl::Tensor x = operand(c.tensor(0)), out = c.out(0), index = c.out(1), to = target(out, x);
  by_number(x, [&](auto zero) {
    using T = decltype(zero);
    const T* in = x.data<T>();
    T* o = to.data<T>();
    int64_t* k = index.data<int64_t>();
    tl::parallel_for(0, p.planes, p.planes_per_piece(), [&](int64_t b, int64_t e) {
      for (int64_t i = b; i < e; ++i)
        each_window(p, [&](int64_t at, const Spatial& begin, const Spatial& end) {
          const T* plane = in + i * volume(p.input);
          int64_t best = (begin[0] * p.input[1] + begin[1]) * p.input[2] + begin[2];
          each_cell(p, begin, end, [&](int64_t cell) {
            if (plane[cell] > plane[best] || plane[cell] != plane[cell]) best = cell;
          });
          o[i * volume(p.output) + at] = plane[best], k[i * volume(p.output) + at] = best;
        });
    });
  });
  finish(out, to);
}

template <int N>
void register_dimension() {
  const std::string n = std::to_string(N), name = "nn::adaptive_avg_pool" + n + "d";
  std::string sizes;
  for (int d = N; d > 0; --d) sizes += (sizes.empty() ? "[" : ", ") + ("dy.sizes[-" + std::to_string(d)) + "]";
  tl::Definition average_pool = tl::def<average_shape<N>>((name + "(Tensor input, int[" + n + "] output_size) -> Tensor").c_str(), 0,
                            "Means over windows chosen so that the result has output_size.")
      .template cpu<average<N>>()
      .grad(("input: " + name + "_backward(grad, input.sizes)").c_str());
  if (N == 3) average_pool.autocast("float32");
  tl::def<backward_shape<N>>((name + "_backward(Tensor dy, int[] input_sizes) -> Tensor").c_str(), TL_OP_HIDDEN)
      .template cpu<average_backward<N>>()
      .grad(("dy: " + name + "(grad, " + sizes + "])").c_str());
  const std::string parameters = "d(Tensor input, int[" + n + "] output_size) -> (Tensor output, Tensor indices)";
  tl::Definition max_pool =
      tl::def<max_shape<N>>(("nn::adaptive_max_pool" + n + parameters).c_str(), 0,
                            "Maxima of windows chosen so that the result has output_size, and where in the plane they are.")
      .template cpu<max<N>>()
      .grad(("input: nn::max_pool_scatter(grad0, indices, input.sizes, " + n + ")").c_str());
  if (N == 3) max_pool.autocast("float32");
}

}  // namespace

void register_adaptive() {
  register_dimension<1>();
  register_dimension<2>();
  register_dimension<3>();
}

}  // namespace tallow_nn::pooling
