// Python objects as values of the ABI, one parameter at a time.
#include "bindings/arguments.hpp"

#include <climits>

namespace tallow::py {

// ---------------------------------------------------------------- the frame
void* Frame::reserve(size_t bytes) {
  const int words = static_cast<int>((bytes + 7) / 8);
  if (bytes < sizeof ints && used + words <= 96) {
    void* p = ints + used;
    used += words;
    return p;
  }
  if (heaps == 8) throw tl::Error(TL_RUNTIME_ERROR, "too many long list arguments");
  void* p = tl::api()->alloc(bytes);
  heap[heaps++] = p;
  return p;
}

Frame::~Frame() {
  for (int i = 0; i < heaps; ++i) tl::api()->free(heap[i]);
  for (int i = 0; i < mades; ++i) tl::api()->tensor_release(made[i]);
  for (int i = 0; i < nfunctions; ++i) tl::api()->object_release(functions[i]);
  for (int i = 0; i < temps; ++i) Py_DECREF(keep[i]);
}

bool number_value(PyObject* o, TlValue* v, Frame& f) {
  if (PyFloat_CheckExact(o)) {
    v->tag = TL_DOUBLE, v->d = PyFloat_AS_DOUBLE(o);
    return true;
  }
  if (PyBool_Check(o)) {
    v->tag = TL_BOOL, v->i = o == Py_True;
    return true;
  }
  if (PyLong_Check(o)) {
    int overflow;
    v->tag = TL_INT, v->i = PyLong_AsLongLongAndOverflow(o, &overflow);
    if (overflow) {
      // Values of uint64 wrap into int64; larger ones have no meaning in any dtype.
      v->i = static_cast<int64_t>(PyLong_AsUnsignedLongLong(o));
      if (PyErr_Occurred()) {
        PyErr_Clear();
        PyErr_SetString(PyExc_RuntimeError, "value cannot be converted to type int64_t without overflow");
        return false;
      }
    }
    return true;
  }
  if (PyFloat_Check(o)) {
    v->tag = TL_DOUBLE, v->d = PyFloat_AS_DOUBLE(o);
    return true;
  }
  if (PyComplex_Check(o)) {
    if (f.ncomplex > 6) return false;
    double* c = f.complexes + f.ncomplex;
    f.ncomplex += 2;
    c[0] = PyComplex_RealAsDouble(o), c[1] = PyComplex_ImagAsDouble(o);
    v->tag = TL_COMPLEX, v->complex = c;
    return true;
  }
  if (is_tensor(o)) return false;
  // Numbers of other libraries (NumPy scalars).
  const PyNumberMethods* n = Py_TYPE(o)->tp_as_number;
  if (!n || PySequence_Check(o)) return false;
  if (n->nb_index) {
    Obj i(PyNumber_Index(o));
    if (!i) {
      PyErr_Clear();
      return false;
    }
    return number_value(i.get(), v, f);
  }
  if (n->nb_float) {
    Obj has(PyObject_GetAttrString(o, "dtype"));
    if (!has) {
      PyErr_Clear();
      return false;
    }
    const std::string kind = Py_TYPE(o)->tp_name;
    if (kind.find("bool") != std::string::npos) {
      const int truth = PyObject_IsTrue(o);
      if (truth < 0) return false;
      v->tag = TL_BOOL, v->i = truth;
      return true;
    }
    if (kind.find("complex") != std::string::npos) {
      Obj c(PyObject_CallOneArg(reinterpret_cast<PyObject*>(&PyComplex_Type), o));
      if (!c) return false;
      return number_value(c.get(), v, f);
    }
    Obj d(PyNumber_Float(o));
    if (!d) return false;
    v->tag = TL_DOUBLE, v->d = PyFloat_AS_DOUBLE(d.get());
    return true;
  }
  return false;
}

// An int from an int, or what stands for one (NumPy ints, 0-dim integer tensors).
bool int_value(PyObject* o, int64_t* out) {
  if (PyLong_CheckExact(o)) {
    int overflow;
    *out = PyLong_AsLongLongAndOverflow(o, &overflow);
    if (overflow) PyErr_SetString(PyExc_RuntimeError, "Overflow when unpacking long");
    return !overflow;
  }
  if (PyBool_Check(o)) {
    *out = o == Py_True;
    return true;
  }
  if (PyFloat_Check(o) || PyComplex_Check(o)) return false;
  if (is_tensor(o) && (impl(o)->numel != 1 || is_inexact(impl(o)->dtype))) return false;
  if (!PyIndex_Check(o)) return false;
  Obj i(PyNumber_Index(o));
  if (!i) return false;
  *out = PyLong_AsLongLong(i.get());
  return !PyErr_Occurred();
}

static bool double_value(PyObject* o, double* out) {
  if (PyFloat_Check(o)) {
    *out = PyFloat_AS_DOUBLE(o);
    return true;
  }
  if (PyLong_Check(o)) {
    *out = PyLong_AsDouble(o);
    return !PyErr_Occurred();
  }
  if (PyComplex_Check(o) || PyUnicode_Check(o) || (is_tensor(o) && impl(o)->numel != 1)) return false;
  const PyNumberMethods* n = Py_TYPE(o)->tp_as_number;
  if (!n || (!n->nb_float && !n->nb_index) || PyList_Check(o)) return false;
  Obj d(PyNumber_Float(o));
  if (!d) {
    PyErr_Clear();
    return false;
  }
  *out = PyFloat_AS_DOUBLE(d.get());
  return true;
}

bool pack_other(PyObject* o, const Parameter& p, TlValue* v, Frame& f) {
  if (p.list) {
    if (o == Py_None && p.optional && p.tag != TL_TENSOR_LIST) {
      v->tag = TL_NONE;
      return true;
    }
    const bool sequence = PyList_Check(o) || PyTuple_Check(o);
    switch (p.tag) {
      case TL_INT_LIST: {
        if (!sequence) {
          int64_t one;
          if (PyBool_Check(o) || !int_value(o, &one)) {
            if (PyErr_Occurred() || is_tensor(o) || !PySequence_Check(o) || PyUnicode_Check(o)) return false;
            if (f.temps == 8) return false;
            PyObject* list = PySequence_List(o);  // ranges, NumPy arrays of ints
            if (!list) return false;
            f.keep[f.temps++] = list;
            return pack(list, p, v, f);
          }
          // int[2] x=1: one int stands for all
          uint32_t n = 1;
          const char* b = std::strchr(p.arg->type, '[');
          if (b && b[1] >= '1' && b[1] <= '9') n = static_cast<uint32_t>(std::atoi(b + 1));
          auto* l = static_cast<int64_t*>(f.reserve(n * 8));
          for (uint32_t i = 0; i < n; ++i) l[i] = one;
          v->tag = TL_INT_LIST, v->ints = l, v->len = n;
          return true;
        }
        const Py_ssize_t n = PySequence_Fast_GET_SIZE(o);
        if (n > INT_MAX) return false;
        auto* l = static_cast<int64_t*>(f.reserve(static_cast<size_t>(n ? n : 1) * 8));
        PyObject** items = PySequence_Fast_ITEMS(o);
        for (Py_ssize_t i = 0; i < n; ++i)
          if (!int_value(items[i], &l[i])) return false;
        v->tag = TL_INT_LIST, v->ints = l, v->len = static_cast<uint32_t>(n);
        return true;
      }
      case TL_TENSOR_LIST: {
        if (o == Py_None && !sequence) {
          const size_t n = std::strlen(p.arg->type);
          if (n < 1 || p.arg->type[n - 1] != '?') return false;
          v->tag = TL_NONE;
          return true;
        }
        PyObject* seq = o;
        if (!sequence) {
          if (is_tensor(o) || PyUnicode_Check(o) || f.temps == 8) return false;
          seq = PySequence_List(o);  // generators, dict values, module lists
          if (!seq) {
            PyErr_Clear();
            return false;
          }
          f.keep[f.temps++] = seq;
        }
        const Py_ssize_t n = PySequence_Fast_GET_SIZE(seq);
        auto* l = static_cast<TlTensor*>(f.reserve(static_cast<size_t>(n ? n : 1) * sizeof(TlTensor)));
        PyObject** items = PySequence_Fast_ITEMS(seq);
        for (Py_ssize_t i = 0; i < n; ++i) {
          if (is_tensor(items[i])) l[i] = impl(items[i]);
          else if (items[i] == Py_None && p.optional) l[i] = nullptr;
          else return false;
        }
        v->tag = TL_TENSOR_LIST, v->tensors = l, v->len = static_cast<uint32_t>(n);
        return true;
      }
      case TL_DOUBLE_LIST: case TL_BOOL_LIST: {
        double one;
        PyObject* holder[1] = {o};
        PyObject** items = sequence ? PySequence_Fast_ITEMS(o) : holder;
        const Py_ssize_t n = sequence ? PySequence_Fast_GET_SIZE(o) : 1;
        if (p.tag == TL_BOOL_LIST) {
          auto* l = static_cast<uint8_t*>(f.reserve(static_cast<size_t>(n + 1)));
          for (Py_ssize_t i = 0; i < n; ++i) {
            if (!PyBool_Check(items[i])) return false;
            l[i] = items[i] == Py_True;
          }
          v->tag = TL_BOOL_LIST, v->bools = l, v->len = static_cast<uint32_t>(n);
          return true;
        }
        auto* l = static_cast<double*>(f.reserve(static_cast<size_t>(n ? n : 1) * 8));
        for (Py_ssize_t i = 0; i < n; ++i) {
          if (!double_value(items[i], &one)) return false;
          l[i] = one;
        }
        v->tag = TL_DOUBLE_LIST, v->doubles = l, v->len = static_cast<uint32_t>(n);
        return true;
      }
      default: {  // lists of numbers, strings, objects
        if (!sequence) return false;
        const Py_ssize_t n = PySequence_Fast_GET_SIZE(o);
        auto* l = static_cast<TlValue*>(f.reserve(static_cast<size_t>(n ? n : 1) * sizeof(TlValue)));
        Parameter element = p;
        element.list = false;
        element.tag = std::strncmp(p.arg->type, "str", 3) == 0 ? TL_STRING : std::strncmp(p.arg->type, "Scalar", 6) == 0 ? TL_DOUBLE : TL_OBJECT;
        for (Py_ssize_t i = 0; i < n; ++i) {
          l[i] = {};
          if (!pack(PySequence_Fast_GET_ITEM(o, i), element, &l[i], f)) return false;
        }
        v->tag = TL_VALUE_LIST, v->values = l, v->len = static_cast<uint32_t>(n);
        return true;
      }
    }
  }
  if (p.tag == TL_TENSOR) {
    if (is_tensor(o)) {
      v->tag = TL_TENSOR, v->tensor = impl(o);
      return true;
    }
    if (o == Py_None) {
      v->tag = TL_NONE;
      return p.optional;
    }
    return p.scalar && number_value(o, v, f);
  }
  if (o == Py_None) {
    v->tag = TL_NONE;
    return p.optional;
  }
  if (p.scalar) {
    if (is_tensor(o)) {
      if (impl(o)->ndim != 0 || impl(o)->is_meta()) return false;
      Obj n(item(impl(o)));
      return n && number_value(n.get(), v, f);
    }
    return number_value(o, v, f);
  }
  switch (p.tag) {
    case TL_INT: {
      if (PyBool_Check(o)) return false;
      v->tag = TL_INT;
      return int_value(o, &v->i);
    }
    case TL_BOOL: {
      if (PyBool_Check(o)) {
        v->tag = TL_BOOL, v->i = o == Py_True;
        return true;
      }
      if (std::strcmp(Py_TYPE(o)->tp_name, "numpy.bool_") == 0 || std::strcmp(Py_TYPE(o)->tp_name, "numpy.bool") == 0) {
        v->tag = TL_BOOL, v->i = PyObject_IsTrue(o);
        return true;
      }
      if (PyLong_Check(o)) {  // 0 and 1 pass for bool, as in torch's older code
        v->tag = TL_BOOL, v->i = PyObject_IsTrue(o);
        return true;
      }
      return false;
    }
    case TL_DOUBLE: {
      if (PyBool_Check(o)) return false;
      v->tag = TL_DOUBLE;
      return double_value(o, &v->d);
    }
    case TL_STRING: {
      if (!PyUnicode_Check(o)) return false;
      Py_ssize_t n;
      v->string = PyUnicode_AsUTF8AndSize(o, &n);
      v->tag = TL_STRING, v->len = static_cast<uint32_t>(n);
      return v->string != nullptr;
    }
    case TL_DTYPE: {
      TlDtype d;
      if (!parse_dtype(o, &d)) return false;
      v->tag = TL_DTYPE, v->i = d;
      return true;
    }
    case TL_DEVICE: v->tag = TL_DEVICE; return parse_device(o, &v->device);
    case TL_LAYOUT:
    case TL_MEMORY_FORMAT: {
      if (Py_TYPE(o) != EnumType || reinterpret_cast<PyEnum*>(o)->is_layout != (p.tag == TL_LAYOUT)) return false;
      v->tag = p.tag, v->i = reinterpret_cast<PyEnum*>(o)->value;
      return true;
    }
    case TL_GENERATOR: {
      if (!PyObject_TypeCheck(o, GeneratorType)) return false;
      v->tag = TL_GENERATOR, v->generator = reinterpret_cast<PyGenerator*>(o)->value;
      return true;
    }
    case TL_OBJECT: {
      v->tag = TL_OBJECT;
      if (Py_TYPE(o) == ObjectType) {
        struct PyObj { PyObject_HEAD TlObject value; };
        v->object = reinterpret_cast<PyObj*>(o)->value;
        return true;
      }
      if (!PyCallable_Check(o) || f.nfunctions == 4) return false;
      v->object = f.functions[f.nfunctions++] = function_from(o);
      return true;
    }
    default: {  // any
      if (is_tensor(o)) v->tag = TL_TENSOR, v->tensor = impl(o);
      else if (number_value(o, v, f)) return true;
      else return false;
      return true;
    }
  }
}

}  // namespace tallow::py
