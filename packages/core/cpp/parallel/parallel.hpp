// The one thread pool. Work is cut by shape: `grain` decides the pieces, threads only decide who runs them,
// so results do not depend on how many there are.
#pragma once
#include <cstdint>
#include <type_traits>

namespace tallow {

int num_threads();
void set_num_threads(int n);
bool in_parallel();  // inside a piece: nested loops run serially

namespace detail {
using Body = void (*)(void* context, int64_t begin, int64_t end);
void parallel_run(int64_t begin, int64_t end, int64_t grain, Body body, void* context);
}  // namespace detail

// Calls f(b, e) for consecutive pieces of [begin, end), each `grain` long but the last.
// An exception thrown by a piece is rethrown here (the one of the lowest piece).
template <class F>
inline void parallel_for(int64_t begin, int64_t end, int64_t grain, F&& f) {
  if (begin >= end) return;
  if (end - begin <= grain) return f(begin, end);
  using Fn = std::remove_reference_t<F>;
  detail::parallel_run(begin, end, grain < 1 ? 1 : grain,
                       [](void* c, int64_t b, int64_t e) { (*static_cast<Fn*>(c))(b, e); },
                       const_cast<void*>(static_cast<const void*>(&f)));
}

}  // namespace tallow
