// What the decompositions share: checks of their arguments, matrices of a batch, copies between row and column major.
#pragma once
#include <cmath>

#include "ops/family.hpp"
#include "ops/linalg/lapack.hpp"

namespace tallow {

// ---------------------------------------------------------------- checks, with torch's messages
void check_is_matrix(const TensorImpl* t, const char* op, const char* name = "A");
void check_square(const TensorImpl* t, const char* op, const char* name = "A");
void check_inexact(const TensorImpl* t, const char* op, bool low_precision = true);

// The first matrix of a batch whose factorization failed raises LinAlgError.
void check_info(const tl::Tensor& info, const char* op);

inline Sizes batch_of(const TensorImpl* t) { return t->size_span().first(static_cast<size_t>(t->ndim - 2)); }
inline int64_t rows_of(const TensorImpl* t) { return t->size(t->ndim - 2); }
inline int64_t columns_of(const TensorImpl* t) { return t->size(t->ndim - 1); }
inline Dims shape_of(Sizes batch, std::initializer_list<int64_t> tail) {
  Dims s(batch.begin(), batch.end());
  s.insert(s.end(), tail);
  return s;
}

// Calls f.operator()<T>() for the types of LAPACK; `kernel` is the name in the error for others.
template <class F>
void by_lapack_dtype(DType t, const char* kernel, F&& f) {
  switch (t) {
    case DType::Float32: return f.template operator()<float>();
    case DType::Float64: return f.template operator()<double>();
    case DType::Complex64: return f.template operator()<c64>();
    case DType::Complex128: return f.template operator()<c128>();
    default: fail(TL_NOT_IMPLEMENTED_ERROR, "\"", kernel, "\" not implemented for '", dtype_long_name(t), "'");
  }
}
inline void check_lapack_dtype(DType t, const char* kernel) {
  by_lapack_dtype(t, kernel, []<class T>() {});
}

// ---------------------------------------------------------------- matrices of a batch
// Row-major matrices of a tensor, broadcast to `batch`; a copy is made where the tensor is not contiguous.
template <class T>
class Matrices {
 public:
  Matrices(const TensorImpl* t, Sizes batch, int64_t trailing = 2) {
    owner_ = Tensor::share(const_cast<TensorImpl*>(t));
    if (!t->contiguous()) {
      owner_ = empty(t->size_span(), t->dtype, t->device);
      copy_into(owner_.get(), t);
    }
    data_ = owner_.ptr<T>();
    const Dims strides = contiguous_strides(t->size_span());
    const int64_t own = t->ndim - trailing, missing = static_cast<int64_t>(batch.size()) - own;
    sizes_.assign(batch.begin(), batch.end());
    strides_.assign(batch.size(), 0);
    for (int64_t d = 0; d < own; ++d)
      if (t->size(d) != 1) strides_[static_cast<size_t>(d + missing)] = strides[static_cast<size_t>(d)];
  }
  const T* at(int64_t b) const {
    int64_t offset = 0;
    for (size_t d = sizes_.size(); d-- > 0;) {
      offset += b % sizes_[d] * strides_[d];
      b /= sizes_[d];
    }
    return data_ + offset;
  }

 private:
  Tensor owner_;
  const T* data_;
  Dims sizes_, strides_;
};

// f(first, last) on pieces of a batch whose matrices cost `work` operations each.
template <class F>
void for_batch(int64_t count, double work, F&& f) {
  parallel_for(0, count, std::max<int64_t>(1, static_cast<int64_t>(50000 / std::max(work, 1.0))), f);
}

// to[j * ld_to + i] = from[i * ld_from + j]: from row major to column major, or back with rows and columns exchanged.
template <class T>
void transpose_into(int64_t rows, int64_t columns, const T* from, int64_t ld_from, T* to, int64_t ld_to) {
  constexpr int64_t kTile = 16;
  for (int64_t i0 = 0; i0 < rows; i0 += kTile)
    for (int64_t j0 = 0; j0 < columns; j0 += kTile)
      for (int64_t i = i0; i < std::min(rows, i0 + kTile); ++i)
        for (int64_t j = j0; j < std::min(columns, j0 + kTile); ++j) to[j * ld_to + i] = from[i * ld_from + j];
}

template <class T>
bool all_finite(const T* p, int64_t n) {
  lapack::real_t<T> sum = 0;  // stays 0 unless something is infinite or NaN
  for (int64_t i = 0; i < n; ++i) {
    if constexpr (lapack::is_complex_v<T>) sum += p[i].real() * 0 + p[i].imag() * 0;
    else sum += p[i] * 0;
  }
  return sum == 0;
}

// ---------------------------------------------------------------- for composites
inline tl::Tensor adjoint(const tl::Tensor& t) {
  const tl::Tensor r = tl::call<"transpose">(t, -2, -1);
  return is_complex(static_cast<DType>(t.dtype())) ? tl::call<"conj">(r) : r;
}
inline DType dtype_of_tensor(const tl::Tensor& t) { return static_cast<DType>(t.dtype()); }
inline tl::Tensor identity_like(const tl::Tensor& t, int64_t n) {
  return tl::call<"eye">(n, tl::kw("dtype", tl::Dtype{t.dtype()}), tl::kw("device", t.device()));
}

}  // namespace tallow
