// The three passes of a float convolution: pieces through oneDNN, matrix products where it is one or becomes some, and
// its definition for few channels.
#include <vector>

#include "conv/matmul.hpp"
#include "conv/narrow.hpp"
#include "conv/onednn.hpp"
#include "conv/winograd.hpp"

namespace tallow_nn::conv {
namespace {

template <class T>
T* at(const View<T>& v, int64_t outer, int64_t channel) { return v.data + outer * v.strides[0] + channel * v.strides[1]; }

// Where a piece lies.
struct Place {
  int64_t image, block;       // its numbers
  int64_t first, in, out;     // its first image, input and output channel
  Place(const Plan& plan, int64_t i) : image(i / plan.pieces.channels.count()), block(i % plan.pieces.channels.count()) {
    const Offsets o = offsets(plan.s, plan.pass, plan.pieces.channels.begin(block));
    first = plan.pieces.images.begin(image), in = o.in, out = o.out;
  }
};

// The weights of every block of channels in the layout that the first piece's primitive wants.
class Weights {
 public:
  Weights(const Plan& plan, const View<const float>& w) : data_(plan.pieces.channels.count()), rooms_(data_.size()) {
    each(static_cast<int64_t>(data_.size()), [&](int64_t c) {
      const Offsets o = offsets(plan.s, plan.pass, plan.pieces.channels.begin(c));
      data_[c] = plan.of(0, c).copy_weights.in(at(w, o.out, plan.s.groups > 1 ? 0 : o.in), rooms_[c]);
    });
  }
  const void* of(const Plan& plan, const Place& at, Buffer& room) const {
    const Primitive& prim = plan.of(at.image, at.block);
    return &prim == &plan.of(0, at.block) ? data_[at.block] : prim.copy_weights.in(data_[at.block], room);
  }

 private:
  std::vector<void*> data_;
  std::vector<Buffer> rooms_;
};

// Where a primitive writes a result: to the caller's memory, or to a room of its own that goes there afterwards.
template <class Run>
void write(const Copy& copy, float* to, Run&& f) {
  if (!copy.needed) return f(to);
  Buffer room(copy.from.get_size());
  f(room.get());
  copy(room.get(), to);
}

}  // namespace

void forward(const Shape& s, View<const float> x, View<const float> w, const float* bias, View<float> y) {
  if (s.batch == 0 || s.out_channels == 0 || s.output_size() == 0) return;
  if (s.pointwise() && matmul_forward(s, x, w, bias, y)) return;
  if (winograd_forward(s, x, w, bias, y) || narrow_forward(s, x, w, bias, y)) return;
  const auto plan = conv::plan(s, Pass::Forward, x.strides, w.strides, y.strides, bias != nullptr);
  const Weights blocks(*plan, w);
  each(plan->pieces.count(), [&](int64_t i) {
    const Place place(*plan, i);
    const Primitive& prim = plan->of(place.image, place.block);
    Buffer src_room, w_room;
    const void* src = prim.copy_src.in(at(x, place.first, place.in), src_room);
    const void* weight = blocks.of(*plan, place, w_room);
    write(prim.copy_dst, at(y, place.first, place.out), [&](void* dst) {
      run(prim, {{DNNL_ARG_SRC, prim.src, src}, {DNNL_ARG_WEIGHTS, prim.weights, weight}, {DNNL_ARG_BIAS, prim.bias, bias + place.out},
                 {DNNL_ARG_DST, prim.dst, dst}});
    });
  });
}

void backward_data(const Shape& s, View<const float> dy, View<const float> w, View<float> dx) {
  if (s.batch == 0 || s.in_channels == 0 || s.input_size() == 0) return;
  if (s.pointwise() && matmul_backward_data(s, dy, w, dx)) return;
  if (winograd_backward_data(s, dy, w, dx)) return;
  const auto plan = conv::plan(s, Pass::BackwardData, dx.strides, w.strides, dy.strides, false);
  const Weights blocks(*plan, w);
  each(plan->pieces.count(), [&](int64_t i) {
    const Place place(*plan, i);
    const Primitive& prim = plan->of(place.image, place.block);
    Buffer dst_room, w_room;
    const void* dst = prim.copy_dst.in(at(dy, place.first, place.out), dst_room);
    const void* weight = blocks.of(*plan, place, w_room);
    write(prim.copy_src, at(dx, place.first, place.in), [&](void* src) {
      run(prim, {{DNNL_ARG_DIFF_DST, prim.dst, dst}, {DNNL_ARG_WEIGHTS, prim.weights, weight}, {DNNL_ARG_DIFF_SRC, prim.src, src}});
    });
  });
}

void backward_weights(const Shape& s, View<const float> x, View<const float> dy, View<float> dw) {
  if (s.out_channels == 0) return;
  const int64_t per_output = s.in_per_group() * s.kernel_size();
  if (s.batch == 0 || s.output_size() == 0 || per_output == 0) {
    // No sum has a term. The memory of one output channel's weights is dense in every layout.
    std::fill_n(dw.data, s.out_channels * per_output, 0.f);
    return;
  }
  if (s.pointwise() && matmul_backward_weights(s, x, dy, dw)) return;
  if (winograd_backward_weights(s, x, dy, dw) || narrow_backward_weights(s, x, dy, dw)) return;
  const auto plan = conv::plan(s, Pass::BackwardWeights, x.strides, dw.strides, dy.strides, false);
  const int64_t images = plan->pieces.images.count(), blocks = plan->pieces.channels.count();
  std::vector<Buffer> partial(images * blocks);
  each(images * blocks, [&](int64_t i) {
    const Place place(*plan, i);
    const Primitive& prim = plan->of(place.image, place.block);
    Buffer src_room, dst_room, mine(prim.weights.get_size());
    const void* src = prim.copy_src.in(at(x, place.first, place.in), src_room);
    const void* dst = prim.copy_dst.in(at(dy, place.first, place.out), dst_room);
    run(prim, {{DNNL_ARG_SRC, prim.src, src}, {DNNL_ARG_DIFF_DST, prim.dst, dst}, {DNNL_ARG_DIFF_WEIGHTS, prim.weights, mine.get()}});
    if (&prim != &plan->of(0, place.block) && prim.copy_weights.needed) prim.copy_weights.in(mine.get(), partial[i]);
    else partial[i] = std::move(mine);
  });
  each(blocks, [&](int64_t block) {
    const Primitive& first = plan->of(0, block);
    const Place place(*plan, block);
    float* sum = partial[block].floats();
    const int64_t count = static_cast<int64_t>(first.weights.get_size() / sizeof(float));
    for (int64_t image = 1; image < images; ++image) {
      const float* next = partial[image * blocks + block].floats();
      for (int64_t j = 0; j < count; ++j) sum[j] += next[j];
    }
    float* to = at(dw, place.out, 0);
    if (first.copy_weights.needed) first.copy_weights(sum, to);
    else std::copy_n(sum, count, to);
  });
}

}  // namespace tallow_nn::conv
