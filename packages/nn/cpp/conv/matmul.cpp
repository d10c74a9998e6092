#include "conv/matmul.hpp"

#include <tallow/tallow.hpp>

#include "conv/onednn.hpp"

namespace tallow_nn::conv {
namespace {

template <class T> constexpr TlDtype dtype_of = sizeof(T) == 8 ? TL_FLOAT64 : TL_FLOAT32;

template <class T>
void gemm(char ta, char tb, int64_t m, int64_t n, int64_t k, const T* a, int64_t lda, const T* b, int64_t ldb, T beta, T* c, int64_t ldc) {
  tl::check(tl::api()->gemm(dtype_of<T>, ta == 'T', tb == 'T', m, n, k, 1.0, a, lda, b, ldb, beta, c, ldc));
}

enum class Layout { Planes, Last, Other };
Layout layout(const Strides& st, int64_t channels, const Spatial& spatial) {
  if (st == contiguous_strides(1, channels, spatial)) return Layout::Planes;
  if (st == channels_last_strides(1, channels, spatial)) return Layout::Last;
  return Layout::Other;
}
// Both in the same layout, or Other.
Layout common(const Shape& s, const Strides& x, const Strides& y) {
  const Layout a = layout(x, s.in_channels, s.input), b = layout(y, s.out_channels, s.output);
  return a == b ? a : Layout::Other;
}
bool plain_matrix(const Shape& s, const Strides& w) { return w[0] == s.in_channels && (w[1] == 1 || s.in_channels == 1); }

// Images are the pieces where there are enough of them; otherwise each product takes all threads.
template <class F>
void by_image(const Shape& s, F&& f) {
  if (s.batch >= 4) tl::parallel_for(0, s.batch, 1, [&](int64_t b, int64_t e) { for (int64_t n = b; n < e; ++n) f(n); });
  else for (int64_t n = 0; n < s.batch; ++n) f(n);
}

}  // namespace

bool matmul_forward(const Shape& s, View<const float> x, View<const float> w, const float* bias, View<float> y) {
  const Layout l = common(s, x.strides, y.strides);
  if (l == Layout::Other || !plain_matrix(s, w.strides)) return false;
  const int64_t size = s.output_size(), ci = s.in_channels, co = s.out_channels;
  if (l == Layout::Planes) {
    by_image(s, [&](int64_t n) {
      float* to = y.data + n * co * size;
      if (bias)
        for (int64_t o = 0; o < co; ++o) std::fill_n(to + o * size, size, bias[o]);
      gemm<float>('N', 'N', co, size, ci, w.data, ci, x.data + n * ci * size, size, bias ? 1 : 0, to, size);
    });
    return true;
  }
  if (bias)
    tl::parallel_for(0, s.batch * size, 4096, [&](int64_t b, int64_t e) {
      for (int64_t i = b; i < e; ++i) std::copy_n(bias, co, y.data + i * co);
    });
  gemm<float>('N', 'T', s.batch * size, co, ci, x.data, ci, w.data, ci, bias ? 1 : 0, y.data, co);
  return true;
}

bool matmul_backward_data(const Shape& s, View<const float> dy, View<const float> w, View<float> dx) {
  const Layout l = common(s, dx.strides, dy.strides);
  if (l == Layout::Other || !plain_matrix(s, w.strides)) return false;
  const int64_t size = s.output_size(), ci = s.in_channels, co = s.out_channels;
  if (l == Layout::Planes)
    by_image(s, [&](int64_t n) {
      gemm<float>('T', 'N', ci, size, co, w.data, ci, dy.data + n * co * size, size, 0, dx.data + n * ci * size, size);
    });
  else gemm<float>('N', 'N', s.batch * size, ci, co, dy.data, co, w.data, ci, 0, dx.data, ci);
  return true;
}

bool matmul_backward_weights(const Shape& s, View<const float> x, View<const float> dy, View<float> dw) {
  const Layout l = common(s, x.strides, dy.strides);
  if (l != Layout::Planes || !plain_matrix(s, dw.strides)) return false;
  const int64_t size = s.output_size(), ci = s.in_channels, co = s.out_channels, elements = co * ci;
  const int64_t pieces = cut(s, Pass::BackwardWeights).images.count(), per_piece = ceil_div(s.batch, pieces);
  Buffer partial(pieces * elements * sizeof(float));
  tl::parallel_for(0, pieces, 1, [&](int64_t b, int64_t e) {
    for (int64_t p = b; p < e; ++p)
      for (int64_t n = p * per_piece; n < std::min(s.batch, (p + 1) * per_piece); ++n)
        gemm<float>('N', 'T', co, ci, size, dy.data + n * co * size, size, x.data + n * ci * size, size, n == p * per_piece ? 0 : 1,
                    partial.floats() + p * elements, ci);
  });
  tl::parallel_for(0, elements, 16384, [&](int64_t b, int64_t e) {
    std::copy(partial.floats() + b, partial.floats() + e, dw.data + b);
    for (int64_t p = 1; p < ceil_div(s.batch, per_piece); ++p)
      for (int64_t i = b; i < e; ++i) dw.data[i] += partial.floats()[p * elements + i];
  });
  return true;
}

// ---------------------------------------------------------------- double
namespace {

// Visits every run of output columns that one kernel tap reads: f(column row, image row or null, ...).
// columns is (C/groups * kernel) x output of one image and group.
template <bool Back>
void unfold(const Shape& s, double* image, double* columns) {
  const int64_t kernel = s.kernel_size(), size = s.output_size();
  for (int64_t row = 0; row < s.in_per_group() * kernel; ++row) {
    const int64_t c = row / kernel, tap = row % kernel;
    const int64_t kw = tap % s.kernel[2], kh = tap / s.kernel[2] % s.kernel[1], kd = tap / s.kernel[2] / s.kernel[1];
    double* out = columns + row * size;
    for (int64_t od = 0; od < s.output[0]; ++od)
      for (int64_t oh = 0; oh < s.output[1]; ++oh) {
        const int64_t id = od * s.stride[0] + kd * s.dilation[0] - s.padding[0], ih = oh * s.stride[1] + kh * s.dilation[1] - s.padding[1];
        const bool inside = id >= 0 && id < s.input[0] && ih >= 0 && ih < s.input[1];
        double* line = image + ((c * s.input[0] + id) * s.input[1] + ih) * s.input[2];
        for (int64_t ow = 0; ow < s.output[2]; ++ow, ++out) {
          const int64_t iw = ow * s.stride[2] + kw * s.dilation[2] - s.padding[2];
          const bool there = inside && iw >= 0 && iw < s.input[2];
          if constexpr (Back) {
            if (there) line[iw] += *out;
          } else {
            *out = there ? line[iw] : 0.0;
          }
        }
      }
  }
}

struct Unfolded {
  int64_t rows, size, co, per_image_in, per_image_out;
  explicit Unfolded(const Shape& s)
      : rows(s.in_per_group() * s.kernel_size()), size(s.output_size()), co(s.out_per_group()),
        per_image_in(s.in_channels * s.input_size()), per_image_out(s.out_channels * s.output_size()) {}
};

}  // namespace

void forward(const Shape& s, const double* x, const double* w, const double* bias, double* y) {
  const Unfolded u(s);
  by_image(s, [&](int64_t n) {
    Buffer columns(u.rows * u.size * sizeof(double));
    auto* col = static_cast<double*>(columns.get());
    for (int64_t g = 0; g < s.groups; ++g) {
      double* to = y + n * u.per_image_out + g * u.co * u.size;
      unfold<false>(s, const_cast<double*>(x) + n * u.per_image_in + g * s.in_per_group() * s.input_size(), col);
      for (int64_t o = 0; o < u.co; ++o) std::fill_n(to + o * u.size, u.size, bias ? bias[g * u.co + o] : 0.0);
      gemm<double>('N', 'N', u.co, u.size, u.rows, w + g * u.co * u.rows, u.rows, col, u.size, 1, to, u.size);
    }
  });
}

void backward_data(const Shape& s, const double* dy, const double* w, double* dx) {
  const Unfolded u(s);
  by_image(s, [&](int64_t n) {
    Buffer columns(u.rows * u.size * sizeof(double));
    auto* col = static_cast<double*>(columns.get());
    std::fill_n(dx + n * u.per_image_in, u.per_image_in, 0.0);
    for (int64_t g = 0; g < s.groups; ++g) {
      gemm<double>('T', 'N', u.rows, u.size, u.co, w + g * u.co * u.rows, u.rows, dy + n * u.per_image_out + g * u.co * u.size, u.size, 0, col, u.size);
      unfold<true>(s, dx + n * u.per_image_in + g * s.in_per_group() * s.input_size(), col);
    }
  });
}

void backward_weights(const Shape& s, const double* x, const double* dy, double* dw) {
  const Unfolded u(s);
  Buffer columns(u.rows * u.size * sizeof(double));
  auto* col = static_cast<double*>(columns.get());
  std::fill_n(dw, s.out_channels * u.rows, 0.0);
  for (int64_t n = 0; n < s.batch; ++n)
    for (int64_t g = 0; g < s.groups; ++g) {
      unfold<false>(s, const_cast<double*>(x) + n * u.per_image_in + g * s.in_per_group() * s.input_size(), col);
      gemm<double>('N', 'T', u.co, u.rows, u.size, dy + n * u.per_image_out + g * u.co * u.size, u.size, col, u.size, 1, dw + g * u.co * u.rows, u.rows);
    }
}

}  // namespace tallow_nn::conv
