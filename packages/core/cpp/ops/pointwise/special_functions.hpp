// Special functions in double, one element at a time: the rare ones, whose cost nobody waits for.
#pragma once
#include <cstdint>

namespace tallow::special {

double bessel_i0(double x);
double igamma(double a, double x);
double igammac(double a, double x);
double bessel_i0e(double x);  // i0(x) * exp(-|x|)
double bessel_i1(double x);
double bessel_i1e(double x);
double bessel_k0(double x, bool scaled);
double bessel_k1(double x, bool scaled);
double bessel_j0(double x);
double bessel_j1(double x);
double bessel_y0(double x);
double bessel_y1(double x);
double spherical_bessel_j0(double x);
double airy_ai(double x);
double erfcx(double x);  // exp(x*x) * erfc(x)
double entr(double x);
double ndtr(double x);
double log_ndtr(double x);
double ndtri(double p);
double zeta(double x, double q);
double polygamma(int64_t n, double x);
double xlog1py(double x, double y);

enum class Polynomial { ChebyshevT, ChebyshevU, ChebyshevV, ChebyshevW, Hermite, HermiteHe, Laguerre, Legendre };
double polynomial(Polynomial kind, double x, double n);  // n is truncated; 0 for n < 0

}  // namespace tallow::special
