// A node whose gradients a function of the host computes (autograd.Function), and the tensors it saves.
#pragma once
#include "engine/engine.hpp"
#include "engine/hooks.hpp"
#include "engine/saved.hpp"

namespace tl::autograd {

class HostNode;

// What ctx.save_for_backward() keeps. The host's context owns it as an object of its own: it must not own the node,
// which owns the context's backward.
class SavedSet {
 public:
  ~SavedSet() { release(); }
  void add(TlTensor t, SavedAs as, uint32_t nr);  // null for None
  void belongs_to(Node* node);                    // null when the node goes
  void release();
  std::vector<Tensor> unpack(bool with_graph);

 private:
  struct Item {
    TlValue value{};
    int64_t version = 0;
    SavedAs as = SavedAs::Input;
    uint32_t nr = 0;
  };
  std::mutex mutex_;
  std::vector<Item> items_;
  Node* node_ = nullptr;
  bool released_ = false;
};

class HostNode final : public Node {
 public:
  HostNode(std::string name, TlObject function, TlObject saved, bool materialize, uint32_t inputs, uint32_t edges);
  ~HostNode() override;
  std::string name() const override { return name_; }
  void apply(const TlTensor* grads, TlTensor* out, Task& task) override;
  void release_saved() override;
  TlObject function() const { return function_.get(); }

 private:
  std::string name_;
  ObjectRef function_, saved_;
  bool materialize_;
};

TlObject new_saved_set();
SavedSet& saved_set_of(TlObject o);

}  // namespace tl::autograd
