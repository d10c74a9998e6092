// What the activations are made of, on core's vector mathematics. Include only from *_loops.cpp files.
#pragma once
#include <cmath>

#include <tallow/loops.hpp>
#include <tallow/vec/exp.hpp>

namespace tallow_nn::TL_ISA::fn {

namespace vec = ::tallow::vec;

template <class T> constexpr T kLowestExponent = T(-87);
template <> inline constexpr double kLowestExponent<double> = -708;

// e^x for x <= 0; 0 where it would not be a normal number. NaN stays.
template <class T> TL_VEC_FN T exp_negative(T x) {
  const auto p = vec::reduce_ln2(x < kLowestExponent<T> ? kLowestExponent<T> : x);
  return x < kLowestExponent<T> ? T(0) : vec::exp_reduced(p.r) * vec::pow2(p.k);
}
template <class T> TL_VEC_FN T sigmoid(T x) {
  const T z = exp_negative(-vec::abs(x));
  return (x < T(0) ? z : T(1)) / (T(1) + z);
}
template <class T>
struct ValueWithSlope {
  T value, slope;
};
template <class T> TL_VEC_FN ValueWithSlope<T> sigmoid_with_slope(T x) {
  const T z = exp_negative(-vec::abs(x)), d = T(1) / (T(1) + z);
  return {x < T(0) ? z * d : d, z * d * d};
}

// log(1 + z) for 0 <= z <= 1, as 2 atanh(z / (2 + z)); relative error 2^-27. Coefficients: our own minimax fit.
TL_VEC_FN float log1p_unit(float z) {
  const float w = z / (2.0f + z), s = w * w;
  return w * vec::horner(s, 2.00000001f, 0.666663147f, 0.400249101f, 0.279606047f, 0.28178326f);
}
TL_VEC_FN double log1p_unit(double z) { return std::log1p(z); }
// log(1 + e^x)
template <class T> TL_VEC_FN T softplus(T x) { return (x > T(0) ? x : T(0)) + log1p_unit(exp_negative(-vec::abs(x))); }

// The normal distribution function and its density. The lower tail is the density times a polynomial in
// 1 / (1 + 0.3 |x|), relative error 2^-24: unlike (1 + erf) / 2 it keeps its digits far below zero.
template <class T>
struct Normal {
  T cdf, density;
};
TL_VEC_FN Normal<float> normal(float x) {
  const float a = vec::abs(x), e = exp_negative(-0.5f * a * a), t = 1.0f / (1.0f + 0.3f * a);
  const float tail = e * vec::horner(t, 7.16925209e-06f, 0.119487682f, 0.121920402f, 0.0946832593f, 0.142536207f, -0.0765075538f, 0.228661094f,
                                     -0.169166634f, 0.0383784031f);
  return {x < 0.0f ? tail : 1.0f - tail, e * 0.39894228f};
}
TL_VEC_FN Normal<double> normal(double x) {
  return {0.5 * std::erfc(x * -0.70710678118654752440), 0.39894228040143267794 * exp_negative(-0.5 * x * x)};
}

// x Phi(x). log Phi(-a) is -a^2 / 2 and a smooth rest, a polynomial up to 5 and constant from there: one exponential, made
// here with just the digits that are left, and no division. Absolute error 2^-21, relative 2^-21 down to x = -3 and 2^-16 to -5.
TL_VEC_FN float times_normal_cdf(float x) {
  constexpr float magic = 0x1.8p23f + 127.0f;  // leaves the nearest integer in the low bits, as an exponent's field counts
  // The comparisons look at different values, or the compiler would make three paths of them and blend the results.
  const float square = x * x, c = square > 25.0f ? 5.0f : vec::abs(x);
  const float rest = vec::horner(c, -0.693147088f, -0.797889196f, 0.181728248f, -0.0364567657f, 0.0049756127f, -0.00013615964f, -0.000124017413f,
                                 3.09125687e-05f, -3.38661717e-06f, 1.4994394e-07f);
  const float log_tail = rest - 0.5f * square, inner = log_tail < -87.0f ? -87.0f : log_tail;
  const float shifted = inner * 0x1.715476p+0f + magic, r = inner - (shifted - magic) * 0x1.62e43p-1f;
  const float power = (1.0f + r) + r * r * vec::horner(r, 0.499992303f, 0.166671154f, 0.0418903318f, 0.00831250143f);
  const float tail = log_tail < -87.0f ? 0.0f : power * vec::from_bits(vec::bits(shifted) << 23);
  return x * (x < 0.0f ? tail : 1.0f - tail);
}
TL_VEC_FN double times_normal_cdf(double x) { return 0.5 * x * std::erfc(x * -0.70710678118654752440); }

}  // namespace tallow_nn::TL_ISA::fn
