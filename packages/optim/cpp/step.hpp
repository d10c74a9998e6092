// One call of a step op: its lists of tensors, its settings, and the loop over all elements of all parameters.
#pragma once
#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include <tallow/tallow.hpp>

#include "updates.hpp"

namespace tallow_optim {

constexpr size_t kMostTensors = 5;     // of one parameter: itself, its gradient, its state
constexpr int64_t kGrain = 65536;      // elements to a piece of work
constexpr int64_t kHalfChunk = 1024;   // elements of 16 bits that are widened at a time

struct Parameter {
  TlDtype dtype;
  int64_t numel;
  void* data[kMostTensors];
};

// The schema of a step op tells the rest: lists of tensors up to `steps` have an element for every element of the
// parameters and may be empty where the state is optional; `steps` and the lists after it have one number for each
// parameter; then come numbers and flags, and at the end `grad_scale` and `found_inf`, as a gradient scaler sets them.
class Step {
 public:
  explicit Step(tl::Call& c);

  // Whether the scaler found a gradient that is not finite: then nothing may change.
  bool skipped() const { return skipped_; }
  size_t size() const { return params_.size(); }
  // The options in the order of the schema: numbers, flags as 0 and 1, lists of numbers one by one.
  template <size_t N>
  std::array<double, N> options() const {
    std::array<double, N> all;
    size_t n = 0;
    auto put = [&](double x) {
      if (n < N) all[n] = x;
      ++n;
    };
    for (uint32_t i = next_; i < last_; ++i) {
      if (call_.value(i).tag != TL_DOUBLE_LIST) put(call_.number(i));
      else for (double x : call_.doubles(i)) put(x);
    }
    if (n != N) fail(TL_RUNTIME_ERROR, "expected " + std::to_string(N) + " options, but got " + std::to_string(n));
    return all;
  }

  // The number of parameter i in the k-th list of numbers; list 0 is `steps`.
  double get(size_t k, size_t i) const;
  void set(size_t k, size_t i, double value);
  double count(size_t i) {
    const double t = get(0, i) + 1;
    set(0, i, t);
    return t;
  }

  // The same settings for all parameters.
  template <class Settings>
  void run(const Settings& s) {
    each([&](size_t) -> const Settings& { return s; });
  }
  // settings(t) for a parameter at its step t, which is counted up.
  template <class F>
  void run_counted(F&& settings) {
    using Settings = decltype(settings(1.0));
    std::vector<Settings> all;
    std::vector<size_t> which(size());
    std::vector<double> times;  // parameters share few counts
    for (size_t i = 0; i < size(); ++i) {
      const double t = count(i);
      size_t k = 0;
      while (k < times.size() && times[k] != t) ++k;
      if (k == times.size()) times.push_back(t), all.push_back(settings(t));
      which[i] = k;
    }
    each([&](size_t i) -> const Settings& { return all[which[i]]; });
  }
  template <class Settings>
  void count_and_run(const Settings& s) {
    run_counted([&](double) { return s; });
  }
  // settings(i) for parameter i.
  template <class Settings>
  void run_each(const std::vector<Settings>& all) {
    each([&](size_t i) -> const Settings& { return all[i]; });
  }

 private:
  void gather(const TlOpInfo& info);
  void* checked(const char* list, size_t i, TlTensor t, const TlTensorInfo& param) const;
  [[noreturn]] void fail(TlStatus kind, const std::string& message) const;

  // All elements form one index space that is cut for the threads, so many small tensors cost as little as a large one.
  template <class F>
  void each(F settings) {
    if (scale_ != 1)
      for_pieces([&](const Parameter& p, size_t, int64_t first, int64_t n) { unscale(p, first, n); });
    for_pieces([&](const Parameter& p, size_t i, int64_t first, int64_t n) {
      if (p.dtype == TL_FLOAT32) piece<float>(settings(i), p, first, n);
      else if (p.dtype == TL_FLOAT64) piece<double>(settings(i), p, first, n);
      else widened(settings(i), p, first, n);
    });
    for (TlTensor t : written_) tl::api()->tensor_bump_version(t);
  }
  template <class F>
  void for_pieces(F f) const {
    tl::parallel_for(0, starts_.back(), kGrain, [&](int64_t b, int64_t e) {
      size_t i = static_cast<size_t>(std::upper_bound(starts_.begin(), starts_.end(), b) - starts_.begin()) - 1;
      for (; b < e; ++i) {
        const int64_t stop = std::min(e, starts_[i + 1]);
        if (stop > b) f(params_[i], i, b - starts_[i], stop - b);
        b = std::max(b, stop);
      }
    });
  }
  template <class T, class Settings>
  static void piece(const Settings& s, const Parameter& p, int64_t first, int64_t n) {
    T* data[kMostTensors];
    for (size_t k = 0; k < kMostTensors; ++k) data[k] = p.data[k] ? static_cast<T*>(p.data[k]) + first : nullptr;
    updates<T>().run(s, data, n);
  }
  // 16-bit elements: a chunk at a time through float.
  template <class Settings>
  static void widened(const Settings& s, const Parameter& p, int64_t first, int64_t n) {
    float room[kMostTensors][kHalfChunk];
    float* data[kMostTensors];
    const bool half = p.dtype == TL_FLOAT16;
    for (; n > 0; first += kHalfChunk, n -= kHalfChunk) {
      const int64_t m = std::min(n, kHalfChunk);
      for (size_t k = 0; k < kMostTensors; ++k) {
        data[k] = p.data[k] ? room[k] : nullptr;
        if (data[k]) conversions().widen(static_cast<const uint16_t*>(p.data[k]) + first, data[k], m, half);
      }
      updates<float>().run(s, data, m);
      for (size_t k = 0; k < kMostTensors; ++k)
        if (data[k] && k != 1) conversions().narrow(data[k], static_cast<uint16_t*>(p.data[k]) + first, m, half);
    }
  }
  void unscale(const Parameter& p, int64_t first, int64_t n) const;

  tl::Call& call_;
  std::string name_;
  uint32_t next_ = 0;     // the first option
  uint32_t last_ = 0;     // the argument after the last
  uint32_t numbers_ = 0;  // the argument that is `steps`
  double scale_ = 1;
  bool skipped_ = false;
  std::vector<Parameter> params_;
  std::vector<int64_t> starts_{0};
  std::vector<TlTensor> written_;
};

}  // namespace tallow_optim
