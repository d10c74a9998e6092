// The error function and the activations made of it.
#pragma once
#include "exp.hpp"

namespace tallow::vec {
inline namespace TL_ISA_NS {

// erf a = -expm1(log erfc a). log(erfc a) / a is smooth and never cancels, so one polynomial serves the whole range and
// its relative error only shrinks in the result. Relative error 2^-30; from 3.95 on the result rounds to one.
TL_VEC_FN float erf(float x) {
  const float a = abs(x);
  const float c = a > 3.95f ? 3.95f : a;
  const float q = horner(c, -0.00337916659f, -0.636619866f, -0.102770656f, 0.0191136375f, 0.000265339098f,
                         -0.00181905762f, 0.000758390932f, -0.000176369649f, 2.36707911e-05f, -1.43609009e-06f);
  return copysign(-expm1_inner(c * q - 1.125f * c), x);
}

template <class T> TL_VEC_FN T gelu(T x) { return T(0.5) * x * (T(1) + erf(x * T(0.70710678118654752440))); }
// The tanh form: x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))).
template <class T> TL_VEC_FN T gelu_tanh(T x) {
  const T inner = T(0.79788456080286535588) * (x + T(0.044715) * (x * x * x));
  return T(0.5) * x * (T(1) + tanh(inner));
}

}  // namespace TL_ISA_NS
}  // namespace tallow::vec
