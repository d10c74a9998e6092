// A generator is a seed and how many Philox blocks it has handed out.
#pragma once
#include <atomic>
#include <cstdint>
#include <mutex>

#include "tallow/abi.h"

struct TlGeneratorImpl {
  std::atomic<int32_t> refs{1};
  TlDevice device;
  std::mutex mutex;
  uint64_t seed = 67280421310721ull;  // what torch starts from
  uint64_t offset = 0;
  void retain() { refs.fetch_add(1, std::memory_order_relaxed); }
  void release() {
    if (refs.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }
  void set_seed(uint64_t s) {
    std::lock_guard lock(mutex);
    seed = s, offset = 0;
  }
  void reserve(uint64_t blocks, uint64_t* seed_out, uint64_t* offset_out) {
    std::lock_guard lock(mutex);
    *seed_out = seed, *offset_out = offset;
    offset += blocks;
  }
};

namespace tallow {
TlGeneratorImpl* default_generator();
}
