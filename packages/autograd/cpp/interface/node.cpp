// Nodes of the graph as objects of the host.
#include "engine/anomaly.hpp"
#include "engine/engine.hpp"
#include "engine/host_node.hpp"
#include "engine/hooks.hpp"
#include "engine/meta.hpp"
#include "engine/rule_node.hpp"
#include "interface/interface.hpp"

namespace tl::autograd {
namespace {

const TlObjectClass kNodeClass = {sizeof(TlObjectClass), 0, "autograd::Node", [](void* n) { static_cast<Node*>(n)->release(); }, nullptr};

void node_id(Call& c) { c.ret_int(static_cast<int64_t>(reinterpret_cast<uintptr_t>(node_of(c.object(0))))); }
void node_name(Call& c) { c.ret_string(node_of(c.object(0))->name()); }
void node_sequence(Call& c) { c.ret_int(static_cast<int64_t>(node_of(c.object(0))->sequence())); }

void node_next(Call& c) {
  Node* n = node_of(c.object(0));
  const uint32_t count = n->num_edges();
  auto* nodes = static_cast<TlValue*>(api()->alloc(sizeof(TlValue) * (count + 1)));
  std::fill_n(nodes, count, TlValue{});
  Dims numbers;
  for (uint32_t i = 0; i < count; ++i) {
    const Edge& e = n->edges()[i];
    if (e.node) nodes[i].tag = TL_OBJECT, nodes[i].object = node_object(NodeRef::share(e.node));
    numbers.push_back(e.nr);
  }
  TlValue& ret = c.raw()->rets[0];
  ret.tag = TL_VALUE_LIST, ret.len = count, ret.values = nodes;
  c.ret_ints(numbers, 1);
}

void node_input_shape(Call& c) {
  Node* n = node_of(c.object(0));
  const int64_t i = c.integer(1);
  if (i < 0 || i >= n->num_inputs()) throw Error(TL_INDEX_ERROR, "the node has no input " + std::to_string(i));
  c.ret_ints(n->input(static_cast<uint32_t>(i)).sizes());
}
void node_num_inputs(Call& c) { c.ret_int(node_of(c.object(0))->num_inputs()); }

void node_variable(Call& c) {
  Node* n = node_of(c.object(0));
  if (n->kind() == NodeKind::Accumulate) c.ret(Tensor::share(static_cast<Accumulator*>(n)->variable));
}

void node_function(Call& c) {
  Node* n = node_of(c.object(0));
  if (n->kind() != NodeKind::Host) return;
  TlObject f = static_cast<HostNode*>(n)->function();
  api()->object_retain(f);
  c.ret_object(f);
}

void node_saved(Call& c) {
  Node* n = node_of(c.object(0));
  std::vector<Tensor> tensors;
  const std::string name(c.string(1));
  if (n->kind() != NodeKind::Rule || !static_cast<RuleNode*>(n)->saved_value(name, tensors))
    throw Error(TL_INDEX_ERROR, n->name() + " has saved no tensor '" + name + "'");
  c.ret_list(std::move(tensors));
}

// node, function, whether before the node runs
void node_hook(Call& c) { c.ret_int(node_of(c.object(0))->make_extra().add(c.boolean(2) ? HookKind::Pre : HookKind::Post, 0, c.object(1))); }

// How an op is differentiated: "rule", "composite", "non-differentiable" or "missing". Compiles its rule.
void rule_kind(Call& c) {
  TlOp op;
  check(api()->op_find(std::string(c.string(0)).c_str(), &op));
  static const char* names[] = {"rule", "composite", "non-differentiable", "missing"};
  const PlanKind kind = plan_of(op).kind;
  c.ret_string(names[static_cast<size_t>(kind)]);
}

// Which run of backward this thread is in (-1: none), and how many of the nodes it reaches.
void backward_id(Call& c) { c.ret_int(Task::current() ? static_cast<int64_t>(Task::current()->id) : -1); }
void backward_will_run(Call& c) {
  int64_t n = 0;
  const TlValue& nodes = c.value(0);
  for (uint32_t i = 0; i < nodes.len; ++i) n += Task::current() && Task::current()->involves(node_of(nodes.values[i].object));
  c.ret_int(n);
}

// The node and number of the input that the gradient of a tensor goes to.
void tensor_edge(Call& c) {
  const TlTensor t = c.handle(0);
  if (!requires_grad(t)) throw Error(TL_RUNTIME_ERROR, "get_gradient_edge: the tensor does not require grad");
  const Edge e = gradient_edge(t);
  c.ret_object(node_object(NodeRef::steal(e.node)), 0);
  c.ret_int(e.nr, 1);
}

void anomaly(Call& c) { set_anomaly(c.boolean(0), c.boolean(1), c.object(2)); }
void anomaly_state(Call& c) { c.ret_bool(anomaly_enabled(), 0), c.ret_bool(anomaly_checks_nan(), 1); }
void explanation(Call& c) { c.ret_string(take_last_explanation()); }
void node_running(Call& c) { c.ret_object(node_object(NodeRef::share(current_node()))); }

}  // namespace

TlObject node_object(NodeRef node) {
  if (!node) return nullptr;
  TlObject o;
  check(api()->object_new(&kNodeClass, node.get(), &o));
  node.take();
  return o;
}

Node* node_of(TlObject o) {
  void* p = o ? api()->object_payload(o, &kNodeClass) : nullptr;
  if (!p) throw Error(TL_TYPE_ERROR, "expected a node of the graph");
  return static_cast<Node*>(p);
}

void register_node_ops() {
  engine_op<node_id>("autograd::node_id(Object node) -> int");
  engine_op<node_name>("autograd::node_name(Object node) -> str");
  engine_op<node_sequence>("autograd::node_sequence(Object node) -> int");
  engine_op<node_next>("autograd::node_next(Object node) -> (any, int[])");
  engine_op<node_num_inputs>("autograd::node_num_inputs(Object node) -> int");
  engine_op<node_input_shape>("autograd::node_input_shape(Object node, int index) -> int[]");
  engine_op<node_variable>("autograd::node_variable(Object node) -> Tensor");
  engine_op<node_function>("autograd::node_function(Object node) -> Object");
  engine_op<node_saved>("autograd::node_saved(Object node, str name) -> Tensor[]");
  engine_op<node_hook>("autograd::node_hook(Object node, Function hook, bool before) -> int");
  engine_op<node_running>("autograd::node_running() -> Object");
  engine_op<rule_kind>("autograd::rule_kind(str op) -> str");
  engine_op<backward_id>("autograd::backward_id() -> int");
  engine_op<backward_will_run>("autograd::backward_will_run(Object[] nodes) -> int");
  engine_op<tensor_edge>("autograd::gradient_edge(Tensor self) -> (Object, int)");
  engine_op<anomaly>("autograd::set_anomaly(bool enabled, bool check_nan, Function? trace) -> ()");
  engine_op<anomaly_state>("autograd::anomaly_state() -> (bool, bool)");
  engine_op<explanation>("autograd::anomaly_explanation() -> str");
}

}  // namespace tl::autograd
