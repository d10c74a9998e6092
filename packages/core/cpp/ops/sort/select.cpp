// topk and kthvalue, median and nanmedian, mode: a few elements out of each line.
#include <limits>

#include "ops/sort/lines.hpp"

namespace tallow {
namespace {

using tl::Call;

// ---------------------------------------------------------------- topk
// The k smallest packed keys of a line, in order if asked, at the front of `a`.
// Most of a long line is worse than what has been kept: blocks without a better element are passed over.
template <class T, class P>
void smallest(const T* x, int64_t stride, int64_t n, int64_t k, bool descending, bool sorted, P* a) {
  const int64_t capacity = std::max<int64_t>(4 * k, 128);
  int64_t kept = n;
  if (n <= capacity) {
    encode(x, stride, n, descending, a);
    if (k < n) std::nth_element(a, a + k, a + n);
  } else {
    using U = decltype(order_key(T()));
    const U flip = descending ? ~U(0) : U(0);
    encode(x, stride, capacity, descending, a);
    std::nth_element(a, a + k - 1, a + capacity);
    kept = k;
    U worst = static_cast<U>(key_of(a[k - 1]));
    constexpr int64_t kBlock = 64;
    for (int64_t b = capacity; b < n; b += kBlock) {
      const int64_t m = std::min(kBlock, n - b);
      U keys[kBlock];
      bool any = false;
      for (int64_t i = 0; i < m; ++i) {
        keys[i] = order_key(x[(b + i) * stride]) ^ flip;
        any |= keys[i] < worst;
      }
      if (!any) continue;
      for (int64_t i = 0; i < m; ++i) {  // without a branch: which are better is not predictable
        a[kept] = pack<P>(keys[i], b + i);
        kept += keys[i] < worst;
      }
      if (kept + kBlock >= capacity) {
        std::nth_element(a, a + k - 1, a + kept);
        kept = k;
        worst = static_cast<U>(key_of(a[k - 1]));
      }
    }
    if (k < kept) std::nth_element(a, a + k, a + kept);
  }
  if (sorted) std::sort(a, a + k);
}

void topk_shape(Call& c) {
  const TensorImpl* t = c.handle(0);
  const int64_t k = c.integer(1), dim = wrap_dim(c.integer(2), t->ndim);
  TL_CHECK(k >= 0 && k <= (t->ndim ? t->size(dim) : 1), "selected index k out of range");
  TL_CHECK(!is_complex(t->dtype), "topk does not support complex dtypes on CPU");
  TL_CHECK(t->dtype != DType::Bool, "topk does not support bool dtypes on CPU");
  Dims sizes(t->size_span().begin(), t->size_span().end());
  if (!sizes.empty()) sizes[dim] = k;
  c.output(0, sizes, code(t->dtype), t->device);
  c.output(1, sizes, TL_INT64, t->device);
}
void topk_cpu(Call& c) {
  TensorImpl *values = c.out_handle(0), *indices = c.out_handle(1);
  if (values->numel == 0) return;
  const Tensor x = dense_as(c.handle(0), c.handle(0)->dtype);
  const int64_t dim = wrap_dim(c.integer(2), x.ndim()), k = c.integer(1);
  const ScanShape s(x.get(), dim);
  real_dtype(x.dtype(), "topk_cpu", [&]<class T>() {
    each_sort_line<T>(x.get(), s, 1, [&](const T* p, int64_t stride, int64_t line, packed_for<T>* a) {
      smallest(p, stride, s.n, k, c.boolean(3), c.boolean(4), a);
      const int64_t base = line / stride * k * stride + line % stride;
      for (int64_t i = 0; i < k; ++i) {
        const int64_t from = index_of(a[i]);
        values->ptr<T>()[base + i * stride] = p[from * stride];
        indices->ptr<int64_t>()[base + i * stride] = from;
      }
    });
  });
}

// ---------------------------------------------------------------- one element per line
// pick(line, stride, workspace) gives the position of the element wanted.
template <class T, class Pick>
void pick_lines(const TensorImpl* x, const ScanShape& s, TensorImpl* values, TensorImpl* indices, Pick pick) {
  each_sort_line<T>(x, s, 2, [&](const T* p, int64_t stride, int64_t line, packed_for<T>* a) {
    const int64_t at = pick(p, stride, a);
    values->ptr<T>()[line] = p[at * stride];
    if (indices) indices->ptr<int64_t>()[line] = at;
  });
}

// The k-th smallest (from 0), by position.
template <class T, class P>
int64_t nth(const T* p, int64_t stride, int64_t n, int64_t k, P* a) {
  encode(p, stride, n, false, a);
  std::nth_element(a, a + k, a + n);
  return index_of(a[k]);
}

template <class T>
int64_t first_nan(const T* p, int64_t stride, int64_t n) {
  if constexpr (has_nan<T>)
    for (int64_t i = 0; i < n; ++i)
      if (is_nan(p[i * stride])) return i;
  return -1;
}

// The lower median; without `skip` a NaN is the answer if there is one.
template <class T, class P>
int64_t median_of(const T* p, int64_t stride, int64_t n, bool skip, P* a) {
  int64_t numbers = n;
  if (const int64_t nan = first_nan(p, stride, n); nan >= 0) {
    if (!skip) return nan;
    numbers = 0;
    for (int64_t i = 0; i < n; ++i) numbers += !is_nan(p[i * stride]);
    if (numbers == 0) return nan;
  }
  return nth(p, stride, n, (numbers - 1) / 2, a);
}

// The smallest of the most frequent elements, and its last occurrence.
template <class T, class P>
int64_t mode_of(const T* p, int64_t stride, int64_t n, P* a) {
  encode(p, stride, n, false, a);
  sort_packed(a, a + n, n);
  int64_t best = 0, length = 0;
  for (int64_t i = 0, start = 0; i < n; ++i) {
    if (i + 1 < n && key_of(a[i + 1]) == key_of(a[start])) continue;
    if (i + 1 - start > length) length = i + 1 - start, best = index_of(a[i]);
    start = i + 1;
  }
  return best;
}

void dim_shape(Call& c, uint32_t dim_arg, uint32_t keepdim_arg, const char* kernel) {
  const TensorImpl* t = c.handle(0);
  const int64_t dim = wrap_dim(c.integer(dim_arg), t->ndim);
  TL_CHECK_INDEX(t->ndim == 0 || t->size(dim) > 0, c.op()->schema.name, "(): Expected reduction dim ", dim, " to have non-zero size.");
  if (is_complex(t->dtype)) fail(TL_NOT_IMPLEMENTED_ERROR, "\"", kernel, "\" not implemented for '", dtype_long_name(t->dtype), "'");
  check_given_apart(c.raw());
  const Dims sizes = without_dim(t, dim, c.boolean(keepdim_arg));
  c.output(0, sizes, code(t->dtype), t->device);
  c.output(1, sizes, TL_INT64, t->device);
}
template <class Pick>
void run_dim(Call& c, uint32_t dim_arg, const char* kernel, Pick pick) {
  if (c.out_handle(0)->numel == 0) return;
  const Tensor x = dense_as(c.handle(0), c.handle(0)->dtype);
  const ScanShape s(x.get(), wrap_dim(c.integer(dim_arg), x.ndim()));
  real_dtype(x.dtype(), kernel, [&]<class T>() {
    pick_lines<T>(x.get(), s, c.out_handle(0), c.out_handle(1), [&](const T* p, int64_t stride, packed_for<T>* a) { return pick(p, stride, s.n, a); });
  });
}

void refuse_bool(const TensorImpl* t) {
  if (t->dtype == DType::Bool) fail(TL_NOT_IMPLEMENTED_ERROR, "\"median_cpu\" not implemented for 'Bool'");
}
void median_dim_shape(Call& c) { refuse_bool(c.handle(0)), dim_shape(c, 1, 2, "median_cpu"); }
template <bool Skip>
void median_dim_cpu(Call& c) {
  run_dim(c, 1, "median_cpu", [](const auto* p, int64_t stride, int64_t n, auto* a) { return median_of(p, stride, n, Skip, a); });
}

void median_shape(Call& c) {
  const TensorImpl* t = c.handle(0);
  refuse_bool(t);
  if (is_complex(t->dtype)) fail(TL_NOT_IMPLEMENTED_ERROR, "\"median_cpu\" not implemented for '", dtype_long_name(t->dtype), "'");
  c.output(0, {}, code(t->dtype), t->device);
}
template <bool Skip>
void median_cpu(Call& c) {
  TensorImpl* out = c.out_handle();
  const Tensor x = dense_as(c.handle(0), c.handle(0)->dtype);
  if (x.numel() == 0)  // NaN, and the smallest integer
    return real_dtype(x.dtype(), "median_cpu", [&]<class T>() {
      if constexpr (has_nan<T>) *out->ptr<T>() = T(std::numeric_limits<float>::quiet_NaN());
      else *out->ptr<T>() = std::numeric_limits<T>::min();
    });
  ScanShape s(x.get(), 0);
  s.outer = s.inner = 1, s.n = x.numel();
  real_dtype(x.dtype(), "median_cpu", [&]<class T>() {
    pick_lines<T>(x.get(), s, out, nullptr, [&](const T* p, int64_t stride, packed_for<T>* a) { return median_of(p, stride, s.n, Skip, a); });
  });
}

void mode_shape(Call& c) { dim_shape(c, 1, 2, "mode_cpu"); }
void mode_cpu(Call& c) {
  run_dim(c, 1, "mode_cpu", [](const auto* p, int64_t stride, int64_t n, auto* a) { return mode_of(p, stride, n, a); });
}

void kth_shape(Call& c) {
  const TensorImpl* t = c.handle(0);
  const int64_t k = c.integer(1), dim = wrap_dim(c.integer(2), t->ndim);
  TL_CHECK_INDEX(t->ndim == 0 || t->size(dim) > 0, "kthvalue(): Expected reduction dim ", dim, " to have non-zero size.");
  TL_CHECK(k >= 1 && k <= (t->ndim ? t->size(dim) : 1), "kthvalue(): selected number k out of range for dimension ", dim);
  if (t->dtype == DType::Bool) fail(TL_NOT_IMPLEMENTED_ERROR, "\"kthvalue_cpu\" not implemented for 'Bool'");
  dim_shape(c, 2, 3, "kthvalue_cpu");
}
void kth_cpu(Call& c) {
  const int64_t k = c.integer(1) - 1;
  run_dim(c, 2, "kthvalue_cpu", [k](const auto* p, int64_t stride, int64_t n, auto* a) { return nth(p, stride, n, k, a); });
}

}  // namespace

TL_OPS(select) {
  tl::def<topk_shape>("topk(Tensor self, int k, int dim=-1, bool largest=True, bool sorted=True) -> (Tensor values, Tensor indices)", kMethod | kOut,
                      "The k largest (or smallest) elements along dim and their positions. NaN counts as the largest.")
      .cpu<topk_cpu>();
  tl::def<kth_shape>("kthvalue(Tensor self, int k, int dim=-1, bool keepdim=False) -> (Tensor values, Tensor indices)", kMethod | kOut,
                     "The k-th smallest element along dim (k from 1) and its position. NaN counts as the largest.")
      .cpu<kth_cpu>();
  tl::def<median_shape>("median(Tensor self) -> Tensor", kMethod | kOut, "The lower median of all elements; NaN if there is one.").cpu<median_cpu<false>>();
  tl::def<median_dim_shape>("median.dim(Tensor self, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)", kMethod | kOut,
                            "The lower median along dim and its position; NaN if there is one.")
      .cpu<median_dim_cpu<false>>();
  tl::def<median_shape>("nanmedian(Tensor self) -> Tensor", kMethod | kOut, "The lower median of the elements that are not NaN.").cpu<median_cpu<true>>();
  tl::def<median_dim_shape>("nanmedian.dim(Tensor self, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)", kMethod | kOut,
                            "The lower median along dim of the elements that are not NaN, and its position.")
      .cpu<median_dim_cpu<true>>();
  tl::def<mode_shape>("mode(Tensor self, int dim=-1, bool keepdim=False) -> (Tensor values, Tensor indices)", kMethod | kOut,
                      "The most frequent element along dim, the smallest of equally frequent ones, and its last position.")
      .cpu<mode_cpu>();
}

}  // namespace tallow
