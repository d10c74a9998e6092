// The ops through which the host reaches autograd.
#pragma once
#include "engine/node.hpp"

namespace tl::autograd {

// An op that runs as it is, whether or not its arguments require grad.
template <auto F>
void engine_op(const char* schema, uint32_t flags = 0) {
  composite<F>(schema, TL_OP_HIDDEN | TL_OP_MIXED_DEVICES | TL_OP_NOT_DIFFERENTIABLE | TL_OP_ANY_LAYOUT | flags).template on<F>(TL_KEY_AUTOGRAD);
}

TlObject node_object(NodeRef node);  // null for none
Node* node_of(TlObject o);           // raises TypeError for anything else

void register_backward_ops();
void register_tensor_ops();
void register_node_ops();
void register_function_ops();

}  // namespace tl::autograd
