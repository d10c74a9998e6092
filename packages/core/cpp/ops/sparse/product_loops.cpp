// Compiled once per instruction set.
#include "ops/sparse/product_loops.hpp"

#include <complex>

#include "vec/isa.hpp"

namespace tallow::TL_ISA_NS {
namespace {

template <class T>
T product(T a, T b) { return a * b; }
// Integers wrap around; complex numbers are multiplied without the standard library's search for infinities.
template <>
int64_t product(int64_t a, int64_t b) { return static_cast<int64_t>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b)); }
template <class F>
std::complex<F> product(std::complex<F> a, std::complex<F> b) {
  return {a.real() * b.real() - a.imag() * b.imag(), a.real() * b.imag() + a.imag() * b.real()};
}
template <class T>
T sum(T a, T b) { return a + b; }
template <>
int64_t sum(int64_t a, int64_t b) { return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b)); }

template <class T>
void row(char* to, const char* values, const int64_t* at, int64_t n, const char* rows, int64_t width) {
  auto* o = reinterpret_cast<T*>(to);
  auto* v = reinterpret_cast<const T*>(values);
  auto* r = reinterpret_cast<const T*>(rows);
  if (width == 1) {
    T total{};
    for (int64_t i = 0; i < n; ++i) total = sum(total, product(v[i], r[at[i]]));
    *o = total;
    return;
  }
  constexpr int64_t kBlock = 1024;  // of the result: stays in the first cache while the elements of the row pass by
  for (int64_t b = 0; b < width; b += kBlock) {
    const int64_t m = width - b < kBlock ? width - b : kBlock;
    for (int64_t j = 0; j < m; ++j) o[b + j] = T{};
    for (int64_t i = 0; i < n; ++i) {
      const T* from = r + at[i] * width + b;
      const T scale = v[i];
#pragma GCC ivdep
      for (int64_t j = 0; j < m; ++j) o[b + j] = sum(o[b + j], product(scale, from[j]));
    }
  }
}

constexpr SparseProductLoops kLoops = {{row<float>, row<double>, row<int64_t>, row<std::complex<float>>, row<std::complex<double>>}};

}  // namespace

const SparseProductLoops* sparse_product_loops() { return &kLoops; }

}  // namespace tallow::TL_ISA_NS
