// The parts of the family that activation.cpp registers.
#pragma once

namespace tallow_nn {
void register_gated();
void register_second_derivatives();
}  // namespace tallow_nn
