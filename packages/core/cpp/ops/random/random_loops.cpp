// Compiled once per instruction set.
#include "ops/random/random_loops.hpp"

#include <algorithm>

#include "vec/isa.hpp"
#include "vec/math.hpp"
#include "vec/philox.hpp"

namespace tallow::TL_ISA_NS {
namespace {

namespace v = tallow::vec;

using Words = v::philox_blocks<kRandomChunk>;

void words(const Philox& rng, int64_t first, Words& out) { v::philox(rng.key0, rng.key1, rng.offset + static_cast<uint64_t>(first), out); }

// Of [0, 1), exactly as to_unit_float and to_unit_double of philox.hpp.
inline float unit(uint32_t x) { return static_cast<float>(static_cast<int32_t>(x >> 8)) * 0x1p-24f; }
inline double unit(uint32_t hi, uint32_t lo) {
  return static_cast<double>(static_cast<int64_t>((static_cast<uint64_t>(hi) << 32 | lo) >> 11)) * 0x1p-53;
}

// Runs `make(words, values)` chunk by chunk; the last one may be needed in part.
template <class T, int Per, class F>
void chunks(const Philox& rng, int64_t first, T* out, int64_t n, F make) {
  Words w;
  alignas(64) T values[Per * kRandomChunk];
  for (int64_t i = 0; i < n; i += Per * kRandomChunk, first += kRandomChunk) {
    words(rng, first, w);
    const bool whole = n - i >= Per * kRandomChunk;
    make(w, whole ? out + i : values);
    if (!whole) std::copy(values, values + (n - i), out + i);
  }
}

void uniform_f32(const Philox& rng, int64_t first, float* out, int64_t n, double a, double b) {
  const auto from = static_cast<float>(a), range = static_cast<float>(b);
  chunks<float, 4>(rng, first, out, n, [=](const Words& w, float* to) {
#pragma GCC ivdep
    for (int64_t i = 0; i < kRandomChunk; ++i)
      for (int j = 0; j < 4; ++j) to[4 * i + j] = from + unit(w.w[j][i]) * range;
  });
}
void uniform_f64(const Philox& rng, int64_t first, double* out, int64_t n, double a, double b) {
  chunks<double, 2>(rng, first, out, n, [=](const Words& w, double* to) {
#pragma GCC ivdep
    for (int64_t i = 0; i < kRandomChunk; ++i)
      for (int j = 0; j < 2; ++j) to[2 * i + j] = a + unit(w.w[2 * j][i], w.w[2 * j + 1][i]) * b;
  });
}

// Box and Muller, "A note on the generation of random normal deviates", 1958: two numbers from a radius and an angle.
template <class T>
void box_muller(const T* u, const T* turn, T* x, T* y, T mean, T std) {
#pragma GCC ivdep
  for (int64_t i = 0; i < kRandomChunk; ++i) {
    const T r = std * v::sqrt(T(-2) * v::log(T(1) - u[i])), angle = T(6.283185307179586477) * turn[i];
    x[i] = mean + r * v::cos_quick(angle);
    y[i] = mean + r * v::sin_quick(angle);
  }
}
void normal_f32(const Philox& rng, int64_t first, float* out, int64_t n, double a, double b) {
  const auto mean = static_cast<float>(a), std = static_cast<float>(b);
  chunks<float, 4>(rng, first, out, n, [=](const Words& w, float* to) {
    alignas(64) float u[4][kRandomChunk], x[4][kRandomChunk];
    for (int j = 0; j < 4; ++j) {
#pragma GCC ivdep
      for (int64_t i = 0; i < kRandomChunk; ++i) u[j][i] = unit(w.w[j][i]);
    }
    box_muller(u[0], u[1], x[0], x[1], mean, std);
    box_muller(u[2], u[3], x[2], x[3], mean, std);
#pragma GCC ivdep
    for (int64_t i = 0; i < kRandomChunk; ++i)
      for (int j = 0; j < 4; ++j) to[4 * i + j] = x[j][i];
  });
}
void normal_f64(const Philox& rng, int64_t first, double* out, int64_t n, double a, double b) {
  chunks<double, 2>(rng, first, out, n, [=](const Words& w, double* to) {
    alignas(64) double u[2][kRandomChunk], x[2][kRandomChunk];
    for (int j = 0; j < 2; ++j) {
#pragma GCC ivdep
      for (int64_t i = 0; i < kRandomChunk; ++i) u[j][i] = unit(w.w[2 * j][i], w.w[2 * j + 1][i]);
    }
    box_muller(u[0], u[1], x[0], x[1], a, b);
#pragma GCC ivdep
    for (int64_t i = 0; i < kRandomChunk; ++i)
      for (int j = 0; j < 2; ++j) to[2 * i + j] = x[j][i];
  });
}

}  // namespace

const RandomLoops* random_loops() {
  static const RandomLoops loops = {uniform_f32, uniform_f64, normal_f32, normal_f64};
  return &loops;
}

}  // namespace tallow::TL_ISA_NS
