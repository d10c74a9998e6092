// Compiled once per instruction set.
#include "ops/index/row_loops.hpp"

#include <complex>
#include <cstring>

#include "vec/isa.hpp"

namespace tallow::TL_ISA_NS {
namespace {

struct Bytes16 { uint64_t a, b; };

template <class T> struct Sum {
  static T apply(T a, T b) { return a + b; }
};
template <> struct Sum<int64_t> {
  static int64_t apply(int64_t a, int64_t b) { return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b)); }
};
template <class T> struct Product {
  static T apply(T a, T b) { return a * b; }
};
template <> struct Product<int64_t> {
  static int64_t apply(int64_t a, int64_t b) { return static_cast<int64_t>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b)); }
};
// NaN in either operand gives NaN.
template <class T> struct Largest {
  static T apply(T a, T b) { return a != a || a > b ? a : b; }
};
template <class T> struct Smallest {
  static T apply(T a, T b) { return a != a || a < b ? a : b; }
};

template <class T, class F>
void combine(char* to, const char* from, int64_t n) {
  auto* d = reinterpret_cast<T*>(to);
  auto* s = reinterpret_cast<const T*>(from);
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) d[i] = F::apply(d[i], s[i]);
}

template <class T>
void blend(char* to, const uint8_t* mask, const char* value, int64_t n) {
  auto* d = reinterpret_cast<T*>(to);
  T v;
  std::memcpy(&v, value, sizeof v);
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) d[i] = mask[i] ? v : d[i];
}
template <>
void blend<Bytes16>(char* to, const uint8_t* mask, const char* value, int64_t n) {
  auto* d = reinterpret_cast<Bytes16*>(to);
  Bytes16 v;
  std::memcpy(&v, value, sizeof v);
  for (int64_t i = 0; i < n; ++i)
    if (mask[i]) d[i] = v;
}

template <class T>
void reverse(char* to, const char* from, int64_t n) {
  auto* d = reinterpret_cast<T*>(to);
  auto* s = reinterpret_cast<const T*>(from);
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) d[i] = s[n - 1 - i];
}

template <class T>
void linear(T* to, double base, double step, int64_t first, int64_t n) {
  for (int64_t b = 0; b < n; b += 1024) {  // an int32 counter converts in one instruction
    const double at = static_cast<double>(first + b);
    const int m = static_cast<int>(n - b < 1024 ? n - b : 1024);
    for (int i = 0; i < m; ++i) to[b + i] = static_cast<T>(base + step * (at + i));
  }
}
void linear_i64(int64_t* to, int64_t base, int64_t step, int64_t first, int64_t n) {
  const auto b = static_cast<uint64_t>(base), s = static_cast<uint64_t>(step), f = static_cast<uint64_t>(first);
  for (int64_t i = 0; i < n; ++i) to[i] = static_cast<int64_t>(b + s * (f + static_cast<uint64_t>(i)));
}

constexpr RowLoops kLoops = {
    {{nullptr, combine<float, Sum<float>>, combine<float, Product<float>>, combine<float, Largest<float>>, combine<float, Smallest<float>>},
     {nullptr, combine<double, Sum<double>>, combine<double, Product<double>>, combine<double, Largest<double>>, combine<double, Smallest<double>>},
     {nullptr, combine<int64_t, Sum<int64_t>>, combine<int64_t, Product<int64_t>>, combine<int64_t, Largest<int64_t>>, combine<int64_t, Smallest<int64_t>>},
     {nullptr, combine<c64, Sum<c64>>, combine<c64, Product<c64>>, nullptr, nullptr},
     {nullptr, combine<c128, Sum<c128>>, combine<c128, Product<c128>>, nullptr, nullptr}},
    {blend<uint8_t>, blend<uint16_t>, blend<uint32_t>, blend<uint64_t>, blend<Bytes16>},
    {reverse<uint8_t>, reverse<uint16_t>, reverse<uint32_t>, reverse<uint64_t>, reverse<Bytes16>},
    linear<float>, linear<double>, linear_i64};

}  // namespace

const RowLoops* row_loops() { return &kLoops; }

}  // namespace tallow::TL_ISA_NS
