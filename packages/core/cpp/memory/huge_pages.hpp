// Blocks of less than a huge page that lie on huge pages all the same.
//
// A parameter of a network has 256 KiB to 4 MiB: read from pages of 4 KiB, an in-place update of it spends a fifth of
// its time on address translation. So such blocks are cut from regions of huge pages, closely packed. This is the slow
// path below the caches: one lock, an ordered map of holes.
#pragma once
#include <cstddef>
#include <map>
#include <mutex>

namespace tallow::memory {

constexpr size_t kHugePage = 2 << 20;

// Pages for `bytes`, from the start of a huge page on; null where there is none.
void* map_huge(size_t bytes);
void unmap(void* p, size_t bytes);

class HugePages {
 public:
  static constexpr size_t kRegion = 4 * kHugePage;  // what is asked of the system at a time

  void* take(size_t bytes);  // bytes: a multiple of 4096, at most a region; null where the system has none
  void give(void* p, size_t bytes);
  std::mutex& mutex() { return mutex_; }

 private:
  std::mutex mutex_;
  std::map<char*, size_t> holes_;    // by address, never two that touch within a region
  std::map<char*, size_t> regions_;  // by address: bytes in use
};

}  // namespace tallow::memory
