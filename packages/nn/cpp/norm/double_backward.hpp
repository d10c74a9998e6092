// The gradient of a normalisation's gradient, in terms of core's ops, for all of the family.
//
// With x^ = (x - M[x]) s, s = 1 / sqrt(M[(x - M[x])^2] + eps), g = dy w and M the mean over the normalised dimensions, the
// backward gives
//   dx = P(g) = s (g - M[g] - x^ M[g x^]),  dw = sum(dy x^),  db = sum(dy).
// For v, u, t, what comes in for dx, dw and db, and a = M[v x^], b = M[g x^]:
//   d dy = w P(v) + u x^ + t
//   d w  = sum(dy P(v))
//   d x  = P(u dy - s (v b + g a)) - s^2 (M[v g] - M[v] M[g] - a b) x^
// because P is symmetric, ds/dx = -s^2 x^ / n, and P carries a gradient from x^ to x. RMS norm is the same without M[x],
// M[g] and M[v]; in evaluation s and the mean are constants.
#pragma once
#include "norm/norm.hpp"

namespace tallow_nn {

struct SecondGradients {
  tl::Tensor dy, x, weight;  // weight: before the sum over what it is broadcast along
};

// u, t and weight are views that broadcast against x; so are mean and var, which only evaluation has.
struct NormBackwardTerms {
  tl::Tensor v, u, t, dy, x, weight, mean, var;
  tl::Dims dims;
  double eps;
  bool centred = true;
};

inline SecondGradients differentiate_backward(const NormBackwardTerms& k) {
  auto times = [](const tl::Tensor& a, const auto& b) { return tl::call<"mul">(a, b); };
  auto plus = [](const tl::Tensor& a, const tl::Tensor& b) { return !a ? b : !b ? a : tl::call<"add">(a, b); };
  auto minus = [](const tl::Tensor& a, const tl::Tensor& b) { return tl::call<"sub">(a, b); };
  auto average = [&](const tl::Tensor& a) { return tl::call<"mean">(a, k.dims, true); };
  const bool constant = static_cast<bool>(k.var);
  const tl::Tensor centred = constant ? minus(k.x, k.mean) : k.centred ? minus(k.x, average(k.x)) : k.x;
  const tl::Tensor var = constant ? k.var : average(times(centred, centred));
  const tl::Tensor s = tl::call<"rsqrt">(tl::call<"add">(var, k.eps)), hat = times(centred, s);
  auto project = [&](const tl::Tensor& h) {
    if (constant) return times(h, s);
    const tl::Tensor level = k.centred ? minus(h, average(h)) : h;
    return times(minus(level, times(hat, average(times(h, hat)))), s);
  };
  SecondGradients out;
  tl::Tensor into_hat;  // what reaches x^
  if (k.v) {
    const tl::Tensor g = k.weight ? times(k.dy, k.weight) : k.dy, p = project(k.v);
    out.dy = k.weight ? times(p, k.weight) : p;
    out.weight = times(k.dy, p);
    if (!constant) {
      const tl::Tensor a = average(times(k.v, hat)), b = average(times(g, hat));
      tl::Tensor spread = minus(average(times(k.v, g)), times(a, b));
      if (k.centred) spread = minus(spread, times(average(k.v), average(g)));
      into_hat = times(times(plus(times(k.v, b), times(g, a)), s), -1.0);
      out.x = times(times(times(spread, times(s, s)), hat), -1.0);
    }
  }
  if (k.u) {
    out.dy = plus(out.dy, times(hat, k.u));
    into_hat = plus(into_hat, times(k.dy, k.u));
  }
  if (k.t) out.dy = plus(out.dy, tl::call<"expand">(k.t, k.x.sizes()));
  if (into_hat) out.x = plus(out.x, project(into_hat));
  if (!out.dy) out.dy = tl::call<"zeros_like">(k.dy);
  if (!out.x) out.x = tl::call<"zeros_like">(k.x);
  if (!out.weight) out.weight = tl::call<"zeros_like">(k.x);
  return out;
}

}  // namespace tallow_nn
