// The inner loops of pooling: one row of results at a time, one tap of the kernel at a time, so that neighbouring
// outputs share a vector register whatever the kernel; and whole planes of windows that do not overlap.
#pragma once
#include <cstdint>
#include <type_traits>

#include <tallow/loops.hpp>

namespace tallow_nn::pooling {

// Folds row[0], row[stride], ... into the running maxima `top`, and `position`, `position` + stride, ... into `best`
// where they are larger. best < 0 means nothing was seen. NaN beats everything.
template <class T, class I>
using MaxRow = void (*)(const T* row, int64_t stride, int64_t count, I position, T* top, I* best);
// The same without positions; `top` starts at the lowest value.
template <class T>
using MaxValues = void (*)(const T* row, int64_t stride, int64_t count, T* top);
template <class T>
using AddRow = void (*)(const T* row, int64_t stride, int64_t count, T* sum);

// Windows that lie side by side, kh x kw cells each, from the top left corner of a plane whose rows are `width` long.
struct Windows {
  int64_t rows, columns, kh, kw, width;
};
// The mean of each window, and the gradient's share of each cell; a share is not written where there is no window.
template <class T>
using MeanWindows = void (*)(const Windows& w, const T* plane, T cells, T* out);
template <class T>
using ShareWindows = void (*)(const Windows& w, const T* grad, T cells, T* plane);

struct Rows {
  MaxRow<float, int32_t> max_float;
  MaxRow<double, int64_t> max_double;
  MaxRow<int64_t, int64_t> max_int64;
  MaxValues<float> values_float;
  MaxValues<double> values_double;
  MaxValues<int64_t> values_int64;
  AddRow<float> add_float;
  AddRow<double> add_double;
  AddRow<int64_t> add_int64;
  MeanWindows<float> mean_float;
  MeanWindows<double> mean_double;
  ShareWindows<float> share_float;
  ShareWindows<double> share_double;

  auto max(float) const { return max_float; }
  auto max(double) const { return max_double; }
  auto max(int64_t) const { return max_int64; }
  auto values(float) const { return values_float; }
  auto values(double) const { return values_double; }
  auto values(int64_t) const { return values_int64; }
  auto add(float) const { return add_float; }
  auto add(double) const { return add_double; }
  auto add(int64_t) const { return add_int64; }
  auto mean(float) const { return mean_float; }
  auto mean(double) const { return mean_double; }
  auto share(float) const { return share_float; }
  auto share(double) const { return share_double; }
};
TL_LOOPS(Rows, rows)

}  // namespace tallow_nn::pooling
