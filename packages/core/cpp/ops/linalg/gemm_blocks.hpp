// Blocked matrix multiplication over packed panels (Goto & van de Geijn, "Anatomy of high-performance matrix
// multiplication", 2008), cut into tiles by shape alone.
#pragma once
#include <algorithm>
#include <cstdint>
#include <type_traits>

#include "memory/allocator.hpp"
#include "ops/linalg/gemm_tiles.hpp"
#include "parallel/parallel.hpp"

namespace tallow::blas {

template <class S>
struct Matrix {
  const S* data;
  int64_t row, col;  // strides
};

// C = alpha*A*B + beta*D, computed in T; S is what A and B are stored as. D is C, or a row that is the same for all rows.
template <class T, class S>
struct Product {
  int64_t m, n, k;
  T alpha;
  Matrix<S> a, b;
  T beta;
  T* c;
  int64_t ldc;
  const T* row = nullptr;
};

inline int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

template <class T>
class Scratch {
 public:
  explicit Scratch(int64_t n) : bytes_(n * sizeof(T)), p_(static_cast<T*>(memory::allocate(bytes_))) {}
  ~Scratch() { memory::deallocate(p_, bytes_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  operator T*() const { return p_; }

 private:
  size_t bytes_;
  T* p_;
};

// A range cut into equal slivers of at most `most`; each has its place in a packed panel.
struct Slivers {
  int64_t extent, count, size;
  Slivers(int64_t extent, int64_t most, bool balanced) : extent(extent), count(ceil_div(extent, most)), size(balanced ? ceil_div(extent, count) : most) {
    count = ceil_div(extent, size);
  }
  int64_t begin(int64_t i) const { return i * size; }
  int64_t length(int64_t i) const { return std::min(size, extent - i * size); }
};

namespace blocks {
constexpr int64_t kDepth = 512;    // of K, between two visits of C
constexpr int64_t kPanel = 2048;   // of B packed at a time at most, in each direction
constexpr int64_t kBand = 12;      // slivers of A that a task multiplies with a panel: they stay in the L2 cache
constexpr int64_t kNarrow = 384;   // up to here rows of A are read where they lie
constexpr int64_t kFew = 512;      // up to here rows of B are
constexpr int64_t kParallelFrom = int64_t{1} << 19;   // multiplications worth waking threads for
}  // namespace blocks

// Packs one sliver, converting from S on the way.
template <class T, class S>
void pack_sliver(const Tiles<T>& t, const S* src, int64_t line, int64_t step, int64_t lines, int64_t steps, int64_t width, T* out) {
  if constexpr (std::is_same_v<T, S>) {
    t.pack(src, line, step, lines, steps, width, out);
  } else {
    T converted[32 * blocks::kDepth];
    const bool along_steps = step == 1;
    const int64_t outer = along_steps ? lines : steps, inner = along_steps ? steps : lines;
    const int64_t outer_stride = along_steps ? line : step, inner_stride = along_steps ? step : line;
    for (int64_t o = 0; o < outer; ++o) {
      const S* s = src + o * outer_stride;
      T* d = converted + o * inner;
      if (inner_stride == 1)
        for (int64_t i = 0; i < inner; ++i) d[i] = static_cast<T>(s[i]);
      else
        for (int64_t i = 0; i < inner; ++i) d[i] = static_cast<T>(s[i * inner_stride]);
    }
    t.pack(converted, along_steps ? steps : 1, along_steps ? 1 : lines, lines, steps, width, out);
  }
}

// Packs slivers `begin` to `end` of A. Where its columns are contiguous, some steps are taken at a time: neighbouring
// slivers share cache lines.
template <class T, class S>
void pack_rows(const Tiles<T>& t, const Slivers& ma, int64_t begin, int64_t end, const Matrix<S>& a, int64_t steps, int64_t place, T* out) {
  const int64_t some = a.col == 1 ? steps : 32;
  for (int64_t p = 0; p < steps; p += some)
    for (int64_t s = begin; s < end; ++s) {
      const int64_t r = ma.length(s);
      pack_sliver<T, S>(t, a.data + ma.begin(s) * a.row + p * a.col, a.row, a.col, r, std::min(some, steps - p), r, out + (s - begin) * place + p * r);
    }
}

// A panel of B at a time is packed by all threads together; then each task packs a band of A, which stays in its cache,
// and multiplies it with the panel. Where packing would take longer than it saves, an operand is read where it lies.
template <class T, class S>
void run_product(const Product<T, S>& g, bool threads) {
  const Tiles<T>& t = tiles<T>();
  constexpr bool same = std::is_same_v<T, S>;
  const int64_t depth = Slivers(g.k, blocks::kDepth, true).size;
  const auto apart = [](const Matrix<S>& x) { return std::max(x.row, x.col) * int64_t{sizeof(S)} % 2048 != 0; };
  // Rows a multiple of 2 KiB apart share few lines of the cache.
  const bool b_lies = same && g.b.col == 1 && g.m <= (apart(g.b) ? blocks::kFew : blocks::kFew / 4);
  const bool a_lies = same && (g.a.col != 1 ? g.n <= 2 * t.cols : b_lies ? apart(g.a) || g.n <= blocks::kFew : g.n <= blocks::kNarrow);
  const int64_t pad = 2 * t.vector, a_place = t.rows * depth + pad, b_place = t.cols * depth + pad;
  const int64_t columns = b_lies ? g.n : std::min(g.n, blocks::kPanel);
  const int64_t pieces = b_lies ? ceil_div(g.k, depth) : std::min(ceil_div(g.k, depth), std::max<int64_t>(1, blocks::kPanel / depth));
  const bool ragged = g.n % t.vector != 0;  // then the last sliver of B cannot be read in whole vectors
  Scratch<T> b_panel(b_lies ? ragged * pieces * b_place : pieces * Slivers(columns, t.cols, false).count * b_place);
  auto each = [&](int64_t n, int64_t grain, auto&& f) {
    if (threads) parallel_for(0, n, grain, [&](int64_t b, int64_t e) { for (int64_t i = b; i < e; ++i) f(i); });
    else for (int64_t i = 0; i < n; ++i) f(i);
  };
  // How C is cut has no influence on any sum, so it may depend on the number of threads.
  const int64_t shares = threads ? num_threads() : 1, wanted = shares == 1 ? 1 : 4 * shares;
  const Slivers ma(g.m, t.rows, true);
  const Slivers down(ma.count, std::clamp<int64_t>(ceil_div(ma.count, 6 * shares), 4, blocks::kBand), true);

  for (int64_t jc = 0; jc < g.n; jc += columns) {
    const Slivers nb(std::min(columns, g.n - jc), t.cols, false);
    const Slivers across(nb.count, ceil_div(nb.count, ceil_div(wanted, down.count)), true);
    const auto b_width = [&](int64_t s) { return ceil_div(nb.length(s), t.vector) * t.vector; };
    const auto b_direct = [&](int64_t s) { return b_lies && !(ragged && s + 1 == nb.count); };
    for (int64_t pc = 0; pc < g.k; pc += pieces * depth) {
      const Slivers parts(std::min(pieces * depth, g.k - pc), depth, false);
      const auto a_source = [&](int64_t q, int64_t s) { return g.a.data + ma.begin(s) * g.a.row + (pc + parts.begin(q)) * g.a.col; };
      const auto b_source = [&](int64_t q, int64_t s) { return g.b.data + (pc + parts.begin(q)) * g.b.row + (jc + nb.begin(s)) * g.b.col; };
      const auto b_at = [&](int64_t q, int64_t s) -> T* { return b_panel + (b_lies ? q : q * nb.count + s) * b_place; };
      const auto pack_b = [&](int64_t q, int64_t s) {
        pack_sliver<T, S>(t, b_source(q, s), g.b.col, g.b.row, nb.length(s), parts.length(q), b_width(s), b_at(q, s));
      };
      if (!b_lies) each(parts.count * nb.count, 1, [&](int64_t i) { pack_b(i / nb.count, i % nb.count); });
      else if (ragged) each(parts.count, 4, [&](int64_t q) { pack_b(q, nb.count - 1); });

      each(down.count * across.count, 1, [&](int64_t task) {
        const int64_t top = down.begin(task / across.count), bottom = top + down.length(task / across.count);
        const int64_t begin = across.begin(task % across.count), end = begin + across.length(task % across.count);
        Scratch<T> a_band(a_lies ? 0 : (bottom - top) * a_place);
        for (int64_t q = 0; q < parts.count; ++q) {
          const int64_t kc = parts.length(q);
          const bool row = g.row && !(pc || q);
          if (!a_lies) pack_rows<T, S>(t, ma, top, bottom, {a_source(q, 0), g.a.row, g.a.col}, kc, a_place, a_band);
          for (int64_t j = begin; j < end; ++j) {
            const bool lies = b_direct(j);
            const T* b = lies ? nullptr : b_at(q, j);
            // Each tile of the column fetches its part of the next sliver.
            const int64_t ahead = !b_lies && j + 1 < end ? b_place / (bottom - top) : 0;
            for (int64_t i = top; i < bottom; ++i) {
              const int64_t r = ma.length(i), n = nb.length(j);
              T* c = g.c + ma.begin(i) * g.ldc + jc + nb.begin(j);
              const Addend<T> add{g.alpha, pc || q ? T(1) : g.beta, row ? g.row + jc + nb.begin(j) : c, row ? 0 : g.ldc};
              const T* a = a_lies ? nullptr : a_band + (i - top) * a_place;
              const T* next = lies ? nullptr : b + b_place + (i - top) * ahead;
              if constexpr (same) {
                if (a_lies && g.a.col == 1 && !lies) {
                  t.multiply_rows(r, n, kc, add, a_source(q, i), g.a.row, b, c, g.ldc, next, ahead * sizeof(T));
                  continue;
                }
                if (a_lies || lies) {
                  const Matrix<T> left = a_lies ? Matrix<T>{a_source(q, i), g.a.row, g.a.col} : Matrix<T>{a, 1, r};
                  const Matrix<T> right = lies ? Matrix<T>{b_source(q, j), g.b.row, 1} : Matrix<T>{b, b_width(j), 1};
                  t.multiply(r, n, kc, add, left.data, left.row, left.col, right.data, right.row, c, g.ldc);
                  continue;
                }
              }
              t.multiply_packed(r, n, kc, add, a, b, c, g.ldc, next, ahead * sizeof(T));
            }
          }
        }
      });
    }
  }
}

// C = beta*D, without reading D where beta is 0.
template <class T>
void scale_rows(int64_t m, int64_t n, T beta, T* c, int64_t ldc, const T* row = nullptr) {
  for (int64_t i = 0; i < m; ++i)
    for (int64_t j = 0; j < n; ++j) c[i * ldc + j] = beta == T(0) ? T(0) : beta * (row ? row[j] : c[i * ldc + j]);
}

// C = A*B as the transpose of B'*A': for a small A and a B that lies transposed (a linear layer's weight) this reads B
// where it is and packs A instead.
template <class T, class S>
void run_transposed(const Product<T, S>& g, bool threads) {
  Scratch<T> turned(g.m * g.n);  // n x m
  run_product(Product<T, S>{g.n, g.m, g.k, g.alpha, {g.b.data, g.b.col, g.b.row}, {g.a.data, g.a.col, g.a.row}, T(0), turned, g.m}, threads);
  const Tiles<T>& t = tiles<T>();
  const Slivers down(g.m, t.cols, false);
  const auto turn = [&](int64_t j) {
    T rows[2 * 16 * 2 * 16 * 2];
    for (int64_t i = 0; i < down.count; ++i) {
      const int64_t lines = std::min<int64_t>(t.vector, g.n - j), steps = down.length(i);
      t.pack(turned + j * g.m + down.begin(i), g.m, 1, lines, steps, lines, rows);
      for (int64_t r = 0; r < steps; ++r) {
        T* c = g.c + (down.begin(i) + r) * g.ldc + j;
        if (g.beta == T(0)) std::copy_n(rows + r * lines, lines, c);
        else for (int64_t q = 0; q < lines; ++q) c[q] = g.beta * (g.row ? g.row[j + q] : c[q]) + rows[r * lines + q];
      }
    }
  };
  const auto turn_all = [&](int64_t b, int64_t e) { for (int64_t j = b; j < e; ++j) turn(j * t.vector); };
  if (const int64_t blocks = ceil_div(g.n, t.vector); threads) parallel_for(0, blocks, 4, turn_all);
  else turn_all(0, blocks);
}

template <class T, class S>
void run_blocks(const Product<T, S>& g, bool threads) {
  if (g.m <= 0 || g.n <= 0) return;
  if (g.k <= 0 || g.alpha == T(0)) return scale_rows(g.m, g.n, g.beta, g.c, g.ldc, g.row);
  threads = threads && g.m * g.n >= blocks::kParallelFrom / g.k && !in_parallel();
  // Read where they lie, the columns of a transposed operand serve as rows of the other.
  // Rows a multiple of 2 KiB apart share few lines of the cache.
  const bool b_lies = g.b.row == 1 && g.b.col != 1 && g.m <= 128 && g.n >= 4 * g.m;
  const bool a_lies = g.a.row == 1 && g.a.col != 1 && g.n <= 128 && g.m >= 4 * g.n;
  if (std::is_same_v<T, S> && g.k >= 64 && (b_lies || a_lies)) return run_transposed(g, threads);
  run_product(g, threads);
}

}  // namespace tallow::blas
