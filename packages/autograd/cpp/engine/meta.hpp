// What autograd keeps in a tensor's slot: its history, its .grad, and whether the user asked for gradients.
#pragma once
#include <memory>

#include "engine/hooks.hpp"
#include "engine/node.hpp"

namespace tl::autograd {

enum class ViewKind : uint8_t {
  None,
  Plain,
  MultiOutput,  // one of several views made at once (split, unbind): may not be written in place
  Custom        // made by a custom Function
};

// A pointer that one thread may look at while another, which holds the lock, replaces it.
class NodePointer {
 public:
  operator Node*() const { return p_.load(std::memory_order_acquire); }
  Node* operator->() const { return *this; }
  NodePointer& operator=(Node* n) {
    p_.store(n, std::memory_order_release);
    return *this;
  }

 private:
  std::atomic<Node*> p_{nullptr};
};

struct Meta {
  explicit Meta(TlTensor self) : self(self) {}
  ~Meta();
  Meta(const Meta&) = delete;
  Meta& operator=(const Meta&) = delete;

  bool requires_grad() const { return leaf_requires_grad || fn != nullptr; }
  GradSlot& grad_slot() { return *shared_grad_slot(); }
  const std::shared_ptr<GradSlot>& shared_grad_slot();
  bool has_grad_slot() const { return slot.load(std::memory_order_acquire); }
  Node* gradient_accumulator();  // of a leaf; borrowed

  TlTensor self;  // whose slot this is; not owned
  NodePointer fn;
  uint32_t nr = 0;
  bool leaf_requires_grad = false;
  bool retains_grad = false;
  ViewKind view = ViewKind::None;
  std::atomic_flag busy;  // guards fn of a view, which is made anew when its base changes
  const Node* base_fn = nullptr;  // of a view: the history of the base when fn was made; compared, never followed
  std::atomic<Accumulator*> accumulator{nullptr};
  std::atomic<std::shared_ptr<GradSlot>*> slot{nullptr};
};

inline Meta* meta_of(TlTensor t) { return static_cast<Meta*>(api()->tensor_autograd(t)); }
Meta& make_meta(TlTensor t);
void update_key(Meta& m);  // the dispatch key follows requires_grad()

// Whether ops on t are recorded: t or what it is a view of requires grad.
inline bool requires_grad(TlTensor t) {
  const Meta* m = meta_of(t);
  if (m && m->requires_grad()) return true;
  const TlTensor base = api()->tensor_base(t);
  if (!base) return false;
  const Meta* b = meta_of(base);
  return b && b->requires_grad();
}
inline bool differentiable(TlDtype d) {
  return (d >= TL_FLOAT16 && d <= TL_COMPLEX128) || d == TL_FLOAT8_E4M3FN || d == TL_FLOAT8_E5M2;
}

// Where the gradient of t goes; owned by the caller. No node if t needs none.
Edge gradient_edge(TlTensor t);
// The node that made t, after bringing a view's history up to date; null for leaves. Owned.
NodeRef grad_fn(TlTensor t);

// t is result nr of node.
void set_history(TlTensor t, Node* node, uint32_t nr);
// t was written in place by node, whose input 0 it is; if t is a view, its base changes too.
void rebase_history(TlTensor t, NodeRef node);
void retain_grad(TlTensor t);
// Refuses to write in place where that would lose or falsify gradients.
void check_inplace(TlTensor t);

// Where the elements of a tensor lie.
struct Geometry {
  Dims sizes, strides;
  int64_t offset = 0;
  TlDtype dtype = 0;
  explicit Geometry(TlTensor t);
};
// A node that cuts `view` out of base; its edge leads to base's history.
NodeRef as_strided_node(Edge to_base, TlTensor base, const Geometry& view);

// A tensor that shares t's elements and whose gradient goes to `edge`.
Tensor with_edge(TlTensor t, const Edge& edge);

}  // namespace tl::autograd
