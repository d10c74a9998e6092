#include "memory/huge_pages.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <iterator>

namespace tallow::memory {
namespace {
char* round_down(char* p) { return reinterpret_cast<char*>(reinterpret_cast<uintptr_t>(p) & ~(kHugePage - 1)); }
char* round_up(char* p) { return round_down(p + kHugePage - 1); }
size_t whole_pages(size_t bytes) { return (bytes + 4095) & ~size_t{4095}; }
}  // namespace

// Maps more than asked and trims, so that the block starts on a huge page.
void* map_huge(size_t bytes) {
  const size_t span = whole_pages(bytes) + kHugePage;
  char* p = static_cast<char*>(mmap(nullptr, span, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  if (p == MAP_FAILED) return nullptr;
  char *start = round_up(p), *end = start + whole_pages(bytes);
  if (start > p) munmap(p, static_cast<size_t>(start - p));
  if (p + span > end) munmap(end, static_cast<size_t>(p + span - end));
  madvise(start, bytes, MADV_HUGEPAGE);
  return start;
}

void unmap(void* p, size_t bytes) { munmap(p, whole_pages(bytes)); }

// The smallest hole that is large enough: large ones stay whole for large blocks.
void* HugePages::take(size_t bytes) {
  std::lock_guard lock(mutex_);
  auto best = holes_.end();
  for (auto hole = holes_.begin(); hole != holes_.end(); ++hole)
    if (hole->second >= bytes && (best == holes_.end() || hole->second < best->second)) best = hole;
  if (best == holes_.end()) {
    char* region = static_cast<char*>(map_huge(kRegion));
    if (!region) return nullptr;
    regions_[region] = 0;
    best = holes_.emplace(region, kRegion).first;
  }
  const auto [start, size] = *best;
  holes_.erase(best);
  if (size > bytes) holes_.emplace(start + bytes, size - bytes);
  std::prev(regions_.upper_bound(start))->second += bytes;
  return start;
}

void HugePages::give(void* p, size_t bytes) {
  std::lock_guard lock(mutex_);
  char *start = static_cast<char*>(p), *end = start + bytes;
  const auto region = std::prev(regions_.upper_bound(start));
  char *const first = region->first, *const last = first + kRegion;
  if (const auto after = holes_.find(end); after != holes_.end() && end != last) {
    end += after->second;
    holes_.erase(after);
  }
  if (auto before = holes_.lower_bound(start); before != holes_.begin() && start != first)
    if (--before; before->first + before->second == start) {
      start = before->first;
      holes_.erase(before);
    }
  region->second -= bytes;
  if (region->second == 0) {
    regions_.erase(region);
    unmap(first, kRegion);
    return;
  }
  holes_.emplace(start, static_cast<size_t>(end - start));
  // Whole pages that became free with this block go back to the system.
  char* const from = std::max(round_up(start), round_down(static_cast<char*>(p)));
  char* const to = std::min(round_down(end), round_up(static_cast<char*>(p) + bytes));
  if (to > from) madvise(from, static_cast<size_t>(to - from), MADV_DONTNEED);
}

}  // namespace tallow::memory
