#include "language/evaluate.hpp"

#include "language/scalar.hpp"

namespace tl::autograd {
namespace {

// The ops behind the operators, looked up when first met: the core may be older than one of them.
struct Operator {
  TlOp op;
  uint32_t nargs;
  TlValue third;  // default of the third parameter: alpha
};
const Operator& binary_operator(Arithmetic what) {
  static constexpr const char* names[] = {"add", "sub", "mul", "div", "floor_divide", "remainder", "pow",
                                          "matmul", "eq", "ne", "lt", "le", "gt", "ge"};
  static_assert(std::size(names) == static_cast<size_t>(Arithmetic::kCount));
  static std::atomic<const Operator*> known[std::size(names)];
  const auto i = static_cast<size_t>(what);
  if (const Operator* o = known[i].load(std::memory_order_acquire)) return *o;
  const OpHandle h(names[i]);
  const auto* fresh = new Operator{h.op, h.info.nargs, h.info.nargs > 2 ? tl::argument(h.info, 2).default_value : TlValue{}};
  const Operator* none = nullptr;
  if (known[i].compare_exchange_strong(none, fresh, std::memory_order_acq_rel)) return *fresh;
  delete fresh;
  return *none;
}

void call1(TlOp op, const TlValue& a, TlValue* to) { check(api()->op_call(op, &a, 1, to)); }

TlValue attribute_of(const TlValue& v, Attribute what) {
  if (v.tag != TL_TENSOR) {
    if (what == Attribute::IsComplex) return pack(v.tag == TL_COMPLEX);
    throw Error(TL_TYPE_ERROR, "a gradient rule asks for an attribute of something that is no tensor");
  }
  TlTensorInfo i;
  i.struct_size = sizeof i;
  api()->tensor_info(v.tensor, &i);
  switch (what) {
    case Attribute::Sizes: return pack(Sizes(i.sizes, static_cast<size_t>(i.ndim)));
    case Attribute::Strides: return pack(Sizes(i.strides, static_cast<size_t>(i.ndim)));
    case Attribute::StorageOffset: return pack(i.storage_offset);
    case Attribute::Dtype: return pack(Dtype{i.dtype});
    case Attribute::Ndim: return pack(i.ndim);
    case Attribute::Numel: return pack(i.numel);
    case Attribute::Device: return pack(i.device);
    case Attribute::IsComplex: return pack(i.dtype == TL_COMPLEX64 || i.dtype == TL_COMPLEX128);
  }
  return {};
}

TlValue attribute_of(const InputInfo& i, Attribute what) {
  switch (what) {
    case Attribute::Sizes: return pack(i.sizes());
    case Attribute::Dtype: return pack(Dtype{i.dtype()});
    case Attribute::Ndim: return pack(static_cast<int64_t>(i.sizes().size()));
    case Attribute::Numel: {
      int64_t n = 1;
      for (const int64_t s : i.sizes()) n *= s;
      return pack(n);
    }
    case Attribute::Device: return pack(i.device());
    case Attribute::IsComplex: return pack(i.dtype() == TL_COMPLEX64 || i.dtype() == TL_COMPLEX128);
    default: throw Error(TL_RUNTIME_ERROR, "attribute not known of an input");
  }
}

// A copy that api()->values_release may free.
TlValue owned_ints(const TlValue& v) {
  auto* p = static_cast<int64_t*>(api()->alloc(sizeof(int64_t) * (v.len + 1)));
  std::copy_n(v.ints, v.len, p);
  TlValue out = v;
  out.ints = p;
  return out;
}

class Machine {
 public:
  Machine(const Program& p, const Formula& f, const Inputs& in, TlValue* temps) : p_(p), f_(f), in_(in), temps_(temps) {
    arrays_[0] = p.constants.data(), arrays_[1] = in.saved, arrays_[2] = in.grads, arrays_[3] = temps;
  }
  ~Machine() {
    for (uint64_t left = owned_; left; left &= left - 1) api()->values_release(temps_ + __builtin_ctzll(left), 1);
  }

  void run() {
    const Instruction* code = f_.code.data();
    const size_t n = f_.code.size();
    for (size_t pc = 0; pc < n; ++pc) {
      const Instruction& i = code[pc];
      switch (i.op) {
        case Op::Call: call(i); break;
        case Op::Binary: binary(i); break;
        case Op::Free: drop(i.to); break;
        case Op::Negate: {
          const TlValue& a = get(i.a);
          if (a.tag == TL_TENSOR) call1(op<"neg">().op, a, &temps_[i.to]);
          else temps_[i.to] = scalar_negate(a);
          own(i.to);
          break;
        }
        case Op::Not: {
          const TlValue& a = get(i.a);
          if (a.tag == TL_TENSOR) call1(op<"logical_not">().op, a, &temps_[i.to]);
          else temps_[i.to] = pack(!truth(a));
          own(i.to);
          break;
        }
        case Op::Conj: conj(i); break;
        case Op::Attribute: {
          temps_[i.to] = attribute_of(get(i.a), static_cast<Attribute>(i.what));
          if (temps_[i.to].tag == TL_INT_LIST) temps_[i.to] = owned_ints(temps_[i.to]);  // the tensor may go first
          own(i.to);
          break;
        }
        case Op::InputAttribute:
          temps_[i.to] = attribute_of(*in_.input_info(in_.context, static_cast<uint8_t>(i.a)), static_cast<Attribute>(i.what));
          break;
        case Op::Index: index(i); break;
        case Op::List: list(i); break;
        case Op::IsNone: temps_[i.to] = pack((get(i.a).tag == TL_NONE) != (i.what != 0)); break;
        case Op::JumpIfFalse:
          if (!truth(get(i.a))) pc = i.to - size_t{1};
          break;
        case Op::Jump: pc = i.to - size_t{1}; break;
        case Op::Move:
          drop(i.to);
          temps_[i.to] = get(i.a);
          if ((i.a & ~kIndexMask) == kTemp && owned(i.a & kIndexMask)) disown(i.a & kIndexMask), own(i.to);
          break;
      }
    }
  }

  void take(Operand o, TlValue* out) {
    const TlValue& v = get(o);
    const uint16_t t = o & kIndexMask;
    *out = v;
    if ((o & ~kIndexMask) == kTemp && owned(t)) {
      disown(t);
    } else if (v.tag == TL_TENSOR) {
      api()->tensor_retain(v.tensor);
    } else if (v.tag == TL_TENSOR_LIST) {
      auto* p = static_cast<TlTensor*>(api()->alloc(sizeof(TlTensor) * (v.len + 1)));
      for (uint32_t j = 0; j < v.len; ++j)
        if ((p[j] = v.tensors[j])) api()->tensor_retain(p[j]);
      out->tensors = p;
    } else if (v.tag != TL_NONE) {
      throw Error(TL_TYPE_ERROR, "a gradient rule must give a tensor or None");
    }
  }

 private:
  const TlValue& get(Operand o) const { return arrays_[o >> 14][o & kIndexMask]; }
  void own(uint16_t t) { owned_ |= uint64_t{1} << t; }
  void disown(uint16_t t) { owned_ &= ~(uint64_t{1} << t); }
  bool owned(uint16_t t) const { return owned_ >> t & 1; }
  void drop(uint16_t t) {
    if (!owned(t)) return;
    disown(t);
    api()->values_release(temps_ + t, 1);
  }

  void call(const Instruction& i) {
    const CallSite& site = p_.sites[i.site];
    const size_t n = site.operands.size();
    TlValue args[64];
    for (size_t k = 0; k < n; ++k) {
      const TlValue& v = get(site.operands[k]);
      args[k] = v;
      switch (site.coercions[k]) {
        case Coercion::None: break;
        case Coercion::ListOfInt:
          if (v.tag == TL_INT) args[k].tag = TL_INT_LIST, args[k].len = 1, args[k].ints = &v.i;
          break;
        case Coercion::ListOfDouble:
          if (v.tag == TL_DOUBLE) args[k].tag = TL_DOUBLE_LIST, args[k].len = 1, args[k].doubles = &v.d;
          break;
        case Coercion::Double:
          if (v.tag == TL_INT || v.tag == TL_BOOL) args[k].tag = TL_DOUBLE, args[k].d = static_cast<double>(v.i);
          break;
      }
    }
    check(api()->op_call(site.op, args, static_cast<uint32_t>(n), temps_ + i.to));
    for (uint32_t r = 0; r < site.nrets; ++r) own(static_cast<uint16_t>(i.to + r));
  }

  void binary(const Instruction& i) {
    const TlValue &a = get(i.a), &b = get(i.b);
    if (a.tag == TL_TENSOR || b.tag == TL_TENSOR) {
      const Operator& o = binary_operator(static_cast<Arithmetic>(i.what));
      const TlValue args[3] = {a, b, o.third};
      check(api()->op_call(o.op, args, o.nargs, temps_ + i.to));
    } else {
      temps_[i.to] = scalar_arithmetic(static_cast<Arithmetic>(i.what), a, b);
    }
    own(i.to);
  }

  void conj(const Instruction& i) {
    const TlValue& a = get(i.a);
    if (a.tag != TL_TENSOR) {
      temps_[i.to] = a;
      if (a.tag == TL_COMPLEX) temps_[i.to] = scalar_conj(a), own(i.to);
      return;
    }
    TlTensorInfo info;
    info.struct_size = sizeof info;
    api()->tensor_info(a.tensor, &info);
    if (info.dtype == TL_COMPLEX64 || info.dtype == TL_COMPLEX128) {
      call1(op<"conj">().op, a, &temps_[i.to]);
    } else {
      temps_[i.to] = a;
      api()->tensor_retain(a.tensor);
    }
    own(i.to);
  }

  void index(const Instruction& i) {
    const TlValue &a = get(i.a), &b = get(i.b);
    if (b.tag != TL_INT) throw Error(TL_TYPE_ERROR, "a gradient rule indexes with something that is no int");
    const int64_t n = a.len, k = b.i < 0 ? b.i + n : b.i;
    const bool list = a.tag == TL_INT_LIST || a.tag == TL_DOUBLE_LIST || a.tag == TL_BOOL_LIST || a.tag == TL_TENSOR_LIST;
    if (!list || k < 0 || k >= n) throw Error(TL_INDEX_ERROR, "a gradient rule indexes out of range");
    TlValue& to = temps_[i.to];
    if (a.tag == TL_INT_LIST) to = pack(a.ints[k]);
    else if (a.tag == TL_DOUBLE_LIST) to = pack(a.doubles[k]);
    else if (a.tag == TL_BOOL_LIST) to = pack(a.bools[k] != 0);
    else {
      to = pack(a.tensors[k]);
      if (to.tag == TL_TENSOR) api()->tensor_retain(to.tensor), own(i.to);
    }
  }

  void list(const Instruction& i) {
    bool tensors = false;
    for (uint32_t k = 0; k < i.b; ++k) tensors |= get(p_.list_operands[i.site + k]).tag == TL_TENSOR;
    TlValue& to = temps_[i.to];
    to = {};
    to.len = i.b;
    if (tensors) {
      auto* p = static_cast<TlTensor*>(api()->alloc(sizeof(TlTensor) * (i.b + 1)));
      for (uint32_t k = 0; k < i.b; ++k) {
        const TlValue& v = get(p_.list_operands[i.site + k]);
        if ((p[k] = v.tag == TL_TENSOR ? v.tensor : nullptr)) api()->tensor_retain(p[k]);
      }
      to.tag = TL_TENSOR_LIST, to.tensors = p;
    } else {
      auto* p = static_cast<int64_t*>(api()->alloc(sizeof(int64_t) * (i.b + 1)));
      to.tag = TL_INT_LIST, to.ints = p;
      own(i.to);
      for (uint32_t k = 0; k < i.b; ++k) {
        const TlValue& v = get(p_.list_operands[i.site + k]);
        if (!is_number(v)) throw Error(TL_TYPE_ERROR, "a list in a gradient rule holds something that is neither a tensor nor an int");
        p[k] = to_int(v);
      }
    }
    own(i.to);
  }

  const Program& p_;
  const Formula& f_;
  const Inputs& in_;
  TlValue* temps_;
  uint64_t owned_ = 0;
  const TlValue* arrays_[4];
};

}  // namespace

void evaluate(const Program& p, const Formula& f, const Inputs& in, TlValue* out) {
  TlValue temps[64];
  for (uint16_t t = 0; t < f.temps; ++t) temps[t].tag = TL_NONE;
  Machine m(p, f, in, temps);
  m.run();
  for (size_t i = 0; i < f.values.size(); ++i) m.take(f.values[i], &out[i]);
}

}  // namespace tl::autograd
