// The inner loops of Fourier transforms, per instruction set and floating type.
#pragma once
#include "ops/fft/plan.hpp"
#include "ops/fft/transform.hpp"

namespace tallow::fft {

// Direct transforms side by side in the lanes of vectors. Offsets of lanes and steps are in complex elements.
template <class T>
struct LaneJob {
  const std::complex<T>* in;
  const int64_t* in_offset;  // one per lane
  int64_t in_step;
  std::complex<T>* out;
  const int64_t* out_offset;
  int64_t out_step;
  int64_t lanes;
  Direction direction;
  T scale;
  const std::complex<T>* near;  // [n][kLanes], or null: value k is multiplied by near[k][lane] far[k]
  const std::complex<T>* far;
  T* scratch;  // of scratch_size<T>(n)
};
template <class T> constexpr int64_t scratch_size(int64_t n) { return 4 * n * kLanes<T>; }

template <class T>
struct FftLoops {
  int64_t lanes;
  void (*run)(const Plan<T>& p, const LaneJob<T>& job);
  // Between the transform Z of the pairs (x[2j], x[2j + 1]) and the first half + 1 values X of the transform of x. join: X from Z,
  // which lies where X goes. part: twice Z from X. roots[k] = e^(-i pi k / half).
  void (*join)(std::complex<T>* x, int64_t half, const std::complex<T>* roots);
  void (*part)(const std::complex<T>* x, std::complex<T>* z, int64_t half, const std::complex<T>* roots);
  // to[i][j] = from[i][j] by[i], or by conj(by[i]); rows of `width`.
  void (*multiply)(const std::complex<T>* from, const std::complex<T>* by, std::complex<T>* to, int64_t rows, int64_t width, bool conjugate);
};

struct FftTable {
  FftLoops<float> in_float;
  FftLoops<double> in_double;
};

}  // namespace tallow::fft
