// Custom functions: nodes whose backward is a callable of the host.
#include "engine/anomaly.hpp"
#include "engine/host_node.hpp"
#include "engine/meta.hpp"
#include "interface/interface.hpp"

namespace tl::autograd {
namespace {

constexpr TlKeySet kAutograd = TlKeySet{1} << TL_KEY_AUTOGRAD;

int index_of(std::span<const TlTensor> list, TlTensor t) {
  for (size_t i = 0; i < list.size(); ++i)
    if (list[i] == t) return static_cast<int>(i);
  return -1;
}

Tensor bare_alias(TlTensor t) {
  TlTensor out;
  check(api()->tensor_alias(t, nullptr, nullptr, 0, 0, &out));
  return Tensor::steal(out);
}

void saved_new(Call& c) { c.ret_object(new_saved_set()); }

// name, backward, inputs, outputs, dirty, non_differentiable, materialize, saved, set
//
// Makes the node of a call of a custom function. Outputs get their history in place; an output that is an input, and
// was not written, comes back as an alias of it.
void record_function(Call& c) {
  const auto inputs = c.handles(2), outputs = c.handles(3), dirty = c.handles(4), constant = c.handles(5), saved = c.handles(7);
  SavedSet& set = saved_set_of(c.object(8));
  auto* raw = new HostNode(std::string(c.string(0)), c.object(1), c.object(8), c.boolean(6), static_cast<uint32_t>(outputs.size()),
                           static_cast<uint32_t>(inputs.size()));
  const NodeRef node = NodeRef::steal(raw);
  for (size_t i = 0; i < inputs.size(); ++i)
    if (requires_grad(inputs[i])) raw->edges()[i] = gradient_edge(inputs[i]);
  attach_trace(*raw);
  for (const TlTensor t : dirty) {
    if (index_of(inputs, t) < 0 && index_of(outputs, t) < 0)
      throw Error(TL_RUNTIME_ERROR, std::string(c.string(0)) + ": a tensor passed to mark_dirty() is not an input of the function");
    const Meta* m = meta_of(t);
    if (m && m->leaf_requires_grad && !m->fn)
      throw Error(TL_RUNTIME_ERROR, "a leaf Variable that requires grad has been used in an in-place operation.");
    check_inplace(t);
  }
  std::vector<Tensor> results;
  for (size_t i = 0; i < outputs.size(); ++i) {
    const TlTensor t = outputs[i];
    const auto nr = static_cast<uint32_t>(i);
    if (!t) {
      results.emplace_back();
      continue;
    }
    Tensor result = Tensor::share(t);
    const bool is_input = index_of(inputs, t) >= 0;
    const bool written = index_of(dirty, t) >= 0;
    const bool plain = index_of(constant, t) >= 0 || !differentiable(result.dtype());
    if (is_input && !written) result = bare_alias(t);
    raw->input(nr).set(t);
    if (plain) {
      if (written) throw Error(TL_RUNTIME_ERROR, "a tensor cannot be marked both dirty and non-differentiable");
    } else if (written) {
      if (api()->tensor_base(t) && outputs.size() > 1)
        throw Error(TL_RUNTIME_ERROR, "if a view is modified in place by a custom function, the function must have only one output");
      rebase_history(t, node);
    } else {
      set_history(result.get(), raw, nr);
      if (const TlTensor base = api()->tensor_base(result.get())) {
        Meta* m = meta_of(result.get());
        Meta* b = meta_of(base);
        m->view = ViewKind::Custom;
        m->base_fn = !b ? nullptr : b->fn ? b->fn : b->leaf_requires_grad ? b->gradient_accumulator() : nullptr;
      }
    }
    results.push_back(std::move(result));
  }
  for (const TlTensor t : saved) {
    const int out = t ? index_of(outputs, t) : -1;
    const bool as_result = out >= 0 && index_of(inputs, t) < 0;
    set.add(t, as_result ? SavedAs::Result : SavedAs::Input, out < 0 ? 0 : static_cast<uint32_t>(out));
  }
  c.ret_list(std::move(results));
}

void saved_tensors(Call& c) { c.ret_list(saved_set_of(c.object(0)).unpack(!(api()->keys_excluded() & kAutograd))); }

void push_hooks(Call& c) { push_saved_hooks(c.object(0)); }
void pop_hooks(Call&) { pop_saved_hooks(); }
void disable_hooks(Call& c) { disable_saved_hooks(std::string(c.string(0))); }
void hooks_disabled(Call& c) { c.ret_string(saved_hooks_disabled()); }

}  // namespace

void register_function_ops() {
  engine_op<saved_new>("autograd::saved_new() -> Object");
  engine_op<record_function>("autograd::record_function(str name, Function backward, Tensor[] inputs, Tensor?[] outputs, Tensor[] dirty, "
                             "Tensor[] non_differentiable, bool materialize, Tensor?[] saved, Object saved_set) -> Tensor[]");
  engine_op<saved_tensors>("autograd::saved_tensors(Object saved_set) -> Tensor[]");
  engine_op<push_hooks>("autograd::push_saved_hooks(Function pack) -> ()");
  engine_op<pop_hooks>("autograd::pop_saved_hooks() -> ()");
  engine_op<disable_hooks>("autograd::disable_saved_hooks(str message) -> ()");
  engine_op<hooks_disabled>("autograd::saved_hooks_disabled() -> str");
}

}  // namespace tl::autograd
