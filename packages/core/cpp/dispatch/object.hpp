// Reference-counted objects that extensions hand out, and callables of the host language.
#pragma once
#include <atomic>

#include "tallow/abi.h"

struct TlObjectImpl {
  std::atomic<int32_t> refs{1};
  const TlObjectClass* cls;
  void* payload;
  std::atomic<void*> host{nullptr};
  void retain() { refs.fetch_add(1, std::memory_order_relaxed); }
  void release() {
    if (refs.fetch_sub(1, std::memory_order_acq_rel) == 1) {
      if (cls->destroy) cls->destroy(payload);
      delete this;
    }
  }
};
