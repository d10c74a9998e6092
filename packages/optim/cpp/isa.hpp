// Loops are compiled once per instruction set (files named *_loops.cpp); this finds the ones for this processor.
#pragma once

namespace tallow_optim {

// 0 baseline, 1 AVX2, 2 AVX-512: the best that this processor has and that TALLOW_ISA allows.
int isa_level();

}  // namespace tallow_optim
