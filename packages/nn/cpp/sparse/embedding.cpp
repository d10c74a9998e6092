// Rows of a table by index.
#include <cstring>

#include "common.hpp"
#include "ops.hpp"

namespace tallow_nn {
namespace {

void embedding(tl::Call& c) {
  const tl::Tensor weight = c.tensor(0), indices = c.tensor(1);
  require(weight.ndim() == 2, "'weight' must be 2-D");
  require(indices.dtype() == TL_INT64 || indices.dtype() == TL_INT32,
          "Expected tensor for argument #1 'indices' to have one of the following scalar types: Long, Int (while checking arguments for embedding)");
  tl::Dims out(indices.sizes().begin(), indices.sizes().end());
  out.push_back(weight.size(1));
  const tl::Tensor rows = tl::call<"index_select">(weight, 0, tl::call<"reshape">(indices, tl::Dims{-1}));
  c.ret(tl::call<"view">(rows, out));
}

void backward_shape(tl::Call& c) {
  const tl::Tensor grad = c.tensor(0);
  const int64_t s[2] = {c.integer(2), grad.size(-1)};
  c.output(0, s, grad.dtype());
}

// Columns are shared out, rows added in the order of the indices: the same sum for any number of threads.
void backward(tl::Call& c) {
  const tl::Tensor grad = tl::call<"contiguous">(c.tensor(0)), indices = tl::call<"contiguous">(cast(c.tensor(1), TL_INT64)), out = c.out();
  const int64_t rows = c.integer(2), d = grad.size(-1), n = indices.numel(), pad = c.integer(3);
  const int64_t* at = indices.data<int64_t>();
  std::vector<int64_t> count(c.boolean(4) ? static_cast<size_t>(rows) : 0);  // how often each row occurs
  if (c.boolean(4))
    for (int64_t i = 0; i < n; ++i) ++count[static_cast<size_t>(at[i])];
  if (grad.dtype() != TL_FLOAT32 && grad.dtype() != TL_FLOAT64) {
    tl::call<"zero_">(out);
    tl::call<"index_add_">(out, 0, tl::call<"reshape">(indices, tl::Dims{-1}), tl::call<"reshape">(grad, tl::Dims{n, d}));
    if (pad >= 0) tl::call<"zero_">(tl::call<"select">(out, 0, pad));
    require(count.empty(), "embedding: scale_grad_by_freq needs float32 or float64");
    return;
  }
  by_float(grad, [&](auto zero) {
    using T = decltype(zero);
    const T* g = grad.data<T>();
    T* o = out.data<T>();
    std::memset(o, 0, sizeof(T) * static_cast<size_t>(rows * d));
    const int64_t columns = std::max<int64_t>(16, (d + 15) / 16);
    tl::parallel_for(0, d, columns, [&](int64_t b, int64_t e) {
      for (int64_t i = 0; i < n; ++i) {
        if (at[i] == pad) continue;
        T* to = o + at[i] * d;
        const T* from = g + i * d;
        const T scale = count.empty() ? T(1) : T(1) / static_cast<T>(count[static_cast<size_t>(at[i])]);
        for (int64_t j = b; j < e; ++j) to[j] += scale * from[j];
      }
    });
  });
}

}  // namespace

void register_sparse() {
  tl::composite<embedding>("nn::embedding(Tensor weight, Tensor indices, int padding_idx=-1, bool scale_grad_by_freq=False, bool sparse=False) -> Tensor", 0,
                           "Rows of weight (n, d) by indices of any shape s: (*s, d). IndexError for an index outside.")
      .grad("weight: nn::embedding_backward(grad, indices, weight.sizes[0], padding_idx, scale_grad_by_freq)");
  tl::def<backward_shape>("nn::embedding_backward(Tensor dy, Tensor indices, int rows, int padding_idx, bool scale_by_frequency=False) -> Tensor", TL_OP_HIDDEN)
      .cpu<backward>()
      .grad("dy: nn::embedding(grad, indices, -1)");
}

}  // namespace tallow_nn
