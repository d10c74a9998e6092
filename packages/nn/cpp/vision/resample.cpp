// Interpolation along one dimension: every output is a weighted sum of a few inputs, so that an image is resampled one
// dimension at a time, and the gradient is the same sum the other way round.
#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "common.hpp"
#include "ops.hpp"

namespace tallow_nn {
namespace {

enum class Mode { Nearest, NearestExact, Linear, Cubic, LinearSmooth, CubicSmooth, LanczosSmooth };

Mode mode_of(std::string_view name) {
  static constexpr std::string_view names[] = {"nearest", "nearest-exact", "linear", "cubic", "linear-smooth", "cubic-smooth", "lanczos-smooth"};
  for (int i = 0; i < 7; ++i)
    if (names[i] == name) return static_cast<Mode>(i);
  throw tl::Error(TL_VALUE_ERROR, "resample: unknown mode '" + std::string(name) + "'");
}

// Keys, Cubic convolution interpolation for digital image processing, 1981.
double cubic(double x, double a) {
  x = std::abs(x);
  return x < 1 ? ((a + 2) * x - (a + 3)) * x * x + 1 : x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}
double sinc(double x) { return x == 0 ? 1 : std::sin(x * std::numbers::pi) / (x * std::numbers::pi); }

struct Filter {
  double reach;  // how far it reaches at scale 1
  double (*weight)(double);
};
Filter smooth_filter(Mode m) {
  if (m == Mode::LinearSmooth) return {1, [](double x) { return std::max(0.0, 1 - std::abs(x)); }};
  if (m == Mode::CubicSmooth) return {2, [](double x) { return cubic(x, -0.5); }};
  return {3, [](double x) { return std::abs(x) < 3 ? sinc(x) * sinc(x / 3) : 0.0; }};
}

// Output i is the sum of weights[k] * input[cells[k]] for k from starts[i] up to starts[i + 1].
template <class T>
class Weights {
 public:
  // scale: output cells per input cell where the caller fixed it, else 0.
  Weights(int64_t in, int64_t out, Mode mode, bool align_corners, double scale) : in_(in) {
    const T step = align_corners ? (out > 1 ? static_cast<T>(in - 1) / static_cast<T>(out - 1) : T(0))
                   : scale > 0   ? static_cast<T>(1.0 / scale)
                                 : static_cast<T>(in) / static_cast<T>(out);
    const float coarse = scale > 0 ? static_cast<float>(1.0 / scale) : static_cast<float>(in) / static_cast<float>(out);
    for (int64_t i = 0; i < out; ++i) {
      const T middle = align_corners ? step * static_cast<T>(i) : step * (static_cast<T>(i) + T(0.5)) - T(0.5);
      switch (mode) {
        case Mode::Nearest: add(in == out ? i : out == 2 * in ? i / 2 : cell_at(static_cast<float>(i) * coarse), 1); break;
        case Mode::NearestExact: add(cell_at((static_cast<float>(i) + 0.5f) * coarse), 1); break;
        case Mode::Linear: linear(in == out ? static_cast<T>(i) : std::max(middle, T(0))); break;
        case Mode::Cubic: {
          const T first = std::floor(middle);
          const double t = std::clamp<double>(middle - first, 0, 1);
          for (int k = -1; k <= 2; ++k) add(cell_at(static_cast<double>(first)) + k, cubic(t - k, -0.75));
          break;
        }
        default: smooth(smooth_filter(mode), static_cast<double>(step), i);
      }
      starts.push_back(static_cast<int64_t>(cells.size()));
    }
  }

  std::vector<int64_t> starts{0}, cells;
  std::vector<T> weights;

 private:
  static int64_t cell_at(double position) { return position > -1e18 && position < 1e18 ? static_cast<int64_t>(std::floor(position)) : 0; }
  void add(int64_t cell, double weight) { cells.push_back(std::clamp<int64_t>(cell, 0, in_ - 1)), weights.push_back(static_cast<T>(weight)); }
  void linear(T at) {
    const int64_t first = std::clamp<int64_t>(cell_at(static_cast<double>(at)), 0, in_ - 1);
    const T t = std::clamp(at - static_cast<T>(first), T(0), T(1));
    cells.push_back(first), weights.push_back(T(1) - t);
    if (first + 1 < in_) cells.push_back(first + 1), weights.push_back(t);
    else weights.back() = T(1);
  }
  // Where the result is smaller, the filter is wider, so that every input counts.
  void smooth(const Filter& f, double step, int64_t i) {
    const double wide = std::max(step, 1.0), middle = step * (static_cast<double>(i) + 0.5), support = f.reach * wide;
    const int64_t begin = std::max<int64_t>(cell_at(middle - support + 0.5), 0), end = std::min(cell_at(middle + support + 0.5), in_);
    double total = 0;
    for (int64_t j = begin; j < end; ++j) total += f.weight((static_cast<double>(j) - middle + 0.5) / wide);
    for (int64_t j = begin; j < end; ++j) {
      const double w = f.weight((static_cast<double>(j) - middle + 0.5) / wide);
      add(j, total != 0 ? w / total : w);
    }
  }

  int64_t in_;
};

// Tensors seen as (outer, extent, inner).
struct Lines {
  int64_t outer = 1, inner = 1;
  Lines(tl::Sizes s, int64_t dim) {
    for (int64_t d = 0; d < static_cast<int64_t>(s.size()); ++d) (d < dim ? outer : inner) *= d == dim ? 1 : s[static_cast<size_t>(d)];
  }
};

tl::Dims with_size(tl::Sizes s, int64_t dim, int64_t size) {
  tl::Dims d(s.begin(), s.end());
  d[static_cast<size_t>(dim)] = size;
  return d;
}
void check_dim(int64_t dim, tl::Sizes sizes, int64_t size) {
  require(dim >= 0 && dim < static_cast<int64_t>(sizes.size()), "resample: dimension ", dim, " of a tensor of sizes ", tl::to_string(sizes));
  require(size > 0 && sizes[static_cast<size_t>(dim)] > 0, "Input and output sizes should be greater than 0, but got input ", tl::to_string(sizes),
          " and output size ", size, " of dimension ", dim);
}

// (input, dim, size, mode, align_corners, scale)
void resample_shape(tl::Call& c) {
  const tl::Tensor x = c.tensor(0);
  check_dim(c.integer(1), x.sizes(), c.integer(2));
  require(is_floating(x.dtype()), "resample: not implemented for the dtype of the input; it takes floating-point numbers");
  mode_of(c.string(3));
  c.output(0, with_size(x.sizes(), c.integer(1), c.integer(2)), x.dtype());
}
void resample(tl::Call& c) {
  if (c.out().numel() == 0) return;
  const tl::Tensor x = as_compute(c.tensor(0)), out = c.out(), to = out.dtype() == x.dtype() ? out : tl::empty(out.sizes(), x.dtype());
  const int64_t dim = c.integer(1), in = x.size(dim), size = c.integer(2);
  const Lines l(x.sizes(), dim);
  by_float(x, [&](auto zero) {
    using T = decltype(zero);
    const Weights<T> w(in, size, mode_of(c.string(3)), c.boolean(4), c.number(5));
    const T* from = x.data<T>();
    T* o = to.data<T>();
    tl::parallel_for(0, l.outer, std::max<int64_t>(1, 16384 / (size * l.inner + 1)), [&](int64_t b, int64_t e) {
      for (int64_t i = b; i < e; ++i)
        for (int64_t j = 0; j < size; ++j) {
          T* row = o + (i * size + j) * l.inner;
          std::fill_n(row, l.inner, T(0));
          for (int64_t k = w.starts[static_cast<size_t>(j)]; k < w.starts[static_cast<size_t>(j + 1)]; ++k) {
            const T* source = from + (i * in + w.cells[static_cast<size_t>(k)]) * l.inner;
            const T weight = w.weights[static_cast<size_t>(k)];
            for (int64_t q = 0; q < l.inner; ++q) row[q] += weight * source[q];
          }
        }
    });
  });
  if (to.get() != out.get()) tl::call<"copy_">(out, to);
}

// (dy, input_sizes, dim, size, mode, align_corners, scale)
void backward_shape(tl::Call& c) {
  check_dim(c.integer(2), c.ints(1), c.integer(3));
  const tl::Dims expected = with_size(c.ints(1), c.integer(2), c.integer(3));
  require(std::ranges::equal(c.tensor(0).sizes(), expected), "resample_backward: expected a gradient of sizes ", tl::to_string(expected), ", but got ",
          tl::to_string(c.tensor(0).sizes()));
  mode_of(c.string(4));
  c.output(0, c.ints(1), c.tensor(0).dtype());
}
void backward(tl::Call& c) {
  if (c.tensor(0).numel() == 0) return void(tl::call<"zero_">(c.out()));
  const tl::Tensor dy = as_compute(c.tensor(0)), out = c.out(), to = out.dtype() == dy.dtype() ? out : tl::empty(out.sizes(), dy.dtype());
  const int64_t dim = c.integer(2), in = out.size(dim), size = c.integer(3);
  const Lines l(out.sizes(), dim);
  by_float(dy, [&](auto zero) {
    using T = decltype(zero);
    const Weights<T> w(in, size, mode_of(c.string(4)), c.boolean(5), c.number(6));
    const T* g = dy.data<T>();
    T* o = to.data<T>();
    tl::parallel_for(0, l.outer, std::max<int64_t>(1, 16384 / (size * l.inner + 1)), [&](int64_t b, int64_t e) {
      std::fill(o + b * in * l.inner, o + e * in * l.inner, T(0));
      for (int64_t i = b; i < e; ++i)
        for (int64_t j = 0; j < size; ++j) {
          const T* row = g + (i * size + j) * l.inner;
          for (int64_t k = w.starts[static_cast<size_t>(j)]; k < w.starts[static_cast<size_t>(j + 1)]; ++k) {
            T* source = o + (i * in + w.cells[static_cast<size_t>(k)]) * l.inner;
            const T weight = w.weights[static_cast<size_t>(k)];
            for (int64_t q = 0; q < l.inner; ++q) source[q] += weight * row[q];
          }
        }
    });
  });
  if (to.get() != out.get()) tl::call<"copy_">(out, to);
}

}  // namespace

void register_vision() {
  tl::def<resample_shape>("nn::resample(Tensor input, int dim, int size, str mode, bool align_corners=False, float scale=0) -> Tensor", 0,
                          "The input with another size along one dimension, by interpolation: nearest, nearest-exact, linear, cubic, or smoothed "
                          "against aliasing, linear-smooth, cubic-smooth and lanczos-smooth.")
      .cpu<resample>()
      .grad("input: nn::resample_backward(grad, input.sizes, dim, size, mode, align_corners, scale)");
  tl::def<backward_shape>("nn::resample_backward(Tensor dy, int[] input_sizes, int dim, int size, str mode, bool align_corners, float scale) -> Tensor",
                          TL_OP_HIDDEN)
      .cpu<backward>()
      .grad("dy: nn::resample(grad, dim, size, mode, align_corners, scale)");
}

}  // namespace tallow_nn
