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

// C = alpha*A*B + beta*C, computed in T; S is what A and B are stored as.
template <class T, class S>
struct Product {
  int64_t m, n, k;
  T alpha;
  Matrix<S> a, b;
  T beta;
  T* c;
  int64_t ldc;
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

// A range cut into shares of `size` and, from three quarters on, of a third of that: threads that take one share after
// the other then finish together, whichever started late.
struct Tapered {
  int64_t extent, size, wide, small, count;
  Tapered(int64_t extent, int64_t size)
      : extent(extent), size(size), wide(extent <= size ? ceil_div(extent, size) : extent * 3 / 4 / size), small(std::max<int64_t>(1, size / 3)),
        count(wide + ceil_div(std::max<int64_t>(0, extent - wide * size), small)) {}
  int64_t begin(int64_t i) const { return i < wide ? i * size : std::min(extent, wide * size + (i - wide) * small); }
  int64_t length(int64_t i) const { return std::min(extent, begin(i + 1)) - begin(i); }
};

namespace blocks {
constexpr int64_t kDepth = 512;     // of K, between two visits of C
constexpr int64_t kColumns = 2048;  // of B packed at a time: 4 MiB in float
constexpr int64_t kBand = 8;        // slivers of A that a task multiplies with the panel: they stay in the L2 cache
constexpr int64_t kTasks = 32;      // wanted at least
constexpr int64_t kDirect = 512;    // below this many rows (columns) the other operand is not packed
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

// One panel of B at a time is packed by all threads together; then each task packs its own rows of A, which stay in its
// cache, and multiplies them with a range of the panel's columns.
template <class T, class S>
void run_product(const Product<T, S>& g, bool threads) {
  const Tiles<T>& t = tiles<T>();
  const int64_t depth = Slivers(g.k, blocks::kDepth, true).size;
  constexpr bool same = std::is_same_v<T, S>;
  // Packing pays when a panel is read often enough; otherwise the operand is read where it lies.
  const bool direct_a = same && g.n <= (g.a.col == 1 ? blocks::kDirect : 2 * t.cols);
  const bool direct_b = same && g.b.col == 1 && g.m <= blocks::kDirect;
  const bool ragged = g.n % t.vector != 0;  // then the last sliver of B cannot be read in whole vectors
  const int64_t pad = 2 * t.vector, a_place = t.rows * depth + pad, b_place = t.cols * depth + pad;
  const int64_t columns = std::min(g.n, blocks::kColumns);
  Scratch<T> b_panel(direct_b ? (ragged ? b_place : 0) : Slivers(columns, t.cols, false).count * b_place);
  auto each = [&](int64_t n, int64_t grain, auto&& f) {
    if (threads) parallel_for(0, n, grain, [&](int64_t b, int64_t e) { for (int64_t i = b; i < e; ++i) f(i); });
    else for (int64_t i = 0; i < n; ++i) f(i);
  };
  const Slivers ma(g.m, t.rows, true);
  const Tapered down(ma.count, blocks::kBand);

  for (int64_t jc = 0; jc < g.n; jc += columns) {
    const Slivers nb(std::min(columns, g.n - jc), t.cols, false);
    const Slivers across(nb.count, std::max<int64_t>(direct_a ? 2 : 8, ceil_div(nb.count, ceil_div(blocks::kTasks, down.count))), true);
    for (int64_t pc = 0; pc < g.k; pc += depth) {
      const int64_t kc = std::min(depth, g.k - pc);
      const T beta = pc ? T(1) : g.beta;
      const auto b_direct = [&](int64_t s) { return direct_b && !(ragged && jc + nb.begin(s) + nb.length(s) == g.n); };
      const auto b_at = [&](int64_t s) -> T* { return direct_b ? b_panel : b_panel + s * b_place; };
      const auto b_width = [&](int64_t s) { return ceil_div(nb.length(s), t.vector) * t.vector; };
      const auto pack_b = [&](int64_t s) {
        if (b_direct(s)) return;
        const S* src = g.b.data + pc * g.b.row + (jc + nb.begin(s)) * g.b.col;
        pack_sliver<T, S>(t, src, g.b.col, g.b.row, nb.length(s), kc, b_width(s), b_at(s));
      };
      if (direct_b) pack_b(nb.count - 1);
      else each(nb.count, 4, pack_b);

      each(down.count * across.count, 1, [&](int64_t task) {
        const int64_t first = down.begin(task % down.count), rows = down.length(task % down.count);
        const int64_t begin = across.begin(task / down.count), end = begin + across.length(task / down.count);
        Scratch<T> a_block(direct_a ? 0 : rows * a_place);
        const auto a_source = [&](int64_t i) { return g.a.data + ma.begin(first + i) * g.a.row + pc * g.a.col; };
        if (!direct_a)
          for (int64_t i = 0; i < rows; ++i) {
            const int64_t r = ma.length(first + i);
            pack_sliver<T, S>(t, a_source(i), g.a.row, g.a.col, r, kc, r, a_block + i * a_place);
          }
        for (int64_t j = begin; j < end; ++j) {
          const T* b = b_at(j);
          int64_t ldb = b_width(j);
          if constexpr (same)
            if (b_direct(j)) b = g.b.data + pc * g.b.row + jc + nb.begin(j), ldb = g.b.row;
          for (int64_t i = 0; i < rows; ++i) {
            const int64_t r = ma.length(first + i);
            T* c = g.c + ma.begin(first + i) * g.ldc + jc + nb.begin(j);
            if constexpr (same)
              if (direct_a) {
                t.multiply(r, nb.length(j), kc, g.alpha, a_source(i), g.a.row, g.a.col, b, ldb, beta, c, g.ldc);
                continue;
              }
            t.multiply(r, nb.length(j), kc, g.alpha, a_block + i * a_place, 1, r, b, ldb, beta, c, g.ldc);
          }
        }
      });
    }
  }
}

// C = beta*C, without reading C where beta is 0.
template <class T>
void scale_rows(int64_t m, int64_t n, T beta, T* c, int64_t ldc) {
  for (int64_t i = 0; i < m; ++i)
    for (int64_t j = 0; j < n; ++j) c[i * ldc + j] = beta == T(0) ? T(0) : beta * c[i * ldc + j];
}

// C = A*B as the transpose of B'*A': for a small A and a B that lies transposed (a linear layer's weight) this reads B
// where it is and packs A instead.
template <class T, class S>
void run_transposed(const Product<T, S>& g, bool threads) {
  Scratch<T> turned(g.m * g.n);  // n x m
  run_product(Product<T, S>{g.n, g.m, g.k, g.alpha, {g.b.data, g.b.col, g.b.row}, {g.a.data, g.a.col, g.a.row}, T(0), turned, g.m}, threads);
  const Tiles<T>& t = tiles<T>();
  const Slivers down(g.m, t.cols, false);
  T rows[2 * 16 * 2 * 16 * 2];
  for (int64_t j = 0; j < g.n; j += t.vector)
    for (int64_t i = 0; i < down.count; ++i) {
      const int64_t lines = std::min<int64_t>(t.vector, g.n - j), steps = down.length(i);
      t.pack(turned + j * g.m + down.begin(i), g.m, 1, lines, steps, lines, rows);
      for (int64_t r = 0; r < steps; ++r) {
        T* c = g.c + (down.begin(i) + r) * g.ldc + j;
        if (g.beta == T(0)) std::copy_n(rows + r * lines, lines, c);
        else for (int64_t q = 0; q < lines; ++q) c[q] = g.beta * c[q] + rows[r * lines + q];
      }
    }
}

template <class T, class S>
void run_blocks(const Product<T, S>& g, bool threads) {
  if (g.m <= 0 || g.n <= 0) return;
  if (g.k <= 0 || g.alpha == T(0)) return scale_rows(g.m, g.n, g.beta, g.c, g.ldc);
  threads = threads && g.m * g.n >= blocks::kParallelFrom / g.k && !in_parallel();
  // Read where they lie, the columns of a transposed operand serve as rows of the other.
  const bool b_lies = g.b.row == 1 && g.b.col != 1 && g.m <= 128 && g.n >= 4 * g.m;
  const bool a_lies = g.a.row == 1 && g.a.col != 1 && g.n <= 128 && g.m >= 4 * g.n;
  if (std::is_same_v<T, S> && g.k >= 64 && (b_lies || a_lies)) return run_transposed(g, threads);
  run_product(g, threads);
}

}  // namespace tallow::blas
