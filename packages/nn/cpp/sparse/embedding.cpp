// Rows of a table by index.
#include <cstring>

#include "common.hpp"
#include "ops.hpp"

namespace tallow_nn {
namespace {

void embedding_shape(tl::Call& c) {
  const tl::Tensor weight = c.tensor(0), indices = c.tensor(1);
  require(weight.ndim() == 2, "'weight' must be 2-D");
  require(indices.dtype() == TL_INT64 || indices.dtype() == TL_INT32,
          "Expected tensor for argument #1 'indices' to have one of the following scalar types: Long, Int (while checking arguments for embedding)");
  tl::Dims out(indices.sizes().begin(), indices.sizes().end());
  out.push_back(weight.size(1));
  c.output(0, out, weight.dtype());
}

// Copies, whatever the elements are; the rows ahead are asked for early, because they lie anywhere.
void embedding(tl::Call& c) {
  const tl::Tensor weight = tl::call<"contiguous">(c.tensor(0)), indices = tl::call<"contiguous">(cast(c.tensor(1), TL_INT64)), out = c.out();
  const int64_t rows = weight.size(0), n = indices.numel(), bytes = weight.size(1) * weight.info().itemsize;
  const int64_t* at = indices.data<int64_t>();
  const char* table = weight.data<char>();
  char* to = out.data<char>();
  constexpr int64_t line = 64, ahead = 6;
  tl::parallel_for(0, n, std::max<int64_t>(16, (int64_t{1} << 16) / std::max<int64_t>(bytes, 1)), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      if (at[i] < 0 || at[i] >= rows) throw tl::Error(TL_INDEX_ERROR, "index out of range in self: embedding got index " + std::to_string(at[i]) +
                                                                          " for a table of " + std::to_string(rows) + " rows");
    for (int64_t i = begin; i < end; ++i) {
      if (i + ahead < end)
        for (int64_t b = 0; b < bytes; b += line) __builtin_prefetch(table + at[i + ahead] * bytes + b);
      std::memcpy(to + i * bytes, table + at[i] * bytes, static_cast<size_t>(bytes));
    }
  });
}

void backward_shape(tl::Call& c) {
  const tl::Tensor grad = c.tensor(0), indices = c.tensor(1);
  require(grad.ndim() >= 1 && grad.numel() == indices.numel() * grad.size(-1) && c.integer(2) >= 0, "embedding_backward: a gradient of shape ",
          tl::to_string(grad.sizes()), " does not fit indices of shape ", tl::to_string(indices.sizes()), " into ", c.integer(2), " rows");
  require(indices.dtype() == TL_INT64 || indices.dtype() == TL_INT32, "embedding_backward: indices must be int64 or int32");
  const int64_t s[2] = {c.integer(2), grad.size(-1)};
  c.output(0, s, grad.dtype());
}

// Columns are shared out, rows added in the order of the indices: the same sum for any number of threads.
void backward(tl::Call& c) {
  const tl::Tensor grad = tl::call<"contiguous">(c.tensor(0)), indices = tl::call<"contiguous">(cast(c.tensor(1), TL_INT64)), out = c.out();
  const int64_t rows = c.integer(2), d = grad.size(-1), n = indices.numel(), pad = c.integer(3);
  const int64_t* at = indices.data<int64_t>();
  for (int64_t i = 0; i < n; ++i) require(at[i] >= 0 && at[i] < rows, "embedding_backward: index ", at[i], " is outside the table of ", rows, " rows");
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
    tl::parallel_for(0, rows, std::max<int64_t>(1, (int64_t{1} << 18) / std::max<int64_t>(d, 1)), [&](int64_t b, int64_t e) {
      std::memset(o + b * d, 0, sizeof(T) * static_cast<size_t>((e - b) * d));
    });
    const int64_t columns = std::max<int64_t>(64, (d + 7) / 8 / 16 * 16);
    constexpr int64_t ahead = 4, line = 64 / sizeof(T);
    tl::parallel_for(0, d, columns, [&](int64_t b, int64_t e) {
      for (int64_t i = 0; i < n; ++i) {
        if (i + ahead < n)
          for (int64_t j = b; j < e; j += line) __builtin_prefetch(o + at[i + ahead] * d + j, 1);
        if (at[i] == pad) continue;
        T* to = o + at[i] * d;
        const T* from = g + i * d;
        if (count.empty()) {
          for (int64_t j = b; j < e; ++j) to[j] += from[j];
        } else {
          const T scale = T(1) / static_cast<T>(count[static_cast<size_t>(at[i])]);
          for (int64_t j = b; j < e; ++j) to[j] += scale * from[j];
        }
      }
    });
  });
}

// The gradient as a sparse tensor: one element per index, in their order, without the padding.
void sparse_backward(tl::Call& c) {
  tl::Tensor grad = c.tensor(0), at = tl::call<"reshape">(cast(c.tensor(1), TL_INT64), tl::Dims{-1});
  const int64_t rows = c.integer(2), pad = c.integer(3), d = grad.ndim() ? grad.size(-1) : 0;
  require(!c.boolean(4), "embedding_backward: scale_grad_by_freq not supported with sparse gradients");
  require(grad.ndim() >= 1 && grad.numel() == at.numel() * d, "embedding_sparse_backward: a gradient of shape ", tl::to_string(grad.sizes()),
          " does not fit ", at.numel(), " indices");
  grad = tl::call<"reshape">(grad, tl::Dims{at.numel(), d});
  if (pad >= 0) {
    const tl::Tensor kept = tl::call<"reshape">(tl::call<"nonzero">(tl::call<"ne">(at, pad)), tl::Dims{-1});
    at = tl::call<"index_select">(at, 0, kept), grad = tl::call<"index_select">(grad, 0, kept);
  }
  c.ret(tl::call<"_sparse_coo_tensor">(tl::call<"reshape">(at, tl::Dims{1, at.numel()}), grad, tl::Dims{rows, d}));
}

}  // namespace

void register_sparse() {
  tl::def<embedding_shape>("nn::embedding(Tensor weight, Tensor indices, int padding_idx=-1, bool scale_grad_by_freq=False, bool sparse=False) -> Tensor", 0,
                           "Rows of weight (n, d) by indices of any shape s: (*s, d). IndexError for an index outside.")
      .cpu<embedding>()
      .grad("weight: nn::embedding_sparse_backward(grad, indices, weight.sizes[0], padding_idx, scale_grad_by_freq) if sparse else"
            " nn::embedding_backward(grad, indices, weight.sizes[0], padding_idx, scale_grad_by_freq)");
  tl::def<backward_shape>("nn::embedding_backward(Tensor dy, Tensor indices, int rows, int padding_idx, bool scale_by_frequency=False) -> Tensor", TL_OP_HIDDEN)
      .cpu<backward>()
      .grad("dy: nn::_embedding_gradient(grad, indices, padding_idx, scale_by_frequency)");
  tl::composite<sparse_backward>("nn::embedding_sparse_backward(Tensor dy, Tensor indices, int rows, int padding_idx, bool scale_by_frequency=False) -> Tensor",
                                 TL_OP_HIDDEN);
  // Of the gradient by what it was given: its rows, without the padding, divided as they were.
  tl::composite<[](tl::Call& c) {
    const tl::Tensor indices = c.tensor(1);
    tl::Tensor rows = tl::call<"nn::embedding">(c.tensor(0), indices);
    if (c.integer(2) >= 0) rows = tl::call<"masked_fill">(rows, tl::call<"unsqueeze">(tl::call<"eq">(indices, c.integer(2)), -1), 0.0);
    if (c.boolean(3)) {
      const tl::Tensor flat = tl::call<"reshape">(indices, tl::Dims{-1});
      const tl::Tensor counts = tl::call<"bincount">(flat);
      const tl::Tensor here = tl::call<"reshape">(tl::call<"index_select">(counts, 0, flat), indices.sizes());
      rows = tl::call<"div">(rows, tl::call<"unsqueeze">(here, -1));
    }
    c.ret(rows);
  }>("nn::_embedding_gradient(Tensor grad, Tensor indices, int padding_idx, bool scale_by_frequency) -> Tensor", TL_OP_HIDDEN);
}

}  // namespace tallow_nn
