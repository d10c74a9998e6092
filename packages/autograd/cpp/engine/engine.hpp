// Backward: runs the nodes of a graph in the order of their sequence numbers, latest first.
#pragma once
#include <unordered_map>

#include "engine/node.hpp"

namespace tl::autograd {

struct Root {
  Edge edge;  // owned by the caller for the time of the run
  Tensor gradient;  // moved into the run
};

// A gradient that the caller asked for instead of accumulation into .grad.
struct Capture {
  Edge edge;
  Tensor gradient;
};

// One run of backward. Nodes are claimed for it, so that its state can live inside them; a node that another run (of
// this thread or another) holds gets its state in a table here.
class Task {
 public:
  Task(bool keep_graph, bool create_graph);
  ~Task();
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;

  // `selective`: only nodes on a way to `captures` or `accumulate` run.
  void run(std::span<Root> roots, std::span<Capture> captures, std::span<const Edge> accumulate, bool selective);
  // Whether a node must give the gradient for this edge.
  bool needs(const Edge& e) { return e.node && (!selective_ || state(e.node).needed); }

  // Whether this run will reach the node, or is at it.
  bool involves(Node* n) const;
  static Task* current();  // of this thread, innermost; null outside backward
  const uint64_t id;
  const bool keep_graph, create_graph;

 private:
  struct Ready {
    uint64_t order;
    Node* node;
    bool operator<(const Ready& o) const { return order < o.order; }
  };
  TaskState& state(Node* n);
  bool claim(Node* n);  // true the first time
  void visit(Node* n);
  void discover(std::span<const Root> roots);
  void select(std::span<const Root> roots, std::span<Capture> captures, std::span<const Edge> accumulate);
  void receive(Node* n, uint32_t nr, TaskState& s, Tensor gradient);
  void push(Node* n);
  void execute(Node* n);
  void deliver(Node* n, TlTensor* out);
  void finish(Node* n, TaskState& s);

  std::vector<Node*> visited_;
  size_t finished_ = 0;
  std::vector<Ready> heap_;
  std::unordered_map<Node*, TaskState> elsewhere_;
  std::span<Capture> captures_;
  bool selective_ = false;
};

// Makes a gradient fit what the edge expects: sums broadcast dimensions, casts, drops the imaginary part of the
// gradient of a real number. Fails where it cannot fit.
Tensor fit_gradient(const Node& from, uint32_t index, const InputInfo& wanted, Tensor gradient);
Tensor zeros(const InputInfo& like);
// The sum of two gradients; a dense one and a sparse one give a dense one.
Tensor sum_of(const Tensor& a, const Tensor& b);

// The running node on this thread, for anomaly mode: null outside backward.
Node* current_node();

}  // namespace tl::autograd
