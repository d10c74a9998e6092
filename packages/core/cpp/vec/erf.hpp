// The error function and the activations made of it.
#pragma once
#include "exp.hpp"
#include "log.hpp"
#include "pow.hpp"

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

// Below one an odd polynomial (2^-56), above it 1 - e^(log erfc a), the logarithm a polynomial in a - 3.
TL_VEC_FN double erf(double x) {
  const double a = abs(x), z = x * x;
  const double small =
      x + x * horner(z, 0x1.06eba8214db68p-3, -0x1.812746b03799dp-2, 0x1.ce2f21a03f8b9p-4, -0x1.b82ce311a97e8p-6,
                     0x1.565bcceeda9f0p-8, -0x1.c02daeb71fe69p-11, 0x1.f9a296b871a30p-14, -0x1.f4c82f562f92ap-17,
                     0x1.b96b5b9856febp-20, -0x1.5b8c8c1e9cfcap-23, 0x1.d3deae7e6d64ep-27, -0x1.a241974887859p-31);
  const double c = a > 6.0 ? 6.0 : a;
  const double u = c - 3.0;
  const double log_erfc =
      horner(u, -0x1.570d36cb51c0ep+3, -0x1.9370b35013b85p+2, -0x1.ea2f9336705cfp-1, -0x1.e5bee9387e482p-8,
             0x1.62c3203df51cfp-10, -0x1.01a0559ae110fp-12, 0x1.69679e7ca8635p-15, -0x1.dd81a6dd9c045p-18,
             0x1.1e900aa484a4cp-20, -0x1.291d3f7d4eedfp-23, 0x1.80af294610658p-27, 0x1.15236dcb47a9cp-29,
             0x1.3e3faadcb8c13p-31, 0x1.d5622a4ba64a4p-32, -0x1.15527839aed0cp-32, -0x1.4c22d5f747976p-33,
             -0x1.9c2b9a88c2e96p-35, -0x1.5accb4b2ea8c6p-38);
  const exp_parts_d e = reduce_ln2(log_erfc);
  const double tail = 1.0 - exp_reduced(e.r) * pow2(e.k);
  return a < 1.0 ? small : copysign(tail, x);
}

// erfc a = e^(-a^2) R(t)/(1 + 2a), t = (a - 3)/(a + 3), in double: the square needs more than a float's bits.
TL_VEC_FN float erfc(float x) {
  const double a = abs(static_cast<double>(x));
  const double c = a > 10.5 ? 10.5 : a;
  const double t = (c - 3.0) / (c + 3.0);
  const double ratio = horner(t, 0x1.40c522db8c4efp+0, -0x1.15c0892fd845bp-3, -0x1.85a194c6f8102p-5,
                              0x1.09840f3be2f6dp-3, -0x1.e888ae7d74a6dp-4, 0x1.17bd4d281fb0ep-4,
                              -0x1.85e61710cbc04p-6, 0x1.5082e7125ad87p-9, 0x1.0661d9f7171c3p-9,
                              -0x1.97acee7cf71c1p-11, -0x1.1926c8ae4ffa5p-12);
  const exp_parts_d e = reduce_ln2(-c * c);
  const float tail = static_cast<float>(exp_reduced(e.r) * pow2(e.k) * ratio / (1.0 + 2.0 * c));
  return x < 0.0f ? 2.0f - tail : tail;
}
TL_VEC_FN double erfc(double x) { return TL_VEC_LIBM(erfc)(x); }

// erfinv(x)/x as a function of w = -log(1 - x^2).
TL_VEC_FN float erfinv_ratio(float w) {
  const float u = w - 2.5f, s = sqrt(w) - 3.0f;
  const float middle = horner(u, 1.50140941f, 0.246640608f, -0.00417765928f, -0.00125344819f, 0.000218566085f,
                             -4.54950532e-06f, -3.52025677e-06f, 3.76997036e-07f, 2.78975385e-08f, -2.39143283e-09f);
  const float tail = horner(s, 2.83297682f, 1.00167477f, 0.00944430754f, -0.00763427932f, 0.00569494115f,
                           -0.00361082843f, 0.00146538916f, -3.25665533e-05f, -0.000294705795f, 0.000100017882f);
  return w < 5.0f ? middle : tail;
}
TL_VEC_FN float erfinv(float x) {
  const float a = abs(x);
  const float r = x * erfinv_ratio(-log((1.0f - a) * (1.0f + a)));
  return a == 1.0f ? copysign(limits<float>::inf, x) : r;
}

template <class T> TL_VEC_FN T gelu(T x) { return T(0.5) * x * (T(1) + erf(x * T(0.70710678118654752440))); }
// The tanh form: x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))).
template <class T> TL_VEC_FN T gelu_tanh(T x) {
  const T inner = T(0.79788456080286535588) * (x + T(0.044715) * (x * x * x));
  return T(0.5) * x * (T(1) + tanh(inner));
}

}  // namespace TL_ISA_NS
}  // namespace tallow::vec
