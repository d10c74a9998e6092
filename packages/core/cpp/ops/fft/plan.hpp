// How a discrete Fourier transform of one length is computed.
//
//   Direct     all passes of a mixed-radix Stockham transform in the cache, several transforms side by side in a vector
//              (Cochran et al., "What is the fast Fourier transform?", 1967, for the self-sorting form)
//   FourStep   n = rows * columns, both of them transforms of their own (Bailey, "FFTs in external memory", 1990)
//   Bluestein  as a convolution of a length that is a product of small primes (Bluestein, 1970)
//
// A plan is of the forward direction; backward, real and imaginary parts change places on the way in and out.
#pragma once
#include <complex>
#include <cstdint>
#include <memory>
#include <vector>

namespace tallow::fft {

constexpr int64_t kDirect = 2048;      // longest transform that stays in the cache with a vector of its kind
constexpr int64_t kFourStep = 64;      // shortest one that is worth cutting where there are too few to fill a vector
constexpr int64_t kLargestPrime = 31;  // that has a pass of its own
template <class T> constexpr int64_t kLanes = 64 / static_cast<int64_t>(sizeof(T));  // most transforms in one vector

// One pass: `radix` inputs a distance of length / radix apart, in `stride` interleaved transforms of what is left.
template <class T>
struct Pass {
  int64_t radix, length, stride;
  std::vector<std::complex<T>> twiddles;  // [length / radix][radix - 1]
  std::vector<std::complex<T>> roots;     // of unity of a radix without code of its own
};

template <class T>
struct Plan {
  using Complex = std::complex<T>;
  int64_t n;
  std::vector<Pass<T>> passes;  // Direct: up to kDirect, where all primes are small

  // FourStep, from kFourStep: element column + columns * row, and the factors w^(row column) between the steps: of the first columns in
  // `near`, [row][column], and of the rest as a product of `coarse` and `fine` powers.
  int64_t rows = 0, columns = 0;
  std::shared_ptr<const Plan> row_plan, column_plan;  // null where there is no useful divisor
  std::vector<Complex> near;
  std::vector<std::complex<double>> coarse, fine;
  std::complex<double> power(int64_t e) const { return coarse[static_cast<size_t>(e / kFine)] * fine[static_cast<size_t>(e % kFine)]; }
  static constexpr int64_t kFine = 1024;

  // Bluestein, for large primes: the chirp e^(-i pi j^2 / n), and the transform of its conjugate, divided by the convolution's length.
  int64_t padded = 0;
  std::shared_ptr<const Plan> convolution;
  std::vector<Complex> chirp, response;
};

// e^(-2 pi i k / n), exact to a rounding.
std::complex<double> root_of_unity(int64_t k, int64_t n);

// Plans are kept for the lengths used last.
template <class T>
std::shared_ptr<const Plan<T>> plan(int64_t n);

}  // namespace tallow::fft
