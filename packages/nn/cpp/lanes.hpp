// The vector of the instruction set that a *_loops.cpp is compiled for: for reductions, whose order is not the
// compiler's to change.
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
struct Lanes {
  typedef T type __attribute__((vector_size(kVectorBytes)));
  static constexpr int64_t count = kVectorBytes / static_cast<int64_t>(sizeof(T));
};
template <class T> using Vec = typename Lanes<T>::type;

template <class T>
inline __attribute__((always_inline)) Vec<T> load(const T* p) {
  Vec<T> v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
template <class T>
inline __attribute__((always_inline)) void store(T* p, Vec<T> v) {
  std::memcpy(p, &v, sizeof v);
}
template <class T>
inline __attribute__((always_inline)) Vec<T> fill(T x) {
  return x - Vec<T>{};
}

// Lanes are combined in halves.
template <class T, class F>
inline __attribute__((always_inline)) T fold(Vec<T> v, F&& f) {
  constexpr int64_t n = Lanes<T>::count;
  T lane[n];
  store(lane, v);
  for (int64_t half = n / 2; half; half /= 2)
    for (int64_t i = 0; i < half; ++i) lane[i] = f(lane[i], lane[i + half]);
  return lane[0];
}

}  // namespace tallow_nn::TL_ISA
