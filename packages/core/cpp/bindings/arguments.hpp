// What is known of a parameter when the name of its op is first used, and the packing of an argument that goes by it.
#pragma once
#include "bindings/python.hpp"

namespace tallow::py {

struct Parameter {
  PyObject* name;  // interned
  const TlOpArgument* arg;
  uint16_t tag;
  bool list, scalar, optional, keyword_only, has_default, varargs;
};

// An int from an int, or what stands for one; false if there is none, possibly with a Python error set.
bool int_value(PyObject* o, int64_t* out);

bool pack_other(PyObject* o, const Parameter& p, TlValue* v, Frame& f);

// Packs o for parameter p into v. False means that it does not fit (possibly with a Python error set).
inline bool pack(PyObject* o, const Parameter& p, TlValue* v, Frame& f) {
  if (p.tag == TL_TENSOR && !p.list && is_tensor(o)) {
    v->tag = TL_TENSOR, v->tensor = impl(o);
    return true;
  }
  return pack_other(o, p, v, f);
}

}  // namespace tallow::py
