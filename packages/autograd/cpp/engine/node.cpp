#include "engine/node.hpp"

#include "engine/hooks.hpp"

namespace tl::autograd {
namespace {

thread_local uint64_t t_sequence = 0;
// Nodes whose last reference went while another node was being freed: they wait here instead of on the stack.
thread_local Node* t_dead = nullptr;
thread_local bool t_burying = false;

}  // namespace

void InputInfo::set(TlTensor like) {
  TlTensorInfo i;
  i.struct_size = sizeof i;
  api()->tensor_info(like, &i);
  delete[] heap_;
  heap_ = i.ndim > kInline ? new int64_t[static_cast<size_t>(i.ndim)] : nullptr;
  ndim_ = static_cast<int16_t>(i.ndim);
  dtype_ = static_cast<int16_t>(i.dtype);
  device_ = i.device;
  std::copy_n(i.sizes, i.ndim, heap_ ? heap_ : inline_);
}

bool InputInfo::describes(TlTensor t) const {
  TlTensorInfo i;
  i.struct_size = sizeof i;
  api()->tensor_info(t, &i);
  return i.dtype == dtype_ && i.ndim == ndim_ && std::equal(i.sizes, i.sizes + i.ndim, heap_ ? heap_ : inline_);
}

Node::Node(NodeKind kind, uint32_t inputs, uint32_t edges, Edge* place)
    : sequence_(++t_sequence), kind_(kind), owns_edges_(!place && edges), num_inputs_(inputs), num_edges_(edges),
      edges_(owns_edges_ ? new Edge[edges] : place) {
  if (inputs != 1) many_ = new InputInfo[inputs];
}

void Node::set_num_inputs(uint32_t n) {
  if (n == num_inputs_) return;
  delete[] many_;
  many_ = n == 1 ? nullptr : new InputInfo[n];
  num_inputs_ = n;
}

Node::~Node() {
  for (uint32_t i = 0; i < num_edges_; ++i)
    if (edges_[i].node) edges_[i].node->release();
  if (owns_edges_) delete[] edges_;
  delete[] many_;
  if (NodeExtra* e = extra()) delete e;
}

NodeExtra& Node::make_extra() {
  NodeExtra* e = extra();
  if (e) return *e;
  auto* fresh = new NodeExtra(this);
  if (extra_.compare_exchange_strong(e, fresh, std::memory_order_acq_rel)) return *fresh;
  delete fresh;
  return *e;
}

bool Node::try_retain() {
  int32_t n = refs_.load(std::memory_order_relaxed);
  while (n > 0)
    if (refs_.compare_exchange_weak(n, n + 1, std::memory_order_acq_rel)) return true;
  return false;
}

void Node::bury(Node* n) {
  n->next_dead_ = t_dead;
  t_dead = n;
  if (t_burying) return;
  t_burying = true;
  while (Node* next = t_dead) {
    t_dead = next->next_dead_;
    delete next;
  }
  t_burying = false;
}

}  // namespace tl::autograd
