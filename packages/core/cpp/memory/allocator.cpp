#include "memory/allocator.hpp"

#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <bit>
#include <cstdlib>
#include <mutex>
#include <new>
#include <utility>
#include <vector>

#include "memory/huge_pages.hpp"

#if defined(__SANITIZE_ADDRESS__)
#define TL_NO_CACHE 1  // let the sanitizer see every free
#else
#define TL_NO_CACHE 0
#endif

namespace tallow::memory {
namespace {

constexpr size_t kSmall = 256 << 10;   // up to here: the per-thread front
constexpr size_t kHuge = 4 << 20;      // from here: mapped, huge pages of their own
constexpr int kFrontBytes = 1 << 20;   // a class keeps at most this much per thread
constexpr int kFrontBlocks = 64;
constexpr int kClasses = 8 * 48;

// Classes: multiples of 64 bytes up to 512, then 8 per power of two.
inline int class_of(size_t bytes) {
  if (bytes <= 512) return static_cast<int>((bytes + 63) / 64);  // 1..8
  const size_t b = bytes - 1;
  const int e = 63 - std::countl_zero(b);                        // 2^e <= b
  return 8 + (e - 9) * 8 + static_cast<int>((b >> (e - 3)) & 7) + 1;
}
inline size_t class_bytes(int c) {
  if (c <= 8) return static_cast<size_t>(c) * 64;
  const int k = c - 9, e = 9 + k / 8;
  return (static_cast<size_t>(8 + k % 8 + 1)) << (e - 3);
}

std::atomic<int64_t> g_allocated{0}, g_peak{0}, g_cached{0}, g_limit{-1}, g_system{0};

int64_t cache_limit() {
  int64_t v = g_limit.load(std::memory_order_relaxed);
  if (v < 0) {  // a quarter of the memory there is, at most 8 GiB
    const int64_t ram = static_cast<int64_t>(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGESIZE);
    v = ram / 4 < (int64_t{8} << 30) ? ram / 4 : int64_t{8} << 30;
    g_limit.store(v, std::memory_order_relaxed);
  }
  return v;
}

// Never destroyed: tensors may die after static destructors ran.
HugePages& huge_pages() {
  static HugePages* pages = new HugePages;
  return *pages;
}

// bytes: of a class, unless blocks are not cached.
void* system_allocate(size_t bytes) {
  g_system.fetch_add(1, std::memory_order_relaxed);
  if (!TL_NO_CACHE && bytes >= kHuge) return map_huge(bytes);
  if (!TL_NO_CACHE && bytes > kSmall) return huge_pages().take(bytes);
  void* p = nullptr;
  return posix_memalign(&p, bytes >= 4096 ? 4096 : kAlignment, bytes) == 0 ? p : nullptr;
}

void system_free(void* p, size_t bytes) {
  if (!TL_NO_CACHE && bytes >= kHuge) unmap(p, bytes);
  else if (!TL_NO_CACHE && bytes > kSmall) huge_pages().give(p, bytes);
  else std::free(p);
}

struct Shared {
  std::mutex mutex;
  std::vector<void*> lists[kClasses];
  void* take(int c) {
    std::lock_guard lock(mutex);
    auto& l = lists[c];
    if (l.empty()) return nullptr;
    void* p = l.back();
    l.pop_back();
    g_cached.fetch_sub(static_cast<int64_t>(class_bytes(c)), std::memory_order_relaxed);
    return p;
  }
  bool give(int c, void* p) {
    const auto n = static_cast<int64_t>(class_bytes(c));
    if (g_cached.load(std::memory_order_relaxed) + n > cache_limit()) return false;
    std::lock_guard lock(mutex);
    lists[c].push_back(p);
    g_cached.fetch_add(n, std::memory_order_relaxed);
    return true;
  }
  void clear() {
    std::lock_guard lock(mutex);
    for (int c = 0; c < kClasses; ++c) {
      for (void* p : lists[c]) {
        system_free(p, class_bytes(c));
        g_cached.fetch_sub(static_cast<int64_t>(class_bytes(c)), std::memory_order_relaxed);
      }
      lists[c].clear();
    }
  }
};

Shared& shared() {
  static Shared* s = [] {
    auto* made = new Shared;  // never destroyed: tensors may die after static destructors ran
    static Shared* for_fork = made;
    // A child of fork must not find a lock held by a thread that does not exist there.
    auto unlock = [] { huge_pages().mutex().unlock(), for_fork->mutex.unlock(); };
    pthread_atfork([] { for_fork->mutex.lock(), huge_pages().mutex().lock(); }, unlock, unlock);
    return made;
  }();
  return *s;
}

// A thread's own stock of small blocks, linked through their first word.
struct Front {
  struct List { void* head; int32_t count; };
  static constexpr int kFrontClasses = 8 + 8 * 9 + 2;
  List lists[kFrontClasses];
};
// What a thread has before its first free and after its end: empty, and never written.
constinit Front closed_front = {};
// initial-exec: one instruction instead of a call on each access from the shared library. A pointer, because a library
// that is opened at run time gets but a few hundred bytes of such memory, which it shares with all others.
thread_local Front* front __attribute__((tls_model("initial-exec"))) = &closed_front;

void drain_front() {
  if (front == &closed_front) return;
  for (int c = 0; c < Front::kFrontClasses; ++c) {
    for (void* p = front->lists[c].head; p;) {
      void* next = *static_cast<void**>(p);
      system_free(p, class_bytes(c));
      p = next;
    }
    front->lists[c] = {};
  }
}

thread_local bool t_closing = false;
bool open_front() {
  if (t_closing) return false;
  thread_local struct Guard {
    ~Guard() {
      drain_front();
      if (front != &closed_front) delete std::exchange(front, &closed_front);
      t_closing = true;
    }
  } guard;
  auto* mine = new (std::nothrow) Front{};
  if (!mine) return false;
  front = mine;
  return true;
}

void count(int64_t bytes) {
  const int64_t now = g_allocated.fetch_add(bytes, std::memory_order_relaxed) + bytes;
  if (bytes >= static_cast<int64_t>(kSmall)) {  // the peak follows large blocks only: a loop on it per small op is waste
    int64_t peak = g_peak.load(std::memory_order_relaxed);
    while (now > peak && !g_peak.compare_exchange_weak(peak, now, std::memory_order_relaxed)) {}
  }
}

}  // namespace

void* allocate(size_t bytes) {
  if (bytes == 0) return nullptr;
  if (bytes > (size_t{1} << 46)) throw std::bad_alloc();
  const int c = class_of(bytes);
  void* p = nullptr;
  if (!TL_NO_CACHE && bytes <= kSmall) {
    auto& l = front->lists[c];
    if (l.head) {
      p = l.head;
      l.head = *static_cast<void**>(p);
      --l.count;
      return p;
    }
    p = system_allocate(class_bytes(c));
  } else if (TL_NO_CACHE) {
    p = system_allocate(bytes);
  } else {
    p = shared().take(c);
    if (!p) p = system_allocate(class_bytes(c));
  }
  if (!p) {
    empty_cache();
    p = system_allocate(TL_NO_CACHE ? bytes : class_bytes(c));
  }
  if (!p) throw std::bad_alloc();
  if (bytes > kSmall) count(static_cast<int64_t>(class_bytes(c)));
  return p;
}

void deallocate(void* p, size_t bytes) noexcept {
  if (!p) return;
  const int c = class_of(bytes);
  if (TL_NO_CACHE) return system_free(p, bytes);
  if (bytes <= kSmall) {
    if (front == &closed_front && !open_front()) return system_free(p, class_bytes(c));
    auto& l = front->lists[c];
    if (l.count < kFrontBlocks &&
        (l.count + 1) * static_cast<int64_t>(class_bytes(c)) <= kFrontBytes) {
      *static_cast<void**>(p) = l.head;
      l.head = p;
      ++l.count;
      return;
    }
    return system_free(p, class_bytes(c));
  }
  g_allocated.fetch_sub(static_cast<int64_t>(class_bytes(c)), std::memory_order_relaxed);
  if (!shared().give(c, p)) system_free(p, class_bytes(c));
}

Stats stats() {
  return {g_allocated.load(), g_peak.load(), g_cached.load(), cache_limit(), g_system.load()};
}
void reset_peak() { g_peak.store(g_allocated.load()); }
void empty_cache() {
  shared().clear();
  drain_front();
}
void set_cache_limit(int64_t bytes) {
  g_limit.store(bytes < 0 ? 0 : bytes, std::memory_order_relaxed);
  if (g_cached.load() > bytes) shared().clear();
}

}  // namespace tallow::memory
