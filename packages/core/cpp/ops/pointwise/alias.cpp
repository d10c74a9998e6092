// Second names that torch has for some ops: each forwards its frame to the op it stands for.
#include "ops/family.hpp"

namespace tallow {

void register_pointwise_tables();

namespace {

TlStatus forward(TlCall* call) { return dispatch(static_cast<const Op*>(call->user), call->args, call->rets); }

}  // namespace

// Defines `name` with the schema and forms of `of`; called by the families after they defined theirs.
void define_alias(const char* name, const char* of) {
  const Op* op = Registry::get().find(of);
  TL_CHECK(op, "alias '", name, "': no op named '", of, "'");
  const std::string overload = op->schema.overload.empty() ? "" : "." + op->schema.overload;
  const std::string text = name + overload + op->schema.text.substr(op->schema.text.find('('));
  TlOpDef d{};
  d.struct_size = sizeof d;
  d.schema = text.c_str();
  d.flags = op->flags & ~uint32_t{TL_OP_POINTWISE | TL_OP_INPLACE | TL_OP_OUT | TL_OP_HIDDEN};
  d.flags |= TL_OP_ANY_LAYOUT;  // the op that it forwards to decides
  d.composite = forward;
  d.user = const_cast<Op*>(op);
  const std::string doc = "Alias of " + op->schema.name + "().";
  d.doc = doc.c_str();
  Registry::get().define(d);
  // The forms forward too, so that they write into their tensor directly.
  for (const Op* form : {static_cast<const Op*>(op->in_place), static_cast<const Op*>(op->out)}) {
    if (!form) continue;
    std::string t = form->schema.text;
    const std::string base = op->schema.name;
    t = name + t.substr(base.size());
    TlOpDef f = d;
    f.schema = t.c_str();
    f.user = const_cast<Op*>(form);
    f.flags = form->variant == Variant::InPlace ? d.flags | TL_OP_METHOD | TL_OP_NO_FUNCTION : d.flags & ~uint32_t{TL_OP_METHOD};
    Registry::get().define(f);
  }
}

TL_OPS(pointwise_aliases) {
  // The tables register during static initialization too; defining on first use of this block keeps the order right.
  register_pointwise_tables();
  const char* names[][2] = {
      {"subtract", "sub"}, {"multiply", "mul"}, {"divide", "div"}, {"true_divide", "div"}, {"negative", "neg"}, {"absolute", "abs"},
      {"arcsin", "asin"}, {"arccos", "acos"}, {"arctan", "atan"}, {"arctan2", "atan2"}, {"arcsinh", "asinh"}, {"arccosh", "acosh"},
      {"arctanh", "atanh"}, {"fix", "trunc"}, {"greater", "gt"}, {"greater_equal", "ge"}, {"less", "lt"}, {"less_equal", "le"}, {"not_equal", "ne"}};
  for (auto& n : names) define_alias(n[0], n[1]);
}

}  // namespace tallow
