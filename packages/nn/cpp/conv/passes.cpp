// The three passes of a float convolution: pieces through oneDNN, or matrix products where it is one.
#include <vector>

#include "conv/matmul.hpp"
#include "conv/onednn.hpp"

namespace tallow_nn::conv {
namespace {

using dnnl::memory;

bool is_channels_last(const Strides& st, int64_t channels) { return channels > 1 && st[1] == 1; }

template <class T>
T* at(const View<T>& v, int64_t outer, int64_t channel) { return v.data + outer * v.strides[0] + channel * v.strides[1]; }

struct Arguments {
  std::unordered_map<int, memory> map;
  Buffer scratch;
  void add(int name, const memory::desc& d, const void* p) {
    if (d.get_size()) map.emplace(name, memory(d, engine(), const_cast<void*>(p)));
  }
  void run(const Primitive& p) {
    if (p.scratch.get_size()) {
      scratch = Buffer(p.scratch.get_size());
      add(DNNL_ARG_SCRATCHPAD, p.scratch, scratch.get());
    }
    static thread_local dnnl::stream stream(engine());
    p.run.execute(stream, map);
  }
};

// The pieces of a pass, with a primitive for each size that occurs (the last block of a cut may be shorter).
struct Plan {
  const Shape& s;
  Pass pass;
  Pieces pieces;
  bool flat_;
  std::shared_ptr<const Primitive> primitives[2][2];

  Plan(const Shape& shape, Pass p, bool channels_last, bool with_bias) : s(shape), pass(p), pieces(cut(shape, p)), flat_(flat(shape)) {
    for (int64_t i : {int64_t{0}, pieces.images.count() - 1})
      for (int64_t c : {int64_t{0}, pieces.channels.count() - 1}) {
        auto& slot = primitives[pieces.images.length(i) != pieces.images.size][pieces.channels.length(c) != pieces.channels.size];
        if (!slot) slot = primitive(piece(i, c), pass, channels_last, with_bias);
      }
  }
  Shape piece(int64_t image, int64_t channel) const { return piece_of(s, pass, pieces.images.length(image), pieces.channels.length(channel)); }
  const Primitive& of(int64_t image, int64_t channel) const {
    return *primitives[pieces.images.length(image) != pieces.images.size][pieces.channels.length(channel) != pieces.channels.size];
  }
};

// The weights of every block of channels in the layout that its primitive wants.
class Weights {
 public:
  Weights(const Plan& plan, const View<const float>& w) : data_(plan.pieces.channels.count()), rooms_(data_.size()) {
    each(static_cast<int64_t>(data_.size()), [&](int64_t c) {
      const Shape p = plan.piece(0, c);
      const Offsets o = offsets(plan.s, plan.pass, plan.pieces.channels.begin(c));
      const float* from = plan.s.groups > 1 ? at(w, o.out, 0) : at(w, o.out, o.in);
      data_[c] = in_layout(weights(p, w.strides, plan.flat_), from, plan.of(0, c).weights, rooms_[c]);
      // Pieces of another number of images may want another layout; they reorder for themselves.
    });
  }
  const void* block(int64_t c) const { return data_[c]; }

 private:
  std::vector<void*> data_;
  std::vector<Buffer> rooms_;
};

}  // namespace

void forward(const Shape& s, View<const float> x, View<const float> w, const float* bias, View<float> y) {
  if (s.batch == 0 || s.out_channels == 0 || s.output_size() == 0) return;
  if (s.pointwise() && matmul_forward(s, x, w, bias, y)) return;
  const Plan plan(s, Pass::Forward, is_channels_last(x.strides, s.in_channels) || is_channels_last(y.strides, s.out_channels), bias != nullptr);
  const Weights blocks(plan, w);
  const Pieces& pieces = plan.pieces;
  each(pieces.count(), [&](int64_t i) {
    const int64_t image = i / pieces.channels.count(), block = i % pieces.channels.count();
    const Primitive& prim = plan.of(image, block);
    const Shape p = plan.piece(image, block);
    const Offsets o = offsets(s, Pass::Forward, pieces.channels.begin(block));
    const int64_t n = pieces.images.begin(image);
    Buffer src_room, dst_room, w_room;
    Arguments args;
    args.add(DNNL_ARG_SRC, prim.src, in_layout(activation(p.batch, p.in_channels, p.input, x.strides, plan.flat_), at(x, n, o.in), prim.src, src_room));
    args.add(DNNL_ARG_WEIGHTS, prim.weights, in_layout(plan.of(0, block).weights, blocks.block(block), prim.weights, w_room));
    if (bias) args.add(DNNL_ARG_BIAS, prim.bias, bias + o.out);
    const memory::desc out = activation(p.batch, p.out_channels, p.output, y.strides, plan.flat_);
    float* to = at(y, n, o.out);
    if (out == prim.dst) {
      args.add(DNNL_ARG_DST, prim.dst, to);
      args.run(prim);
    } else {
      dst_room = Buffer(prim.dst.get_size());
      args.add(DNNL_ARG_DST, prim.dst, dst_room.get());
      args.run(prim);
      reorder(prim.dst, dst_room.get(), out, to);
    }
  });
}

void backward_data(const Shape& s, View<const float> dy, View<const float> w, View<float> dx) {
  if (s.batch == 0 || s.in_channels == 0 || s.input_size() == 0) return;
  if (s.pointwise() && matmul_backward_data(s, dy, w, dx)) return;
  const Plan plan(s, Pass::BackwardData, is_channels_last(dx.strides, s.in_channels) || is_channels_last(dy.strides, s.out_channels), false);
  const Weights blocks(plan, w);
  const Pieces& pieces = plan.pieces;
  each(pieces.count(), [&](int64_t i) {
    const int64_t image = i / pieces.channels.count(), block = i % pieces.channels.count();
    const Primitive& prim = plan.of(image, block);
    const Shape p = plan.piece(image, block);
    const Offsets o = offsets(s, Pass::BackwardData, pieces.channels.begin(block));
    const int64_t n = pieces.images.begin(image);
    Buffer dst_room, src_room, w_room;
    Arguments args;
    args.add(DNNL_ARG_DIFF_DST, prim.dst, in_layout(activation(p.batch, p.out_channels, p.output, dy.strides, plan.flat_), at(dy, n, o.out), prim.dst, dst_room));
    args.add(DNNL_ARG_WEIGHTS, prim.weights, in_layout(plan.of(0, block).weights, blocks.block(block), prim.weights, w_room));
    const memory::desc out = activation(p.batch, p.in_channels, p.input, dx.strides, plan.flat_);
    float* to = at(dx, n, o.in);
    if (out == prim.src) {
      args.add(DNNL_ARG_DIFF_SRC, prim.src, to);
      args.run(prim);
    } else {
      src_room = Buffer(prim.src.get_size());
      args.add(DNNL_ARG_DIFF_SRC, prim.src, src_room.get());
      args.run(prim);
      reorder(prim.src, src_room.get(), out, to);
    }
  });
}

void backward_weights(const Shape& s, View<const float> x, View<const float> dy, View<float> dw, float* db) {
  if (s.out_channels == 0) return;
  const int64_t per_output = s.in_per_group() * s.kernel_size();
  if (s.batch == 0 || s.output_size() == 0 || per_output == 0) {
    for (int64_t o = 0; o < s.out_channels; ++o) {
      if (db) db[o] = 0;
      std::fill_n(dw.data + o * dw.strides[0], per_output, 0.f);
    }
    return;
  }
  if (s.pointwise() && matmul_backward_weights(s, x, dy, dw, db)) return;
  const Plan plan(s, Pass::BackwardWeights, is_channels_last(x.strides, s.in_channels) || is_channels_last(dy.strides, s.out_channels), db != nullptr);
  const Pieces& pieces = plan.pieces;
  const int64_t images = pieces.images.count(), blocks = pieces.channels.count();
  std::vector<Buffer> partial(pieces.count()), partial_bias(db ? pieces.count() : 0);
  const memory::desc plain_bias({1}, memory::data_type::f32, memory::format_tag::a);
  each(pieces.count(), [&](int64_t i) {
    const int64_t image = i / blocks, block = i % blocks;
    const Primitive& prim = plan.of(image, block);
    const Primitive& first = plan.of(0, block);
    const Shape p = plan.piece(image, block);
    const Offsets o = offsets(s, Pass::BackwardWeights, pieces.channels.begin(block));
    const int64_t n = pieces.images.begin(image);
    Buffer src_room, dst_room;
    Arguments args;
    args.add(DNNL_ARG_SRC, prim.src, in_layout(activation(p.batch, p.in_channels, p.input, x.strides, plan.flat_), at(x, n, o.in), prim.src, src_room));
    args.add(DNNL_ARG_DIFF_DST, prim.dst, in_layout(activation(p.batch, p.out_channels, p.output, dy.strides, plan.flat_), at(dy, n, o.out), prim.dst, dst_room));
    Buffer mine(prim.weights.get_size());
    args.add(DNNL_ARG_DIFF_WEIGHTS, prim.weights, mine.get());
    if (db) {
      partial_bias[i] = Buffer(prim.bias.get_size());
      args.add(DNNL_ARG_DIFF_BIAS, prim.bias, partial_bias[i].get());
    }
    args.run(prim);
    // All partial sums of a block in one layout, so that they can be added as they lie.
    if (prim.weights == first.weights) {
      partial[i] = std::move(mine);
    } else {
      partial[i] = Buffer(first.weights.get_size());
      reorder(prim.weights, mine.get(), first.weights, partial[i].get());
    }
  });
  each(blocks, [&](int64_t block) {
    const Primitive& first = plan.of(0, block);
    const Shape p = plan.piece(0, block);
    const Offsets o = offsets(s, Pass::BackwardWeights, pieces.channels.begin(block));
    float* sum = partial[block].floats();
    const int64_t count = static_cast<int64_t>(first.weights.get_size() / sizeof(float));
    for (int64_t image = 1; image < images; ++image) {
      const float* next = partial[image * blocks + block].floats();
      for (int64_t j = 0; j < count; ++j) sum[j] += next[j];
    }
    reorder(first.weights, sum, weights(p, dw.strides, plan.flat_), at(dw, o.out, 0));
    if (db)
      for (int64_t c = 0; c < p.out_channels; ++c) {
        float total = partial_bias[block].floats()[c];
        for (int64_t image = 1; image < images; ++image) total += partial_bias[image * blocks + block].floats()[c];
        db[o.out + c] = total;
      }
  });
}

}  // namespace tallow_nn::conv
