// Tensor = storage + dtype + sizes + strides + offset + key set + version counter.
#pragma once
#include <array>
#include <atomic>
#include <cstring>
#include <span>
#include <vector>

#include "dispatch/error.hpp"
#include "tallow/abi.h"
#include "tensor/dtype.hpp"
#include "tensor/ref.hpp"

namespace tallow {

using Sizes = std::span<const int64_t>;
using Dims = std::vector<int64_t>;
std::string to_string(Sizes s);           // "[2, 3]"
std::string device_string(TlDevice d);    // "cpu", "cuda:0"

inline bool operator_eq(TlDevice a, TlDevice b) { return a.type == b.type && a.index == b.index; }
constexpr TlDevice kCpu{TL_CPU, -1};
constexpr TlDevice kMeta{TL_META, -1};
constexpr TlKeySet kSparseKeys = TlKeySet{1} << TL_KEY_SPARSE_CPU | TlKeySet{1} << TL_KEY_SPARSE_CUDA;

struct Storage {
  std::atomic<int32_t> refs{1};
  TlDevice device;
  std::atomic<int64_t> version{0};
  void* data;
  int64_t nbytes;
  TlDeleter deleter;  // null: the core's allocator
  void* context;

  void retain() { refs.fetch_add(1, std::memory_order_relaxed); }
  void release() {
    if (refs.fetch_sub(1, std::memory_order_acq_rel) == 1) destroy();
  }
  void destroy();
  void resize(int64_t bytes);  // keeps the contents; fails for memory that is not the core's own
};
Storage* make_storage(int64_t nbytes, TlDevice device);

}  // namespace tallow

// The handle of the ABI is this struct.
struct TlTensorImpl {
  enum Flag : uint16_t {
    Contiguous = 1,     // row major without gaps
    Inference = 2,      // made in inference mode: autograd refuses it
    Untracked = 4,      // .data: writes do not bump the version
    Conj = 8,
    HeapShape = 16
  };
  static constexpr int kInlineDims = 5;

  std::atomic<int32_t> refs{1};
  tallow::DType dtype;
  uint16_t flags = 0;
  uint16_t ndim = 0;
  TlDevice device;
  TlKeySet keys;
  tallow::Storage* storage;
  int64_t offset = 0;  // in elements
  int64_t numel = 0;
  int64_t* shape;      // sizes, then strides
  int64_t inline_shape[2 * kInlineDims];
  TlTensorImpl* base = nullptr;  // what this is a view of
  void* autograd = nullptr;
  TlDeleter autograd_deleter = nullptr;
  // The host language's object for this tensor. It owns a reference to the tensor; the tensor owns it only where
  // kHosted is set in refs.
  std::atomic<void*> host{nullptr};

  // A bit of refs: the host has let go of an object that is worth keeping (it has attributes, or a class of its own), so
  // the tensor keeps it as long as native code keeps the tensor. It is set, cleared and, while set, counted down only by
  // the host, under the host's lock: g_release_hosted.
  static constexpr int32_t kHosted = 1 << 30;
  static void (*g_release_hosted)(TlTensorImpl*);

  void retain() { refs.fetch_add(1, std::memory_order_relaxed); }
  void release() {
    int32_t n = refs.load(std::memory_order_acquire);
    do {
      if (n == 1) return destroy();
      if (__builtin_expect(n & kHosted, 0)) return g_release_hosted(this);
    } while (!refs.compare_exchange_weak(n, n - 1, std::memory_order_acq_rel, std::memory_order_acquire));
  }
  int32_t use_count() const { return refs.load(std::memory_order_acquire) & ~kHosted; }
  void destroy();

  const int64_t* sizes() const { return shape; }
  const int64_t* strides() const { return shape + ndim; }
  int64_t size(int64_t d) const { return shape[d]; }
  int64_t stride(int64_t d) const { return shape[ndim + d]; }
  tallow::Sizes size_span() const { return {shape, ndim}; }
  tallow::Sizes stride_span() const { return {shape + ndim, ndim}; }
  void* data() const {
    return static_cast<char*>(storage->data) + offset * tallow::itemsize(dtype);
  }
  template <class T> T* ptr() const { return static_cast<T*>(data()); }
  bool contiguous() const { return flags & Contiguous; }
  bool is_meta() const { return device.type == TL_META; }
  bool sparse() const { return keys & tallow::kSparseKeys; }  // its storage holds indices and values, see tensor/sparse.hpp
  void bump_version() {
    if (!(flags & Untracked)) storage->version.fetch_add(1, std::memory_order_relaxed);
  }
  // Sets sizes and strides (row major if strides is null), numel and the contiguity flag.
  void set_shape(const int64_t* sizes, const int64_t* strides, int64_t n);

  static TlTensorImpl* make(tallow::DType dtype, TlDevice device, tallow::Storage* steal_storage);
};

namespace tallow {

using TensorImpl = TlTensorImpl;

// An owning handle with what kernels need at hand.
class Tensor : public Ref<TensorImpl> {
 public:
  Tensor() = default;
  Tensor(Ref<TensorImpl> r) : Ref<TensorImpl>(std::move(r)) {}
  static Tensor steal(TensorImpl* p) { return Ref<TensorImpl>::steal(p); }
  static Tensor share(TensorImpl* p) { return Ref<TensorImpl>::share(p); }

  DType dtype() const { return get()->dtype; }
  TlDevice device() const { return get()->device; }
  int64_t ndim() const { return get()->ndim; }
  int64_t numel() const { return get()->numel; }
  int64_t size(int64_t d) const { return get()->size(d); }
  int64_t stride(int64_t d) const { return get()->stride(d); }
  Sizes sizes() const { return get()->size_span(); }
  Sizes strides() const { return get()->stride_span(); }
  bool contiguous() const { return get()->contiguous(); }
  template <class T> T* ptr() const { return get()->ptr<T>(); }
  void* data() const { return get()->data(); }
};

// Checked product of sizes; fails where an element count or byte size would overflow.
int64_t checked_numel(Sizes sizes, int64_t item = 1);

Tensor empty(Sizes sizes, DType dtype, TlDevice device = kCpu);
Tensor empty_strided(Sizes sizes, Sizes strides, DType dtype, TlDevice device = kCpu);
// Same sizes, and the same strides where `like` is dense in some order.
Tensor empty_like(const TensorImpl* like, DType dtype, TlDevice device);
Tensor from_blob(void* data, Sizes sizes, const int64_t* strides, DType dtype, TlDevice device, TlDeleter deleter, void* context);

// Shares t's storage; remembers the base, for autograd.
Tensor make_view(const TensorImpl* t, Sizes sizes, Sizes strides, int64_t offset);
// Shares t's storage and forgets where it came from (detach, saved tensors).
Tensor make_alias(const TensorImpl* t, Sizes sizes, Sizes strides, int64_t offset, DType dtype);
Tensor make_alias(const TensorImpl* t);

// Changes t's sizes, row major; its storage grows where needed (resize_, out=).
void resize(TensorImpl* t, Sizes sizes);

inline Dims contiguous_strides(Sizes sizes) {
  Dims s(sizes.size());
  int64_t n = 1;
  for (size_t i = sizes.size(); i-- > 0;) {
    s[i] = n;
    n *= sizes[i] > 1 ? sizes[i] : 1;
  }
  return s;
}
bool is_dense(const TensorImpl* t);  // its elements fill their span once, in some order
bool is_channels_last(const TensorImpl* t, int64_t ndim);
Dims channels_last_strides(Sizes sizes);

// Python's rule for a dimension: -n .. n-1, and 0-dim tensors accept 0 and -1.
inline int64_t wrap_dim(int64_t dim, int64_t ndim, const char* op = "") {
  const int64_t n = ndim > 0 ? ndim : 1;
  TL_CHECK_INDEX(dim >= -n && dim < n, *op ? op : "", *op ? ": " : "", "Dimension out of range (expected to be in range of [", -n, ", ", n - 1,
                 "], but got ", dim, ")");
  return dim < 0 ? dim + n : dim;
}
inline bool same_sizes(Sizes a, Sizes b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size_bytes()) == 0);
}
Dims broadcast_sizes(Sizes a, Sizes b, const char* op = "");
TlKeySet device_keys(TlDevice d);

// Whether new tensors are inference tensors, per thread.
bool& inference_mode();

}  // namespace tallow
