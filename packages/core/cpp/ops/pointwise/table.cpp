// Registers the pointwise table with the loops of the best instruction set of this processor.
#include "ops/pointwise/pointwise.hpp"
#include "vec/isa.hpp"

namespace tallow {
namespace baseline { const LoopSet* pointwise_loops(); }
namespace avx2 { const LoopSet* pointwise_loops(); }
namespace avx512 { const LoopSet* pointwise_loops(); }

namespace {

PointwiseDef g_defs[] = {
#define TL_POINTWISE(name, schema, promote, types, flags, op_flags, expression) \
  {#name, schema, Promote::promote, flags, 0, (op_flags) | TL_OP_POINTWISE, nullptr, {}},
#include "ops/pointwise/table_ops.hpp"
#undef TL_POINTWISE
};

[[maybe_unused]] const bool registered = [] {
  const LoopSet* base = baseline::pointwise_loops();
  const LoopSet* best = current_isa() == Isa::Avx512 ? avx512::pointwise_loops() : current_isa() == Isa::Avx2 ? avx2::pointwise_loops() : base;
  size_t i = 0;
  for (PointwiseDef& def : g_defs) {
    for (int c = 0; c < kComputeTypes; ++c) def.loops.loops[c] = best[i].loops[c] ? best[i].loops[c] : base[i].loops[c];
    TlOpDef d{};
    d.struct_size = sizeof d;
    d.schema = def.schema, d.flags = def.op_flags, d.doc = def.doc;
    const Op* op = Registry::get().define(d);
    for (const Op* form : {op, static_cast<const Op*>(op->in_place), static_cast<const Op*>(op->out)})
      if (form)
        for (int key : {TL_KEY_CPU, TL_KEY_META}) Registry::get().kernel(form->schema.full_name(), key, pointwise_kernel, &def);
    ++i;
  }
  return true;
}();

}  // namespace
}  // namespace tallow
