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

}  // namespace

extern const Rows rows;
const Rows rows = {max_row<float, int32_t>, max_row<double, int64_t>, max_row<int64_t, int64_t>, max_values<float>, max_values<double>,
                   max_values<int64_t>,     add_row<float>,           add_row<double>,           add_row<int64_t>};

}  // namespace tallow_nn::pooling::TL_ISA
