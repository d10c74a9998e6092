#include "step.hpp"

#include <string_view>

namespace tallow_optim {

namespace {

TlTensorInfo info_of(TlTensor t) {
  TlTensorInfo info;
  info.struct_size = sizeof info;
  tl::api()->tensor_info(t, &info);
  return info;
}

bool is_floating(TlDtype t) { return t >= TL_FLOAT16 && t <= TL_FLOAT64; }

bool is_one_float(const TlTensorInfo& info) {
  return info.numel == 1 && (info.dtype == TL_FLOAT32 || info.dtype == TL_FLOAT64) && info.device.type == TL_CPU;
}

bool holds_tensors(const TlOpArgument& argument) { return argument.tag == TL_TENSOR_LIST; }

double read(const TlTensorInfo& info) { return info.dtype == TL_FLOAT32 ? *static_cast<const float*>(info.data) : *static_cast<const double*>(info.data); }

std::string place(const char* list, size_t i) { return std::string(list) + "[" + std::to_string(i) + "] "; }

tl::Sizes sizes_of(const TlTensorInfo& info) { return {info.sizes, static_cast<size_t>(info.ndim)}; }

// Whether the elements span exactly numel places.
bool is_dense(const TlTensorInfo& info) {
  if (info.flags & TL_TENSOR_CONTIGUOUS || !info.numel) return true;
  int64_t last = 0;
  for (int64_t d = 0; d < info.ndim; ++d) last += (info.sizes[d] - 1) * info.strides[d];
  return last + 1 == info.numel;
}

// Whether elements of the same index lie at the same place: strides of dimensions of size one say nothing.
bool same_layout(const TlTensorInfo& a, const TlTensorInfo& b) {
  if (a.flags & b.flags & TL_TENSOR_CONTIGUOUS) return true;
  for (int64_t d = 0; d < a.ndim; ++d)
    if (a.sizes[d] > 1 && a.strides[d] != b.strides[d]) return false;
  return true;
}

}  // namespace

void Step::fail(TlStatus kind, const std::string& message) const { throw tl::Error(kind, name_ + ": " + message); }

Step::Step(tl::Call& c) : call_(c) {
  TlOpInfo info;
  info.struct_size = sizeof info;
  tl::api()->op_info(c.op(), &info);
  name_ = info.name;
  // The scaler's tensors are the last two arguments.
  auto scalar = [&](uint32_t i, const char* what, double otherwise) {
    const TlTensor t = c.handle(i);
    if (!t) return otherwise;
    const TlTensorInfo ti = info_of(t);
    if (!is_one_float(ti)) fail(TL_RUNTIME_ERROR, std::string(what) + " must be one floating-point number on the CPU");
    return read(ti);
  };
  last_ = info.nargs - 2;
  scale_ = scalar(last_, "grad_scale", 1);
  skipped_ = scalar(info.nargs - 1, "found_inf", 0) != 0;
  gather(info);
}

void Step::gather(const TlOpInfo& info) {
  const auto params = call_.handles(0);
  uint32_t lists = 0;  // lists of whole tensors
  for (next_ = 0; next_ < info.nargs && holds_tensors(tl::argument(info, next_)); ++next_) {
    const std::string_view name = tl::argument(info, next_).name;
    const auto list = call_.handles(next_);
    if (name == "steps") numbers_ = next_;
    if (!numbers_) ++lists;
    if (list.size() != params.size() && (numbers_ || next_ < 2 || !list.empty()))
      fail(TL_RUNTIME_ERROR, std::to_string(params.size()) + " params but " + std::to_string(list.size()) + " " + std::string(name));
  }
  params_.resize(params.size());
  starts_.resize(params.size() + 1);
  written_.reserve(params.size() * (lists - 1));
  for (size_t i = 0; i < params.size(); ++i) {
    const TlTensorInfo ti = info_of(params[i]);
    if (!is_floating(ti.dtype)) fail(TL_TYPE_ERROR, place("params", i) + "must be of a real floating-point dtype");
    if (ti.device.type != TL_CPU) fail(TL_RUNTIME_ERROR, place("params", i) + "is not on the CPU");
    if (!is_dense(ti)) fail(TL_RUNTIME_ERROR, place("params", i) + "has gaps or overlaps in memory");
    Parameter& p = params_[i];
    p = {ti.dtype, ti.numel, {ti.data}};
    starts_[i + 1] = starts_[i] + ti.numel;
    written_.push_back(params[i]);
    for (uint32_t k = 1; k < lists; ++k) {
      const auto list = call_.handles(k);
      const TlTensor t = list.empty() ? nullptr : list[i];
      if (!t) continue;
      p.data[k] = checked(tl::argument(info, k).name, i, t, ti);
      if (k > 1) written_.push_back(t);
    }
  }
  for (uint32_t k = numbers_; numbers_ && k < next_; ++k)
    for (size_t i = 0; i < params.size(); ++i)
      if (!is_one_float(info_of(call_.handles(k)[i])))
        fail(TL_RUNTIME_ERROR, place(tl::argument(info, k).name, i) + "must be one floating-point number");
}

void* Step::checked(const char* list, size_t i, TlTensor t, const TlTensorInfo& param) const {
  const TlTensorInfo info = info_of(t);
  auto wrong = [&](const std::string& why) { fail(TL_RUNTIME_ERROR, place(list, i) + why); };
  const tl::Sizes sizes = sizes_of(info), wanted = sizes_of(param);
  if (!std::equal(sizes.begin(), sizes.end(), wanted.begin(), wanted.end()))
    wrong("has shape " + tl::to_string(sizes) + ", its parameter " + tl::to_string(wanted));
  if (info.dtype != param.dtype) wrong("has another dtype than its parameter");
  if (info.device.type != TL_CPU) wrong("is not on the CPU");
  if (!same_layout(info, param)) wrong("is laid out differently than its parameter");
  return info.data;
}

double Step::get(size_t k, size_t i) const { return read(info_of(call_.handles(numbers_ + static_cast<uint32_t>(k))[i])); }

void Step::set(size_t k, size_t i, double value) {
  const TlTensor t = call_.handles(numbers_ + static_cast<uint32_t>(k))[i];
  const TlTensorInfo info = info_of(t);
  if (info.dtype == TL_FLOAT32) *static_cast<float*>(info.data) = static_cast<float>(value);
  else *static_cast<double*>(info.data) = value;
  written_.push_back(t);
}

// The gradient's own memory is divided, as the caller expects to find it.
void Step::unscale(const Parameter& p, int64_t first, int64_t n) const {
  if (p.dtype == TL_FLOAT32) return updates<float>().divide(static_cast<float*>(p.data[1]) + first, scale_, n);
  if (p.dtype == TL_FLOAT64) return updates<double>().divide(static_cast<double*>(p.data[1]) + first, scale_, n);
  float room[kHalfChunk];
  for (; n > 0; first += kHalfChunk, n -= kHalfChunk) {
    const int64_t m = std::min(n, kHalfChunk);
    uint16_t* grad = static_cast<uint16_t*>(p.data[1]) + first;
    conversions().widen(grad, room, m, p.dtype == TL_FLOAT16);
    updates<float>().divide(room, scale_, m);
    conversions().narrow(room, grad, m, p.dtype == TL_FLOAT16);
  }
}

}  // namespace tallow_optim
