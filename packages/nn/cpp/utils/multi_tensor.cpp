// What is done to the gradients of a whole model: their elements form one index space that is cut for the threads, so that many
// small tensors cost as little as one large one.
#include "utils/multi_tensor_loops.hpp"

#include <cmath>

#include "common.hpp"
#include "ops.hpp"

namespace tallow_nn {
namespace {

constexpr int64_t kGrain = 1 << 16;

struct Part {
  void* data;
  int64_t numel;
};

std::vector<Part> parts(const char* op, std::span<const TlTensor> tensors, TlDtype dtype, bool write) {
  std::vector<Part> out;
  for (size_t i = 0; i < tensors.size(); ++i) {
    TlTensorInfo info;
    info.struct_size = sizeof info;
    tl::api()->tensor_info(tensors[i], &info);
    require(info.dtype == dtype && (dtype == TL_FLOAT32 || dtype == TL_FLOAT64), op, ": tensors[", i, "] must be of the others' dtype, float32 or float64");
    require(info.device.type == TL_CPU, op, ": tensors[", i, "] is not on the CPU");
    require(info.flags & TL_TENSOR_CONTIGUOUS, op, ": tensors[", i, "] must be contiguous");
    if (write) tl::api()->tensor_bump_version(tensors[i]);
    out.push_back({info.data, info.numel});
  }
  return out;
}

// f(data of a tensor, first element, count) over pieces of a fixed number of elements.
template <class F>
void for_each_piece(const std::vector<Part>& all, F f) {
  std::vector<int64_t> starts{0};
  for (const Part& p : all) starts.push_back(starts.back() + p.numel);
  tl::parallel_for(0, starts.back(), kGrain, [&](int64_t b, int64_t e) {
    auto i = static_cast<size_t>(std::upper_bound(starts.begin(), starts.end(), b) - starts.begin()) - 1;
    for (; b < e; ++i) {
      const int64_t stop = std::min(e, starts[i + 1]);
      if (stop > b) f(i, b - starts[i], stop - b, (b / kGrain));
      b = std::max(b, stop);
    }
  });
}

TlDtype first_dtype(std::span<const TlTensor> tensors) { return tensors.empty() ? TL_FLOAT32 : tl::Tensor::share(tensors[0]).dtype(); }

void total_norm_shape(tl::Call& c) { c.output(0, {}, first_dtype(c.handles(0))); }

void total_norm(tl::Call& c) {
  const TlDtype dtype = first_dtype(c.handles(0));
  const auto all = parts("total_norm", c.handles(0), dtype, false);
  int64_t numel = 0;
  for (const Part& p : all) numel += p.numel;
  // A sum per piece, added in the order of the pieces: the same for any number of threads.
  std::vector<double> sums(static_cast<size_t>(numel / kGrain + 1));
  for_each_piece(all, [&](size_t i, int64_t first, int64_t n, int64_t piece) {
    const MultiTensorLoops& loops = multi_tensor_loops();
    sums[static_cast<size_t>(piece)] += dtype == TL_FLOAT32 ? loops.squares_float(static_cast<const float*>(all[i].data) + first, n)
                                                            : loops.squares_double(static_cast<const double*>(all[i].data) + first, n);
  });
  double sum = 0;
  for (const double s : sums) sum += s;
  if (dtype == TL_FLOAT32) *c.out().data<float>() = static_cast<float>(std::sqrt(sum));
  else *c.out().data<double>() = std::sqrt(sum);
}

void scale_all(tl::Call& c) {
  const TlDtype dtype = first_dtype(c.handles(0));
  const auto all = parts("scale_all_", c.handles(0), dtype, true);
  const tl::Tensor factor = c.tensor(1);
  require(factor.numel() == 1 && factor.device().type == TL_CPU, "scale_all_: factor must be one number on the CPU, got shape ", tl::to_string(factor.sizes()));
  const double by = *cast(factor, TL_FLOAT64).data<double>();
  if (by == 1) return;
  for_each_piece(all, [&](size_t i, int64_t first, int64_t n, int64_t) {
    const MultiTensorLoops& loops = multi_tensor_loops();
    if (dtype == TL_FLOAT32) loops.scale_float(static_cast<float*>(all[i].data) + first, static_cast<float>(by), n);
    else loops.scale_double(static_cast<double*>(all[i].data) + first, by, n);
  });
}

}  // namespace

void register_utils() {
  tl::def<total_norm_shape>("nn::total_norm(Tensor[] tensors) -> Tensor", TL_OP_NOT_DIFFERENTIABLE, "The Euclidean norm of all tensors as one vector.")
      .cpu<total_norm>();
  tl::opaque("nn::scale_all_(Tensor[] tensors, Tensor factor) -> ()", TL_OP_NOT_DIFFERENTIABLE, "Multiplies all tensors by one number, in place.")
      .cpu<scale_all>();
}

}  // namespace tallow_nn
