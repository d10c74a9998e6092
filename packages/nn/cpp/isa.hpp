// Loops that are compiled once per instruction set (files named *_loops.cpp), and how the rest of the library finds the
// ones for this processor. A table of function pointers per family:
//
//   struct MyLoops { void (*twice)(const float*, float*, int64_t); };   // my_loops.hpp
//   TL_NN_LOOPS(MyLoops, my_loops)                                       // declares my_loops()
//
//   namespace tallow_nn::TL_ISA { const MyLoops my_loops = {twice}; }    // my_loops.cpp
#pragma once
#include <cstdint>

#ifdef TL_ISA
#define TL_ISA_NS TL_ISA  // for <tallow/vec/...>
#endif

namespace tallow_nn {
// 0 baseline, 1 AVX2, 2 AVX-512: the best that this processor has and that TALLOW_ISA allows.
int isa_level();
}  // namespace tallow_nn

#if defined(__x86_64__)
#define TL_NN_LOOPS(TYPE, NAME)                                                                                  \
  namespace baseline { extern const TYPE NAME; }                                                                 \
  namespace avx2 { extern const TYPE NAME; }                                                                     \
  namespace avx512 { extern const TYPE NAME; }                                                                   \
  inline const TYPE& NAME() {                                                                                    \
    static const TYPE& chosen = isa_level() == 2 ? avx512::NAME : isa_level() == 1 ? avx2::NAME : baseline::NAME; \
    return chosen;                                                                                               \
  }
#else
#define TL_NN_LOOPS(TYPE, NAME)                  \
  namespace baseline { extern const TYPE NAME; } \
  inline const TYPE& NAME() { return baseline::NAME; }
#endif
