#include "dispatch/structured.hpp"

#include <optional>

namespace tallow {
namespace {

constexpr uint32_t kMaxResults = 8;

struct StructuredCall : TlCall {
  bool in_place;
  TensorImpl* given[kMaxResults];  // out= tensors, or self in place; borrowed
  Tensor result[kMaxResults];
};

bool overlaps_an_input(const TlCall* call, const TensorImpl* out) {
  for (uint32_t i = 0; i < call->nargs; ++i) {
    const TlValue& v = call->args[i];
    if (v.tag == TL_TENSOR && v.tensor->storage == out->storage) return true;
    if (v.tag == TL_TENSOR_LIST)
      for (uint32_t j = 0; j < v.len; ++j)
        if (v.tensors[j] && v.tensors[j]->storage == out->storage) return true;
  }
  return false;
}

}  // namespace

void check_result_dtype(DType result, const TensorImpl* given, const Op* op) {
  TL_CHECK(can_cast(result, given->dtype), op->schema.name, ": result type ", dtype_long_name(result), " can't be cast to the desired output type ",
           dtype_long_name(given->dtype));
}
void check_no_internal_overlap(const TensorImpl* t, const char* op) {
  if (t->contiguous()) return;
  for (int d = 0; d < t->ndim; ++d)
    TL_CHECK(t->stride(d) != 0 || t->size(d) <= 1, op, ": unsupported operation: more than one element of the written-to tensor refers to a "
             "single memory location. Please clone() the tensor before performing the operation.");
}

Overlap overlap(const TensorImpl* a, const TensorImpl* b) {
  if (a == b) return Overlap::Full;
  if (a->storage != b->storage || a->numel == 0 || b->numel == 0) return Overlap::None;
  if (!is_dense(a) || !is_dense(b)) return Overlap::Unknown;
  const int64_t a_begin = a->offset * itemsize(a->dtype), a_end = a_begin + a->numel * itemsize(a->dtype);
  const int64_t b_begin = b->offset * itemsize(b->dtype), b_end = b_begin + b->numel * itemsize(b->dtype);
  if (a_begin >= b_end || b_begin >= a_end) return Overlap::None;
  const bool same = a_begin == b_begin && a_end == b_end && same_sizes(a->stride_span(), b->stride_span());
  return same ? Overlap::Full : Overlap::Partial;
}

void check_no_overlap(const TensorImpl* written, const TensorImpl* read, const char* op, bool whole_is_fine) {
  const Overlap o = overlap(written, read);
  TL_CHECK(o == Overlap::None || o == Overlap::Unknown || (o == Overlap::Full && whole_is_fine), op,
           ": unsupported operation: some elements of the input tensor and the written-to tensor refer to a single memory location. "
           "Please clone() the tensor before performing the operation.");
}

void check_given_apart(TlCall* call, bool whole_is_fine) {
  auto* c = static_cast<StructuredCall*>(call);
  if (c->in_place) return;
  for (uint32_t r = 0; r < c->nrets; ++r) {
    const TensorImpl* g = c->given[r];
    if (!g) continue;
    check_no_internal_overlap(g, c->op->schema.name.c_str());
    for (uint32_t i = 0; i < c->nargs; ++i) {
      const TlValue& v = c->args[i];
      if (v.tag == TL_TENSOR) check_no_overlap(g, v.tensor, c->op->schema.name.c_str(), whole_is_fine);
      if (v.tag == TL_TENSOR_LIST)
        for (uint32_t j = 0; j < v.len; ++j)
          if (v.tensors[j]) check_no_overlap(g, v.tensors[j], c->op->schema.name.c_str(), whole_is_fine);
    }
  }
}

void check_result_in_place(Sizes sizes, DType result, const TensorImpl* given, const Op* op) {
  TL_CHECK(same_sizes(given->size_span(), sizes), op->schema.name, ": output with shape ", to_string(given->size_span()),
           " doesn't match the broadcast shape ", to_string(sizes));
  check_result_dtype(result, given, op);
  check_no_internal_overlap(given, op->schema.name.c_str());
}

void call_output(TlCall* call, uint32_t index, Sizes sizes, const int64_t* strides, DType dtype, TlDevice device) {
  TL_CHECK(call->struct_size == sizeof(StructuredCall) && index < call->nrets, "call_output(", index, ") outside a shape function of '",
           call->op->schema.full_name(), "'");
  auto* c = static_cast<StructuredCall*>(call);
  TensorImpl* g = c->given[index];
  Tensor& r = c->result[index];
  const std::string& name = call->op->schema.name;
  if (g && c->in_place) {
    check_result_in_place(sizes, dtype, g, call->op->in_place);
  } else if (g) {
    TL_CHECK(g->device.type == device.type, name, ": Expected out tensor to be on device ", device_string(device), ", got ",
             device_string(g->device));
    if (same_sizes(g->size_span(), sizes)) check_no_internal_overlap(g, name.c_str());
    if (call->op->flags & (TL_OP_POINTWISE | TL_OP_REDUCTION | kCastsOut)) check_result_dtype(dtype, g, call->op);
    else TL_CHECK(dtype == g->dtype, name, ": Expected out tensor to have dtype ", dtype_name(dtype), ", but got ", dtype_name(g->dtype), " instead");
    // Resizing must not pull an input's memory from under the kernel; then a temporary is filled and copied.
    if (!same_sizes(g->size_span(), sizes) && !overlaps_an_input(call, g)) resize(g, sizes);
  }
  const bool direct = g && g->dtype == dtype && g->contiguous() && !strides && same_sizes(g->size_span(), sizes) && !overlaps_an_input(call, g);
  if (direct) r = Tensor::share(g);
  else if (strides) r = empty_strided(sizes, Sizes(strides, sizes.size()), dtype, device);
  else r = empty(sizes, dtype, device);
  call->rets[index].tag = TL_TENSOR;
  call->rets[index].tensor = r.get();  // borrowed by the kernel
}

TlStatus structured_kernel(TlCall* call) {
  return guarded([&] {
    const Op* op = call->op;
    const Op* base = op->base;
    TlValue rets[kMaxResults] = {};
    StructuredCall c{};
    static_cast<TlCall&>(c) = TlCall{sizeof(StructuredCall), static_cast<uint32_t>(base->schema.params.size()), call->nrets, 0, base,
                                     call->keys, call->args, rets, base->user};
    c.in_place = op->variant == Variant::InPlace;
    if (op->variant == Variant::InPlace) c.given[0] = call->args[0].tensor;
    if (op->variant == Variant::Out)
      for (uint32_t i = 0; i < call->nrets; ++i) {
        const TlValue& v = call->args[base->schema.params.size() + i];
        c.given[i] = v.tag == TL_TENSOR ? v.tensor : nullptr;
      }
    check_status(base->shape(&c));
    for (uint32_t i = 0; i < call->nrets; ++i)
      TL_CHECK(c.result[i], "the shape function of '", base->schema.full_name(), "' described no result ", i);
    const int key = 63 - __builtin_clzll(call->keys & kDeviceMask);
    if (key != TL_KEY_META) {
      const KernelEntry* e = base->raw[key].load(std::memory_order_acquire);
      c.user = e->user;
      check_status(e->fn(&c));
    }
    for (uint32_t i = 0; i < call->nrets; ++i) {
      TensorImpl* g = c.given[i];
      if (g && c.result[i].get() != g) {
        if (!same_sizes(g->size_span(), c.result[i].sizes())) resize(g, c.result[i].sizes());
        if (key != TL_KEY_META) copy_into(g, c.result[i].get());
      }
      call->rets[i].tag = TL_TENSOR;
      if (g) g->retain(), call->rets[i].tensor = g;
      else call->rets[i].tensor = c.result[i].take();
    }
  });
}

TlStatus composite_variant(TlCall* call) {
  return guarded([&] {
    const Op* op = call->op;
    const Op* base = op->base;
    TlValue rets[kMaxResults] = {};
    struct Drop {
      TlValue* v;
      uint32_t n;
      ~Drop() { release_values(v, n); }
    } drop{rets, call->nrets};
    TlCall c{sizeof(TlCall), static_cast<uint32_t>(base->schema.params.size()), call->nrets, 0, base, call->keys, call->args, rets, base->user};
    check_status(base->composite(&c));
    static const Op* copy = Registry::get().find("copy_");
    for (uint32_t i = 0; i < call->nrets; ++i) {
      const TlValue& given = op->variant == Variant::InPlace ? call->args[0] : call->args[base->schema.params.size() + i];
      if (given.tag != TL_TENSOR) {
        call->rets[i] = rets[i];
        rets[i].tag = TL_NONE;
        continue;
      }
      TensorImpl* g = given.tensor;
      TL_CHECK(rets[i].tag == TL_TENSOR, "'", op->schema.full_name(), "': result ", i, " is not a tensor");
      const TensorImpl* r = rets[i].tensor;
      if (r != g) {
        if (op->variant == Variant::InPlace) {
          check_result_in_place(r->size_span(), r->dtype, g, op);
        } else {
          check_result_dtype(r->dtype, g, op);
          if (!same_sizes(g->size_span(), r->size_span())) resize(g, r->size_span());
        }
        TlValue args[3] = {given, rets[i], {}};
        args[2].tag = TL_BOOL;
        TlValue out[1] = {};
        check_status(dispatch(copy, args, out));
        release_values(out, 1);
      }
      g->retain();
      call->rets[i].tag = TL_TENSOR;
      call->rets[i].tensor = g;
    }
  });
}

}  // namespace tallow
