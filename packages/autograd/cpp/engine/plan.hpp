// How an op is recorded, worked out once: which of its arguments have gradients, and the compiled rule.
#pragma once
#include <string>
#include <vector>

#include "language/program.hpp"

namespace tl::autograd {

enum class PlanKind : uint8_t {
  Rule,               // has a gradient rule
  Composite,          // runs in terms of ops that have
  NotDifferentiable,
  Missing             // none of these: backward says so
};

struct Plan {
  TlOp op;
  TlOpInfo info;
  std::string full_name;  // "add_", "max.dim"
  std::string node_name;  // "AddBackward0"
  PlanKind kind;
  bool in_place = false;  // writes into argument 0 and returns it
  bool out_form = false;
  bool view = false;
  bool list_arguments = false;           // some edges belong to lists
  std::vector<uint8_t> tensor_args;      // positions of tensors and lists of them, one or several edges each
  std::vector<int8_t> formula_of;        // of every argument, -1 where it has none
  uint64_t argument_formulas(uint32_t arg) const { return formula_of[arg] < 0 ? 0 : uint64_t{1} << formula_of[arg]; }
  Program program;
  uint64_t tensor_slots = 0;
};

// The plan of an op; made on first use and kept for the life of the process. `sparse`: for calls with arguments of sparse
// layout, which may have a rule of their own ("grad.sparse").
const Plan& plan_of(TlOp op, bool sparse = false);

}  // namespace tl::autograd
