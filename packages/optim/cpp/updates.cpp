#include "updates.hpp"

#include "isa.hpp"

#define TL_DECLARE(isa)                           \
  namespace tallow_optim::isa {                   \
  extern const Updates<float> float_updates;      \
  extern const Updates<double> double_updates;    \
  extern const Conversions half_conversions;      \
  }
TL_DECLARE(baseline)
#if defined(__x86_64__)
TL_DECLARE(avx2)
TL_DECLARE(avx512)
#define TL_CHOSEN(table) (isa_level() == 2 ? avx512::table : isa_level() == 1 ? avx2::table : baseline::table)
#else
#define TL_CHOSEN(table) (baseline::table)
#endif

namespace tallow_optim {

template <> const Updates<float>& updates<float>() { return TL_CHOSEN(float_updates); }
template <> const Updates<double>& updates<double>() { return TL_CHOSEN(double_updates); }
const Conversions& conversions() { return TL_CHOSEN(half_conversions); }

}  // namespace tallow_optim
