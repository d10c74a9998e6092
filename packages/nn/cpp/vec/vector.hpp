// The native vector of a *_loops.cpp file's instruction set, through the compiler's vector extension. Reductions need
// explicit lanes: to reassociate a floating-point sum is not the optimizer's decision.
#pragma once
#include <cstdint>
#include <cstring>

namespace tallow_nn::TL_ISA {

#if defined(__AVX512F__)
constexpr int kVectorBytes = 64;
#elif defined(__AVX2__)
constexpr int kVectorBytes = 32;
#else
constexpr int kVectorBytes = 16;
#endif

template <class T>
struct Vector {
  typedef T type __attribute__((vector_size(kVectorBytes)));
  static constexpr int64_t lanes = kVectorBytes / static_cast<int64_t>(sizeof(T));
};
template <class T> using vector_t = typename Vector<T>::type;

#define TL_NN_INLINE inline __attribute__((always_inline))

template <class T> TL_NN_INLINE vector_t<T> load(const T* p) {
  vector_t<T> v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
template <class T> TL_NN_INLINE void store(T* p, vector_t<T> v) { std::memcpy(p, &v, sizeof v); }

// The lanes in a fixed order: halves are added until one is left.
template <class T> TL_NN_INLINE T total(vector_t<T> v) {
  T a[Vector<T>::lanes];
  std::memcpy(a, &v, sizeof v);
  for (int64_t n = Vector<T>::lanes / 2; n > 0; n /= 2)
    for (int64_t i = 0; i < n; ++i) a[i] += a[i + n];
  return a[0];
}

// Sums over i in [0, n) of K quantities at once: term(i, s) adds vectors made of the elements from i on to s[0..K), and
// tail(i, r) those of element i to r[0..K). Several chains hide the latency of an addition.
template <class T, int K, class Term, class Tail>
TL_NN_INLINE void sums(int64_t n, T* result, Term term, Tail tail) {
  constexpr int64_t lanes = Vector<T>::lanes, chains = 4;
  vector_t<T> s[chains][K] = {};
  int64_t i = 0;
  for (; i + chains * lanes <= n; i += chains * lanes)
    for (int64_t c = 0; c < chains; ++c) term(i + c * lanes, s[c]);
  for (; i + lanes <= n; i += lanes) term(i, s[0]);
  T rest[K] = {};
  for (; i < n; ++i) tail(i, rest);
  for (int k = 0; k < K; ++k) result[k] = total<T>((s[0][k] + s[1][k]) + (s[2][k] + s[3][k])) + rest[k];
}

}  // namespace tallow_nn::TL_ISA
