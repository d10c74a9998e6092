// Walking the lines of a tensor along one dimension, with packed keys as workspace.
#pragma once
#include <algorithm>

#include "memory/allocator.hpp"
#include "ops/cumulative/scan.hpp"
#include "ops/sort/keys.hpp"

namespace tallow {

// Uninitialised elements from the caching allocator.
template <class T>
class Workspace {
 public:
  explicit Workspace(int64_t n) : bytes_(static_cast<size_t>(std::max<int64_t>(n, 1)) * sizeof(T)), p_(static_cast<T*>(memory::allocate(bytes_))) {}
  ~Workspace() { memory::deallocate(p_, bytes_); }
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;
  T* get() const { return p_; }
  T& operator[](int64_t i) const { return p_[i]; }

 private:
  size_t bytes_;
  T* p_;
};

template <class T> using packed_for = std::conditional_t<sizeof(T) == 8, WidePacked, Packed>;
constexpr int64_t kPackedLimit = int64_t{1} << 32;  // positions that fit a packed word

// f(first element, stride, number of the line, workspace): `extra` times n packed keys of workspace per piece.
template <class T, class F>
void each_sort_line(const TensorImpl* t, const ScanShape& s, int extra, F&& f) {
  const T* x = t->ptr<T>();
  TL_CHECK(s.n < kPackedLimit || sizeof(T) == 8, "cannot order ", s.n, " elements of a ", sizeof(T), "-byte type along one dimension");
  using P = packed_for<T>;
  parallel_for(0, s.outer * s.inner, std::max<int64_t>(1, 16384 / std::max<int64_t>(1, s.n)), [&](int64_t b, int64_t e) {
    Workspace<P> work(extra * s.n);
    for (int64_t i = b; i < e; ++i) f(x + i / s.inner * s.n * s.inner + i % s.inner, s.inner, i, work.get());
  });
}

// The sizes of t with dimension dim gone, or one.
inline Dims without_dim(const TensorImpl* t, int64_t dim, bool keepdim) {
  Dims s(t->size_span().begin(), t->size_span().end());
  if (s.empty()) return s;
  if (keepdim) s[dim] = 1;
  else s.erase(s.begin() + dim);
  return s;
}

}  // namespace tallow
