// libtallow_optim: the fused multi-tensor steps, registered through the public ABI.
#include <tallow/tallow.hpp>

#include "steps.hpp"

TL_EXTENSION(tallow_optim) { tallow_optim::register_steps(); }
