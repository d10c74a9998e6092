#include "tensor/tensor.hpp"

#include <algorithm>
#include <limits>
#include <new>
#include <numeric>

#include "memory/allocator.hpp"

namespace tallow {

std::string to_string(Sizes s) {
  std::string out = "[";
  for (size_t i = 0; i < s.size(); ++i) out += (i ? ", " : "") + std::to_string(s[i]);
  return out + "]";
}

std::string device_string(TlDevice d) {
  const char* names[] = {"cpu", "cuda", "meta"};
  std::string s = d.type >= 0 && d.type < 3 ? names[d.type] : "device" + std::to_string(d.type);
  return d.index >= 0 ? s + ":" + std::to_string(d.index) : s;
}

TlKeySet device_keys(TlDevice d) { return TlKeySet{1} << d.type; }

bool& inference_mode() {
  thread_local bool on __attribute__((tls_model("initial-exec"))) = false;
  return on;
}

// ---------------------------------------------------------------- storage
Storage* make_storage(int64_t nbytes, TlDevice device) {
  TL_CHECK(device.type == TL_CPU || device.type == TL_META, "no allocator for device ", device_string(device),
           ": this build of tallow-core serves cpu and meta");
  void* data = device.type == TL_META ? nullptr : memory::allocate(static_cast<size_t>(nbytes));
  void* mem = memory::allocate(sizeof(Storage));
  auto* s = new (mem) Storage;
  s->device = device, s->data = data, s->nbytes = nbytes, s->deleter = nullptr, s->context = nullptr;
  return s;
}

void Storage::destroy() {
  if (deleter) deleter(context);
  else if (device.type == TL_CPU) memory::deallocate(data, static_cast<size_t>(nbytes));
  this->~Storage();
  memory::deallocate(this, sizeof(Storage));
}

void Storage::resize(int64_t bytes) {
  if (bytes == nbytes) return;
  TL_CHECK(!deleter, "Trying to resize storage that is not resizable");
  if (device.type == TL_META) {
    nbytes = bytes;
    return;
  }
  void* fresh = memory::allocate(static_cast<size_t>(bytes));
  const int64_t keep = std::min(bytes, nbytes);
  if (keep > 0) std::memcpy(fresh, data, static_cast<size_t>(keep));
  memory::deallocate(data, static_cast<size_t>(nbytes));
  data = fresh;
  nbytes = bytes;
}

}  // namespace tallow

using namespace tallow;

// ---------------------------------------------------------------- the struct
void (*TlTensorImpl::g_release_hosted)(TlTensorImpl*) = nullptr;

TlTensorImpl* TlTensorImpl::make(DType dtype, TlDevice device, Storage* storage) {
  void* mem = memory::allocate(sizeof(TlTensorImpl));
  auto* t = new (mem) TlTensorImpl;
  t->dtype = dtype;
  t->device = device;
  t->keys = device_keys(device);
  t->storage = storage;
  t->shape = t->inline_shape;
  t->flags = inference_mode() ? Inference : 0;
  return t;
}

void TlTensorImpl::destroy() {
  if (autograd_deleter) autograd_deleter(autograd);
  if (base) base->release();
  if (storage) storage->release();
  if (flags & HeapShape) memory::deallocate(shape, sizeof(int64_t) * 2 * ndim);
  this->~TlTensorImpl();
  memory::deallocate(this, sizeof(TlTensorImpl));
}

void TlTensorImpl::set_shape(const int64_t* sizes, const int64_t* strides, int64_t n) {
  TL_CHECK(n <= 64, "too many dimensions: ", n, ", at most 64 are supported");
  int64_t expected = 1, count = 1;
  bool contiguous = true, empty = false, too_many = false;
  // Read everything before writing: sizes may point into this tensor's own shape.
  int64_t tmp[2 * 64];
  for (int64_t i = n; i-- > 0;) {
    const int64_t size = tmp[i] = sizes[i];
    tmp[n + i] = strides ? strides[i] : expected;
    if (size != 1 && tmp[n + i] != expected) contiguous = false;
    empty |= size == 0;
    too_many |= __builtin_mul_overflow(count, size, &count);
    // Strides of a tensor without elements may wrap around: nobody follows them.
    if (size > 1) (void)__builtin_mul_overflow(expected, size, &expected);
  }
  if (empty) count = 0;
  TL_CHECK(empty || !too_many, "numel: integer multiplication overflow: ", to_string(Sizes(tmp, static_cast<size_t>(n))));
  int64_t* to = inline_shape;
  const bool heap = n > kInlineDims;
  if (heap) to = static_cast<int64_t*>(memory::allocate(sizeof(int64_t) * 2 * static_cast<size_t>(n)));
  if (flags & HeapShape) memory::deallocate(shape, sizeof(int64_t) * 2 * ndim);
  std::memcpy(to, tmp, sizeof(int64_t) * 2 * static_cast<size_t>(n));
  shape = to;
  ndim = static_cast<uint16_t>(n);
  numel = count;
  flags = static_cast<uint16_t>((flags & ~(HeapShape | Contiguous)) | (heap ? HeapShape : 0) |
                                (contiguous || count == 0 ? Contiguous : 0));
}

namespace tallow {

int64_t checked_numel(Sizes sizes, int64_t item) {
  int64_t n = 1, bytes = item;
  bool zero = false;
  for (int64_t s : sizes) {
    TL_CHECK(s >= 0, "Trying to create tensor with negative dimension ", s, ": ", to_string(sizes));
    zero |= s == 0;
  }
  if (zero) return 0;
  for (int64_t s : sizes) {
    TL_CHECK(!__builtin_mul_overflow(bytes, s, &bytes) && bytes < (int64_t{1} << 62),
             "Storage size calculation overflowed with sizes=", to_string(sizes));
    n *= s;
  }
  return n;
}

Tensor empty(Sizes sizes, DType dtype, TlDevice device) {
  const int64_t item = itemsize(dtype);
  const int64_t n = checked_numel(sizes, item);
  Tensor t = Tensor::steal(TensorImpl::make(dtype, device, make_storage(n * item, device)));
  t->set_shape(sizes.data(), nullptr, static_cast<int64_t>(sizes.size()));
  return t;
}

namespace {
// Elements from the first to one past the last that sizes and strides reach.
int64_t span_of(Sizes sizes, Sizes strides) {
  int64_t last = 0;
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] == 0) return 0;
    int64_t step;
    TL_CHECK(strides[i] >= 0, "as_strided: Negative strides are not supported at the moment, got strides: ", to_string(strides));
    TL_CHECK(!__builtin_mul_overflow(sizes[i] - 1, strides[i], &step) && !__builtin_add_overflow(last, step, &last),
             "Storage size calculation overflowed with sizes=", to_string(sizes), " and strides=", to_string(strides));
  }
  return last + 1;
}
}  // namespace

Tensor empty_strided(Sizes sizes, Sizes strides, DType dtype, TlDevice device) {
  TL_CHECK(sizes.size() == strides.size(), "mismatch in length of strides and shape: ", strides.size(), " and ", sizes.size());
  checked_numel(sizes, itemsize(dtype));
  int64_t bytes;
  TL_CHECK(!__builtin_mul_overflow(span_of(sizes, strides), itemsize(dtype), &bytes),
           "Storage size calculation overflowed with sizes=", to_string(sizes), " and strides=", to_string(strides));
  Tensor t = Tensor::steal(TensorImpl::make(dtype, device, make_storage(bytes, device)));
  t->set_shape(sizes.data(), strides.data(), static_cast<int64_t>(sizes.size()));
  return t;
}

bool is_dense(const TensorImpl* t) {
  if (t->contiguous()) return true;
  int order[64];
  int n = 0;
  for (int i = 0; i < t->ndim; ++i)
    if (t->size(i) != 1) order[n++] = i;
  std::sort(order, order + n, [&](int a, int b) { return t->stride(a) < t->stride(b); });
  int64_t expected = 1;
  for (int i = 0; i < n; ++i) {
    if (t->stride(order[i]) != expected) return false;
    expected *= t->size(order[i]);
  }
  return true;
}

Tensor empty_like(const TensorImpl* like, DType dtype, TlDevice device) {
  if (like->contiguous()) return empty(like->size_span(), dtype, device);
  if (is_dense(like)) return empty_strided(like->size_span(), like->stride_span(), dtype, device);
  // Keep the order of the dimensions, without gaps and overlaps.
  std::vector<int> order(like->ndim);
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return like->stride(a) > like->stride(b); });
  Dims strides(like->ndim);
  int64_t n = 1;
  for (size_t i = order.size(); i-- > 0;) {
    strides[order[i]] = n;
    n *= std::max<int64_t>(like->size(order[i]), 1);
  }
  return empty_strided(like->size_span(), strides, dtype, device);
}

Tensor from_blob(void* data, Sizes sizes, const int64_t* strides, DType dtype, TlDevice device, TlDeleter deleter, void* context) {
  const int64_t n = checked_numel(sizes, itemsize(dtype));
  Dims row_major;
  if (!strides) row_major = contiguous_strides(sizes);
  const Sizes st = strides ? Sizes(strides, sizes.size()) : Sizes(row_major);
  const int64_t bytes = (n ? span_of(sizes, st) : 0) * itemsize(dtype);
  auto* s = new (memory::allocate(sizeof(Storage))) Storage;
  s->device = device, s->data = data, s->nbytes = bytes, s->context = context;
  s->deleter = deleter ? deleter : [](void*) {};
  Tensor t = Tensor::steal(TensorImpl::make(dtype, device, s));
  t->set_shape(sizes.data(), st.data(), static_cast<int64_t>(sizes.size()));
  return t;
}

Tensor make_alias(const TensorImpl* t, Sizes sizes, Sizes strides, int64_t offset, DType dtype) {
  t->storage->retain();
  Tensor v = Tensor::steal(TensorImpl::make(dtype, t->device, t->storage));
  v->flags |= t->flags & (TensorImpl::Untracked | TensorImpl::Inference);
  v->keys = t->keys & kSparseKeys ? t->keys & kSparseKeys : v->keys;
  v->offset = offset;
  v->set_shape(sizes.data(), strides.data(), static_cast<int64_t>(sizes.size()));
  if (t->sparse()) v->flags &= ~TensorImpl::Contiguous;
  return v;
}

Tensor make_alias(const TensorImpl* t) { return make_alias(t, t->size_span(), t->stride_span(), t->offset, t->dtype); }

Tensor make_view(const TensorImpl* t, Sizes sizes, Sizes strides, int64_t offset) {
  Tensor v = make_alias(t, sizes, strides, offset, t->dtype);
  TensorImpl* root = t->base ? t->base : const_cast<TensorImpl*>(t);
  root->retain();
  v->base = root;
  return v;
}

void resize(TensorImpl* t, Sizes sizes) {
  if (same_sizes(t->size_span(), sizes)) return;
  const int64_t item = itemsize(t->dtype);
  const int64_t bytes = (checked_numel(sizes, item) + t->offset) * item;
  if (bytes > t->storage->nbytes) t->storage->resize(bytes);
  t->set_shape(sizes.data(), nullptr, static_cast<int64_t>(sizes.size()));
}

bool is_channels_last(const TensorImpl* t, int64_t ndim) {
  if (t->ndim != ndim) return false;
  int64_t expected = 1;
  // channels first in memory order, then the space from the last dimension, then the batch
  auto ok = [&](int64_t d) {
    if (t->size(d) != 1 && t->stride(d) != expected) return false;
    expected *= std::max<int64_t>(t->size(d), 1);
    return true;
  };
  if (!ok(1)) return false;
  for (int64_t d = ndim - 1; d >= 2; --d)
    if (!ok(d)) return false;
  return ok(0);
}

Dims channels_last_strides(Sizes sizes) {
  const auto n = static_cast<int64_t>(sizes.size());
  Dims s(sizes.size());
  int64_t step = 1;
  auto put = [&](int64_t d) { s[d] = step, step *= std::max<int64_t>(sizes[d], 1); };
  put(1);
  for (int64_t d = n - 1; d >= 2; --d) put(d);
  put(0);
  return s;
}

Dims broadcast_sizes(Sizes a, Sizes b, const char* op) {
  const size_t n = std::max(a.size(), b.size());
  Dims out(n);
  for (size_t i = 0; i < n; ++i) {
    const int64_t x = i < n - a.size() ? 1 : a[i - (n - a.size())];
    const int64_t y = i < n - b.size() ? 1 : b[i - (n - b.size())];
    TL_CHECK(x == y || x == 1 || y == 1, op, *op ? ": " : "", "The size of tensor a (", x, ") must match the size of tensor b (", y,
             ") at non-singleton dimension ", i, "; shapes ", to_string(a), " and ", to_string(b));
    out[i] = x == 1 ? y : x;
  }
  return out;
}

}  // namespace tallow
