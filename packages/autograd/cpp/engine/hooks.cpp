#include "engine/hooks.hpp"

#include <unordered_map>

namespace tl::autograd {
namespace {

// Which node a hook is on: a handle to a hook must not keep the graph alive.
struct Registry {
  std::mutex mutex;
  std::unordered_map<int64_t, NodeExtra*> owners;
  int64_t next = 0;
};
Registry& registry() {
  static auto* r = new Registry;
  return *r;
}

}  // namespace

NodeExtra::~NodeExtra() {
  if (hooks_.empty()) return;
  Registry& r = registry();
  std::lock_guard lock(r.mutex);
  for (const Hook& h : hooks_) r.owners.erase(h.id);
}

int64_t NodeExtra::add(HookKind kind, uint32_t nr, TlObject function) {
  Registry& r = registry();
  std::lock_guard lock(r.mutex);
  std::lock_guard own(mutex_);
  const int64_t id = r.next++;
  hooks_.push_back({id, kind, nr, ObjectRef::share(function)});
  r.owners[id] = this;
  return id;
}

std::vector<Hook> NodeExtra::hooks(HookKind kind) {
  std::lock_guard lock(mutex_);
  std::vector<Hook> out;
  for (const Hook& h : hooks_)
    if (h.kind == kind) out.push_back(h);
  return out;
}

void NodeExtra::retain(uint32_t nr, std::shared_ptr<GradSlot> slot) {
  std::lock_guard lock(mutex_);
  retained_.emplace_back(nr, std::move(slot));
}

void NodeExtra::forget(const GradSlot* slot) {
  std::vector<std::shared_ptr<GradSlot>> dropped;  // freed after the lock
  std::lock_guard lock(mutex_);
  std::erase_if(retained_, [&](auto& r) {
    if (r.second.get() != slot) return false;
    dropped.push_back(std::move(r.second));
    return true;
  });
}

std::vector<std::pair<uint32_t, std::shared_ptr<GradSlot>>> NodeExtra::retained() {
  std::lock_guard lock(mutex_);
  return retained_;
}

void remove_hook(int64_t id) {
  ObjectRef dropped;  // freed after the locks
  Registry& r = registry();
  std::lock_guard lock(r.mutex);
  auto it = r.owners.find(id);
  if (it == r.owners.end()) return;
  NodeExtra* extra = it->second;
  r.owners.erase(it);
  std::lock_guard own(extra->mutex_);
  for (size_t i = 0; i < extra->hooks_.size(); ++i) {
    if (extra->hooks_[i].id != id) continue;
    dropped = std::move(extra->hooks_[i].function);
    extra->hooks_.erase(extra->hooks_.begin() + static_cast<std::ptrdiff_t>(i));
    break;
  }
}

Tensor call_tensor_hook(const Hook& hook, TlTensor grad) {
  const TlValue arg = pack(grad);
  Results<1> r;
  check(api()->object_call(hook.function.get(), &arg, 1, r.v, 1));
  if (r.v[0].tag != TL_NONE && r.v[0].tag != TL_TENSOR)
    throw Error(TL_TYPE_ERROR, "a tensor hook must return a Tensor or None");
  return r.tensor();
}

bool call_list_hook(const Hook& hook, std::vector<Tensor>& grads, const std::vector<Tensor>* more, const char* what) {
  const TlValue args[2] = {pack(grads), more ? pack(*more) : TlValue{}};
  Results<1> r;
  check(api()->object_call(hook.function.get(), args, more ? 2 : 1, r.v, 1));
  const TlValue& v = r.v[0];
  if (v.tag == TL_NONE) return false;
  std::vector<Tensor> out;
  if (v.tag == TL_TENSOR) {
    out.push_back(Tensor::share(v.tensor));
  } else if (v.tag == TL_TENSOR_LIST) {
    for (uint32_t i = 0; i < v.len; ++i) out.push_back(Tensor::share(v.tensors[i]));
  } else if (v.tag == TL_VALUE_LIST) {
    for (uint32_t i = 0; i < v.len; ++i) {
      if (v.values[i].tag != TL_NONE && v.values[i].tag != TL_TENSOR)
        throw Error(TL_TYPE_ERROR, std::string(what) + " must return None or a tuple of Tensors and None");
      out.push_back(v.values[i].tag == TL_TENSOR ? Tensor::share(v.values[i].tensor) : Tensor());
    }
  } else {
    throw Error(TL_TYPE_ERROR, std::string(what) + " must return None or a tuple of Tensors and None");
  }
  if (out.size() != grads.size())
    throw Error(TL_RUNTIME_ERROR, std::string(what) + " has returned an incorrect number of values, got " + std::to_string(out.size()) +
                                      ", expected " + std::to_string(grads.size()));
  grads = std::move(out);
  return true;
}

}  // namespace tl::autograd
