#include "updates.hpp"

#include <tallow/loops.hpp>

namespace tallow_optim {

TL_LOOPS(Updates<float>, float_updates)
TL_LOOPS(Updates<double>, double_updates)
TL_LOOPS(Conversions, half_conversions)

template <> const Updates<float>& updates<float>() { return float_updates(); }
template <> const Updates<double>& updates<double>() { return double_updates(); }
const Conversions& conversions() { return half_conversions(); }

}  // namespace tallow_optim
