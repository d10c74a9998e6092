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
namespace {

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
    auto made = std::make_shared<const Value>(make());
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
  static constexpr size_t kMost = 1024;
  using Entry = std::pair<Key, std::shared_ptr<const Value>>;
  std::mutex mutex_;
  std::list<Entry> order_;
  std::unordered_map<Key, typename std::list<Entry>::iterator, KeyHash> index_;
};

void append(Key& key, const memory::desc& d) {
  for (int64_t v : d.get_dims()) key.push_back(v);
  for (int64_t v : d.get_padded_dims()) key.push_back(v);
  for (int64_t v : d.get_strides()) key.push_back(v);
  for (int64_t v : d.get_inner_blks()) key.push_back(v);
  for (int64_t v : d.get_inner_idxs()) key.push_back(v);
}

}  // namespace

void reorder(const memory::desc& from, const void* src, const memory::desc& to, void* dst) {
  static Cache<dnnl::reorder>& cache = *new Cache<dnnl::reorder>;
  Key key;
  key.reserve(64);
  append(key, from);
  append(key, to);
  const auto run = cache.get(key, [&] { return dnnl::reorder(dnnl::reorder::primitive_desc(engine(), from, engine(), to)); });
  memory a(from, engine(), const_cast<void*>(src)), b(to, engine(), dst);
  run->execute(stream(), a, b);
}

// ---------------------------------------------------------------- primitives
namespace {

memory::dims dims(std::initializer_list<int64_t> outer, const Spatial& spatial, bool flat) {
  memory::dims d(outer);
  for (int i = flat ? 1 : 0; i < 3; ++i) d.push_back(spatial[i]);
  return d;
}

Primitive build(const Shape& s, Pass pass, bool channels_last, bool with_bias) {
  using Tag = memory::format_tag;
  const bool two = flat(s);
  const auto f32 = memory::data_type::f32;
  // The gradient of an input of few channels wastes most of a vector in blocked layouts.
  const bool narrow = pass == Pass::BackwardData && s.in_per_group() < 8 && s.groups == 1;
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
  switch (pass) {
    case Pass::Forward: {
      const auto pd = fwd(dnnl::prop_kind::forward_inference, bias);
      return {dnnl::convolution_forward(pd), pd.src_desc(), pd.weights_desc(), pd.bias_desc(), pd.dst_desc(), pd.scratchpad_desc()};
    }
    case Pass::BackwardData: {
      const auto hint = fwd(dnnl::prop_kind::forward_training, memory::desc());
      const dnnl::convolution_backward_data::primitive_desc pd(engine(), algorithm, src, w, dst, st, dil, lo, hi, hint, attr);
      return {dnnl::convolution_backward_data(pd), pd.diff_src_desc(), pd.weights_desc(), {}, pd.diff_dst_desc(), pd.scratchpad_desc()};
    }
    default: {
      const auto hint = fwd(dnnl::prop_kind::forward_training, memory::desc());
      using Desc = dnnl::convolution_backward_weights::primitive_desc;
      const Desc pd = bias ? Desc(engine(), algorithm, src, w, bias, dst, st, dil, lo, hi, hint, attr)
                           : Desc(engine(), algorithm, src, w, dst, st, dil, lo, hi, hint, attr);
      return {dnnl::convolution_backward_weights(pd), pd.src_desc(), pd.diff_weights_desc(), pd.diff_bias_desc(), pd.diff_dst_desc(),
              pd.scratchpad_desc()};
    }
  }
}

}  // namespace

std::shared_ptr<const Primitive> primitive(const Shape& s, Pass pass, bool channels_last, bool with_bias) {
  static Cache<Primitive>& cache = *new Cache<Primitive>;
  Key key{s.batch, s.in_channels, s.out_channels, s.groups, static_cast<int64_t>(pass) * 4 + channels_last * 2 + with_bias};
  for (const Spatial& v : {s.input, s.kernel, s.output, s.stride, s.dilation, s.padding}) key.insert(key.end(), v.begin(), v.end());
  return cache.get(key, [&] {
    OneThread one;
    try {
      return build(s, pass, channels_last, with_bias);
    } catch (const dnnl::error& e) {
      throw tl::Error(TL_RUNTIME_ERROR, std::string("convolution: oneDNN has no implementation for this problem: ") + e.what());
    }
  });
}

}  // namespace tallow_nn::conv
