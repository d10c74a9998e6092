// unique and unique_consecutive: elements, or slices along a dimension.
#include <numeric>

#include "ops/sort/lines.hpp"

namespace tallow {
namespace {

using tl::Call;

struct Wanted {
  bool inverse, counts;
};

// Groups of neighbours in `order`: same(i) says whether item i goes with item i - 1. Returns where groups start.
template <class Same>
std::vector<int64_t> group_starts(int64_t n, Same same) {
  std::vector<int64_t> starts(static_cast<size_t>(n));
  size_t groups = 0;
  if (n) starts[groups++] = 0;
  for (int64_t i = 1; i < n; ++i) {  // without a branch that nothing could foresee
    starts[groups] = i;
    groups += !same(i);
  }
  starts.resize(groups);
  return starts;
}

// Inverse positions and counts of groups; order[i] is the original place of sorted item i.
template <class Order>
void ret_groups(Call& c, const std::vector<int64_t>& starts, int64_t n, Wanted w, Sizes inverse_shape, Order order) {
  const auto groups = static_cast<int64_t>(starts.size());
  auto end_of = [&](int64_t g) { return g + 1 < groups ? starts[g + 1] : n; };
  const int64_t none[1] = {0}, some[1] = {groups};
  Tensor inverse = w.inverse ? empty(inverse_shape, DType::Int64) : empty(none, DType::Int64);
  Tensor counts = w.counts ? empty(some, DType::Int64) : empty(none, DType::Int64);
  for (int64_t g = 0; g < groups; ++g) {
    if (w.counts) counts.ptr<int64_t>()[g] = end_of(g) - starts[g];
    if (w.inverse)
      for (int64_t i = starts[g]; i < end_of(g); ++i) inverse.ptr<int64_t>()[order(i)] = g;
  }
  c.ret(std::move(inverse), 1), c.ret(std::move(counts), 2);
}

// ---------------------------------------------------------------- elements
template <class T, class Order>
void ret_elements(Call& c, const Tensor& x, Wanted w, Order order) {
  const int64_t n = x.numel();
  const T* p = x.ptr<T>();
  auto same = [&](int64_t i) {  // two NaN are not equal
    if constexpr (std::is_class_v<T>) return static_cast<float>(p[order(i)]) == static_cast<float>(p[order(i - 1)]);
    else return p[order(i)] == p[order(i - 1)];
  };
  const auto starts = group_starts(n, same);
  const int64_t some[1] = {static_cast<int64_t>(starts.size())};
  Tensor values = empty(some, x.dtype());
  for (int64_t g = 0; g < some[0]; ++g) values.ptr<T>()[g] = p[order(starts[g])];
  ret_groups(c, starts, n, w, x.sizes(), order);
  c.ret(std::move(values), 0);
}

void unique_cpu(Call& c) {
  const Tensor x = dense_as(c.handle(0), c.handle(0)->dtype);
  const Wanted w{c.boolean(2), c.boolean(3)};
  real_dtype(x.dtype(), "unique", [&]<class T>() {
    const int64_t n = x.numel();
    Workspace<packed_for<T>> a(2 * n);
    encode(x.ptr<T>(), 1, n, false, a.get());
    sort_packed(a.get(), a.get() + n, n);
    ret_elements<T>(c, x, w, [&](int64_t i) { return index_of(a[i]); });
  });
}

// ---------------------------------------------------------------- slices
// x as [slices, length]: dimension dim first.
Tensor slices_of(TensorImpl* t, int64_t dim) {
  Dims sizes{t->size(dim)}, strides{t->stride(dim)};
  for (int64_t d = 0; d < t->ndim; ++d)
    if (d != dim) sizes.push_back(t->size(d)), strides.push_back(t->stride(d));
  Tensor moved = make_alias(t, sizes, strides, t->offset, t->dtype);
  return dense_as(moved.get(), t->dtype);
}

void check_dim(const TensorImpl* t, int64_t dim, const char* op) {
  int64_t zeros = 0;
  for (int64_t s : t->size_span()) zeros += s == 0;
  if (t->size(dim) == 0) TL_CHECK(zeros == 1, "Number of zero sized dimensions is more than one, so ", op, " cannot be applied ");
  else TL_CHECK(zeros == 0, "There are 0 sized dimensions, and they aren't selected, so ", op, " cannot be applied");
}

// Slices in the order given; `order` is empty for consecutive ones.
template <class T>
void ret_slices(Call& c, TensorImpl* t, const Tensor& x, int64_t dim, const std::vector<int64_t>& order, Wanted w) {
  const int64_t n = x.size(0), length = n ? x.numel() / n : 0;
  const T* p = x.ptr<T>();
  auto at = [&](int64_t i) { return order.empty() ? i : order[i]; };
  auto value = [](T v) {
    if constexpr (std::is_class_v<T>) return static_cast<float>(v);
    else return v;
  };
  const auto starts = group_starts(n, [&](int64_t i) {
    const T *a = p + at(i) * length, *b = p + at(i - 1) * length;
    for (int64_t k = 0; k < length; ++k)
      if (!(value(a[k]) == value(b[k]))) return false;
    return true;
  });
  const auto groups = static_cast<int64_t>(starts.size());
  Dims sizes(x.sizes().begin(), x.sizes().end());
  sizes[0] = groups;
  Tensor kept = empty(sizes, x.dtype());
  for (int64_t g = 0; g < groups; ++g) std::copy_n(p + at(starts[g]) * length, length, kept.ptr<T>() + g * length);
  // Back to where the dimension was.
  Dims shape(t->size_span().begin(), t->size_span().end()), strides(shape.size());
  shape[dim] = groups;
  for (int64_t d = 0, k = 1; d < t->ndim; ++d) strides[d] = kept.stride(d == dim ? 0 : k++);
  const Tensor view = make_alias(kept.get(), shape, strides, 0, x.dtype());
  const int64_t inverse_shape[1] = {n};
  ret_groups(c, starts, n, w, inverse_shape, at);
  c.ret(dense_as(view.get(), x.dtype()), 0);
}

void unique_dim_cpu(Call& c) {
  TensorImpl* t = c.handle(0);
  const int64_t dim = wrap_dim(c.integer(1), t->ndim);
  if (t->ndim == 0) return unique_cpu(c);
  check_dim(t, dim, "unique");
  const Tensor x = slices_of(t, dim);
  const Wanted w{c.boolean(3), c.boolean(4)};
  real_dtype(x.dtype(), "unique_dim", [&]<class T>() {
    const int64_t n = x.size(0), length = n ? x.numel() / n : 0;
    std::vector<int64_t> order(static_cast<size_t>(n));
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
      const T *p = x.ptr<T>() + a * length, *q = x.ptr<T>() + b * length;
      for (int64_t k = 0; k < length; ++k) {
        const auto u = order_key(p[k]), v = order_key(q[k]);
        if (u != v) return u < v;
      }
      return false;
    });
    ret_slices<T>(c, t, x, dim, order, w);
  });
}

void consecutive_cpu(Call& c) {
  TensorImpl* t = c.handle(0);
  const Wanted w{c.boolean(1), c.boolean(2)};
  if (!c.has(3) || t->ndim == 0) {
    const Tensor x = dense_as(t, t->dtype);
    return real_dtype(x.dtype(), "unique_consecutive", [&]<class T>() { ret_elements<T>(c, x, w, [](int64_t i) { return i; }); });
  }
  const int64_t dim = wrap_dim(c.integer(3), t->ndim);
  check_dim(t, dim, "unique_consecutive");
  const Tensor x = slices_of(t, dim);
  real_dtype(x.dtype(), "unique_consecutive", [&]<class T>() { ret_slices<T>(c, t, x, dim, {}, w); });
}

// ---------------------------------------------------------------- what users call: only the results asked for
void ret_wanted(Call& c, std::array<tl::Tensor, 3> r, Wanted w) {
  if (!w.inverse && !w.counts) return c.ret(std::move(r[0]));
  std::vector<tl::Tensor> list{std::move(r[0])};
  if (w.inverse) list.push_back(std::move(r[1]));
  if (w.counts) list.push_back(std::move(r[2]));
  c.ret_list(std::move(list));
}
void unique(Call& c) {
  const Wanted w{c.boolean(2), c.boolean(3)};
  if (c.has(4)) ret_wanted(c, tl::call<"unique_dim", 3>(c.value(0), c.value(4), true, w.inverse, w.counts), w);
  else ret_wanted(c, tl::call<"_unique2", 3>(c.value(0), true, w.inverse, w.counts), w);
}
void unique_consecutive(Call& c) {
  const Wanted w{c.boolean(1), c.boolean(2)};
  ret_wanted(c, tl::call<"_unique_consecutive", 3>(c.value(0), w.inverse, w.counts, c.value(3)), w);
}

}  // namespace

TL_OPS(unique) {
  tl::composite<unique>("unique(Tensor self, bool sorted=True, bool return_inverse=False, bool return_counts=False, int? dim=None) -> any",
                        kMethod | kNoGrad,
                        "The different elements in order, or the different slices along dim. With return_inverse also where each element went, "
                        "with return_counts also how often each occurs: then a tuple. Every NaN is different.");
  tl::composite<unique_consecutive>(
      "unique_consecutive(Tensor self, bool return_inverse=False, bool return_counts=False, int? dim=None) -> any", kMethod | kNoGrad,
      "The elements, or the slices along dim, without equal neighbours; results as those of unique().");
  tl::opaque("_unique2(Tensor self, bool sorted=True, bool return_inverse=False, bool return_counts=False) -> (Tensor, Tensor, Tensor)",
             TL_OP_HIDDEN | kNoGrad, "The different elements in order; where each element went; how often each occurs.")
      .cpu<unique_cpu>();
  tl::opaque("unique_dim(Tensor self, int dim, bool sorted=True, bool return_inverse=False, bool return_counts=False) -> (Tensor, Tensor, Tensor)",
             TL_OP_HIDDEN | kNoGrad, "The different slices along dim in lexicographic order; where each went; how often each occurs.")
      .cpu<unique_dim_cpu>();
  tl::opaque("_unique_consecutive(Tensor self, bool return_inverse=False, bool return_counts=False, int? dim=None) -> (Tensor, Tensor, Tensor)",
             TL_OP_HIDDEN | kNoGrad, "Without equal neighbours: elements, or slices along dim; where each went; how long each run is.")
      .cpu<consecutive_cpu>();
}

}  // namespace tallow
