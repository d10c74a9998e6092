// Which of the copies of a *_loops.cpp file runs on this processor.
//
//   TL_NN_LOOPS(NormLoops, norm_loops)   at namespace scope of tallow_nn: declares const NormLoops& norm_loops(), which
//                                        picks among baseline::, avx2:: and avx512::norm_loops_table()
#pragma once

namespace tallow_nn {

// 0 baseline, 1 AVX2 with FMA, 2 AVX-512; TALLOW_ISA=baseline|avx2 asks for less.
int isa_level();

}  // namespace tallow_nn

#if defined(__x86_64__)
#define TL_NN_LOOPS(Table, name)                                                             \
  namespace baseline { const Table& name##_table(); }                                        \
  namespace avx2 { const Table& name##_table(); }                                            \
  namespace avx512 { const Table& name##_table(); }                                          \
  inline const Table& name() {                                                               \
    static const Table& table = isa_level() == 2   ? avx512::name##_table()                  \
                                : isa_level() == 1 ? avx2::name##_table()                    \
                                                   : baseline::name##_table();               \
    return table;                                                                            \
  }
#else
#define TL_NN_LOOPS(Table, name)                       \
  namespace baseline { const Table& name##_table(); }  \
  inline const Table& name() { return baseline::name##_table(); }
#endif
