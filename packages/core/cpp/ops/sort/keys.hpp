// Order as unsigned integers: every element becomes a key whose order as an unsigned number is torch's order of the
// elements (NaN above everything, both zeros equal), packed with its position. No two packed keys are equal, so any
// sort of them is stable, and the result does not depend on how it was found.
#pragma once
#include <bit>
#include <cstdint>
#include <type_traits>

#include "dispatch/error.hpp"
#include "tensor/dtype.hpp"

namespace tallow {

// Keys of up to 32 bits with a 32-bit position in one word; otherwise two words.
using Packed = uint64_t;
struct WidePacked {
  uint64_t key, index;
  bool operator<(const WidePacked& o) const { return key != o.key ? key < o.key : index < o.index; }
};
inline uint64_t key_of(Packed p) { return p >> 32; }
inline uint64_t key_of(const WidePacked& p) { return p.key; }
inline int64_t index_of(Packed p) { return static_cast<int64_t>(p & 0xffffffffu); }
inline int64_t index_of(const WidePacked& p) { return static_cast<int64_t>(p.index); }
template <class P>
inline P pack(uint64_t key, int64_t index) {
  if constexpr (std::is_same_v<P, Packed>) return key << 32 | static_cast<uint64_t>(index);
  else return {key, static_cast<uint64_t>(index)};
}

template <class T>
inline auto order_key(T x) {
  if constexpr (std::is_same_v<T, float> || std::is_same_v<T, double>) {
    using U = std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>;
    constexpr U sign = U(1) << (8 * sizeof(T) - 1);
    const U u = std::bit_cast<U>(x + T(0));
    const U ordered = u ^ (u & sign ? ~U(0) : sign);
    return x != x ? ~U(0) : ordered;
  } else if constexpr (std::is_class_v<T>) {  // 16-bit floats
    return order_key(static_cast<float>(x));
  } else {
    using U = std::conditional_t<sizeof(T) == 8, uint64_t, uint32_t>;
    if constexpr (std::is_signed_v<T>) return static_cast<U>(static_cast<U>(static_cast<int64_t>(x)) ^ (U(1) << (8 * sizeof(U) - 1)));
    else return static_cast<U>(x);
  }
}
template <class T> inline constexpr bool has_nan = std::is_class_v<T> || std::is_floating_point_v<T>;
template <class T> inline bool is_nan(T x) {
  if constexpr (has_nan<T>) return static_cast<float>(x) != static_cast<float>(x);
  else return false;
}
template <> inline bool is_nan(double x) { return x != x; }

template <class T, class P>
void encode(const T* x, int64_t stride, int64_t n, bool descending, P* out) {
  using U = decltype(order_key(T()));
  const U flip = descending ? ~U(0) : U(0);
  for (int64_t i = 0; i < n; ++i) out[i] = pack<P>(static_cast<U>(order_key(x[i * stride]) ^ flip), i);
}

// Calls f.template operator()<T>() for the real dtype t.
template <class F>
void real_dtype(DType t, const char* op, F&& f) {
  switch (t) {
    case DType::Bool: case DType::UInt8: return f.template operator()<uint8_t>();
    case DType::Int8: return f.template operator()<int8_t>();
    case DType::Int16: return f.template operator()<int16_t>();
    case DType::Int32: return f.template operator()<int32_t>();
    case DType::Int64: return f.template operator()<int64_t>();
    case DType::Float16: return f.template operator()<Half>();
    case DType::BFloat16: return f.template operator()<BFloat16>();
    case DType::Float32: return f.template operator()<float>();
    case DType::Float64: return f.template operator()<double>();
    default: fail(TL_NOT_IMPLEMENTED_ERROR, "\"", op, "\" not implemented for '", dtype_long_name(t), "'");
  }
}

// Sorts n packed keys; `scratch` holds n more. Short inputs by comparison, long ones by least significant digits.
void sort_packed(Packed* a, Packed* scratch, int64_t n);
void sort_packed(WidePacked* a, WidePacked* scratch, int64_t n);

}  // namespace tallow
