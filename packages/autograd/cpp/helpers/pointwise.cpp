// Backwards of elementwise functions that take more than a line.
#include <cmath>

#include "helpers/helpers.hpp"

namespace tl::autograd {
namespace {

bool is_complex(TlDtype d) { return d == TL_COMPLEX64 || d == TL_COMPLEX128; }
bool is_tensor(const TlValue& v) { return v.tag == TL_TENSOR; }
bool value_is_complex(const TlValue& v) {
  if (v.tag == TL_COMPLEX) return true;
  return is_tensor(v) && is_complex(Tensor::share(v.tensor).dtype());
}
Tensor conj(const Tensor& t) { return is_complex(t.dtype()) ? call<"conj">(t) : t; }

// The derivative of what has none that anybody has written: an error as soon as it is asked for, not before.
void not_implemented(Call& c) {
  throw Error(TL_NOT_IMPLEMENTED_ERROR, "the derivative for '" + std::string(c.string(1)) + "' is not implemented.");
}

// d/dself of self ** exponent
void pow_self(Call& c) {
  const Tensor grad = c.tensor(0);
  const TlValue &self = c.value(1), &exponent = c.value(2);
  if (!is_tensor(exponent)) {
    const bool complex = exponent.tag == TL_COMPLEX;
    const double e = to_double(exponent);
    if (!complex && e == 0) return c.ret(call<"zeros_like">(grad));
    if (!complex && e == 1) return c.ret(grad);
    if (!complex && e == 2) return c.ret(call<"mul">(grad, conj(call<"mul">(self, 2))));
    const std::complex<double> less(e - 1, complex ? exponent.complex[1] : 0);
    const Tensor power = complex ? call<"pow">(self, Scalar(less)) : exponent.tag == TL_DOUBLE ? call<"pow">(self, e - 1) : call<"pow">(self, exponent.i - 1);
    return c.ret(call<"mul">(grad, conj(call<"mul">(power, exponent))));
  }
  const Tensor slope = call<"mul">(exponent, call<"pow">(self, call<"sub">(exponent, 1)));
  c.ret(call<"where">(call<"eq">(exponent, 0), call<"zeros_like">(grad), call<"mul">(grad, conj(slope))));
}

// d/dexponent; grad, self, exponent, result
void pow_exponent(Call& c) {
  const Tensor grad = c.tensor(0), result = c.tensor(3);
  const TlValue &self = c.value(1), &exponent = c.value(2);
  const bool complex = value_is_complex(self) || value_is_complex(exponent);
  Tensor log;
  if (is_tensor(self)) {
    log = call<"log">(self);
  } else {
    if (self.tag == TL_COMPLEX) log = call<"log">(call<"full_like">(result, self));
    else if (to_double(self) == 0) return c.ret(call<"zeros_like">(grad));
    else log = call<"log">(call<"full_like">(result, self));
  }
  const Tensor slope = call<"mul">(grad, conj(call<"mul">(result, log)));
  if (!is_tensor(self)) return c.ret(slope);
  Tensor flat = call<"eq">(self, 0);
  if (!complex) flat = call<"logical_and">(flat, call<"ge">(exponent, 0));
  else flat = call<"logical_and">(flat, call<"ge">(call<"real">(exponent), 0));
  c.ret(call<"where">(flat, call<"zeros_like">(slope), slope));
}

// grad, self: the part of the gradient that turns the phase
void sgn_backward(Call& c) {
  const Tensor grad = c.tensor(0), self = c.tensor(1), sgn = c.tensor(2);
  if (!is_complex(self.dtype())) return c.ret(call<"zeros_like">(self));
  const Tensor abs = call<"abs">(self);
  const Tensor along = call<"mul">(call<"real">(call<"mul">(grad, conj(sgn))), sgn);
  const Tensor out = call<"div">(call<"sub">(grad, along), abs);
  c.ret(call<"where">(call<"eq">(abs, 0), call<"zeros_like">(out), out));
}

void angle_backward(Call& c) {
  const Tensor grad = c.tensor(0), self = c.tensor(1);
  if (!is_complex(self.dtype())) return c.ret(call<"zeros_like">(self));
  const Tensor turned = call<"mul">(self, Scalar(std::complex<double>(0, 1)));
  const Tensor out = call<"div">(call<"mul">(grad, turned), call<"pow">(call<"abs">(self), 2));
  c.ret(call<"where">(call<"eq">(self, 0), call<"zeros_like">(out), out));
}

// grad, self, min, max -> of self, min, max
void clamp_backward(Call& c) {
  const Tensor grad = c.tensor(0);
  const TlValue &self = c.value(1), &lo = c.value(2), &hi = c.value(3);
  const Tensor zero = call<"zeros_like">(grad);
  const bool has_lo = lo.tag != TL_NONE, has_hi = hi.tag != TL_NONE;
  Tensor inside;
  if (has_lo && has_hi) inside = call<"logical_and">(call<"ge">(self, lo), call<"le">(self, hi));
  else if (has_lo) inside = call<"ge">(self, lo);
  else if (has_hi) inside = call<"le">(self, hi);
  c.ret(inside ? call<"where">(inside, grad, zero) : grad, 0);
  if (is_tensor(lo)) {
    Tensor below = call<"lt">(self, lo);
    if (has_hi) below = call<"logical_and">(below, call<"lt">(lo, hi));
    c.ret(call<"where">(below, grad, zero), 1);
  }
  if (is_tensor(hi)) {
    Tensor above = call<"gt">(self, hi);
    if (has_lo) above = call<"logical_or">(above, call<"lt">(hi, lo));
    c.ret(call<"where">(above, grad, zero), 2);
  }
}

// grad, self, eps
void logit_backward(Call& c) {
  const Tensor grad = c.tensor(0), self = c.tensor(1);
  const Tensor slope = call<"div">(grad, call<"mul">(self, call<"rsub">(self, 1)));
  if (!c.has(2)) return c.ret(slope);
  const double eps = c.number(2);
  const Tensor inside = call<"logical_and">(call<"ge">(self, eps), call<"le">(self, 1 - eps));
  c.ret(call<"where">(inside, slope, call<"zeros_like">(slope)));
}

void sinc_backward(Call& c) {
  const Tensor grad = c.tensor(0), self = c.tensor(1);
  const double pi = 3.14159265358979323846;
  const Tensor x = call<"mul">(self, pi), square = call<"mul">(call<"mul">(self, self), pi);
  const Tensor slope = call<"div">(call<"sub">(call<"mul">(x, call<"cos">(x)), call<"sin">(x)), square);
  const Tensor out = call<"mul">(grad, conj(slope));
  c.ret(call<"where">(call<"eq">(square, 0), call<"zeros_like">(out), out));
}

// The n-th derivative of digamma, (-1)^(n+1) n! zeta(n + 1, x), with the Hurwitz zeta function by Euler-Maclaurin
// summation (Johansson, "Rigorous high-precision computation of the Hurwitz zeta function", 2013).
double hurwitz_zeta(double s, double q) {
  // B_2k / (2k)!
  static const double bernoulli[] = {1.0 / 12, -1.0 / 720, 1.0 / 30240, -1.0 / 1209600, 1.0 / 47900160, -691.0 / 1307674368000.0,
                                     1.0 / 74724249600.0, -3617.0 / 10670622842880000.0};
  if (q <= 0 && q == std::floor(q)) return HUGE_VAL;
  double sum = 0;
  while (q < 10) sum += std::pow(q, -s), q += 1;
  const double power = std::pow(q, -s);
  sum += q * power / (s - 1) + power / 2;
  double factor = s, scale = power / q;
  for (size_t k = 0; k < std::size(bernoulli); ++k) {
    sum += bernoulli[k] * factor * scale;
    factor *= (s + 2 * static_cast<double>(k) + 1) * (s + 2 * static_cast<double>(k) + 2);
    scale /= q * q;
  }
  return sum;
}
double polygamma(int64_t n, double x) {
  const auto s = static_cast<double>(n) + 1;
  return (n % 2 ? 1 : -1) * std::tgamma(s) * hurwitz_zeta(s, x);
}
void polygamma_shape(Call& c) { c.output(0, c.tensor(1).sizes(), c.tensor(1).dtype()); }
void polygamma_cpu(Call& c) {
  const int64_t n = c.integer(0);
  if (n < 1) throw Error(TL_RUNTIME_ERROR, "polygamma(n, x): n must be at least 1 here");
  const Tensor self = call<"contiguous">(c.tensor(1)), out = c.out();
  auto run = [&]<class T>(T*) {
    const T* from = self.data<T>();
    T* to = out.data<T>();
    parallel_for(0, self.numel(), 4096, [&](int64_t b, int64_t e) {
      for (int64_t i = b; i < e; ++i) to[i] = static_cast<T>(polygamma(n, static_cast<double>(from[i])));
    });
  };
  if (self.dtype() == TL_FLOAT64) run(static_cast<double*>(nullptr));
  else if (self.dtype() == TL_FLOAT32) run(static_cast<float*>(nullptr));
  else throw Error(TL_NOT_IMPLEMENTED_ERROR, "polygamma: float32 and float64 are supported");
}

}  // namespace

void pointwise_helpers() {
  def<polygamma_shape>("autograd::polygamma(int n, Tensor self) -> Tensor", TL_OP_HIDDEN)
      .cpu<polygamma_cpu>()
      .grad("self: grad * autograd::polygamma(n + 1, self)");
  helper<not_implemented>("autograd::not_implemented(Tensor grad, str what) -> Tensor");
  helper<pow_self>("autograd::pow_self(Tensor grad, Tensor|Scalar self, Tensor|Scalar exponent) -> Tensor");
  helper<pow_exponent>("autograd::pow_exponent(Tensor grad, Tensor|Scalar self, Tensor|Scalar exponent, Tensor result) -> Tensor");
  helper<sgn_backward>("autograd::sgn_backward(Tensor grad, Tensor self, Tensor result) -> Tensor");
  helper<angle_backward>("autograd::angle_backward(Tensor grad, Tensor self) -> Tensor");
  helper<clamp_backward>("autograd::clamp_backward(Tensor grad, Tensor self, Tensor|Scalar? min, Tensor|Scalar? max) -> (Tensor, Tensor, Tensor)");
  helper<logit_backward>("autograd::logit_backward(Tensor grad, Tensor self, float? eps) -> Tensor");
  helper<sinc_backward>("autograd::sinc_backward(Tensor grad, Tensor self) -> Tensor");
}

}  // namespace tl::autograd
