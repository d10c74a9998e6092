// The inner loops of pointwise ops. This header is compiled once per instruction set (TL_ISA_NS); the functors are
// plain inline functions, the compiler vectorizes the loops.
//
// Contract: the output is contiguous, each input is contiguous or one repeated element; the engine packs anything
// else, and casts, in cache-sized chunks before it comes here.
#pragma once
#include <cstdint>
#include <type_traits>

#include "ops/pointwise/pointwise.hpp"
#include "vec/isa.hpp"

namespace tallow::TL_ISA_NS {

template <class T> struct real_of { using type = T; };
template <class T> struct real_of<std::complex<T>> { using type = T; };
template <class T> using real_t = typename real_of<T>::type;
template <class T> constexpr bool is_complex_v = !std::is_same_v<T, real_t<T>>;

// Scalar arguments in the compute type: copied out of the frame once per loop.
template <class T>
struct Params {
  T v[4];
  explicit Params(const ScalarArg* s) {
    for (int i = 0; i < 4; ++i) v[i] = s ? s[i].as<T>() : T();
  }
  T operator()(int i) const { return v[i]; }
};

template <class F, class T>
void loop1(char* const* d, const int64_t*, int64_t n, const ScalarArg* scalars) {
  using R = decltype(F::run(T(), T(), T(), Params<T>(nullptr)));
  const Params<T> p(scalars);
  auto* o = reinterpret_cast<R*>(d[0]);
  auto* a = reinterpret_cast<const T*>(d[1]);
  // A function may have a form for whole blocks, found by the functor's type.
  if constexpr (requires { run_block(F(), a, o, n); }) {
    run_block(F(), a, o, n);
  } else {
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i) o[i] = F::run(a[i], T(), T(), p);
  }
}

template <class F, class T>
void loop2(char* const* d, const int64_t* s, int64_t n, const ScalarArg* scalars) {
  using R = decltype(F::run(T(), T(), T(), Params<T>(nullptr)));
  const Params<T> p(scalars);
  auto* o = reinterpret_cast<R*>(d[0]);
  auto* a = reinterpret_cast<const T*>(d[1]);
  auto* b = reinterpret_cast<const T*>(d[2]);
  if constexpr (requires { run_pairs(F(), a, true, b, true, o, n); }) return run_pairs(F(), a, s[1] != 0, b, s[2] != 0, o, n);
  if (s[1] && s[2]) {
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i) o[i] = F::run(a[i], b[i], T(), p);
  } else if (s[1]) {
    const T y = *b;
    // A second operand that is one number may have simpler forms.
    if constexpr (requires { run_with_number(F(), a, y, o, n); }) return run_with_number(F(), a, y, o, n);
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i) o[i] = F::run(a[i], y, T(), p);
  } else if (s[2]) {
    const T x = *a;
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i) o[i] = F::run(x, b[i], T(), p);
  } else {
    const R r = F::run(*a, *b, T(), p);
    for (int64_t i = 0; i < n; ++i) o[i] = r;
  }
}

template <class F, class T>
void loop3(char* const* d, const int64_t* s, int64_t n, const ScalarArg* scalars) {
  using R = decltype(F::run(T(), T(), T(), Params<T>(nullptr)));
  const Params<T> p(scalars);
  auto* o = reinterpret_cast<R*>(d[0]);
  auto* a = reinterpret_cast<const T*>(d[1]);
  auto* b = reinterpret_cast<const T*>(d[2]);
  auto* c = reinterpret_cast<const T*>(d[3]);
  if (s[1] && s[2] && s[3]) {
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i) o[i] = F::run(a[i], b[i], c[i], p);
  } else if (s[1] && !s[2] && !s[3]) {
    const T y = *b, z = *c;
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i) o[i] = F::run(a[i], y, z, p);
  } else if (s[1] && s[2]) {  // lerp with a number, where with one as the second choice
    const T z = *c;
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i) o[i] = F::run(a[i], b[i], z, p);
  } else {
    const int64_t sa = s[1] != 0, sb = s[2] != 0, sc = s[3] != 0;
    for (int64_t i = 0; i < n; ++i) o[i] = F::run(a[i * sa], b[i * sb], c[i * sc], p);
  }
}

template <class F, int Arity, uint32_t Types, class T>
constexpr Loop loop_for() {
  // Complex arithmetic gains nothing from the wider sets worth its compile time: the baseline serves it.
  if constexpr ((Types & type_bit<T>()) == 0 || (is_complex_v<T> && !kIsBaseline)) return nullptr;
  else if constexpr (Arity == 1) return loop1<F, T>;
  else if constexpr (Arity == 2) return loop2<F, T>;
  else return loop3<F, T>;
}

template <class F, int Arity, uint32_t Types>
constexpr LoopSet loops_for() {
  return {{loop_for<F, Arity, Types, float>(), loop_for<F, Arity, Types, double>(), loop_for<F, Arity, Types, int64_t>(),
           loop_for<F, Arity, Types, c64>(), loop_for<F, Arity, Types, c128>()}};
}

}  // namespace tallow::TL_ISA_NS
