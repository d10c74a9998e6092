// One index per element along a dimension: gather, scatter and its reductions, take_along_dim.
#include <limits>

#include "ops/index/index.hpp"

namespace tallow {
namespace {

int64_t size_at(const TensorImpl* t, int64_t d) { return t->ndim ? t->size(d) : 1; }
int64_t stride_at(const TensorImpl* t, int64_t d) { return t->ndim ? t->stride(d) : 1; }

// The loops of a gather or scatter: for every element (j along dim, k along the innermost other dimension) of the index,
// `self` is at base + index * self_dim + k * self_k, `other` (what is read or written beside it) at its own strides.
struct Lines {
  int64_t n = 0;                       // dimensions outside of the two loops
  int64_t sizes[64], self[64], other[64], index[64];
  int64_t count = 1;                   // product of sizes
  int64_t J = 1, K = 1;
  int64_t self_dim = 0, self_k = 0, other_j = 0, other_k = 0, index_j = 0, index_k = 0;
  int64_t limit = 0;                   // indices are below
};

Lines lines_of(const TensorImpl* self, const TensorImpl* index, Sizes other_strides, int64_t dim) {
  Lines l;
  l.limit = size_at(self, dim);
  l.self_dim = stride_at(self, dim);
  l.J = size_at(index, dim), l.index_j = stride_at(index, dim), l.other_j = other_strides.empty() ? 1 : other_strides[dim];
  int64_t inner = -1;
  for (int64_t d = index->ndim; d-- > 0 && inner < 0;)
    if (d != dim && index->size(d) > 1) inner = d;
  // A line along `dim` itself is best where dim is innermost in memory, unless it is very short.
  if (inner >= 0 && inner < dim && l.J >= 8) inner = -1;
  if (inner >= 0) l.K = index->size(inner), l.self_k = self->stride(inner), l.other_k = other_strides[inner], l.index_k = index->stride(inner);
  for (int64_t d = 0; d < index->ndim; ++d) {
    if (d == dim || d == inner || index->size(d) == 1) continue;
    l.sizes[l.n] = index->size(d), l.self[l.n] = self->stride(d), l.other[l.n] = other_strides[d], l.index[l.n++] = index->stride(d);
    l.count *= index->size(d);
  }
  return l;
}

[[noreturn, gnu::noinline, gnu::cold]] void out_of_bounds(int64_t i, int64_t dim, int64_t size) {
  fail(TL_RUNTIME_ERROR, "index ", i, " is out of bounds for dimension ", dim, " with size ", size);
}

// Pieces share no element of self: lines outside, stretches of k; j runs whole and in order (`split_j`: order is free).
template <class F>
void for_lines(const Lines& l, int64_t dim, const int64_t* index, bool split_j, F f) {
  const int64_t stretch = l.J * l.K > 32768 && !split_j ? std::clamp<int64_t>((l.K / 8 + 15) / 16 * 16, 16, 4096) : std::min<int64_t>(l.K, 32768);
  const int64_t chunk = split_j ? std::max<int64_t>(1, 32768 / l.K) : l.J;
  const int64_t ks = l.K ? (l.K + stretch - 1) / std::max<int64_t>(stretch, 1) : 0, js = l.J ? (l.J + chunk - 1) / std::max<int64_t>(chunk, 1) : 0;
  parallel_for(0, l.count * ks * js, std::max<int64_t>(1, 32768 / std::max<int64_t>(1, stretch * chunk)), [&, index](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t j0 = i % js * chunk, j1 = std::min(l.J, j0 + chunk);
      int64_t rest = i / js;
      const int64_t k0 = rest % ks * stretch, k1 = std::min(l.K, k0 + stretch);
      rest /= ks;
      int64_t s = k0 * l.self_k, o = k0 * l.other_k, x = k0 * l.index_k;
      for (int64_t d = l.n; d-- > 0;) {
        const int64_t at = rest % l.sizes[d];
        rest /= l.sizes[d];
        s += at * l.self[d], o += at * l.other[d], x += at * l.index[d];
      }
      const auto limit = static_cast<uint64_t>(l.limit);
      if (k1 - k0 == 1 && l.index_j == 1 && l.other_j == 1) {
        const int64_t* at = index + x;
        int64_t signs = 0;  // negative as soon as an index is, or is beyond the limit
        for (int64_t j = j0; j < j1; ++j) signs |= at[j] | static_cast<int64_t>(limit - 1 - static_cast<uint64_t>(at[j]));
        if (__builtin_expect(signs < 0, 0))
          for (int64_t j = j0; j < j1; ++j)
            if (static_cast<uint64_t>(at[j]) >= limit) out_of_bounds(at[j], dim, l.limit);
        if (l.self_dim == 1)
          for (int64_t j = j0; j < j1; ++j) f(s + at[j], o + j);
        else
          for (int64_t j = j0; j < j1; ++j) f(s + at[j] * l.self_dim, o + j);
      } else if (k1 - k0 == 1) {
        for (int64_t j = j0; j < j1; ++j) {
          const int64_t at = index[x + j * l.index_j];
          if (__builtin_expect(static_cast<uint64_t>(at) >= limit, 0)) out_of_bounds(at, dim, l.limit);
          f(s + at * l.self_dim, o + j * l.other_j);
        }
      } else {
        for (int64_t j = j0; j < j1; ++j)
          for (int64_t k = 0; k < k1 - k0; ++k) {
            const int64_t at = index[x + j * l.index_j + k * l.index_k];
            if (__builtin_expect(static_cast<uint64_t>(at) >= limit, 0)) out_of_bounds(at, dim, l.limit);
            f(s + at * l.self_dim + k * l.self_k, o + j * l.other_j + k * l.other_k);
          }
      }
    }
  });
}

// ---------------------------------------------------------------- gather
void gather_shape(tl::Call& c) {
  const TensorImpl* t = c.handle(0);
  const TensorImpl* i = c.handle(2);
  const int64_t dim = wrap_dim(c.integer(1), t->ndim);
  TL_CHECK(is_index(i->dtype) || i->numel == 0, "gather(): Expected dtype int32/int64 for index");
  if (i->numel) {
    TL_CHECK(std::max<int64_t>(t->ndim, 1) == std::max<int64_t>(i->ndim, 1), "Index tensor must have the same number of dimensions as input tensor");
    for (int64_t d = 0; d < t->ndim; ++d)
      TL_CHECK(d == dim || size_at(i, d) <= t->size(d), "Size does not match at dimension ", d, " expected index ", to_string(i->size_span()),
               " to be no larger than self ", to_string(t->size_span()), " apart from dimension ", dim);
  }
  check_given_apart(c.raw());
  c.output(0, i->size_span(), code(t->dtype), t->device);
}
void gather(tl::Call& c) {
  const TensorImpl* t = c.handle(0);
  TensorImpl* out = c.out_handle();
  if (out->numel == 0) return;
  const int64_t dim = wrap_dim(c.integer(1), t->ndim);
  Tensor index = index_values(c.handle(2));
  const Lines l = lines_of(t, index.get(), out->stride_span(), dim);
  with_item(itemsize(t->dtype), [&](auto tag) {
    using T = decltype(tag);
    const T* from = t->ptr<T>();
    T* to = out->ptr<T>();
    for_lines(l, dim, index.ptr<int64_t>(), true, [=](int64_t a, int64_t b) { to[b] = from[a]; });
  });
}

// ---------------------------------------------------------------- scatter
// Source elements of `t`'s dtype at strides; all zero for a number.
void scatter_elements(TensorImpl* t, int64_t dim, const Tensor& index, const TensorImpl* source, bool one, Combine how) {
  if (index.numel() == 0) return;
  const Dims zeros(index.ndim(), 0);
  const Lines l = lines_of(t, index.get(), one ? Sizes(zeros) : source->stride_span(), dim);
  Lines fixed = l;
  if (one) fixed.other_j = fixed.other_k = 0;
  const int64_t* idx = index.ptr<int64_t>();
  if (how == Combine::Copy) {
    return with_item(itemsize(t->dtype), [&](auto tag) {
      using T = decltype(tag);
      T* to = t->ptr<T>();
      const T* from = source->ptr<T>();
      for_lines(fixed, dim, idx, false, [=](int64_t a, int64_t b) { to[a] = from[b]; });
    });
  }
  with_compute(t->dtype, [&](auto tag) {
    using T = decltype(tag);
    T* to = t->ptr<T>();
    const T* from = source->ptr<T>();
    auto run = [&]<Combine How>(std::integral_constant<Combine, How>) {
      for_lines(fixed, dim, idx, false, [=](int64_t a, int64_t b) { to[a] = combine<How>(to[a], from[b]); });
    };
    switch (how) {
      case Combine::Add: return run(std::integral_constant<Combine, Combine::Add>());
      case Combine::Multiply: return run(std::integral_constant<Combine, Combine::Multiply>());
      case Combine::Max: return run(std::integral_constant<Combine, Combine::Max>());
      default: return run(std::integral_constant<Combine, Combine::Min>());
    }
  });
}

// In a dtype that has arithmetic: on t itself, or on a wider copy.
void scatter_combine(TensorImpl* t, int64_t dim, const Tensor& index, const TensorImpl* source, bool one, Combine how) {
  const DType wide = how == Combine::Copy ? t->dtype : compute_dtype(t->dtype);
  Tensor s = source->dtype == wide ? Tensor::share(const_cast<TensorImpl*>(source)) : cast_to(source, wide);
  if (t->dtype == wide) return scatter_elements(t, dim, index, s.get(), one, how);
  Tensor temp = cast_to(t, wide);
  scatter_elements(temp.get(), dim, index, s.get(), one, how);
  copy_into(t, temp.get());
}

void check_scatter(const tl::Call& c, const TensorImpl* source, const char* op) {
  const TensorImpl* t = c.handle(0);
  const TensorImpl* i = c.handle(2);
  const int64_t dim = wrap_dim(c.integer(1), t->ndim);
  TL_CHECK(is_index(i->dtype) || i->numel == 0, op, "(): Expected dtype int32/int64 for index");
  if (source) TL_CHECK(t->dtype == source->dtype, op, "(): Expected self.dtype to be equal to src.dtype");
  if (i->numel == 0) return;
  TL_CHECK(std::max<int64_t>(t->ndim, 1) == std::max<int64_t>(i->ndim, 1), "Index tensor must have the same number of dimensions as self tensor");
  if (source)
    TL_CHECK(std::max<int64_t>(source->ndim, 1) == std::max<int64_t>(i->ndim, 1), "Index tensor must have the same number of dimensions as src tensor");
  bool fits = true;
  for (int64_t d = 0; d < t->ndim; ++d) {
    fits &= d == dim || size_at(i, d) <= t->size(d);
    if (source) fits &= size_at(i, d) <= size_at(source, d);
  }
  if (!source)
    TL_CHECK(fits, "Expected index ", to_string(i->size_span()), " to be no larger than self ", to_string(t->size_span()), " apart from dimension ", dim);
  else TL_CHECK(fits, "Expected index ", to_string(i->size_span()), " to be no larger than self ", to_string(t->size_span()), " apart from dimension ", dim,
                " and to be no larger size than src ", to_string(source->size_span()));
}

Combine reduction(std::string_view r) {
  TL_CHECK(r == "add" || r == "multiply", "reduce argument must be either add or multiply.");
  return r == "add" ? Combine::Add : Combine::Multiply;
}

void scatter_src_check(tl::Call& c) { check_scatter(c, c.handle(3), "scatter"); }
void scatter_src(tl::Call& c, TensorImpl* t) {
  scatter_combine(t, wrap_dim(c.integer(1), t->ndim), index_values(c.handle(2)), c.handle(3), false, Combine::Copy);
}
void scatter_reduce_src_check(tl::Call& c) { check_scatter(c, c.handle(3), "scatter"), reduction(c.string(4)); }
void scatter_reduce_src(tl::Call& c, TensorImpl* t) {
  scatter_combine(t, wrap_dim(c.integer(1), t->ndim), index_values(c.handle(2)), c.handle(3), false, reduction(c.string(4)));
}
void scatter_number(tl::Call& c, TensorImpl* t, Combine how) {
  TL_CHECK(c.value(3).tag != TL_COMPLEX || is_complex(t->dtype), "value cannot be converted to type ", dtype_name(t->dtype), " without overflow");
  const auto value = element_of(c.value(3), t->dtype);
  Tensor one = from_blob(const_cast<char*>(value.data()), {}, nullptr, t->dtype, kCpu, nullptr, nullptr);
  scatter_combine(t, wrap_dim(c.integer(1), t->ndim), index_values(c.handle(2)), one.get(), true, how);
}
void scatter_value_check(tl::Call& c) { check_scatter(c, nullptr, "scatter"); }
void scatter_value(tl::Call& c, TensorImpl* t) { scatter_number(c, t, Combine::Copy); }
void scatter_value_reduce_check(tl::Call& c) { check_scatter(c, nullptr, "scatter"), reduction(c.string(4)); }
void scatter_value_reduce(tl::Call& c, TensorImpl* t) { scatter_number(c, t, reduction(c.string(4))); }

void scatter_add_check(tl::Call& c) { check_scatter(c, c.handle(3), "scatter"); }
void scatter_add(tl::Call& c, TensorImpl* t) {
  scatter_combine(t, wrap_dim(c.integer(1), t->ndim), index_values(c.handle(2)), c.handle(3), false, Combine::Add);
}

// ---------------------------------------------------------------- scatter_reduce
void scatter_reduce_check(tl::Call& c) {
  const std::string_view r = c.string(4);
  TL_CHECK(r == "sum" || r == "prod" || r == "mean" || r == "amax" || r == "amin", "reduce argument must be either sum, prod, mean, amax or amin, got ", r);
  check_scatter(c, c.handle(3), "scatter");
  TL_CHECK(!is_complex(c.handle(0)->dtype) || r == "sum" || r == "prod" || r == "mean", "scatter_reduce: ", r, " does not order complex numbers");
}
Combine how_of(std::string_view r) {
  return r == "prod" ? Combine::Multiply : r == "amax" ? Combine::Max : r == "amin" ? Combine::Min : Combine::Add;
}
template <class T>
T identity(Combine how) {
  if (how == Combine::Multiply) return T(1);
  if constexpr (!std::is_class_v<T>) {
    using L = std::numeric_limits<T>;
    if (how == Combine::Max) return L::has_infinity ? -L::infinity() : L::lowest();
    if (how == Combine::Min) return L::has_infinity ? L::infinity() : L::max();
  }
  return T(0);
}
void scatter_reduce(tl::Call& c, TensorImpl* t) {
  const int64_t dim = wrap_dim(c.integer(1), t->ndim);
  const std::string_view r = c.string(4);
  const Combine how = how_of(r);
  const bool include_self = c.boolean(5, true);
  Tensor index = index_values(c.handle(2));
  const DType wide = compute_dtype(t->dtype);
  Tensor self = t->dtype == wide ? Tensor::share(t) : cast_to(t, wide);
  Tensor source = c.handle(3)->dtype == wide ? Tensor::share(c.handle(3)) : cast_to(c.handle(3), wide);
  with_compute(wide, [&](auto tag) {
    using T = decltype(tag);
    auto number = [&](T& v, DType d) { return from_blob(&v, {}, nullptr, d, kCpu, nullptr, nullptr); };
    if (!include_self) {
      T start = identity<T>(how);
      scatter_elements(self.get(), dim, index, number(start, wide).get(), true, Combine::Copy);
    }
    scatter_elements(self.get(), dim, index, source.get(), false, how);
    if (r != "mean") return;
    int64_t one = 1;
    Tensor counts = empty(self.sizes(), DType::Int64);
    fill(counts.get(), tl::pack(include_self ? 1 : 0));
    Tensor unit = from_blob(&one, {}, nullptr, DType::Int64, kCpu, nullptr, nullptr);
    scatter_elements(counts.get(), dim, index, unit.get(), true, Combine::Add);
    T* values = self.ptr<T>();
    const int64_t* n = counts.ptr<int64_t>();
    for_rows(self.sizes(), self.strides(), counts.strides(), [=](int64_t a, int64_t b, int64_t m, int64_t sa, int64_t sb) {
      for (int64_t i = 0; i < m; ++i) {
        T& v = values[a + i * sa];
        const int64_t k = std::max<int64_t>(n[b + i * sb], 1);
        if constexpr (std::is_same_v<T, int64_t>) v = v / k - (v % k != 0 && v < 0);
        else v /= T(static_cast<double>(k));
      }
    });
  });
  if (self.get() != t) copy_into(t, self.get());
}

// ---------------------------------------------------------------- take_along_dim
// Negative indices count from the end.
void wrap_index_shape(tl::Call& c) { c.output(0, c.handle(0)->size_span(), TL_INT64, c.handle(0)->device); }
void wrap_index(tl::Call& c) {
  Tensor index = index_values(c.handle(0));
  const int64_t size = c.integer(1);
  for (int64_t i = 0; i < index.numel(); ++i) {
    const int64_t k = index.ptr<int64_t>()[i];
    c.out_handle()->ptr<int64_t>()[i] = k < 0 ? k + size : k;
  }
}
void take_along_dim(tl::Call& c) {
  const TensorImpl* i = c.handle(1);
  TL_CHECK(i->dtype == DType::Int64, "torch.take_along_dim(): dtype of indices should be Long but got ", dtype_long_name(i->dtype));
  if (!c.has(2)) return c.ret(tl::call<"gather">(tl::call<"reshape">(c.value(0), Dims{-1}), 0,
                                                    tl::call<"_wrap_index">(tl::call<"reshape">(c.value(1), Dims{-1}), c.handle(0)->numel)));
  const TensorImpl* t = c.handle(0);
  TL_CHECK(t->ndim == i->ndim, "torch.take_along_dim(): input and indices should have the same number of dimensions, but got ", t->ndim,
           " dimensions for input, and ", i->ndim, " dimensions for indices");
  const int64_t dim = wrap_dim(c.integer(2), t->ndim);
  Dims a(t->sizes(), t->sizes() + t->ndim), b(i->sizes(), i->sizes() + i->ndim);
  if (t->ndim) a[dim] = b[dim] = 1;
  Dims self_shape = broadcast_sizes(a, b), index_shape = self_shape;
  if (t->ndim) self_shape[dim] = t->size(dim), index_shape[dim] = i->size(dim);
  c.ret(tl::call<"gather">(tl::call<"expand">(c.value(0), self_shape), dim,
                           tl::call<"expand">(tl::call<"_wrap_index">(c.value(1), size_at(t, dim)), index_shape)));
}

TL_OPS(index_gather) {
  tl::def<gather_shape>("gather(Tensor self, int dim, Tensor index, *, bool sparse_grad=False) -> Tensor", kMethod | kOut,
                        "out[i][j] = self[index[i][j]][j] for dim 0, and likewise; `index` gives the shape.").cpu<gather>();
  const char* doc = "self[index[i][j]][j] = src[i][j] for dim 0, and likewise; the last of repeated indices wins.";
  Editing<scatter_src_check, scatter_src>::define("scatter.src(Tensor self, int dim, Tensor index, Tensor src) -> Tensor", kMethod | kOut, doc);
  Editing<scatter_value_check, scatter_value>::define("scatter.value(Tensor self, int dim, Tensor index, Scalar value) -> Tensor", kMethod | kOut, doc);
  Editing<scatter_reduce_src_check, scatter_reduce_src>::define(
      "scatter.reduce(Tensor self, int dim, Tensor index, Tensor src, *, str reduce) -> Tensor", kMethod | kOut, "scatter() that adds or multiplies.");
  Editing<scatter_value_reduce_check, scatter_value_reduce>::define(
      "scatter.value_reduce(Tensor self, int dim, Tensor index, Scalar value, *, str reduce) -> Tensor", kMethod | kOut, "scatter() that adds or multiplies.");
  Editing<scatter_add_check, scatter_add>::define("scatter_add(Tensor self, int dim, Tensor index, Tensor src) -> Tensor", kMethod | kOut,
                                                  "self[index[i][j]][j] += src[i][j] for dim 0, and likewise; repeated indices add up in order.");
  Editing<scatter_reduce_check, scatter_reduce>::define(
      "scatter_reduce(Tensor self, int dim, Tensor index, Tensor src, str reduce, *, bool include_self=True) -> Tensor", kMethod | kOut,
      "Combines src into self at index: sum, prod, mean, amax or amin.");
  tl::def<wrap_index_shape>("_wrap_index(Tensor index, int size) -> Tensor", TL_OP_HIDDEN | kNoGrad, "Negative indices counted from the end.").cpu<wrap_index>();
  tl::composite<take_along_dim>("take_along_dim(Tensor self, Tensor indices, int? dim=None) -> Tensor", kMethod | kOut,
                                "gather() with broadcasting; without dim both are flattened.");
}

}  // namespace
}  // namespace tallow
