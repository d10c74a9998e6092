// Reading and writing at a grid of offsets: what index, index_put, index_select, index_add and their kin come down to.
#include <cstring>

#include "ops/index/index.hpp"

namespace tallow {

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

// Elements that no two pieces share: (b, q) and stretches of r; all p of an element belong to one piece, in order.
template <class T, Combine How>
void write(T* base, const Grid& g, const T* source, bool one) {
  const int64_t nb = g.before.numel(), np = g.at.numel(), nq = g.after.numel(), run = g.run;
  const int64_t* before = g.before.ptr<int64_t>();
  const int64_t* at = g.at.ptr<int64_t>();
  const int64_t* after = g.after.ptr<int64_t>();
  const int64_t stretch = np * run > 32768 ? std::clamp<int64_t>((run / 8 + 15) / 16 * 16, 16, 1024) : run;
  const int64_t stretches = (run + stretch - 1) / stretch;
  parallel_for(0, nb * nq * stretches, std::max<int64_t>(1, 32768 / (np * stretch)), [=](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t r0 = i % stretches * stretch, n = std::min(stretch, run - r0), q = i / stretches % nq, b = i / stretches / nq;
      T* const to = base + before[b] + after[q] + r0;
      const T* from = one ? source : source + (b * np * nq + q) * run + r0;
      const int64_t next = one ? 0 : nq * run;
      if (n == 1) {
        for (int64_t p = 0; p < np; ++p, from += next) to[at[p]] = combine<How>(to[at[p]], *from);
      } else if (one) {
        for (int64_t p = 0; p < np; ++p)
          for (int64_t r = 0; r < n; ++r) to[at[p] + r] = combine<How>(to[at[p] + r], *from);
      } else {
        for (int64_t p = 0; p < np; ++p, from += next) {
          T* d = to + at[p];
#pragma GCC ivdep
          for (int64_t r = 0; r < n; ++r) d[r] = combine<How>(d[r], from[r]);
        }
      }
    }
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
