// The ABI's table: each entry wraps an internal function and keeps exceptions inside.
#include <cstdlib>
#include <cstring>

#include "dispatch/object.hpp"
#include "dispatch/registry.hpp"
#include "dispatch/structured.hpp"
#include "memory/allocator.hpp"
#include "ops/linalg/blas.hpp"
#include "ops/random/generator.hpp"
#include "parallel/parallel.hpp"
#include "tallow/abi.h"
#include "tallow/tallow.hpp"
#include "tensor/tensor.hpp"
#include "vec/isa.hpp"

#ifndef TALLOW_CORE_VERSION
#define TALLOW_CORE_VERSION "0.0.0"
#endif

namespace tallow {

void release_object(TlObject o) { o->release(); }

namespace {

Sizes sizes_of(const int64_t* s, int64_t n) { return {s, static_cast<size_t>(n)}; }
DType checked_dtype(TlDtype t) {
  TL_CHECK_VALUE(t >= 0 && t < kDTypes, "dtype ", t, " is unknown to this core");
  return static_cast<DType>(t);
}

TlStatus error_set(TlStatus kind, const char* message) {
  if (message != last_error().c_str()) last_error() = message;
  return kind == TL_OK ? TL_RUNTIME_ERROR : kind;
}
const char* error_message() { return last_error().c_str(); }

TlStatus device_alloc(TlDevice device, size_t bytes, void*, void** out) {
  return guarded([&] {
    TL_CHECK(device.type == TL_CPU, "device_alloc: no memory for device ", device_string(device));
    *out = memory::allocate(bytes);
  });
}
void device_free(TlDevice, void* p, size_t bytes, void*) { memory::deallocate(p, bytes); }

TlStatus tensor_empty(const int64_t* sizes, int64_t ndim, TlDtype dtype, TlDevice device, TlTensor* out) {
  return guarded([&] { *out = empty(sizes_of(sizes, ndim), checked_dtype(dtype), device).take(); });
}
TlStatus tensor_empty_strided(const int64_t* sizes, const int64_t* strides, int64_t ndim, TlDtype dtype, TlDevice device, TlTensor* out) {
  return guarded([&] { *out = empty_strided(sizes_of(sizes, ndim), sizes_of(strides, ndim), checked_dtype(dtype), device).take(); });
}
TlStatus tensor_from_blob(void* data, const int64_t* sizes, const int64_t* strides, int64_t ndim, TlDtype dtype, TlDevice device,
                          TlDeleter deleter, void* context, TlTensor* out) {
  return guarded([&] { *out = from_blob(data, sizes_of(sizes, ndim), strides, checked_dtype(dtype), device, deleter, context).take(); });
}
void tensor_info(TlTensor t, TlTensorInfo* info) {
  TlTensorInfo i{};
  i.struct_size = info->struct_size;
  i.dtype = static_cast<TlDtype>(t->dtype);
  i.data = t->data();
  i.sizes = t->sizes();
  i.strides = t->strides();
  i.ndim = t->ndim;
  i.numel = t->numel;
  i.storage_offset = t->offset;
  i.device = t->device;
  i.keys = t->keys;
  i.itemsize = static_cast<uint32_t>(itemsize(t->dtype));
  i.flags = (t->contiguous() ? TL_TENSOR_CONTIGUOUS : 0) | (t->flags & TlTensorImpl::Inference ? TL_TENSOR_INFERENCE : 0);
  if (info->struct_size == sizeof i) *info = i;
  else std::memcpy(info, &i, std::min<size_t>(info->struct_size, sizeof i));
}
TlStatus tensor_alias(TlTensor t, const int64_t* sizes, const int64_t* strides, int64_t ndim, int64_t offset, TlTensor* out) {
  return guarded([&] {
    TL_CHECK(!sizes || !t->sparse(), "a tensor of sparse layout has no memory to look at with other sizes and strides");
    *out = (sizes ? make_alias(t, sizes_of(sizes, ndim), sizes_of(strides, ndim), offset, t->dtype) : make_alias(t)).take();
  });
}
void tensor_set_autograd(TlTensor t, void* meta, TlDeleter deleter, int32_t requires_grad) {
  if (t->autograd_deleter && t->autograd != meta) t->autograd_deleter(t->autograd);
  t->autograd = meta;
  t->autograd_deleter = meta ? deleter : nullptr;
  const TlKeySet bit = TlKeySet{1} << TL_KEY_AUTOGRAD;
  t->keys = requires_grad ? t->keys | bit : t->keys & ~bit;
}
TlStatus tensor_set_data(TlTensor t, TlTensor from) {
  return guarded([&] {
    from->storage->retain();
    t->storage->release();
    t->storage = from->storage;
    t->dtype = from->dtype;
    t->device = from->device;
    t->keys = (t->keys & ~kDeviceMask) | (from->keys & kDeviceMask);
    t->offset = from->offset;
    t->set_shape(from->sizes(), from->strides(), from->ndim);
    if (from->sparse()) t->flags &= ~TlTensorImpl::Contiguous;
  });
}

TlStatus object_new(const TlObjectClass* cls, void* payload, TlObject* out) {
  return guarded([&] {
    auto* o = new TlObjectImpl;
    o->cls = cls, o->payload = payload;
    *out = o;
  });
}
TlStatus object_call(TlObject o, const TlValue* args, uint32_t nargs, TlValue* rets, uint32_t nrets) {
  if (!o->cls->call) {
    last_error() = str("an object of class ", o->cls->name, " is not callable");
    return TL_TYPE_ERROR;
  }
  return o->cls->call(o->payload, args, nargs, rets, nrets);
}

TlStatus op_find(const char* name, TlOp* out) {
  return guarded([&] {
    const Op* op = Registry::get().find(name);
    TL_CHECK(op, "no op named '", name, "' is registered");
    *out = op;
  });
}
void op_info(TlOp op, TlOpInfo* info) {
  TlOpInfo i{};
  i.struct_size = info->struct_size;
  i.flags = op->flags;
  i.ns = op->schema.ns.c_str();
  i.name = op->schema.name.c_str();
  i.overload = op->schema.overload.c_str();
  i.schema = op->schema.text.c_str();
  i.doc = op->base->doc.c_str();
  i.base = op->base;
  i.variant = static_cast<uint32_t>(op->variant);
  i.nargs = static_cast<uint32_t>(op->schema.params.size());
  i.nrets = static_cast<uint32_t>(op->schema.results.size());
  i.is_composite = op->base->composite != nullptr;
  i.args = op->arguments.data();
  std::memcpy(info, &i, std::min<size_t>(info->struct_size, sizeof i));
}
TlStatus op_call(TlOp op, const TlValue* args, uint32_t nargs, TlValue* rets) {
  if (__builtin_expect(nargs != op->schema.params.size(), 0)) {
    last_error() = str(op->schema.full_name(), ": ", nargs, " arguments in the frame, the schema has ", op->schema.params.size());
    return TL_TYPE_ERROR;
  }
  return dispatch(op, args, rets);
}
TlStatus op_register(const TlOpDef* def, TlOp* out) {
  return guarded([&] {
    TlOpDef d{};
    std::memcpy(&d, def, std::min<size_t>(def->struct_size, sizeof d));
    const Op* op = Registry::get().define(d);
    if (out) *out = op;
  });
}
TlStatus op_register_kernel(const char* op, int32_t key, TlKernel fn, void* user) {
  return guarded([&] { Registry::get().kernel(op, key, fn, user); });
}
TlStatus op_set_rule(const char* op, const char* rule, const void* value, const char* text) {
  return guarded([&] { Registry::get().rule(op, rule, value, text); });
}
const void* op_rule(TlOp op, const char* rule, const char** text) {
  const Rule* r = find_rule(op, rule);
  if (text) *text = r ? r->text.c_str() : nullptr;
  return !r ? nullptr : r->value ? r->value : r->text.c_str();
}
uint32_t op_list(TlOp* out, uint32_t capacity) {
  const auto all = Registry::get().all();
  for (size_t i = 0; i < all.size() && i < capacity; ++i) out[i] = all[i];
  return static_cast<uint32_t>(all.size());
}
TlStatus api_call_output(TlCall* call, uint32_t index, const int64_t* sizes, const int64_t* strides, int64_t ndim, TlDtype dtype, TlDevice device) {
  return guarded([&] { call_output(call, index, sizes_of(sizes, ndim), strides, checked_dtype(dtype), device); });
}

TlStatus key_register(const char* name, int32_t wanted, int32_t* key) {
  return guarded([&] { *key = Registry::get().key(name, wanted); });
}
TlStatus key_fallback(int32_t key, TlKernel fn, void* user) {
  return guarded([&] { Registry::get().fallback(key, fn, user); });
}

TlStatus api_parallel_for(int64_t begin, int64_t end, int64_t grain, TlStatus (*body)(void*, int64_t, int64_t), void* context) {
  return guarded([&] { parallel_for(begin, end, grain, [&](int64_t b, int64_t e) { check_status(body(context, b, e)); }); });
}

TlStatus gemm(TlDtype dtype, int32_t ta, int32_t tb, int64_t m, int64_t n, int64_t k, double alpha, const void* a, int64_t lda,
              const void* b, int64_t ldb, double beta, void* c, int64_t ldc) {
  return guarded([&] {
    if (dtype == TL_FLOAT32)
      blas::gemm<float>(ta ? 'T' : 'N', tb ? 'T' : 'N', m, n, k, static_cast<float>(alpha), static_cast<const float*>(a), lda, static_cast<const float*>(b),
                        ldb, static_cast<float>(beta), static_cast<float*>(c), ldc);
    else if (dtype == TL_FLOAT64)
      blas::gemm<double>(ta ? 'T' : 'N', tb ? 'T' : 'N', m, n, k, alpha, static_cast<const double*>(a), lda, static_cast<const double*>(b), ldb, beta,
                         static_cast<double*>(c), ldc);
    else
      fail(TL_TYPE_ERROR, "gemm: float32 and float64 are supported, got ", dtype_name(checked_dtype(dtype)));
  });
}

// Captureless lambdas stand for the one-line entries. constinit: the core's own ops register during static
// initialization and already call through the table.
constinit const TlApi kApi = {
    .struct_size = sizeof(TlApi),
    .abi_version = TALLOW_ABI_VERSION,
    .core_version = TALLOW_CORE_VERSION,
    .error_set = error_set,
    .error_message = error_message,
    .alloc = [](size_t n) -> void* { return std::malloc(n ? n : 1); },
    .free = [](void* p) { std::free(p); },
    .values_release = [](TlValue* v, uint32_t n) { release_values(v, n); },
    .device_alloc = device_alloc,
    .device_free = device_free,
    .tensor_empty = tensor_empty,
    .tensor_empty_strided = tensor_empty_strided,
    .tensor_from_blob = tensor_from_blob,
    .tensor_retain = [](TlTensor t) { t->retain(); },
    .tensor_release = [](TlTensor t) { t->release(); },
    .tensor_info = tensor_info,
    .tensor_version = [](TlTensor t) -> int64_t { return t->storage->version.load(std::memory_order_relaxed); },
    .tensor_bump_version = [](TlTensor t) { t->bump_version(); },
    .tensor_base = [](TlTensor t) -> TlTensor { return t->base; },
    .tensor_alias = tensor_alias,
    .tensor_autograd = [](TlTensor t) -> void* { return t->autograd; },
    .tensor_set_autograd = tensor_set_autograd,
    .tensor_use_count = [](TlTensor t) -> int32_t { return t->use_count(); },
    .tensor_same_storage = [](TlTensor a, TlTensor b) -> int32_t { return a->storage == b->storage; },
    .tensor_set_data = tensor_set_data,
    .object_new = object_new,
    .object_retain = [](TlObject o) { o->retain(); },
    .object_release = [](TlObject o) { o->release(); },
    .object_payload = [](TlObject o, const TlObjectClass* cls) -> void* { return o->cls == cls ? o->payload : nullptr; },
    .object_class = [](TlObject o) -> const TlObjectClass* { return o->cls; },
    .object_call = object_call,
    .op_find = op_find,
    .op_info = op_info,
    .op_call = op_call,
    .op_redispatch = [](TlOp op, TlKeySet keys, const TlValue* a, TlValue* r) { return redispatch(op, keys, a, r); },
    .op_register = op_register,
    .op_register_kernel = op_register_kernel,
    .op_set_rule = op_set_rule,
    .op_rule = op_rule,
    .op_list = op_list,
    .call_output = api_call_output,
    .key_register = key_register,
    .key_fallback = key_fallback,
    .keys_excluded = []() -> TlKeySet { return thread_keys().excluded; },
    .keys_set_excluded = [](TlKeySet k) -> TlKeySet { return std::exchange(thread_keys().excluded, k); },
    .keys_included = []() -> TlKeySet { return thread_keys().included; },
    .keys_set_included = [](TlKeySet k) -> TlKeySet { return std::exchange(thread_keys().included, k); },
    .inference_mode = [](int32_t set) -> int32_t {
      const bool was = inference_mode();
      if (set >= 0) inference_mode() = set != 0;
      return was;
    },
    .parallel_for = api_parallel_for,
    .num_threads = []() -> int32_t { return num_threads(); },
    .generator_default = [](TlDevice) -> TlGenerator { return default_generator(); },
    .generator_reserve = [](TlGenerator g, uint64_t n, uint64_t* s, uint64_t* o) { g->reserve(n, s, o); },
    .gemm = gemm,
    .instruction_set = []() -> int32_t { return static_cast<int32_t>(current_isa()); },
    .tensor_set_host_release = [](void (*release)(TlTensor)) { TlTensorImpl::g_release_hosted = release; },
};

}  // namespace
}  // namespace tallow

namespace tl {
const TlApi* api() { return &tallow::kApi; }
}  // namespace tl

extern "C" const TlApi* tl_get_api(uint32_t target, uint32_t built_with, const char* name) {
  const uint32_t serves = TALLOW_ABI_VERSION < built_with ? TALLOW_ABI_VERSION : built_with;
  if (target > serves || target < TALLOW_ABI_OLDEST) {
    tallow::last_error() = tallow::str(
        "extension '", name ? name : "?", "' needs tallow ABI version ", target, " (built with headers of version ", built_with,
        "), but the installed tallow-core ", TALLOW_CORE_VERSION, " provides versions ", TALLOW_ABI_OLDEST, " to ", TALLOW_ABI_VERSION,
        target > TALLOW_ABI_VERSION ? ": upgrade tallow-core" : ": rebuild the extension");
    return nullptr;
  }
  return &tallow::kApi;
}

extern "C" const char* tl_last_error(void) { return tallow::last_error().c_str(); }
