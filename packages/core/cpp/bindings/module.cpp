// The module tallow._core: pybind11 for the plain functions, the types are made by their own files.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <dlfcn.h>

#include "bindings/python.hpp"

namespace pb = pybind11;
using namespace tallow::py;

namespace {

pb::object checked(PyObject* o) {
  if (!o) throw pb::error_already_set();
  return pb::reinterpret_steal<pb::object>(o);
}
void check(TlStatus s) {
  if (s == TL_OK) return;
  raise(s);
  throw pb::error_already_set();
}

// Loads an extension: its init registers ops through the ABI. Libraries stay loaded, their kernels are in the registry.
void load_library(const std::string& path) {
  void* lib = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!lib) throw pb::import_error("load_library: cannot open " + path + ": " + dlerror());
  auto init = reinterpret_cast<TlExtensionInit>(dlsym(lib, "tl_extension_init"));
  if (!init) throw pb::import_error("load_library: " + path + " exports no tl_extension_init, so it is not a tallow extension");
  const TlStatus s = init(tl_get_api);
  if (s != TL_OK) throw pb::import_error(tl_last_error());
}

pb::list op_names() {
  pb::list out;
  for (TlOp op : all_ops()) {
    TlOpInfo i;
    i.struct_size = sizeof i;
    tl::api()->op_info(op, &i);
    out.append(pb::make_tuple(pb::str(i.ns), pb::str(i.name), pb::str(i.overload), i.flags, i.variant));
  }
  return out;
}

// What the registry knows about each op: the source of stubs, reference pages and coverage checks.
pb::list op_table() {
  pb::list out;
  for (TlOp op : all_ops()) {
    TlOpInfo i;
    i.struct_size = sizeof i;
    tl::api()->op_info(op, &i);
    const char* grad = nullptr;
    tl::api()->op_rule(op, "grad", &grad);
    pb::list params;
    for (uint32_t k = 0; k < i.nargs; ++k) {
      const TlOpArgument& a = i.args[k];
      params.append(pb::make_tuple(pb::str(a.name), pb::str(a.type), bool(a.keyword_only), bool(a.has_default), bool(a.is_written)));
    }
    pb::dict d;
    d["ns"] = i.ns, d["name"] = i.name, d["overload"] = i.overload, d["schema"] = i.schema, d["doc"] = i.doc ? i.doc : "";
    d["flags"] = i.flags, d["variant"] = i.variant, d["composite"] = bool(i.is_composite), d["nrets"] = i.nrets;
    d["grad"] = grad ? pb::object(pb::str(grad)) : pb::none();
    d["params"] = params;
    out.append(d);
  }
  return out;
}

TlKeySet exclude(TlKeySet add, bool on) {
  const TlKeySet was = tl::api()->keys_excluded();
  tl::api()->keys_set_excluded(on ? was | add : was & ~add);
  return was;
}

}  // namespace

PYBIND11_MODULE(_core, m) {
  m.doc() = "The native part of tallow.";
  tl::detail::g_api = tl_get_api(TALLOW_TARGET_ABI, TALLOW_ABI_VERSION, "tallow._core");
  if (!tl::detail::g_api) throw pb::import_error(tl_last_error());
  if (add_types(m.ptr()) < 0 || add_packet_type(m.ptr()) < 0 || add_object_type(m.ptr()) < 0 || add_tensor_type(m.ptr()) < 0 ||
      PyModule_AddFunctions(m.ptr(), interop_functions) < 0 || PyModule_AddFunctions(m.ptr(), dlpack_functions) < 0)
    throw pb::error_already_set();

  m.attr("abi_version") = TALLOW_ABI_VERSION;
  m.attr("core_version") = tl::api()->core_version;
  m.attr("api_capsule") = pb::capsule(static_cast<const void*>(tl::api()), TL_CAPSULE_NAME);
  pb::dict flags;
  flags["METHOD"] = int(TL_OP_METHOD), flags["NOT_DIFFERENTIABLE"] = int(TL_OP_NOT_DIFFERENTIABLE), flags["VIEW"] = int(TL_OP_VIEW);
  flags["POINTWISE"] = int(TL_OP_POINTWISE), flags["REDUCTION"] = int(TL_OP_REDUCTION), flags["RANDOM"] = int(TL_OP_RANDOM);
  flags["HIDDEN"] = int(TL_OP_HIDDEN), flags["NO_FUNCTION"] = int(TL_OP_NO_FUNCTION), flags["INPLACE"] = int(TL_OP_INPLACE), flags["OUT"] = int(TL_OP_OUT);
  m.attr("op_flags") = flags;

  m.def("_init", [](pb::object python_module) {
    g_python_module = python_module.ptr();
    Py_INCREF(g_python_module);
  });
  m.def("load_library", &load_library, pb::call_guard<pb::gil_scoped_release>());
  m.def("op_names", &op_names, "(namespace, name, overload, flags, variant) of every op.");
  m.def("op_table", &op_table, "All that the registry knows of every op.");
  m.def("packet", [](const std::string& name) { return checked(packet_for(name.c_str())); }, "The callable of an op.");
  m.def("packet_many", [](const std::vector<std::string>& names) { return checked(packets(names)); });
  m.def("set_rule", [](const std::string& op, const std::string& rule, const std::string& text) {
    check(tl::api()->op_set_rule(op.c_str(), rule.c_str(), nullptr, text.c_str()));
  });

  // grad mode and inference mode
  const TlKeySet autograd = TlKeySet{1} << TL_KEY_AUTOGRAD;
  m.def("is_grad_enabled", [=] { return !(tl::api()->keys_excluded() & autograd); });
  m.def("_set_grad_enabled", [=](bool on) { return !(exclude(autograd, !on) & autograd); }, "Sets grad mode, returns what it was.");
  m.def("_set_inference_mode", [](bool on) { return tl::api()->inference_mode(on) != 0; });
  m.def("is_inference_mode_enabled", [] { return tl::api()->inference_mode(-1) != 0; });

  // tensors
  m.def("_make_subclass", [](pb::type cls, pb::object t, bool requires_grad) {
    if (!is_tensor(t.ptr())) throw pb::type_error("_make_subclass: expected a Tensor");
    TlTensor alias;
    check(tl::api()->tensor_alias(impl(t.ptr()), nullptr, nullptr, 0, 0, &alias));
    pb::object r = checked(wrap(alias, reinterpret_cast<PyTypeObject*>(cls.ptr())));
    if (requires_grad) r.attr("requires_grad_")(true);
    return r;
  }, pb::arg("cls"), pb::arg("data"), pb::arg("requires_grad") = false);
  m.def("_as_subclass", [](pb::object t, pb::type cls) {
    if (!is_tensor(t.ptr())) throw pb::type_error("_as_subclass: expected a Tensor");
    if (!PyType_IsSubtype(reinterpret_cast<PyTypeObject*>(cls.ptr()), TensorType))
      throw pb::type_error("as_subclass: cls must be a type that inherits from Tensor");
    pb::object alias = checked(packet_for("alias"))(t);
    tl::api()->tensor_retain(impl(alias.ptr()));
    return checked(wrap(impl(alias.ptr()), reinterpret_cast<PyTypeObject*>(cls.ptr())));
  });
  m.def("_same_storage", [](pb::object a, pb::object b) { return tl::api()->tensor_same_storage(impl(a.ptr()), impl(b.ptr())) != 0; });
  m.def("_use_count", [](pb::object a) { return tl::api()->tensor_use_count(impl(a.ptr())); });

}
