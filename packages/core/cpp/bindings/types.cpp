// dtype, device, Size, Generator, layouts and memory formats: small value types of Python.
#include "bindings/python.hpp"
#include "ops/random/generator.hpp"

namespace tallow::py {

PyTypeObject *DtypeType, *DeviceType, *SizeType, *GeneratorType, *EnumType;
PyObject* g_dtypes[TL_DTYPE_COUNT];

namespace {

// What objects call themselves when they are printed: a program written for another name of the library may read it.
std::string g_display_name = "tallow";
PyObject* displayed(const char* name) { return PyUnicode_FromFormat("%s.%s", g_display_name.c_str(), name); }

const char* kNames[TL_DTYPE_COUNT] = {"bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64",
                                      "complex64", "complex128", "uint16", "uint32", "uint64", "float8_e4m3fn", "float8_e5m2"};

// ---------------------------------------------------------------- dtype
TlDtype value_of(PyObject* o) { return reinterpret_cast<PyDtype*>(o)->value; }
PyObject* dtype_repr(PyObject* o) { return displayed(kNames[value_of(o)]); }
PyObject* dtype_reduce(PyObject* o, PyObject*) { return PyUnicode_FromString(kNames[value_of(o)]); }
PyObject* dtype_itemsize(PyObject* o, void*) { return PyLong_FromLong(kItemSize[value_of(o)]); }
PyObject* dtype_floating(PyObject* o, void*) { return PyBool_FromLong(is_floating(static_cast<DType>(value_of(o)))); }
PyObject* dtype_complex(PyObject* o, void*) { return PyBool_FromLong(is_complex(static_cast<DType>(value_of(o)))); }
PyObject* dtype_signed(PyObject* o, void*) {
  const auto t = static_cast<DType>(value_of(o));
  return PyBool_FromLong(!is_unsigned(t) && t != DType::Bool);
}
PyObject* dtype_name_of(PyObject* o, void*) { return PyUnicode_FromString(kNames[value_of(o)]); }
PyObject* dtype_to_real(PyObject* o, PyObject*) {
  const TlDtype t = value_of(o);
  PyObject* r = g_dtypes[t == TL_COMPLEX64 ? TL_FLOAT32 : t == TL_COMPLEX128 ? TL_FLOAT64 : t];
  Py_INCREF(r);
  return r;
}
PyObject* dtype_to_complex(PyObject* o, PyObject*) {
  const TlDtype t = value_of(o);
  PyObject* r = g_dtypes[t == TL_FLOAT64 || t == TL_COMPLEX128 ? TL_COMPLEX128 : TL_COMPLEX64];
  Py_INCREF(r);
  return r;
}
PyObject* dtype_code(PyObject* o, void*) { return PyLong_FromLong(value_of(o)); }

PyGetSetDef dtype_getset[] = {{"itemsize", dtype_itemsize, nullptr, "bytes per element", nullptr},
                              {"is_floating_point", dtype_floating, nullptr, nullptr, nullptr},
                              {"is_complex", dtype_complex, nullptr, nullptr, nullptr},
                              {"is_signed", dtype_signed, nullptr, nullptr, nullptr},
                              {"name", dtype_name_of, nullptr, nullptr, nullptr},
                              {"_code", dtype_code, nullptr, nullptr, nullptr},
                              {}};
PyMethodDef dtype_methods[] = {{"__reduce__", dtype_reduce, METH_NOARGS, nullptr},
                               {"to_real", dtype_to_real, METH_NOARGS, nullptr},
                               {"to_complex", dtype_to_complex, METH_NOARGS, nullptr},
                               {}};
PyType_Slot dtype_slots[] = {{Py_tp_repr, reinterpret_cast<void*>(dtype_repr)}, {Py_tp_getset, dtype_getset}, {Py_tp_methods, dtype_methods},
                             {Py_tp_doc, const_cast<char*>("The element type of a tensor.")}, {0, nullptr}};
PyType_Spec dtype_spec = {"tallow.dtype", sizeof(PyDtype), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, dtype_slots};

// ---------------------------------------------------------------- device
TlDevice device_of(PyObject* o) { return reinterpret_cast<PyDevice*>(o)->value; }

PyObject* device_new(PyTypeObject*, PyObject* args, PyObject* kwargs) {
  PyObject *type = nullptr, *index = Py_None;
  static const char* names[] = {"type", "index", nullptr};
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|O", const_cast<char**>(names), &type, &index)) return nullptr;
  TlDevice d;
  if (!parse_device(type, &d)) {
    if (!PyErr_Occurred()) PyErr_Format(PyExc_TypeError, "device(): argument 'type' must be str, not %s", Py_TYPE(type)->tp_name);
    return nullptr;
  }
  if (index != Py_None) {
    const long i = PyLong_AsLong(index);
    if (i == -1 && PyErr_Occurred()) return nullptr;
    d.index = static_cast<int16_t>(i);
  }
  return wrap_device(d);
}
PyObject* device_str(PyObject* o) {
  const TlDevice d = device_of(o);
  const char* names[] = {"cpu", "cuda", "meta"};
  return d.index >= 0 ? PyUnicode_FromFormat("%s:%d", names[d.type], d.index) : PyUnicode_FromString(names[d.type]);
}
PyObject* device_repr(PyObject* o) {
  const TlDevice d = device_of(o);
  const char* names[] = {"cpu", "cuda", "meta"};
  return d.index >= 0 ? PyUnicode_FromFormat("device(type='%s', index=%d)", names[d.type], d.index)
                      : PyUnicode_FromFormat("device(type='%s')", names[d.type]);
}
PyObject* device_type(PyObject* o, void*) {
  const char* names[] = {"cpu", "cuda", "meta"};
  return PyUnicode_FromString(names[device_of(o).type]);
}
PyObject* device_index(PyObject* o, void*) {
  if (device_of(o).index < 0) Py_RETURN_NONE;
  return PyLong_FromLong(device_of(o).index);
}
Py_hash_t device_hash(PyObject* o) { return device_of(o).type * 1000 + device_of(o).index + 7; }
PyObject* device_compare(PyObject* a, PyObject* b, int op) {
  if (!is_device(b) || (op != Py_EQ && op != Py_NE)) Py_RETURN_NOTIMPLEMENTED;
  const TlDevice x = device_of(a), y = device_of(b);
  return PyBool_FromLong((x.type == y.type && x.index == y.index) == (op == Py_EQ));
}
PyObject* device_reduce(PyObject* o, PyObject*) {
  Obj s(device_str(o));
  return Py_BuildValue("(O(O))", reinterpret_cast<PyObject*>(DeviceType), s.get());
}
PyGetSetDef device_getset[] = {{"type", device_type, nullptr, nullptr, nullptr}, {"index", device_index, nullptr, nullptr, nullptr}, {}};
// `with device("cpu"):` is where tensors are made anyway; what is made elsewhere names its device.
PyObject* device_enter(PyObject* o, PyObject*) {
  if (device_of(o).type != TL_CPU) {
    PyErr_Format(PyExc_NotImplementedError, "with %R: tensors are made on the CPU unless a device is named per tensor, or with module.to()", o);
    return nullptr;
  }
  Py_INCREF(o);
  return o;
}
PyObject* device_exit(PyObject*, PyObject*) { Py_RETURN_NONE; }
PyMethodDef device_methods[] = {{"__reduce__", device_reduce, METH_NOARGS, nullptr},
                                {"__enter__", device_enter, METH_NOARGS, nullptr},
                                {"__exit__", device_exit, METH_VARARGS, nullptr},
                                {}};
PyType_Slot device_slots[] = {{Py_tp_new, reinterpret_cast<void*>(device_new)}, {Py_tp_repr, reinterpret_cast<void*>(device_repr)},
                              {Py_tp_str, reinterpret_cast<void*>(device_str)}, {Py_tp_hash, reinterpret_cast<void*>(device_hash)},
                              {Py_tp_richcompare, reinterpret_cast<void*>(device_compare)}, {Py_tp_getset, device_getset},
                              {Py_tp_methods, device_methods}, {0, nullptr}};
PyType_Spec device_spec = {"tallow.device", sizeof(PyDevice), 0, Py_TPFLAGS_DEFAULT, device_slots};

// ---------------------------------------------------------------- Size
PyObject* size_repr(PyObject* o) {
  Obj list(PySequence_List(o));
  return list ? PyUnicode_FromFormat("%s.Size(%R)", g_display_name.c_str(), list.get()) : nullptr;
}
PyObject* size_numel(PyObject* o, PyObject*) {
  int64_t n = 1;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(o); ++i) n *= PyLong_AsLongLong(PyTuple_GET_ITEM(o, i));
  return PyLong_FromLongLong(n);
}
PyObject* size_reduce(PyObject* o, PyObject*) {
  return Py_BuildValue("(O(N))", reinterpret_cast<PyObject*>(SizeType), PySequence_List(o));
}
// A part of a Size, a multiple of one and a Size with a tuple before or after it are sizes.
PyObject* as_size(PyObject* tuple) {
  const Obj owner(tuple);
  return tuple ? PyObject_CallOneArg(reinterpret_cast<PyObject*>(SizeType), tuple) : nullptr;
}
PyObject* size_add(PyObject* a, PyObject* b) {
  if (!PyTuple_Check(a) || !PyTuple_Check(b)) Py_RETURN_NOTIMPLEMENTED;
  return as_size(PyTuple_Type.tp_as_sequence->sq_concat(a, b));
}
PyObject* size_repeat(PyObject* o, Py_ssize_t n) { return as_size(PyTuple_Type.tp_as_sequence->sq_repeat(o, n)); }
PyObject* size_subscript(PyObject* o, PyObject* index) {
  PyObject* r = PyTuple_Type.tp_as_mapping->mp_subscript(o, index);
  return PySlice_Check(index) ? as_size(r) : r;
}
PyMethodDef size_methods[] = {{"numel", size_numel, METH_NOARGS, "The product of the sizes."}, {"__reduce__", size_reduce, METH_NOARGS, nullptr}, {}};
PyType_Slot size_slots[] = {{Py_tp_repr, reinterpret_cast<void*>(size_repr)}, {Py_tp_methods, size_methods},
                            {Py_nb_add, reinterpret_cast<void*>(size_add)}, {Py_sq_repeat, reinterpret_cast<void*>(size_repeat)},
                            {Py_mp_subscript, reinterpret_cast<void*>(size_subscript)}, {0, nullptr}};
PyType_Spec size_spec = {"tallow.Size", 0, 0, Py_TPFLAGS_DEFAULT, size_slots};

// ---------------------------------------------------------------- layouts and memory formats
PyObject* enum_repr(PyObject* o) { return displayed(reinterpret_cast<PyEnum*>(o)->name); }
PyObject* enum_reduce(PyObject* o, PyObject*) { return PyUnicode_FromString(reinterpret_cast<PyEnum*>(o)->name); }
PyMethodDef enum_methods[] = {{"__reduce__", enum_reduce, METH_NOARGS, nullptr}, {}};
PyType_Slot enum_slots[] = {{Py_tp_repr, reinterpret_cast<void*>(enum_repr)}, {Py_tp_methods, enum_methods}, {0, nullptr}};
PyType_Spec enum_spec = {"tallow.memory_format", sizeof(PyEnum), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, enum_slots};

PyObject* set_display_name(PyObject*, PyObject* name) {
  const char* text = PyUnicode_AsUTF8(name);
  if (!text) return nullptr;
  PyObject* before = PyUnicode_FromString(g_display_name.c_str());
  if (before) g_display_name = text;
  return before;
}
PyMethodDef type_functions[] = {{"_set_display_name", set_display_name, METH_O, "Sets what dtypes and sizes are printed as parts of; returns what it was."},
                                {}};

int add_enum(PyObject* m, const char* name, int64_t value, bool is_layout) {
  auto* e = PyObject_New(PyEnum, EnumType);
  if (!e) return -1;
  e->value = value, e->name = name, e->is_layout = is_layout;
  return PyModule_AddObject(m, name, reinterpret_cast<PyObject*>(e));
}

// ---------------------------------------------------------------- Generator
TlGenerator gen(PyObject* o) { return reinterpret_cast<PyGenerator*>(o)->value; }
PyObject* generator_new(PyTypeObject* type, PyObject* args, PyObject* kwargs) {
  PyObject* device = nullptr;
  static const char* names[] = {"device", nullptr};
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O", const_cast<char**>(names), &device)) return nullptr;
  TlDevice d{TL_CPU, -1};
  if (device && !parse_device(device, &d)) {
    if (!PyErr_Occurred()) PyErr_SetString(PyExc_TypeError, "Generator(): argument 'device' must be a device or str");
    return nullptr;
  }
  PyObject* o = type->tp_alloc(type, 0);
  if (!o) return nullptr;
  auto* g = new TlGeneratorImpl;
  g->device = d;
  reinterpret_cast<PyGenerator*>(o)->value = g;
  return o;
}
void generator_dealloc(PyObject* o) {
  PyTypeObject* t = Py_TYPE(o);
  gen(o)->release();
  t->tp_free(o);
  Py_DECREF(t);
}
PyObject* generator_manual_seed(PyObject* o, PyObject* seed) {
  Obj i(PyNumber_Index(seed));
  if (!i) return nullptr;
  gen(o)->set_seed(PyLong_AsUnsignedLongLongMask(i.get()));
  if (PyErr_Occurred()) return nullptr;
  Py_INCREF(o);
  return o;
}
PyObject* generator_initial_seed(PyObject* o, PyObject*) { return PyLong_FromUnsignedLongLong(gen(o)->seed); }
PyObject* generator_state(PyObject* o, PyObject*) {
  std::lock_guard lock(gen(o)->mutex);
  return Py_BuildValue("(KK)", static_cast<unsigned long long>(gen(o)->seed), static_cast<unsigned long long>(gen(o)->offset));
}
PyObject* generator_set_state(PyObject* o, PyObject* args) {
  unsigned long long seed, offset;
  if (!PyArg_ParseTuple(args, "KK", &seed, &offset)) return nullptr;
  std::lock_guard lock(gen(o)->mutex);
  gen(o)->seed = seed, gen(o)->offset = offset;
  Py_RETURN_NONE;
}
PyObject* generator_device(PyObject* o, void*) { return wrap_device(gen(o)->device); }
PyMethodDef generator_methods[] = {{"manual_seed", generator_manual_seed, METH_O, "Seeds the generator and returns it."},
                                   {"initial_seed", generator_initial_seed, METH_NOARGS, "The seed it was given."},
                                   {"_state", generator_state, METH_NOARGS, nullptr},
                                   {"_set_state", generator_set_state, METH_VARARGS, nullptr},
                                   {}};
PyGetSetDef generator_getset[] = {{"device", generator_device, nullptr, nullptr, nullptr}, {}};
PyType_Slot generator_slots[] = {{Py_tp_new, reinterpret_cast<void*>(generator_new)}, {Py_tp_dealloc, reinterpret_cast<void*>(generator_dealloc)},
                                 {Py_tp_methods, generator_methods}, {Py_tp_getset, generator_getset}, {0, nullptr}};
PyType_Spec generator_spec = {"tallow.Generator", sizeof(PyGenerator), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, generator_slots};

}  // namespace

PyObject* wrap_device(TlDevice d) {
  auto* o = PyObject_New(PyDevice, DeviceType);
  if (o) o->value = d;
  return reinterpret_cast<PyObject*>(o);
}

PyObject* wrap_size(const int64_t* sizes, Py_ssize_t n) {
  PyObject* t = SizeType->tp_alloc(SizeType, n);
  if (!t) return nullptr;
  for (Py_ssize_t i = 0; i < n; ++i) PyTuple_SET_ITEM(t, i, PyLong_FromLongLong(sizes[i]));
  return t;
}

bool parse_device(PyObject* o, TlDevice* out) {
  if (is_device(o)) {
    *out = device_of(o);
    return true;
  }
  if (PyLong_Check(o) && !PyBool_Check(o)) {
    *out = {TL_CUDA, static_cast<int16_t>(PyLong_AsLong(o))};
    return true;
  }
  if (!PyUnicode_Check(o)) return false;
  const char* s = PyUnicode_AsUTF8(o);
  if (!s) return false;
  const std::string text(s);
  const size_t colon = text.find(':');
  const std::string kind = text.substr(0, colon);
  TlDevice d{-1, -1};
  if (kind == "cpu") d.type = TL_CPU;
  else if (kind == "cuda") d.type = TL_CUDA;
  else if (kind == "meta") d.type = TL_META;
  bool ok = d.type >= 0;
  if (ok && colon != std::string::npos) {
    const std::string rest = text.substr(colon + 1);
    ok = !rest.empty() && rest.size() < 5 && rest.find_first_not_of("0123456789") == std::string::npos;
    if (ok) d.index = static_cast<int16_t>(std::stoi(rest));
  }
  if (!ok) {
    PyErr_Format(PyExc_RuntimeError, "Invalid device string: '%s' (expected one of cpu, cuda, meta, with an optional :index)", s);
    return false;
  }
  *out = d;
  return true;
}

bool parse_dtype(PyObject* o, TlDtype* out) {
  if (is_dtype(o)) *out = value_of(o);
  else if (o == reinterpret_cast<PyObject*>(&PyBool_Type)) *out = TL_BOOL_DT;
  else if (o == reinterpret_cast<PyObject*>(&PyLong_Type)) *out = TL_INT64;
  else if (o == reinterpret_cast<PyObject*>(&PyFloat_Type)) *out = TL_FLOAT64;
  else if (o == reinterpret_cast<PyObject*>(&PyComplex_Type)) *out = TL_COMPLEX128;
  else return false;
  return true;
}

int add_types(PyObject* m) {
  if (PyModule_AddFunctions(m, type_functions) < 0) return -1;
  auto make = [](PyType_Spec* spec) { return reinterpret_cast<PyTypeObject*>(PyType_FromSpec(spec)); };
  DtypeType = make(&dtype_spec);
  DeviceType = make(&device_spec);
  EnumType = make(&enum_spec);
  GeneratorType = make(&generator_spec);
  size_spec.basicsize = static_cast<int>(PyTuple_Type.tp_basicsize);
  size_spec.itemsize = static_cast<int>(PyTuple_Type.tp_itemsize);
  Obj bases(PyTuple_Pack(1, reinterpret_cast<PyObject*>(&PyTuple_Type)));
  SizeType = reinterpret_cast<PyTypeObject*>(PyType_FromSpecWithBases(&size_spec, bases.get()));
  if (!DtypeType || !DeviceType || !EnumType || !GeneratorType || !SizeType) return -1;
  for (int i = 0; i < TL_DTYPE_COUNT; ++i) {
    auto* d = PyObject_New(PyDtype, DtypeType);
    d->value = i;
    g_dtypes[i] = reinterpret_cast<PyObject*>(d);
    Py_INCREF(g_dtypes[i]);
    if (PyModule_AddObject(m, kNames[i], g_dtypes[i]) < 0) return -1;
  }
  auto add = [&](const char* name, PyTypeObject* t) { return PyModule_AddObjectRef(m, name, reinterpret_cast<PyObject*>(t)); };
  if (add("dtype", DtypeType) < 0 || add("device", DeviceType) < 0 || add("Size", SizeType) < 0 || add("Generator", GeneratorType) < 0 ||
      add("memory_format", EnumType) < 0)
    return -1;
  if (add_enum(m, "contiguous_format", TL_CONTIGUOUS_FORMAT, false) < 0 || add_enum(m, "preserve_format", TL_PRESERVE_FORMAT, false) < 0 ||
      add_enum(m, "channels_last", TL_CHANNELS_LAST, false) < 0 || add_enum(m, "channels_last_3d", TL_CHANNELS_LAST_3D, false) < 0 ||
      add_enum(m, "strided", TL_STRIDED, true) < 0 || add_enum(m, "sparse_coo", TL_SPARSE_COO, true) < 0)
    return -1;
  // The generator that ops use when none is given.
  auto* g = PyObject_New(PyGenerator, GeneratorType);
  TlGenerator shared = tl::api()->generator_default({TL_CPU, -1});
  shared->retain();
  g->value = shared;
  return PyModule_AddObject(m, "default_generator", reinterpret_cast<PyObject*>(g));
}

}  // namespace tallow::py
