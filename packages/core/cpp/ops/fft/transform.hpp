// Many transforms of one length, wherever they lie.
#pragma once
#include "ops/fft/plan.hpp"

namespace tallow::fft {

enum class Direction { Forward, Backward };  // e^(-2 pi i jk / n) and its conjugate

// Element j of line i lies at data[i / inner * outer_step + i % inner * inner_step + j * step].
template <class P>
struct Lines {
  P data;
  int64_t step, outer_step, inner, inner_step;
  int64_t at(int64_t i) const { return i / inner * outer_step + i % inner * inner_step; }
};
template <class T> using Input = Lines<const std::complex<T>*>;
template <class T> using Output = Lines<std::complex<T>*>;

// out = scale times the transforms of `count` lines; in and out may be the same memory with the same steps.
template <class T>
void transform(const Plan<T>& p, const Input<T>& in, const Output<T>& out, int64_t count, Direction direction, T scale);

// Forward, of rows of n real numbers: rows of the first n / 2 + 1 values, which determine the others.
template <class T>
void real_to_complex(int64_t n, const T* in, std::complex<T>* out, int64_t rows, T scale);

// Backward, to rows of n real numbers from the first n / 2 + 1 values: the inverse of the above but for the factor n. The imaginary
// parts of the first value, and of the last one for an even n, count as zero.
template <class T>
void complex_to_real(int64_t n, const std::complex<T>* in, T* out, int64_t rows, T scale);

}  // namespace tallow::fft
