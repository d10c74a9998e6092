// Errors, results and callables: what crosses between Python and the ABI.
#include <mutex>

#include "bindings/python.hpp"
#include "dispatch/object.hpp"

namespace tallow::py {

PyTypeObject* ObjectType;
PyObject* g_python_module;

PyObject* raise(TlStatus status) {
  const char* message = tl::api()->error_message();
  PyObject* kind = PyExc_RuntimeError;
  switch (status) {
    case TL_HOST_ERROR:
      if (!PyErr_Occurred()) PyErr_SetString(PyExc_SystemError, "a callback failed without an exception");
      return nullptr;
    case TL_TYPE_ERROR: kind = PyExc_TypeError; break;
    case TL_VALUE_ERROR: kind = PyExc_ValueError; break;
    case TL_INDEX_ERROR: kind = PyExc_IndexError; break;
    case TL_NOT_IMPLEMENTED_ERROR: kind = PyExc_NotImplementedError; break;
    case TL_OUT_OF_MEMORY_ERROR:
    case TL_LINALG_ERROR: {
      Obj cls(g_python_module ? PyObject_GetAttrString(g_python_module, status == TL_LINALG_ERROR ? "_LinAlgError" : "OutOfMemoryError") : nullptr);
      PyErr_Clear();
      PyErr_SetString(cls ? cls.get() : PyExc_RuntimeError, message);
      return nullptr;
    }
    default: break;
  }
  PyErr_SetString(kind, message);
  return nullptr;
}

PyObject* raise_current() {
  try {
    throw;
  } catch (const tl::Error& e) {
    tl::api()->error_set(e.kind(), e.what());
    return raise(e.kind());
  } catch (const std::bad_alloc&) {
    return PyErr_NoMemory();
  } catch (const std::exception& e) {
    PyErr_SetString(PyExc_RuntimeError, e.what());
    return nullptr;
  }
}

TlOp op_handle(const char* name) {
  TlOp op;
  tl::check(tl::api()->op_find(name, &op));
  return op;
}

std::vector<TlOp> all_ops() {
  std::vector<TlOp> all(tl::api()->op_list(nullptr, 0));
  tl::api()->op_list(all.data(), static_cast<uint32_t>(all.size()));
  return all;
}

// ---------------------------------------------------------------- numbers out of tensors
PyObject* wrap_scalar(const TlTensorImpl* t, const char* e) {
  switch (t->dtype) {
    case DType::Bool: return PyBool_FromLong(*reinterpret_cast<const uint8_t*>(e) != 0);
    case DType::UInt8: return PyLong_FromLong(*reinterpret_cast<const uint8_t*>(e));
    case DType::Int8: return PyLong_FromLong(*reinterpret_cast<const int8_t*>(e));
    case DType::Int16: return PyLong_FromLong(*reinterpret_cast<const int16_t*>(e));
    case DType::Int32: return PyLong_FromLong(*reinterpret_cast<const int32_t*>(e));
    case DType::Int64: return PyLong_FromLongLong(*reinterpret_cast<const int64_t*>(e));
    case DType::UInt16: return PyLong_FromLong(*reinterpret_cast<const uint16_t*>(e));
    case DType::UInt32: return PyLong_FromUnsignedLong(*reinterpret_cast<const uint32_t*>(e));
    case DType::UInt64: return PyLong_FromUnsignedLongLong(*reinterpret_cast<const uint64_t*>(e));
    case DType::Float16: return PyFloat_FromDouble(static_cast<float>(*reinterpret_cast<const Half*>(e)));
    case DType::BFloat16: return PyFloat_FromDouble(static_cast<float>(*reinterpret_cast<const BFloat16*>(e)));
    case DType::Float32: return PyFloat_FromDouble(*reinterpret_cast<const float*>(e));
    case DType::Float64: return PyFloat_FromDouble(*reinterpret_cast<const double*>(e));
    case DType::Complex64: return PyComplex_FromDoubles(reinterpret_cast<const float*>(e)[0], reinterpret_cast<const float*>(e)[1]);
    case DType::Complex128: return PyComplex_FromDoubles(reinterpret_cast<const double*>(e)[0], reinterpret_cast<const double*>(e)[1]);
    case DType::Float8E4M3: return PyFloat_FromDouble(static_cast<float>(*reinterpret_cast<const Float8E4M3*>(e)));
    case DType::Float8E5M2: return PyFloat_FromDouble(static_cast<float>(*reinterpret_cast<const Float8E5M2*>(e)));
  }
  PyErr_SetString(PyExc_RuntimeError, "unknown dtype");
  return nullptr;
}

PyObject* item(const TlTensorImpl* t) {
  if (t->numel != 1)
    return PyErr_Format(PyExc_RuntimeError, "a Tensor with %lld elements cannot be converted to Scalar", static_cast<long long>(t->numel));
  if (t->is_meta()) {
    PyErr_SetString(PyExc_RuntimeError, "Tensor.item() cannot be called on meta tensors");
    return nullptr;
  }
  if (t->sparse()) {
    PyErr_SetString(PyExc_NotImplementedError, "Tensor.item() cannot be called on sparse tensors: use to_dense() first");
    return nullptr;
  }
  return wrap_scalar(t, static_cast<const char*>(t->data()));
}

// ---------------------------------------------------------------- results
PyObject* wrap_value(TlValue& v) {
  switch (v.tag) {
    case TL_NONE: Py_RETURN_NONE;
    case TL_TENSOR: v.tag = TL_NONE; return wrap(v.tensor);
    case TL_BOOL: return PyBool_FromLong(v.i != 0);
    case TL_INT: return PyLong_FromLongLong(v.i);
    case TL_DOUBLE: return PyFloat_FromDouble(v.d);
    case TL_COMPLEX: return PyComplex_FromDoubles(v.complex[0], v.complex[1]);
    case TL_STRING: return PyUnicode_FromStringAndSize(v.string, v.len);
    case TL_DTYPE: {
      PyObject* d = g_dtypes[v.i];
      Py_INCREF(d);
      return d;
    }
    case TL_DEVICE: return wrap_device(v.device);
    case TL_OBJECT: v.tag = TL_NONE; return wrap_object(v.object);
    case TL_INT_LIST: {
      PyObject* t = PyTuple_New(v.len);
      for (uint32_t i = 0; t && i < v.len; ++i) PyTuple_SET_ITEM(t, i, PyLong_FromLongLong(v.ints[i]));
      return t;
    }
    case TL_DOUBLE_LIST: {
      PyObject* t = PyTuple_New(v.len);
      for (uint32_t i = 0; t && i < v.len; ++i) PyTuple_SET_ITEM(t, i, PyFloat_FromDouble(v.doubles[i]));
      return t;
    }
    case TL_TENSOR_LIST: {
      PyObject* t = PyTuple_New(v.len);
      for (uint32_t i = 0; t && i < v.len; ++i) {
        auto** slot = &const_cast<TlTensor*>(v.tensors)[i];
        PyObject* o = *slot ? wrap(std::exchange(*slot, nullptr)) : (Py_INCREF(Py_None), Py_None);
        if (!o) {
          Py_DECREF(t);
          return nullptr;
        }
        PyTuple_SET_ITEM(t, i, o);
      }
      return t;
    }
    case TL_VALUE_LIST: {
      PyObject* t = PyTuple_New(v.len);
      for (uint32_t i = 0; t && i < v.len; ++i) {
        PyObject* o = wrap_value(static_cast<TlValue*>(v.ptr)[i]);
        if (!o) {
          Py_DECREF(t);
          return nullptr;
        }
        PyTuple_SET_ITEM(t, i, o);
      }
      return t;
    }
    default:
      PyErr_Format(PyExc_TypeError, "an op returned a value of tag %d, which has no Python form", static_cast<int>(v.tag));
      return nullptr;
  }
}

// ---------------------------------------------------------------- callables of Python, as objects of the ABI
namespace {

void destroy_callable(void* payload) {
  if (!Py_IsInitialized()) return;  // at exit the interpreter has taken its objects with it
  const PyGILState_STATE gil = PyGILState_Ensure();
  PyObject *type, *value, *trace;
  PyErr_Fetch(&type, &value, &trace);
  Py_DECREF(static_cast<PyObject*>(payload));
  PyErr_Restore(type, value, trace);
  PyGILState_Release(gil);
}

// A result of a callback as a value that owns what it holds.
bool own_result(PyObject* o, TlValue* v) {
  *v = {};
  if (o == Py_None) return true;
  if (is_tensor(o)) {
    v->tag = TL_TENSOR, v->tensor = impl(o);
    tl::api()->tensor_retain(v->tensor);
    return true;
  }
  if (PyTuple_Check(o) || PyList_Check(o)) {
    const Py_ssize_t n = PySequence_Fast_GET_SIZE(o);
    auto* list = static_cast<TlTensor*>(tl::api()->alloc(sizeof(TlTensor) * static_cast<size_t>(n + 1)));
    v->tag = TL_TENSOR_LIST, v->tensors = list, v->len = static_cast<uint32_t>(n);
    for (Py_ssize_t i = 0; i < n; ++i) list[i] = nullptr;
    for (Py_ssize_t i = 0; i < n; ++i) {
      PyObject* e = PySequence_Fast_GET_ITEM(o, i);
      if (e == Py_None) continue;
      if (!is_tensor(e)) {
        tl::api()->values_release(v, 1);
        PyErr_Format(PyExc_TypeError, "a callback returned %s inside a list, expected Tensor or None", Py_TYPE(e)->tp_name);
        return false;
      }
      tl::api()->tensor_retain(impl(e));
      list[i] = impl(e);
    }
    return true;
  }
  if (PyBool_Check(o)) {
    v->tag = TL_BOOL, v->i = o == Py_True;
    return true;
  }
  if (PyLong_Check(o)) {
    v->tag = TL_INT, v->i = PyLong_AsLongLong(o);
    return !PyErr_Occurred();
  }
  if (PyFloat_Check(o)) {
    v->tag = TL_DOUBLE, v->d = PyFloat_AS_DOUBLE(o);
    return true;
  }
  if (PyUnicode_Check(o)) {
    Py_ssize_t n;
    const char* s = PyUnicode_AsUTF8AndSize(o, &n);
    if (!s) return false;
    auto* p = static_cast<char*>(tl::api()->alloc(static_cast<size_t>(n + 1)));
    std::memcpy(p, s, static_cast<size_t>(n + 1));
    v->tag = TL_STRING, v->string = p, v->len = static_cast<uint32_t>(n);
    return true;
  }
  if (Py_TYPE(o) == ObjectType) {
    struct PyObj { PyObject_HEAD TlObject value; };
    v->tag = TL_OBJECT, v->object = reinterpret_cast<PyObj*>(o)->value;
    tl::api()->object_retain(v->object);
    return true;
  }
  if (PyCallable_Check(o)) {
    v->tag = TL_OBJECT, v->object = function_from(o);
    return true;
  }
  PyErr_Format(PyExc_TypeError, "a callback returned %s, expected Tensor, number, str, callable or None", Py_TYPE(o)->tp_name);
  return false;
}

// Arguments are borrowed by the callee: wrap_value takes, so take a reference first.
PyObject* wrap_borrowed(const TlValue& v) {
  TlValue copy = v;
  switch (v.tag) {
    case TL_TENSOR: tl::api()->tensor_retain(v.tensor); return wrap_value(copy);
    case TL_OBJECT: tl::api()->object_retain(v.object); return wrap_value(copy);
    case TL_TENSOR_LIST: {
      PyObject* t = PyTuple_New(v.len);
      for (uint32_t i = 0; t && i < v.len; ++i) {
        PyObject* o;
        if (v.tensors[i]) {
          tl::api()->tensor_retain(v.tensors[i]);
          o = wrap(v.tensors[i]);
        } else {
          Py_INCREF(Py_None);
          o = Py_None;
        }
        PyTuple_SET_ITEM(t, i, o);
      }
      return t;
    }
    case TL_VALUE_LIST: {
      PyObject* t = PyTuple_New(v.len);
      for (uint32_t i = 0; t && i < v.len; ++i) PyTuple_SET_ITEM(t, i, wrap_borrowed(v.values[i]));
      return t;
    }
    default: return wrap_value(copy);
  }
}

TlStatus call_callable(void* payload, const TlValue* args, uint32_t nargs, TlValue* rets, uint32_t nrets) {
  const PyGILState_STATE gil = PyGILState_Ensure();
  TlStatus status = TL_HOST_ERROR;
  {
    PyObject* stack[17] = {};
    bool ok = nargs <= 16;
    if (!ok) PyErr_SetString(PyExc_TypeError, "a callback takes at most 16 arguments");
    for (uint32_t i = 0; ok && i < nargs; ++i) ok = (stack[i + 1] = wrap_borrowed(args[i])) != nullptr;
    Obj result(ok ? PyObject_Vectorcall(static_cast<PyObject*>(payload), stack + 1, nargs | PY_VECTORCALL_ARGUMENTS_OFFSET, nullptr) : nullptr);
    for (uint32_t i = 0; i < nargs && i < 16; ++i) Py_XDECREF(stack[i + 1]);
    for (uint32_t i = 0; i < nrets; ++i) rets[i] = {};
    if (result) {
      if (nrets == 0) status = TL_OK;
      else if (nrets == 1) status = own_result(result.get(), &rets[0]) ? TL_OK : TL_HOST_ERROR;
      else if (PyTuple_Check(result.get()) && PyTuple_GET_SIZE(result.get()) == static_cast<Py_ssize_t>(nrets)) {
        status = TL_OK;
        for (uint32_t i = 0; i < nrets && status == TL_OK; ++i)
          if (!own_result(PyTuple_GET_ITEM(result.get(), i), &rets[i])) status = TL_HOST_ERROR;
      } else {
        PyErr_Format(PyExc_TypeError, "a callback returned %s, expected a tuple of %u", Py_TYPE(result.get())->tp_name, nrets);
      }
    }
  }
  PyGILState_Release(gil);
  return status;
}

const TlObjectClass kCallable = {sizeof(TlObjectClass), 0, "python::Function", destroy_callable, call_callable};

// ---------------------------------------------------------------- objects of the ABI, in Python
struct PyObj {
  PyObject_HEAD
  TlObject value;
};

void object_dealloc(PyObject* o) {
  PyTypeObject* t = Py_TYPE(o);
  TlObject v = reinterpret_cast<PyObj*>(o)->value;
  v->host.store(nullptr, std::memory_order_release);
  tl::api()->object_release(v);
  PyObject_Free(o);
  Py_DECREF(t);
}
PyObject* object_class_name(PyObject* o, void*) {
  return PyUnicode_FromString(tl::api()->object_class(reinterpret_cast<PyObj*>(o)->value)->name);
}
PyObject* object_handle(PyObject* o, void*) { return PyLong_FromVoidPtr(reinterpret_cast<PyObj*>(o)->value); }
PyObject* object_repr(PyObject* o) {
  return PyUnicode_FromFormat("<%s at %p>", tl::api()->object_class(reinterpret_cast<PyObj*>(o)->value)->name,
                              static_cast<void*>(reinterpret_cast<PyObj*>(o)->value));
}
Py_hash_t object_hash(PyObject* o) { return static_cast<Py_hash_t>(reinterpret_cast<uintptr_t>(reinterpret_cast<PyObj*>(o)->value) >> 4); }
PyObject* object_compare(PyObject* a, PyObject* b, int op) {
  if (Py_TYPE(b) != ObjectType || (op != Py_EQ && op != Py_NE)) Py_RETURN_NOTIMPLEMENTED;
  return PyBool_FromLong((reinterpret_cast<PyObj*>(a)->value == reinterpret_cast<PyObj*>(b)->value) == (op == Py_EQ));
}
PyGetSetDef object_getset[] = {{"class_name", object_class_name, nullptr, nullptr, nullptr}, {"handle", object_handle, nullptr, nullptr, nullptr}, {}};
PyType_Slot object_slots[] = {{Py_tp_dealloc, reinterpret_cast<void*>(object_dealloc)}, {Py_tp_getset, object_getset},
                              {Py_tp_repr, reinterpret_cast<void*>(object_repr)}, {Py_tp_hash, reinterpret_cast<void*>(object_hash)},
                              {Py_tp_richcompare, reinterpret_cast<void*>(object_compare)}, {0, nullptr}};
PyType_Spec object_spec = {"tallow.Object", sizeof(PyObj), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, object_slots};

}  // namespace

TlObject function_from(PyObject* callable) {
  TlObject o = nullptr;
  Py_INCREF(callable);
  tl::check(tl::api()->object_new(&kCallable, callable, &o));
  return o;
}

PyObject* wrap_object(TlObject steal) {
  if (void* callable = tl::api()->object_payload(steal, &kCallable)) {  // it came from Python: give that back
    auto* p = static_cast<PyObject*>(callable);
    Py_INCREF(p);
    tl::api()->object_release(steal);
    return p;
  }
  if (auto* known = static_cast<PyObject*>(steal->host.load(std::memory_order_acquire))) {
    Py_INCREF(known);
    tl::api()->object_release(steal);
    return known;
  }
  auto* o = PyObject_New(PyObj, ObjectType);
  if (!o) return nullptr;
  o->value = steal;
  steal->host.store(o, std::memory_order_release);
  return reinterpret_cast<PyObject*>(o);
}

int add_object_type(PyObject* m) {
  ObjectType = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&object_spec));
  return ObjectType ? PyModule_AddObjectRef(m, "Object", reinterpret_cast<PyObject*>(ObjectType)) : -1;
}

}  // namespace tallow::py
