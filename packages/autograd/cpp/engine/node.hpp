// The graph: nodes that turn the gradients of an op's results into the gradients of its arguments.
//
// A node is reference counted without a control block. The edges of a node own the nodes that they lead to; a graph is
// freed without recursion, however deep it is.
#pragma once
#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "tallow/tallow.hpp"

namespace tl::autograd {

class Node;
class Task;

struct Edge {
  Node* node = nullptr;
  uint32_t nr = 0;  // which of the node's inputs
};

// What a gradient that arrives at a node must look like: one per result of the op that made the node.
class InputInfo {
 public:
  InputInfo() = default;
  explicit InputInfo(TlTensor like) { set(like); }
  InputInfo(const InputInfo&) = delete;
  InputInfo& operator=(const InputInfo&) = delete;
  ~InputInfo() { delete[] heap_; }
  void set(TlTensor like);
  bool describes(TlTensor t) const;
  Sizes sizes() const { return {heap_ ? heap_ : inline_, static_cast<size_t>(ndim_ < 0 ? 0 : ndim_)}; }
  TlDtype dtype() const { return dtype_; }
  TlDevice device() const { return device_; }
  bool known() const { return ndim_ >= 0; }

 private:
  static constexpr int kInline = 4;
  int16_t ndim_ = -1;
  int16_t dtype_ = 0;
  TlDevice device_{};
  int64_t* heap_ = nullptr;
  int64_t inline_[kInline];
};

// What a running backward knows of a node. It lives inside the node; where two backwards meet in one node the second
// one keeps it in a table of its own.
struct TaskState {
  int32_t dependencies = 0;
  bool needed = false;         // only asked where the caller named inputs
  bool summed = false;         // the gradient below is our own sum: it may be added to in place
  TlTensor one = nullptr;      // the gradient of a node with one input, owned
  TlTensor* many = nullptr;    // of a node with several
};

struct GradSlot;
struct NodeExtra;  // hooks and the forward trace; see hooks.hpp

enum class NodeKind : uint8_t { Rule, Accumulate, Host, CopySlices, Other };

class Node {
 public:
  // `place`: memory of the derived object for the edges; without it they are allocated.
  Node(NodeKind kind, uint32_t inputs, uint32_t edges, Edge* place = nullptr);
  virtual ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  virtual std::string name() const = 0;
  // grads: num_inputs() borrowed handles, null where nothing arrived. out: num_edges() handles that the caller owns.
  virtual void apply(const TlTensor* grads, TlTensor* out, Task& task) = 0;
  virtual void release_saved() {}

  NodeKind kind() const { return kind_; }
  uint32_t num_inputs() const { return num_inputs_; }
  uint32_t num_edges() const { return num_edges_; }
  Edge* edges() { return edges_; }
  const Edge* edges() const { return edges_; }
  InputInfo& input(uint32_t i) { return num_inputs_ == 1 ? first_ : many_[i]; }
  const InputInfo& input(uint32_t i) const { return num_inputs_ == 1 ? first_ : many_[i]; }
  void set_num_inputs(uint32_t n);  // before the node is shared
  uint64_t sequence() const { return sequence_; }

  void retain();
  void release();
  bool try_retain();  // false if the last reference is gone already
  NodeExtra* extra() const { return extra_.load(std::memory_order_acquire); }
  NodeExtra& make_extra();

 protected:
  uint64_t sequence_;

 private:
  friend class Task;
  friend struct Accumulator;
  static void bury(Node* n);

  std::atomic<int32_t> refs_{1};
  NodeKind kind_;
  bool owns_edges_;
  uint32_t num_inputs_;
  uint32_t num_edges_;
  Edge* edges_;
  std::atomic<Task*> owner_{nullptr};
  TaskState state_;
  std::atomic<NodeExtra*> extra_{nullptr};
  Node* next_dead_ = nullptr;
  InputInfo first_;             // where there is one input
  InputInfo* many_ = nullptr;   // otherwise
};

// The end of the graph: adds what arrives to the .grad of a leaf. It lives as long as the leaf's tensor, and a
// reference to it is a reference to the tensor.
struct Accumulator final : Node {
  explicit Accumulator(TlTensor variable);
  std::string name() const override { return "AccumulateGrad"; }
  void apply(const TlTensor* grads, TlTensor* out, Task& task) override;
  TlTensor variable;
};

inline void Node::retain() {
  if (kind_ == NodeKind::Accumulate) api()->tensor_retain(static_cast<Accumulator*>(this)->variable);
  else refs_.fetch_add(1, std::memory_order_relaxed);
}
inline void Node::release() {
  if (kind_ == NodeKind::Accumulate) api()->tensor_release(static_cast<Accumulator*>(this)->variable);
  else if (refs_.fetch_sub(1, std::memory_order_acq_rel) == 1) bury(this);
}

// An owned reference to a node.
class NodeRef {
 public:
  NodeRef() = default;
  static NodeRef steal(Node* n) {
    NodeRef r;
    r.n_ = n;
    return r;
  }
  static NodeRef share(Node* n) {
    if (n) n->retain();
    return steal(n);
  }
  NodeRef(const NodeRef& o) : n_(o.n_) {
    if (n_) n_->retain();
  }
  NodeRef(NodeRef&& o) noexcept : n_(std::exchange(o.n_, nullptr)) {}
  NodeRef& operator=(NodeRef o) noexcept {
    std::swap(n_, o.n_);
    return *this;
  }
  ~NodeRef() {
    if (n_) n_->release();
  }
  Node* get() const { return n_; }
  Node* operator->() const { return n_; }
  Node* take() { return std::exchange(n_, nullptr); }
  explicit operator bool() const { return n_ != nullptr; }

 private:
  Node* n_ = nullptr;
};

}  // namespace tl::autograd
