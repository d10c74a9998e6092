#include "parallel/parallel.hpp"

#include <omp.h>
#include <unistd.h>
#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>

namespace tallow {
namespace {

std::atomic<int> g_threads{0};
thread_local bool t_inside = false;

// After fork, libgomp's pool of the forking thread names threads that do not exist in the child: entering a parallel
// region there would wait for them forever. The child therefore starts single threaded; when it asks for threads,
// the forking thread hands its regions to a helper thread, which makes a pool of its own.
std::atomic<bool> g_forked{false};
pthread_t g_stale_thread;

void after_fork_in_child() {
  g_forked = true;
  g_stale_thread = pthread_self();
  g_threads = 1;
  t_inside = false;
}

int initial_threads() {
  static const int n = [] {
    pthread_atfork(nullptr, nullptr, after_fork_in_child);
    return std::max(1, omp_get_max_threads());  // honours OMP_NUM_THREADS and the affinity mask
  }();
  return n;
}

struct Job {
  int64_t begin, end, grain;
  detail::Body body;
  void* context;
  std::exception_ptr error;
  int64_t error_at;
  std::mutex mutex;

  void piece(int64_t i) noexcept {
    const int64_t b = begin + i * grain, e = std::min(end, b + grain);
    try {
      body(context, b, e);
    } catch (...) {
      std::lock_guard lock(mutex);
      if (!error || i < error_at) {
        error = std::current_exception();
        error_at = i;
      }
    }
  }
};

void region(Job& job, int64_t pieces, int threads) {
#pragma omp parallel num_threads(threads)
  {
    t_inside = true;
#pragma omp for schedule(dynamic, 1)
    for (int64_t i = 0; i < pieces; ++i) job.piece(i);
    t_inside = false;
  }
}

// The helper thread of a forked child.
class Proxy {
 public:
  void run(Job& job, int64_t pieces, int threads) {
    std::lock_guard one_at_a_time(callers_);
    std::unique_lock lock(mutex_);
    if (!started_) {
      started_ = true;
      std::thread([this] { loop(); }).detach();
    }
    job_ = &job, pieces_ = pieces, threads_ = threads;
    wake_.notify_all();
    wake_.wait(lock, [this] { return job_ == nullptr; });
  }

 private:
  void loop() {
    std::unique_lock lock(mutex_);
    for (;;) {
      wake_.wait(lock, [this] { return job_ != nullptr; });
      lock.unlock();
      region(*job_, pieces_, threads_);
      lock.lock();
      job_ = nullptr;
      wake_.notify_all();
    }
  }
  std::mutex callers_, mutex_;
  std::condition_variable wake_;
  Job* job_ = nullptr;
  int64_t pieces_ = 0;
  int threads_ = 1;
  bool started_ = false;
};

Proxy& proxy() {
  // One per process: a grandchild must not wait for its parent's helper.
  static std::mutex m;
  static Proxy* p = nullptr;
  static pid_t owner = 0;
  std::lock_guard lock(m);
  if (!p || owner != getpid()) {
    p = new Proxy;
    owner = getpid();
  }
  return *p;
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
  g_threads.store(std::max(1, n), std::memory_order_relaxed);
}

bool in_parallel() { return t_inside; }

namespace detail {

void parallel_run(int64_t begin, int64_t end, int64_t grain, Body body, void* context) {
  Job job{begin, end, grain, body, context, nullptr, 0, {}};
  const int64_t pieces = (end - begin + grain - 1) / grain;
  const int threads = static_cast<int>(std::min<int64_t>(num_threads(), pieces));
  if (threads <= 1 || t_inside || omp_in_parallel()) {
    for (int64_t b = begin; b < end; b += grain) body(context, b, std::min(end, b + grain));
    return;
  }
  if (g_forked.load(std::memory_order_relaxed) && pthread_equal(pthread_self(), g_stale_thread)) {
    proxy().run(job, pieces, threads);
  } else {
    region(job, pieces, threads);
  }
  if (job.error) std::rethrow_exception(job.error);
}

}  // namespace detail
}  // namespace tallow
