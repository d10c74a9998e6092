// DLPack, both ways and without a copy: capsules of version 1 ("dltensor_versioned") and of before ("dltensor").
// The structs are the ABI of the published standard, https://dmlc.github.io/dlpack/latest/c_api.html.
#include <algorithm>
#include <memory>
#include <vector>

#include "bindings/python.hpp"

namespace tallow::py {
namespace {

enum : int32_t { kDeviceCpu = 1, kDeviceCuda = 2, kDeviceCudaHost = 3, kDeviceCudaManaged = 13 };
enum : uint8_t {
  kCodeInt = 0, kCodeUInt = 1, kCodeFloat = 2, kCodeBfloat = 4, kCodeComplex = 5, kCodeBool = 6,
  kCodeFloat8E4M3FN = 10, kCodeFloat8E5M2 = 12
};
enum : uint64_t { kReadOnly = 1, kIsCopied = 2 };
// Only the major version decides whether a capsule can be read.
constexpr uint32_t kMajor = 1, kMinor = 1;

struct DlDevice {
  int32_t type, index;
};
struct DlDtype {
  uint8_t code, bits;
  uint16_t lanes;
};
struct DlTensor {
  void* data;
  DlDevice device;
  int32_t ndim;
  DlDtype dtype;
  int64_t* sizes;
  int64_t* strides;  // in elements; null: row major
  uint64_t byte_offset;
};
struct Legacy {
  static constexpr const char *kName = "dltensor", *kUsed = "used_dltensor";
  DlTensor tensor;
  void* context;
  void (*deleter)(Legacy*);
};
struct Versioned {
  static constexpr const char *kName = "dltensor_versioned", *kUsed = "used_dltensor_versioned";
  uint32_t major, minor;
  void* context;
  void (*deleter)(Versioned*);
  uint64_t flags;
  DlTensor tensor;
};
static_assert(sizeof(DlTensor) == 48 && sizeof(Legacy) == 64 && sizeof(Versioned) == 80 && offsetof(Versioned, tensor) == 32);

struct DtypeRow {
  DType ours;
  DlDtype theirs;
};
constexpr DtypeRow kDtypes[] = {
    {DType::Bool, {kCodeBool, 8, 1}},
    {DType::Int8, {kCodeInt, 8, 1}},
    {DType::Int16, {kCodeInt, 16, 1}},
    {DType::Int32, {kCodeInt, 32, 1}},
    {DType::Int64, {kCodeInt, 64, 1}},
    {DType::UInt8, {kCodeUInt, 8, 1}},
    {DType::UInt16, {kCodeUInt, 16, 1}},
    {DType::UInt32, {kCodeUInt, 32, 1}},
    {DType::UInt64, {kCodeUInt, 64, 1}},
    {DType::Float16, {kCodeFloat, 16, 1}},
    {DType::BFloat16, {kCodeBfloat, 16, 1}},
    {DType::Float32, {kCodeFloat, 32, 1}},
    {DType::Float64, {kCodeFloat, 64, 1}},
    {DType::Complex64, {kCodeComplex, 64, 1}},
    {DType::Complex128, {kCodeComplex, 128, 1}},
    {static_cast<DType>(TL_FLOAT8_E4M3FN), {kCodeFloat8E4M3FN, 8, 1}},
    {static_cast<DType>(TL_FLOAT8_E5M2), {kCodeFloat8E5M2, 8, 1}},
};

// ---------------------------------------------------------------- out
// What a capsule holds: the tensor is kept alive until the consumer calls the deleter, from whatever thread.
template <class Managed>
struct Exported {
  Managed managed{};
  TlTensor tensor = nullptr;
  std::vector<int64_t> shape;  // sizes, then strides
};

template <class Managed>
void release_exported(Managed* m) {
  auto* e = static_cast<Exported<Managed>*>(m->context);
  tl::api()->tensor_release(e->tensor);
  delete e;
}

// A capsule that nobody consumed still owns its tensor.
template <class Managed>
void drop_capsule(PyObject* capsule) {
  if (!PyCapsule_IsValid(capsule, Managed::kName)) return;
  auto* m = static_cast<Managed*>(PyCapsule_GetPointer(capsule, Managed::kName));
  if (m->deleter) m->deleter(m);
}

template <class Managed>
PyObject* make_capsule(TlTensorImpl* t, DlDevice device, DlDtype dtype, uint64_t flags) {
  auto e = std::make_unique<Exported<Managed>>();
  const auto n = static_cast<size_t>(t->ndim);
  e->shape.assign(t->shape, t->shape + 2 * n);
  // Consumers that test for a row-major layout compare every stride, also those that never take a step.
  for (size_t i = 0; i < n; ++i)
    if (e->shape[i] < 2) e->shape[n + i] = 1;
  DlTensor& d = e->managed.tensor;
  d.data = t->numel ? t->data() : nullptr;
  d.device = device, d.ndim = t->ndim, d.dtype = dtype, d.byte_offset = 0;
  d.sizes = e->shape.data(), d.strides = e->shape.data() + n;
  e->managed.context = e.get(), e->managed.deleter = release_exported<Managed>;
  if constexpr (std::is_same_v<Managed, Versioned>) e->managed.major = kMajor, e->managed.minor = kMinor, e->managed.flags = flags;
  Obj capsule(PyCapsule_New(&e->managed, Managed::kName, drop_capsule<Managed>));
  if (!capsule) return nullptr;
  tl::api()->tensor_retain(t);
  e->tensor = t;
  e.release();
  return capsule.take();
}

// _to_dlpack(tensor, versioned, copied)
PyObject* to_dlpack(PyObject*, PyObject* args) {
  PyObject* o;
  int versioned, copied;
  if (!PyArg_ParseTuple(args, "Opp", &o, &versioned, &copied)) return nullptr;
  if (!is_tensor(o)) return PyErr_Format(PyExc_TypeError, "to_dlpack(): expected a Tensor, got %s", Py_TYPE(o)->tp_name);
  TlTensorImpl* t = impl(o);
  if (t->sparse()) return PyErr_Format(PyExc_BufferError, "Can't export tensors of layout tallow.sparse_coo, use tensor.to_dense()");
  if (t->keys >> TL_KEY_AUTOGRAD & 1)
    return PyErr_Format(PyExc_BufferError, "Can't export tensors that require gradient, use tensor.detach()");
  if (t->flags & TlTensorImpl::Conj) return PyErr_Format(PyExc_BufferError, "Can't export tensors with the conjugate bit set");
  DlDevice device;
  if (t->device.type == TL_CPU) device = {kDeviceCpu, 0};
  else if (t->device.type == TL_CUDA) device = {kDeviceCuda, std::max<int32_t>(t->device.index, 0)};
  else return PyErr_Format(PyExc_BufferError, "Cannot pack tensors on meta");
  for (const DtypeRow& row : kDtypes) {
    if (row.ours != t->dtype) continue;
    try {
      return versioned ? make_capsule<Versioned>(t, device, row.theirs, copied ? uint64_t{kIsCopied} : 0)
                       : make_capsule<Legacy>(t, device, row.theirs, 0);
    } catch (...) {
      return raise_current();
    }
  }
  return PyErr_Format(PyExc_BufferError, "DLPack has no counterpart of this dtype");
}

// ---------------------------------------------------------------- in
template <class Managed>
void release_imported(void* context) {
  auto* m = static_cast<Managed*>(context);
  if (m->deleter) m->deleter(m);
}

PyObject* refuse(PyObject* error, const std::string& why) {
  PyErr_SetString(error, why.c_str());
  return nullptr;
}

template <class Managed>
PyObject* consume(PyObject* capsule) {
  auto* m = static_cast<Managed*>(PyCapsule_GetPointer(capsule, Managed::kName));
  if (!m) return nullptr;
  if constexpr (std::is_same_v<Managed, Versioned>) {
    if (m->major > kMajor)
      return refuse(PyExc_BufferError, "from_dlpack(): the capsule is of DLPack " + std::to_string(m->major) + "." + std::to_string(m->minor) +
                                           ", at most major version " + std::to_string(kMajor) + " is understood");
  }
  const DlTensor& d = m->tensor;
  TlDevice device;
  switch (d.device.type) {
    case kDeviceCpu: case kDeviceCudaHost: device = {TL_CPU, -1}; break;
    case kDeviceCuda: case kDeviceCudaManaged: device = {TL_CUDA, static_cast<int16_t>(d.device.index)}; break;
    default: return refuse(PyExc_BufferError, "Unsupported device_type: " + std::to_string(d.device.type));
  }
  const DtypeRow* found = nullptr;
  for (const DtypeRow& row : kDtypes)
    if (row.theirs.code == d.dtype.code && row.theirs.bits == d.dtype.bits && d.dtype.lanes == 1) found = &row;
  if (!found)
    return refuse(PyExc_BufferError, "from_dlpack(): no dtype has DLPack's code " + std::to_string(d.dtype.code) + " with " + std::to_string(d.dtype.bits) +
                                         " bits and " + std::to_string(d.dtype.lanes) + " lanes");
  const auto dtype = static_cast<TlDtype>(found->ours);
  if (d.ndim < 0 || d.ndim > 64) return refuse(PyExc_BufferError, "from_dlpack(): expected at most 64 dimensions, got " + std::to_string(d.ndim));
  for (int32_t i = 0; d.strides && i < d.ndim; ++i)
    if (d.strides[i] < 0 && d.sizes[i] > 1)
      return refuse(PyExc_ValueError, "from_dlpack(): stride " + std::to_string(d.strides[i]) + " of dimension " + std::to_string(i) +
                                          " is negative, which tensors do not support: make a copy first");
  TlTensor t;
  // The strides of no dimensions may be any pointer, so that they are not passed on.
  const TlStatus s = tl::api()->tensor_from_blob(static_cast<char*>(d.data) + d.byte_offset, d.sizes, d.ndim ? d.strides : nullptr, d.ndim, dtype,
                                                 device, release_imported<Managed>, m, &t);
  if (s != TL_OK) return raise(s);
  // From here on the tensor owns what the capsule owned, and the name says so to the capsule's own destructor.
  if (PyCapsule_SetName(capsule, Managed::kUsed) < 0) {
    tl::api()->tensor_release(t);
    return nullptr;
  }
  return wrap(t);
}

PyObject* from_dlpack(PyObject*, PyObject* capsule) {
  try {
    if (PyCapsule_IsValid(capsule, Versioned::kName)) return consume<Versioned>(capsule);
    if (PyCapsule_IsValid(capsule, Legacy::kName)) return consume<Legacy>(capsule);
  } catch (...) {
    return raise_current();
  }
  const char* name = PyCapsule_CheckExact(capsule) ? PyCapsule_GetName(capsule) : nullptr;
  return refuse(PyExc_RuntimeError, "from_dlpack received an invalid capsule. Note that DLTensor capsules can be consumed only once. Expected "
                                    "an object with __dlpack__, or a capsule named 'dltensor' or 'dltensor_versioned', got " +
                                        (name ? "a capsule named '" + std::string(name) + "'" : std::string(Py_TYPE(capsule)->tp_name)));
}

}  // namespace

PyMethodDef dlpack_functions[] = {
    {"_to_dlpack", to_dlpack, METH_VARARGS, "A capsule that keeps the tensor alive: tensor, whether versioned, whether it was copied for this."},
    {"_from_dlpack", from_dlpack, METH_O, "A tensor over the memory of a capsule, which is used up."},
    {}};

}  // namespace tallow::py
