// One optimizer step over all parameters: their elements form one index space that is cut for the threads, so many
// small tensors cost as little as one large one.
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <string>

#include <tallow/tallow.hpp>

#include "steps.hpp"
#include "updates.hpp"

namespace tallow_optim {

#define TL_DECLARE(isa)                  \
  namespace isa {                        \
  Updates<float> float_updates();        \
  Updates<double> double_updates();      \
  }
TL_DECLARE(baseline)
#if defined(__x86_64__)
TL_DECLARE(avx2)
TL_DECLARE(avx512)
#endif
#undef TL_DECLARE

namespace {

int isa_level() {
  static const int level = [] {
    int best = 0;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) best = 1;
    if (best && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl"))
      best = 2;
    const char* wish = std::getenv("TALLOW_ISA");
    if (wish && !std::strcmp(wish, "baseline")) best = 0;
    if (wish && !std::strcmp(wish, "avx2") && best > 1) best = 1;
#endif
    return best;
  }();
  return level;
}

}  // namespace

template <> const Updates<float>& updates<float>() {
  static const Updates<float> u =
#if defined(__x86_64__)
      isa_level() == 2 ? avx512::float_updates() : isa_level() == 1 ? avx2::float_updates() :
#endif
                                                                    baseline::float_updates();
  return u;
}
template <> const Updates<double>& updates<double>() {
  static const Updates<double> u =
#if defined(__x86_64__)
      isa_level() == 2 ? avx512::double_updates() : isa_level() == 1 ? avx2::double_updates() :
#endif
                                                                     baseline::double_updates();
  return u;
}

namespace {

constexpr int64_t kGrain = 65536;

// The tensors of one parameter: itself, its gradient, its state.
struct Parameter {
  TlDtype dtype;
  int64_t numel;
  void* data[5] = {};
  size_t setting = 0;  // which settings apply (Adam's depend on the parameter's step)
};

void* checked(const char* op, const char* what, size_t i, TlTensor t, const TlTensorInfo& param, bool write) {
  TlTensorInfo info;
  info.struct_size = sizeof info;
  tl::api()->tensor_info(t, &info);
  auto fail = [&](const std::string& why) {
    throw tl::Error(TL_RUNTIME_ERROR, std::string(op) + ": " + what + "[" + std::to_string(i) + "] " + why);
  };
  const tl::Sizes sizes(info.sizes, static_cast<size_t>(info.ndim)), wanted(param.sizes, static_cast<size_t>(param.ndim));
  if (info.numel != param.numel || !std::equal(sizes.begin(), sizes.end(), wanted.begin(), wanted.end()))
    fail("has shape " + tl::to_string(sizes) + ", its parameter " + tl::to_string(wanted));
  if (info.dtype != param.dtype) fail("has another dtype than its parameter");
  if (info.device.type != TL_CPU) fail("is not on the CPU");
  // Any dense layout will do, as long as all of a parameter's tensors have the same one.
  if (!(info.flags & param.flags & TL_TENSOR_CONTIGUOUS) && !std::equal(info.strides, info.strides + info.ndim, param.strides))
    fail("is laid out differently than its parameter");
  if (write) tl::api()->tensor_bump_version(t);
  return info.data;
}

using Lists = std::vector<std::pair<const char*, std::span<const TlTensor>>>;

std::vector<Parameter> gather(const char* op, std::span<const TlTensor> params, const Lists& lists, bool grads_first) {
  std::vector<Parameter> out(params.size());
  for (const auto& [name, list] : lists)
    if (!list.empty() && list.size() != params.size())
      throw tl::Error(TL_RUNTIME_ERROR, std::string(op) + ": " + std::to_string(params.size()) + " params but " + std::to_string(list.size()) + " " + name);
  for (size_t i = 0; i < params.size(); ++i) {
    TlTensorInfo info;
    info.struct_size = sizeof info;
    tl::api()->tensor_info(params[i], &info);
    if (info.dtype != TL_FLOAT32 && info.dtype != TL_FLOAT64)
      throw tl::Error(TL_TYPE_ERROR, std::string(op) + ": params[" + std::to_string(i) + "] must be float32 or float64");
    if (info.device.type != TL_CPU) throw tl::Error(TL_RUNTIME_ERROR, std::string(op) + ": params[" + std::to_string(i) + "] is not on the CPU");
    // Dense: the elements span exactly numel places.
    int64_t last = 0;
    for (int64_t d = 0; d < info.ndim; ++d) last += (info.sizes[d] - 1) * info.strides[d];
    if (info.numel && last + 1 != info.numel)
      throw tl::Error(TL_RUNTIME_ERROR, std::string(op) + ": params[" + std::to_string(i) + "] has gaps or overlaps in memory");
    Parameter& p = out[i];
    p.dtype = info.dtype, p.numel = info.numel, p.data[0] = info.data;
    tl::api()->tensor_bump_version(params[i]);
    for (size_t k = 0; k < lists.size(); ++k)
      if (!lists[k].second.empty() && lists[k].second[i])
        p.data[k + 1] = checked(op, lists[k].first, i, lists[k].second[i], info, k > 0 || !grads_first);
  }
  return out;
}

// f(parameter, first, count) over all elements.
template <class F>
void for_each_piece(const std::vector<Parameter>& ps, F f) {
  std::vector<int64_t> starts(ps.size() + 1);
  for (size_t i = 0; i < ps.size(); ++i) starts[i + 1] = starts[i] + ps[i].numel;
  tl::parallel_for(0, starts.back(), kGrain, [&](int64_t b, int64_t e) {
    size_t i = static_cast<size_t>(std::upper_bound(starts.begin(), starts.end(), b) - starts.begin()) - 1;
    for (; b < e; ++i) {
      const int64_t stop = std::min(e, starts[i + 1]);
      if (stop > b) f(ps[i], b - starts[i], stop - b);
      b = std::max(b, stop);
    }
  });
}

template <class T> T* at(const Parameter& p, int k, int64_t first) { return p.data[k] ? static_cast<T*>(p.data[k]) + first : nullptr; }

void sgd_step(tl::Call& c) {
  SgdSettings s{c.number(3), c.number(4), c.number(5), c.number(6), c.boolean(7), c.boolean(8), c.boolean(9)};
  const auto ps = gather("sgd_step", c.handles(0), {{"grads", c.handles(1)}, {"momentum_buffers", c.handles(2)}}, true);
  for_each_piece(ps, [&](const Parameter& p, int64_t first, int64_t n) {
    if (p.dtype == TL_FLOAT32) updates<float>().sgd(s, at<float>(p, 0, first), at<float>(p, 1, first), at<float>(p, 2, first), n);
    else updates<double>().sgd(s, at<double>(p, 0, first), at<double>(p, 1, first), at<double>(p, 2, first), n);
  });
}

void adamw_step(tl::Call& c) {
  const AdamSettings base{c.number(6), c.number(7), c.number(8), c.number(9), c.number(10), c.boolean(11), c.boolean(12), c.boolean(13), 0, 0};
  const auto steps = c.handles(5);
  auto ps = gather("adamw_step", c.handles(0),
                   {{"grads", c.handles(1)}, {"exp_avgs", c.handles(2)}, {"exp_avg_sqs", c.handles(3)}, {"max_exp_avg_sqs", c.handles(4)}}, true);
  if (steps.size() != ps.size())
    throw tl::Error(TL_RUNTIME_ERROR, "adamw_step: " + std::to_string(ps.size()) + " params but " + std::to_string(steps.size()) + " steps");
  std::vector<AdamSettings> settings;
  std::vector<double> times;
  for (size_t i = 0; i < ps.size(); ++i) {
    TlTensorInfo info;
    info.struct_size = sizeof info;
    tl::api()->tensor_info(steps[i], &info);
    if (info.numel != 1 || (info.dtype != TL_FLOAT32 && info.dtype != TL_FLOAT64))
      throw tl::Error(TL_RUNTIME_ERROR, "adamw_step: steps[" + std::to_string(i) + "] must be one floating-point number");
    double t;
    if (info.dtype == TL_FLOAT32) t = *static_cast<float*>(info.data) += 1;
    else t = *static_cast<double*>(info.data) += 1;
    size_t k = 0;
    while (k < times.size() && times[k] != t) ++k;
    if (k == times.size()) {
      AdamSettings s = base;
      s.step_size = s.lr / (1 - std::pow(s.beta1, t));
      s.correction2_sqrt = std::sqrt(1 - std::pow(s.beta2, t));
      times.push_back(t), settings.push_back(s);
    }
    ps[i].setting = k;
  }
  for_each_piece(ps, [&](const Parameter& p, int64_t first, int64_t n) {
    const AdamSettings& s = settings[p.setting];
    if (p.dtype == TL_FLOAT32)
      updates<float>().adam(s, at<float>(p, 0, first), at<float>(p, 1, first), at<float>(p, 2, first), at<float>(p, 3, first), at<float>(p, 4, first), n);
    else
      updates<double>().adam(s, at<double>(p, 0, first), at<double>(p, 1, first), at<double>(p, 2, first), at<double>(p, 3, first), at<double>(p, 4, first), n);
  });
}

}  // namespace

void register_steps() {
  const uint32_t flags = TL_OP_NOT_DIFFERENTIABLE | TL_OP_MIXED_DEVICES;
  tl::opaque("optim::sgd_step(Tensor[] params, Tensor[] grads, Tensor?[] momentum_buffers, *, float lr, float momentum, float dampening, "
             "float weight_decay, bool nesterov, bool maximize, bool first) -> ()",
             flags, "One step of stochastic gradient descent on all parameters, in place.")
      .cpu<sgd_step>();
  tl::opaque("optim::adamw_step(Tensor[] params, Tensor[] grads, Tensor[] exp_avgs, Tensor[] exp_avg_sqs, Tensor[] max_exp_avg_sqs, Tensor[] steps, *, "
             "float lr, float beta1, float beta2, float weight_decay, float eps, bool amsgrad, bool maximize, bool decoupled) -> ()",
             flags, "One step of Adam (decoupled: AdamW) on all parameters, in place; the steps are counted up.")
      .cpu<adamw_step>();
}

}  // namespace tallow_optim
