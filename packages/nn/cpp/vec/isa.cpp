#include "vec/isa.hpp"

#include <cstdlib>
#include <cstring>

namespace tallow_nn {

int isa_level() {
  static const int level = [] {
    int best = 0;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) best = 1;
    if (best && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl"))
      best = 2;
    const char* wish = std::getenv("TALLOW_ISA");
    if (wish && !std::strcmp(wish, "baseline")) best = 0;
    if (wish && !std::strcmp(wish, "avx2") && best > 1) best = 1;
#endif
    return best;
  }();
  return level;
}

}  // namespace tallow_nn
