#include "engine/record.hpp"

#include "engine/anomaly.hpp"
#include "engine/rule_node.hpp"

namespace tl::autograd {
namespace {

constexpr TlKeySet kAutograd = TlKeySet{1} << TL_KEY_AUTOGRAD;
constexpr TlKeySet kSparse = TlKeySet{1} << TL_KEY_SPARSE_CPU | TlKeySet{1} << TL_KEY_SPARSE_CUDA;

// Runs the op below autograd, without recording what its kernel may call.
void call_below(const TlCall* c) {
  const TlKeySet before = api()->keys_set_excluded(api()->keys_excluded() | kAutograd);
  const TlStatus s = api()->op_redispatch(c->op, c->keys & ~kAutograd, c->args, c->rets);
  api()->keys_set_excluded(before);
  check(s);
}

bool any_requires_grad(const Plan& plan, const TlValue* args) {
  for (const uint8_t a : plan.tensor_args) {
    const TlValue& v = args[a];
    if (v.tag == TL_TENSOR) {
      if (requires_grad(v.tensor)) return true;
    } else if (v.tag == TL_TENSOR_LIST) {
      for (uint32_t j = 0; j < v.len; ++j)
        if (v.tensors[j] && requires_grad(v.tensors[j])) return true;
    }
  }
  return false;
}

bool is_argument(const Plan& plan, const TlValue* args, TlTensor t) {
  for (const uint8_t a : plan.tensor_args)
    if (args[a].tag == TL_TENSOR && args[a].tensor == t) return true;
  return false;
}

// A result of an op that makes views knows which history of its base it stems from.
void mark_view(TlTensor result, bool several) {
  const TlTensor base = api()->tensor_base(result);
  if (!base) return;
  Meta* m = meta_of(result);
  m->view = several ? ViewKind::MultiOutput : ViewKind::Plain;
  Meta* b = meta_of(base);
  m->base_fn = !b ? nullptr : b->fn ? b->fn : b->leaf_requires_grad ? b->gradient_accumulator() : nullptr;
}

void give_history(const Plan& plan, const TlCall* c, Node* node, TlTensor result, uint32_t nr, bool several) {
  if (is_argument(plan, c->args, result)) return;  // nothing was done: it has its history
  TlTensorInfo info;
  info.struct_size = sizeof info;
  api()->tensor_info(result, &info);
  if (!differentiable(info.dtype)) {
    node->input(nr).set(result);
    return;
  }
  set_history(result, node, nr);
  if (plan.view) mark_view(result, several);
}

void record(TlCall* c, const Plan& dense_plan) {
  const Plan& plan = __builtin_expect((c->keys & kSparse) != 0, 0) ? plan_of(c->op, true) : dense_plan;
  if (plan.kind == PlanKind::Composite) {
    // Its parts are recorded one by one. An out= form ends in a copy that autograd refuses by name.
    if (!plan.out_form || !any_requires_grad(plan, c->args)) {
      check(api()->op_redispatch(c->op, c->keys & ~kAutograd, c->args, c->rets));
      return;
    }
  }
  if (!any_requires_grad(plan, c->args)) return call_below(c);
  if (plan.out_form) {
    if (plan.kind == PlanKind::NotDifferentiable) return call_below(c);
    throw Error(TL_RUNTIME_ERROR, std::string(plan.info.name) +
                                      "(): functions with out=... arguments don't support automatic differentiation, but one of the arguments "
                                      "requires grad.");
  }
  if (plan.in_place && c->args[0].tag == TL_TENSOR) check_inplace(c->args[0].tensor);
  if (plan.kind == PlanKind::NotDifferentiable) return call_below(c);

  RuleNode* node = RuleNode::make(plan, c->args);
  const NodeRef owner = NodeRef::steal(node);
  attach_trace(*node);
  node->save_arguments(c->args);
  call_below(c);
  if (plan.in_place) {
    const TlTensor self = c->args[0].tensor;
    node->input(0).set(self);
    if (differentiable(node->input(0).dtype())) rebase_history(self, owner);
  } else if (c->nrets == 1 && c->rets[0].tag == TL_TENSOR_LIST) {
    const TlValue& list = c->rets[0];
    node->set_num_inputs(list.len);
    for (uint32_t i = 0; i < list.len; ++i)
      if (list.tensors[i]) give_history(plan, c, node, list.tensors[i], i, true);
  } else {
    for (uint32_t i = 0; i < c->nrets; ++i)
      if (c->rets[i].tag == TL_TENSOR) give_history(plan, c, node, c->rets[i].tensor, i, false);
  }
  node->save_results(c->rets);
}

TlStatus recorder(TlCall* c) {
  return guarded([&] { record(c, *static_cast<const Plan*>(c->user)); });
}

// The first call of each op: from the next one on dispatch finds the plan by itself.
TlStatus first_call(TlCall* c) {
  return guarded([&] {
    const Plan& plan = plan_of(c->op);
    check(api()->op_register_kernel(plan.full_name.c_str(), TL_KEY_AUTOGRAD, recorder, const_cast<Plan*>(&plan)));
    record(c, plan);
  });
}

}  // namespace

NodeRef as_strided_node(Edge to_base, TlTensor base, const Geometry& view) {
  static const Plan& plan = plan_of(op<"as_strided">().op);
  static const Plan& parts_plan = plan_of(op<"view_as_real">().op);
  NodeRef parts;
  Tensor real;
  if (const Geometry g(base); g.dtype != view.dtype) {
    // A real view of complex numbers: first their parts, then the cut.
    const ExcludeKeys no_grad(kAutograd);
    const Tensor view = call<"view_as_real">(Tensor::share(base));
    TlTensor alone;  // without its base, in whose history this would not end
    check(api()->tensor_alias(view.get(), nullptr, nullptr, 0, 0, &alone));
    real = Tensor::steal(alone);
    const TlValue arg[1] = {pack(base)};
    RuleNode* n = RuleNode::make(parts_plan, arg);
    parts = NodeRef::steal(n);
    n->save_arguments(arg);
    n->input(0).set(real.get());
    if (n->edges()[0].node) n->edges()[0].node->release();
    n->edges()[0] = to_base;
    to_base = {parts.get(), 0};
    parts->retain();
    base = real.get();
  }
  const TlValue args[4] = {pack(base), pack(view.sizes), pack(view.strides), pack(view.offset)};
  RuleNode* node = RuleNode::make(plan, args);
  NodeRef owner = NodeRef::steal(node);
  if (node->edges()[0].node) node->edges()[0].node->release();
  node->edges()[0] = to_base;
  node->want_all();
  node->save_arguments(args);
  return owner;
}

void install_recorder() { check(api()->key_fallback(TL_KEY_AUTOGRAD, first_call, nullptr)); }

}  // namespace tl::autograd
