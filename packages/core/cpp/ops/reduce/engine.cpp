// How it works: dimensions are sorted by stride and joined where they follow one another. Either the densest dimension
// is reduced ("inner": runs of up to kRun elements become one accumulator each) or it is kept ("outer": tiles of up to
// kColumns accumulators collect rows). The remaining dimensions are walked around that. Work is cut by shape: across
// outputs where there are many, along the reduction where there are few, and then partial results merge in order.
#include "ops/reduce/engine.hpp"

#include <algorithm>
#include <memory>

#include "memory/allocator.hpp"
#include "ops/pointwise/pointwise.hpp"
#include "vec/isa.hpp"

namespace tallow {
namespace baseline { const ReduceTable* reduce_table(); }
namespace avx2 { const ReduceTable* reduce_table(); }
namespace avx512 { const ReduceTable* reduce_table(); }

const ReduceLoops& reduce_loops(Reducer r, ReduceType t) {
  static const ReduceTable table = [] {
    ReduceTable out = *baseline::reduce_table();
    const ReduceTable& best = *TL_FOR_THIS_PROCESSOR(reduce_table());
    for (int i = 0; i < kReducers; ++i)
      for (int c = 0; c < kReduceTypes; ++c)
        if (best.loops[i][c].inner) out.loops[i][c] = best.loops[i][c];
    return out;
  }();
  return table.loops[static_cast<int>(r)][t];
}

DType compute_dtype(DType t) { return dtype_of_compute(compute_type(t)); }

namespace {

constexpr int64_t kPiece = 131072;    // elements per piece of work
constexpr int64_t kBuffer = 4096;     // elements that are cast or gathered at a time
constexpr int64_t kFewUnits = 64;     // fewer outputs (or tiles) than this: the reduction itself is cut

ReduceType column_of(DType t) {
  switch (t) {
    case DType::Float32: return kRF32;
    case DType::Float64: return kRF64;
    case DType::Int64: return kRI64;
    case DType::Complex64: return kRC64;
    case DType::Complex128: return kRC128;
    default: return kRBool;
  }
}

struct Axis {
  int64_t size, stride;  // stride in bytes
};

struct Walk {  // a nest of axes, outermost first
  Axis axes[64];
  int n = 0;
  int64_t count = 1;
  void add(Axis a) {
    count *= a.size;
    if (n && axes[n - 1].stride == a.size * a.stride) axes[n - 1] = {axes[n - 1].size * a.size, a.stride};
    else axes[n++] = a;
  }
  Axis pop() {
    const Axis a = axes[--n];
    count = a.size ? count / a.size : 1;
    return a;
  }
  int64_t offset(int64_t i) const {
    int64_t o = 0;
    for (int k = n; k-- > 0;) {
      o += i % axes[k].size * axes[k].stride;
      i /= axes[k].size;
    }
    return o;
  }
};

struct Engine {
  const ReduceLoops& loops;
  double p;
  const char* data;
  int64_t item;          // of the input's element
  int64_t compute_item;
  CastFn cast;           // into the compute type
  bool same;             // the input is of the compute type
  Walk kept, reduced;
  Axis run{1, 0};        // inner: the run; outer: the rows
  Axis columns{1, 0};    // outer only
  bool outer = false;
  int64_t units = 0;     // accumulators (inner) or tiles (outer)
  int64_t tiles = 1;
  int64_t block = kRun;  // of `run`, per segment
  int64_t blocks = 1;
  int64_t segments = 1;  // pieces of the reduction of one unit

  char* at(void* acc, int64_t i) const { return static_cast<char*>(acc) + static_cast<int64_t>(loops.accumulator) * i; }

  // Merges segments [s0, s1) of unit u.
  void inner_unit(int64_t u, int64_t s0, int64_t s1, void* acc, char* buffer) const {
    const char* base = data + kept.offset(u);
    for (int64_t s = s0; s < s1; ++s) {
      const int64_t b = s % blocks * block, n = std::min(block, run.size - b);
      const char* x = base + reduced.offset(s / blocks) + b * run.stride;
      if (same && (run.stride == item || n == 1)) {
        loops.inner(x, 1, 0, n, acc, p);
      } else {
        cast(x, run.stride, buffer, compute_item, n);
        loops.inner(buffer, 1, 0, n, acc, p);
      }
    }
  }

  // Units [u0, u1), all segments.
  void inner_units(int64_t u0, int64_t u1, void* acc, char* buffer) const {
    if (segments > 1 || (run.stride != item && run.size > 1)) {
      for (int64_t u = u0; u < u1; ++u) inner_unit(u, 0, segments, at(acc, u - u0), buffer);
      return;
    }
    // One run per unit: rows at an even distance go down together.
    const Axis last = kept.n ? kept.axes[kept.n - 1] : Axis{1, 0};
    for (int64_t u = u0; u < u1;) {
      int64_t rows = std::min(u1 - u, last.size - u % last.size);
      const char* x = data + kept.offset(u);
      if (same && last.stride % item == 0) {
        loops.inner(x, rows, last.stride / item, run.size, at(acc, u - u0), p);
      } else {
        rows = std::min(rows, std::max<int64_t>(1, kBuffer / std::max<int64_t>(1, run.size)));
        if (last.stride == run.size * item) cast(x, item, buffer, compute_item, rows * run.size);
        else
          for (int64_t r = 0; r < rows; ++r) cast(x + r * last.stride, item, buffer + r * run.size * compute_item, compute_item, run.size);
        loops.inner(buffer, rows, run.size, run.size, at(acc, u - u0), p);
      }
      u += rows;
    }
  }

  int64_t tile_width(int64_t u) const { return std::min(kColumns, columns.size - u % tiles * kColumns); }

  void outer_unit(int64_t u, int64_t s0, int64_t s1, void* acc, char* buffer) const {
    const int64_t c0 = u % tiles * kColumns, width = tile_width(u);
    const char* base = data + kept.offset(u / tiles) + c0 * columns.stride;
    for (int64_t s = s0; s < s1; ++s) {
      const int64_t b = s % blocks * block, n = std::min(block, run.size - b);
      const char* x = base + reduced.offset(s / blocks) + b * run.stride;
      if (same && columns.stride == item && run.stride % item == 0) {
        outer_rows(x, n, run.stride / item, width, acc);
      } else {
        const int64_t fit = std::max<int64_t>(1, kBuffer / width);
        for (int64_t r = 0; r < n; r += fit) {
          const int64_t m = std::min(fit, n - r);
          const char* from = x + r * run.stride;
          if (columns.stride == item && run.stride == width * item) cast(from, item, buffer, compute_item, m * width);
          else
            for (int64_t i = 0; i < m; ++i) cast(from + i * run.stride, columns.stride, buffer + i * width * compute_item, compute_item, width);
          outer_rows(buffer, m, width, width, acc);
        }
      }
    }
  }

  // A narrow matrix without gaps is read as a wide one: several rows stand side by side, and are merged at the end.
  void outer_rows(const char* x, int64_t n, int64_t stride, int64_t width, void* acc) const {
    const int64_t fold = width <= 16 ? 64 / width : 1;
    if (fold > 1 && stride == width && n >= 8 * fold) {
      alignas(64) char wide[64 * 32];
      loops.init(wide, fold * width);
      loops.outer(x, n / fold, width * fold, width * fold, wide, p);
      for (int64_t i = 0; i < fold; ++i) loops.merge(acc, at(wide, i * width), width);
      x += n / fold * fold * width * compute_item;
      n %= fold;
    }
    if (n) loops.outer(x, n, stride, width, acc, p);
  }
};

void finish_cast(const void* acc, int64_t n, char* out, const void* context) {
  const auto* types = static_cast<const DType*>(context);
  cast_fn(types[0], types[1])(static_cast<const char*>(acc), itemsize(types[0]), out, itemsize(types[1]), n);
}

DType accumulator_dtype(Reducer r, DType compute) {
  switch (r) {
    case Reducer::Max: case Reducer::Min: case Reducer::AbsMax: case Reducer::AbsMin: return compute;
    case Reducer::Any: case Reducer::All: return DType::Bool;
    case Reducer::Count: return DType::Int64;
    default: return compute == DType::Int64 ? compute : is_complex(compute) ? DType::Complex128 : DType::Float64;
  }
}

struct Scratch {  // from the caching allocator
  explicit Scratch(size_t bytes) : bytes(bytes), p(memory::allocate(bytes)) {}
  ~Scratch() { memory::deallocate(p, bytes); }
  Scratch(const Scratch&) = delete;
  size_t bytes;
  void* p;
};

// All outputs, with the reduction cut into groups of segments.
template <class Emit>
void run_split(const Engine& e, int64_t per_group, Emit emit) {
  const int64_t groups = (e.segments + per_group - 1) / per_group, width = e.outer ? kColumns : 1;
  const int64_t acc = static_cast<int64_t>(e.loops.accumulator);
  Scratch partial(static_cast<size_t>(groups * e.units * width * acc));
  auto* parts = static_cast<char*>(partial.p);
  parallel_for(0, groups * e.units, 1, [&](int64_t b, int64_t end) {
    alignas(64) char buffer[kBuffer * 16];
    for (int64_t i = b; i < end; ++i) {
      const int64_t u = i / groups, g = i % groups, s0 = g * per_group, s1 = std::min(e.segments, s0 + per_group);
      char* a = parts + i * width * acc;
      e.loops.init(a, e.outer ? e.tile_width(u) : 1);
      if (e.outer) e.outer_unit(u, s0, s1, a, buffer);
      else e.inner_unit(u, s0, s1, a, buffer);
    }
  });
  for (int64_t u = 0; u < e.units; ++u) {
    char* first = parts + u * groups * width * acc;
    const int64_t n = e.outer ? e.tile_width(u) : 1;
    for (int64_t g = 1; g < groups; ++g) e.loops.merge(first, first + g * width * acc, n);
    emit(u, first, n);
  }
}

void execute(const Engine& e, int64_t per_unit, Finish finish, const void* context, char* out, int64_t out_item) {
  // Where unit u's results go: tiles of one row follow one another.
  auto position = [&](int64_t u) { return e.outer ? u / e.tiles * e.columns.size + u % e.tiles * kColumns : u; };
  const int64_t tile_work = per_unit * (e.outer ? std::min(kColumns, e.columns.size) : 1);
  if (e.units < kFewUnits && tile_work >= 2 * kPiece && e.segments > 1) {
    const int64_t per_group = std::max<int64_t>(1, kPiece / std::max<int64_t>(1, tile_work / e.segments));
    run_split(e, per_group, [&](int64_t u, const char* acc, int64_t n) { finish(acc, n, out + position(u) * out_item, context); });
    return;
  }
  const int64_t grain = std::max<int64_t>(1, kPiece / std::max<int64_t>(1, tile_work));
  parallel_for(0, e.units, grain, [&](int64_t b, int64_t end) {
    alignas(64) char acc[kColumns * sizeof(Moments)];
    alignas(64) char buffer[kBuffer * 16];
    if (e.outer) {
      for (int64_t u = b; u < end; ++u) {
        const int64_t n = e.tile_width(u);
        e.loops.init(acc, n);
        e.outer_unit(u, 0, e.segments, acc, buffer);
        finish(acc, n, out + position(u) * out_item, context);
      }
    } else {
      for (int64_t u = b; u < end; u += kColumns) {
        const int64_t n = std::min(kColumns, end - u);
        e.loops.init(acc, n);
        e.inner_units(u, u + n, acc, buffer);
        finish(acc, n, out + u * out_item, context);
      }
    }
  });
}

}  // namespace

void reduce(const Reduction& r, const TensorImpl* in, const DimMask& mask, TensorImpl* out) {
  if (out->numel == 0) return;
  const DType acc_dtype = accumulator_dtype(r.reducer, r.compute);
  const DType types[2] = {acc_dtype, out->dtype};
  const Finish finish = r.finish ? r.finish : finish_cast;
  const void* context = r.finish ? r.context : types;
  const int64_t item = itemsize(in->dtype), out_item = itemsize(out->dtype);
  const ReduceLoops& loops = reduce_loops(r.reducer, column_of(r.compute));
  if (mask.all && in->dtype == r.compute && in->contiguous() && in->numel <= kRun) {  // the short path
    alignas(32) char acc[sizeof(Moments)];
    loops.init(acc, 1);
    loops.inner(in->data(), 1, 0, in->numel, acc, r.p);
    return finish(acc, 1, out->ptr<char>(), context);
  }
  if (in->numel == 0) {
    Scratch acc(loops.accumulator * static_cast<size_t>(out->numel));
    loops.init(acc.p, out->numel);
    return finish(acc.p, out->numel, out->ptr<char>(), context);
  }

  Engine e{.loops = loops, .p = r.p, .data = in->ptr<char>(), .item = item, .compute_item = itemsize(r.compute),
           .cast = cast_fn(in->dtype, r.compute), .same = in->dtype == r.compute};
  Axis kept[64], reduced[64];
  int order[64], nk = 0, nr = 0;
  for (int d = 0; d < in->ndim; ++d) {
    if (in->size(d) == 1) continue;
    const Axis a{in->size(d), in->stride(d) * item};
    if (mask.reduced[d]) reduced[nr++] = a;
    else order[nk] = nk, kept[nk++] = a;
  }
  auto denser = [](const Axis& a, const Axis& b) { return a.stride > b.stride && b.stride != 0; };
  std::stable_sort(reduced, reduced + nr, denser);
  // Results come in the order of the kept dimensions as sorted; another order than the output's goes via a temporary.
  std::stable_sort(order, order + nk, [&](int a, int b) { return denser(kept[a], kept[b]); });
  const bool in_order = std::is_sorted(order, order + nk);
  Tensor sorted;
  char* to = out->ptr<char>();
  if (!in_order) {
    Dims sizes(nk);
    for (int i = 0; i < nk; ++i) sizes[i] = kept[order[i]].size;
    sorted = empty(sizes, out->dtype);
    to = sorted.ptr<char>();
  }
  for (int i = 0; i < nk; ++i) e.kept.add(kept[order[i]]);
  for (int i = 0; i < nr; ++i) e.reduced.add(reduced[i]);
  auto reach = [](const Walk& w) { return w.n == 0 || w.axes[w.n - 1].stride == 0 ? INT64_MAX : w.axes[w.n - 1].stride; };
  e.outer = e.kept.n && e.reduced.n && reach(e.kept) < reach(e.reduced);
  if (e.outer) {
    e.columns = e.kept.pop();
    e.tiles = (e.columns.size + kColumns - 1) / kColumns;
    e.block = std::max<int64_t>(64, 65536 / std::min(kColumns, e.columns.size));
  }
  if (e.reduced.n) e.run = e.reduced.pop();
  e.blocks = (e.run.size + e.block - 1) / e.block;
  e.segments = e.reduced.count * e.blocks;
  e.units = e.outer ? e.kept.count * e.tiles : e.kept.count;
  execute(e, in->numel / out->numel, finish, context, to, out_item);
  if (!in_order) {
    Dims sizes(nk), strides(nk);
    int64_t step = 1;
    for (int i = nk; i-- > 0;) {
      sizes[order[i]] = kept[order[i]].size;
      strides[order[i]] = step;
      step *= kept[order[i]].size;
    }
    const Dims flat = contiguous_strides(sizes);
    copy_into(make_alias(out, sizes, flat, out->offset, out->dtype).get(),
              make_alias(sorted.get(), sizes, strides, 0, out->dtype).get());
  }
}

// ---------------------------------------------------------------- dimensions
DimMask dim_mask(tl::Sizes dims, int64_t ndim, const char* op) {
  DimMask m;
  if (dims.empty()) {
    std::fill(m.reduced, m.reduced + ndim, true);
    return m;
  }
  for (int64_t d : dims) {
    const int64_t w = wrap_dim(d, ndim);
    TL_CHECK(!m.reduced[w], op, ": dim ", w, " appears multiple times in the list of dims");
    m.reduced[w] = true;
  }
  for (int64_t d = 0; d < ndim; ++d) m.all &= m.reduced[d];
  return m;
}

DimMask dim_mask(const tl::Call& c, uint32_t arg, int64_t ndim) { return dim_mask(c.ints(arg), ndim, c.op()->schema.name.c_str()); }

Dims reduced_sizes(const TensorImpl* t, const DimMask& mask, bool keepdim) {
  Dims s;
  for (int d = 0; d < t->ndim; ++d) {
    if (!mask.reduced[d]) s.push_back(t->size(d));
    else if (keepdim) s.push_back(1);
  }
  return s;
}

int64_t reduced_count(const TensorImpl* t, const DimMask& mask) {
  int64_t n = 1;
  for (int d = 0; d < t->ndim; ++d)
    if (mask.reduced[d]) n *= t->size(d);
  return n;
}

}  // namespace tallow
