// What a pointwise call does before and after the engine: promotion, checks, the output.
#include "ops/pointwise/pointwise.hpp"

#include <algorithm>

#include "dispatch/structured.hpp"
#include "ops/pointwise/truth_loops.hpp"

namespace tallow {

ComputeType compute_type(DType t) {
  switch (t) {
    case DType::Float64: return kF64;
    case DType::Complex64: return kC64;
    case DType::Complex128: return kC128;
    default: return is_floating(t) ? kF32 : kI64;
  }
}
DType dtype_of_compute(ComputeType c) {
  constexpr DType t[] = {DType::Float32, DType::Float64, DType::Int64, DType::Complex64, DType::Complex128};
  return t[c];
}

ScalarArg to_scalar_arg(const TlValue& v) {
  ScalarArg a;
  switch (v.tag) {
    case TL_BOOL: case TL_INT: a.kind = ScalarArg::Int, a.i = v.i, a.re = static_cast<double>(v.i); break;
    case TL_DOUBLE: a.kind = ScalarArg::Double, a.re = v.d; break;
    case TL_COMPLEX: a.kind = ScalarArg::Complex, a.re = v.complex[0], a.im = v.complex[1]; break;
    default: fail(TL_TYPE_ERROR, "expected a number");
  }
  return a;
}

DType scalar_dtype(const TlValue& v) {
  switch (v.tag) {
    case TL_BOOL: return DType::Bool;
    case TL_INT: return DType::Int64;
    case TL_DOUBLE: return default_dtype();
    case TL_COMPLEX: return default_complex_dtype();
    default: fail(TL_TYPE_ERROR, "expected a number");
  }
}

void ResultType::add(const TensorImpl* t) {
  DType& d = t->ndim ? dim : zero;
  bool& has = t->ndim ? has_dim : has_zero;
  d = has ? promote(d, t->dtype) : t->dtype;
  has = true;
}
void ResultType::add_scalar(const TlValue& v) {
  const DType d = scalar_dtype(v);
  wrapped = has_wrapped ? promote(wrapped, d) : d;
  has_wrapped = true;
}

namespace {
// What a lower-ranked kind of operand (0-dim tensors, numbers) adds: only a higher category counts.
DType combine(DType higher, bool has_higher, DType lower, bool has_lower) {
  if (!has_higher) return lower;
  if (!has_lower || is_complex(higher)) return higher;
  if (is_floating(higher)) return is_complex(lower) ? to_complex(higher) : higher;
  if (higher == DType::Bool || is_inexact(lower)) return promote(higher, lower);
  return higher;
}
}  // namespace

DType ResultType::get() const {
  const DType upper = combine(dim, has_dim, zero, has_zero);
  return combine(upper, has_dim || has_zero, wrapped, has_wrapped);
}

namespace {

// The output's layout follows the inputs': dense inputs of one layout give it on, others the order of their strides.
Tensor allocate(const TlValue* const* in, int n, Sizes shape, DType dtype, TlDevice device) {
  for (int i = 0; i < n; ++i) {
    if (in[i]->tag != TL_TENSOR) continue;
    const TensorImpl* t = in[i]->tensor;
    if (!same_sizes(t->size_span(), shape)) continue;
    if (t->contiguous() && t->ndim < 4) break;
    bool ambiguous = false;  // a broadcast dimension says nothing about order
    for (int d = 0; d < t->ndim; ++d) ambiguous |= t->stride(d) == 0 && t->size(d) > 1;
    if (ambiguous) continue;
    return empty_like(t, dtype, device);
  }
  return empty(shape, dtype, device);
}

[[gnu::noinline, gnu::cold, noreturn]] void unsupported(const PointwiseDef* def, DType t) {
  std::string_view name = def->name;
  if (name == "clamp_both") name = "clamp";
  if (name == "bitwise_flip") name = "bitwise_not";
  fail(TL_NOT_IMPLEMENTED_ERROR, "\"", std::string(name), "_cpu\" not implemented for '", dtype_long_name(t), "'");
}

[[gnu::noinline, gnu::cold, noreturn]] void no_bool(const PointwiseDef* def) {
  const std::string_view name = def->name;
  if (name == "neg")
    fail(TL_RUNTIME_ERROR, "Negation, the `-` operator, on a bool tensor is not supported. Use the `~` or `logical_not()` operator to invert a mask.");
  if (name == "sub" || name == "rsub")
    fail(TL_RUNTIME_ERROR, "Subtraction, the `-` operator, with a bool tensor is not supported. Use the `~`, `^` or `logical_xor()` operator instead.");
  fail(TL_RUNTIME_ERROR, def->name, ": operands of dtype bool are not supported, convert them first");
}

void run_call(TlCall* call, const PointwiseDef* def) {
  const Op* op = call->op;
  const Op* base = op->base;
  const auto& params = base->schema.params;
  const TlValue* in[4];
  ScalarArg scalars[4];
  int n = 0, ns = 0;
  ResultType rt;
  for (size_t i = 0; i < params.size(); ++i) {
    const TlValue& v = call->args[i];
    if (params[i].kind == Kind::Tensor || params[i].kind == Kind::TensorOrScalar) {
      if (!(def->promote == Promote::Condition && n == 0)) v.tag == TL_TENSOR ? rt.add(v.tensor) : rt.add_scalar(v);
      in[n++] = &v;
    } else if (ns < 4) {
      scalars[ns++] = to_scalar_arg(v);
      // A number that multiplies an operand (alpha) must fit the operands' kind.
    }
  }
  DType common = rt.get();
  if (def->flags & NoBool)
    for (int i = 0; i < n; ++i)
      if (in[i]->tag == TL_BOOL || (in[i]->tag == TL_TENSOR && in[i]->tensor->dtype == DType::Bool)) no_bool(def);
  const bool real_result = def->promote == Promote::Real || def->promote == Promote::RealFloat;
  if ((def->promote == Promote::Float || def->promote == Promote::RealFloat) && is_integral(common, true)) common = default_dtype();
  if ((def->flags & IntOnly) && is_inexact(common)) unsupported(def, common);
  for (int i = 0; i < ns; ++i) {
    TL_CHECK(!(scalars[i].kind == ScalarArg::Complex && !is_complex(common)), "For non-complex input tensors, argument ",
             params[n + i].name, " must not be a complex number.");
    TL_CHECK(!(scalars[i].kind == ScalarArg::Double && is_integral(common, true)), "For integral input tensors, argument ",
             params[n + i].name, " must not be a floating point number.");
  }
  const ComputeType c = compute_type(common);
  Loop loop = def->loops.loops[c];
  if (__builtin_expect(!loop, 0)) unsupported(def, common);
  // What the loop writes, and the dtype of the result.
  const bool compares = def->promote == Promote::Compare;
  DType cd = dtype_of_compute(c), loop_dtype = compares ? DType::Bool : real_result ? to_real(cd) : cd;
  const DType result = compares ? DType::Bool : real_result ? to_real(common) : common;

  // Shapes.
  TlDevice device = kCpu;
  const TensorImpl* shaped = nullptr;
  bool uniform = true;  // all operands are numbers, or contiguous tensors of one shape
  bool found = false;
  for (int i = 0; i < n; ++i) {
    if (in[i]->tag != TL_TENSOR) continue;
    const TensorImpl* t = in[i]->tensor;
    if (!found || (t->device.type != TL_CPU && device.type == TL_CPU)) device = t->device;
    found = true;
    if (!shaped) shaped = t;
    else if (!same_sizes(shaped->size_span(), t->size_span())) uniform = false;
    uniform &= t->contiguous();
  }
  TL_CHECK_TYPE(shaped, def->name, ": at least one operand must be a tensor");
  Dims broadcast;
  Sizes shape = shaped->size_span();
  if (!uniform) {
    broadcast.assign(shape.begin(), shape.end());
    for (int i = 0; i < n; ++i)
      if (in[i]->tag == TL_TENSOR && !same_sizes(broadcast, in[i]->tensor->size_span()))
        broadcast = broadcast_sizes(broadcast, in[i]->tensor->size_span());
    shape = broadcast;
  }

  // The output.
  TensorImpl* given = op->variant == Variant::InPlace ? call->args[0].tensor : nullptr;
  if (op->variant == Variant::Out) given = call->args[params.size()].tag == TL_TENSOR ? call->args[params.size()].tensor : nullptr;
  Tensor out;
  if (given) {
    if (op->variant == Variant::InPlace) {
      check_result_in_place(shape, result, given, op);
    } else {
      check_result_dtype(result, given, op);
      TL_CHECK(given->device.type == device.type, def->name, ": Expected all tensors to be on the same device, but out is on ",
               device_string(given->device), " and the operands are on ", device_string(device));
      if (!same_sizes(given->size_span(), shape)) {
        const Dims kept(shape.begin(), shape.end());
        resize(given, kept);
        shape = given->size_span();
      }
      check_no_internal_overlap(given, def->name);
    }
    uniform &= given->contiguous();
    out = Tensor::share(given);
    for (int i = 0; i < n; ++i) {  // overlap in part would read what was just written
      if (in[i]->tag != TL_TENSOR || in[i]->tensor == given) continue;
      const TensorImpl* t = in[i]->tensor;
      if (t->storage != given->storage || t->numel == 0 || given->is_meta()) continue;
      check_no_overlap(given, t, def->name, true);
      const bool same_place = t->offset == given->offset && t->dtype == given->dtype && same_sizes(t->size_span(), given->size_span()) &&
                              std::equal(t->strides(), t->strides() + t->ndim, given->strides());
      if (same_place) continue;
      TlCall again = *call;  // through a temporary
      Tensor temp = empty_like(given, given->dtype, device);
      copy_into(temp.get(), given);
      TlValue args[64];
      std::copy(call->args, call->args + call->nargs, args);
      for (uint32_t k = 0; k < params.size(); ++k)
        if (args[k].tag == TL_TENSOR && args[k].tensor == given) args[k].tensor = temp.get();
      if (op->variant == Variant::Out) args[params.size()].tensor = temp.get();
      TlValue rets[1] = {};
      again.args = args, again.rets = rets;
      run_call(&again, def);
      release_values(rets, 1);
      copy_into(given, temp.get());
      call->rets[0].tag = TL_TENSOR;
      call->rets[0].tensor = out.take();
      return;
    }
  } else {
    out = uniform && shaped->ndim < 4 ? empty(shape, result, device) : allocate(in, n, shape, result, device);
    uniform &= out.contiguous();
  }

  if (device.type != TL_META && out.numel() > 0) {
    TensorImpl* o = out.get();
    bool truths = common == DType::Bool && o->dtype == DType::Bool && n <= 3 && !(def->flags & Partial);
    for (int i = 0; i < n; ++i) truths &= in[i]->tag != TL_TENSOR || in[i]->tensor->dtype == DType::Bool;
    if (truths) {
      scalars[0] = truth_coefficients(loop, compares, n, scalars);
      loop = truth_loop(n);
      cd = loop_dtype = DType::Bool;
    }
    // Numbers become one element of the compute type.
    alignas(16) char numbers[4][16];
    bool direct = uniform && o->dtype == loop_dtype && o->numel <= 32768;
    char* d[5] = {static_cast<char*>(o->data())};
    int64_t s[5] = {itemsize(o->dtype)};
    for (int i = 0; i < n; ++i) {
      if (in[i]->tag == TL_TENSOR) {
        const TensorImpl* t = in[i]->tensor;
        direct &= t->dtype == cd;
        d[i + 1] = static_cast<char*>(t->data());
        s[i + 1] = itemsize(cd);
      } else {
        const ScalarArg v = to_scalar_arg(*in[i]);
        if (truths) {
          *reinterpret_cast<bool*>(numbers[i]) = v.as<int64_t>() != 0;
        } else {
          switch (c) {
            case kF32: *reinterpret_cast<float*>(numbers[i]) = v.as<float>(); break;
            case kF64: *reinterpret_cast<double*>(numbers[i]) = v.as<double>(); break;
            case kI64: *reinterpret_cast<int64_t*>(numbers[i]) = v.as<int64_t>(); break;
            case kC64: *reinterpret_cast<c64*>(numbers[i]) = v.as<c64>(); break;
            default: *reinterpret_cast<c128*>(numbers[i]) = v.as<c128>(); break;
          }
        }
        direct &= n >= 2;
        d[i + 1] = numbers[i];
        s[i + 1] = 0;
      }
    }
    if (direct) {
      loop(d, s, o->numel, scalars);
    } else {
      Operand operands[5];
      operands[0] = {d[0], o->dtype, o->sizes(), o->strides(), o->ndim};
      for (int i = 0; i < n; ++i) {
        if (in[i]->tag == TL_TENSOR) {
          const TensorImpl* t = in[i]->tensor;
          operands[i + 1] = {static_cast<char*>(t->data()), t->dtype, t->sizes(), t->strides(), t->ndim};
        } else {
          operands[i + 1] = {numbers[i], cd, nullptr, nullptr, 0};
        }
      }
      run_loop(loop, cd, loop_dtype, operands, n + 1, scalars, shape, def->flags & Costly);
    }
  }
  call->rets[0].tag = TL_TENSOR;
  call->rets[0].tensor = out.take();
}

}  // namespace

TlStatus pointwise_kernel(TlCall* call) {
  return guarded([&] { run_call(call, static_cast<const PointwiseDef*>(call->user)); });
}

}  // namespace tallow
