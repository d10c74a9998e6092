// Transforms of images and kernels, and between them 16 matrix products: one for each number of a tile.
#include "conv/winograd.hpp"

#include "conv/onednn.hpp"
#include "conv/winograd_loops.hpp"

namespace tallow_nn::conv {
namespace {

constexpr int64_t kNumbers = 16;
constexpr int64_t kRoom = int64_t{1} << 18;    // elements of a task's numbers: with the kernels' they stay in a core's cache
constexpr int64_t kLong = int64_t{1} << 19;    // elements of both operands of a gradient's products at a time
constexpr int64_t kTasks = 4;                  // fewer than this are run one after the other, each by all threads

void product(bool ta, bool tb, int64_t m, int64_t n, int64_t k, const float* a, int64_t lda, const float* b, int64_t ldb, float beta, float* c, int64_t ldc) {
  tl::check(tl::api()->gemm(TL_FLOAT32, ta, tb, m, n, k, 1.0, a, lda, b, ldb, beta, c, ldc));
}

bool planes(const Strides& st, const Spatial& size) { return st[4] == 1 && st[3] == size[2]; }

bool suits(const Shape& s, const Strides& x, const Strides& y) {
  const bool kind = flat(s) && s.kernel == Spatial{1, 3, 3} && s.stride == Spatial{1, 1, 1} && s.dilation == Spatial{1, 1, 1} && s.groups == 1 &&
                    s.padding[1] <= 2 && s.padding[2] <= 2;
  if (!kind || s.in_channels < 32 || s.out_channels < 32 || !planes(x, s.input) || !planes(y, s.output)) return false;
  // Tiles that hang over the edge, or do not fill a panel, are work for nothing; so are the kernels' numbers for few tiles.
  const int64_t tiles = s.batch * ceil_div(s.output[1], 2) * ceil_div(s.output[2], 2), whole = ceil_div(tiles, kPanel) * kPanel;
  const int64_t least = kNumbers * s.in_channels * s.out_channels > kRoom ? 4 * kPanel : 2 * kPanel;
  return tiles >= least && 3 * s.batch * s.output_size() >= 2 * 4 * whole;
}

TileGrid grid(const Spatial& image, const Spatial& tiled, int64_t pad_rows, int64_t pad_columns) {
  return {ceil_div(tiled[1], 2), ceil_div(tiled[2], 2), image[1], image[2], pad_rows, pad_columns};
}

template <class F>
void each_channel(int64_t channels, F&& f) {
  tl::parallel_for(0, channels, 4, [&](int64_t b, int64_t e) { for (int64_t c = b; c < e; ++c) f(c); });
}

// The 16 numbers of all kernels: number e of the kernel from channel c to channel o at [e][o][c].
struct Kernels {
  int64_t row, element;
  Buffer data;
  Kernels(int64_t to, int64_t from)  // rows a little longer than a power of two fall into different places of the cache
      : row(from + 16), element(to * row + 16), data(static_cast<size_t>(kNumbers * element) * sizeof(float)) {}
  // Back from outputs to inputs, or forth.
  Kernels(const Shape& s, const View<const float>& w, bool back) : Kernels(back ? s.in_channels : s.out_channels, back ? s.out_channels : s.in_channels) {
    if (!back) {
      each_channel(s.out_channels, [&](int64_t o) {
        winograd_loops().kernels(w.data + o * w.strides[0], w.strides[1], w.strides[3], w.strides[4], s.in_channels, data.floats() + o * row, element);
      });
      return;
    }
    // Kernels of neighbouring outputs lie far apart: blocks of both channels are fetched first.
    constexpr int64_t outputs = 32, inputs = 16;
    tl::parallel_for(0, ceil_div(s.out_channels, outputs), 1, [&](int64_t b, int64_t e) {
      float near[outputs][9 * inputs];
      for (int64_t o = b * outputs; o < std::min(s.out_channels, e * outputs); o += outputs)
        for (int64_t i = 0; i < s.in_channels; i += inputs) {
          const int64_t some = std::min(outputs, s.out_channels - o), these = std::min(inputs, s.in_channels - i);
          for (int64_t k = 0; k < some; ++k) fetch(w, o + k, i, these, near[k]);
          for (int64_t k = 0; k < these; ++k) winograd_loops().kernels(near[0] + 9 * k, 9 * inputs, 3, 1, some, data.floats() + (i + k) * row + o, element);
        }
    });
  }
  // `count` kernels of output o, from input i on.
  static void fetch(const View<const float>& w, int64_t o, int64_t i, int64_t count, float* to) {
    const float* from = w.data + o * w.strides[0] + i * w.strides[1];
    if (w.strides[1] == 9 && w.strides[3] == 3 && w.strides[4] == 1) return void(std::copy_n(from, 9 * count, to));
    for (int64_t k = 0; k < count; ++k)
      for (int64_t tap = 0; tap < 9; ++tap) to[9 * k + tap] = from[k * w.strides[1] + tap / 3 * w.strides[3] + tap % 3 * w.strides[4]];
  }
  const float* of(int64_t number) const { return data.floats() + number * element; }
};

// y (its grid's image) from x: `from` channels become `to`. Backwards takes the kernels mirrored.
void filter(const Kernels& kernels, bool backward, int64_t batch, int64_t from, int64_t to, const TileGrid& in, const float* x, const Strides& xs,
            const TileGrid& out, float* y, const Strides& ys, const float* bias) {
  const int64_t tiles = batch * in.tiles(), panels = ceil_div(tiles, kPanel), per_panel = kNumbers * kPanel * (from + to);
  const bool many = kNumbers * from * to > kRoom;  // kernels that do not stay in the cache are read for several panels
  const int64_t together = std::clamp<int64_t>(kRoom / per_panel, many ? 2 : 1, 16), tasks = ceil_div(panels, together);
  const auto task = [&](int64_t index) {
    const int64_t begin = index * together * kPanel, end = std::min(tiles, begin + together * kPanel), count = ceil_div(end - begin, kPanel);
    const int64_t v_element = from * kPanel + 16, m_element = to * kPanel + 16, v_panel = kNumbers * v_element, m_panel = kNumbers * m_element;
    Buffer v(static_cast<size_t>(count * v_panel) * sizeof(float)), m(static_cast<size_t>(count * m_panel) * sizeof(float));
    tl::parallel_for(0, from, 4, [&](int64_t b, int64_t e) {
      Buffer room(static_cast<size_t>(room_for(in, end - begin)) * sizeof(float));
      for (int64_t c = b; c < e; ++c)
        winograd_loops().inputs(in, x + c * xs[1], xs[0], begin, end, room.floats(), {v.floats() + c * kPanel, v_panel, v_element});
    });
    tl::parallel_for(0, kNumbers, 1, [&](int64_t b, int64_t e) {
      for (int64_t number = b; number < e; ++number) {
        // Mirrored kernels have the same numbers with the first and the last row, and column, exchanged.
        constexpr int64_t mirror[] = {3, 1, 2, 0};
        const float* u = kernels.of(backward ? 4 * mirror[number / 4] + mirror[number % 4] : number);
        for (int64_t p = 0; p < count; ++p)
          product(false, false, to, kPanel, from, u, kernels.row, v.floats() + p * v_panel + number * v_element, kPanel, 0.f,
                  m.floats() + p * m_panel + number * m_element, kPanel);
      }
    });
    each_channel(to, [&](int64_t c) {
      winograd_loops().outputs(out, {m.floats() + c * kPanel, m_panel, m_element}, begin, end, bias ? bias[c] : 0.f, y + c * ys[1], ys[0]);
    });
  };
  if (tasks >= kTasks) tl::parallel_for(0, tasks, 1, [&](int64_t b, int64_t e) { for (int64_t i = b; i < e; ++i) task(i); });
  else for (int64_t i = 0; i < tasks; ++i) task(i);
}

}  // namespace

bool winograd_forward(const Shape& s, View<const float> x, View<const float> w, const float* bias, View<float> y) {
  if (!suits(s, x.strides, y.strides)) return false;
  filter(Kernels(s, w, false), false, s.batch, s.in_channels, s.out_channels, grid(s.input, s.output, s.padding[1], s.padding[2]), x.data, x.strides,
         grid(s.output, s.output, 0, 0), y.data, y.strides, bias);
  return true;
}

bool winograd_backward_data(const Shape& s, View<const float> dy, View<const float> w, View<float> dx) {
  if (!suits(s, dx.strides, dy.strides)) return false;
  filter(Kernels(s, w, true), true, s.batch, s.out_channels, s.in_channels, grid(s.output, s.input, 2 - s.padding[1], 2 - s.padding[2]), dy.data, dy.strides,
         grid(s.input, s.input, 0, 0), dx.data, dx.strides, nullptr);
  return true;
}

bool winograd_backward_weights(const Shape& s, View<const float> x, View<const float> dy, View<float> dw) {
  if (!suits(s, x.strides, dy.strides)) return false;
  const TileGrid in = grid(s.input, s.output, s.padding[1], s.padding[2]), out = grid(s.output, s.output, 0, 0);
  const int64_t ci = s.in_channels, co = s.out_channels, tiles = s.batch * in.tiles();
  const int64_t wanted = kLong / (kNumbers * (ci + co)) / kPanel * kPanel;
  const int64_t length = std::clamp<int64_t>(wanted, 4 * kPanel, ceil_div(tiles, kPanel) * kPanel), row = length + 16;
  const int64_t v_element = ci * row + 16, g_element = co * row + 16;
  Kernels sums(co, ci);
  Buffer v(static_cast<size_t>(kNumbers * v_element) * sizeof(float)), g(static_cast<size_t>(kNumbers * g_element) * sizeof(float));
  for (int64_t begin = 0; begin < tiles; begin += length) {
    const int64_t end = std::min(tiles, begin + length);
    tl::parallel_for(0, ci + co, 4, [&](int64_t b, int64_t e) {
      Buffer room(static_cast<size_t>(room_for(in, end - begin)) * sizeof(float));
      for (int64_t c = b; c < e; ++c)
        if (c < ci) winograd_loops().inputs(in, x.data + c * x.strides[1], x.strides[0], begin, end, room.floats(), {v.floats() + c * row, kPanel, v_element});
        else
          winograd_loops().gradients(out, dy.data + (c - ci) * dy.strides[1], dy.strides[0], begin, end, room.floats(),
                                     {g.floats() + (c - ci) * row, kPanel, g_element});
    });
    tl::parallel_for(0, kNumbers, 1, [&](int64_t b, int64_t e) {
      for (int64_t number = b; number < e; ++number)
        product(false, true, co, ci, end - begin, g.floats() + number * g_element, row, v.floats() + number * v_element, row, begin ? 1.f : 0.f,
                sums.data.floats() + number * sums.element, sums.row);
    });
  }
  each_channel(co, [&](int64_t o) {
    winograd_loops().kernel_gradients(sums.data.floats() + o * sums.row, sums.element, ci, dw.data + o * dw.strides[0], dw.strides[1], dw.strides[3],
                                      dw.strides[4]);
  });
  return true;
}

}  // namespace tallow_nn::conv
