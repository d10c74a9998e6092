// Tensors from Python data, and the buffer protocol both ways.
#include <memory>
#include <vector>

#include "bindings/python.hpp"

namespace tallow::py {
namespace {

const char* format_of(DType t) {
  switch (t) {
    case DType::Bool: return "?";
    case DType::UInt8: return "B";
    case DType::Int8: return "b";
    case DType::Int16: return "h";
    case DType::Int32: return "i";
    case DType::Int64: return "l";
    case DType::UInt16: return "H";
    case DType::UInt32: return "I";
    case DType::UInt64: return "L";
    case DType::Float16: return "e";
    case DType::Float32: return "f";
    case DType::Float64: return "d";
    case DType::Complex64: return "Zf";
    case DType::Complex128: return "Zd";
    default: return nullptr;
  }
}

bool dtype_of_format(const char* f, Py_ssize_t itemsize, TlDtype* out) {
  if (!f) f = "B";
  if (*f == '@' || *f == '=' || *f == '<') ++f;
  const std::string s(f);
  if (s == "?") *out = TL_BOOL_DT;
  else if (s == "e") *out = TL_FLOAT16;
  else if (s == "f") *out = TL_FLOAT32;
  else if (s == "d") *out = TL_FLOAT64;
  else if (s == "Zf" || s == "F") *out = TL_COMPLEX64;
  else if (s == "Zd" || s == "D") *out = TL_COMPLEX128;
  else if (s == "g" || s == "Zg") return false;
  else if (s.size() == 1 && std::strchr("bhilqn", s[0])) *out = itemsize == 1 ? TL_INT8 : itemsize == 2 ? TL_INT16 : itemsize == 4 ? TL_INT32 : TL_INT64;
  else if (s.size() == 1 && std::strchr("BHILQN", s[0])) *out = itemsize == 1 ? TL_UINT8 : itemsize == 2 ? TL_UINT16 : itemsize == 4 ? TL_UINT32 : TL_UINT64;
  else return false;
  return true;
}

void release_buffer(void* context) {
  if (Py_IsInitialized()) {
    const PyGILState_STATE gil = PyGILState_Ensure();
    PyBuffer_Release(static_cast<Py_buffer*>(context));
    PyGILState_Release(gil);
  }
  delete static_cast<Py_buffer*>(context);
}

// A tensor over the memory of a buffer exporter. Null without error if the dtype has no counterpart.
TlTensor from_buffer(PyObject* o) {
  auto view = std::make_unique<Py_buffer>();
  if (PyObject_GetBuffer(o, view.get(), PyBUF_FULL) < 0) {
    PyErr_Clear();
    if (PyObject_GetBuffer(o, view.get(), PyBUF_FULL_RO) < 0) return nullptr;
  }
  TlDtype dtype;
  if (!dtype_of_format(view->format, view->itemsize, &dtype)) {
    PyErr_Format(PyExc_TypeError,
                 "can't convert an array of format '%s'. The supported types are: float64, float32, float16, complex64, complex128, int64, int32, "
                 "int16, int8, uint64, uint32, uint16, uint8, and bool.",
                 view->format ? view->format : "B");
    PyBuffer_Release(view.get());
    return nullptr;
  }
  std::vector<int64_t> sizes(view->shape, view->shape + view->ndim), strides(static_cast<size_t>(view->ndim));
  for (int i = 0; i < view->ndim; ++i) {
    const Py_ssize_t step = view->strides ? view->strides[i] : 0;
    if (step < 0 || step % view->itemsize) {
      PyErr_SetString(PyExc_ValueError,
                      step < 0 ? "At least one stride in the given numpy array is negative, and tensors with negative strides are not "
                                 "currently supported. (You can probably work around this by making a copy of your array with array.copy().)"
                               : "given numpy array strides not a multiple of the element byte size. Copy the numpy array to reallocate the memory.");
      PyBuffer_Release(view.get());
      return nullptr;
    }
    strides[static_cast<size_t>(i)] = step / view->itemsize;
  }
  TlTensor t;
  Py_buffer* keep = view.release();
  const TlStatus s = tl::api()->tensor_from_blob(keep->buf, sizes.data(), keep->strides || keep->ndim == 0 ? strides.data() : nullptr, keep->ndim, dtype,
                                                 {TL_CPU, -1}, release_buffer, keep, &t);
  if (s != TL_OK) {
    release_buffer(keep);
    raise(s);
    return nullptr;
  }
  return t;
}

// ---------------------------------------------------------------- nested sequences
struct Scan {
  std::vector<int64_t> sizes;
  DType dtype = DType::Bool;
  bool any = false;
};

bool is_number_like(PyObject* o) {
  if (PyFloat_Check(o) || PyLong_Check(o) || PyComplex_Check(o)) return true;
  if (is_tensor(o)) return false;
  return !PySequence_Check(o) && (PyIndex_Check(o) || (Py_TYPE(o)->tp_as_number && Py_TYPE(o)->tp_as_number->nb_float));
}

bool scan(PyObject* o, size_t depth, Scan& s, bool first) {
  if (depth > 64) {
    PyErr_SetString(PyExc_ValueError, "too many dimensions: nested more than 64 deep");
    return false;
  }
  Frame f;
  TlValue v{};
  if (is_tensor(o)) {
    if (impl(o)->ndim != 0) {
      if (impl(o)->numel != 1) {
        PyErr_Format(PyExc_ValueError, "only one element tensors can be converted to Python scalars");
        return false;
      }
    }
    s.dtype = s.any ? std::max(s.dtype, impl(o)->dtype) : impl(o)->dtype;
    s.any = true;
    if (depth != s.sizes.size() && !first) {
      PyErr_Format(PyExc_ValueError, "expected sequence of length %lld at dim %zu", static_cast<long long>(s.sizes[depth]), depth);
      return false;
    }
    return true;
  }
  if (is_number_like(o)) {
    if (!number_value(o, &v, f)) {
      if (!PyErr_Occurred()) PyErr_Format(PyExc_TypeError, "new(): invalid data type '%s'", Py_TYPE(o)->tp_name);
      return false;
    }
    if (depth != s.sizes.size()) {
      PyErr_Format(PyExc_TypeError, "expected sequence at dim %zu, got %s", depth, Py_TYPE(o)->tp_name);
      return false;
    }
    const int rank = v.tag == TL_BOOL ? 0 : v.tag == TL_INT ? 1 : v.tag == TL_DOUBLE ? 2 : 3;
    const int now = !s.any ? -1 : category(s.dtype);
    if (rank > now) s.dtype = rank == 0 ? DType::Bool : rank == 1 ? DType::Int64 : rank == 2 ? DType::Float32 : DType::Complex64;
    s.any = true;
    return true;
  }
  if (PyUnicode_Check(o) || PyDict_Check(o) || !PySequence_Check(o)) {
    PyErr_Format(PyExc_TypeError, "new(): invalid data type '%s'", Py_TYPE(o)->tp_name);
    return false;
  }
  Obj seq(PySequence_Fast(o, "not a sequence"));
  if (!seq) return false;
  const Py_ssize_t n = PySequence_Fast_GET_SIZE(seq.get());
  if (first) s.sizes.push_back(n);
  if (depth >= s.sizes.size() || s.sizes[depth] != n) {
    PyErr_Format(PyExc_ValueError, "expected sequence of length %lld at dim %zu (got %zd)",
                 depth < s.sizes.size() ? static_cast<long long>(s.sizes[depth]) : 0LL, depth, n);
    return false;
  }
  for (Py_ssize_t i = 0; i < n; ++i)
    if (!scan(PySequence_Fast_GET_ITEM(seq.get(), i), depth + 1, s, first && i == 0)) return false;
  return true;
}

template <class T>
bool put_number(PyObject* o, char* at) {
  Frame f;
  TlValue v{};
  Obj from_tensor;
  if (is_tensor(o)) {
    from_tensor = Obj(item(impl(o)));
    if (!from_tensor) return false;
    o = from_tensor.get();
  }
  if (!number_value(o, &v, f)) return false;
  const double re = v.tag == TL_DOUBLE ? v.d : v.tag == TL_COMPLEX ? v.complex[0] : static_cast<double>(v.i);
  if constexpr (std::is_same_v<T, c64> || std::is_same_v<T, c128>) {
    *reinterpret_cast<T*>(at) = T(static_cast<typename T::value_type>(re), static_cast<typename T::value_type>(v.tag == TL_COMPLEX ? v.complex[1] : 0));
  } else {
    if (v.tag == TL_COMPLEX) {
      PyErr_SetString(PyExc_TypeError, "can't convert complex to a real dtype");
      return false;
    }
    if constexpr (std::is_same_v<T, bool>) {
      *reinterpret_cast<T*>(at) = re != 0;
    } else if constexpr (std::is_integral_v<T>) {
      if (v.tag != TL_DOUBLE) {
        const int64_t i = v.i;
        if (sizeof(T) < 8 && (i > static_cast<int64_t>(std::numeric_limits<T>::max()) ||
                              (i < static_cast<int64_t>(std::numeric_limits<T>::min()) &&
                               !(std::is_unsigned_v<T> && i >= -static_cast<int64_t>(std::numeric_limits<T>::max()))))) {
          PyErr_Format(PyExc_RuntimeError, "value cannot be converted to type %s without overflow", "the integer dtype");
          return false;
        }
        *reinterpret_cast<T*>(at) = static_cast<T>(i);
      } else {
        *reinterpret_cast<T*>(at) = static_cast<T>(static_cast<int64_t>(re));
      }
    } else {
      *reinterpret_cast<T*>(at) = static_cast<T>(re);
    }
  }
  return true;
}

bool put(PyObject* o, DType t, char* at) {
  switch (t) {
#define TL_CASE(E, T) \
  case DType::E: return put_number<T>(o, at);
    TL_FORALL_DTYPES(TL_CASE)
    TL_FORALL_STORAGE_DTYPES(TL_CASE)
#undef TL_CASE
  }
  return false;
}

bool fill_from(PyObject* o, size_t depth, const std::vector<int64_t>& sizes, DType t, char*& at) {
  if (depth == sizes.size()) {
    if (!put(o, t, at)) {
      if (!PyErr_Occurred()) PyErr_Format(PyExc_TypeError, "new(): invalid data type '%s'", Py_TYPE(o)->tp_name);
      return false;
    }
    at += kItemSize[static_cast<int>(t)];
    return true;
  }
  Obj seq(PySequence_Fast(o, "not a sequence"));
  if (!seq) return false;
  for (int64_t i = 0; i < sizes[depth]; ++i)
    if (!fill_from(PySequence_Fast_GET_ITEM(seq.get(), i), depth + 1, sizes, t, at)) return false;
  return true;
}

PyObject* tensor_from_data(PyObject*, PyObject* args) {
  PyObject *data, *dtype_object;
  if (!PyArg_ParseTuple(args, "OO", &data, &dtype_object)) return nullptr;
  try {
    TlDtype wanted = -1;
    if (dtype_object != Py_None && !parse_dtype(dtype_object, &wanted))
      return PyErr_Format(PyExc_TypeError, "tensor(): argument 'dtype' must be tallow.dtype, not %s", Py_TYPE(dtype_object)->tp_name);
    if (!is_tensor(data) && !PyBytes_Check(data) && PyObject_CheckBuffer(data) && !PyLong_Check(data) && !PyFloat_Check(data)) {
      TlTensor shared = from_buffer(data);
      if (!shared) return nullptr;
      return wrap(shared);
    }
    Scan s;
    if (!scan(data, 0, s, true)) return nullptr;
    DType t = wanted >= 0 ? static_cast<DType>(wanted) : s.dtype;
    if (wanted < 0) {
      Obj d(PyObject_CallMethod(g_python_module, "get_default_dtype", nullptr));
      TlDtype def = TL_FLOAT32;
      if (d) parse_dtype(d.get(), &def);
      if (!s.any) t = static_cast<DType>(def);
      else if (t == DType::Float32) t = static_cast<DType>(def);
      else if (t == DType::Complex64 && def == TL_FLOAT64) t = DType::Complex128;
    }
    tl::Tensor out = tl::empty(s.sizes, static_cast<TlDtype>(t));
    char* at = static_cast<char*>(out.data());
    if (out.numel() && !fill_from(data, 0, s.sizes, t, at)) return nullptr;
    return wrap(out.take());
  } catch (...) {
    return raise_current();
  }
}

PyObject* buffer_tensor(PyObject*, PyObject* o) {
  TlTensor t = from_buffer(o);
  return t ? wrap(t) : nullptr;
}

// A one-dimensional view of bytes: dtype, count and offset in bytes.
PyObject* frombuffer(PyObject*, PyObject* args) {
  PyObject *buffer, *dtype_object;
  long long count, offset;
  if (!PyArg_ParseTuple(args, "OOLL", &buffer, &dtype_object, &count, &offset)) return nullptr;
  TlDtype dtype;
  if (!parse_dtype(dtype_object, &dtype)) return PyErr_Format(PyExc_TypeError, "frombuffer(): dtype must be a tallow.dtype");
  auto view = std::make_unique<Py_buffer>();
  if (PyObject_GetBuffer(buffer, view.get(), PyBUF_WRITABLE) < 0) {
    PyErr_Clear();
    if (PyObject_GetBuffer(buffer, view.get(), PyBUF_SIMPLE) < 0) return nullptr;
  }
  const long long item = kItemSize[dtype], length = view->len;
  auto refuse = [&](const std::string& why) {
    PyBuffer_Release(view.get());
    PyErr_SetString(PyExc_ValueError, why.c_str());
    return nullptr;
  };
  if (length == 0 || count == 0) return refuse("both buffer length (" + std::to_string(length) + ") and count (" + std::to_string(count) + ") must not be 0");
  if (offset < 0 || offset >= length)
    return refuse("offset (" + std::to_string(offset) + " bytes) must be non-negative and no greater than buffer length (" + std::to_string(length) +
                  " bytes) minus 1");
  if (count > 0 && (count > (length - offset) / item))
    return refuse("requested buffer length (" + std::to_string(count) + " * " + std::to_string(item) + " bytes) after offset (" + std::to_string(offset) +
                  " bytes) must not be greater than actual buffer length (" + std::to_string(length) + " bytes)");
  if (count < 0) {
    if ((length - offset) % item)
      return refuse("buffer length (" + std::to_string(length - offset) + " bytes) after offset (" + std::to_string(offset) +
                    " bytes) must be a multiple of element size (" + std::to_string(item) + ")");
    count = (length - offset) / item;
  }
  const int64_t sizes[1] = {count};
  TlTensor t;
  Py_buffer* keep = view.release();
  const TlStatus s = tl::api()->tensor_from_blob(static_cast<char*>(keep->buf) + offset, sizes, nullptr, 1, dtype, {TL_CPU, -1}, release_buffer, keep, &t);
  if (s != TL_OK) {
    release_buffer(keep);
    return raise(s);
  }
  return wrap(t);
}

// The whole storage of a tensor as uint8.
PyObject* storage_bytes(PyObject*, PyObject* o) {
  if (!is_tensor(o)) return PyErr_Format(PyExc_TypeError, "expected a Tensor, got %s", Py_TYPE(o)->tp_name);
  TlTensorImpl* t = impl(o);
  if (t->sparse()) return PyErr_Format(PyExc_NotImplementedError, "Cannot access storage of a sparse tensor: use to_dense() or _values()");
  tl::api()->tensor_retain(t);
  const int64_t sizes[1] = {t->storage->nbytes};
  TlTensor bytes;
  const TlStatus s = tl::api()->tensor_from_blob(t->storage->data, sizes, nullptr, 1, TL_UINT8, t->device,
                                                 [](void* c) { tl::api()->tensor_release(static_cast<TlTensor>(c)); }, t, &bytes);
  if (s != TL_OK) return raise(s);
  return wrap(bytes);
}

}  // namespace

int tensor_getbuffer(PyObject* self, Py_buffer* view, int flags) {
  const TlTensorImpl* t = impl(self);
  view->obj = nullptr;
  const char* format = format_of(t->dtype);
  const char* why = nullptr;
  if (!format) why = "this dtype has no buffer format";
  else if (t->sparse()) why = "can't convert Sparse layout tensor to a buffer. Use Tensor.to_dense() first.";
  else if (t->device.type != TL_CPU) why = "only tensors on the CPU export a buffer";
  else if (t->keys >> TL_KEY_AUTOGRAD & 1) why = "Can't export a Tensor that requires grad. Use tensor.detach() first.";
  else if (!(flags & PyBUF_STRIDES) && !t->contiguous()) why = "the tensor is not contiguous";
  if (why) {
    PyErr_SetString(PyExc_BufferError, why);
    return -1;
  }
  const int64_t item = kItemSize[static_cast<int>(t->dtype)];
  auto* dims = static_cast<Py_ssize_t*>(PyMem_Malloc(sizeof(Py_ssize_t) * static_cast<size_t>(2 * t->ndim + 1)));
  if (!dims) {
    PyErr_NoMemory();
    return -1;
  }
  for (int i = 0; i < t->ndim; ++i) dims[i] = t->size(i), dims[t->ndim + i] = t->stride(i) * item;
  view->buf = t->data();
  view->len = t->numel * item;
  view->readonly = 0;
  view->itemsize = item;
  view->format = flags & PyBUF_FORMAT ? const_cast<char*>(format) : nullptr;
  view->ndim = t->ndim;
  view->shape = flags & PyBUF_ND ? dims : nullptr;
  view->strides = flags & PyBUF_STRIDES ? dims + t->ndim : nullptr;
  view->suboffsets = nullptr;
  view->internal = dims;
  view->obj = self;
  Py_INCREF(self);
  return 0;
}

void tensor_releasebuffer(PyObject*, Py_buffer* view) { PyMem_Free(view->internal); }

PyMethodDef interop_functions[] = {
    {"_tensor_from_data", tensor_from_data, METH_VARARGS, "A tensor from nested sequences (copied) or a buffer (shared)."},
    {"_tensor_from_buffer", buffer_tensor, METH_O, "A tensor over the memory of a buffer exporter."},
    {"_frombuffer", frombuffer, METH_VARARGS, nullptr},
    {"_storage_bytes", storage_bytes, METH_O, nullptr},
    {}};

}  // namespace tallow::py
