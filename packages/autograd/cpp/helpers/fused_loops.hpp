// The inner loops of the backwards of activations: to[i] = f(gradient[i], result[i]).
#pragma once
#include <cstdint>

#include <tallow/loops.hpp>

namespace tl::autograd {

template <class T>
struct FusedLoops {
  using Loop = void (*)(const T* gradient, const T* result, T* to, int64_t n);
  Loop relu, sigmoid, tanh;
};
TL_LOOPS(FusedLoops<float>, fused_loops_float)
TL_LOOPS(FusedLoops<double>, fused_loops_double)

template <class T> const FusedLoops<T>& fused_loops();
template <> inline const FusedLoops<float>& fused_loops<float>() { return fused_loops_float(); }
template <> inline const FusedLoops<double>& fused_loops<double>() { return fused_loops_double(); }

}  // namespace tl::autograd
