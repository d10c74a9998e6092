// Compiled once per instruction set.
#include "ops/pointwise/truth_loops.hpp"

#include "vec/isa.hpp"

namespace tallow::TL_ISA_NS {
namespace {

template <bool Steps>
struct Input {
  const uint8_t* data;
  uint8_t first;
  explicit Input(const char* p) : data(reinterpret_cast<const uint8_t*>(p)), first(*data != 0) {}
  uint8_t operator[](int64_t i) const {
    if constexpr (Steps) return data[i] != 0;
    else return first;
  }
};

uint8_t coefficient(int64_t all, int product) { return static_cast<uint8_t>(all >> product & 1); }

template <int N, bool A, bool B, bool C>
void run(char* const* d, int64_t n, int64_t k) {
  auto* o = reinterpret_cast<uint8_t*>(d[0]);
  const Input<A> a(d[1]);
  const Input<B> b(d[N > 1 ? 2 : 1]);
  const Input<C> c(d[N > 2 ? 3 : 1]);
  const uint8_t one = coefficient(k, 0), ka = coefficient(k, 1), kb = coefficient(k, 2), kab = coefficient(k, 3), kc = coefficient(k, 4),
                kac = coefficient(k, 5), kbc = coefficient(k, 6), kabc = coefficient(k, 7);
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) {
    const uint8_t x = a[i];
    uint8_t r = one ^ (ka & x);
    if constexpr (N > 1) {
      const uint8_t y = b[i];
      r ^= (kb ^ (kab & x)) & y;
      if constexpr (N > 2) r ^= (kc ^ (kac & x) ^ ((kbc ^ (kabc & x)) & y)) & c[i];
    }
    o[i] = r;
  }
}

template <int N>
void loop(char* const* d, const int64_t* s, int64_t n, const ScalarArg* coefficients) {
  const int64_t k = coefficients->i;
  switch ((s[1] != 0) | (N > 1 && s[2] != 0) << 1 | (N > 2 && s[3] != 0) << 2) {
    case 1: return run<N, true, false, false>(d, n, k);
    case 2: return run<N, false, true, false>(d, n, k);
    case 3: return run<N, true, true, false>(d, n, k);
    case 4: return run<N, false, false, true>(d, n, k);
    case 5: return run<N, true, false, true>(d, n, k);
    case 6: return run<N, false, true, true>(d, n, k);
    case 7: return run<N, true, true, true>(d, n, k);
    default: return run<N, false, false, false>(d, n, k);
  }
}

}  // namespace

Loop truth_loop(int operands) { return operands == 1 ? loop<1> : operands == 2 ? loop<2> : loop<3>; }

}  // namespace tallow::TL_ISA_NS
