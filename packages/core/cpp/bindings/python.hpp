// What the files of the binding share. The binding is a thin layer: it packs Python arguments into a frame, calls the
// op through the ABI's table, and wraps the results.
#pragma once
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <structmember.h>

#include <string>

#include "tallow/tallow.hpp"
#include "tensor/tensor.hpp"  // the struct behind a handle: fields are read directly, nothing of the library is called

namespace tallow::py {

struct PyTensor {
  PyObject_HEAD
  TlTensorImpl* impl;
  PyObject* dict;
  PyObject* weakrefs;
};

struct PyDtype {
  PyObject_HEAD
  TlDtype value;
};

struct PyDevice {
  PyObject_HEAD
  TlDevice value;
};

struct PyGenerator {
  PyObject_HEAD
  TlGenerator value;
};

struct PyEnum {  // layouts and memory formats
  PyObject_HEAD
  int64_t value;
  const char* name;
  bool is_layout;
};

extern PyTypeObject* TensorType;
extern PyTypeObject* DtypeType;
extern PyTypeObject* DeviceType;
extern PyTypeObject* SizeType;
extern PyTypeObject* GeneratorType;
extern PyTypeObject* ObjectType;
extern PyTypeObject* EnumType;
extern PyTypeObject* PacketType;
extern PyObject* g_dtypes[TL_DTYPE_COUNT];
extern PyObject* g_python_module;  // the module `tallow`, for what is written in Python

inline bool is_tensor(PyObject* o) { return Py_TYPE(o) == TensorType || PyObject_TypeCheck(o, TensorType); }
inline TlTensorImpl* impl(PyObject* o) { return reinterpret_cast<PyTensor*>(o)->impl; }
inline bool is_dtype(PyObject* o) { return Py_TYPE(o) == DtypeType; }
inline bool is_device(PyObject* o) { return Py_TYPE(o) == DeviceType; }

// Owned reference that drops itself.
class Obj {
 public:
  Obj() = default;
  explicit Obj(PyObject* steal) : p_(steal) {}
  Obj(Obj&& o) noexcept : p_(std::exchange(o.p_, nullptr)) {}
  Obj& operator=(Obj&& o) noexcept {
    std::swap(p_, o.p_);
    return *this;
  }
  ~Obj() { Py_XDECREF(p_); }
  PyObject* get() const { return p_; }
  PyObject* take() { return std::exchange(p_, nullptr); }
  explicit operator bool() const { return p_ != nullptr; }

 private:
  PyObject* p_ = nullptr;
};

PyObject* raise(TlStatus status);           // sets the Python error for a failed call; returns null
PyObject* raise_current();                  // for a C++ exception in flight
PyObject* wrap(TlTensorImpl* steal, PyTypeObject* type = nullptr);
PyObject* wrap_object(TlObject steal);
PyObject* wrap_value(TlValue& v);           // takes what v owns
PyObject* wrap_size(const int64_t* sizes, Py_ssize_t n);
PyObject* wrap_device(TlDevice d);
PyObject* wrap_scalar(const TlTensorImpl* t, const char* element);  // one element as a Python number
PyObject* item(const TlTensorImpl* t);
TlObject function_from(PyObject* callable); // a TlObject that calls back into Python
bool parse_device(PyObject* o, TlDevice* out);
bool parse_dtype(PyObject* o, TlDtype* out);  // also Python's bool, int, float, complex

// A packed frame with the memory that its values point into.
struct Frame {
  TlValue args[64];
  TlValue rets[8];
  int64_t ints[96];
  int used = 0;
  int temps = 0;
  PyObject* keep[8];        // references that must outlive the call
  void* heap[8];            // overflow of the arena
  int heaps = 0;
  TlTensor made[8];         // tensors made from other objects
  int mades = 0;
  TlObject functions[4];
  int nfunctions = 0;
  double complexes[8];
  int ncomplex = 0;
  void* reserve(size_t bytes);
  ~Frame();
};

// Reads a Python number into v; false (no Python error) if o is not one.
bool number_value(PyObject* o, TlValue* v, Frame& f);

// Calls op with the frame, letting other threads run if the work is large. Returns the status.
TlStatus call_frame(TlOp op, Frame& f, uint32_t nargs, uint32_t flags);

PyObject* call_packet(PyObject* packet, PyObject* const* args, size_t nargsf, PyObject* kwnames);
PyObject* packet_for(const char* name);     // new reference; null with an error if no such op
TlOp op_handle(const char* name);           // throws if unknown
std::vector<TlOp> all_ops();                // in the order of their registration

PyObject* packets(const std::vector<std::string>& names);  // {name: packet}

int add_types(PyObject* module);
int add_packet_type(PyObject* module);
int add_tensor_type(PyObject* module);
int add_object_type(PyObject* module);

PyObject* tensor_getitem(PyObject* self, PyObject* key);
int tensor_setitem(PyObject* self, PyObject* key, PyObject* value);
int tensor_getbuffer(PyObject* self, Py_buffer* view, int flags);
void tensor_releasebuffer(PyObject* self, Py_buffer* view);
extern PyMethodDef interop_functions[];
extern PyMethodDef dlpack_functions[];

}  // namespace tallow::py
