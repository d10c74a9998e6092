#include "language/program.hpp"

#include <map>
#include <mutex>

namespace tl::autograd {
namespace {

TlOpInfo info_of(TlOp op) {
  TlOpInfo i;
  i.struct_size = sizeof i;
  api()->op_info(op, &i);
  return i;
}

// Results of the schema by name, "" where they have none.
std::vector<std::string> result_names(std::string_view schema) {
  std::vector<std::string> out;
  std::string_view s = schema.substr(schema.rfind("->") + 2);
  while (!s.empty()) {
    const size_t end = std::min(s.find(','), s.size());
    std::string_view part = s.substr(0, end);
    while (!part.empty() && (part.back() == ')' || part.back() == ' ')) part.remove_suffix(1);
    while (!part.empty() && (part.front() == '(' || part.front() == ' ')) part.remove_prefix(1);
    const size_t space = part.rfind(' ');
    out.emplace_back(space == std::string_view::npos ? "" : part.substr(space + 1));
    s.remove_prefix(end == s.size() ? end : end + 1);
  }
  return out;
}

bool holds_tensors(const TlOpArgument& a) {
  return a.tag == TL_TENSOR || a.tag == TL_TENSOR_LIST || (a.tag == TL_VALUE_LIST && std::string_view(a.type).starts_with("any"));
}

class Compiler {
 public:
  Compiler(TlOp op, Program& p) : info_(info_of(op)), p_(p), result_names_(result_names(info_.schema)) {
    p_.list_result = info_.nrets == 1 && std::string_view(info_.schema).find("-> Tensor[]") != std::string_view::npos;
    p_.constants.push_back({});  // None
  }

  void add(const Entry& e) {
    formula_index_ = p_.formulas.size();
    if (formula_index_ >= 64) error("at most 64 entries are supported");
    Formula& f = p_.formulas.emplace_back();
    f_ = &f;
    temps_ = 0;
    last_use_.clear();
    for (const std::string& t : e.targets) f.targets.push_back(static_cast<uint8_t>(argument(t)));
    single_target_ = f.targets.size() == 1 ? f.targets[0] : -1;
    if (f.targets.size() == 1) {
      f.values.push_back(value(*e.expression));
    } else if (e.expression->kind == ExprKind::List && e.expression->children.size() == f.targets.size()) {
      for (const auto& child : e.expression->children) f.values.push_back(value(*child));
    } else {
      const Operand first = value(*e.expression);
      if (e.expression->kind != ExprKind::Call && e.expression->kind != ExprKind::Method) error("several targets need one op with as many results");
      if (p_.sites[f.code.back().site].nrets < f.targets.size()) error("the op has fewer results than there are targets");
      for (size_t i = 0; i < f.targets.size(); ++i) f.values.push_back(static_cast<Operand>(first + i));
    }
    f.temps = temps_;
    if (temps_ > 64) error("the expression is too long");
    insert_frees();
  }

 private:
  [[noreturn]] void error(const std::string& what) {
    throw Error(TL_VALUE_ERROR, "gradient rule of '" + std::string(info_.name) + "': " + what);
  }
  int find_argument(std::string_view name) const {
    for (uint32_t i = 0; i < info_.nargs; ++i)
      if (name == tl::argument(info_, static_cast<uint32_t>(i)).name) return static_cast<int>(i);
    return -1;
  }
  int argument(std::string_view name) {
    const int i = find_argument(name);
    if (i < 0) error("the op has no parameter '" + std::string(name) + "'");
    return i;
  }
  static int suffix_number(std::string_view name, std::string_view prefix) {  // "grad1" -> 1, "grad" -> 0
    if (!name.starts_with(prefix)) return -1;
    int n = 0;
    for (const char c : name.substr(prefix.size())) {
      if (c < '0' || c > '9') return -1;
      n = n * 10 + c - '0';
    }
    return n;
  }
  int find_result(std::string_view name) const {
    for (size_t i = 0; i < result_names_.size(); ++i)
      if (!result_names_[i].empty() && name == result_names_[i]) return static_cast<int>(i);
    const int n = suffix_number(name, "result");
    return n >= 0 && n < static_cast<int>(info_.nrets) ? n : -1;
  }
  bool is_variable(const Expr& e) const {
    return e.kind == ExprKind::Name && (find_argument(e.text) >= 0 || find_result(e.text) >= 0 || e.text == "grads" || suffix_number(e.text, "grad") >= 0);
  }

  Operand constant(TlValue v) {
    p_.constants.push_back(v);
    return static_cast<Operand>(kConstant | (p_.constants.size() - 1));
  }
  Operand temp(uint32_t n = 1) {
    const auto t = static_cast<Operand>(kTemp | temps_);
    temps_ = static_cast<uint16_t>(temps_ + n);
    return t;
  }
  Instruction& emit(Op op, Operand to) {
    Instruction& i = f_->code.emplace_back();
    i.op = op;
    i.to = to & kIndexMask;
    return i;
  }
  Operand use(Operand o) {
    if ((o & ~kIndexMask) == kTemp) last_use_[o & kIndexMask] = f_->code.size();
    return o;
  }

  Operand slot(SlotKind kind, int index, bool tensor, Attribute attribute = {}) {
    for (size_t i = 0; i < p_.slots.size(); ++i) {
      Slot& s = p_.slots[i];
      if (s.kind == kind && s.index == index && s.attribute == attribute) return read_slot(i);
    }
    if (p_.slots.size() >= 64) error("at most 64 values can be saved");
    p_.slots.push_back({kind, static_cast<uint8_t>(index), attribute, tensor, 0});
    return read_slot(p_.slots.size() - 1);
  }
  Operand read_slot(size_t i) {
    p_.slots[i].formulas |= uint64_t{1} << formula_index_;
    f_->saved |= uint64_t{1} << i;
    return static_cast<Operand>(kSaved | i);
  }

  // The gradients hide parameters of the same name.
  static bool is_gradient(std::string_view name) { return name == "grads" || suffix_number(name, "grad") >= 0; }

  Operand variable(const std::string& name) {
    if (const int i = is_gradient(name) ? -1 : find_argument(name); i >= 0)
      return slot(SlotKind::Argument, i, holds_tensors(tl::argument(info_, static_cast<uint32_t>(i))));
    if (name == "grads") {
      f_->reads_all_grads = true;
      return static_cast<Operand>(kGrad | 0);  // the list; single gradients follow
    }
    if (const int g = suffix_number(name, "grad"); g >= 0) {
      if (g >= static_cast<int>(info_.nrets) || g >= 32) error("there is no '" + name + "'");
      f_->grads |= 1u << g;
      return static_cast<Operand>(kGrad | (1 + g));
    }
    if (const int r = find_result(name); r >= 0) return slot(SlotKind::Result, r, true);
    error("unknown name '" + name + "'");
  }

  Operand attribute(const Expr& e) {
    static const std::map<std::string_view, Attribute> names = {
        {"sizes", Attribute::Sizes}, {"shape", Attribute::Sizes}, {"strides", Attribute::Strides}, {"storage_offset", Attribute::StorageOffset},
        {"dtype", Attribute::Dtype}, {"ndim", Attribute::Ndim}, {"numel", Attribute::Numel}, {"device", Attribute::Device},
        {"is_complex", Attribute::IsComplex}};
    const auto it = names.find(e.text);
    if (it == names.end()) error("unknown attribute '." + e.text + "'");
    const Expr& of = *e.children[0];
    const Attribute what = it->second;
    const int arg = of.kind == ExprKind::Name && !is_gradient(of.text) ? find_argument(of.text) : -1;
    if (arg >= 0 && holds_tensors(tl::argument(info_, static_cast<uint32_t>(arg)))) {
      // Of the argument whose gradient this is, the graph itself knows most.
      const TlOpArgument& a = tl::argument(info_, static_cast<uint32_t>(arg));
      const bool known = what != Attribute::Strides && what != Attribute::StorageOffset;
      if (arg == single_target_ && a.tag == TL_TENSOR && !a.is_written && known) {
        const Operand t = temp();
        Instruction& i = emit(Op::InputAttribute, t);
        i.what = static_cast<uint8_t>(what);
        i.a = static_cast<Operand>(arg);
        return t;
      }
      return slot(SlotKind::ArgumentAttribute, arg, false, what);
    }
    const Operand a = use(value(of));
    const Operand t = temp();
    Instruction& i = emit(Op::Attribute, t);
    i.what = static_cast<uint8_t>(what);
    i.a = a;
    return t;
  }

  Operand list(const Expr& e) {
    bool literal = true;
    for (const auto& c : e.children) literal &= c->kind == ExprKind::Number && c->value.tag == TL_INT;
    if (literal) {
      auto& l = p_.ints.emplace_back();
      for (const auto& c : e.children) l.push_back(c->value.i);
      return constant(pack(Sizes(l)));
    }
    std::vector<Operand> elements;
    for (const auto& c : e.children) elements.push_back(value(*c));
    for (const Operand o : elements) use(o);
    const Operand t = temp();
    Instruction& i = emit(Op::List, t);
    i.site = static_cast<uint32_t>(p_.list_operands.size());
    i.b = static_cast<Operand>(elements.size());
    p_.list_operands.insert(p_.list_operands.end(), elements.begin(), elements.end());
    return t;
  }

  Operand conditional(const Expr& e) {
    const Operand condition = use(value(*e.children[0]));
    const size_t branch = f_->code.size();
    emit(Op::JumpIfFalse, 0).a = condition;
    const Operand t = temp();
    move(t, *e.children[1]);
    const size_t skip = f_->code.size();
    emit(Op::Jump, 0);
    f_->code[branch].to = static_cast<uint16_t>(f_->code.size());
    move(t, *e.children[2]);
    f_->code[skip].to = static_cast<uint16_t>(f_->code.size());
    return t;
  }
  // `a and b`: b if a is true, else a; `or` the other way round.
  Operand logical(const Expr& e) {
    const Operand t = temp();
    move(t, *e.children[0]);
    const size_t branch = f_->code.size();
    emit(Op::JumpIfFalse, 0).a = use(t);
    if (e.kind == ExprKind::And) {
      move(t, *e.children[1]);
      f_->code[branch].to = static_cast<uint16_t>(f_->code.size());
    } else {
      const size_t skip = f_->code.size();
      emit(Op::Jump, 0);
      f_->code[branch].to = static_cast<uint16_t>(f_->code.size());
      move(t, *e.children[1]);
      f_->code[skip].to = static_cast<uint16_t>(f_->code.size());
    }
    return t;
  }
  void move(Operand to, const Expr& from) {
    const Operand a = use(value(from));
    emit(Op::Move, to).a = a;
  }

  Operand call(const std::string& name, const Expr& e, size_t first_child = 0) {
    std::vector<std::string> keys;
    for (const auto& k : e.keywords) keys.push_back(k.first);
    std::vector<bool> numbers;
    for (size_t c = first_child; c < e.children.size(); ++c)
      numbers.push_back(e.children[c]->kind == ExprKind::Number && e.children[c]->value.tag != TL_NONE);
    const TlOp op = resolve(name, numbers, keys);
    const TlOpInfo callee = info_of(op);
    CallSite site;
    site.op = op;
    site.nrets = callee.nrets;
    site.operands.assign(callee.nargs, 0);
    site.coercions.assign(callee.nargs, Coercion::None);
    for (uint32_t i = 0; i < callee.nargs; ++i)
      if (callee.args[i].has_default) site.operands[i] = constant(callee.args[i].default_value);
    uint32_t position = 0;
    for (size_t c = first_child; c < e.children.size(); ++c) site.operands[position++] = value(*e.children[c]);
    for (const auto& k : e.keywords)
      for (uint32_t i = 0; i < callee.nargs; ++i)
        if (k.first == callee.args[i].name) site.operands[i] = value(*k.second);
    for (uint32_t i = 0; i < callee.nargs; ++i) {
      use(site.operands[i]);
      const TlOpArgument& a = callee.args[i];
      if (a.tag == TL_INT_LIST) site.coercions[i] = Coercion::ListOfInt;
      else if (a.tag == TL_DOUBLE_LIST) site.coercions[i] = Coercion::ListOfDouble;
      else if (a.tag == TL_DOUBLE && !a.is_scalar) site.coercions[i] = Coercion::Double;
    }
    p_.sites.push_back(std::move(site));
    const Operand t = temp(std::max<uint32_t>(callee.nrets, 1));
    emit(Op::Call, t).site = static_cast<uint32_t>(p_.sites.size() - 1);
    return t;
  }

  Operand method(const Expr& e) {
    const Expr& receiver = *e.children[0];
    if (receiver.kind == ExprKind::Name && !is_variable(receiver)) return call(receiver.text + "." + e.text, e, 1);  // max.dim(x, 0)
    if (e.text == "conj" && e.children.size() == 1) {  // of reals: nothing; of numbers: without an op
      const Operand a = use(value(receiver));
      const Operand t = temp();
      emit(Op::Conj, t).a = a;
      return t;
    }
    return call(e.text, e);
  }

  Operand binary(const Expr& e) {
    static const std::map<std::string_view, Arithmetic> ops = {
        {"+", Arithmetic::Add}, {"-", Arithmetic::Sub}, {"*", Arithmetic::Mul}, {"/", Arithmetic::Div}, {"//", Arithmetic::FloorDiv},
        {"%", Arithmetic::Mod}, {"**", Arithmetic::Pow}, {"@", Arithmetic::Matmul}, {"==", Arithmetic::Eq}, {"!=", Arithmetic::Ne},
        {"<", Arithmetic::Lt}, {"<=", Arithmetic::Le}, {">", Arithmetic::Gt}, {">=", Arithmetic::Ge}};
    const Operand a = value(*e.children[0]);
    const Operand b = value(*e.children[1]);
    use(a), use(b);
    const Operand t = temp();
    Instruction& i = emit(Op::Binary, t);
    i.what = static_cast<uint8_t>(ops.at(e.text));
    i.a = a, i.b = b;
    return t;
  }

  Operand value(const Expr& e) {
    switch (e.kind) {
      case ExprKind::Number: return e.value.tag == TL_NONE ? Operand{kConstant} : constant(e.value);
      case ExprKind::String: return constant(pack(std::string_view(p_.strings.emplace_back(e.text))));
      case ExprKind::Name: return variable(e.text);
      case ExprKind::List: return list(e);
      case ExprKind::Call: return call(e.text, e);
      case ExprKind::Method: return method(e);
      case ExprKind::Attribute: return attribute(e);
      case ExprKind::Binary: return binary(e);
      case ExprKind::Conditional: return conditional(e);
      case ExprKind::And: case ExprKind::Or: return logical(e);
      case ExprKind::Unary: {
        const Operand a = use(value(*e.children[0]));
        const Operand t = temp();
        emit(e.text == "-" ? Op::Negate : Op::Not, t).a = a;
        return t;
      }
      case ExprKind::IsNone: {
        const Operand a = use(value(*e.children[0]));
        const Operand t = temp();
        Instruction& i = emit(Op::IsNone, t);
        i.a = a, i.what = e.negated;
        return t;
      }
      case ExprKind::Index: {
        const Expr& of = *e.children[0];
        const Operand a = value(of);
        const bool several = (of.kind == ExprKind::Call || of.kind == ExprKind::Method) && f_->code.back().op == Op::Call &&
                             p_.sites[f_->code.back().site].nrets > 1;
        if (several) {  // one of an op's results
          const Expr& n = *e.children[1];
          if (n.kind != ExprKind::Number || n.value.i < 0 || n.value.i >= p_.sites[f_->code.back().site].nrets) error("no such result");
          return static_cast<Operand>(a + n.value.i);
        }
        const Operand b = value(*e.children[1]);
        use(a), use(b);
        const Operand t = temp();
        Instruction& i = emit(Op::Index, t);
        i.a = a, i.b = b;
        return t;
      }
    }
    error("unexpected expression");
  }

  // Drops every intermediate result after its last use, so that its memory serves the next one.
  void insert_frees() {
    std::vector<std::vector<uint16_t>> after(f_->code.size());
    for (const auto& [t, at] : last_use_) {
      if (at >= f_->code.size()) continue;
      const Op op = f_->code[at].op;
      if (op == Op::Jump || op == Op::JumpIfFalse || op == Op::Move) continue;  // left to the end of the formula
      bool result = false;
      for (const Operand v : f_->values) result |= v == (kTemp | t);
      if (!result) after[at].push_back(t);
    }
    std::vector<uint16_t> moved(f_->code.size() + 1);
    std::vector<Instruction> code;
    for (size_t i = 0; i < f_->code.size(); ++i) {
      moved[i] = static_cast<uint16_t>(code.size());
      code.push_back(f_->code[i]);
      for (const uint16_t t : after[i]) {
        Instruction free{};
        free.op = Op::Free;
        free.to = t;
        code.push_back(free);
      }
    }
    moved[f_->code.size()] = static_cast<uint16_t>(code.size());
    for (Instruction& i : code)
      if (i.op == Op::Jump || i.op == Op::JumpIfFalse) i.to = moved[i.to];
    f_->code = std::move(code);
  }

  TlOpInfo info_;
  Program& p_;
  std::vector<std::string> result_names_;
  Formula* f_ = nullptr;
  size_t formula_index_ = 0;
  uint16_t temps_ = 0;
  int single_target_ = -1;
  std::map<uint16_t, size_t> last_use_;  // temporary -> instruction
};

}  // namespace

TlOp resolve(const std::string& name, const std::vector<bool>& numbers, const std::vector<std::string>& keywords) {
  const size_t positional = numbers.size();
  if (name.find('.') != std::string::npos) {
    TlOp op;
    check(api()->op_find(name.c_str(), &op));
    return op;
  }
  std::vector<TlOp> all(api()->op_list(nullptr, 0));
  all.resize(std::min<size_t>(all.size(), api()->op_list(all.data(), static_cast<uint32_t>(all.size()))));
  for (const TlOp op : all) {
    const TlOpInfo i = info_of(op);
    if (i.variant == 2) continue;
    const std::string full = (*i.ns ? std::string(i.ns) + "::" : "") + i.name;
    if (full != name || positional > i.nargs) continue;
    bool fits = true;
    for (uint32_t a = 0; a < i.nargs; ++a) {
      const bool given = a < positional || std::find(keywords.begin(), keywords.end(), i.args[a].name) != keywords.end();
      fits &= given || i.args[a].has_default;
      fits &= a >= positional || !i.args[a].keyword_only;
      fits &= a >= positional || !numbers[a] || i.args[a].is_scalar || (i.args[a].tag != TL_TENSOR && i.args[a].tag != TL_TENSOR_LIST);
    }
    for (const std::string& k : keywords) {
      bool known = false;
      for (uint32_t a = static_cast<uint32_t>(positional); a < i.nargs; ++a) known |= k == i.args[a].name;
      fits &= known;
    }
    if (fits) return op;
  }
  throw Error(TL_VALUE_ERROR, "a gradient rule calls '" + name + "' with " + std::to_string(positional) + " arguments and " +
                                  std::to_string(keywords.size()) + " keywords: no such op is registered");
}

Program compile(TlOp op, const std::vector<Entry>& rule) {
  Program p;
  Compiler c(op, p);
  for (const Entry& e : rule) c.add(e);
  return p;
}

}  // namespace tl::autograd
