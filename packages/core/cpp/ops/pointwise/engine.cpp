// The strided-loop engine: one walk over the broadcast shape for any number of operands, dtypes and strides.
//
// Dimensions are sorted by the output's strides and coalesced; the linear index space is cut into pieces for threads
// and each piece into chunks that fit the cache. Operands that are contiguous along a chunk and of the compute type
// are passed as they are, others are packed (and cast) into a buffer first; likewise the output is unpacked after.
#include <algorithm>
#include <numeric>

#include "ops/pointwise/pointwise.hpp"
#include "ops/pointwise/truth_loops.hpp"
#include "parallel/parallel.hpp"

namespace tallow {
namespace {

constexpr int kMaxOperands = 5;
constexpr int64_t kChunk = 1024;      // elements: a buffer is at most 16 KiB
constexpr int64_t kGrain = 32768;     // elements per piece of work
constexpr int64_t kCostlyGrain = 8192;
constexpr int64_t kRowThreshold = 64; // inner dimensions shorter than this are gathered across rows

struct Plan {
  int n = 0;  // operands
  int ndim = 0;
  int64_t sizes[64];               // innermost first
  int64_t strides[kMaxOperands][64];  // bytes
  char* data[kMaxOperands];
  int64_t item[kMaxOperands];      // size of the operand's element
  int64_t want_item[kMaxOperands]; // size of the element that the loop sees
  CastFn pack[kMaxOperands];       // null: the loop takes the operand's own elements
  bool dense[kMaxOperands];        // one run over the whole index space
  bool repeated[kMaxOperands];     // one element for all
  int64_t numel = 1;
};

void build(Plan& p, DType compute, DType result, const Operand* ops, int n, Sizes shape) {
  p.n = n;
  const int nd = static_cast<int>(shape.size());
  int64_t strides[kMaxOperands][64];
  for (int k = 0; k < n; ++k) {
    const Operand& o = ops[k];
    p.data[k] = o.data;
    p.item[k] = itemsize(o.dtype);
    const DType want = k == 0 ? result : compute;
    p.want_item[k] = itemsize(want);
    p.pack[k] = o.dtype == want ? nullptr : k == 0 ? cast_fn(want, o.dtype) : cast_fn(o.dtype, want);
    const int64_t lead = nd - o.ndim;
    for (int d = 0; d < nd; ++d)
      strides[k][d] = d < lead || o.sizes[d - lead] == 1 ? 0 : o.strides[d - lead] * p.item[k];
  }
  // Innermost first, by the first operand (from the output on) whose strides differ.
  int order[64];
  int m = 0;
  for (int d = nd; d-- > 0;)
    if (shape[d] != 1) order[m++] = d;
  auto before = [&](int a, int b) {
    for (int k = 0; k < n; ++k) {
      const int64_t x = strides[k][a], y = strides[k][b];
      if (x == 0 && y == 0) continue;
      if (x == 0 || y == 0) continue;
      if (x != y) return x < y;
    }
    return false;
  };
  for (int i = 1; i < m; ++i)  // insertion sort: stable, and m is small
    for (int j = i; j > 0 && before(order[j], order[j - 1]); --j) std::swap(order[j], order[j - 1]);
  for (int i = 0; i < m; ++i) {
    const int d = order[i];
    p.numel *= shape[d];
    if (p.ndim > 0) {  // join with the dimension below where every operand steps evenly
      bool even = true;
      for (int k = 0; k < n && even; ++k) even = strides[k][d] == p.strides[k][p.ndim - 1] * p.sizes[p.ndim - 1];
      if (even) {
        p.sizes[p.ndim - 1] *= shape[d];
        continue;
      }
    }
    p.sizes[p.ndim] = shape[d];
    for (int k = 0; k < n; ++k) p.strides[k][p.ndim] = strides[k][d];
    ++p.ndim;
  }
  if (p.ndim == 0) {
    p.sizes[0] = 1, p.ndim = 1;
    for (int k = 0; k < n; ++k) p.strides[k][0] = 0;
  }
  for (int k = 0; k < n; ++k) {
    int64_t expected = p.item[k];
    bool dense = true, repeated = true;
    for (int d = 0; d < p.ndim; ++d) {
      dense &= p.strides[k][d] == expected || p.sizes[d] == 1;
      repeated &= p.strides[k][d] == 0;
      expected *= p.sizes[d];
    }
    p.dense[k] = dense;
    p.repeated[k] = repeated && k > 0;
  }
}

// Position in the index space, kept per piece.
struct Cursor {
  int64_t at[64];
  const Plan& p;
  Cursor(const Plan& plan, int64_t linear) : p(plan) {
    for (int d = 0; d < p.ndim; ++d) {
      at[d] = linear % p.sizes[d];
      linear /= p.sizes[d];
    }
  }
  void advance(int64_t n) {
    at[0] += n;
    for (int d = 0; d + 1 < p.ndim && at[d] >= p.sizes[d]; ++d) {
      at[d + 1] += at[d] / p.sizes[d];
      at[d] %= p.sizes[d];
    }
  }
  char* address(int k) const {
    char* a = p.data[k];
    for (int d = 0; d < p.ndim; ++d) a += at[d] * p.strides[k][d];
    return a;
  }
};

// Moves n elements of operand k between its strided place, from the cursor on, and a contiguous buffer.
template <bool ToBuffer>
void move_rows(const Plan& p, const Cursor& start, int k, char* buffer, int64_t n, CastFn fn) {
  Cursor c = start;
  const int64_t bi = p.want_item[k];
  while (n > 0) {
    const int64_t run = std::min(n, p.sizes[0] - c.at[0]);
    char* a = c.address(k);
    if (ToBuffer) fn(a, p.strides[k][0], buffer, bi, run);
    else fn(buffer, bi, a, p.strides[k][0], run);
    buffer += run * bi;
    n -= run;
    c.advance(run);
  }
}

void run_piece(const Plan& p, Loop loop, const ScalarArg* scalars, const CastFn* copy, int64_t begin, int64_t end, bool broadcast_ok) {
  alignas(64) char buffers[kMaxOperands][kChunk * 16];
  Cursor c(p, begin);
  char* d[kMaxOperands];
  int64_t s[kMaxOperands];
  // A repeated operand in another dtype is cast once.
  bool ready[kMaxOperands] = {};
  const bool rows = p.ndim == 1 || p.sizes[0] >= kRowThreshold;
  for (int64_t i = begin; i < end;) {
    int64_t n = end - i;
    bool all_direct = true;
    // A repeated element that the loop does not repeat itself is laid out in a buffer, which holds a chunk.
    for (int k = 0; k < p.n; ++k) all_direct &= (p.dense[k] || (broadcast_ok && p.repeated[k])) && !p.pack[k];
    if (!all_direct) {
      n = std::min(n, kChunk);
      if (rows) n = std::min(n, p.sizes[0] - c.at[0]);
    }
    bool unpack = false;
    for (int k = 0; k < p.n; ++k) {
      const int64_t wi = p.want_item[k];
      s[k] = wi;
      const bool run_here = p.dense[k] || (rows && p.strides[k][0] == p.item[k]);
      if (k > 0 && broadcast_ok && (p.repeated[k] || (rows && p.strides[k][0] == 0))) {
        s[k] = 0;
        if (!p.pack[k]) {
          d[k] = c.address(k);
        } else {
          if (!(p.repeated[k] && ready[k])) p.pack[k](c.address(k), 0, buffers[k], wi, 1);
          ready[k] = true;
          d[k] = buffers[k];
        }
      } else if (run_here && !p.pack[k]) {
        d[k] = p.dense[k] ? p.data[k] + i * p.item[k] : c.address(k);
      } else {
        d[k] = buffers[k];
        if (k == 0) {
          unpack = true;
        } else if (!(p.repeated[k] && ready[k] && n <= kChunk && ready[k])) {
          const CastFn fn = p.pack[k] ? p.pack[k] : copy[k];
          if (p.dense[k]) fn(p.data[k] + i * p.item[k], p.item[k], buffers[k], wi, n);
          else if (p.repeated[k]) fn(p.data[k], 0, buffers[k], wi, kChunk), ready[k] = true;
          else move_rows<true>(p, c, k, buffers[k], n, fn);
        }
      }
    }
    loop(d, s, n, scalars);
    if (unpack) {
      const CastFn fn = p.pack[0] ? p.pack[0] : copy[0];
      if (p.dense[0]) fn(buffers[0], p.want_item[0], p.data[0] + i * p.item[0], p.item[0], n);
      else move_rows<false>(p, c, 0, buffers[0], n, fn);
    }
    i += n;
    c.advance(n);
  }
}

}  // namespace

void run_loop(Loop loop, DType compute, DType result, const Operand* operands, int noperands, const ScalarArg* scalars, Sizes shape, bool costly) {
  Plan p;
  build(p, compute, result, operands, noperands, shape);
  if (p.numel == 0) return;
  for (int64_t s : shape)
    if (s == 0) return;
  CastFn copy[kMaxOperands];
  for (int k = 0; k < noperands; ++k) copy[k] = cast_fn(operands[k].dtype, operands[k].dtype);
  // A loop over one input sees contiguous data only; several inputs may each be one repeated element.
  const bool broadcast_ok = noperands > 2;
  parallel_for(0, p.numel, costly ? kCostlyGrain : kGrain,
               [&](int64_t b, int64_t e) { run_piece(p, loop, scalars, copy, b, e, broadcast_ok); });
}

void run_pointwise(Loop loop, ComputeType c, DType result, const Operand* operands, int noperands, const ScalarArg* scalars, Sizes shape,
                   bool costly) {
  run_loop(loop, dtype_of_compute(c), result, operands, noperands, scalars, shape, costly);
}

}  // namespace tallow
