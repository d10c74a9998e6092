// How a convolution is cut into pieces: by images and by blocks of channels, from its shape alone.
#pragma once
#include <algorithm>

#include "conv/conv.hpp"

namespace tallow_nn::conv {

inline int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

struct Cut {
  int64_t extent, size;
  int64_t count() const { return ceil_div(extent, size); }
  int64_t begin(int64_t i) const { return i * size; }
  int64_t length(int64_t i) const { return std::min(size, extent - i * size); }
};

enum class Pass { Forward, BackwardData, BackwardWeights };

struct Pieces {
  Cut images;
  Cut channels;  // of the blocked side: outputs, or inputs for the gradient of the input; groups where there are several
  int64_t count() const { return images.count() * channels.count(); }
};

inline Pieces cut(const Shape& s, Pass pass) {
  constexpr double kPiece = 2e6;  // flops worth a thread's attention
  constexpr int64_t kMost = 16;
  const int64_t wanted = std::clamp<int64_t>(static_cast<int64_t>(s.flops() / kPiece), 1, kMost);
  const bool grouped = s.groups > 1;
  const int64_t channels = grouped ? s.groups : pass == Pass::BackwardData ? s.in_channels : s.out_channels;
  const int64_t per_unit = grouped ? s.out_per_group() : 1;
  // Vector blocks are 16 channels wide; narrower pieces would waste lanes.
  const int64_t narrowest = std::max<int64_t>(1, 64 / per_unit);
  const double weights = static_cast<double>(s.out_channels) * s.in_per_group() * s.kernel_size();
  const double activations = static_cast<double>(s.batch) * (s.in_channels * s.input_size() + s.out_channels * s.output_size());
  // Each block of images reads all weights (and holds a gradient of them), each block of channels reads all images.
  int64_t images = std::min(s.batch, wanted);
  if (weights > activations) images = 1;
  else if (pass == Pass::BackwardWeights) images = std::min<int64_t>(images, std::max<int64_t>(1, static_cast<int64_t>(activations / weights)));
  const int64_t blocks = std::clamp<int64_t>(wanted / images, 1, std::max<int64_t>(1, channels / narrowest));
  int64_t block = ceil_div(channels, blocks);
  if (blocks > 1) block = std::min(channels, ceil_div(block, narrowest / 4 ? narrowest / 4 : 1) * (narrowest / 4 ? narrowest / 4 : 1));
  return {{s.batch, ceil_div(s.batch, images)}, {channels, block}};
}

}  // namespace tallow_nn::conv
