// The thread pool. The caller works too, and waits only for pieces that a worker has begun: where other programs keep
// the processors busy, it does the rest alone instead of waiting for threads that are not scheduled.
#include "parallel/parallel.hpp"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <exception>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>

namespace tallow {
namespace {

thread_local bool t_inside = false;

inline void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

// Threads look for work this long before they sleep, because waking one takes about as long as a small op: first without
// letting go of the processor, then offering it to whoever wants it between two looks.
constexpr auto kSpin = std::chrono::microseconds(30), kYield = std::chrono::microseconds(300);

template <class Ready>
bool spin_until(Ready ready) {
  using Clock = std::chrono::steady_clock;
  const auto begin = Clock::now();
  for (auto now = begin; now < begin + kYield; now = Clock::now()) {
    for (int i = 0; i < 32; ++i) {
      if (ready()) return true;
      pause();
    }
    if (now > begin + kSpin) sched_yield();
  }
  return ready();
}

// Each thread begins with a share of its own, so that it finds in its cache what it wrote there in the loop before, and
// goes on with what others have left.
struct Job {
  struct alignas(64) Share {
    std::atomic<int64_t> next{0};
    int64_t end = 0;
  };
  static constexpr int kShares = 16;

  int64_t begin, end, grain, pieces;
  detail::Body body;
  void* context;
  int helpers;  // workers that may still join
  int shares;
  Share share[kShares];
  std::atomic<int64_t> left;
  std::mutex mutex;
  std::condition_variable done;
  std::exception_ptr error;
  int64_t error_at = 0;

  Job(int64_t begin, int64_t end, int64_t grain, int64_t pieces, detail::Body body, void* context, int threads)
      : begin(begin), end(end), grain(grain), pieces(pieces), body(body), context(context), helpers(threads - 1), shares(std::min(threads, kShares)),
        left(pieces) {
    for (int s = 0; s < shares; ++s) {
      share[s].next.store(pieces * s / shares, std::memory_order_relaxed);
      share[s].end = pieces * (s + 1) / shares;
    }
  }

  // Takes pieces until there are none. The body and its context live as long as a piece is unfinished.
  void work(int thread) {
    t_inside = true;
    for (int k = 0; k < shares; ++k) work_on(share[(thread + k) % shares]);
    t_inside = false;
  }
  void work_on(Share& s) {
    for (int64_t i; (i = s.next.fetch_add(1, std::memory_order_relaxed)) < s.end;) {
      const int64_t b = begin + i * grain;
      try {
        body(context, b, std::min(end, b + grain));
      } catch (...) {
        std::lock_guard lock(mutex);
        if (!error || i < error_at) {
          error = std::current_exception();
          error_at = i;
        }
      }
      if (left.fetch_sub(1, std::memory_order_acq_rel) == 1) {
        std::lock_guard lock(mutex);
        done.notify_all();
      }
    }
  }
  bool finished() const { return left.load(std::memory_order_acquire) == 0; }
  void wait() {
    if (spin_until([this] { return finished(); })) return;
    std::unique_lock lock(mutex);
    done.wait(lock, [this] { return finished(); });
  }
};

class Pool {
 public:
  // False if another caller has the workers: then the caller does its work alone.
  bool run(const std::shared_ptr<Job>& job) {
    {
      std::lock_guard lock(mutex_);
      if (job_) return false;
      // Where the system gives no more threads, those that there are do the work.
      try {
        for (; workers_ < job->helpers; ++workers_) std::thread([this, thread = workers_ + 1] { loop(thread); }).detach();
      } catch (const std::system_error&) {
        if (workers_ == 0) return false;
      }
      job_ = job;
      epoch_.fetch_add(1, std::memory_order_release);
    }
    wake_.notify_all();
    job->work(0);
    {
      std::lock_guard lock(mutex_);
      job_ = nullptr;
    }
    job->wait();
    return true;
  }

 private:
  void loop(int thread) {
    uint64_t seen = 0;
    for (;;) {
      spin_until([&] { return epoch_.load(std::memory_order_acquire) != seen; });
      std::shared_ptr<Job> job;
      {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [&] { return epoch_.load(std::memory_order_relaxed) != seen; });
        seen = epoch_.load(std::memory_order_relaxed);
        if (job_ && job_->helpers > 0) {
          --job_->helpers;
          job = job_;
        }
      }
      if (job) job->work(thread);
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::shared_ptr<Job> job_;
  std::atomic<uint64_t> epoch_{0};
  int workers_ = 0;
};

std::atomic<int> g_threads{0};
std::atomic<Pool*> g_pool{nullptr};

Pool& pool() {
  // Never destroyed: its workers wait in it until the process ends.
  Pool* p = g_pool.load(std::memory_order_acquire);
  if (p) return *p;
  auto* made = new Pool;
  if (g_pool.compare_exchange_strong(p, made)) return *made;
  delete made;
  return *p;
}

// A child of fork has none of the workers, and finds the pool in whatever state it was: it gets a new one when it asks
// for threads again. Until then it is single threaded.
void after_fork_in_child() {
  g_pool.store(nullptr, std::memory_order_release);
  g_threads.store(1, std::memory_order_release);
  t_inside = false;
}

// OMP_NUM_THREADS, which users of numerical software know, or the processors that this process may use.
int initial_threads() {
  static const int n = [] {
    pthread_atfork(nullptr, nullptr, after_fork_in_child);
    if (const char* wish = std::getenv("OMP_NUM_THREADS"))
      if (const int v = std::atoi(wish); v > 0) return std::min(v, 1024);
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 ? std::max(1, CPU_COUNT(&set)) : 1;
  }();
  return n;
}

}  // namespace

int num_threads() {
  const int n = g_threads.load(std::memory_order_relaxed);
  if (n > 0) return n;
  int expected = 0;
  g_threads.compare_exchange_strong(expected, initial_threads());
  return g_threads.load(std::memory_order_relaxed);
}

void set_num_threads(int n) {
  initial_threads();
  g_threads.store(std::clamp(n, 1, 1024), std::memory_order_relaxed);
}

bool in_parallel() { return t_inside; }

namespace detail {

void parallel_run(int64_t begin, int64_t end, int64_t grain, Body body, void* context) {
  const int64_t pieces = (end - begin + grain - 1) / grain;
  const int threads = static_cast<int>(std::min<int64_t>(num_threads(), pieces));
  if (threads > 1 && !t_inside) {
    const auto job = std::make_shared<Job>(begin, end, grain, pieces, body, context, threads);
    if (pool().run(job)) {
      if (job->error) std::rethrow_exception(job->error);
      return;
    }
  }
  for (int64_t b = begin; b < end; b += grain) body(context, b, std::min(end, b + grain));
}

}  // namespace detail
}  // namespace tallow
