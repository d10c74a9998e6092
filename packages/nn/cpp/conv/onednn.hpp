// oneDNN as single-threaded primitives that run inside our own pieces.
#pragma once
#include <dnnl.hpp>

#include <memory>

#include <tallow/tallow.hpp>

#include "conv/pieces.hpp"

namespace tallow_nn::conv {

// A primitive is built for, and runs on, the number of threads that OpenMP would give it: one, inside this scope.
class OneThread {
 public:
  OneThread();
  ~OneThread();
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int before_;
};

const dnnl::engine& engine();

// Memory from the core's allocator.
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(size_t bytes);
  ~Buffer();
  Buffer(Buffer&& o) noexcept;
  Buffer& operator=(Buffer&& o) noexcept;
  void* get() const { return p_; }
  float* floats() const { return static_cast<float*>(p_); }

 private:
  void* p_ = nullptr;
  size_t bytes_ = 0;
};

// One primitive for pieces of one size, with the layouts it chose.
struct Primitive {
  dnnl::primitive run;
  dnnl::memory::desc src, weights, bias, dst, scratch;  // for gradients: of what they are gradients of
};

// `s` is the shape of one piece. channels_last keeps the activations in the caller's layout; otherwise oneDNN chooses.
std::shared_ptr<const Primitive> primitive(const Shape& s, Pass pass, bool channels_last, bool with_bias);

// Descriptors of the caller's memory.
dnnl::memory::desc activation(int64_t n, int64_t channels, const Spatial& spatial, const Strides& strides, bool flat);
dnnl::memory::desc weights(const Shape& s, const Strides& strides, bool flat);

// Copies between layouts, on this thread; both may be the same, then nothing happens and false returns.
void reorder(const dnnl::memory::desc& from, const void* src, const dnnl::memory::desc& to, void* dst);

// `data` as `to` wants it: itself, or a copy in `room`.
inline void* in_layout(const dnnl::memory::desc& from, const void* data, const dnnl::memory::desc& to, Buffer& room) {
  if (from == to) return const_cast<void*>(data);
  room = Buffer(to.get_size());
  reorder(from, data, to, room.get());
  return room.get();
}

// Problems with no depth run in two dimensions.
inline bool flat(const Shape& s) { return s.input[0] == 1 && s.kernel[0] == 1 && s.output[0] == 1 && s.padding[0] == 0; }

// The piece's own shape.
inline Shape piece_of(const Shape& s, Pass pass, int64_t images, int64_t channels) {
  Shape p = s;
  p.batch = images;
  if (s.groups > 1) p.groups = channels, p.in_channels = channels * s.in_per_group(), p.out_channels = channels * s.out_per_group();
  else (pass == Pass::BackwardData ? p.in_channels : p.out_channels) = channels;
  return p;
}

// Where a piece's channels begin on both sides and in the weights.
struct Offsets {
  int64_t in, out;
};
inline Offsets offsets(const Shape& s, Pass pass, int64_t channel) {
  if (s.groups > 1) return {channel * s.in_per_group(), channel * s.out_per_group()};
  return pass == Pass::BackwardData ? Offsets{channel, 0} : Offsets{0, channel};
}

// Calls f(0) .. f(n-1) on the pool; errors of oneDNN become ours.
template <class F>
void each(int64_t n, F&& f) {
  tl::parallel_for(0, n, 1, [&](int64_t begin, int64_t end) {
    OneThread one;
    try {
      for (int64_t i = begin; i < end; ++i) f(i);
    } catch (const dnnl::error& e) {
      throw tl::Error(e.status == dnnl_out_of_memory ? TL_OUT_OF_MEMORY_ERROR : TL_RUNTIME_ERROR, std::string("convolution: oneDNN: ") + e.what());
    }
  });
}

}  // namespace tallow_nn::conv
