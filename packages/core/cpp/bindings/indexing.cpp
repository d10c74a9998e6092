// x[...] and x[...] = y: basic indices become views one op at a time, the rest one call of index or index_put_.
#include <vector>

#include "bindings/python.hpp"

namespace tallow::py {
namespace {

// An op called with a fixed number of packed arguments.
struct Handle {
  const char* name;
  TlOp op = nullptr;
  TlOp get() {
    if (!op) op = op_handle(name);
    return op;
  }
};
Handle h_select{"select"}, h_slice{"slice"}, h_unsqueeze{"unsqueeze"}, h_alias{"alias"}, h_index{"index"}, h_index_put{"index_put_"}, h_copy{"copy_"},
    h_fill{"fill_"};

TlValue value(TlTensor t) {
  TlValue v{};
  v.tag = t ? TL_TENSOR : TL_NONE, v.tensor = t;
  return v;
}
TlValue value(int64_t i) {
  TlValue v{};
  v.tag = TL_INT, v.i = i;
  return v;
}
tl::Tensor call(Handle& h, std::initializer_list<TlValue> args) {
  TlValue ret[1] = {};
  tl::check(tl::api()->op_call(h.get(), args.begin(), static_cast<uint32_t>(args.size()), ret));
  return tl::Tensor::steal(ret[0].tensor);
}


struct Indexed {
  tl::Tensor view;                  // after the basic indices
  std::vector<tl::Tensor> advanced; // per dimension of view; null where none
  bool has_advanced = false;
  bool failed = false;              // a Python error is set
};

int64_t dims_of(PyObject* o) {  // how many dimensions of the tensor an index takes
  if (o == Py_None || o == Py_Ellipsis || PyBool_Check(o)) return 0;
  if (is_tensor(o) && (impl(o)->dtype == DType::Bool || impl(o)->dtype == DType::UInt8)) return impl(o)->ndim;
  return 1;
}

// A tensor from a list of indices, a NumPy array ...
tl::Tensor index_tensor(PyObject* o) {
  if (is_tensor(o)) return tl::Tensor::share(impl(o));
  Obj make(PyObject_GetAttrString(g_python_module, "_as_index"));
  Obj t(make ? PyObject_CallOneArg(make.get(), o) : nullptr);
  if (!t) return {};
  return tl::Tensor::share(impl(t.get()));
}

Indexed apply(PyObject* self, PyObject* key) {
  Indexed r;
  r.view = tl::Tensor::share(impl(self));
  PyObject* single[1] = {key};
  PyObject** keys = single;
  Py_ssize_t n = 1;
  if (PyTuple_Check(key)) keys = PySequence_Fast_ITEMS(key), n = PyTuple_GET_SIZE(key);
  int64_t taken = 0, ellipses = 0;
  for (Py_ssize_t i = 0; i < n; ++i) {
    PyObject* k = keys[i];
    if (k == Py_Ellipsis) ++ellipses;
    if (PyList_Check(k) || (!is_tensor(k) && !PyIndex_Check(k) && !PySlice_Check(k) && k != Py_None && k != Py_Ellipsis && PySequence_Check(k))) {
      tl::Tensor t = index_tensor(k);
      if (!t) {
        r.failed = true;
        return r;
      }
      taken += t.get()->dtype == DType::Bool ? t.get()->ndim : 1;
    } else {
      taken += dims_of(k);
    }
  }
  const int64_t ndim = impl(self)->ndim;
  // x[mask]: index() takes a mask of several dimensions as it is.
  if (n == 1 && is_tensor(keys[0]) && impl(keys[0])->dtype == DType::Bool && impl(keys[0])->ndim > 1 && impl(keys[0])->ndim <= ndim) {
    r.advanced.push_back(tl::Tensor::share(impl(keys[0])));
    r.has_advanced = true;
    return r;
  }
  tl::check(ellipses <= 1 ? TL_OK : tl::api()->error_set(TL_INDEX_ERROR, "an index can only have a single ellipsis ('...')"));
  if (taken > ndim) throw tl::Error(TL_INDEX_ERROR, "too many indices for tensor of dimension " + std::to_string(ndim));
  int64_t dim = 0;
  auto put = [&](tl::Tensor t, int64_t covers) {
    while (static_cast<int64_t>(r.advanced.size()) < dim) r.advanced.emplace_back();
    r.advanced.push_back(std::move(t));
    r.has_advanced = true;
    dim += covers;
    while (static_cast<int64_t>(r.advanced.size()) < dim - covers + 1) r.advanced.emplace_back();
  };
  // Boolean masks of several dimensions take several places; their extra places stay implicit for index().
  for (Py_ssize_t i = 0; i < n; ++i) {
    PyObject* k = keys[i];
    if (k == Py_Ellipsis) {
      dim += ndim - taken;
    } else if (k == Py_None) {
      r.view = call(h_unsqueeze, {value(r.view.get()), value(dim)});
      ++dim;
    } else if (PyBool_Check(k)) {
      r.view = call(h_unsqueeze, {value(r.view.get()), value(dim)});
      const int64_t size[1] = {k == Py_True ? 1 : 0};
      tl::Tensor t = tl::empty(tl::Sizes(size, 1), TL_INT64);
      if (k == Py_True) *t.data<int64_t>() = 0;
      put(std::move(t), 1);
    } else if (PySlice_Check(k)) {
      Py_ssize_t start, stop, step;
      auto* s = reinterpret_cast<PySliceObject*>(k);
      // Tensors as bounds count as their value.
      if (PySlice_Unpack(k, &start, &stop, &step) < 0) {
        r.failed = true;
        return r;
      }
      if (step <= 0) throw tl::Error(TL_VALUE_ERROR, "step must be greater than zero");
      if (s->start == Py_None && s->stop == Py_None && step == 1) {
        ++dim;
        continue;
      }
      const int64_t size = r.view.get()->size(dim);
      if (start < -size) start = -size;
      if (stop > size) stop = size;
      r.view = call(h_slice, {value(r.view.get()), value(dim), value(int64_t{start}), value(int64_t{stop}), value(int64_t{step})});
      ++dim;
    } else if (PyLong_Check(k) || (!is_tensor(k) && PyIndex_Check(k) && !PySequence_Check(k)) ||
               (is_tensor(k) && impl(k)->ndim == 0 && impl(k)->dtype != DType::Bool && is_integral(impl(k)->dtype) && impl(k)->dtype != DType::UInt8 &&
                !impl(k)->is_meta())) {
      Obj number(PyNumber_Index(k));
      const int64_t at = number ? PyLong_AsLongLong(number.get()) : -1;
      if (PyErr_Occurred()) {
        r.failed = true;
        return r;
      }
      const int64_t size = r.view.get()->size(dim);
      if (at < -size || at >= size)
        throw tl::Error(TL_INDEX_ERROR, "index " + std::to_string(at) + " is out of bounds for dimension " + std::to_string(i) + " with size " +
                                            std::to_string(size));
      r.view = call(h_select, {value(r.view.get()), value(dim), value(at)});
    } else {
      tl::Tensor t = index_tensor(k);
      if (!t) {
        r.failed = true;
        return r;
      }
      const DType d = t.get()->dtype;
      if (!is_integral(d, true)) throw tl::Error(TL_INDEX_ERROR, "tensors used as indices must be long, int, byte or bool tensors");
      const bool mask = d == DType::Bool || d == DType::UInt8;
      if (mask && t.get()->ndim == 0) {  // a 0-dim mask adds a dimension
        r.view = call(h_unsqueeze, {value(r.view.get()), value(dim)});
        if (t.get()->sparse() || t.get()->is_meta()) throw tl::Error(TL_INDEX_ERROR, "a mask used as an index must be a dense tensor with data");
        const bool on = *static_cast<const uint8_t*>(t.get()->data()) != 0;
        const int64_t size[1] = {on ? 1 : 0};
        tl::Tensor z = tl::empty(tl::Sizes(size, 1), TL_INT64);
        if (on) *z.data<int64_t>() = 0;
        put(std::move(z), 1);
        continue;
      }
      if (mask && t.get()->ndim > 1) {
        // One index per masked dimension.
        std::vector<tl::Tensor> parts = tl::call_list<"nonzero_numpy">(t);
        for (int64_t d2 = 0; d2 < t.get()->ndim; ++d2)
          if (t.get()->size(d2) != r.view.get()->size(dim + d2))
            throw tl::Error(TL_INDEX_ERROR, "The shape of the mask " + tl::to_string(t.sizes()) + " at index " + std::to_string(d2) +
                                                " does not match the shape of the indexed tensor " + tl::to_string(r.view.sizes()) + " at index " +
                                                std::to_string(dim + d2));
        for (auto& p : parts) put(std::move(p), 1);
      } else {
        put(std::move(t), 1);
      }
    }
  }
  return r;
}

}  // namespace

PyObject* tensor_getitem(PyObject* self, PyObject* key) {
  try {
    if (PyLong_CheckExact(key) && impl(self)->ndim > 0) {  // a[0]
      const int64_t at = PyLong_AsLongLong(key);
      const int64_t size = impl(self)->size(0);
      if (at == -1 && PyErr_Occurred()) return nullptr;
      if (at < -size || at >= size)
        return PyErr_Format(PyExc_IndexError, "index %lld is out of bounds for dimension 0 with size %lld", static_cast<long long>(at),
                            static_cast<long long>(size));
      const TlValue args[3] = {value(impl(self)), value(int64_t{0}), value(at)};
      TlValue ret[1];
      const TlStatus s = tl::api()->op_call(h_select.get(), args, 3, ret);
      return s == TL_OK ? wrap(ret[0].tensor) : raise(s);
    }
    Indexed r = apply(self, key);
    if (r.failed) return nullptr;
    if (!r.has_advanced) {
      if (r.view.get() == impl(self)) r.view = call(h_alias, {value(impl(self))});
      return wrap(r.view.take());
    }
    TlValue list{};
    list.tag = TL_TENSOR_LIST, list.tensors = reinterpret_cast<const TlTensor*>(r.advanced.data()), list.len = static_cast<uint32_t>(r.advanced.size());
    return wrap(call(h_index, {value(r.view.get()), list}).take());
  } catch (...) {
    return raise_current();
  }
}

int tensor_setitem(PyObject* self, PyObject* key, PyObject* v) {
  try {
    if (!v) {
      PyErr_SetString(PyExc_TypeError, "Tensor does not support deleting items");
      return -1;
    }
    Indexed r = apply(self, key);
    if (r.failed) return -1;
    Frame f;
    TlValue number{};
    tl::Tensor source;
    if (is_tensor(v)) {
      source = tl::Tensor::share(impl(v));
    } else if (!number_value(v, &number, f)) {
      if (PyErr_Occurred()) return -1;
      Obj make(PyObject_GetAttrString(g_python_module, "_as_value"));
      Obj t(make ? PyObject_CallFunctionObjArgs(make.get(), v, self, nullptr) : nullptr);
      if (!t) return -1;
      source = tl::Tensor::share(impl(t.get()));
    }
    if (!r.has_advanced) {
      if (!source) {
        call(h_fill, {value(r.view.get()), number});
        return 0;
      }
      // Leading dimensions of size 1 that the destination lacks are dropped, as torch does.
      while (source.ndim() > r.view.ndim() && source.size(0) == 1) source = call(h_select, {value(source.get()), value(int64_t{0}), value(int64_t{0})});
      TlValue no{};
      no.tag = TL_BOOL;
      call(h_copy, {value(r.view.get()), value(source.get()), no});
      return 0;
    }
    if (!source) {
      source = tl::empty({}, r.view.dtype(), r.view.device());
      call(h_fill, {value(source.get()), number});
    }
    TlValue list{}, accumulate{};
    list.tag = TL_TENSOR_LIST, list.tensors = reinterpret_cast<const TlTensor*>(r.advanced.data()), list.len = static_cast<uint32_t>(r.advanced.size());
    accumulate.tag = TL_BOOL;
    if (source.dtype() != r.view.dtype())
      source = tl::call<"_to">(source, tl::Dtype{r.view.dtype()});
    call(h_index_put, {value(r.view.get()), list, value(source.get()), accumulate});
    return 0;
  } catch (...) {
    raise_current();
    return -1;
  }
}

}  // namespace tallow::py
