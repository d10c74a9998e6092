// What is known of an op's parameters when its name is first used, and the parser that goes by it.
#pragma once
#include <vector>

#include "bindings/python.hpp"

namespace tallow::py {

struct Parameter {
  PyObject* name;  // interned
  const TlOpArgument* arg;
  uint16_t tag;
  bool list, scalar, optional, keyword_only, has_default, varargs;
};

struct Overload {
  TlOp op;
  TlOpInfo info;
  std::vector<Parameter> params;
  uint32_t positional = 0;
  bool has_written_out = false;
  bool factory = false;
  PyObject* result_type = nullptr;
};

Overload describe(TlOp op, const TlOpInfo& info);

// What a failed parse says; built only for the overload that is reported.
struct Failure {
  bool wanted = false;
  std::string text;
};

// Packs positional arguments and keywords (vectorcall's layout) into f. False if they do not fit the overload, possibly
// with a Python error set.
bool parse(const Overload& ov, PyObject* const* args, Py_ssize_t n, PyObject* kwnames, Frame& f, bool* requires_grad,
           Failure& why);

extern PyObject* s_out;  // "out", interned: whether it is given decides between overloads
void intern_argument_names();

}  // namespace tallow::py
