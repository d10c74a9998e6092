// The vector of the instruction set that a translation unit is compiled for, through the compiler's vector extension.
// Reductions need explicit lanes: the order of a floating-point sum is not the optimizer's to change.
#pragma once
#include <cstdint>
#include <cstring>

#include "common.hpp"

namespace tallow::lanes {
inline namespace TL_ISA_NS {

#if defined(__AVX512F__)
constexpr int kVectorBytes = 64;
#elif defined(__AVX2__)
constexpr int kVectorBytes = 32;
#else
constexpr int kVectorBytes = 16;
#endif
constexpr int kAccumulators = 4;  // independent chains: enough to hide the latency of an addition

template <class T>
struct Lanes {
  typedef T type __attribute__((vector_size(kVectorBytes)));
  static constexpr int count = kVectorBytes / static_cast<int>(sizeof(T));
};
template <class T> using Vec = typename Lanes<T>::type;

template <class T>
TL_VEC_FN Vec<T> load(const T* p) {
  Vec<T> v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
template <class T>
TL_VEC_FN void store(T* p, Vec<T> v) {
  std::memcpy(p, &v, sizeof v);
}
template <class T>
TL_VEC_FN Vec<T> broadcast(T x) {
  return x - Vec<T>{};
}

// Lanes are combined in halves.
template <class T, class F>
TL_VEC_FN T fold(Vec<T> v, F&& f) {
  T lane[Lanes<T>::count];
  store(lane, v);
  for (int half = Lanes<T>::count / 2; half; half /= 2)
    for (int i = 0; i < half; ++i) lane[i] = f(lane[i], lane[i + half]);
  return lane[0];
}

}  // namespace TL_ISA_NS
}  // namespace tallow::lanes
