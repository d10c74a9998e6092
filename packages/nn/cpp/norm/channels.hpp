// How batch normalisation sees its data: channels that are spread over planes (N, C, H*W), or columns of rows (N*H*W, C)
// where the channel is the innermost dimension.
#pragma once
#include <cstring>

#include "norm/norm.hpp"
#include "norm/norm_loops.hpp"

namespace tallow_nn {

struct Channels {
  int64_t batch = 1, channels = 1, inner = 1;
  bool columns = false;

  explicit Channels(const tl::Tensor& x) {
    const tl::Sizes sizes = x.sizes(), strides = x.strides();
    batch = sizes[0], channels = sizes[1];
    for (size_t d = 2; d < sizes.size(); ++d) inner *= sizes[d];
    columns = inner == 1 || (!x.contiguous() && strides[1] == 1);
  }
  int64_t per_channel() const { return batch * inner; }
  int64_t rows() const { return batch * inner; }
};

// x itself where it is laid out one of both ways, else a contiguous copy; in the compute dtype.
inline tl::Tensor in_channels(const tl::Tensor& x, TlDtype compute) {
  const tl::Sizes s = x.sizes(), t = x.strides();
  bool innermost = x.ndim() > 2 && t[1] == 1;  // channels-last: the others in their order
  int64_t expected = s[1];
  for (size_t d = s.size(); innermost && d-- > 0;) {
    if (d == 1 || s[d] == 1) continue;
    innermost = t[d] == expected;
    expected *= s[d];
  }
  if (innermost && !x.contiguous()) return cast(x, compute);
  return cast(tl::call<"contiguous">(x), compute);
}

// The result itself where it is laid out as x, else a tensor that is.
inline tl::Tensor in_place_of(const tl::Tensor& out, const tl::Tensor& x) {
  return out.dtype() == x.dtype() && same_layout(out, x) ? out : empty_strided(x.sizes(), x.strides(), x.dtype());
}

// Rows that a piece of the columns form takes, by shape only: few enough that a second look at them finds them in the cache
// and that their sum keeps its digits.
inline int64_t rows_per_piece(const Channels& c) { return std::clamp<int64_t>(32768 / std::max<int64_t>(1, c.channels), 8, 1024); }

// Planes that a piece of one channel takes: all of them, unless channels are too few to share out.
inline int64_t planes_per_piece(const Channels& c) {
  if (c.channels >= 16 || c.per_channel() < 65536) return std::max<int64_t>(1, c.batch);
  return std::max<int64_t>(1, c.batch * c.channels / 16);
}

// Small planes are gathered into one run before the loops see them: a call for each would cost more than its work.
constexpr int64_t kSmallPlane = 256, kGathered = 16384;

// f(offset of the first plane, planes, elements in each run) over planes [first, end) of a channel.
template <class F>
void for_runs(const Channels& c, int64_t channel, int64_t first, int64_t end, F f) {
  const int64_t step = c.inner >= kSmallPlane ? 1 : std::max<int64_t>(1, kGathered / std::max<int64_t>(1, c.inner));
  for (int64_t n = first; n < end; n += step) f((n * c.channels + channel) * c.inner, std::min(step, end - n));
}
template <class T>
const T* gathered(const Channels& c, const T* from, int64_t planes, T* scratch) {
  if (planes == 1) return from;
  for (int64_t i = 0; i < planes; ++i) std::memcpy(scratch + i * c.inner, from + i * c.channels * c.inner, sizeof(T) * static_cast<size_t>(c.inner));
  return scratch;
}
template <class T>
void scattered(const Channels& c, const T* run, int64_t planes, T* to) {
  for (int64_t i = 0; i < planes; ++i) std::memcpy(to + i * c.channels * c.inner, run + i * c.inner, sizeof(T) * static_cast<size_t>(c.inner));
}

}  // namespace tallow_nn
