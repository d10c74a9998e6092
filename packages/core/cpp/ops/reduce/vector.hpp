// The native vector of this translation unit's instruction set, through the compiler's vector extension: reductions
// need explicit lanes, because reassociating a floating-point sum is not the optimizer's to decide.
#pragma once
#include <cstdint>
#include <cstring>

#include "vec/isa.hpp"

namespace tallow::TL_ISA_NS {

#if defined(__AVX512F__)
constexpr int kVectorBytes = 64;
#elif defined(__AVX2__)
constexpr int kVectorBytes = 32;
#else
constexpr int kVectorBytes = 16;
#endif
constexpr int kAccumulators = 4;  // independent chains: enough to hide the latency of an addition

template <class T>
struct Vector {
  typedef T type __attribute__((vector_size(kVectorBytes)));
  static constexpr int lanes = kVectorBytes / static_cast<int>(sizeof(T));
};
template <class T> using vector_t = typename Vector<T>::type;

template <class T>
inline __attribute__((always_inline)) vector_t<T> load(const T* p) {
  vector_t<T> v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
template <class T>
inline __attribute__((always_inline)) void store(T* p, vector_t<T> v) {
  std::memcpy(p, &v, sizeof v);
}
template <class T>
inline __attribute__((always_inline)) vector_t<T> broadcast(T x) {
  vector_t<T> v;
  for (int i = 0; i < Vector<T>::lanes; ++i) v[i] = x;
  return v;
}

}  // namespace tallow::TL_ISA_NS
