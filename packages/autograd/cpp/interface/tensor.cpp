// What a tensor shows of autograd: .grad, .grad_fn, requires_grad_() and hooks.
#include "engine/hooks.hpp"
#include "engine/meta.hpp"
#include "interface/interface.hpp"

namespace tl::autograd {
namespace {

void grad_get(Call& c) {
  Meta* m = meta_of(c.handle(0));
  if (m && m->has_grad_slot()) c.ret(m->grad_slot().load());
}

void grad_set(Call& c) {
  const TlTensor self = c.handle(0);
  if (!c.has(1)) {
    Meta* m = meta_of(self);
    if (m && m->has_grad_slot()) m->grad_slot().store({});
    return;
  }
  if (c.value(1).tag != TL_TENSOR) throw Error(TL_TYPE_ERROR, "assigned grad expected to be a Tensor or None but got grad of another type");
  Tensor g = c.tensor(1);
  if (g.get() == self) throw Error(TL_RUNTIME_ERROR, "can't assign Variable as its own grad");
  const TlTensorInfo s = c.tensor(0).info(), i = g.info();
  if (i.dtype != s.dtype)
    throw Error(TL_RUNTIME_ERROR, "attempting to assign a gradient with another dtype than the tensor's. The gradient must match the tensor's dtype.");
  if (i.device.type != s.device.type)
    throw Error(TL_RUNTIME_ERROR, "attempting to assign a gradient located on another device than the tensor's. Please ensure that the gradient "
                                  "and the tensor are on the same device");
  const Sizes want(s.sizes, static_cast<size_t>(s.ndim)), got(i.sizes, static_cast<size_t>(i.ndim));
  if (!std::equal(want.begin(), want.end(), got.begin(), got.end()))
    throw Error(TL_RUNTIME_ERROR, "attempting to assign a gradient of size '" + to_string(got) + "' to a tensor of size '" + to_string(want) +
                                      "'. Please ensure that the gradient and the tensor are the same size");
  make_meta(self).grad_slot().store(std::move(g));
}

void get_grad_fn(Call& c) { c.ret_object(node_object(grad_fn(c.handle(0)))); }

void is_leaf(Call& c) { c.ret_bool(!grad_fn(c.handle(0))); }

void output_nr(Call& c) {
  const NodeRef fn = grad_fn(c.handle(0));
  c.ret_int(fn ? meta_of(c.handle(0))->nr : 0);
}

void set_requires_grad(Call& c) {
  const TlTensor self = c.handle(0);
  const bool wanted = c.boolean(1);
  c.ret(c.tensor(0));
  const bool is = requires_grad(self);
  if (is == wanted) return;
  const TlTensorInfo i = c.tensor(0).info();
  if (wanted) {
    if (!differentiable(i.dtype)) throw Error(TL_RUNTIME_ERROR, "only Tensors of floating point and complex dtype can require gradients");
    if (i.flags & TL_TENSOR_INFERENCE && !api()->inference_mode(-1))
      throw Error(TL_RUNTIME_ERROR, "Setting requires_grad=True on inference tensor outside InferenceMode is not allowed.");
    Meta& m = make_meta(self);
    m.leaf_requires_grad = true;
    update_key(m);
    return;
  }
  if (grad_fn(self))
    throw Error(TL_RUNTIME_ERROR,
                "you can only change requires_grad flags of leaf variables. If you want to use a computed variable in a subgraph that doesn't "
                "require differentiation use var_no_grad = var.detach().");
  Meta& m = make_meta(self);
  m.leaf_requires_grad = false;
  update_key(m);
}

void retain(Call& c) { retain_grad(c.handle(0)); }

void retains(Call& c) {
  const Meta* m = meta_of(c.handle(0));
  c.ret_bool(m && m->retains_grad);
}

void detach_(Call& c) {
  const TlTensor self = c.handle(0);
  c.ret(c.tensor(0));
  if (api()->tensor_base(self) && requires_grad(self))
    throw Error(TL_RUNTIME_ERROR, "Can't detach views in-place. Use detach() instead.");
  Meta* m = meta_of(self);
  if (!m) return;
  const NodeRef old = NodeRef::steal(m->fn);
  m->fn = nullptr;
  m->nr = 0;
  m->leaf_requires_grad = false;
  m->retains_grad = false;
  update_key(*m);
}

void register_hook(Call& c) {
  const TlTensor self = c.handle(0);
  if (!requires_grad(self)) throw Error(TL_RUNTIME_ERROR, "cannot register a hook on a tensor that doesn't require gradient");
  const Edge e = gradient_edge(self);
  const NodeRef node = NodeRef::steal(e.node);
  if (api()->tensor_base(self)) grad_fn(self);
  c.ret_int(node->make_extra().add(HookKind::Tensor, e.nr, c.object(1)));
}

void register_post_accumulate_hook(Call& c) {
  const TlTensor self = c.handle(0);
  if (!requires_grad(self)) throw Error(TL_RUNTIME_ERROR, "cannot register a hook on a tensor that doesn't require gradient");
  if (grad_fn(self)) throw Error(TL_RUNTIME_ERROR, "post accumulate grad hooks cannot be registered on non-leaf tensors");
  c.ret_int(meta_of(self)->gradient_accumulator()->make_extra().add(HookKind::PostAccumulate, 0, c.object(1)));
}

void remove(Call& c) { remove_hook(c.integer(0)); }

void bump_version(Call& c) { api()->tensor_bump_version(c.handle(0)); }

void base(Call& c) {
  if (const TlTensor b = api()->tensor_base(c.handle(0))) c.ret(Tensor::share(b));
}

}  // namespace

void register_tensor_ops() {
  engine_op<grad_get>("autograd::grad_get(Tensor self) -> Tensor");
  engine_op<grad_set>("autograd::grad_set(Tensor self, Tensor? grad) -> ()");
  engine_op<get_grad_fn>("autograd::grad_fn(Tensor self) -> Object");
  engine_op<is_leaf>("autograd::is_leaf(Tensor self) -> bool");
  engine_op<output_nr>("autograd::output_nr(Tensor self) -> int");
  engine_op<set_requires_grad>("autograd::set_requires_grad(Tensor self, bool requires_grad=True) -> Tensor");
  engine_op<retain>("autograd::retain_grad(Tensor self) -> ()");
  engine_op<retains>("autograd::retains_grad(Tensor self) -> bool");
  engine_op<detach_>("autograd::detach_(Tensor self) -> Tensor");
  engine_op<register_hook>("autograd::register_hook(Tensor self, Function hook) -> int");
  engine_op<register_post_accumulate_hook>("autograd::register_post_accumulate_grad_hook(Tensor self, Function hook) -> int");
  engine_op<remove>("autograd::remove_hook(int id) -> ()");
  engine_op<bump_version>("autograd::bump_version(Tensor self) -> ()");
  engine_op<base>("autograd::view_base(Tensor self) -> Tensor");
}

}  // namespace tl::autograd
