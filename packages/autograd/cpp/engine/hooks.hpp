// Hooks: callables of the host that see and may replace gradients. Few nodes have any, so they sit outside the node.
//
// No lock is held while a hook runs or is freed: both may take the host's own lock.
#pragma once
#include <memory>
#include <mutex>

#include "engine/node.hpp"

namespace tl::autograd {

class ObjectRef {
 public:
  ObjectRef() = default;
  static ObjectRef share(TlObject o) {
    if (o) api()->object_retain(o);
    return steal(o);
  }
  static ObjectRef steal(TlObject o) {
    ObjectRef r;
    r.o_ = o;
    return r;
  }
  ObjectRef(const ObjectRef& o) : o_(o.o_) {
    if (o_) api()->object_retain(o_);
  }
  ObjectRef(ObjectRef&& o) noexcept : o_(std::exchange(o.o_, nullptr)) {}
  ObjectRef& operator=(ObjectRef o) noexcept {
    std::swap(o_, o.o_);
    return *this;
  }
  ~ObjectRef() {
    if (o_) api()->object_release(o_);
  }
  TlObject get() const { return o_; }
  TlObject take() { return std::exchange(o_, nullptr); }
  explicit operator bool() const { return o_ != nullptr; }

 private:
  TlObject o_ = nullptr;
};

// Where the .grad of a tensor is: shared by the tensor and by the node that fills it (retain_grad).
struct GradSlot {
  std::mutex mutex;
  Tensor grad;
  Tensor load() {
    std::lock_guard lock(mutex);
    return grad;
  }
  void store(Tensor t) {  // what was there is dropped after the lock
    std::lock_guard lock(mutex);
    std::swap(grad, t);
  }
};

enum class HookKind : uint8_t { Tensor, Pre, Post, PostAccumulate };

struct Hook {
  int64_t id;
  HookKind kind;
  uint32_t nr;  // of a tensor hook: which input of the node
  ObjectRef function;
};

struct NodeExtra {
  explicit NodeExtra(Node* node) : node(node) {}
  ~NodeExtra();

  int64_t add(HookKind kind, uint32_t nr, TlObject function);
  std::vector<Hook> hooks(HookKind kind);
  void retain(uint32_t nr, std::shared_ptr<GradSlot> slot);
  void forget(const GradSlot* slot);
  std::vector<std::pair<uint32_t, std::shared_ptr<GradSlot>>> retained();

  Node* node;
  std::string trace;         // where the forward op was called (anomaly mode); set before the node is shared
  std::string parent_trace;  // and, of a node made by a backward, what that was the backward of
  ObjectRef metadata;        // what the host hangs on the node

 private:
  friend void remove_hook(int64_t id);
  std::mutex mutex_;
  std::vector<Hook> hooks_;
  std::vector<std::pair<uint32_t, std::shared_ptr<GradSlot>>> retained_;
};

void remove_hook(int64_t id);  // nothing happens if it is gone

// Calls hook(gradient) and returns what replaces it, null if nothing does.
Tensor call_tensor_hook(const Hook& hook, TlTensor grad);
// Calls hook(gradients) or hook(gradients, more); false if it returned None.
bool call_list_hook(const Hook& hook, std::vector<Tensor>& grads, const std::vector<Tensor>* more, const char* what);

}  // namespace tl::autograd
