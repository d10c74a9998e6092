// What the expressions of the pointwise tables call, for every compute type.
#pragma once
#include <cmath>
#include <complex>

#include "ops/pointwise/loops.hpp"
#include "vec/math.hpp"

namespace tallow::TL_ISA_NS::fn {

// NaN in either operand gives NaN, as torch's maximum, minimum and clamp do.
template <class T> inline T max(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) return a != a ? a : (a > b ? a : b);
  else return a > b ? a : b;
}
template <class T> inline T min(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) return a != a ? a : (a < b ? a : b);
  else return a < b ? a : b;
}

#define TL_FN1(name)                                                                  \
  template <class T> inline T name(T x) {                                             \
    if constexpr (is_complex_v<T>) return std::name(x);                               \
    else return vec::TL_ISA_NS::name(x);                                              \
  }
TL_FN1(exp)
#undef TL_FN1

}  // namespace tallow::TL_ISA_NS::fn
