// Every op that has no kernel for sparse arguments arrives here.
//
// - An in-place or out= form of an op that has one: the result is computed and put into the tensor that was given.
// - A pointwise op of one sparse tensor that gives zero for zero (with the other arguments of this very call): it runs
//   on the values. The op itself is asked, so there is no list of such ops.
// - Anything else is refused, by name.
#include "ops/pointwise/pointwise.hpp"
#include "ops/sparse/sparse.hpp"

namespace tallow {
namespace {

[[noreturn]] void refuse(const Op* op) {
  fail(TL_NOT_IMPLEMENTED_ERROR, "Could not run '", op->schema.full_name(), "' with arguments from the 'SparseCPU' backend: no kernel is registered for "
       "tensors of layout tallow.sparse_coo. Use to_dense() first.");
}

// A result of a call, dropped with it.
struct Result {
  TlValue value{};
  ~Result() { release_values(&value, 1); }
};

bool is_zero(const TensorImpl* t) {
  const char* p = t->ptr<char>();
  Tensor plain = is_complex(t->dtype) ? cast_to(t, DType::Complex128) : cast_to(t, DType::Float64);
  p = plain.ptr<char>();
  for (int64_t i = 0; i < itemsize(plain.dtype()) / 8; ++i)
    if (reinterpret_cast<const double*>(p)[i] != 0) return false;
  return true;
}

// The op with `t` for its first argument.
void run_on(const Op* op, const TlCall* call, const TensorImpl* t, Result& out) {
  std::vector<TlValue> args(call->args, call->args + op->schema.params.size());
  args[0].tag = TL_TENSOR, args[0].tensor = const_cast<TensorImpl*>(t);
  check_status(dispatch(op, args.data(), &out.value));
}

bool pointwise_of_one(const Op* op, const TlCall* call) {
  if (!(op->flags & TL_OP_POINTWISE) || op->flags & TL_OP_RANDOM || op->schema.results.size() != 1 || call->args[0].tag != TL_TENSOR) return false;
  if (!call->args[0].tensor->sparse()) return false;
  for (size_t i = 1; i < op->schema.params.size(); ++i)
    if (call->args[i].tag == TL_TENSOR || call->args[i].tag == TL_TENSOR_LIST) return false;
  return true;
}

bool takes_sparse(const Op* op, const TlCall* call) {
  for (uint8_t i : op->tensor_params) {
    const TlValue& v = call->args[i];
    if (v.tag == TL_TENSOR && v.tensor->sparse()) return true;
    for (uint32_t j = 0; v.tag == TL_TENSOR_LIST && j < v.len; ++j)
      if (v.tensors[j] && v.tensors[j]->sparse()) return true;
  }
  return false;
}

// The result of the functional form.
void compute(const Op* op, const TlCall* call, Result& out) {
  if (!takes_sparse(op, call)) return check_status(dispatch(op, call->args, &out.value));  // out= alone is sparse
  if (const KernelEntry* kernel = op->table[TL_KEY_SPARSE_CPU].load(std::memory_order_acquire)) {
    TlCall c{sizeof(TlCall), static_cast<uint32_t>(op->schema.params.size()), 1, 0, op, call->keys, call->args, &out.value, kernel->user};
    return check_status(kernel->fn(&c));
  }
  if (!pointwise_of_one(op, call)) refuse(call->op);
  const TensorImpl* self = call->args[0].tensor;
  Result of_zero;
  tl::Tensor zero = empty(Sizes(), self->dtype);
  tl::call<"zero_">(zero);
  run_on(op, call, zero.get(), of_zero);
  if (of_zero.value.tag != TL_TENSOR || !is_zero(of_zero.value.tensor)) refuse(call->op);
  const Tensor unique = coalesced(self, op->schema.name.c_str());
  Result values;
  run_on(op, call, sparse_parts(unique.get()).values.get(), values);
  out.value.tag = TL_TENSOR;
  out.value.tensor = with_values(unique.get(), Tensor::share(values.value.tensor)).take();
}

TlStatus fallback(TlCall* call) {
  return guarded([&] {
    const Op* op = call->op;
    const Op* base = op->base;
    if (op->schema.results.size() != 1) refuse(op);
    if (op == base && !pointwise_of_one(op, call)) refuse(op);
    Result result;
    compute(base, call, result);
    if (op == base) {
      call->rets[0] = result.value;
      result.value.tag = TL_NONE;
      return;
    }
    const TlValue& given = op->variant == Variant::InPlace ? call->args[0] : call->args[base->schema.params.size()];
    if (given.tag != TL_TENSOR || result.value.tag != TL_TENSOR) refuse(op);
    assign(given.tensor, result.value.tensor, op);
    given.tensor->retain();
    call->rets[0] = given;
  });
}

}  // namespace

void assign(TensorImpl* to, const TensorImpl* from, const Op* op) {
  if (to == from) return;
  const std::string& name = op->schema.name;
  check_result_dtype(from->dtype, to, op);
  if (!to->sparse()) {
    tl::call<"copy_">(to, from->sparse() ? tl::Tensor(to_dense(from)) : tl::Tensor(Tensor::share(const_cast<TensorImpl*>(from))));
    return;
  }
  TL_CHECK(from->sparse(), name, ": the result is dense and does not fit into a tensor of layout tallow.sparse_coo");
  TL_CHECK(same_sizes(to->size_span(), from->size_span()), name, ": a sparse tensor of shape ", to_string(to->size_span()),
           " cannot take a result of shape ", to_string(from->size_span()));
  SparseParts parts = sparse_parts(from);
  if (from->dtype != to->dtype) parts.values = cast_to(parts.values.get(), to->dtype);
  sparse_parts(to) = std::move(parts);
}

TL_OPS(sparse_fallback) { Registry::get().fallback(TL_KEY_SPARSE_CPU, fallback, nullptr); }

}  // namespace tallow
