// Element casts between all dtypes, compiled per instruction set.
#pragma once
#include <cstring>
#include <utility>

#include "ops/pointwise/pointwise.hpp"
#include "vec/half.hpp"
#include "vec/isa.hpp"

namespace tallow {
using CastTable = CastFn[kDTypes][kDTypes];
}

namespace tallow::TL_ISA_NS {

template <class To, class From>
inline To convert(From x) {
  if constexpr (std::is_same_v<To, From>) {
    return x;
  } else if constexpr (std::is_same_v<To, bool>) {
    if constexpr (std::is_same_v<From, c64> || std::is_same_v<From, c128>) return x.real() != 0 || x.imag() != 0;
    else if constexpr (std::is_class_v<From>) return static_cast<float>(x) != 0;
    else return x != From(0);
  } else if constexpr (std::is_same_v<From, c64> || std::is_same_v<From, c128>) {
    if constexpr (std::is_same_v<To, c64>) return c64(static_cast<float>(x.real()), static_cast<float>(x.imag()));
    else if constexpr (std::is_same_v<To, c128>) return c128(x.real(), x.imag());
    else return convert<To>(x.real());
  } else if constexpr (std::is_same_v<To, c64>) {
    return c64(convert<float>(x), 0.0f);
  } else if constexpr (std::is_same_v<To, c128>) {
    return c128(convert<double>(x), 0.0);
  } else if constexpr (std::is_class_v<From> && std::is_class_v<To>) {
    return To(static_cast<float>(x));
  } else if constexpr (std::is_class_v<From>) {
    return convert<To>(static_cast<float>(x));
  } else if constexpr (std::is_class_v<To>) {
    return To(static_cast<float>(x));
  } else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To> && sizeof(To) < 8) {
    // Through int64: what lies outside the narrow type wraps instead of being undefined.
    return static_cast<To>(static_cast<int64_t>(x));
  } else {
    return static_cast<To>(x);
  }
}

// Memory seen as bool may hold any byte (a view of other numbers, an empty tensor): every one but zero is true.
template <class From>
auto value_at(const char* p) {
  if constexpr (std::is_same_v<From, bool>) return *reinterpret_cast<const uint8_t*>(p) != 0;
  else return *reinterpret_cast<const From*>(p);
}

template <class From, class To>
void cast_loop(const char* src, int64_t ss, char* dst, int64_t ds, int64_t n) {
  if (ss == sizeof(From) && ds == sizeof(To)) {
    if constexpr (std::is_same_v<From, To>) {
      std::memcpy(dst, src, static_cast<size_t>(n) * sizeof(To));
    } else {
      [[maybe_unused]] auto* s = reinterpret_cast<const From*>(src);
      auto* d = reinterpret_cast<To*>(dst);
#if TL_VEC_HAS_HALF
      if constexpr (std::is_same_v<From, Half> && std::is_same_v<To, float>)
        return vec::widen_half(reinterpret_cast<const uint16_t*>(src), d, n);
      if constexpr (std::is_same_v<From, float> && std::is_same_v<To, Half>)
        return vec::narrow_half(s, reinterpret_cast<uint16_t*>(dst), n);
#endif
#pragma GCC ivdep
      for (int64_t i = 0; i < n; ++i) d[i] = convert<To>(value_at<From>(src + i * static_cast<int64_t>(sizeof(From))));
    }
  } else if (ss == 0) {
    const To v = convert<To>(value_at<From>(src));
    if (ds == sizeof(To)) {
      auto* d = reinterpret_cast<To*>(dst);
      for (int64_t i = 0; i < n; ++i) d[i] = v;
    } else {
      for (int64_t i = 0; i < n; ++i) *reinterpret_cast<To*>(dst + i * ds) = v;
    }
  } else {
#pragma GCC unroll 4
    for (int64_t i = 0; i < n; ++i)
      *reinterpret_cast<To*>(dst + i * ds) = convert<To>(value_at<From>(src + i * ss));
  }
}

const CastTable* cast_table();

}  // namespace tallow::TL_ISA_NS
