// Winograd's transforms for 3x3 kernels and tiles of 2x2 outputs: Lavin & Gray, "Fast algorithms for convolutional neural
// networks" (2016), F(2x2, 3x3). A tile of 4x4 inputs becomes 16 numbers, a kernel 16 others; products of the two, summed
// over the channels, become 2x2 outputs: 16 multiplications where the definition has 36.
//
// Tiles lie along vectors: each transform works on neighbouring tiles of one channel.
#pragma once
#include <cstdint>

#include <tallow/loops.hpp>

namespace tallow_nn::conv {

constexpr int64_t kPanel = 32;  // tiles whose numbers lie together: what a matrix product takes at a time

// An image of height x width under rows x columns tiles, which begin `pad_*` above and left of it.
struct TileGrid {
  int64_t rows, columns, height, width, pad_rows, pad_columns;
  int64_t tiles() const { return rows * columns; }
};

// Where the 16 numbers of tile t are: at[t / kPanel * panel + number * element + t % kPanel].
struct Numbers {
  float* at;
  int64_t panel, element;
};

struct WinogradLoops {
  // Of one channel, the tiles [begin, end) counted through all images, which lie `image` elements apart: numbers of tile
  // `begin` + t at place t, and zeros up to the next whole panel. `room` holds room_for(...) elements.
  void (*inputs)(const TileGrid& g, const float* x, int64_t image, int64_t begin, int64_t end, float* room, Numbers to);
  // The same for the gradients of outputs: 2x2 of them become 16 numbers (the transposed transform of `outputs`).
  void (*gradients)(const TileGrid& g, const float* dy, int64_t image, int64_t begin, int64_t end, float* room, Numbers to);
  // 16 numbers of each tile become outputs, plus `bias`.
  void (*outputs)(const TileGrid& g, Numbers from, int64_t begin, int64_t end, float bias, float* y, int64_t image);

  // `count` kernels, of which tap (i, j) of kernel n lies at w[n * kernel + i * row + j * column]: 16 numbers at
  // to[number * element + n]; and back, by the transposed transform.
  void (*kernels)(const float* w, int64_t kernel, int64_t row, int64_t column, int64_t count, float* to, int64_t element);
  void (*kernel_gradients)(const float* from, int64_t element, int64_t count, float* dw, int64_t kernel, int64_t row, int64_t column);
};
TL_LOOPS(WinogradLoops, winograd_loops)

// The rows of pixels under the rows of tiles that `tiles` neighbours can touch, twice: as they are, and cut into even and
// odd places.
inline int64_t room_for(const TileGrid& g, int64_t tiles) {
  const int64_t touched = tiles / g.columns + 2, rows = touched < g.rows ? touched : g.rows;
  return 2 * (2 * rows + 2) * 2 * (g.columns + 1);
}

}  // namespace tallow_nn::conv
