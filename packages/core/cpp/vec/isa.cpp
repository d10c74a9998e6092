#include "vec/isa.hpp"

#include <cstdlib>
#include <cstring>

namespace tallow {

Isa current_isa() {
  static const Isa isa = [] {
    Isa best = Isa::Baseline;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) best = Isa::Avx2;
    if (best == Isa::Avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
      best = Isa::Avx512;
#endif
    if (const char* wish = std::getenv("TALLOW_ISA")) {
      if (!std::strcmp(wish, "baseline")) best = Isa::Baseline;
      if (!std::strcmp(wish, "avx2") && best > Isa::Avx2) best = Isa::Avx2;
    }
    return best;
  }();
  return isa;
}

const char* isa_name(Isa isa) { return isa == Isa::Avx512 ? "avx512" : isa == Isa::Avx2 ? "avx2" : "baseline"; }

}  // namespace tallow
