#include "engine/meta.hpp"

#include "engine/copy_slices.hpp"

namespace tl::autograd {
namespace {

void delete_meta(void* m) { delete static_cast<Meta*>(m); }

class Spin {
 public:
  explicit Spin(std::atomic_flag& f) : f_(f) {
    while (f_.test_and_set(std::memory_order_acquire)) {
    }
  }
  ~Spin() { f_.clear(std::memory_order_release); }

 private:
  std::atomic_flag& f_;
};

// The node that stands for the history of a tensor that is no view; borrowed.
Node* history(Meta& m) { return m.fn ? m.fn : m.leaf_requires_grad ? m.gradient_accumulator() : nullptr; }

void move_retained_grad(Meta& m, Node* from, Node* to, uint32_t nr) {
  if (!m.retains_grad) return;
  if (from && from->extra()) from->extra()->forget(&m.grad_slot());
  to->make_extra().retain(nr, m.shared_grad_slot());
}

// Gives a view the history of its base anew if the base was written since. Returns the old one, which the caller drops
// after it lets go of m.busy: what a node holds may need the host's lock to go.
[[nodiscard]] NodeRef refresh_view(Meta& m, TlTensor base) {
  Meta* b = meta_of(base);
  if (!b || !b->requires_grad()) return {};
  Node* now = history(*b);
  if (m.base_fn == now) return {};
  now->retain();
  NodeRef fresh = as_strided_node({now, b->fn ? b->nr : 0}, base, Geometry(m.self));
  fresh->input(0).set(m.self);
  move_retained_grad(m, m.fn, fresh.get(), 0);
  NodeRef old = NodeRef::steal(m.fn);
  m.fn = fresh.take();
  m.nr = 0;
  m.base_fn = now;
  if (m.view == ViewKind::None) m.view = ViewKind::Plain;
  return old;
}

}  // namespace

Meta::~Meta() {
  if (retains_grad && fn && fn->extra()) fn->extra()->forget(&grad_slot());
  if (fn) fn->release();
  delete accumulator.load(std::memory_order_acquire);
  delete slot.load(std::memory_order_acquire);
}

const std::shared_ptr<GradSlot>& Meta::shared_grad_slot() {
  auto* s = slot.load(std::memory_order_acquire);
  if (s) return *s;
  auto* fresh = new std::shared_ptr<GradSlot>(std::make_shared<GradSlot>());
  if (slot.compare_exchange_strong(s, fresh, std::memory_order_acq_rel)) return *fresh;
  delete fresh;
  return *s;
}

Node* Meta::gradient_accumulator() {
  Accumulator* a = accumulator.load(std::memory_order_acquire);
  if (a) {
    if (__builtin_expect(!a->input(0).describes(self), 0)) a->input(0).set(self);  // x.data = something else
    return a;
  }
  auto* fresh = new Accumulator(self);
  if (accumulator.compare_exchange_strong(a, fresh, std::memory_order_acq_rel)) return fresh;
  delete fresh;
  return a;
}

Meta& make_meta(TlTensor t) {
  if (Meta* m = meta_of(t)) return *m;
  auto* m = new Meta(t);
  api()->tensor_set_autograd(t, m, delete_meta, 0);
  return *m;
}

void update_key(Meta& m) { api()->tensor_set_autograd(m.self, &m, delete_meta, m.requires_grad()); }

Edge gradient_edge(TlTensor t) {
  Meta* m = meta_of(t);
  if (const TlTensor base = api()->tensor_base(t)) {
    if (!m) {  // made where nothing was recorded, or before its base required grad
      Meta* b = meta_of(base);
      if (!b || !b->requires_grad()) return {};
      Node* now = history(*b);
      now->retain();
      NodeRef fresh = as_strided_node({now, b->fn ? b->nr : 0}, base, Geometry(t));
      fresh->input(0).set(t);
      return {fresh.take(), 0};
    }
    NodeRef old;
    Spin lock(m->busy);
    old = refresh_view(*m, base);
    if (m->fn) m->fn->retain();
    if (m->fn) return {m->fn, m->nr};
  }
  if (!m) return {};
  if (m->fn) {
    m->fn->retain();
    return {m->fn, m->nr};
  }
  if (!m->leaf_requires_grad) return {};
  Node* a = m->gradient_accumulator();
  a->retain();
  return {a, 0};
}

NodeRef grad_fn(TlTensor t) {
  if (!requires_grad(t)) return {};
  Meta& m = make_meta(t);
  if (const TlTensor base = api()->tensor_base(t)) {
    NodeRef old;
    Spin lock(m.busy);
    old = refresh_view(m, base);
    if (m.fn && !m.leaf_requires_grad) update_key(m);
    return NodeRef::share(m.fn);
  }
  return NodeRef::share(m.fn);
}

void set_history(TlTensor t, Node* node, uint32_t nr) {
  Meta* m = meta_of(t);
  if (!m) m = new Meta(t);
  node->retain();
  NodeRef old = NodeRef::steal(m->fn);
  m->fn = node;
  m->nr = nr;
  m->leaf_requires_grad = false;
  node->input(nr).set(t);
  update_key(*m);
}

void rebase_history(TlTensor t, NodeRef node) {
  const TlTensor base = api()->tensor_base(t);
  if (base) {
    const Edge before = gradient_edge(base);
    const bool as_base = !before.node && !differentiable(Geometry(base).dtype);
    if (as_base) throw Error(TL_RUNTIME_ERROR, "in-place write of a tensor that requires grad into a view of a tensor that cannot require grad");
    Meta& b = make_meta(base);
    NodeRef slices = copy_slices_node(before, base, Geometry(t), std::move(node));
    move_retained_grad(b, b.fn, slices.get(), 0);
    set_history(base, slices.get(), 0);
    Meta& m = make_meta(t);
    NodeRef old;
    Spin lock(m.busy);
    m.leaf_requires_grad = false;
    old = refresh_view(m, base);
    update_key(m);
    return;
  }
  Meta& m = make_meta(t);
  move_retained_grad(m, m.fn, node.get(), 0);
  set_history(t, node.get(), 0);
}

void retain_grad(TlTensor t) {
  if (!requires_grad(t)) throw Error(TL_RUNTIME_ERROR, "can't retain_grad on Tensor that has requires_grad=False");
  NodeRef fn = grad_fn(t);
  if (!fn) return;  // a leaf keeps its gradient anyway
  Meta& m = make_meta(t);
  if (m.retains_grad) return;
  m.retains_grad = true;
  fn->make_extra().retain(m.nr, m.shared_grad_slot());
}

void check_inplace(TlTensor t) {
  const Meta* m = meta_of(t);
  if (const TlTensor base = api()->tensor_base(t)) {
    const Meta* b = meta_of(base);
    const bool base_requires = b && b->requires_grad();
    if (m && m->view == ViewKind::MultiOutput && (base_requires || m->requires_grad()))
      throw Error(TL_RUNTIME_ERROR,
                  "Output " + std::to_string(m->nr) + " of " + (m->fn ? m->fn->name() : "a function") +
                      " is a view and is being modified inplace. This view is the output of a function that returns multiple views. Such "
                      "functions do not allow the output views to be modified inplace. You should replace the inplace operation by an "
                      "out-of-place one.");
    if (base_requires && !b->fn)
      throw Error(TL_RUNTIME_ERROR, "a view of a leaf Variable that requires grad is being used in an in-place operation.");
    if (m && m->leaf_requires_grad && !m->fn)
      throw Error(TL_RUNTIME_ERROR, "a leaf Variable that requires grad is being used in an in-place operation.");
    return;
  }
  if (m && m->leaf_requires_grad && !m->fn)
    throw Error(TL_RUNTIME_ERROR, "a leaf Variable that requires grad is being used in an in-place operation.");
}

Geometry::Geometry(TlTensor t) {
  TlTensorInfo i;
  i.struct_size = sizeof i;
  api()->tensor_info(t, &i);
  sizes.assign(i.sizes, i.sizes + i.ndim);
  strides.assign(i.strides, i.strides + i.ndim);
  offset = i.storage_offset;
  dtype = i.dtype;
}

Tensor with_edge(TlTensor t, const Edge& edge) {
  if (edge.node && edge.node->kind() == NodeKind::Accumulate) {
    // The gradient of a leaf: the leaf itself, unless the values came from elsewhere (a hook).
    const TlTensor leaf = static_cast<Accumulator*>(edge.node)->variable;
    TlTensorInfo a, b;
    a.struct_size = b.struct_size = sizeof a;
    api()->tensor_info(leaf, &a), api()->tensor_info(t, &b);
    const bool same = a.data == b.data && (a.data || api()->tensor_same_storage(leaf, t));
    if (same && a.ndim == b.ndim && std::equal(a.sizes, a.sizes + a.ndim, b.sizes)) return Tensor::share(leaf);
  }
  TlTensor out;
  check(api()->tensor_alias(t, nullptr, nullptr, 0, 0, &out));
  Tensor alias = Tensor::steal(out);
  auto* m = new Meta(out);
  if (edge.node) {
    edge.node->retain();
    m->fn = edge.node;
    m->nr = edge.nr;
  }
  update_key(*m);
  return alias;
}

}  // namespace tl::autograd
