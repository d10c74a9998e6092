#include "pooling/rows.hpp"

namespace tallow_nn::pooling::TL_ISA {
namespace {

// Calls f with the stride as a constant where vectors pay.
template <class F>
void by_stride(int64_t stride, F&& f) {
  if (stride == 1) f(std::integral_constant<int64_t, 1>());
  else if (stride == 2) f(std::integral_constant<int64_t, 2>());
  else f(stride);
}

template <class T, class I>
void max_row(const T* row, int64_t stride, int64_t count, I position, T* top, I* best) {
  by_stride(stride, [=](auto s) {
    for (int64_t i = 0; i < count; ++i) {
      const T v = row[i * s];
      const bool take = (v > top[i]) | (v != v) | (best[i] < 0);
      top[i] = take ? v : top[i];
      best[i] = take ? static_cast<I>(position + static_cast<I>(i * s)) : best[i];
    }
  });
}

template <class T>
void max_values(const T* row, int64_t stride, int64_t count, T* top) {
  by_stride(stride, [=](auto s) {
    for (int64_t i = 0; i < count; ++i) {
      const T v = row[i * s];
      top[i] = (v > top[i]) | (v != v) ? v : top[i];
    }
  });
}

template <class T>
void add_row(const T* row, int64_t stride, int64_t count, T* sum) {
  by_stride(stride, [=](auto s) {
    for (int64_t i = 0; i < count; ++i) sum[i] += row[i * s];
  });
}

// Calls f with the kernel as constants where it is a common one: then neighbouring windows share a vector.
template <class F>
void by_kernel(const Windows& w, F&& f) {
  if (w.kh == 2 && w.kw == 2) f(std::integral_constant<int64_t, 2>(), std::integral_constant<int64_t, 2>());
  else if (w.kh == 3 && w.kw == 3) f(std::integral_constant<int64_t, 3>(), std::integral_constant<int64_t, 3>());
  else f(w.kh, w.kw);
}

template <class T>
void mean_windows(const Windows& w, const T* plane, T cells, T* out) {
  by_kernel(w, [&](auto kh, auto kw) {
    for (int64_t r = 0; r < w.rows; ++r) {
      const T* from = plane + r * kh * w.width;
      T* to = out + r * w.columns;
      for (int64_t c = 0; c < w.columns; ++c) {
        T sum = T(0);
        for (int64_t i = 0; i < kh; ++i)
          for (int64_t j = 0; j < kw; ++j) sum += from[i * w.width + c * kw + j];
        to[c] = sum / cells;
      }
    }
  });
}

template <class T>
void share_windows(const Windows& w, const T* grad, T cells, T* plane) {
  by_kernel(w, [&](auto kh, auto kw) {
    for (int64_t r = 0; r < w.rows; ++r) {
      T* to = plane + r * kh * w.width;
      const T* from = grad + r * w.columns;
#pragma GCC ivdep
      for (int64_t c = 0; c < w.columns; ++c) {
        const T share = from[c] / cells;
        for (int64_t i = 0; i < kh; ++i)
          for (int64_t j = 0; j < kw; ++j) to[i * w.width + c * kw + j] = share;
      }
    }
  });
}

}  // namespace

extern const Rows rows;
const Rows rows = {max_row<float, int32_t>, max_row<double, int64_t>, max_row<int64_t, int64_t>, max_values<float>, max_values<double>,
                   max_values<int64_t>,     add_row<float>,           add_row<double>,           add_row<int64_t>,
                   mean_windows<float>,     mean_windows<double>,     share_windows<float>,      share_windows<double>};

}  // namespace tallow_nn::pooling::TL_ISA
