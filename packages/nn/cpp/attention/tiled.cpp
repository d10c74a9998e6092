#include "attention/tiled.hpp"

#include <cmath>
#include <cstring>
#include <limits>

#include "attention/attention_loops.hpp"

namespace tallow_nn::attention {
namespace {

constexpr int64_t kRows = 64;      // queries of a tile
constexpr int64_t kCols = 128;     // keys of a tile
constexpr int64_t kPackFrom = 16;  // queries that make a transposed copy of the keys worth its while
constexpr int64_t kTasks = 8;      // of the backward pass, wanted at least

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

template <class T>
void gemm(bool ta, bool tb, int64_t m, int64_t n, int64_t k, const T* a, int64_t lda, const T* b, int64_t ldb, bool add, T* c, int64_t ldc) {
  tl::check(tl::api()->gemm(sizeof(T) == 4 ? TL_FLOAT32 : TL_FLOAT64, ta, tb, m, n, k, 1.0, a, lda, b, ldb, add ? 1.0 : 0.0, c, ldc));
}

template <class T>
struct Heads {  // one matrix per batch and head
  T* data;
  int64_t batch, head, row;
  explicit Heads(const tl::Tensor& t) {
    const TlTensorInfo i = t.info();
    data = static_cast<T*>(i.data), batch = i.strides[0], head = i.strides[1], row = i.strides[2];
  }
  T* at(int64_t b, int64_t h, int64_t r = 0) const { return data + b * batch + h * head + r * row; }
};

template <class T>
class Masks {
 public:
  explicit Masks(const tl::Tensor& mask) {
    if (!mask) return;
    const TlTensorInfo i = mask.info();
    data_ = static_cast<const T*>(i.data);
    for (int d = 0; d < 4; ++d) stride_[d] = i.sizes[d] == 1 ? 0 : i.strides[d];
  }
  MaskTile<T> tile(int64_t b, int64_t h, int64_t row, int64_t col) const {
    return {data_ ? data_ + b * stride_[0] + h * stride_[1] + row * stride_[2] + col * stride_[3] : nullptr, stride_[2], stride_[3]};
  }

 private:
  const T* data_ = nullptr;
  int64_t stride_[4] = {};
};

// Rows of a matrix as the columns of panels of kCols: panel j begins at j * kCols * width.
template <class T>
void pack_transposed(int64_t rows, int64_t width, const T* from, int64_t ld, T* to) {
  for (int64_t j = 0; j < rows; j += kCols) {
    const int64_t n = std::min(kCols, rows - j);
    attention_loops<T>().transpose(n, width, from + j * ld, ld, to + j * width, n);
  }
}
// C = A (rows x width) times columns [j, j + n) of the transposed matrix: packed, or of rows at `plain`.
template <class T>
void times_transposed(int64_t rows, int64_t n, int64_t width, const T* a, int64_t lda, const T* packed, const T* plain, int64_t ld, int64_t all, int64_t j,
                      T* c) {
  if (packed) gemm<T>(false, false, rows, n, width, a, lda, packed + j * width, std::min(kCols, all - j), false, c, kCols);
  else gemm<T>(false, true, rows, n, width, a, lda, plain + j * ld, ld, false, c, kCols);
}

// How many keys the queries [begin, end) see.
int64_t keys_seen(const Problem& p, int64_t end) { return p.causal ? std::min(p.keys, end) : p.keys; }
// How many columns of a tile that begins at key j the query i sees.
int64_t first_seen(const Problem& p, int64_t i, int64_t j) { return p.causal ? i + 1 - j : p.keys; }

template <class T>
void forward_rows(const Problem& p, int64_t b, int64_t h, int64_t begin, int64_t rows, const T* packed, const tl::Tensor& output, T* log_sum) {
  const AttentionLoops<T>& loops = attention_loops<T>();
  const Heads<T> q(p.query), k(p.key), v(p.value), o(output);
  const Masks<T> masks(p.mask);
  const int64_t g = h / (p.heads / p.groups);
  alignas(64) T scores[kRows * kCols];
  T top[kRows], sum[kRows], factor[kRows];
  std::fill_n(top, rows, -std::numeric_limits<T>::infinity());
  std::fill_n(sum, rows, T(0));
  T* out = o.at(b, h, begin);
  const int64_t seen = keys_seen(p, begin + rows);
  for (int64_t j = 0; j < seen; j += kCols) {
    const int64_t n = std::min(kCols, seen - j);
    times_transposed<T>(rows, n, p.width, q.at(b, h, begin), q.row, packed, k.at(b, g), k.row, p.keys, j, scores);
    loops.accumulate(rows, n, static_cast<T>(p.scale), masks.tile(b, h, begin, j), first_seen(p, begin, j), scores, kCols, top, sum, factor);
    if (j) loops.scale_rows(rows, p.value_width, factor, out, o.row);
    gemm<T>(false, false, rows, p.value_width, n, scores, kCols, v.at(b, g, j), v.row, j > 0, out, o.row);
  }
  for (int64_t r = 0; r < rows; ++r) {  // a query that sees nothing gives zeros, and its weights are e^-infinity
    factor[r] = sum[r] == T(0) ? T(0) : T(1) / sum[r];
    log_sum[r] = sum[r] == T(0) ? std::numeric_limits<T>::infinity() : top[r] + std::log(sum[r]);
  }
  loops.scale_rows(rows, p.value_width, factor, out, o.row);
}

template <class T>
void forward_all(const Problem& p, const tl::Tensor& output, const tl::Tensor& log_sum) {
  const Heads<T> k(p.key);
  tl::Tensor packed;
  const int64_t panel = p.keys * p.width;
  if (p.queries >= kPackFrom) {
    packed = tl::empty(tl::Dims{p.batch * p.groups * panel}, p.query.dtype());
    tl::parallel_for(0, p.batch * p.groups, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) pack_transposed<T>(p.keys, p.width, k.at(i / p.groups, i % p.groups), k.row, packed.data<T>() + i * panel);
    });
  }
  const int64_t blocks = ceil_div(p.queries, kRows);
  tl::parallel_for(0, p.batch * p.heads * blocks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t head = task / blocks, b = head / p.heads, h = head % p.heads, row = task % blocks * kRows;
      const T* keys = packed ? packed.data<T>() + (b * p.groups + h / (p.heads / p.groups)) * panel : nullptr;
      forward_rows<T>(p, b, h, row, std::min(kRows, p.queries - row), keys, output, log_sum.data<T>() + head * p.queries + row);
    }
  });
}

// ---------------------------------------------------------------- backward
// One group of keys and the query blocks [first, last) of its heads: d_query is written, d_key and d_value (dense, or
// rows of the results) are added to.
template <class T>
class BackwardGroup {
 public:
  BackwardGroup(const Problem& p, const tl::Tensor& grad, const tl::Tensor& output, const T* log_sum, const tl::Tensor& d_query)
      : p_(p), q_(p.query), k_(p.key), v_(p.value), g_(grad), o_(output), dq_(d_query), masks_(p.mask), log_sum_(log_sum) {}

  void run(int64_t b, int64_t g, int64_t first, int64_t last, T* dk, int64_t ldk, T* dv, int64_t ldv) const {
    const tl::Tensor packed = tl::empty(tl::Dims{p_.keys * (p_.width + p_.value_width)}, p_.query.dtype());
    T *keys = packed.data<T>(), *values = keys + p_.keys * p_.width;
    pack_transposed<T>(p_.keys, p_.width, k_.at(b, g), k_.row, keys);
    pack_transposed<T>(p_.keys, p_.value_width, v_.at(b, g), v_.row, values);
    const int64_t share = p_.heads / p_.groups;
    for (int64_t h = g * share; h < (g + 1) * share; ++h)
      for (int64_t block = first; block < last; ++block) {
        const int64_t begin = block * kRows;
        rows(b, g, h, begin, std::min(kRows, p_.queries - begin), keys, values, dk, ldk, dv, ldv);
      }
  }

 private:
  void rows(int64_t b, int64_t g, int64_t h, int64_t begin, int64_t rows, const T* keys, const T* values, T* dk, int64_t ldk, T* dv, int64_t ldv) const {
    const AttentionLoops<T>& loops = attention_loops<T>();
    const T scale = static_cast<T>(p_.scale), *log_sum = log_sum_ + (b * p_.heads + h) * p_.queries + begin;
    const T *query = q_.at(b, h, begin), *grad = g_.at(b, h, begin);
    T* dq = dq_.at(b, h, begin);
    alignas(64) T weights[kRows * kCols], d_weights[kRows * kCols];
    T delta[kRows];
    loops.row_dots(rows, p_.value_width, grad, g_.row, o_.at(b, h, begin), o_.row, delta);
    const int64_t seen = keys_seen(p_, begin + rows);
    for (int64_t j = 0; j < seen; j += kCols) {
      const int64_t n = std::min(kCols, seen - j);
      times_transposed<T>(rows, n, p_.width, query, q_.row, keys, nullptr, 0, p_.keys, j, weights);
      loops.weights(rows, n, scale, masks_.tile(b, h, begin, j), first_seen(p_, begin, j), log_sum, weights, kCols);
      times_transposed<T>(rows, n, p_.value_width, grad, g_.row, values, nullptr, 0, p_.keys, j, d_weights);
      gemm<T>(true, false, n, p_.value_width, rows, weights, kCols, grad, g_.row, true, dv + j * ldv, ldv);
      loops.score_gradient(rows, n, scale, delta, weights, d_weights, kCols);
      gemm<T>(true, false, n, p_.width, rows, d_weights, kCols, query, q_.row, true, dk + j * ldk, ldk);
      gemm<T>(false, false, rows, p_.width, n, d_weights, kCols, k_.at(b, g, j), k_.row, j > 0, dq, dq_.row);
    }
  }

  const Problem& p_;
  Heads<T> q_, k_, v_, g_, o_, dq_;
  Masks<T> masks_;
  const T* log_sum_;
};

template <class T>
void clear_rows(int64_t rows, int64_t width, T* at, int64_t ld) {
  for (int64_t r = 0; r < rows; ++r) std::memset(at + r * ld, 0, sizeof(T) * static_cast<size_t>(width));
}

template <class T>
void backward_all(const Problem& p, const tl::Tensor& grad, const tl::Tensor& output, const tl::Tensor& log_sum, const tl::Tensor& d_query,
                  const tl::Tensor& d_key, const tl::Tensor& d_value) {
  const BackwardGroup<T> group(p, grad, output, log_sum.data<T>(), d_query);
  const Heads<T> dk(d_key), dv(d_value);
  const int64_t count = p.batch * p.groups, blocks = ceil_div(p.queries, kRows);
  // With few heads their queries are shared out too, and the parts of d_key and d_value added in order.
  const int64_t parts = std::clamp<int64_t>(ceil_div(kTasks, count), 1, ceil_div(blocks, 4)), each = ceil_div(blocks, parts);
  if (parts == 1) {
    tl::parallel_for(0, count, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        T *key = dk.at(i / p.groups, i % p.groups), *value = dv.at(i / p.groups, i % p.groups);
        clear_rows(p.keys, p.width, key, dk.row), clear_rows(p.keys, p.value_width, value, dv.row);
        group.run(i / p.groups, i % p.groups, 0, blocks, key, dk.row, value, dv.row);
      }
    });
    return;
  }
  const int64_t key_size = p.keys * p.width, size = key_size + p.keys * p.value_width;
  const tl::Tensor partial = tl::empty(tl::Dims{count * parts * size}, p.query.dtype());
  T* sums = partial.data<T>();
  tl::parallel_for(0, count * parts, 1, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) {
      T* key = sums + task * size;
      std::fill_n(key, size, T(0));
      const int64_t i = task / parts, first = task % parts * each;
      group.run(i / p.groups, i % p.groups, first, std::min(blocks, first + each), key, p.width, key + key_size, p.value_width);
    }
  });
  tl::parallel_for(0, count * p.keys, 64, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const int64_t i = row / p.keys, s = row % p.keys;
      T *key = dk.at(i / p.groups, i % p.groups, s), *value = dv.at(i / p.groups, i % p.groups, s);
      clear_rows(1, p.width, key, 0), clear_rows(1, p.value_width, value, 0);
      for (int64_t part = 0; part < parts; ++part) {
        const T* from = sums + (i * parts + part) * size;
        for (int64_t e = 0; e < p.width; ++e) key[e] += from[s * p.width + e];
        for (int64_t e = 0; e < p.value_width; ++e) value[e] += from[key_size + s * p.value_width + e];
      }
    }
  });
}

}  // namespace

void forward(const Problem& p, const tl::Tensor& output, const tl::Tensor& log_sum) {
  by_float(p.query, [&](auto zero) { forward_all<decltype(zero)>(p, output, log_sum); });
}
void backward(const Problem& p, const tl::Tensor& grad, const tl::Tensor& output, const tl::Tensor& log_sum, const tl::Tensor& d_query,
              const tl::Tensor& d_key, const tl::Tensor& d_value) {
  by_float(p.query, [&](auto zero) { backward_all<decltype(zero)>(p, grad, output, log_sum, d_query, d_key, d_value); });
}

}  // namespace tallow_nn::attention
