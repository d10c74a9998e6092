// The Python type Tensor: identity, attributes and the number protocol. Methods are ops from the registry, put into the
// type's dict at import; what is easier said in Python lives in tallow/_tensor.py.
#include "bindings/python.hpp"

namespace tallow::py {

PyTypeObject* TensorType;

// ---------------------------------------------------------------- life
namespace {
constexpr int kFreeList = 64;
PyTensor* g_free[kFreeList];
int g_nfree = 0;

PyTensor* allocate_tensor(PyTypeObject* type) {
  if (type == TensorType && g_nfree > 0) {
    PyTensor* t = g_free[--g_nfree];
    Py_INCREF(type);  // heap types are referenced by their instances
    PyObject_Init(reinterpret_cast<PyObject*>(t), type);
    Py_DECREF(type);
    return t;
  }
  return reinterpret_cast<PyTensor*>(PyType_GenericAlloc(type, 0));
}

// While native code holds the tensor too, what its attributes refer to is in use although no Python object says so: not
// visited, it counts as referred to from outside. The answer does not change in the middle of a collection, see Shared
// in packet.cpp.
int tensor_traverse(PyObject* o, visitproc visit, void* arg) {
  auto* t = reinterpret_cast<PyTensor*>(o);
  if (t->dict && !(t->impl && t->impl->use_count() > 1)) Py_VISIT(t->dict);
  Py_VISIT(Py_TYPE(o));
  return 0;
}
int tensor_clear(PyObject* o) {
  Py_CLEAR(reinterpret_cast<PyTensor*>(o)->dict);
  return 0;
}

// Python has let go of o, native code (a graph, a .grad) still holds its tensor and may hand it to Python again. If
// another object could not stand for it then, the tensor takes over the last reference to this one.
bool keep_for_tensor(PyObject* o) {
  auto* t = reinterpret_cast<PyTensor*>(o);
  if (!t->impl || !(t->dict || t->weakrefs || Py_TYPE(o) != TensorType)) return false;
  // Where native code lets go in the middle of this, one reference is left: ours, and o goes the ordinary way.
  int32_t n = t->impl->refs.load(std::memory_order_acquire);
  do {
    if (n == 1) return false;
  } while (!t->impl->refs.compare_exchange_weak(n, n | TlTensorImpl::kHosted, std::memory_order_acq_rel, std::memory_order_acquire));
  Py_SET_REFCNT(o, 1);
  if (!PyObject_GC_IsTracked(o)) PyObject_GC_Track(o);
  return true;
}

// Native code lets go of a tensor that owns its Python object. The last one to do so leaves the two to Python.
void release_hosted(TlTensorImpl* t) {
  if (!Py_IsInitialized()) return;  // at exit the interpreter has taken its objects with it
  const PyGILState_STATE gil = PyGILState_Ensure();
  // The object may run code when it goes, an error that is on its way must survive that.
  PyObject *type, *value, *trace;
  PyErr_Fetch(&type, &value, &trace);
  if (!(t->refs.load(std::memory_order_acquire) & TlTensorImpl::kHosted)) {
    tl::api()->tensor_release(t);
  } else if (t->refs.fetch_sub(1, std::memory_order_acq_rel) == (TlTensorImpl::kHosted | 2)) {
    t->refs.fetch_and(~TlTensorImpl::kHosted, std::memory_order_acq_rel);
    Py_DECREF(static_cast<PyObject*>(t->host.load(std::memory_order_acquire)));
  }
  PyErr_Restore(type, value, trace);
  PyGILState_Release(gil);
}

void tensor_dealloc(PyObject* o) {
  if (keep_for_tensor(o)) return;
  auto* t = reinterpret_cast<PyTensor*>(o);
  PyTypeObject* type = Py_TYPE(o);
  PyObject_GC_UnTrack(o);
  if (t->weakrefs) PyObject_ClearWeakRefs(o);
  Py_CLEAR(t->dict);
  if (TlTensorImpl* i = t->impl) {
    t->impl = nullptr;
    void* self = o;
    i->host.compare_exchange_strong(self, nullptr);
    tl::api()->tensor_release(i);
  }
  if (type == TensorType && g_nfree < kFreeList) {
    t->weakrefs = nullptr;
    g_free[g_nfree++] = t;
  } else {
    type->tp_free(o);
  }
  Py_DECREF(type);
}

PyObject* tensor_new(PyTypeObject* type, PyObject* args, PyObject* kwargs) {
  Obj make(PyObject_GetAttrString(g_python_module, "_tensor_new"));
  if (!make) return nullptr;
  Obj list(PyTuple_New(PyTuple_GET_SIZE(args) + 1));
  if (!list) return nullptr;
  Py_INCREF(type);
  PyTuple_SET_ITEM(list.get(), 0, reinterpret_cast<PyObject*>(type));
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(args); ++i) {
    PyObject* a = PyTuple_GET_ITEM(args, i);
    Py_INCREF(a);
    PyTuple_SET_ITEM(list.get(), i + 1, a);
  }
  return PyObject_Call(make.get(), list.get(), kwargs);
}

}  // namespace

PyObject* wrap(TlTensorImpl* steal, PyTypeObject* type) {
  if (auto* known = static_cast<PyObject*>(steal->host.load(std::memory_order_acquire)); known && !type) {
    Py_INCREF(known);
    tl::api()->tensor_release(steal);
    return known;
  }
  PyTensor* t = allocate_tensor(type ? type : TensorType);
  if (!t) {
    tl::api()->tensor_release(steal);
    return nullptr;
  }
  t->impl = steal;
  t->dict = nullptr;
  t->weakrefs = nullptr;
  steal->host.store(t, std::memory_order_release);
  if (!PyObject_GC_IsTracked(reinterpret_cast<PyObject*>(t))) PyObject_GC_Track(t);
  return reinterpret_cast<PyObject*>(t);
}

namespace {

// ---------------------------------------------------------------- attributes
PyObject* get_shape(PyObject* o, void*) { return wrap_size(impl(o)->sizes(), impl(o)->ndim); }
PyObject* get_dtype(PyObject* o, void*) {
  PyObject* d = g_dtypes[static_cast<int>(impl(o)->dtype)];
  Py_INCREF(d);
  return d;
}
PyObject* get_device(PyObject* o, void*) { return wrap_device(impl(o)->device); }
PyObject* get_ndim(PyObject* o, void*) { return PyLong_FromLong(impl(o)->ndim); }
PyObject* get_requires_grad(PyObject* o, void*) {
  const TlTensorImpl* t = impl(o);
  return PyBool_FromLong((t->keys | (t->base ? t->base->keys : 0)) >> TL_KEY_AUTOGRAD & 1);
}
int set_requires_grad(PyObject* o, PyObject* v, void*) {
  if (!v) {
    PyErr_SetString(PyExc_AttributeError, "cannot delete requires_grad");
    return -1;
  }
  Obj r(PyObject_CallMethod(o, "requires_grad_", "O", v));
  return r ? 0 : -1;
}
PyObject* no_memory(const char* what, PyObject* type = PyExc_RuntimeError) {
  return PyErr_SetString(type, what), nullptr;
}
constexpr const char* kNoPointer = "Cannot access data pointer of Tensor that doesn't have storage: it is sparse, use to_dense() or _values()";
constexpr const char* kNoStorage = "Cannot access storage of a sparse tensor: use to_dense() or _values()";
PyObject* get_itemsize(PyObject* o, void*) { return PyLong_FromLong(kItemSize[static_cast<int>(impl(o)->dtype)]); }
PyObject* get_nbytes(PyObject* o, void*) {
  if (impl(o)->sparse()) return no_memory("nbytes is not defined for sparse tensors");
  return PyLong_FromLongLong(impl(o)->numel * kItemSize[static_cast<int>(impl(o)->dtype)]);
}
PyObject* get_is_inference(PyObject* o, PyObject*) { return PyBool_FromLong(impl(o)->flags & TlTensorImpl::Inference); }
PyObject* get_version(PyObject* o, void*) { return PyLong_FromLongLong(tl::api()->tensor_version(impl(o))); }
PyObject* get_data(PyObject* o, void*) {
  TlTensor t;
  const TlStatus s = tl::api()->tensor_alias(impl(o), nullptr, nullptr, 0, 0, &t);
  if (s != TL_OK) return raise(s);
  t->flags |= TlTensorImpl::Untracked;
  return wrap(t);
}
int set_data(PyObject* o, PyObject* v, void*) {
  if (!v || !is_tensor(v)) {
    PyErr_SetString(PyExc_TypeError, "Tensor.data must be set to a Tensor");
    return -1;
  }
  if (impl(o)->keys >> TL_KEY_AUTOGRAD & 1 && !is_inexact(impl(v)->dtype)) {
    PyErr_SetString(PyExc_RuntimeError, "data set to a tensor that requires gradients must be floating point or complex dtype");
    return -1;
  }
  const TlStatus s = tl::api()->tensor_set_data(impl(o), impl(v));
  if (s != TL_OK) raise(s);
  return s == TL_OK ? 0 : -1;
}
PyObject* get_base(PyObject* o, void*) {
  TlTensor b = tl::api()->tensor_base(impl(o));
  if (!b) Py_RETURN_NONE;
  tl::api()->tensor_retain(b);
  return wrap(b);
}
PyObject* get_layout(PyObject* o, void*) { return PyObject_GetAttrString(g_python_module, impl(o)->sparse() ? "sparse_coo" : "strided"); }
PyObject* get_is_sparse(PyObject* o, void*) { return PyBool_FromLong(impl(o)->sparse()); }
PyObject* get_false(PyObject*, void*) { Py_RETURN_FALSE; }
PyObject* get_is_cpu(PyObject* o, void*) { return PyBool_FromLong(impl(o)->device.type == TL_CPU); }
PyObject* get_is_cuda(PyObject* o, void*) { return PyBool_FromLong(impl(o)->device.type == TL_CUDA); }
PyObject* get_is_meta(PyObject* o, void*) { return PyBool_FromLong(impl(o)->device.type == TL_META); }

PyGetSetDef getset[] = {
    {"shape", get_shape, nullptr, "The sizes of the dimensions, a tallow.Size.", nullptr},
    {"dtype", get_dtype, nullptr, "The element type.", nullptr},
    {"device", get_device, nullptr, "Where the data lives.", nullptr},
    {"ndim", get_ndim, nullptr, "The number of dimensions.", nullptr},
    {"requires_grad", get_requires_grad, set_requires_grad, "Whether gradients flow to this tensor.", nullptr},
    {"itemsize", get_itemsize, nullptr, "Bytes per element.", nullptr},
    {"nbytes", get_nbytes, nullptr, "Bytes of all elements.", nullptr},
    {"_version", get_version, nullptr, "How often the storage was written to.", nullptr},
    {"data", get_data, set_data, "The same memory outside the graph.", nullptr},
    {"_base", get_base, nullptr, "The tensor that this is a view of, or None.", nullptr},
    {"layout", get_layout, nullptr, nullptr, nullptr},
    {"is_cpu", get_is_cpu, nullptr, nullptr, nullptr},
    {"is_cuda", get_is_cuda, nullptr, nullptr, nullptr},
    {"is_meta", get_is_meta, nullptr, nullptr, nullptr},
    {"is_sparse", get_is_sparse, nullptr, "Whether the layout is tallow.sparse_coo.", nullptr},
    {"is_quantized", get_false, nullptr, nullptr, nullptr},
    {"is_mkldnn", get_false, nullptr, nullptr, nullptr},
    {"is_nested", get_false, nullptr, nullptr, nullptr},
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, nullptr, nullptr},
    {}};

// ---------------------------------------------------------------- plain methods
bool dim_arg(PyObject* o, PyObject* arg, int64_t* d) {
  *d = PyLong_AsLongLong(arg);
  if (*d == -1 && PyErr_Occurred()) return false;
  const int64_t n = impl(o)->ndim ? impl(o)->ndim : 1;
  if (*d < -n || *d >= n || impl(o)->ndim == 0) {
    if (impl(o)->ndim == 0) PyErr_Format(PyExc_IndexError, "Dimension specified as %lld but tensor has no dimensions", static_cast<long long>(*d));
    else
      PyErr_Format(PyExc_IndexError, "Dimension out of range (expected to be in range of [%lld, %lld], but got %lld)", static_cast<long long>(-n),
                   static_cast<long long>(n - 1), static_cast<long long>(*d));
    return false;
  }
  if (*d < 0) *d += n;
  return true;
}
PyObject* m_size(PyObject* o, PyObject* args, PyObject* kwargs) {
  PyObject* dim = nullptr;
  static const char* names[] = {"dim", nullptr};
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O", const_cast<char**>(names), &dim)) return nullptr;
  if (!dim || dim == Py_None) return get_shape(o, nullptr);
  int64_t d;
  return dim_arg(o, dim, &d) ? PyLong_FromLongLong(impl(o)->size(d)) : nullptr;
}
PyObject* m_stride(PyObject* o, PyObject* args, PyObject* kwargs) {
  PyObject* dim = nullptr;
  static const char* names[] = {"dim", nullptr};
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O", const_cast<char**>(names), &dim)) return nullptr;
  if (!dim || dim == Py_None) {
    const int n = impl(o)->ndim;
    PyObject* t = PyTuple_New(n);
    for (int i = 0; t && i < n; ++i) PyTuple_SET_ITEM(t, i, PyLong_FromLongLong(impl(o)->stride(i)));
    return t;
  }
  int64_t d;
  return dim_arg(o, dim, &d) ? PyLong_FromLongLong(impl(o)->stride(d)) : nullptr;
}
PyObject* m_dim(PyObject* o, PyObject*) { return PyLong_FromLong(impl(o)->ndim); }
PyObject* m_numel(PyObject* o, PyObject*) { return PyLong_FromLongLong(impl(o)->numel); }
PyObject* m_offset(PyObject* o, PyObject*) { return PyLong_FromLongLong(impl(o)->offset); }
PyObject* m_item(PyObject* o, PyObject*) { return item(impl(o)); }
PyObject* m_data_ptr(PyObject* o, PyObject*) {
  return impl(o)->sparse() ? no_memory(kNoPointer) : PyLong_FromVoidPtr(impl(o)->numel ? impl(o)->data() : nullptr);
}
PyObject* m_is_contiguous(PyObject* o, PyObject* args, PyObject* kwargs) {
  PyObject* mf = nullptr;
  static const char* names[] = {"memory_format", nullptr};
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O", const_cast<char**>(names), &mf)) return nullptr;
  const TlTensorImpl* t = impl(o);
  int64_t want = TL_CONTIGUOUS_FORMAT;
  if (mf && Py_TYPE(mf) == EnumType) want = reinterpret_cast<PyEnum*>(mf)->value;
  if (want == TL_CHANNELS_LAST || want == TL_CHANNELS_LAST_3D) {
    const int nd = want == TL_CHANNELS_LAST ? 4 : 5;
    if (t->ndim != nd) Py_RETURN_FALSE;
    int64_t expected = 1;
    int order[5] = {1};
    int k = 1;
    for (int d = nd - 1; d >= 2; --d) order[k++] = d;
    order[k] = 0;
    for (int i = 0; i < nd; ++i) {
      if (t->size(order[i]) != 1 && t->stride(order[i]) != expected) Py_RETURN_FALSE;
      expected *= t->size(order[i]);
    }
    Py_RETURN_TRUE;
  }
  return PyBool_FromLong(t->contiguous());
}
PyObject* m_element_size(PyObject* o, PyObject*) { return get_itemsize(o, nullptr); }
PyObject* m_is_floating_point(PyObject* o, PyObject*) { return PyBool_FromLong(is_floating(impl(o)->dtype)); }
PyObject* m_is_complex(PyObject* o, PyObject*) { return PyBool_FromLong(is_complex(impl(o)->dtype)); }
PyObject* m_is_signed(PyObject* o, PyObject*) {
  return PyBool_FromLong(!is_unsigned(impl(o)->dtype) && impl(o)->dtype != DType::Bool);
}
PyObject* m_storage_id(PyObject* o, PyObject*) {
  return impl(o)->sparse() ? no_memory(kNoStorage, PyExc_NotImplementedError) : PyLong_FromVoidPtr(impl(o)->storage);
}
PyObject* m_storage_nbytes(PyObject* o, PyObject*) {
  return impl(o)->sparse() ? no_memory(kNoStorage, PyExc_NotImplementedError) : PyLong_FromLongLong(impl(o)->storage->nbytes);
}

PyObject* list_of(const TlTensorImpl* t, const char* data, int d) {
  if (d == t->ndim) return wrap_scalar(t, data);
  const int64_t n = t->size(d), step = t->stride(d) * kItemSize[static_cast<int>(t->dtype)];
  PyObject* l = PyList_New(n);
  for (int64_t i = 0; l && i < n; ++i) {
    PyObject* e = list_of(t, data + i * step, d + 1);
    if (!e) {
      Py_DECREF(l);
      return nullptr;
    }
    PyList_SET_ITEM(l, i, e);
  }
  return l;
}
PyObject* m_tolist(PyObject* o, PyObject*) {
  if (impl(o)->is_meta()) return no_memory("tolist() cannot be called on meta tensors");
  if (impl(o)->sparse()) return no_memory(kNoPointer);
  return list_of(impl(o), static_cast<const char*>(impl(o)->data()), 0);
}

PyMethodDef methods[] = {
    {"size", reinterpret_cast<PyCFunction>(m_size), METH_VARARGS | METH_KEYWORDS, "size(dim=None): the shape, or one dimension of it."},
    {"stride", reinterpret_cast<PyCFunction>(m_stride), METH_VARARGS | METH_KEYWORDS, "stride(dim=None): steps between elements, in elements."},
    {"dim", m_dim, METH_NOARGS, "The number of dimensions."},
    {"ndimension", m_dim, METH_NOARGS, "The number of dimensions."},
    {"numel", m_numel, METH_NOARGS, "The number of elements."},
    {"nelement", m_numel, METH_NOARGS, "The number of elements."},
    {"storage_offset", m_offset, METH_NOARGS, "Where the first element lies in the storage, in elements."},
    {"item", m_item, METH_NOARGS, "The only element, as a Python number."},
    {"tolist", m_tolist, METH_NOARGS, "The elements as nested lists of Python numbers."},
    {"data_ptr", m_data_ptr, METH_NOARGS, "The address of the first element."},
    {"is_contiguous", reinterpret_cast<PyCFunction>(m_is_contiguous), METH_VARARGS | METH_KEYWORDS, nullptr},
    {"element_size", m_element_size, METH_NOARGS, "Bytes per element."},
    {"is_floating_point", m_is_floating_point, METH_NOARGS, nullptr},
    {"is_complex", m_is_complex, METH_NOARGS, nullptr},
    {"is_signed", m_is_signed, METH_NOARGS, nullptr},
    {"is_inference", get_is_inference, METH_NOARGS, nullptr},
    {"_storage_id", m_storage_id, METH_NOARGS, nullptr},
    {"_storage_nbytes", m_storage_nbytes, METH_NOARGS, nullptr},
    {}};

// ---------------------------------------------------------------- number protocol
struct BinaryOp {
  const char* name;
  TlOp op = nullptr;
  TlOpInfo info{};
  void find() {
    op = op_handle(name);
    info.struct_size = sizeof info;
    tl::api()->op_info(op, &info);
  }
};

PyObject* run_binary(BinaryOp& b, PyObject* x, PyObject* y) {
  try {
    if (__builtin_expect(!b.op, 0)) b.find();
    Frame f;
    PyObject* in[2] = {x, y};
    for (int i = 0; i < 2; ++i) {
      f.args[i] = {};
      if (is_tensor(in[i])) f.args[i].tag = TL_TENSOR, f.args[i].tensor = impl(in[i]);
      else if (!b.info.args[i].is_scalar || !number_value(in[i], &f.args[i], f)) {
        if (PyErr_Occurred()) return nullptr;
        Py_RETURN_NOTIMPLEMENTED;
      }
    }
    for (uint32_t i = 2; i < b.info.nargs; ++i) f.args[i] = b.info.args[i].default_value;
    const TlStatus s = call_frame(b.op, f, b.info.nargs, b.info.flags);
    if (__builtin_expect(s != TL_OK, 0)) return raise(s);
    return wrap_value(f.rets[0]);
  } catch (...) {
    return raise_current();
  }
}

// The operator with a number on either side: schemas of the arithmetic ops accept one there.
#define TL_NB(fn, opname)                          \
  PyObject* fn(PyObject* x, PyObject* y) {         \
    static BinaryOp op{opname};                    \
    return run_binary(op, x, y);                   \
  }
TL_NB(nb_add, "add")
TL_NB(nb_sub, "sub")
TL_NB(nb_mul, "mul")
TL_NB(nb_div, "div")
TL_NB(nb_floordiv, "floor_divide")
TL_NB(nb_mod, "remainder")
TL_NB(nb_matmul, "matmul")
TL_NB(nb_and, "bitwise_and")
TL_NB(nb_or, "bitwise_or")
TL_NB(nb_xor, "bitwise_xor")
TL_NB(nb_lshift, "bitwise_left_shift")
TL_NB(nb_rshift, "bitwise_right_shift")
TL_NB(nb_iadd, "add_")
TL_NB(nb_isub, "sub_")
TL_NB(nb_imul, "mul_")
TL_NB(nb_idiv, "div_")
TL_NB(nb_ifloordiv, "floor_divide_")
TL_NB(nb_imod, "remainder_")
TL_NB(nb_iand, "bitwise_and_")
TL_NB(nb_ior, "bitwise_or_")
TL_NB(nb_ixor, "bitwise_xor_")
TL_NB(nb_ilshift, "bitwise_left_shift_")
TL_NB(nb_irshift, "bitwise_right_shift_")
#undef TL_NB

PyObject* nb_pow(PyObject* x, PyObject* y, PyObject*) {
  static BinaryOp op{"pow"};
  return run_binary(op, x, y);
}
PyObject* nb_ipow(PyObject* x, PyObject* y, PyObject*) {
  static BinaryOp op{"pow_"};
  return run_binary(op, x, y);
}

PyObject* run_unary(const char* name, TlOp& op, PyObject* x) {
  try {
    if (!op) op = op_handle(name);
    Frame f;
    f.args[0] = {};
    f.args[0].tag = TL_TENSOR, f.args[0].tensor = impl(x);
    const TlStatus s = call_frame(op, f, 1, 0);
    if (s != TL_OK) return raise(s);
    return wrap_value(f.rets[0]);
  } catch (...) {
    return raise_current();
  }
}
PyObject* nb_neg(PyObject* x) {
  static TlOp op;
  return run_unary("neg", op, x);
}
PyObject* nb_abs(PyObject* x) {
  static TlOp op;
  return run_unary("abs", op, x);
}
PyObject* nb_invert(PyObject* x) {
  static TlOp op;
  return run_unary("bitwise_not", op, x);
}
PyObject* nb_pos(PyObject* x) {
  Py_INCREF(x);
  return x;
}
int nb_bool(PyObject* x) {
  if (impl(x)->numel != 1) {
    PyErr_SetString(PyExc_RuntimeError, impl(x)->numel == 0 ? "Boolean value of Tensor with no values is ambiguous"
                                                            : "Boolean value of Tensor with more than one value is ambiguous");
    return -1;
  }
  Obj n(item(impl(x)));
  return n ? PyObject_IsTrue(n.get()) : -1;
}
PyObject* nb_float(PyObject* x) {
  Obj n(item(impl(x)));
  if (!n) return nullptr;
  if (PyComplex_Check(n.get())) {
    if (PyComplex_ImagAsDouble(n.get()) != 0) {
      PyErr_SetString(PyExc_RuntimeError, "value cannot be converted to type double without overflow");
      return nullptr;
    }
    return PyFloat_FromDouble(PyComplex_RealAsDouble(n.get()));
  }
  return PyNumber_Float(n.get());
}
PyObject* nb_int(PyObject* x) {
  Obj n(item(impl(x)));
  if (!n) return nullptr;
  if (PyComplex_Check(n.get())) return PyLong_FromDouble(PyComplex_RealAsDouble(n.get()));
  return PyNumber_Long(n.get());
}
PyObject* nb_index(PyObject* x) {
  if (impl(x)->numel != 1 || is_inexact(impl(x)->dtype)) {
    PyErr_SetString(PyExc_TypeError, "only integer tensors of a single element can be converted to an index");
    return nullptr;
  }
  Obj n(item(impl(x)));
  return n ? PyNumber_Index(n.get()) : nullptr;
}

PyObject* richcompare(PyObject* x, PyObject* y, int op) {
  static BinaryOp ops[6] = {{"lt"}, {"le"}, {"eq"}, {"ne"}, {"gt"}, {"ge"}};
  return run_binary(ops[op], x, y);
}
Py_hash_t tensor_hash(PyObject* o) { return static_cast<Py_hash_t>(reinterpret_cast<uintptr_t>(o) >> 4); }
Py_ssize_t tensor_length(PyObject* o) {
  if (impl(o)->ndim == 0) {
    PyErr_SetString(PyExc_TypeError, "len() of a 0-d tensor");
    return -1;
  }
  return impl(o)->size(0);
}
PyObject* tensor_repr(PyObject* o) {
  Obj f(PyObject_GetAttrString(g_python_module, "_tensor_repr"));
  return f ? PyObject_CallOneArg(f.get(), o) : nullptr;
}
PyObject* tensor_iter(PyObject* o) {
  if (impl(o)->ndim == 0) {
    PyErr_SetString(PyExc_TypeError, "iteration over a 0-d tensor");
    return nullptr;
  }
  Obj parts(PyObject_CallMethod(o, "unbind", "i", 0));
  return parts ? PyObject_GetIter(parts.get()) : nullptr;
}

PyMemberDef members[] = {{"__dictoffset__", T_PYSSIZET, offsetof(PyTensor, dict), READONLY, nullptr},
                         {"__weaklistoffset__", T_PYSSIZET, offsetof(PyTensor, weakrefs), READONLY, nullptr},
                         {}};

#define SLOT(id, fn) {id, reinterpret_cast<void*>(fn)}
PyType_Slot slots[] = {
    SLOT(Py_tp_new, tensor_new), SLOT(Py_tp_dealloc, tensor_dealloc), SLOT(Py_tp_traverse, tensor_traverse), SLOT(Py_tp_clear, tensor_clear),
    SLOT(Py_tp_members, members), SLOT(Py_tp_getset, getset), SLOT(Py_tp_methods, methods), SLOT(Py_tp_repr, tensor_repr),
    SLOT(Py_tp_hash, tensor_hash), SLOT(Py_tp_richcompare, richcompare), SLOT(Py_tp_iter, tensor_iter),
    SLOT(Py_nb_add, nb_add), SLOT(Py_nb_subtract, nb_sub), SLOT(Py_nb_multiply, nb_mul), SLOT(Py_nb_true_divide, nb_div),
    SLOT(Py_nb_floor_divide, nb_floordiv), SLOT(Py_nb_remainder, nb_mod), SLOT(Py_nb_matrix_multiply, nb_matmul), SLOT(Py_nb_power, nb_pow),
    SLOT(Py_nb_and, nb_and), SLOT(Py_nb_or, nb_or), SLOT(Py_nb_xor, nb_xor), SLOT(Py_nb_lshift, nb_lshift), SLOT(Py_nb_rshift, nb_rshift),
    SLOT(Py_nb_inplace_add, nb_iadd), SLOT(Py_nb_inplace_subtract, nb_isub), SLOT(Py_nb_inplace_multiply, nb_imul),
    SLOT(Py_nb_inplace_true_divide, nb_idiv), SLOT(Py_nb_inplace_floor_divide, nb_ifloordiv), SLOT(Py_nb_inplace_remainder, nb_imod),
    SLOT(Py_nb_inplace_power, nb_ipow), SLOT(Py_nb_inplace_and, nb_iand), SLOT(Py_nb_inplace_or, nb_ior), SLOT(Py_nb_inplace_xor, nb_ixor),
    SLOT(Py_nb_inplace_lshift, nb_ilshift), SLOT(Py_nb_inplace_rshift, nb_irshift),
    SLOT(Py_nb_negative, nb_neg), SLOT(Py_nb_positive, nb_pos), SLOT(Py_nb_absolute, nb_abs), SLOT(Py_nb_invert, nb_invert),
    SLOT(Py_nb_bool, nb_bool), SLOT(Py_nb_float, nb_float), SLOT(Py_nb_int, nb_int), SLOT(Py_nb_index, nb_index),
    SLOT(Py_mp_length, tensor_length), SLOT(Py_mp_subscript, tensor_getitem), SLOT(Py_mp_ass_subscript, tensor_setitem),
    SLOT(Py_bf_getbuffer, tensor_getbuffer), SLOT(Py_bf_releasebuffer, tensor_releasebuffer),
    {Py_tp_doc, const_cast<char*>("A multi-dimensional array of elements of one dtype.")}, {0, nullptr}};
#undef SLOT
PyType_Spec spec = {"tallow.Tensor", sizeof(PyTensor), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC, slots};

// ---------------------------------------------------------------- properties that are ops
// OpProperty("autograd::grad_get", "autograd::grad_set"): an attribute of Tensor that calls an op.
struct OpProperty {
  PyObject_HEAD
  TlOp getter;
  TlOp setter;
};
PyObject* property_new(PyTypeObject* type, PyObject* args, PyObject*) {
  const char *get, *set = nullptr;
  if (!PyArg_ParseTuple(args, "s|z", &get, &set)) return nullptr;
  try {
    const TlOp g = op_handle(get), s = set ? op_handle(set) : nullptr;
    auto* p = reinterpret_cast<OpProperty*>(type->tp_alloc(type, 0));
    if (p) p->getter = g, p->setter = s;
    return reinterpret_cast<PyObject*>(p);
  } catch (...) {
    return raise_current();
  }
}
PyObject* property_get(PyObject* self, PyObject* instance, PyObject*) {
  if (!instance || instance == Py_None) {
    Py_INCREF(self);
    return self;
  }
  Frame f;
  f.args[0] = {};
  f.args[0].tag = TL_TENSOR, f.args[0].tensor = impl(instance);
  const TlStatus s = tl::api()->op_call(reinterpret_cast<OpProperty*>(self)->getter, f.args, 1, f.rets);
  return s == TL_OK ? wrap_value(f.rets[0]) : raise(s);
}
int property_set(PyObject* self, PyObject* instance, PyObject* value) {
  auto* p = reinterpret_cast<OpProperty*>(self);
  if (!p->setter) {
    PyErr_SetString(PyExc_AttributeError, "attribute is not writable");
    return -1;
  }
  Frame f;
  f.args[0] = f.args[1] = {};
  f.args[0].tag = TL_TENSOR, f.args[0].tensor = impl(instance);
  if (value && value != Py_None) {
    if (is_tensor(value)) f.args[1].tag = TL_TENSOR, f.args[1].tensor = impl(value);
    else if (!number_value(value, &f.args[1], f)) {
      if (!PyErr_Occurred()) PyErr_Format(PyExc_TypeError, "expected a Tensor or None, got %s", Py_TYPE(value)->tp_name);
      return -1;
    }
  }
  const TlStatus s = tl::api()->op_call(p->setter, f.args, 2, f.rets);
  if (s != TL_OK) raise(s);
  return s == TL_OK ? 0 : -1;
}
void property_dealloc(PyObject* o) {
  PyTypeObject* t = Py_TYPE(o);
  t->tp_free(o);
  Py_DECREF(t);
}
PyType_Slot property_slots[] = {{Py_tp_new, reinterpret_cast<void*>(property_new)}, {Py_tp_descr_get, reinterpret_cast<void*>(property_get)},
                                {Py_tp_descr_set, reinterpret_cast<void*>(property_set)}, {Py_tp_dealloc, reinterpret_cast<void*>(property_dealloc)},
                                {0, nullptr}};
PyType_Spec property_spec = {"tallow._core.OpProperty", sizeof(OpProperty), 0, Py_TPFLAGS_DEFAULT, property_slots};

}  // namespace

int add_tensor_type(PyObject* m) {
  TensorType = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
  Obj property(PyType_FromSpec(&property_spec));
  if (!TensorType || !property) return -1;
  tl::api()->tensor_set_host_release(release_hosted);
  if (PyModule_AddObjectRef(m, "OpProperty", property.get()) < 0) return -1;
  return PyModule_AddObjectRef(m, "Tensor", reinterpret_cast<PyObject*>(TensorType));
}

}  // namespace tallow::py
