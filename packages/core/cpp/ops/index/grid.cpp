// Reading and writing at a grid of offsets: what index, index_put, index_select, index_add and their kin come down to.
#include <cstring>

#include "ops/index/index.hpp"
#include "ops/index/row_loops.hpp"
#include "vec/isa.hpp"

namespace tallow {
namespace baseline { const RowLoops* row_loops(); }
namespace avx2 { const RowLoops* row_loops(); }
namespace avx512 { const RowLoops* row_loops(); }

const RowLoops& row_loops() {
  static const RowLoops* best = TL_FOR_THIS_PROCESSOR(row_loops());
  return *best;
}

Tensor index_values(const TensorImpl* index) {
  if (index->dtype == DType::Int64) return contiguous(index);
  Tensor out = empty(index->size_span(), DType::Int64);
  copy_into(out.get(), index);
  return out;
}

Tensor offsets_of(const TensorImpl* t, Sizes dims, int64_t* run) {
  size_t n = dims.size();
  if (run) {
    *run = 1;
    while (n && (t->stride(dims[n - 1]) == *run || t->size(dims[n - 1]) == 1)) *run *= t->size(dims[--n]);
  }
  int64_t count = 1;
  for (size_t i = 0; i < n; ++i) count *= t->size(dims[i]);
  Tensor out = empty(Sizes(&count, 1), DType::Int64);
  int64_t* o = out.ptr<int64_t>();
  if (count == 0) return out;
  o[0] = 0;
  int64_t filled = 1;  // from the last dimension outwards: each repeats what is there
  for (size_t i = n; i-- > 0;) {
    const int64_t size = t->size(dims[i]), stride = t->stride(dims[i]);
    for (int64_t k = 1; k < size; ++k)
      for (int64_t j = 0; j < filled; ++j) o[k * filled + j] = o[j] + k * stride;
    filled *= size;
  }
  return out;
}

Grid grid_along(const TensorImpl* t, int64_t dim, const Tensor& index) {
  Grid g;
  Dims before, after;
  for (int64_t d = 0; d < t->ndim; ++d)
    if (d < dim) before.push_back(d);
    else if (d > dim) after.push_back(d);
  g.before = offsets_of(t, before, nullptr);
  g.after = offsets_of(t, after, &g.run);
  const int64_t stride = t->ndim ? t->stride(dim) : 1, n = index.numel();
  const int64_t* from = index.ptr<int64_t>();
  g.at = empty(Sizes(&n, 1), DType::Int64);
  int64_t* to = g.at.ptr<int64_t>();
  parallel_for(0, n, 65536, [=](int64_t b, int64_t e) {
    for (int64_t i = b; i < e; ++i) to[i] = from[i] * stride;
  });
  return g;
}

void grid_read(const TensorImpl* t, const Grid& g, char* out) {
  const int64_t item = itemsize(t->dtype), np = g.at.numel(), nq = g.after.numel(), run = g.run;
  if (g.numel() == 0) return;
  const int64_t* before = g.before.ptr<int64_t>();
  const int64_t* at = g.at.ptr<int64_t>();
  const int64_t* after = g.after.ptr<int64_t>();
  const char* base = t->ptr<char>();
  const int64_t row = nq * run, grain = std::max<int64_t>(1, 32768 / row);
  const auto bytes = static_cast<size_t>(run * item);
  parallel_for(0, g.before.numel() * np, grain, [=](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end;) {
      const int64_t b = i / np, p0 = i % np, p1 = std::min(np, p0 + (end - i));
      const char* from = base + before[b] * item;
      char* to = out + i * row * item;
      if (nq == 1 && run == 1) {
        with_item(item, [&](auto tag) {
          using T = decltype(tag);
          auto* o = reinterpret_cast<T*>(to);
          auto* f = reinterpret_cast<const T*>(from) + after[0];
          for (int64_t p = p0; p < p1; ++p) *o++ = f[at[p]];
        });
      } else if (nq == 1) {
        from += after[0] * item;
        for (int64_t p = p0; p < p1; ++p, to += bytes) {
          if (p + 8 < p1) __builtin_prefetch(from + at[p + 8] * item);
          std::memcpy(to, from + at[p] * item, bytes);
        }
      } else {
        for (int64_t p = p0; p < p1; ++p)
          for (int64_t q = 0; q < nq; ++q, to += bytes) std::memcpy(to, from + (at[p] + after[q]) * item, bytes);
      }
      i += p1 - p0;
    }
  });
}

namespace {

// One p after the other: rows of q and r.
template <class T, Combine How>
struct Writer {
  T* base;
  const T* source;
  const Grid& g;
  bool one;
  const int64_t* before = g.before.ptr<int64_t>();
  const int64_t* at = g.at.ptr<int64_t>();
  const int64_t* after = g.after.ptr<int64_t>();
  int64_t np = g.at.numel(), nq = g.after.numel(), run = g.run;
  void (*row)(char*, const char*, int64_t) = How == Combine::Copy ? nullptr : row_loops().combine[compute_type(dtype_of_tag())][static_cast<int>(How)];

  static DType dtype_of_tag() {
    if constexpr (How == Combine::Copy) return DType::Float32;
    else return dtype_of<T>::value;
  }
  void point(int64_t b, int64_t p) const {
    T* to = base + before[b] + at[p];
    const T* from = one ? source : source + (b * np + p) * nq * run;
    for (int64_t q = 0; q < nq; ++q) {
      T* d = to + after[q];
      if (one) {
        for (int64_t r = 0; r < run; ++r) d[r] = combine<How>(d[r], *from);
      } else if (run == 1) {
        *d = combine<How>(*d, from[q]);
      } else if constexpr (How == Combine::Copy) {
        std::memcpy(d, from + q * run, static_cast<size_t>(run) * sizeof(T));
      } else {
        row(reinterpret_cast<char*>(d), reinterpret_cast<const char*>(from + q * run), run);
      }
    }
  }
  void all(int64_t b) const {
    if (nq == 1 && run == 1) {
      T* to = base + before[b] + after[0];
      const T* from = one ? source : source + b * np;
      const int64_t next = one ? 0 : 1;
      for (int64_t p = 0; p < np; ++p, from += next) to[at[p]] = combine<How>(to[at[p]], *from);
    } else {
      for (int64_t p = 0; p < np; ++p) point(b, p);
    }
  }
};

// Every element of t is written by one thread, in order of p, so that the result is the same for any number of threads.
template <class T, Combine How>
void write(T* base, const Grid& g, const T* source, bool one) {
  const Writer<T, How> w{base, source, g, one};
  const int64_t nb = g.before.numel(), np = w.np, row = w.nq * w.run;
  if (nb >= 16 || num_threads() == 1 || in_parallel() || nb * np * row <= 32768) {
    return parallel_for(0, nb, std::max<int64_t>(1, 32768 / (np * row)), [&](int64_t begin, int64_t end) {
      for (int64_t b = begin; b < end; ++b) w.all(b);
    });
  }
  // Few rows outside: the positions are dealt out by where they write. Two that meet are in one bucket, in order.
  constexpr int64_t kBuckets = 64;
  int64_t top = 0;
  for (int64_t p = 0; p < np; ++p) top = std::max(top, w.at[p]);
  const int64_t width = top / kBuckets + 1;
  int64_t starts[kBuckets + 1] = {};
  for (int64_t p = 0; p < np; ++p) ++starts[w.at[p] / width + 1];
  for (int64_t i = 0; i < kBuckets; ++i) starts[i + 1] += starts[i];
  Tensor order = empty(Sizes(&np, 1), DType::Int64);
  int64_t next[kBuckets];
  std::copy_n(starts, kBuckets, next);
  for (int64_t p = 0; p < np; ++p) order.ptr<int64_t>()[next[w.at[p] / width]++] = p;
  parallel_for(0, kBuckets, 1, [&](int64_t begin, int64_t end) {
    for (int64_t b = 0; b < nb; ++b)
      for (int64_t i = starts[begin]; i < starts[end]; ++i) w.point(b, order.ptr<int64_t>()[i]);
  });
}

}  // namespace

void grid_write(TensorImpl* t, const Grid& g, const TensorImpl* source, bool one, Combine how) {
  if (g.numel() == 0) return;
  TL_CHECK(source->dtype == t->dtype, "grid_write: dtypes differ");
  if (how == Combine::Copy) {
    return with_item(itemsize(t->dtype), [&](auto tag) {
      using T = decltype(tag);
      write<T, Combine::Copy>(t->ptr<T>(), g, source->ptr<T>(), one);
    });
  }
  with_compute(t->dtype, [&](auto tag) {
    using T = decltype(tag);
    T* base = t->ptr<T>();
    const T* from = source->ptr<T>();
    switch (how) {
      case Combine::Add: return write<T, Combine::Add>(base, g, from, one);
      case Combine::Multiply: return write<T, Combine::Multiply>(base, g, from, one);
      case Combine::Max: return write<T, Combine::Max>(base, g, from, one);
      default: return write<T, Combine::Min>(base, g, from, one);
    }
  });
}

}  // namespace tallow
