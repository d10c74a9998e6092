#include "tensor/dtype.hpp"

#include <atomic>

#include "dispatch/error.hpp"

namespace tallow {

const char* dtype_name(DType t) {
  static const char* names[kDTypes] = {"bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16",
                                       "float32", "float64", "complex64", "complex128", "uint16", "uint32", "uint64",
                                       "float8_e4m3fn", "float8_e5m2"};
  return names[static_cast<int>(t)];
}

const char* dtype_long_name(DType t) {
  static const char* names[kDTypes] = {"Bool", "Byte", "Char", "Short", "Int", "Long", "Half", "BFloat16", "Float",
                                       "Double", "ComplexFloat", "ComplexDouble", "UInt16", "UInt32", "UInt64",
                                       "Float8_e4m3fn", "Float8_e5m2"};
  return names[static_cast<int>(t)];
}

DType to_real(DType t) {
  return t == DType::Complex64 ? DType::Float32 : t == DType::Complex128 ? DType::Float64 : t;
}

DType to_complex(DType t) {
  if (is_complex(t)) return t;
  return t == DType::Float64 ? DType::Complex128 : DType::Complex64;
}

DType promote(DType a, DType b) {
  if (a == b) return a;
  int ca = category(a), cb = category(b);
  if (ca < cb) {
    std::swap(a, b);
    std::swap(ca, cb);
  }
  if (ca == 3) {
    DType ra = to_real(a), rb = cb == 3 ? to_real(b) : cb == 2 ? b : ra;
    return ra == DType::Float64 || rb == DType::Float64 ? DType::Complex128 : DType::Complex64;
  }
  if (cb == 0 || ca > cb) return a;
  if (ca == 2) {
    TL_CHECK(a < DType::Float8E4M3 && b < DType::Float8E4M3, "Promotion for Float8 Types is not supported, attempted to promote ",
             dtype_long_name(a), " and ", dtype_long_name(b));
    if (a > b) std::swap(a, b);
    return a == DType::Float16 && b == DType::BFloat16 ? DType::Float32 : b;
  }
  // Integers: the wider one, and int16 where uint8 meets int8.
  if (is_unsigned(a) && !is_unsigned(b)) std::swap(a, b);
  if (!is_unsigned(a) && is_unsigned(b)) {
    TL_CHECK(b == DType::UInt8, "Promotion for uint16, uint32, uint64 types is not supported, attempted to promote ",
             dtype_long_name(a), " and ", dtype_long_name(b));
    return a == DType::Int8 ? DType::Int16 : a;
  }
  return itemsize(a) >= itemsize(b) ? a : b;
}

namespace {
std::atomic<DType> g_default{DType::Float32};
}
DType default_dtype() { return g_default.load(std::memory_order_relaxed); }
void set_default_dtype(DType t) {
  TL_CHECK_TYPE(is_floating(t), "only floating-point types are supported as the default type, got ", dtype_name(t));
  g_default.store(t, std::memory_order_relaxed);
}

}  // namespace tallow
