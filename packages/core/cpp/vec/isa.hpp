// Which instruction set this translation unit is compiled for. CMake compiles some files several times with TL_ISA
// set to baseline, avx2 or avx512; everything they define lives in a namespace of that name, so that the linker never
// mixes code of different sets.
#pragma once

#ifndef TL_ISA
#define TL_ISA baseline
#endif
#ifndef TL_ISA_NS
#define TL_ISA_NS TL_ISA
#endif

#define TL_ISA_STRING_2(x) #x
#define TL_ISA_STRING(x) TL_ISA_STRING_2(x)

namespace tallow {

enum class Isa { Baseline = 0, Avx2 = 1, Avx512 = 2 };
// The best set that this processor has and that TALLOW_ISA (baseline, avx2, avx512) allows.
Isa current_isa();
const char* isa_name(Isa isa);

// The table `NAME` of the variant of the loops that runs here: all variants are compiled, or the baseline alone.
#ifdef TALLOW_WIDE_LOOPS
#define TL_FOR_THIS_PROCESSOR(NAME) \
  (current_isa() == Isa::Avx512 ? avx512::NAME : current_isa() == Isa::Avx2 ? avx2::NAME : baseline::NAME)
#else
#define TL_FOR_THIS_PROCESSOR(NAME) (baseline::NAME)
#endif

namespace TL_ISA_NS {
#if defined(__AVX512F__)
constexpr bool kIsBaseline = false;
#elif defined(__AVX2__)
constexpr bool kIsBaseline = false;
#else
constexpr bool kIsBaseline = true;
#endif
}  // namespace TL_ISA_NS
}  // namespace tallow
