#include "engine/engine.hpp"
#include "engine/hooks.hpp"
#include "engine/meta.hpp"

namespace tl::autograd {
namespace {

TlTensorInfo info_of(TlTensor t) {
  TlTensorInfo i;
  i.struct_size = sizeof i;
  api()->tensor_info(t, &i);
  return i;
}

// Whether a gradient may become .grad as it is: nobody but the `known` holders has it, and it lies in memory as the
// variable does.
bool may_take(TlTensor gradient, int32_t known, TlTensor variable) {
  if (api()->tensor_use_count(gradient) > known) return false;
  if (Tensor::share(gradient).is_sparse()) return true;
  const TlTensorInfo g = info_of(gradient), v = info_of(variable);
  // A view is as good where it shows all of a tensor that only it keeps alive (a transpose, a reshape).
  if (const TlTensor base = api()->tensor_base(gradient); base && (api()->tensor_use_count(base) > 1 || info_of(base).numel != g.numel)) return false;
  if (g.flags & TL_TENSOR_INFERENCE) return false;
  if (g.flags & v.flags & TL_TENSOR_CONTIGUOUS) return true;
  return std::equal(g.strides, g.strides + g.ndim, v.strides);
}

Tensor without_base(const Tensor& gradient) {
  if (!api()->tensor_base(gradient.get())) return gradient;
  TlTensor out;
  check(api()->tensor_alias(gradient.get(), nullptr, nullptr, 0, 0, &out));
  return Tensor::steal(out);
}

// Whether the elements fill their memory once, in some order.
bool is_dense(const TlTensorInfo& t) {
  std::vector<std::pair<int64_t, int64_t>> dims;
  for (int64_t i = 0; i < t.ndim; ++i)
    if (t.sizes[i] != 1) dims.emplace_back(t.strides[i], t.sizes[i]);
  std::sort(dims.begin(), dims.end());
  int64_t expected = 1;
  for (const auto& [stride, size] : dims) {
    if (stride != expected) return false;
    expected *= size;
  }
  return true;
}

Tensor clone_like(const Tensor& gradient, TlTensor variable) {
  if (gradient.is_sparse()) return call<"clone">(gradient);
  const TlTensorInfo v = info_of(variable);
  if (!(v.flags & TL_TENSOR_CONTIGUOUS) && is_dense(v))
    return call<"autograd::copy_strided">(gradient, Sizes(v.sizes, static_cast<size_t>(v.ndim)), Sizes(v.strides, static_cast<size_t>(v.ndim)));
  return call<"clone">(gradient, kw("memory_format", MemoryFormat{TL_CONTIGUOUS_FORMAT}));
}

}  // namespace

Accumulator::Accumulator(TlTensor v) : Node(NodeKind::Accumulate, 1, 0), variable(v) { input(0).set(v); }

void Accumulator::apply(const TlTensor* grads, TlTensor*, Task& task) {
  if (!grads[0]) return;
  const Tensor gradient = Tensor::share(grads[0]);
  GradSlot& slot = meta_of(variable)->grad_slot();
  Tensor old, fresh;  // dropped after the lock
  {
    std::lock_guard lock(slot.mutex);
    if (!slot.grad) {
      const bool take = !task.create_graph && may_take(grads[0], 2, variable);  // the caller and `gradient`
      slot.grad = task.create_graph ? gradient : take ? without_base(gradient) : clone_like(gradient, variable);
    } else if (!task.create_graph && !requires_grad(slot.grad.get()) && slot.grad.is_sparse() <= gradient.is_sparse()) {
      call<"add_">(slot.grad, gradient);
    } else {
      fresh = sum_of(slot.grad, gradient);
      std::swap(slot.grad, fresh);
    }
  }
  if (NodeExtra* e = extra())
    for (const Hook& h : e->hooks(HookKind::PostAccumulate)) {
      const TlValue arg = pack(variable);
      Results<1> r;
      check(api()->object_call(h.function.get(), &arg, 1, r.v, 1));
    }
}

}  // namespace tl::autograd
