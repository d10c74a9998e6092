#include "engine/plan.hpp"

#include <cctype>
#include <memory>
#include <mutex>
#include <unordered_map>

namespace tl::autograd {
namespace {

// As torch names nodes: the op's words in capitals, "Backward", and a number.
std::string node_name(std::string_view op) {
  std::string out;
  bool upper = true;
  for (const char c : op) {
    if (c == '_') {
      upper = true;
    } else {
      out += upper ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c;
      upper = false;
    }
  }
  return out == "Copy" && op == "copy_" ? "CopyBackwards" : out + "Backward0";
}

std::unique_ptr<Plan> make_plan(TlOp op, const char* rule) {
  auto plan = std::make_unique<Plan>();
  Plan& p = *plan;
  p.op = op;
  p.info.struct_size = sizeof p.info;
  api()->op_info(op, &p.info);
  p.full_name = (*p.info.ns ? std::string(p.info.ns) + "::" : "") + p.info.name + (*p.info.overload ? "." + std::string(p.info.overload) : "");
  p.node_name = node_name(p.info.name);
  p.out_form = p.info.variant == 2;
  p.in_place = !p.out_form && p.info.nargs > 0 && tl::argument(p.info, 0).is_written;
  p.view = p.info.flags & TL_OP_VIEW;
  p.formula_of.assign(p.info.nargs, -1);
  for (uint32_t i = 0; i < p.info.nargs; ++i) {
    const TlOpArgument& a = tl::argument(p.info, i);
    const bool any = std::string_view(a.type).starts_with("any");
    if (a.tag != TL_TENSOR && a.tag != TL_TENSOR_LIST && !any) continue;
    p.tensor_args.push_back(static_cast<uint8_t>(i));
    p.list_arguments |= a.tag == TL_TENSOR_LIST || any;
  }
  const char* text = nullptr;
  const bool constant = p.info.flags & TL_OP_NOT_DIFFERENTIABLE;
  if (constant && !p.in_place) {
    p.kind = PlanKind::NotDifferentiable;
  } else if (constant) {
    // What is written no longer depends on what was there: random numbers, results of comparisons.
    p.kind = PlanKind::Rule;
    p.program = compile(op, parse_rule(p.full_name, std::string(tl::argument(p.info, 0).name) + ": zeros_like(grad)"));
    p.formula_of[0] = 0;
  } else if ((api()->op_rule(op, rule, &text) || api()->op_rule(op, "grad", &text)) && text && *text) {
    p.kind = PlanKind::Rule;
    // In-place forms have the parameters of their base, so that its rule speaks of them as well.
    p.program = compile(p.info.variant == 1 ? op : p.info.base, parse_rule(p.full_name, text));
    for (size_t f = 0; f < p.program.formulas.size(); ++f)
      for (const uint8_t t : p.program.formulas[f].targets) p.formula_of[t] = static_cast<int8_t>(f);
    for (size_t s = 0; s < p.program.slots.size(); ++s)
      if (p.program.slots[s].tensor) p.tensor_slots |= uint64_t{1} << s;
  } else {
    p.kind = p.info.is_composite ? PlanKind::Composite : PlanKind::Missing;
  }
  return plan;
}

}  // namespace

const Plan& plan_of(TlOp op, bool sparse) {
  static std::mutex mutex;
  static auto* plans = new std::unordered_map<TlOp, std::unique_ptr<Plan>>[2];
  auto& known = plans[sparse];
  {
    std::lock_guard lock(mutex);
    if (auto it = known.find(op); it != known.end()) return *it->second;
  }
  auto fresh = make_plan(op, sparse ? "grad.sparse" : "grad");  // looks up other ops: not under the lock
  std::lock_guard lock(mutex);
  return *known.try_emplace(op, std::move(fresh)).first->second;
}

}  // namespace tl::autograd
