// Small helpers that the families share.
#pragma once
#include <algorithm>
#include <sstream>
#include <string>

#include <tallow/tallow.hpp>

namespace tallow_nn {

template <class... Parts>
void require(bool ok, const Parts&... parts) {
  if (__builtin_expect(ok, 1)) return;
  std::ostringstream s;
  (s << ... << parts);
  throw tl::Error(TL_RUNTIME_ERROR, s.str());
}

// Raises unless t has this shape and dtype: for kernels that are handed what another kernel made.
inline void require_like(const char* op, const char* name, const tl::Tensor& t, tl::Sizes sizes, TlDtype dtype) {
  require(t && t.dtype() == dtype && std::equal(sizes.begin(), sizes.end(), t.sizes().begin(), t.sizes().end()), op, ": expected ", name, " of shape ",
          tl::to_string(sizes), ", got ", t ? tl::to_string(t.sizes()) : "None");
}

inline bool is_floating(TlDtype t) { return t >= TL_FLOAT16 && t <= TL_FLOAT64; }

// The compute type of a kernel: double stays, other floating types go through float.
inline tl::Tensor as_compute(const tl::Tensor& t) {
  const tl::Tensor dense = tl::call<"contiguous">(t);
  return t.dtype() == TL_FLOAT32 || t.dtype() == TL_FLOAT64 ? dense : tl::call<"_to">(dense, tl::Dtype{TL_FLOAT32});
}

// Calls f with a zero of the tensor's element type, float or double.
template <class F>
void by_float(const tl::Tensor& t, F&& f) {
  if (t.dtype() == TL_FLOAT64) f(double());
  else f(float());
}

inline tl::Tensor cast(const tl::Tensor& t, TlDtype d) { return t.dtype() == d ? t : tl::call<"_to">(t, tl::Dtype{d}); }

// (h, w) from a list of one or two.
struct Pair {
  int64_t h, w;
};
inline Pair pair(tl::Sizes s, Pair otherwise, const char* op, const char* name) {
  if (s.empty()) return otherwise;
  require(s.size() <= 2, op, ": ", name, " must either be a single int, or a tuple of two ints, got ", tl::to_string(s));
  return {s[0], s.size() == 2 ? s[1] : s[0]};
}

}  // namespace tallow_nn
