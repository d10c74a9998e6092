// Average pooling and its gradient.
#include "ops.hpp"
#include "pooling/geometry.hpp"
#include "pooling/rows.hpp"

namespace tallow_nn::pooling {
namespace {

constexpr const char* kNames[] = {"avg_pool1d", "avg_pool2d", "avg_pool3d"};
// first: where kernel_size is; then stride, padding, ceil_mode, count_include_pad, divisor_override.
Pool average_geometry(tl::Sizes x, tl::Call& c, uint32_t first, int n) {
  return geometry({kNames[n - 1], n}, x, c.ints(first), c.ints(first + 1), c.ints(first + 2), {}, c.boolean(first + 3));
}

// How many cells of a window count, one dimension at a time.
class Counts {
 public:
  Counts(const Pool& p, bool count_padding, int64_t divisor) : divisor_(divisor) {
    for (size_t d = 0; d < 3; ++d)
      for (int64_t i = 0; i < p.output[d]; ++i) {
        const int64_t begin = i * p.stride[d] - p.padding[d], end = std::min(begin + p.kernel[d], p.input[d] + p.padding[d]);
        counts_[d].push_back(count_padding ? end - begin : std::max<int64_t>(0, std::min(end, p.input[d]) - std::max<int64_t>(begin, 0)));
      }
  }
  int64_t divisor(int64_t d, int64_t h, int64_t w) const {
    if (divisor_) return divisor_;
    const int64_t cells = counts_[0][static_cast<size_t>(d)] * counts_[1][static_cast<size_t>(h)] * counts_[2][static_cast<size_t>(w)];
    return cells ? cells : 1;  // a window in the padding: its sum is zero
  }

 private:
  int64_t divisor_;
  std::vector<int64_t> counts_[3];
};

// Windows of a plane that neither overlap nor leave it: then all have the same number of cells.
bool side_by_side(const Pool& p) {
  bool is = p.input[0] == 1 && p.kernel[0] == 1 && p.output[0] == 1;
  for (size_t d = 0; d < 3; ++d) is = is && p.padding[d] == 0 && (p.kernel[d] == p.stride[d] || p.output[d] == 1) && p.output[d] * p.kernel[d] <= p.input[d];
  return is;
}
Windows windows(const Pool& p) { return {p.output[1], p.output[2], p.kernel[1], p.kernel[2], p.input[2]}; }

template <int N>
void average_shape(tl::Call& c) {
  require_numbers(c.tensor(0), kNames[N - 1]);
  require(!c.has(6) || c.integer(6) != 0, "divisor must be not zero");
  c.output(0, pooled_sizes(c.tensor(0).sizes(), average_geometry(c.tensor(0).sizes(), c, 1, N), N), c.tensor(0).dtype());
}

template <int N>
void average(tl::Call& c) {
  const Pool p = average_geometry(c.tensor(0).sizes(), c, 1, N);
  const tl::Tensor x = operand(c.tensor(0)), out = c.out(), to = target(out, x);
  const Counts counts(p, c.boolean(5), c.integer(6));
  by_number(x, [&](auto zero) {
    using T = decltype(zero);
    const T* in = x.data<T>();
    T* o = to.data<T>();
    if constexpr (std::is_floating_point_v<T>)
      if (side_by_side(p) && volume(p.output)) {
        const auto mean = rows().mean(zero);
        return tl::parallel_for(0, p.planes, p.planes_per_piece(), [&](int64_t b, int64_t e) {
          for (int64_t i = b; i < e; ++i) mean(windows(p), in + i * volume(p.input), static_cast<T>(counts.divisor(0, 0, 0)), o + i * volume(p.output));
        });
      }
    const auto add = rows().add(zero);
    tl::parallel_for(0, p.planes, p.planes_per_piece(), [&](int64_t b, int64_t e) {
      for (int64_t i = b; i < e; ++i) {
        const T* plane = in + i * volume(p.input);
        for (int64_t od = 0; od < p.output[0]; ++od)
          for (int64_t oh = 0; oh < p.output[1]; ++oh) {
            T* row = o + ((i * p.output[0] + od) * p.output[1] + oh) * p.output[2];
            std::fill_n(row, p.output[2], T(0));
            const int64_t d0 = od * p.stride[0] - p.padding[0], h0 = oh * p.stride[1] - p.padding[1];
            for (int64_t d = std::max<int64_t>(d0, 0); d < std::min(d0 + p.kernel[0], p.input[0]); ++d)
              for (int64_t h = std::max<int64_t>(h0, 0); h < std::min(h0 + p.kernel[1], p.input[1]); ++h)
                for (int64_t tap = 0; tap < p.kernel[2]; ++tap) {
                  const Reach r = reach(p, 2, tap);
                  if (r.first < r.last)
                    add(plane + (d * p.input[1] + h) * p.input[2] + r.first * p.stride[2] + r.offset, p.stride[2], r.last - r.first, row + r.first);
                }
            for (int64_t ow = 0; ow < p.output[2]; ++ow) row[ow] /= static_cast<T>(counts.divisor(od, oh, ow));
          }
      }
    });
  });
  finish(out, to);
}

template <int N>
void backward_shape(tl::Call& c) {
  require_pooled({kNames[N - 1], N}, c.tensor(0), c.ints(1), average_geometry(c.ints(1), c, 2, N));
  require(!c.has(7) || c.integer(7) != 0, "divisor must be not zero");
  c.output(0, c.ints(1), c.tensor(0).dtype());
}
template <int N>
void backward(tl::Call& c) {
  const Pool p = average_geometry(c.ints(1), c, 2, N);
  const tl::Tensor grad = as_compute(c.tensor(0)), out = c.out(), to = target(out, grad);
  const Counts counts(p, c.boolean(6), c.integer(7));
  by_float(grad, [&](auto zero) {
    using T = decltype(zero);
    const T* g = grad.data<T>();
    T* o = to.data<T>();
    if (side_by_side(p) && volume(p.output)) {
      const auto share = rows().share(zero);
      const bool whole = p.output[1] * p.kernel[1] == p.input[1] && p.output[2] * p.kernel[2] == p.input[2];
      return tl::parallel_for(0, p.planes, p.planes_per_piece(), [&](int64_t b, int64_t e) {
        if (!whole) std::fill(o + b * volume(p.input), o + e * volume(p.input), T(0));
        for (int64_t i = b; i < e; ++i) share(windows(p), g + i * volume(p.output), static_cast<T>(counts.divisor(0, 0, 0)), o + i * volume(p.input));
      });
    }
    tl::parallel_for(0, p.planes, p.planes_per_piece(), [&](int64_t b, int64_t e) {
      std::fill(o + b * volume(p.input), o + e * volume(p.input), T(0));
      const T* next = g + b * volume(p.output);
      for (int64_t i = b; i < e; ++i) {
        T* plane = o + i * volume(p.input);
        for (int64_t od = 0; od < p.output[0]; ++od)
          for (int64_t oh = 0; oh < p.output[1]; ++oh)
            for (int64_t ow = 0; ow < p.output[2]; ++ow) {
              const T share = *next++ / static_cast<T>(counts.divisor(od, oh, ow));
              const int64_t d0 = od * p.stride[0] - p.padding[0], h0 = oh * p.stride[1] - p.padding[1], w0 = ow * p.stride[2] - p.padding[2];
              for (int64_t d = std::max<int64_t>(d0, 0); d < std::min(d0 + p.kernel[0], p.input[0]); ++d)
                for (int64_t h = std::max<int64_t>(h0, 0); h < std::min(h0 + p.kernel[1], p.input[1]); ++h)
                  for (int64_t w = std::max<int64_t>(w0, 0); w < std::min(w0 + p.kernel[2], p.input[2]); ++w)
                    plane[(d * p.input[1] + h) * p.input[2] + w] += share;
            }
      }
    });
  });
  finish(out, to);
}

template <int N>
void register_dimension() {
  const std::string n = std::to_string(N), list = "int[" + n + "] ", name = "nn::avg_pool" + n + "d";
  tl::Definition average_pool = tl::def<average_shape<N>>((name + "(Tensor input, " + list + "kernel_size, " + list + "stride=[], " + list +
                             "padding=0, bool ceil_mode=False, bool count_include_pad=True, int? divisor_override=None) -> Tensor")
                                .c_str(),
                            TL_OP_OUT, "The mean of each window.")
      .template cpu<average<N>>()
      .grad(("input: " + name + "_backward(grad, input.sizes, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)").c_str());
  if (N == 3) average_pool.autocast("float32");
  tl::def<backward_shape<N>>((name + "_backward(Tensor dy, int[] input_sizes, " + list + "kernel_size, " + list + "stride, " + list +
                           "padding, bool ceil_mode, bool count_include_pad, int? divisor_override) -> Tensor")
                              .c_str(),
                          TL_OP_HIDDEN)
      .template cpu<backward<N>>()
      .grad(("dy: " + name + "(grad, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)").c_str());
}

}  // namespace

void register_average() {
  register_dimension<1>();
  register_dimension<2>();
  register_dimension<3>();
}

}  // namespace tallow_nn::pooling
