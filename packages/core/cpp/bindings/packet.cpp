// Ops as Python callables. One object serves `tallow.add`, `Tensor.add` and `Tensor.__add__`: it holds the overloads
// of a name and parses arguments by their schemas.
#include <unordered_map>
#include <vector>

#include "bindings/arguments.hpp"

namespace tallow::py {

PyTypeObject* PacketType;

namespace {

struct Overload {
  TlOp op;
  TlOpInfo info;
  std::vector<Parameter> params;
  uint32_t positional = 0;
  bool has_written_out = false;
  bool factory = false;
  PyObject* result_type = nullptr;
};

struct Packet {
  PyObject_HEAD
  vectorcallfunc vectorcall;
  std::vector<Overload>* overloads;
  PyObject* name;
};

PyObject *s_out, *s_input, *s_self, *s_dim, *s_axis, *s_keepdim, *s_keepdims, *s_requires_grad, *s_x, *s_x2, *s_other;

// What a failed parse says; built only for the overload that is reported.
struct Failure {
  bool wanted = false;
  std::string text;
};

const char* expected(const Parameter& p) {
  static thread_local std::string s;
  s = p.arg->type;
  auto swap = [&](const char* from, const char* to) {
    const size_t at = s.find(from);
    if (at != std::string::npos) s.replace(at, std::strlen(from), to);
  };
  swap("Tensor|Scalar", "Tensor or Number");
  swap("Tensor(a!)", "Tensor");
  swap("Tensor[]", "tuple of Tensors");
  swap("Tensor?[]", "tuple of Tensors");
  swap("int[", "tuple of ints[");
  swap("Scalar", "Number");
  swap("dtype", "tallow.dtype");
  while (!s.empty() && (s.back() == '?' || s.back() == ' ')) s.pop_back();
  return s.c_str();
}

// The first element of a list of tensors that is none, or -1.
Py_ssize_t not_a_tensor(PyObject* o) {
  if (!PyList_Check(o) && !PyTuple_Check(o)) return -1;
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(o); ++i)
    if (!is_tensor(PySequence_Fast_GET_ITEM(o, i))) return i;
  return -1;
}

bool plain_ints(PyObject* const* args, Py_ssize_t n) {
  for (Py_ssize_t i = 0; i < n; ++i)
    if (PyBool_Check(args[i]) || !(PyLong_Check(args[i]) || (PyIndex_Check(args[i]) && !PyFloat_Check(args[i]) &&
                                                             !(is_tensor(args[i]) && (impl(args[i])->ndim || is_inexact(impl(args[i])->dtype))))))
      return false;
  return true;
}

bool parse(const Overload& ov, PyObject* const* args, Py_ssize_t n, PyObject* kwnames, Frame& f, bool* requires_grad,
           Failure& why) {
  const auto nparams = static_cast<uint32_t>(ov.params.size());
  uint64_t given = 0;
  Py_ssize_t positional = n;
  const char* name = ov.info.name;
  auto mismatch = [&](uint32_t k, PyObject* o) {
    if (!why.wanted || PyErr_Occurred()) return false;
    const Py_ssize_t i = ov.params[k].tag == TL_TENSOR_LIST ? not_a_tensor(o) : -1;
    if (i >= 0)
      why.text = std::string(name) + "(): expected Tensor as element " + std::to_string(i) + " in argument " + std::to_string(k) + ", but got " +
                 Py_TYPE(PySequence_Fast_GET_ITEM(o, i))->tp_name;
    else
      why.text = std::string(name) + "(): argument '" + ov.params[k].arg->name + "'" +
                 (k < ov.positional ? " (position " + std::to_string(k + 1) + ")" : "") + " must be " + expected(ov.params[k]) + ", not " +
                 Py_TYPE(o)->tp_name;
    return false;
  };
  // x.view(2, 3): trailing ints form the list
  for (uint32_t k = 0; k < ov.positional && static_cast<Py_ssize_t>(k) < n; ++k) {
    if (!ov.params[k].varargs) continue;
    PyObject* o = args[k];
    if (PyTuple_Check(o) || PyList_Check(o)) break;
    const Py_ssize_t rest = n - k;
    if (ov.params[k].tag == TL_TENSOR_LIST) {
      auto* l = static_cast<TlTensor*>(f.reserve(static_cast<size_t>(rest) * sizeof(TlTensor)));
      for (Py_ssize_t i = 0; i < rest; ++i) {
        if (!is_tensor(args[k + i])) return mismatch(k, args[k + i]);
        l[i] = impl(args[k + i]);
      }
      f.args[k] = {};
      f.args[k].tag = TL_TENSOR_LIST, f.args[k].tensors = l, f.args[k].len = static_cast<uint32_t>(rest);
      given |= uint64_t{1} << k;
      positional = k;
      break;
    }
    if (rest < 2 || !plain_ints(args + k, rest)) break;
    auto* l = static_cast<int64_t*>(f.reserve(static_cast<size_t>(rest) * 8));
    for (Py_ssize_t i = 0; i < rest; ++i)
      if (!int_value(args[k + i], &l[i])) return false;
    f.args[k] = {};
    f.args[k].tag = TL_INT_LIST, f.args[k].ints = l, f.args[k].len = static_cast<uint32_t>(rest);
    given |= uint64_t{1} << k;
    positional = k;
    break;
  }
  if (positional > static_cast<Py_ssize_t>(ov.positional)) {
    if (why.wanted)
      why.text = std::string(name) + "() takes " + std::to_string(ov.positional) + " positional argument" + (ov.positional == 1 ? "" : "s") + " but " +
                 std::to_string(n) + " were given";
    return false;
  }
  for (Py_ssize_t i = 0; i < positional; ++i) {
    f.args[i] = {};
    if (!pack(args[i], ov.params[i], &f.args[i], f)) return mismatch(static_cast<uint32_t>(i), args[i]);
    given |= uint64_t{1} << i;
  }
  if (kwnames) {
    const Py_ssize_t nk = PyTuple_GET_SIZE(kwnames);
    for (Py_ssize_t j = 0; j < nk; ++j) {
      PyObject* key = PyTuple_GET_ITEM(kwnames, j);
      PyObject* o = args[n + j];
      uint32_t k = 0;
      auto find = [&](PyObject* wanted) {
        for (k = 0; k < nparams; ++k)
          if (ov.params[k].name == wanted) return true;
        for (k = 0; k < nparams; ++k)
          if (PyUnicode_Compare(ov.params[k].name, wanted) == 0) return true;
        return false;
      };
      auto is = [&](PyObject* s) { return key == s || PyUnicode_Compare(key, s) == 0; };
      bool found = find(key);
      if (!found && (is(s_input) || is(s_x))) found = find(s_self);
      if (!found && is(s_axis)) found = find(s_dim);
      if (!found && is(s_keepdims)) found = find(s_keepdim);
      if (!found && is(s_x2)) found = find(s_other);
      if (!found && is(s_out)) {
        if (o == Py_None) continue;
        if (ov.has_written_out && (PyTuple_Check(o) || PyList_Check(o)) && static_cast<uint32_t>(PySequence_Fast_GET_SIZE(o)) == ov.info.nrets) {
          const uint32_t first = nparams - ov.info.nrets;
          for (uint32_t r = 0; r < ov.info.nrets; ++r) {
            f.args[first + r] = {};
            if (!pack(PySequence_Fast_GET_ITEM(o, r), ov.params[first + r], &f.args[first + r], f)) return mismatch(first + r, o);
            given |= uint64_t{1} << (first + r);
          }
          continue;
        }
      }
      if (!found && ov.factory && is(s_requires_grad)) {
        *requires_grad = PyObject_IsTrue(o) == 1;
        continue;
      }
      if (!found) {
        if (why.wanted) why.text = std::string(name) + "() got an unexpected keyword argument '" + PyUnicode_AsUTF8(key) + "'";
        return false;
      }
      if (given >> k & 1) {
        if (why.wanted) why.text = std::string(name) + "() got multiple values for argument '" + PyUnicode_AsUTF8(key) + "'";
        return false;
      }
      f.args[k] = {};
      if (!pack(o, ov.params[k], &f.args[k], f)) return mismatch(k, o);
      given |= uint64_t{1} << k;
    }
  }
  for (uint32_t k = 0; k < nparams; ++k) {
    if (given >> k & 1) continue;
    const Parameter& p = ov.params[k];
    if (!p.has_default) {
      if (p.optional && p.tag != TL_TENSOR_LIST) {
        f.args[k] = {};
        continue;
      }
      if (why.wanted) why.text = std::string(name) + "() missing 1 required argument: '" + p.arg->name + "'";
      return false;
    }
    f.args[k] = p.arg->default_value;
  }
  return true;
}

PyObject* wrap_results(Overload& ov, Frame& f) {
  const uint32_t n = ov.info.nrets;
  if (n == 1) return wrap_value(f.rets[0]);
  if (n == 0) Py_RETURN_NONE;
  if (!ov.result_type) {
    Obj make(PyObject_GetAttrString(g_python_module, "_result_type"));
    ov.result_type = make ? PyObject_CallFunction(make.get(), "s", ov.info.schema) : nullptr;
    if (!ov.result_type) return nullptr;
  }
  Obj t(PyTuple_New(n));
  if (!t) return nullptr;
  for (uint32_t i = 0; i < n; ++i) {
    PyObject* o = wrap_value(f.rets[i]);
    if (!o) return nullptr;
    PyTuple_SET_ITEM(t.get(), i, o);
  }
  if (ov.result_type == Py_None) return t.take();
  return PyObject_CallOneArg(ov.result_type, t.get());
}

[[gnu::noinline]] PyObject* no_match(Packet* p, PyObject* const* args, Py_ssize_t n, PyObject* kwnames, const std::string& text) {
  if (PyErr_Occurred()) return nullptr;
  if (p->overloads->size() == 1 || !text.empty()) {
    std::string all = text;
    uint32_t shown = 0;
    for (const Overload& o : *p->overloads) shown += o.info.variant != 2;
    if (shown > 1) {
      all = std::string(PyUnicode_AsUTF8(p->name)) + "() received an invalid combination of arguments - got (";
      for (Py_ssize_t i = 0; i < n; ++i) all += std::string(i ? ", " : "") + Py_TYPE(args[i])->tp_name;
      for (Py_ssize_t i = 0; kwnames && i < PyTuple_GET_SIZE(kwnames); ++i)
        all += std::string(n + i ? ", " : "") + PyUnicode_AsUTF8(PyTuple_GET_ITEM(kwnames, i)) + "=" + Py_TYPE(args[n + i])->tp_name;
      all += "), but expected one of:";
      for (const Overload& o : *p->overloads)
        if (o.info.variant != 2) all += std::string("\n * ") + o.info.schema;
    }
    PyErr_SetString(PyExc_TypeError, all.c_str());
  }
  return nullptr;
}

PyObject* packet_vectorcall(PyObject* self, PyObject* const* args, size_t nargsf, PyObject* kwnames) {
  auto* p = reinterpret_cast<Packet*>(self);
  const Py_ssize_t n = PyVectorcall_NARGS(nargsf);
  bool wants_out = false;
  if (kwnames)
    for (Py_ssize_t j = 0; j < PyTuple_GET_SIZE(kwnames); ++j)
      if ((PyTuple_GET_ITEM(kwnames, j) == s_out || PyUnicode_Compare(PyTuple_GET_ITEM(kwnames, j), s_out) == 0) && args[n + j] != Py_None) wants_out = true;
  std::string text;
  try {
    for (int round = 0; round < 2; ++round) {
      bool first = true;
      for (Overload& ov : *p->overloads) {
        if (ov.has_written_out != wants_out && (wants_out || ov.info.variant == 2)) continue;
        Frame f;
        bool requires_grad = false;
        Failure why;
        why.wanted = round == 1 && first;
        if (!parse(ov, args, n, kwnames, f, &requires_grad, why)) {
          if (PyErr_Occurred()) {
            if (round == 1 || p->overloads->size() == 1) return nullptr;
            PyErr_Clear();
          }
          if (why.wanted) text = why.text;
          first = false;
          continue;
        }
        const TlStatus s = call_frame(ov.op, f, static_cast<uint32_t>(ov.params.size()), ov.info.flags);
        if (__builtin_expect(s != TL_OK, 0)) return raise(s);
        PyObject* r = wrap_results(ov, f);
        if (__builtin_expect(ov.info.nrets > 1 || f.rets[0].tag == TL_VALUE_LIST || f.rets[0].tag == TL_TENSOR_LIST || f.rets[0].tag == TL_STRING ||
                                 f.rets[0].tag == TL_INT_LIST || f.rets[0].tag == TL_DOUBLE_LIST, 0))
          tl::api()->values_release(f.rets, ov.info.nrets);
        if (r && requires_grad) {
          Obj done(PyObject_CallMethod(r, "requires_grad_", nullptr));
          if (!done) {
            Py_DECREF(r);
            return nullptr;
          }
        }
        return r;
      }
    }
  } catch (...) {
    return raise_current();
  }
  if (wants_out && text.empty()) {
    PyErr_Format(PyExc_TypeError, "%U() got an unexpected keyword argument 'out'", p->name);
    return nullptr;
  }
  return no_match(p, args, n, kwnames, text);
}

void packet_dealloc(PyObject* o) {
  auto* p = reinterpret_cast<Packet*>(o);
  PyTypeObject* t = Py_TYPE(o);
  delete p->overloads;
  Py_XDECREF(p->name);
  PyObject_Free(o);
  Py_DECREF(t);
}
PyObject* packet_get(PyObject* self, PyObject* instance, PyObject*) {
  if (!instance || instance == Py_None) {
    Py_INCREF(self);
    return self;
  }
  return PyMethod_New(self, instance);
}
PyObject* packet_repr(PyObject* o) { return PyUnicode_FromFormat("<op %U>", reinterpret_cast<Packet*>(o)->name); }
PyObject* packet_name(PyObject* o, void*) {
  PyObject* n = reinterpret_cast<Packet*>(o)->name;
  Py_ssize_t size;
  const char* s = PyUnicode_AsUTF8AndSize(n, &size);
  const char* colon = std::strstr(s, "::");
  return PyUnicode_FromString(colon ? colon + 2 : s);
}
PyObject* packet_doc(PyObject* o, void*) {
  std::string s;
  for (const Overload& ov : *reinterpret_cast<Packet*>(o)->overloads) {
    s += std::string(ov.info.schema) + "\n";
  }
  const auto& list = *reinterpret_cast<Packet*>(o)->overloads;
  if (!list.empty() && list[0].info.doc && *list[0].info.doc) s += std::string("\n") + list[0].info.doc;
  return PyUnicode_FromString(s.c_str());
}
PyObject* packet_schemas(PyObject* o, void*) {
  PyObject* l = PyList_New(0);
  for (const Overload& ov : *reinterpret_cast<Packet*>(o)->overloads) {
    Obj s(PyUnicode_FromString(ov.info.schema));
    PyList_Append(l, s.get());
  }
  return l;
}
PyObject* packet_module(PyObject*, void*) { return PyUnicode_FromString("tallow"); }
PyObject* packet_reduce(PyObject* o, PyObject*) {
  Obj f(PyObject_GetAttrString(g_python_module, "_packet"));
  return f ? Py_BuildValue("(O(O))", f.get(), reinterpret_cast<Packet*>(o)->name) : nullptr;
}

PyMemberDef packet_members[] = {{"__vectorcalloffset__", T_PYSSIZET, offsetof(Packet, vectorcall), READONLY, nullptr}, {}};
PyGetSetDef packet_getset[] = {{"__name__", packet_name, nullptr, nullptr, nullptr},   {"__qualname__", packet_name, nullptr, nullptr, nullptr},
                               {"__doc__", packet_doc, nullptr, nullptr, nullptr},     {"schemas", packet_schemas, nullptr, nullptr, nullptr},
                               {"__module__", packet_module, nullptr, nullptr, nullptr}, {}};
PyMethodDef packet_methods[] = {{"__reduce__", packet_reduce, METH_NOARGS, nullptr}, {}};
PyType_Slot packet_slots[] = {{Py_tp_dealloc, reinterpret_cast<void*>(packet_dealloc)}, {Py_tp_call, reinterpret_cast<void*>(PyVectorcall_Call)},
                              {Py_tp_descr_get, reinterpret_cast<void*>(packet_get)}, {Py_tp_repr, reinterpret_cast<void*>(packet_repr)},
                              {Py_tp_members, packet_members}, {Py_tp_getset, packet_getset}, {Py_tp_methods, packet_methods}, {0, nullptr}};
PyType_Spec packet_spec = {"tallow.Op", sizeof(Packet), 0,
                           Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_METHOD_DESCRIPTOR | Py_TPFLAGS_DISALLOW_INSTANTIATION,
                           packet_slots};

}  // namespace

namespace {

// Keeps native references to the tensors of a frame while the interpreter runs other threads: whether anybody but Python
// holds a tensor then only changes under the interpreter's lock, which tensor_traverse depends on.
class Shared {
 public:
  Shared(const Frame& f, uint32_t nargs) : frame_(f), nargs_(nargs) {
    each([](TlTensor t) { tl::api()->tensor_retain(t); });
  }
  ~Shared() {
    each([](TlTensor t) { tl::api()->tensor_release(t); });
  }
  Shared(const Shared&) = delete;
  Shared& operator=(const Shared&) = delete;

 private:
  template <class F>
  void each(F&& f) {
    for (uint32_t i = 0; i < nargs_; ++i) {
      const TlValue& v = frame_.args[i];
      if (v.tag == TL_TENSOR) f(v.tensor);
      else if (v.tag == TL_TENSOR_LIST)
        for (uint32_t j = 0; j < v.len; ++j)
          if (v.tensors[j]) f(v.tensors[j]);
    }
  }
  const Frame& frame_;
  uint32_t nargs_;
};

}  // namespace

TlStatus call_frame(TlOp op, Frame& f, uint32_t nargs, uint32_t flags) {
  int64_t work = flags & TL_OP_MAY_BLOCK ? INT64_MAX : 0;
  for (uint32_t i = 0; i < nargs && work < 32768; ++i) {
    const TlValue& v = f.args[i];
    if (v.tag == TL_TENSOR) work += v.tensor->numel;
    else if (v.tag == TL_TENSOR_LIST)
      for (uint32_t j = 0; j < v.len; ++j) work += v.tensors[j] ? v.tensors[j]->numel : 0;
    else if (v.tag == TL_INT_LIST && v.len) {
      int64_t n = 1;
      for (uint32_t j = 0; j < v.len; ++j) n = v.ints[j] > 0 && n < 32768 ? n * (v.ints[j] < 32768 ? v.ints[j] : 32768) : n;
      work += n;
    }
  }
  if (work < 32768) return tl::api()->op_call(op, f.args, nargs, f.rets);
  const Shared shared(f, nargs);
  TlStatus s;
  Py_BEGIN_ALLOW_THREADS s = tl::api()->op_call(op, f.args, nargs, f.rets);
  Py_END_ALLOW_THREADS return s;
}

PyObject* call_packet(PyObject* packet, PyObject* const* args, size_t nargsf, PyObject* kwnames) {
  return packet_vectorcall(packet, args, nargsf, kwnames);
}

namespace {

Overload describe(TlOp op, const TlOpInfo& info) {
  Overload ov;
  ov.op = op;
  ov.info = info;
  for (uint32_t i = 0; i < info.nargs; ++i) {
    const TlOpArgument& a = info.args[i];
    Parameter p;
    p.name = PyUnicode_InternFromString(a.name);
    p.arg = &info.args[i];
    p.tag = a.tag;
    p.list = a.is_list, p.scalar = a.is_scalar, p.optional = a.is_optional;
    p.keyword_only = a.keyword_only, p.has_default = a.has_default;
    p.varargs = false;
    if (!p.keyword_only) ov.positional = i + 1;
    ov.factory |= !std::strcmp(a.name, "pin_memory");  // what all that make new tensors take, and nothing else
    // The first list of ints of free length may be written as separate arguments.
    if (a.tag == TL_INT_LIST && a.is_list && !a.keyword_only && i <= 1 && std::strstr(a.type, "int[]")) p.varargs = true;
    ov.params.push_back(p);
  }
  // block_diag(a, b, c): where a list of tensors is all there is, it may be written as separate arguments.
  if (ov.positional == 1 && ov.params[0].tag == TL_TENSOR_LIST) ov.params[0].varargs = true;
  const TlOpArgument* last = info.nargs ? &info.args[info.nargs - 1] : nullptr;
  ov.has_written_out = info.variant == 2 || (last && last->is_written && last->keyword_only && !std::strcmp(last->name, "out"));
  return ov;
}

}  // namespace

PyObject* packets(const std::vector<std::string>& names) {
  std::unordered_map<std::string, std::vector<Overload>*> wanted;
  for (const auto& n : names) wanted[n] = nullptr;
  for (TlOp op : all_ops()) {
    TlOpInfo info;
    info.struct_size = sizeof info;
    tl::api()->op_info(op, &info);
    auto it = wanted.find(*info.ns ? std::string(info.ns) + "::" + info.name : std::string(info.name));
    if (it == wanted.end()) continue;
    if (!it->second) it->second = new std::vector<Overload>;
    it->second->push_back(describe(op, info));
  }
  Obj dict(PyDict_New());
  for (auto& [name, overloads] : wanted) {
    if (!overloads) continue;
    auto* p = PyObject_New(Packet, PacketType);
    if (!p) return nullptr;
    p->vectorcall = packet_vectorcall;
    p->overloads = overloads;
    p->name = PyUnicode_InternFromString(name.c_str());
    Obj owned(reinterpret_cast<PyObject*>(p));
    if (PyDict_SetItem(dict.get(), p->name, owned.get()) < 0) return nullptr;
  }
  return dict.take();
}

PyObject* packet_for(const char* name) {
  Obj dict(packets({name}));
  if (!dict) return nullptr;
  PyObject* p = PyDict_GetItemString(dict.get(), name);
  if (!p) return PyErr_Format(PyExc_AttributeError, "no op named '%s' is registered", name);
  Py_INCREF(p);
  return p;
}

int add_packet_type(PyObject* m) {
  s_out = PyUnicode_InternFromString("out");
  s_input = PyUnicode_InternFromString("input");
  s_self = PyUnicode_InternFromString("self");
  s_dim = PyUnicode_InternFromString("dim");
  s_axis = PyUnicode_InternFromString("axis");
  s_keepdim = PyUnicode_InternFromString("keepdim");
  s_keepdims = PyUnicode_InternFromString("keepdims");
  s_requires_grad = PyUnicode_InternFromString("requires_grad");
  s_x = PyUnicode_InternFromString("x");
  s_x2 = PyUnicode_InternFromString("x2");
  s_other = PyUnicode_InternFromString("other");
  PacketType = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&packet_spec));
  return PacketType ? PyModule_AddObjectRef(m, "Op", reinterpret_cast<PyObject*>(PacketType)) : -1;
}

}  // namespace tallow::py
