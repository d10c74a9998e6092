#include "language/scalar.hpp"

#include <cmath>
#include <cstring>

namespace tl::autograd {
namespace {

using Complex = std::complex<double>;

TlValue complex_value(Complex c) {
  auto* p = static_cast<double*>(api()->alloc(2 * sizeof(double)));
  p[0] = c.real(), p[1] = c.imag();
  TlValue v{};
  v.tag = TL_COMPLEX, v.complex = p;
  return v;
}
Complex to_complex(const TlValue& v) { return v.tag == TL_COMPLEX ? Complex(v.complex[0], v.complex[1]) : Complex(to_double(v)); }

bool same(const TlValue& a, const TlValue& b) {
  if (is_number(a) && is_number(b)) return to_complex(a) == to_complex(b);
  if (a.tag != b.tag) return false;
  switch (a.tag) {
    case TL_NONE: return true;
    case TL_STRING: return std::string_view(a.string, a.len) == std::string_view(b.string, b.len);
    case TL_INT_LIST: return a.len == b.len && std::memcmp(a.ints, b.ints, a.len * sizeof(int64_t)) == 0;
    case TL_DEVICE: return a.device.type == b.device.type && a.device.index == b.device.index;
    default: return a.i == b.i;
  }
}

TlValue complex_arithmetic(Arithmetic what, Complex a, Complex b) {
  switch (what) {
    case Arithmetic::Add: return complex_value(a + b);
    case Arithmetic::Sub: return complex_value(a - b);
    case Arithmetic::Mul: return complex_value(a * b);
    case Arithmetic::Div: return complex_value(a / b);
    case Arithmetic::Pow: return complex_value(std::pow(a, b));
    default: throw Error(TL_TYPE_ERROR, "a gradient rule uses an operator that complex numbers do not have");
  }
}

TlValue double_arithmetic(Arithmetic what, double a, double b) {
  switch (what) {
    case Arithmetic::Add: return pack(a + b);
    case Arithmetic::Sub: return pack(a - b);
    case Arithmetic::Mul: return pack(a * b);
    case Arithmetic::Div: return pack(a / b);
    case Arithmetic::FloorDiv: return pack(std::floor(a / b));
    case Arithmetic::Mod: return pack(a - b * std::floor(a / b));
    case Arithmetic::Pow: return pack(std::pow(a, b));
    case Arithmetic::Lt: return pack(a < b);
    case Arithmetic::Le: return pack(a <= b);
    case Arithmetic::Gt: return pack(a > b);
    case Arithmetic::Ge: return pack(a >= b);
    default: throw Error(TL_TYPE_ERROR, "a gradient rule uses an operator that numbers do not have");
  }
}

}  // namespace

bool truth(const TlValue& v) {
  switch (v.tag) {
    case TL_NONE: return false;
    case TL_DOUBLE: return v.d != 0;
    case TL_COMPLEX: return v.complex[0] != 0 || v.complex[1] != 0;
    case TL_BOOL: case TL_INT: return v.i != 0;
    case TL_STRING: case TL_INT_LIST: case TL_DOUBLE_LIST: case TL_BOOL_LIST: case TL_TENSOR_LIST: case TL_VALUE_LIST: return v.len != 0;
    case TL_TENSOR: throw Error(TL_TYPE_ERROR, "a gradient rule asks for the truth of a tensor");
    default: return true;
  }
}

TlValue scalar_arithmetic(Arithmetic what, const TlValue& a, const TlValue& b) {
  if (what == Arithmetic::Eq) return pack(same(a, b));
  if (what == Arithmetic::Ne) return pack(!same(a, b));
  if (!is_number(a) || !is_number(b)) throw Error(TL_TYPE_ERROR, "a gradient rule calculates with something that is neither a tensor nor a number");
  if (a.tag == TL_COMPLEX || b.tag == TL_COMPLEX) return complex_arithmetic(what, to_complex(a), to_complex(b));
  const bool ints = a.tag != TL_DOUBLE && b.tag != TL_DOUBLE;
  if (ints) {
    switch (what) {
      case Arithmetic::Add: return pack(a.i + b.i);
      case Arithmetic::Sub: return pack(a.i - b.i);
      case Arithmetic::Mul: return pack(a.i * b.i);
      case Arithmetic::FloorDiv: case Arithmetic::Mod: {
        if (b.i == 0) throw Error(TL_RUNTIME_ERROR, "integer division by zero in a gradient rule");
        const int64_t m = ((a.i % b.i) + b.i) % b.i;
        return pack(what == Arithmetic::Mod ? m : (a.i - m) / b.i);
      }
      default: break;
    }
  }
  const TlValue r = double_arithmetic(what, to_double(a), to_double(b));
  return ints && what == Arithmetic::Pow && b.i >= 0 ? pack(static_cast<int64_t>(r.d)) : r;
}

TlValue scalar_negate(const TlValue& a) {
  if (a.tag == TL_COMPLEX) return complex_value(-to_complex(a));
  return a.tag == TL_DOUBLE ? pack(-a.d) : pack(-to_int(a));
}

TlValue scalar_conj(const TlValue& a) { return a.tag == TL_COMPLEX ? complex_value(std::conj(to_complex(a))) : a; }

}  // namespace tl::autograd
