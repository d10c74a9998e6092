#include "engine/saved.hpp"

#include "engine/engine.hpp"
#include "engine/meta.hpp"

namespace tl::autograd {
namespace {

struct HookStack {
  std::vector<ObjectRef> packs;
  std::string disabled;
};
HookStack& hook_stack() {
  thread_local HookStack s;
  return s;
}
thread_local bool t_hooks = false;  // whether the stack holds any, without touching it

const char* type_name(TlDtype d) {
  static const char* names[] = {"Bool", "Byte", "Char", "Short", "Int", "Long", "Half", "BFloat16", "Float", "Double", "ComplexFloat", "ComplexDouble"};
  return d >= 0 && d < static_cast<TlDtype>(std::size(names)) ? names[d] : "Other";
}

TlTensor alias(TlTensor t) {
  TlTensor out;
  check(api()->tensor_alias(t, nullptr, nullptr, 0, 0, &out));
  return out;
}

}  // namespace

void save_tensor(TlTensor t, SavedAs as, TlValue& to, int64_t& version) {
  TlTensorInfo info;
  info.struct_size = sizeof info;
  api()->tensor_info(t, &info);
  if (__builtin_expect(info.flags & TL_TENSOR_INFERENCE, 0) && as == SavedAs::Input)
    throw Error(TL_RUNTIME_ERROR,
                "Inference tensors cannot be saved for backward. Please do not use Tensors created in inference mode in computation tracked by "
                "autograd. To work around this, you can make a clone to get a normal tensor and use it in autograd, or use "
                "`tallow.no_grad()` instead of `tallow.inference_mode()`.");
  to = {};
  if (__builtin_expect(t_hooks, 0)) {
    auto packed = std::make_unique<Packed>();
    const Tensor bare = Tensor::steal(alias(t));
    const TlValue arg = pack(bare);
    Results<1> r;
    const ObjectRef hook = hook_stack().packs.back();
    check(api()->object_call(hook.get(), &arg, 1, r.v, 1));
    if (r.v[0].tag != TL_OBJECT) throw Error(TL_TYPE_ERROR, "a pack hook must give back a callable");
    packed->unpack = ObjectRef::share(r.v[0].object);
    if (as == SavedAs::Input && requires_grad(t)) packed->edge = gradient_edge(t);
    to.tag = TL_OBJECT, to.flags = kPacked, to.ptr = packed.release();
    version = 0;
    return;
  }
  version = api()->tensor_version(t);
  to.tag = TL_TENSOR;
  if (as == SavedAs::Input) {
    api()->tensor_retain(t);
    to.tensor = t;
  } else {
    to.tensor = alias(t);
  }
}

void check_version(TlTensor t, int64_t version, const Edge& from) {
  const int64_t now = api()->tensor_version(t);
  if (__builtin_expect(now == version, 1)) return;
  const Tensor shared = Tensor::share(t);
  const NodeRef own = from.node ? NodeRef::share(from.node) : grad_fn(t);
  const Meta* m = meta_of(t);
  std::string text = "one of the variables needed for gradient computation has been modified by an inplace operation: [tallow." +
                     std::string(type_name(shared.dtype())) + "Tensor " + to_string(shared.sizes()) + "]";
  if (own) text += ", which is output " + std::to_string(from.node ? from.nr : m ? m->nr : 0) + " of " + own->name() + ",";
  text += " is at version " + std::to_string(now) + "; expected version " + std::to_string(version) +
          " instead. Hint: enable anomaly detection to find the operation that failed to compute its gradient, with "
          "tallow.autograd.set_detect_anomaly(True).";
  throw Error(TL_RUNTIME_ERROR, text);
}

Tensor unpack_tensor(const TlValue& v, SavedAs as, int64_t version, bool with_graph, const Edge& history) {
  if (v.flags & kPacked) {
    const auto* packed = static_cast<const Packed*>(v.ptr);
    Results<1> r;
    check(api()->object_call(packed->unpack.get(), nullptr, 0, r.v, 1));
    if (r.v[0].tag != TL_TENSOR) throw Error(TL_TYPE_ERROR, "an unpack hook must return a Tensor");
    Tensor t = r.tensor();
    const Edge& e = as == SavedAs::Input ? packed->edge : history;
    return with_graph && e.node && differentiable(t.dtype()) ? with_edge(t.get(), e) : t;
  }
  if (v.tag != TL_TENSOR) return {};
  check_version(v.tensor, version, as == SavedAs::Result ? history : Edge{});
  if (as == SavedAs::Input || !with_graph || !history.node) return Tensor::share(v.tensor);
  Tensor t = Tensor::share(v.tensor);
  return differentiable(t.dtype()) ? with_edge(v.tensor, history) : t;
}

void release_saved_value(TlValue& v) {
  if (v.flags & kPacked) {
    delete static_cast<Packed*>(v.ptr);
  } else if (v.tag == TL_VALUE_LIST) {
    for (uint32_t i = 0; i < v.len; ++i) release_saved_value(const_cast<TlValue&>(v.values[i]));
    api()->free(v.ptr);
  } else {
    api()->values_release(&v, 1);
  }
  v = {};
}

TlValue own_value(const TlValue& v) {
  TlValue out = v;
  auto copy = [&](size_t bytes) {
    void* p = api()->alloc(bytes);
    std::copy_n(static_cast<const char*>(v.ptr), bytes, static_cast<char*>(p));
    out.ptr = p;
  };
  switch (v.tag) {
    case TL_STRING: case TL_BOOL_LIST: copy(v.len); break;
    case TL_INT_LIST: copy(v.len * sizeof(int64_t)); break;
    case TL_DOUBLE_LIST: copy(v.len * sizeof(double)); break;
    case TL_COMPLEX: copy(2 * sizeof(double)); break;
    case TL_TENSOR: api()->tensor_retain(v.tensor); break;
    case TL_TENSOR_LIST:
      copy(v.len * sizeof(TlTensor));
      for (uint32_t i = 0; i < v.len; ++i)
        if (v.tensors[i]) api()->tensor_retain(v.tensors[i]);
      break;
    case TL_OBJECT: api()->object_retain(v.object); break;
    case TL_GENERATOR: out = {}; break;  // a formula never draws again
    case TL_VALUE_LIST: {
      auto* p = static_cast<TlValue*>(api()->alloc(v.len * sizeof(TlValue)));
      for (uint32_t i = 0; i < v.len; ++i) p[i] = own_value(v.values[i]);
      out.values = p;
      break;
    }
    default: break;
  }
  return out;
}

void push_saved_hooks(TlObject pack) {
  HookStack& s = hook_stack();
  if (!s.disabled.empty()) throw Error(TL_RUNTIME_ERROR, s.disabled);
  s.packs.push_back(ObjectRef::share(pack));
  t_hooks = true;
}
void pop_saved_hooks() {
  HookStack& s = hook_stack();
  if (s.packs.empty()) return;
  const ObjectRef last = std::move(s.packs.back());
  s.packs.pop_back();
  t_hooks = !s.packs.empty();
}
void disable_saved_hooks(const std::string& message) {
  if (!message.empty() && t_hooks) throw Error(TL_RUNTIME_ERROR, message);
  hook_stack().disabled = message;
}
std::string saved_hooks_disabled() { return hook_stack().disabled; }

}  // namespace tl::autograd
