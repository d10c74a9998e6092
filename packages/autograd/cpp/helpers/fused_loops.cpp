// Compiled once per instruction set.
#include "helpers/fused_loops.hpp"

namespace tl::autograd::TL_ISA {
namespace {

template <class T>
void relu(const T* gradient, const T* result, T* to, int64_t n) {
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) to[i] = result[i] <= T(0) ? T(0) : gradient[i];
}
template <class T>
void sigmoid(const T* gradient, const T* result, T* to, int64_t n) {
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) to[i] = gradient[i] * (T(1) - result[i]) * result[i];
}
template <class T>
void tanh(const T* gradient, const T* result, T* to, int64_t n) {
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) to[i] = gradient[i] * (T(1) - result[i] * result[i]);
}

template <class T>
constexpr FusedLoops<T> kLoops = {relu<T>, sigmoid<T>, tanh<T>};

}  // namespace

extern const FusedLoops<float> fused_loops_float;
extern const FusedLoops<double> fused_loops_double;
const FusedLoops<float> fused_loops_float = kLoops<float>;
const FusedLoops<double> fused_loops_double = kLoops<double>;

}  // namespace tl::autograd::TL_ISA
