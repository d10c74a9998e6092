// Arithmetic on plain numbers inside rules, with Python's promotion: bool, int, float, complex.
#pragma once
#include "language/program.hpp"

namespace tl::autograd {

inline bool is_number(const TlValue& v) { return v.tag == TL_BOOL || v.tag == TL_INT || v.tag == TL_DOUBLE || v.tag == TL_COMPLEX; }
bool truth(const TlValue& v);
// Numbers, strings, dtypes and lists compare; a complex result is allocated.
TlValue scalar_arithmetic(Arithmetic what, const TlValue& a, const TlValue& b);
TlValue scalar_negate(const TlValue& a);
TlValue scalar_conj(const TlValue& a);

}  // namespace tl::autograd
