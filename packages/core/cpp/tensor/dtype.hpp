// Element types: their sizes and names, and the rules of type promotion.
#pragma once
#include <complex>
#include <cstdint>

#include "tallow/abi.h"
#include "tensor/half.hpp"

namespace tallow {

enum class DType : int32_t {
  Bool = TL_BOOL_DT, UInt8 = TL_UINT8, Int8 = TL_INT8, Int16 = TL_INT16, Int32 = TL_INT32, Int64 = TL_INT64,
  Float16 = TL_FLOAT16, BFloat16 = TL_BFLOAT16, Float32 = TL_FLOAT32, Float64 = TL_FLOAT64,
  Complex64 = TL_COMPLEX64, Complex128 = TL_COMPLEX128, UInt16 = TL_UINT16, UInt32 = TL_UINT32, UInt64 = TL_UINT64,
  Float8E4M3 = TL_FLOAT8_E4M3FN, Float8E5M2 = TL_FLOAT8_E5M2
};
constexpr int kDTypes = TL_DTYPE_COUNT;

using c64 = std::complex<float>;
using c128 = std::complex<double>;

// Calls X(enumerator, C++ type) for every dtype that arithmetic knows (the last five are storage only).
#define TL_FORALL_DTYPES(X)                                                                                     \
  X(Bool, bool) X(UInt8, uint8_t) X(Int8, int8_t) X(Int16, int16_t) X(Int32, int32_t) X(Int64, int64_t)         \
  X(Float16, ::tallow::Half) X(BFloat16, ::tallow::BFloat16) X(Float32, float) X(Float64, double)               \
  X(Complex64, ::tallow::c64) X(Complex128, ::tallow::c128)
#define TL_FORALL_STORAGE_DTYPES(X) \
  X(UInt16, uint16_t) X(UInt32, uint32_t) X(UInt64, uint64_t) X(Float8E4M3, ::tallow::Float8E4M3) X(Float8E5M2, ::tallow::Float8E5M2)

template <class T> struct dtype_of;
#define TL_DTYPE_OF(E, T) \
  template <> struct dtype_of<T> { static constexpr DType value = DType::E; };
TL_FORALL_DTYPES(TL_DTYPE_OF)
TL_FORALL_STORAGE_DTYPES(TL_DTYPE_OF)
#undef TL_DTYPE_OF

constexpr uint8_t kItemSize[kDTypes] = {1, 1, 1, 2, 4, 8, 2, 2, 4, 8, 8, 16, 2, 4, 8, 1, 1};
inline int64_t itemsize(DType t) { return kItemSize[static_cast<int>(t)]; }

const char* dtype_name(DType t);      // "float32"
const char* dtype_long_name(DType t); // "Float", as in "result type Float can't be cast to Long"

inline bool is_complex(DType t) { return t == DType::Complex64 || t == DType::Complex128; }
inline bool is_floating(DType t) {
  return (t >= DType::Float16 && t <= DType::Float64) || t == DType::Float8E4M3 || t == DType::Float8E5M2;
}
inline bool is_inexact(DType t) { return is_floating(t) || is_complex(t); }
inline bool is_integral(DType t, bool with_bool = false) {
  return (t >= DType::UInt8 && t <= DType::Int64) || (t >= DType::UInt16 && t <= DType::UInt64) ||
         (with_bool && t == DType::Bool);
}
inline bool is_unsigned(DType t) {
  return t == DType::UInt8 || (t >= DType::UInt16 && t <= DType::UInt64);
}
// 0 bool, 1 integer, 2 real floating point, 3 complex: a value never casts down this ladder by itself.
inline int category(DType t) { return t == DType::Bool ? 0 : is_complex(t) ? 3 : is_floating(t) ? 2 : 1; }
inline bool can_cast(DType from, DType to) {
  return category(from) <= category(to) || (category(from) == 1 && category(to) == 1);
}
DType promote(DType a, DType b);
DType to_real(DType t);    // complex64 -> float32
DType to_complex(DType t); // float32 -> complex64

DType default_dtype();
void set_default_dtype(DType t);
inline DType default_complex_dtype() { return to_complex(default_dtype()); }

}  // namespace tallow
