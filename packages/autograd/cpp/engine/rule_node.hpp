// A node whose gradients are given by a rule.
#pragma once
#include "engine/engine.hpp"
#include "engine/meta.hpp"
#include "engine/plan.hpp"
#include "engine/saved.hpp"

namespace tl::autograd {

class RuleNode final : public Node {
 public:
  // One block of memory holds the node, its edges and what it saves.
  static RuleNode* make(const Plan& plan, const TlValue* args);
  static void operator delete(void* p) { std::free(p); }
  ~RuleNode() override;

  void want_all() { formulas_ = ~uint64_t{0}; }  // saves for every formula, whatever the arguments require
  // Keeps from the arguments what the formulas of the edges need; before the op runs.
  void save_arguments(const TlValue* args);
  void save_results(const TlValue* rets);

  std::string name() const override { return plan_.node_name; }
  void apply(const TlTensor* grads, TlTensor* out, Task& task) override;
  void release_saved() override;

  // The op wrote into a view: what it made is now part of `slices`, which owns this node.
  void write_into(Node* slices, const Edge& before, const Geometry& view, const Geometry& base);
  const Plan& plan() const { return plan_; }
  // What is saved under a parameter's or result's name; false if nothing is.
  bool saved_value(std::string_view name, std::vector<Tensor>& tensors);

 private:
  RuleNode(const Plan& plan, uint32_t edges, Edge* place);
  uint32_t edges_of(uint32_t tensor_arg, uint32_t first) const;
  void save(size_t slot, const TlValue& v, SavedAs as);
  TlValue unpack(size_t slot, bool with_graph);
  Edge history_of(const Slot& s);
  SavedAs kind_of(const Slot& s) const;
  bool enter();
  void leave();
  void free_tensors();
  static const InputInfo* info_of_argument(const void* self, uint8_t argument);

  const Plan& plan_;
  uint64_t formulas_ = 0;          // those that some edge needs
  TlValue* saved_;
  int64_t* versions_;
  uint16_t* list_lengths_;         // of every tensor argument; null if all have one edge
  std::atomic<int32_t> users_{0};  // twice the number of running backwards, plus one when the tensors were given up
  std::atomic<bool> freed_{false};
  bool special_ = false;           // something saved is packed or a list, or comes from an in-place op
  bool holds_tensors_ = false;
  Edge original_{};                // history of what an in-place op overwrote; owned
  Node* slices_ = nullptr;         // owns this node
  std::unique_ptr<std::pair<Geometry, Geometry>> written_view_;  // view, base
};

}  // namespace tl::autograd
