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

// A copy between two layouts; where they are the same, the memory itself serves.
struct Copy {
  dnnl::memory::desc from, to;
  dnnl::reorder run;
  bool needed = false;
  Copy() = default;
  Copy(const dnnl::memory::desc& from, const dnnl::memory::desc& to);
  void operator()(const void* src, void* dst) const;
  void* in(const void* src, Buffer& room) const;  // src in layout `to`, in `room` if need be
};

// One primitive for pieces of one size, and the way from and to the caller's layouts. For gradients the descriptors are
// those of the gradients.
struct Primitive {
  dnnl::primitive run;
  dnnl::memory::desc src, weights, bias, dst, scratch;
  Copy copy_src, copy_weights, copy_dst;  // for results: from the primitive's layout to the caller's
};

// The pieces of a pass over one problem, with a primitive for each size that occurs.
class Plan {
 public:
  Plan(const Shape& s, Pass pass, const Strides& x, const Strides& w, const Strides& y, bool with_bias);

  const Shape s;
  const Pass pass;
  const Pieces pieces;

  Shape piece(int64_t image, int64_t block) const;
  const Primitive& of(int64_t image, int64_t block) const { return *primitives_[short_images(image)][short_block(block)]; }

 private:
  bool short_images(int64_t i) const { return pieces.images.length(i) != pieces.images.size; }
  bool short_block(int64_t c) const { return pieces.channels.length(c) != pieces.channels.size; }
  std::unique_ptr<Primitive> primitives_[2][2];
};

// Plans are kept: building one compiles machine code.
std::shared_ptr<const Plan> plan(const Shape& s, Pass pass, const Strides& x, const Strides& w, const Strides& y, bool with_bias);

// Runs a primitive on this thread. An argument of no size is left out.
struct Argument {
  int name;
  const dnnl::memory::desc& layout;
  const void* data;
};
void run(const Primitive& p, std::initializer_list<Argument> arguments);

// Problems with no depth run in two dimensions.
inline bool flat(const Shape& s) { return s.input[0] == 1 && s.kernel[0] == 1 && s.output[0] == 1 && s.padding[0] == 0; }

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
