#include "dispatch/registry.hpp"

#include <cstdlib>
#include <deque>
#include <mutex>
#include <unordered_map>

#include "dispatch/structured.hpp"

namespace tallow {
namespace {

// Everything here lives as long as the process: handles are handed out and never taken back.
struct State {
  std::mutex mutex;
  std::deque<Op> ops;
  std::deque<KernelEntry> entries;
  std::deque<Rule> rules;
  std::unordered_map<std::string, Op*> by_full_name;              // "add", "max.dim", "add_", "add.out"
  std::unordered_map<std::string, std::vector<Op*>> by_name;      // overloads in order of definition
  std::string key_names[kKeys] = {"CPU", "CUDA", "Meta", "SparseCPU", "SparseCUDA"};
  // Rules and kernels for ops that no loaded library defines yet: an extension may come first.
  std::unordered_map<std::string, std::vector<Rule>> waiting_rules;
  struct WaitingKernel { int key; KernelEntry entry; };
  std::unordered_map<std::string, std::vector<WaitingKernel>> waiting_kernels;

  State() {
    key_names[TL_KEY_AUTOGRAD] = "Autograd";
    key_names[TL_KEY_AUTOCAST] = "Autocast";
    key_names[TL_KEY_BATCHED] = "Batched";
    key_names[TL_KEY_TRACER] = "Tracer";
  }
  const KernelEntry* entry(TlKernel fn, void* user) { return &entries.emplace_back(KernelEntry{fn, user}); }
};

State& state() {
  static State* s = new State;
  return *s;
}

std::atomic<const KernelEntry*> g_fallbacks[kKeys] = {};

void describe_arguments(Op& op) {
  for (size_t i = 0; i < op.schema.params.size(); ++i) {
    const Param& p = op.schema.params[i];
    TlOpArgument a{};
    a.struct_size = sizeof a;
    a.tag = tag_of(p.kind, p.list);
    a.is_optional = p.optional || p.optional_elements;
    a.is_list = p.list;
    a.is_scalar = p.kind == Kind::Scalar || p.kind == Kind::TensorOrScalar;
    a.keyword_only = p.keyword_only;
    a.has_default = p.has_default;
    a.is_written = p.written;
    a.name = p.name.c_str();
    a.type = p.type.c_str();
    a.default_value = p.default_value;
    op.arguments.push_back(a);
    if (p.kind == Kind::Tensor || p.kind == Kind::TensorOrScalar || p.kind == Kind::Any)
      op.tensor_params.push_back(static_cast<uint8_t>(i));
    if (p.written) op.written_params.push_back(static_cast<uint8_t>(i));
    if (p.kind == Kind::Device) op.device_param = static_cast<int>(i);
  }
}

std::string with_default(const Param& p) {
  std::string s = p.type + " " + p.name;
  if (!p.has_default) return s;
  const TlValue& v = p.default_value;
  switch (v.tag) {
    case TL_NONE: return s + "=None";
    case TL_BOOL: return s + (v.i ? "=True" : "=False");
    case TL_INT: return s + "=" + std::to_string(v.i);
    case TL_DOUBLE: return s + "=" + str(v.d);
    case TL_STRING: return s + "='" + std::string(v.string, v.len) + "'";
    case TL_INT_LIST: return s + "=" + to_string(Sizes(v.ints, v.len));
    case TL_DTYPE: return s + "=" + dtype_name(static_cast<DType>(v.i));
    case TL_MEMORY_FORMAT: return s + (v.i == TL_PRESERVE_FORMAT ? "=preserve_format" : "=contiguous_format");
    default: return s + "=...";
  }
}

// The schema of the in-place or out= form, derived from the functional one.
Schema variant_schema(const Schema& base, Variant variant) {
  Schema s;
  s.ns = base.ns;
  s.name = base.name + (variant == Variant::InPlace ? "_" : "");
  s.overload = variant == Variant::InPlace ? base.overload : base.overload.empty() ? "out" : base.overload + "_out";
  s.params = base.params;  // default values point into base, which lives as long
  s.positional = base.positional;
  s.results = base.results;
  if (variant == Variant::InPlace) {
    s.params[0].written = true;
    s.params[0].type = "Tensor(a!)";
    s.params[0].kind = Kind::Tensor;
  } else {
    for (size_t i = 0; i < base.results.size(); ++i) {
      Param p;
      p.name = base.results.size() == 1 ? "out" : base.results[i].name.empty() ? "out" + std::to_string(i) : base.results[i].name;
      if (s.find(p.name) >= 0) p.name += "_out";
      p.type = "Tensor(a!)";
      p.kind = Kind::Tensor;
      p.keyword_only = true;
      p.written = true;
      s.params.push_back(std::move(p));
    }
  }
  std::string text = s.full_name() + "(";
  bool star = false;
  for (size_t i = 0; i < s.params.size(); ++i) {
    if (i) text += ", ";
    if (s.params[i].keyword_only && !star) text += "*, ", star = true;
    text += with_default(s.params[i]);
  }
  s.text = text + ") " + base.text.substr(base.text.rfind("->"));
  return s;
}

Op& add_op(State& st, Schema schema) {
  const std::string full = schema.full_name();
  TL_CHECK(!st.by_full_name.count(full), "op '", full, "' is already registered");
  Op& op = st.ops.emplace_back();
  op.schema = std::move(schema);
  op.base = &op;
  describe_arguments(op);
  st.by_full_name[full] = &op;
  st.by_name[(op.schema.ns.empty() ? "" : op.schema.ns + "::") + op.schema.name].push_back(&op);
  return op;
}

void put(Op& op, int key, const KernelEntry* e) { op.table[key].store(e, std::memory_order_release); }

// Fills the tables of an op and its forms from what it was defined with.
void install(State& st, Op& base) {
  Op* forms[] = {&base, base.in_place, base.out};
  for (Op* op : forms) {
    if (!op) continue;
    if (base.composite) {
      const KernelEntry* e = op == &base ? st.entry(base.composite, base.user) : st.entry(composite_variant, nullptr);
      for (int k = 0; k < kDeviceKeys; ++k)
        if (!(kSparseKeys >> k & 1) || base.flags & TL_OP_ANY_LAYOUT) put(*op, k, e);
    } else if (base.shape) {
      put(*op, TL_KEY_META, st.entry(structured_kernel, nullptr));
    }
  }
}

void set_kernel(State& st, Op& op, int key, TlKernel fn, void* user) {
  const KernelEntry* e = st.entry(fn, user);
  if (key < kDeviceKeys && !(kSparseKeys >> key & 1) && op.base == &op && op.shape) {
    op.raw[key].store(e, std::memory_order_release);
    const KernelEntry* s = st.entry(structured_kernel, nullptr);
    for (Op* form : {&op, op.in_place, op.out})
      if (form) put(*form, key, s);
  } else {
    put(op, key, e);
  }
}

void add_rule(State& st, Op& op, const Rule& r) {
  Rule& kept = st.rules.emplace_back(r);
  kept.next = op.rules.load(std::memory_order_relaxed);
  op.rules.store(&kept, std::memory_order_release);
}

}  // namespace

Registry& Registry::get() {
  static Registry r;
  return r;
}

Op* Registry::define(const TlOpDef& def) {
  TL_CHECK_VALUE(def.schema, "op_register: the schema is null");
  Schema schema = parse_schema(def.schema);
  TL_CHECK_VALUE(!(def.composite && def.shape), "op '", schema.full_name(), "' has both a composite and a shape function");
  TL_CHECK_VALUE(schema.params.size() <= 60 && schema.results.size() <= 8, "op '", schema.full_name(),
                 "': at most 60 parameters and 8 results are supported");
  State& st = state();
  std::lock_guard lock(st.mutex);
  Op& op = add_op(st, std::move(schema));
  op.flags = def.flags;
  op.doc = def.doc ? def.doc : "";
  op.shape = def.shape;
  op.composite = def.composite;
  op.user = def.user;
  if (def.flags & TL_OP_INPLACE) {
    Op& v = add_op(st, variant_schema(op.schema, Variant::InPlace));
    v.flags = def.flags, v.variant = Variant::InPlace, v.base = &op, v.user = def.user;
    op.in_place = &v;
  }
  if (def.flags & TL_OP_OUT) {
    Op& v = add_op(st, variant_schema(op.schema, Variant::Out));
    v.flags = def.flags, v.variant = Variant::Out, v.base = &op, v.user = def.user;
    op.out = &v;
  }
  install(st, op);
  for (Op* form : {&op, op.in_place, op.out}) {
    if (!form) continue;
    const std::string full = form->schema.full_name();
    if (auto it = st.waiting_kernels.find(full); it != st.waiting_kernels.end()) {
      for (auto& w : it->second) set_kernel(st, *form, w.key, w.entry.fn, w.entry.user);
      st.waiting_kernels.erase(it);
    }
    if (auto it = st.waiting_rules.find(full); it != st.waiting_rules.end()) {
      for (auto& r : it->second) add_rule(st, *form, r);
      st.waiting_rules.erase(it);
    }
  }
  return &op;
}

const Op* Registry::find(std::string_view name) {
  State& st = state();
  std::lock_guard lock(st.mutex);
  auto it = st.by_full_name.find(std::string(name));
  if (it != st.by_full_name.end()) return it->second;
  auto by = st.by_name.find(std::string(name));
  return by == st.by_name.end() ? nullptr : by->second.front();
}

std::vector<const Op*> Registry::overloads(std::string_view name) {
  State& st = state();
  std::lock_guard lock(st.mutex);
  auto by = st.by_name.find(std::string(name));
  if (by == st.by_name.end()) return {};
  return {by->second.begin(), by->second.end()};
}

std::vector<const Op*> Registry::all() {
  State& st = state();
  std::lock_guard lock(st.mutex);
  std::vector<const Op*> out;
  for (const Op& op : st.ops) out.push_back(&op);
  return out;
}

void Registry::kernel(std::string_view name, int key, TlKernel fn, void* user) {
  TL_CHECK_VALUE(key >= 0 && key < kKeys, "key ", key, " is out of range");
  State& st = state();
  std::lock_guard lock(st.mutex);
  auto it = st.by_full_name.find(std::string(name));
  if (it == st.by_full_name.end()) {
    st.waiting_kernels[std::string(name)].push_back({key, {fn, user}});
    return;
  }
  set_kernel(st, *it->second, key, fn, user);
}

void Registry::rule(std::string_view name, const char* rule, const void* value, const char* text) {
  State& st = state();
  std::lock_guard lock(st.mutex);
  Rule r{rule, value, text ? text : "", nullptr};
  auto it = st.by_full_name.find(std::string(name));
  if (it == st.by_full_name.end()) st.waiting_rules[std::string(name)].push_back(r);
  else add_rule(st, *it->second, r);
}

const Rule* find_rule(const Op* op, std::string_view name) {
  for (const Rule* r = op->base->rules.load(std::memory_order_acquire); r; r = r->next)
    if (r->name == name) return r;
  return nullptr;
}

int Registry::key(const char* name, int wanted) {
  State& st = state();
  std::lock_guard lock(st.mutex);
  for (int k = 0; k < kKeys; ++k)
    if (st.key_names[k] == name) return k;
  for (int k = wanted; k < kKeys; ++k) {
    if (!st.key_names[k].empty()) continue;
    st.key_names[k] = name;
    return k;
  }
  fail(TL_RUNTIME_ERROR, "key_register: no free dispatch key at or above ", wanted, " for '", name, "'");
}

const char* Registry::key_name(int key) { return state().key_names[key].c_str(); }

void Registry::fallback(int key, TlKernel fn, void* user) {
  TL_CHECK_VALUE(key >= 0 && key < kKeys, "key ", key, " is out of range");
  State& st = state();
  std::lock_guard lock(st.mutex);
  g_fallbacks[key].store(fn ? st.entry(fn, user) : nullptr, std::memory_order_release);
}

// ---------------------------------------------------------------- dispatch
thread_local ThreadKeys t_thread_keys __attribute__((tls_model("initial-exec")));

namespace {

[[gnu::noinline, gnu::cold]] TlStatus no_kernel(const Op* op, TlKeySet keys) {
  std::string where;
  for (int k = 0; k < kDeviceKeys; ++k)
    if (keys >> k & 1) where += (where.empty() ? "'" : ", '") + std::string(state().key_names[k]) + "'";
  last_error() =
      str("Could not run '", op->schema.full_name(), "' with arguments from the ", where.empty() ? "'?'" : where, " backend: no kernel is registered for it");
  return TL_NOT_IMPLEMENTED_ERROR;
}

// Tensors of several devices meet: only 0-dim CPU tensors may join others.
[[gnu::noinline, gnu::cold]] TlStatus check_devices(const Op* op, const TlValue* args) {
  const TlTensorImpl* first = nullptr;
  TlStatus status = TL_OK;
  auto see = [&](const TlTensorImpl* t) {
    if (!t || (t->ndim == 0 && t->device.type == TL_CPU)) return;
    if (!first) first = t;
    else if (first->device.type != t->device.type || first->device.index != t->device.index) {
      last_error() = str(op->schema.full_name(), ": Expected all tensors to be on the same device, but found at least two devices, ",
                         device_string(first->device), " and ", device_string(t->device), "!");
      status = TL_RUNTIME_ERROR;
    }
  };
  for (uint8_t i : op->tensor_params) {
    const TlValue& v = args[i];
    if (v.tag == TL_TENSOR) see(v.tensor);
    else if (v.tag == TL_TENSOR_LIST)
      for (uint32_t j = 0; j < v.len; ++j) see(v.tensors[j]);
  }
  return status;
}

inline TlStatus run(const Op* op, TlKeySet keys, const TlValue* args, TlValue* rets) noexcept {
  const auto nrets = static_cast<uint32_t>(op->schema.results.size());
  for (uint32_t i = 0; i < nrets; ++i) rets[i].tag = TL_NONE;
  TlKeySet left = keys;
  while (left) {
    const int k = 63 - __builtin_clzll(left);
    const KernelEntry* e = op->table[k].load(std::memory_order_acquire);
    if (!e) e = g_fallbacks[k].load(std::memory_order_acquire);
    if (e) {
      TlCall call{sizeof(TlCall), static_cast<uint32_t>(op->schema.params.size()), nrets, 0, op, left, args, rets, e->user};
      const TlStatus s = e->fn(&call);
      if (__builtin_expect(s != TL_OK, 0)) {
        release_values(rets, nrets);
        return s;
      }
      if (!op->written_params.empty() && k < kDeviceKeys && !op->base->composite)
        for (uint8_t w : op->written_params)
          if (args[w].tag == TL_TENSOR) args[w].tensor->bump_version();
      return TL_OK;
    }
    // Another device's kernel would read memory that is not there: a 0-dim tensor of the CPU may stand beside any device's.
    if (k < kDeviceKeys) break;
    left &= ~(TlKeySet{1} << k);
  }
  return no_kernel(op, keys);
}

}  // namespace

// The keys of sparse tensors on a device.
constexpr TlKeySet sparse_keys(TlKeySet device) { return TlKeySet{1} << (device >> TL_KEY_CUDA & 1 ? TL_KEY_SPARSE_CUDA : TL_KEY_SPARSE_CPU); }

// A view is seen by whatever sees its base: the base may have come to require grad after the view was made.
inline TlKeySet keys_of(const TlTensorImpl* t) { return t->base ? t->keys | t->base->keys : t->keys; }

TlStatus dispatch(const Op* op, const TlValue* args, TlValue* rets) noexcept {
  TlKeySet keys = 0;
  for (uint8_t i : op->tensor_params) {
    const TlValue& v = args[i];
    if (v.tag == TL_TENSOR) {
      keys |= keys_of(v.tensor);
    } else if (v.tag == TL_TENSOR_LIST) {
      for (uint32_t j = 0; j < v.len; ++j)
        if (v.tensors[j]) keys |= keys_of(v.tensors[j]);
    }
  }
  if (op->device_param >= 0 && args[op->device_param].tag == TL_DEVICE && !(op->flags & TL_OP_MIXED_DEVICES)) {
    const TlKeySet wanted = device_keys(args[op->device_param].device);
    keys = (keys & ~kDeviceMask) | (keys & kSparseKeys ? sparse_keys(wanted) : wanted);
  } else if (!(keys & kDeviceMask)) {
    keys |= TlKeySet{1} << TL_KEY_CPU;
  } else if (__builtin_expect((keys & kDeviceMask & (keys - 1)) != 0 && (keys & kDeviceMask) != (keys & kDeviceMask & -(keys & kDeviceMask)), 0)) {
    if (!(op->flags & TL_OP_MIXED_DEVICES)) {
      const TlStatus s = check_devices(op, args);
      if (s != TL_OK) return s;
    }
  }
  const ThreadKeys& tk = thread_keys();
  return run(op, (keys | tk.included) & ~tk.excluded, args, rets);
}

TlStatus redispatch(const Op* op, TlKeySet keys, const TlValue* args, TlValue* rets) noexcept {
  return run(op, keys, args, rets);
}

void release_values(TlValue* values, uint32_t count) noexcept {
  for (uint32_t i = 0; i < count; ++i) {
    TlValue& v = values[i];
    switch (v.tag) {
      case TL_TENSOR: if (v.tensor) v.tensor->release(); break;
      case TL_TENSOR_LIST:
        for (uint32_t j = 0; j < v.len; ++j)
          if (v.tensors[j]) v.tensors[j]->release();
        std::free(v.ptr);
        break;
      case TL_VALUE_LIST:
        release_values(static_cast<TlValue*>(v.ptr), v.len);
        std::free(v.ptr);
        break;
      case TL_STRING: case TL_BOOL_LIST: case TL_INT_LIST: case TL_DOUBLE_LIST: case TL_COMPLEX: std::free(v.ptr); break;
      case TL_OBJECT: release_object(v.object); break;
      case TL_GENERATOR: release_generator(v.generator); break;
      default: break;
    }
    v.tag = TL_NONE;
  }
}

}  // namespace tallow
