// Loops that are compiled once per instruction set: files named *_loops.cpp that a package's CMakeLists.txt hands to
// tallow_add_isa_sources, and how the rest of the library finds the ones for this processor. A table of function
// pointers per family:
//
//   struct MyLoops { void (*twice)(const float*, float*, int64_t); };   // my_loops.hpp
//   TL_LOOPS(MyLoops, my_loops)                                         // declares my_loops()
//
//   namespace mine::TL_ISA { const MyLoops my_loops = {twice}; }        // my_loops.cpp
//
// Light on purpose: what a loop file includes is compiled with wide instructions, and an inline function shared with the
// other files could be linked from there, to fail on a processor without them.
#pragma once
#include <cstdint>

// What TlApi.instruction_set says: 0 baseline, 1 AVX2, 2 AVX-512. TL_EXTENSION defines it.
extern "C" __attribute__((visibility("hidden"))) int tl_instruction_set(void);

#ifdef TALLOW_WIDE_LOOPS
#define TL_LOOPS(TYPE, NAME)                           \
  namespace baseline { extern const TYPE NAME; }       \
  namespace avx2 { extern const TYPE NAME; }           \
  namespace avx512 { extern const TYPE NAME; }         \
  inline const TYPE& NAME() {                          \
    static const TYPE& chosen = []() -> const TYPE& {  \
      const int set = tl_instruction_set();            \
      if (set == 2) return avx512::NAME;               \
      return set == 1 ? avx2::NAME : baseline::NAME;   \
    }();                                               \
    return chosen;                                     \
  }
#else  // the baseline alone
#define TL_LOOPS(TYPE, NAME)                     \
  namespace baseline { extern const TYPE NAME; } \
  inline const TYPE& NAME() { return baseline::NAME; }
#endif
