// Registers the pointwise tables with the loops of the best instruction set of this processor.
#include "ops/pointwise/table.hpp"

#include "ops/pointwise/pointwise.hpp"
#include "ops/pointwise/truth_loops.hpp"
#include "vec/isa.hpp"

namespace tallow {

#define TL_DECLARE(theme) const LoopSet* theme##_table();
namespace baseline { TL_POINTWISE_TABLES(TL_DECLARE) }
namespace avx2 { TL_POINTWISE_TABLES(TL_DECLARE) }
namespace avx512 { TL_POINTWISE_TABLES(TL_DECLARE) }
#undef TL_DECLARE

namespace {

#define TL_POINTWISE(name, schema, promote, types, flags, op_flags, expression) \
  {#name, schema, Promote::promote, flags, 0, (op_flags) | TL_OP_POINTWISE, nullptr, {}},
PointwiseDef arithmetic_defs[] = {
#include "ops/pointwise/arithmetic_ops.hpp"
};
PointwiseDef compare_defs[] = {
#include "ops/pointwise/compare_ops.hpp"
};
PointwiseDef exponential_defs[] = {
#include "ops/pointwise/exponential_ops.hpp"
};
PointwiseDef rounding_defs[] = {
#include "ops/pointwise/rounding_ops.hpp"
};
PointwiseDef special_defs[] = {
#include "ops/pointwise/special_ops.hpp"
};
PointwiseDef trigonometric_defs[] = {
#include "ops/pointwise/trigonometric_ops.hpp"
};
#undef TL_POINTWISE

void register_table(std::span<PointwiseDef> defs, const LoopSet* base, const LoopSet* best) {
  for (size_t i = 0; i < defs.size(); ++i) {
    PointwiseDef& def = defs[i];
    for (int c = 0; c < kComputeTypes; ++c) def.loops.loops[c] = best[i].loops[c] ? best[i].loops[c] : base[i].loops[c];
    TlOpDef d{};
    d.struct_size = sizeof d;
    d.schema = def.schema, d.flags = def.op_flags, d.doc = def.doc;
    const Op* op = Registry::get().define(d);
    for (const Op* form : {op, static_cast<const Op*>(op->in_place), static_cast<const Op*>(op->out)})
      if (form)
        for (int key : {TL_KEY_CPU, TL_KEY_META}) Registry::get().kernel(form->schema.full_name(), key, pointwise_kernel, &def);
  }
}

}  // namespace

void register_pointwise_tables() {
  static const bool done = [] {
#define TL_REGISTER(theme) register_table(theme##_defs, baseline::theme##_table(), TL_FOR_THIS_PROCESSOR(theme##_table()));
    TL_POINTWISE_TABLES(TL_REGISTER)
#undef TL_REGISTER
    return true;
  }();
  (void)done;
}

namespace {
[[maybe_unused]] const bool registered = (register_pointwise_tables(), true);
}

}  // namespace tallow
