// What the factories share: the options every one of them takes.
#pragma once
#include "ops/family.hpp"
#include "ops/pointwise/pointwise.hpp"
#include "ops/shape/shape.hpp"

// dtype, layout, device and pin_memory, as every factory takes them. Memory of the CPU is never pinned, and only what
// makes zeros knows a layout other than strided: these are accepted so that programs written for torch run.
#define TL_OPTIONS "*, dtype? dtype=None, layout? layout=None, device? device=None, bool pin_memory=False"

namespace tallow {

constexpr uint32_t kFactory = kNoGrad;

inline TlDevice device_or_cpu(const tl::Call& c, uint32_t i) {
  const TlDevice d = c.device(i, kCpu);
  return d.type == TL_CPU || d.type == TL_META ? TlDevice{d.type, -1} : d;
}

}  // namespace tallow
