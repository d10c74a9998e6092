// Elimination for matrices of a few rows, of which a batch may have thousands: a call into LAPACK costs more than they do.
// The same steps, pivots and reports as its getrf and getrs; column major.
#pragma once
#include <cmath>
#include <complex>
#include <utility>

namespace tallow::lapack {

constexpr int kSmall = 8;  // rows and columns up to which this is faster

namespace small {

// The textbook product and quotient: the standard library's look for infinities at every step.
template <class T> T times(T a, T b) { return a * b; }
template <class R> std::complex<R> times(std::complex<R> a, std::complex<R> b) {
  return {a.real() * b.real() - a.imag() * b.imag(), a.real() * b.imag() + a.imag() * b.real()};
}
template <class T> T size(T a) { return std::abs(a); }
template <class R> R size(std::complex<R> a) { return std::abs(a.real()) + std::abs(a.imag()); }
template <class T> T conjugate_if(bool, T a) { return a; }
template <class R> std::complex<R> conjugate_if(bool yes, std::complex<R> a) { return yes ? std::conj(a) : a; }

template <class T>
int getrf(int m, int n, T* a, int* pivots) {
  int info = 0;
  for (int j = 0; j < std::min(m, n); ++j) {
    T* const column = a + j * m;
    int p = j;
    for (int i = j + 1; i < m; ++i)
      if (size(column[i]) > size(column[p])) p = i;
    pivots[j] = p + 1;
    if (column[p] == T(0)) {
      if (!info) info = j + 1;
      continue;
    }
    if (p != j)
      for (int c = 0; c < n; ++c) std::swap(a[c * m + j], a[c * m + p]);
    for (int i = j + 1; i < m; ++i) column[i] /= column[j];
    for (int c = j + 1; c < n; ++c) {
      const T factor = a[c * m + j];
      for (int i = j + 1; i < m; ++i) a[c * m + i] -= times(column[i], factor);
    }
  }
  return info;
}

template <class T>
void getrs(char trans, int n, int columns, const T* a, const int* pivots, T* b) {
  const bool conjugate = trans == 'C';
  for (int c = 0; c < columns; ++c) {
    T* const x = b + static_cast<int64_t>(c) * n;
    if (trans == 'N') {
      for (int i = 0; i < n; ++i) std::swap(x[i], x[pivots[i] - 1]);
      for (int j = 0; j < n; ++j)
        for (int i = j + 1; i < n; ++i) x[i] -= times(a[j * n + i], x[j]);
      for (int j = n; j-- > 0;) {
        x[j] /= a[j * n + j];
        for (int i = 0; i < j; ++i) x[i] -= times(a[j * n + i], x[j]);
      }
    } else {
      for (int j = 0; j < n; ++j) {
        for (int i = 0; i < j; ++i) x[j] -= times(conjugate_if(conjugate, a[j * n + i]), x[i]);
        x[j] /= conjugate_if(conjugate, a[j * n + j]);
      }
      for (int j = n; j-- > 0;)
        for (int i = j + 1; i < n; ++i) x[j] -= times(conjugate_if(conjugate, a[j * n + i]), x[i]);
      for (int i = n; i-- > 0;) std::swap(x[i], x[pivots[i] - 1]);
    }
  }
}

}  // namespace small
}  // namespace tallow::lapack
