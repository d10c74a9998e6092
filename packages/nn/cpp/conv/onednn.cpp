#include "conv/onednn.hpp"

#include <omp.h>

#include <list>
#include <mutex>
#include <unordered_map>

namespace tallow_nn::conv {

using dnnl::memory;

OneThread::OneThread() : before_(omp_get_max_threads()) {
  if (before_ != 1) omp_set_num_threads(1);
}
OneThread::~OneThread() {
  if (before_ != 1) omp_set_num_threads(before_);
}

const dnnl::engine& engine() {
  static const dnnl::engine e(dnnl::engine::kind::cpu, 0);
  return e;
}

namespace {

dnnl::stream& stream() {
  thread_local dnnl::stream s(engine());
  return s;
}

}  // namespace

Buffer::Buffer(size_t bytes) : bytes_(bytes) {
  if (bytes) tl::check(tl::api()->device_alloc({TL_CPU, -1}, bytes, nullptr, &p_));
}
Buffer::~Buffer() {
  if (p_) tl::api()->device_free({TL_CPU, -1}, p_, bytes_, nullptr);
}
Buffer::Buffer(Buffer&& o) noexcept : p_(std::exchange(o.p_, nullptr)), bytes_(std::exchange(o.bytes_, 0)) {}
Buffer& Buffer::operator=(Buffer&& o) noexcept {
  std::swap(p_, o.p_);
  std::swap(bytes_, o.bytes_);
  return *this;
}

Strides contiguous_strides(int64_t, int64_t channels, const Spatial& sp) {
  return {channels * sp[0] * sp[1] * sp[2], sp[0] * sp[1] * sp[2], sp[1] * sp[2], sp[2], 1};
}
Strides channels_last_strides(int64_t, int64_t channels, const Spatial& sp) {
  return {channels * sp[0] * sp[1] * sp[2], 1, sp[1] * sp[2] * channels, sp[2] * channels, channels};
}

namespace {

memory::desc described(memory::dims sizes, memory::dims strides, const Spatial& spatial, const Strides& st, bool flat) {
  for (int d = flat ? 1 : 0; d < 3; ++d) sizes.push_back(spatial[d]), strides.push_back(st[2 + d]);
  // The stride of an extent of 1 says nothing; a canonical one lets equal layouts compare equal.
  for (size_t d = sizes.size(); d-- > 0;)
    if (sizes[d] == 1) {
      int64_t inner = 1;
      for (size_t e = 0; e < sizes.size(); ++e)
        if (e != d && sizes[e] > 1 && (e > d || d == 0)) inner = std::max(inner, strides[e] * sizes[e]);
      strides[d] = inner;
    }
  return memory::desc(sizes, memory::data_type::f32, strides);
}

}  // namespace

memory::desc activation(int64_t n, int64_t channels, const Spatial& spatial, const Strides& st, bool flat) {
  return described({n, channels}, {st[0], st[1]}, spatial, st, flat);
}
memory::desc weights(const Shape& s, const Strides& st, bool flat) {
  if (s.groups == 1) return described({s.out_channels, s.in_channels}, {st[0], st[1]}, s.kernel, st, flat);
  return described({s.groups, s.out_per_group(), s.in_per_group()}, {st[0] * s.out_per_group(), st[0], st[1]}, s.kernel, st, flat);
}

// ---------------------------------------------------------------- copies between layouts
Copy::Copy(const memory::desc& from, const memory::desc& to) : from(from), to(to), needed(!(from == to)) {
  if (needed) run = dnnl::reorder(dnnl::reorder::primitive_desc(engine(), from, engine(), to));
}
void Copy::operator()(const void* src, void* dst) const {
  memory a(from, engine(), const_cast<void*>(src)), b(to, engine(), dst);
  run.execute(stream(), a, b);
}
void* Copy::in(const void* src, Buffer& room) const {
  if (!needed) return const_cast<void*>(src);
  room = Buffer(to.get_size());
  (*this)(src, room.get());
  return room.get();
}

// ---------------------------------------------------------------- primitives
void run(const Primitive& p, std::initializer_list<Argument> arguments) {
  std::unordered_map<int, memory> map;
  map.reserve(8);
  for (const Argument& a : arguments)
    if (a.layout.get_size()) map.emplace(a.name, memory(a.layout, engine(), const_cast<void*>(a.data)));
  Buffer scratch(p.scratch.get_size());
  if (scratch.get()) map.emplace(DNNL_ARG_SCRATCHPAD, memory(p.scratch, engine(), scratch.get()));
  p.run.execute(stream(), map);
}

namespace {

memory::dims dims(std::initializer_list<int64_t> outer, const Spatial& spatial, bool flat) {
  memory::dims d(outer);
  for (int i = flat ? 1 : 0; i < 3; ++i) d.push_back(spatial[i]);
  return d;
}

// channels_last keeps the activations in that layout; otherwise oneDNN chooses.
std::unique_ptr<Primitive> build(const Shape& s, Pass pass, bool channels_last, bool with_bias) {
  using Tag = memory::format_tag;
  const bool two = flat(s);
  const auto f32 = memory::data_type::f32;
  // The gradient of an input of few channels wastes most of a vector in blocked layouts.
  const bool narrow = pass == Pass::BackwardData && s.in_channels <= 4;
  // Between a few channels and a vector of them, padding to blocks costs more than strided access.
  channels_last |= pass == Pass::BackwardWeights && s.in_channels > 4 && s.in_channels < 16;
  const Tag layout = narrow ? (two ? Tag::nchw : Tag::ncdhw) : channels_last ? (two ? Tag::nhwc : Tag::ndhwc) : Tag::any;
  const memory::desc src(dims({s.batch, s.in_channels}, s.input, two), f32, layout);
  const memory::desc dst(dims({s.batch, s.out_channels}, s.output, two), f32, layout);
  const memory::desc w(s.groups == 1 ? dims({s.out_channels, s.in_channels}, s.kernel, two)
                                     : dims({s.groups, s.out_per_group(), s.in_per_group()}, s.kernel, two), f32, Tag::any);
  const memory::desc bias = with_bias ? memory::desc({s.out_channels}, f32, Tag::a) : memory::desc();
  Spatial dilation, high;
  for (int d = 0; d < 3; ++d) {
    dilation[d] = s.dilation[d] - 1;
    high[d] = (s.output[d] - 1) * s.stride[d] + dilation[d] * (s.kernel[d] - 1) + s.kernel[d] - s.input[d] - s.padding[d];
  }
  const memory::dims st = dims({}, s.stride, two), dil = dims({}, dilation, two), lo = dims({}, s.padding, two), hi = dims({}, high, two);
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  const auto algorithm = dnnl::algorithm::convolution_direct;
  const auto fwd = [&](dnnl::prop_kind kind, const memory::desc& b) {
    return b ? dnnl::convolution_forward::primitive_desc(engine(), kind, algorithm, src, w, b, dst, st, dil, lo, hi, attr)
             : dnnl::convolution_forward::primitive_desc(engine(), kind, algorithm, src, w, dst, st, dil, lo, hi, attr);
  };
  const auto make = [](const dnnl::primitive& p, const memory::desc& src, const memory::desc& weights, const memory::desc& bias,
                       const memory::desc& dst, const memory::desc& scratch) {
    auto r = std::make_unique<Primitive>();
    r->run = p, r->src = src, r->weights = weights, r->bias = bias, r->dst = dst, r->scratch = scratch;
    return r;
  };
  switch (pass) {
    case Pass::Forward: {
      // The two kinds differ only in which kernels they consider first: for narrow channels the older ones are faster.
      const bool thin = s.in_channels < 16 || s.groups > 1;
      const auto pd = fwd(thin ? dnnl::prop_kind::forward_training : dnnl::prop_kind::forward_inference, bias);
      return make(dnnl::convolution_forward(pd), pd.src_desc(), pd.weights_desc(), pd.bias_desc(), pd.dst_desc(), pd.scratchpad_desc());
    }
    case Pass::BackwardData: {
      const auto hint = fwd(dnnl::prop_kind::forward_training, memory::desc());
      const dnnl::convolution_backward_data::primitive_desc pd(engine(), algorithm, src, w, dst, st, dil, lo, hi, hint, attr);
      return make(dnnl::convolution_backward_data(pd), pd.diff_src_desc(), pd.weights_desc(), {}, pd.diff_dst_desc(), pd.scratchpad_desc());
    }
    default: {
      const auto hint = fwd(dnnl::prop_kind::forward_training, memory::desc());
      const dnnl::convolution_backward_weights::primitive_desc pd(engine(), algorithm, src, w, dst, st, dil, lo, hi, hint, attr);
      return make(dnnl::convolution_backward_weights(pd), pd.src_desc(), pd.diff_weights_desc(), {}, pd.diff_dst_desc(), pd.scratchpad_desc());
    }
  }
}

bool is_channels_last(const Strides& st, int64_t channels) { return channels > 1 && st[1] == 1; }

using Key = std::vector<int64_t>;
struct KeyHash {
  size_t operator()(const Key& k) const {
    uint64_t h = 0x9e3779b97f4a7c15ull;
    for (int64_t v : k) h = (h ^ static_cast<uint64_t>(v)) * 0xff51afd7ed558ccdull, h ^= h >> 29;
    return static_cast<size_t>(h);
  }
};

// The most recently used values, by key. Values are built outside the lock.
template <class Value>
class Cache {
 public:
  template <class Make>
  std::shared_ptr<const Value> get(const Key& key, Make&& make) {
    {
      std::lock_guard lock(mutex_);
      if (auto it = index_.find(key); it != index_.end()) {
        order_.splice(order_.begin(), order_, it->second);
        return it->second->second;
      }
    }
    std::shared_ptr<const Value> made = make();
    std::lock_guard lock(mutex_);
    if (auto it = index_.find(key); it != index_.end()) return it->second->second;
    order_.emplace_front(key, made);
    index_[key] = order_.begin();
    if (order_.size() > kMost) {
      index_.erase(order_.back().first);
      order_.pop_back();
    }
    return made;
  }

 private:
  static constexpr size_t kMost = 512;
  using Entry = std::pair<Key, std::shared_ptr<const Value>>;
  std::mutex mutex_;
  std::list<Entry> order_;
  std::unordered_map<Key, typename std::list<Entry>::iterator, KeyHash> index_;
};

}  // namespace

Shape Plan::piece(int64_t image, int64_t block) const {
  Shape p = s;
  p.batch = pieces.images.length(image);
  const int64_t channels = pieces.channels.length(block);
  if (s.groups > 1) p.groups = channels, p.in_channels = channels * s.in_per_group(), p.out_channels = channels * s.out_per_group();
  else (pass == Pass::BackwardData ? p.in_channels : p.out_channels) = channels;
  return p;
}

Plan::Plan(const Shape& shape, Pass pass, const Strides& x, const Strides& w, const Strides& y, bool with_bias)
    : s(shape), pass(pass), pieces(cut(shape, pass)) {
  const bool two = flat(s), last = is_channels_last(x, s.in_channels) || is_channels_last(y, s.out_channels);
  OneThread one;
  for (int64_t i : {int64_t{0}, pieces.images.count() - 1})
    for (int64_t c : {int64_t{0}, pieces.channels.count() - 1}) {
      auto& slot = primitives_[short_images(i)][short_block(c)];
      if (slot) continue;
      const Shape p = piece(i, c);
      slot = build(p, pass, last, with_bias);
      const memory::desc src = activation(p.batch, p.in_channels, p.input, x, two), dst = activation(p.batch, p.out_channels, p.output, y, two);
      const memory::desc weight = weights(p, w, two);
      const bool from_src = pass != Pass::BackwardData, from_weights = pass != Pass::BackwardWeights, to_dst = pass == Pass::Forward;
      slot->copy_src = from_src ? Copy(src, slot->src) : Copy(slot->src, src);
      slot->copy_dst = to_dst ? Copy(slot->dst, dst) : Copy(dst, slot->dst);
      // Blocks share the weights and the sums of the first piece, whatever its number of images.
      const Primitive& first = of(0, c);
      slot->copy_weights = &first == slot.get() ? (from_weights ? Copy(weight, slot->weights) : Copy(slot->weights, weight))
                           : from_weights       ? Copy(first.weights, slot->weights)
                                                : Copy(slot->weights, first.weights);
    }
}

std::shared_ptr<const Plan> plan(const Shape& s, Pass pass, const Strides& x, const Strides& w, const Strides& y, bool with_bias) {
  static Cache<Plan>& cache = *new Cache<Plan>;
  Key key{s.batch, s.in_channels, s.out_channels, s.groups, static_cast<int64_t>(pass) * 2 + with_bias};
  for (const Spatial& v : {s.input, s.kernel, s.output, s.stride, s.dilation, s.padding}) key.insert(key.end(), v.begin(), v.end());
  for (const Strides& v : {x, w, y}) key.insert(key.end(), v.begin(), v.end());
  return cache.get(key, [&] {
    try {
      return std::make_shared<const Plan>(s, pass, x, w, y, with_bias);
    } catch (const dnnl::error& e) {
      throw tl::Error(TL_RUNTIME_ERROR, std::string("convolution: oneDNN has no implementation for this problem: ") + e.what());
    }
  });
}

}  // namespace tallow_nn::conv
