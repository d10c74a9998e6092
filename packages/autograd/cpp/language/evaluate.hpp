// Runs a formula.
#pragma once
#include "engine/node.hpp"
#include "language/program.hpp"

namespace tl::autograd {

struct Inputs {
  const TlValue* saved;             // one per slot
  const TlValue* grads;             // the list of all, then one per output
  const InputInfo* (*input_info)(const void* context, uint8_t argument);  // of the argument whose gradient is asked
  const void* context;
};

// The value of each target, owned: TL_NONE, TL_TENSOR, or TL_TENSOR_LIST for a list parameter.
void evaluate(const Program& p, const Formula& f, const Inputs& in, TlValue* out);

}  // namespace tl::autograd
