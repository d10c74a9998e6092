// The caching allocator of CPU memory.
//
// Fresh pages cost more than the arithmetic on them (a page fault per 4 KiB), so freed blocks are kept: small ones in
// a per-thread front, large ones in a shared, bounded cache, in size classes that waste at most an eighth. Blocks of
// more than 256 KiB lie on huge pages.
#pragma once
#include <cstddef>
#include <cstdint>

namespace tallow::memory {

constexpr size_t kAlignment = 64;

void* allocate(size_t bytes);  // 64-byte aligned; throws std::bad_alloc; null for 0 bytes
void deallocate(void* p, size_t bytes) noexcept;

struct Stats {
  int64_t allocated;       // bytes in use
  int64_t allocated_peak;
  int64_t cached;          // bytes kept for reuse in the shared cache
  int64_t cache_limit;
  int64_t system_allocs;   // times memory was asked of the system
};
Stats stats();
void reset_peak();
void empty_cache();
void set_cache_limit(int64_t bytes);

}  // namespace tallow::memory
