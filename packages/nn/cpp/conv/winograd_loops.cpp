#include "conv/winograd_loops.hpp"

#include <utility>

namespace tallow_nn::conv::TL_ISA {
namespace {

constexpr int kLanes = TL_ISA_LEVEL == 2 ? 16 : TL_ISA_LEVEL == 1 ? 8 : 4;

// L tiles side by side.
template <int L>
struct Lanes {
  typedef float type __attribute__((vector_size(L * sizeof(float))));
  typedef float memory __attribute__((vector_size(L * sizeof(float)), aligned(alignof(float)), may_alias));
  static type load(const float* p) { return *reinterpret_cast<const memory*>(p); }
  static void store(float* p, type v) { *reinterpret_cast<memory*>(p) = v; }
  template <int... I>
  static void interleave(float* p, type a, type b, std::integer_sequence<int, I...>) {
    store(p, __builtin_shufflevector(a, b, (I % 2 ? L + I / 2 : I / 2)...));
    store(p + L, __builtin_shufflevector(a, b, (I % 2 ? L + L / 2 + I / 2 : L / 2 + I / 2)...));
  }
  static void interleave(float* p, type a, type b) { interleave(p, a, b, std::make_integer_sequence<int, L>{}); }
};
template <>
struct Lanes<1> {
  using type = float;
  static float load(const float* p) { return *p; }
  static void store(float* p, float v) { *p = v; }
  static void interleave(float* p, float a, float b) { p[0] = a, p[1] = b; }
};

// Calls f with the number of lanes as a constant: the largest power of two that `run` holds.
template <int L, class F>
inline int64_t by_lanes(int64_t run, F&& f) {
  if constexpr (L > 1) {
    if (run < L) return by_lanes<L / 2>(run, f);
  }
  f(std::integral_constant<int, L>());
  return L;
}

// ---------------------------------------------------------------- images
// Rows of `pairs` pairs of pixels, padded with zeros to whole tiles: then those in even places of all rows, and those in
// odd places.
struct Plane {
  const float *even, *odd;
};
inline Plane split(const TileGrid& g, const float* x, int64_t top, int64_t rows, int64_t pairs, float* room) {
  float *even = room + 2 * rows * pairs, *odd = even + rows * pairs;
  for (int64_t i = 0; i < 2 * rows * pairs; ++i) room[i] = 0.f;
  for (int64_t r = 0; r < rows; ++r) {
    const int64_t y = top + r - g.pad_rows, width = g.width < 2 * pairs - g.pad_columns ? g.width : 2 * pairs - g.pad_columns;
    if (y < 0 || y >= g.height) continue;
    const float* from = x + y * g.width;
    float* to = room + 2 * r * pairs + g.pad_columns;
    for (int64_t c = 0; c < width;)
      c += by_lanes<kLanes>(width - c, [&](auto lanes) { Lanes<lanes()>::store(to + c, Lanes<lanes()>::load(from + c)); });
  }
#pragma GCC ivdep
  for (int64_t i = 0; i < rows * pairs; ++i) even[i] = room[2 * i], odd[i] = room[2 * i + 1];
  return {even, odd};
}

// B^T d B.
struct Inputs {
  template <int L>
  static void tile(Plane p, int64_t at, int64_t row, float* to, int64_t element) {
    using V = Lanes<L>;
    typename V::type d[4][4], t[4][4];
#pragma GCC unroll 4
    for (int r = 0; r < 4; ++r)
#pragma GCC unroll 4
      for (int c = 0; c < 4; ++c) d[r][c] = V::load((c & 1 ? p.odd : p.even) + at + r * row + (c >> 1));
#pragma GCC unroll 4
    for (int c = 0; c < 4; ++c) t[0][c] = d[0][c] - d[2][c], t[1][c] = d[1][c] + d[2][c], t[2][c] = d[2][c] - d[1][c], t[3][c] = d[1][c] - d[3][c];
#pragma GCC unroll 4
    for (int r = 0; r < 4; ++r) {
      V::store(to + (4 * r) * element, t[r][0] - t[r][2]);
      V::store(to + (4 * r + 1) * element, t[r][1] + t[r][2]);
      V::store(to + (4 * r + 2) * element, t[r][2] - t[r][1]);
      V::store(to + (4 * r + 3) * element, t[r][1] - t[r][3]);
    }
  }
};

// A dy A^T.
struct Gradients {
  template <int L>
  static void tile(Plane p, int64_t at, int64_t row, float* to, int64_t element) {
    using V = Lanes<L>;
    typename V::type t[4][2];
#pragma GCC unroll 2
    for (int c = 0; c < 2; ++c) {
      const typename V::type a = V::load((c ? p.odd : p.even) + at), b = V::load((c ? p.odd : p.even) + at + row);
      t[0][c] = a, t[1][c] = a + b, t[2][c] = a - b, t[3][c] = -b;
    }
#pragma GCC unroll 4
    for (int r = 0; r < 4; ++r) {
      V::store(to + (4 * r) * element, t[r][0]);
      V::store(to + (4 * r + 1) * element, t[r][0] + t[r][1]);
      V::store(to + (4 * r + 2) * element, t[r][0] - t[r][1]);
      V::store(to + (4 * r + 3) * element, -t[r][1]);
    }
  }
};

// Calls f(image, first, last, t) for the tiles [first, last) of each image that [begin, end) touches; t counts from begin.
template <class F>
inline void by_image(const TileGrid& g, int64_t begin, int64_t end, F&& f) {
  for (int64_t t = begin; t < end;) {
    const int64_t first = t % g.tiles(), last = first + end - t < g.tiles() ? first + end - t : g.tiles();
    f(t / g.tiles(), first, last, t - begin);
    t += last - first;
  }
}
// How many tiles from `tile` on share its row of tiles and, at place t, its panel.
inline int64_t run_of(const TileGrid& g, int64_t tile, int64_t last, int64_t t) {
  const int64_t row = g.columns - tile % g.columns, panel = kPanel - t % kPanel, rest = last - tile;
  const int64_t both = row < panel ? row : panel;
  return both < rest ? both : rest;
}

template <class Transform>
void spread(const TileGrid& g, const float* x, int64_t image, int64_t begin, int64_t end, float* room, Numbers to) {
  const int64_t row = g.columns + 1;
  by_image(g, begin, end, [&](int64_t n, int64_t first, int64_t last, int64_t t) {
    const int64_t top = first / g.columns, rows = (last - 1) / g.columns + 1 - top;
    const Plane plane = split(g, x + n * image, 2 * top, 2 * rows + 2, row, room);
    for (int64_t tile = first; tile < last;) {
      const int64_t run = run_of(g, tile, last, t);
      const int64_t from = 2 * (tile / g.columns - top) * row + tile % g.columns;
      float* at = to.at + t / kPanel * to.panel + t % kPanel;
      const int64_t done = by_lanes<kLanes>(run, [&](auto lanes) { Transform::template tile<lanes()>(plane, from, row, at, to.element); });
      tile += done, t += done;
    }
  });
  for (int64_t t = end - begin; t % kPanel; ++t)
    for (int e = 0; e < 16; ++e) to.at[t / kPanel * to.panel + e * to.element + t % kPanel] = 0.f;
}

// A^T m A.
template <int L>
inline void output_tile(const float* from, int64_t element, float bias, float (&upper)[2 * L], float (&lower)[2 * L]) {
  using V = Lanes<L>;
  typename V::type u[2][4];
#pragma GCC unroll 4
  for (int c = 0; c < 4; ++c) {
    const typename V::type m0 = V::load(from + c * element), m1 = V::load(from + (4 + c) * element), m2 = V::load(from + (8 + c) * element),
                           m3 = V::load(from + (12 + c) * element);
    u[0][c] = m0 + m1 + m2, u[1][c] = m1 - m2 - m3;
  }
  V::interleave(upper, u[0][0] + u[0][1] + u[0][2] + bias, u[0][1] - u[0][2] - u[0][3] + bias);
  V::interleave(lower, u[1][0] + u[1][1] + u[1][2] + bias, u[1][1] - u[1][2] - u[1][3] + bias);
}

void outputs(const TileGrid& g, Numbers from, int64_t begin, int64_t end, float bias, float* y, int64_t image) {
  by_image(g, begin, end, [&](int64_t n, int64_t first, int64_t last, int64_t t) {
    for (int64_t tile = first; tile < last;) {
      const int64_t run = run_of(g, tile, last, t), r = 2 * (tile / g.columns), c = 2 * (tile % g.columns);
      const float* at = from.at + t / kPanel * from.panel + t % kPanel;
      float* to = y + n * image + r * g.width + c;
      const int64_t done = by_lanes<kLanes>(run, [&](auto lanes) {
        constexpr int L = lanes();
        float upper[2 * L], lower[2 * L];
        output_tile<L>(at, from.element, bias, upper, lower);
        const bool two = r + 1 < g.height;
        if (c + 2 * L <= g.width) {
          __builtin_memcpy(to, upper, sizeof upper);
          if (two) __builtin_memcpy(to + g.width, lower, sizeof lower);
        } else {
          for (int64_t k = 0; k < g.width - c; ++k) to[k] = upper[k];
          for (int64_t k = 0; two && k < g.width - c; ++k) to[g.width + k] = lower[k];
        }
      });
      tile += done, t += done;
    }
  });
}

// ---------------------------------------------------------------- kernels
constexpr int kBlock = 16;  // kernels at a time

void kernels(const float* w, int64_t kernel, int64_t row, int64_t column, int64_t count, float* to, int64_t element) {
  for (int64_t n = 0; n < count; n += kBlock) {
    const int64_t some = count - n < kBlock ? count - n : kBlock;
    float g[9][kBlock], t[4][3][kBlock];
    for (int64_t k = 0; k < some; ++k)
      for (int i = 0; i < 3; ++i)
        for (int j = 0; j < 3; ++j) g[3 * i + j][k] = w[(n + k) * kernel + i * row + j * column];
    for (int64_t k = some; k < kBlock; ++k)
      for (auto& tap : g) tap[k] = 0.f;
    for (int j = 0; j < 3; ++j)
      for (int k = 0; k < kBlock; ++k) {
        const float outer = 0.5f * (g[j][k] + g[6 + j][k]), middle = 0.5f * g[3 + j][k];
        t[0][j][k] = g[j][k], t[1][j][k] = outer + middle, t[2][j][k] = outer - middle, t[3][j][k] = g[6 + j][k];
      }
    for (int i = 0; i < 4; ++i) {
      float u[4][kBlock];
      for (int k = 0; k < kBlock; ++k) {
        const float outer = 0.5f * (t[i][0][k] + t[i][2][k]), middle = 0.5f * t[i][1][k];
        u[0][k] = t[i][0][k], u[1][k] = outer + middle, u[2][k] = outer - middle, u[3][k] = t[i][2][k];
      }
      for (int j = 0; j < 4; ++j) {
        float* out = to + (4 * i + j) * element + n;
        if (some == kBlock)
          for (int k = 0; k < kBlock; ++k) out[k] = u[j][k];
        else
          for (int64_t k = 0; k < some; ++k) out[k] = u[j][k];
      }
    }
  }
}

void kernel_gradients(const float* from, int64_t element, int64_t count, float* dw, int64_t kernel, int64_t row, int64_t column) {
  for (int64_t n = 0; n < count; n += kBlock) {
    const int64_t some = count - n < kBlock ? count - n : kBlock;
    float u[16][kBlock], t[3][4][kBlock], g[9][kBlock];
    for (int e = 0; e < 16; ++e) {
      const float* in = from + e * element + n;
      if (some == kBlock)
        for (int k = 0; k < kBlock; ++k) u[e][k] = in[k];
      else
        for (int64_t k = 0; k < kBlock; ++k) u[e][k] = k < some ? in[k] : 0.f;
    }
    for (int j = 0; j < 4; ++j)
      for (int k = 0; k < kBlock; ++k) {
        const float sum = 0.5f * (u[4 + j][k] + u[8 + j][k]), difference = 0.5f * (u[4 + j][k] - u[8 + j][k]);
        t[0][j][k] = u[j][k] + sum, t[1][j][k] = difference, t[2][j][k] = sum + u[12 + j][k];
      }
    for (int i = 0; i < 3; ++i)
      for (int k = 0; k < kBlock; ++k) {
        const float sum = 0.5f * (t[i][1][k] + t[i][2][k]), difference = 0.5f * (t[i][1][k] - t[i][2][k]);
        g[3 * i][k] = t[i][0][k] + sum, g[3 * i + 1][k] = difference, g[3 * i + 2][k] = sum + t[i][3][k];
      }
    for (int64_t k = 0; k < some; ++k)
      for (int i = 0; i < 3; ++i)
        for (int j = 0; j < 3; ++j) dw[(n + k) * kernel + i * row + j * column] = g[3 * i + j][k];
  }
}

}  // namespace

extern const WinogradLoops winograd_loops;
const WinogradLoops winograd_loops = {spread<Inputs>, spread<Gradients>, outputs, kernels, kernel_gradients};

}  // namespace tallow_nn::conv::TL_ISA
