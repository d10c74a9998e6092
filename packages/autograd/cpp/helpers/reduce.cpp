// Backwards of reductions: the gradient of a result goes back over the dimensions that were reduced.
#include <cmath>

#include "helpers/helpers.hpp"

namespace tl::autograd {

int64_t wrap(int64_t dim, int64_t ndim) {
  const int64_t n = std::max<int64_t>(ndim, 1);
  if (dim < -n || dim >= n)
    throw Error(TL_INDEX_ERROR, "Dimension out of range (expected to be in range of [" + std::to_string(-n) + ", " + std::to_string(n - 1) +
                                    "], but got " + std::to_string(dim) + ")");
  return dim < 0 ? dim + n : dim;
}

std::vector<bool> reduced_dims(const TlValue& dim, int64_t ndim) {
  std::vector<bool> mark(static_cast<size_t>(std::max<int64_t>(ndim, 1)), false);
  const bool all = dim.tag == TL_NONE || (dim.tag == TL_INT_LIST && dim.len == 0);
  if (all) mark.assign(mark.size(), true);
  else if (dim.tag == TL_INT_LIST)
    for (uint32_t i = 0; i < dim.len; ++i) mark[static_cast<size_t>(wrap(dim.ints[i], ndim))] = true;
  else mark[static_cast<size_t>(wrap(to_int(dim), ndim))] = true;
  return mark;
}

namespace {

constexpr double kInf = HUGE_VAL;

// t with the reduced dimensions put back as 1.
Tensor unreduce(const Tensor& t, const TlValue& dim, int64_t ndim, bool keepdim) {
  require(ndim >= 0 && ndim <= 64, "a number of dimensions must lie between 0 and 64");
  if (keepdim || t.ndim() == ndim) return t;
  const std::vector<bool> reduced = reduced_dims(dim, ndim);
  const Sizes s = t.sizes();
  require(std::count(reduced.begin(), reduced.end(), false) <= static_cast<int64_t>(s.size()), "the gradient of a reduction has too few dimensions");
  Dims sizes;
  size_t next = 0;
  for (size_t i = 0; i < static_cast<size_t>(ndim); ++i) sizes.push_back(reduced[i] ? 1 : s[next++]);
  return call<"reshape">(t, sizes);
}

int64_t reduced_count(Sizes sizes, const TlValue& dim) {
  const std::vector<bool> reduced = reduced_dims(dim, static_cast<int64_t>(sizes.size()));
  int64_t n = 1;
  for (size_t i = 0; i < sizes.size(); ++i)
    if (reduced[i]) n *= sizes[i];
  return n;
}

// grad, size
void sum_to_size(Call& c) {
  Tensor t = c.tensor(0);
  const Sizes want = c.ints(1), have = t.sizes();
  require(have.size() >= want.size(), "sum_to_size: the tensor has fewer dimensions than the size");
  const size_t lead = have.size() - want.size();
  Dims dims;
  for (size_t i = 0; i < have.size(); ++i)
    if (i < lead || (want[i - lead] == 1 && have[i] != 1)) dims.push_back(static_cast<int64_t>(i));
  if (!dims.empty()) t = call<"sum">(t, dims, true);
  if (lead) t = call<"reshape">(t, want);
  c.ret(t);
}

// grad, sizes, dim, keepdim: grad over the reduced dimensions
void expand_reduced(Call& c) {
  const Sizes sizes = c.ints(1);
  c.ret(call<"expand">(unreduce(c.tensor(0), c.value(2), static_cast<int64_t>(sizes.size()), c.boolean(3)), sizes));
}

// grad, dim, ndim, keepdim: only with the dimensions put back
void unreduced(Call& c) { c.ret(unreduce(c.tensor(0), c.value(1), c.integer(2), c.boolean(3))); }

void mean_backward(Call& c) {
  const Sizes sizes = c.ints(1);
  const Tensor g = call<"div">(c.tensor(0), static_cast<double>(reduced_count(sizes, c.value(2))));
  c.ret(call<"expand">(unreduce(g, c.value(2), static_cast<int64_t>(sizes.size()), c.boolean(3)), sizes));
}

// grad, self, result, dim, keepdim: equal shares to all elements that are the result (amax, amin, max, min, median)
void evenly_distribute(Call& c) {
  const Tensor self = c.tensor(1);
  const int64_t n = self.ndim();
  const Tensor grad = unreduce(c.tensor(0), c.value(3), n, c.boolean(4)), result = unreduce(c.tensor(2), c.value(3), n, c.boolean(4));
  Tensor mask = call<"eq">(self, result);
  mask = call<"logical_or">(mask, call<"logical_and">(call<"isnan">(self), call<"isnan">(result)));
  mask = call<"_to_copy">(mask, kw("dtype", Dtype{grad.dtype()}));
  const std::vector<bool> reduced = reduced_dims(c.value(3), n);
  Dims dims;
  for (int64_t i = 0; i < n; ++i)
    if (reduced[static_cast<size_t>(i)]) dims.push_back(i);
  const Tensor count = n ? call<"sum">(mask, dims, true) : mask;
  c.ret(call<"mul">(call<"div">(grad, count), mask));
}

// grad, dim, indices, sizes, keepdim: to the elements that were chosen (max.dim, kthvalue, sort, topk ...)
void value_selecting_backward(Call& c) {
  const Sizes sizes = c.ints(3);
  Tensor grad = c.tensor(0), indices = c.tensor(2);
  if (!c.boolean(4) && !sizes.empty()) {
    grad = call<"unsqueeze">(grad, c.integer(1));
    indices = call<"unsqueeze">(indices, c.integer(1));
  }
  c.ret(call<"scatter.src">(call<"new_zeros">(grad, sizes), c.integer(1), indices, grad));
}

// grad, self, result, dim, keepdim. The product of all others: of those before times of those after, which is right
// where elements are zero, too.
Tensor product_of_others(const Tensor& self, int64_t dim) {
  const int64_t n = self.size(dim);
  auto exclusive = [&](const Tensor& t) {
    const Tensor one = call<"ones_like">(call<"slice">(t, dim, 0, 1));
    return call<"cumprod">(call<"cat">(std::vector<Tensor>{one, call<"slice">(t, dim, 0, n - 1)}, dim), dim);
  };
  const Dims back{dim};
  const Tensor after = call<"flip">(exclusive(call<"flip">(self, back)), back);
  return call<"mul">(exclusive(self), after);
}
void prod_backward(Call& c) {
  const Tensor grad = c.tensor(0), self = c.tensor(1);
  if (self.ndim() == 0) return c.ret(grad);
  if (self.numel() == 0) return c.ret(call<"zeros_like">(self));
  if (c.has(3)) {
    const int64_t dim = c.value(3).tag == TL_INT_LIST ? c.value(3).ints[0] : c.integer(3);
    const Tensor g = unreduce(grad, c.value(3), self.ndim(), c.boolean(4));
    return c.ret(call<"mul">(g, call<"conj">(product_of_others(self, wrap(dim, self.ndim())))));
  }
  const Tensor flat = call<"reshape">(self, Dims{-1});
  c.ret(call<"mul">(grad, call<"conj">(call<"reshape">(product_of_others(flat, 0), self.sizes()))));
}

// grad, self, dim, correction, keepdim
Tensor var_gradient(const Tensor& grad, const Tensor& self, const TlValue& dim, double correction, bool keepdim) {
  const Tensor g = unreduce(grad, dim, self.ndim(), keepdim);
  const double n = static_cast<double>(reduced_count(self.sizes(), dim)) - correction;
  const std::vector<bool> reduced = reduced_dims(dim, self.ndim());
  Dims dims;
  for (int64_t i = 0; i < self.ndim(); ++i)
    if (reduced[static_cast<size_t>(i)]) dims.push_back(i);
  const Tensor mean = self.ndim() ? call<"mean">(self, dims, true) : self;
  if (n <= 0) return call<"mul">(call<"mul">(g, call<"sub">(self, mean)), n == 0 ? kInf : std::nan(""));
  return call<"mul">(call<"mul">(g, 2 / n), call<"sub">(self, mean));
}
void var_backward(Call& c) { c.ret(var_gradient(c.tensor(0), c.tensor(1), c.value(2), c.number(3, 1), c.boolean(4))); }

// grad, self, result, dim, correction, keepdim
void std_backward(Call& c) {
  const Tensor result = c.tensor(2);
  const Tensor half = call<"masked_fill">(call<"div">(c.tensor(0), call<"mul">(result, 2.0)), call<"eq">(result, 0), 0);
  c.ret(var_gradient(half, c.tensor(1), c.value(3), c.number(4, 1), c.boolean(5)));
}

// grad of the deviation and of the mean (either may be missing), self, result, dim, correction, keepdim, is_std
void var_mean_backward(Call& c) {
  const Tensor self = c.tensor(2);
  Tensor out;
  if (c.has(0)) {
    Tensor g = c.tensor(0);
    const Tensor result = c.tensor(3);
    if (c.boolean(7)) g = call<"masked_fill">(call<"div">(g, call<"mul">(result, 2.0)), call<"eq">(result, 0), 0);
    out = var_gradient(g, self, c.value(4), c.number(5, 1), c.boolean(6));
  }
  if (c.has(1)) {
    const Tensor g = call<"div">(c.tensor(1), static_cast<double>(reduced_count(self.sizes(), c.value(4))));
    const Tensor e = call<"expand">(unreduce(g, c.value(4), self.ndim(), c.boolean(6)), self.sizes());
    out = out ? call<"add">(out, e) : e;
  }
  c.ret(out);
}

// grad, self, p, norm, dim, keepdim. At zero the subgradient 0 is chosen, as torch does.
void norm_backward(Call& c) {
  const Tensor self = c.tensor(1);
  const int64_t n = self.ndim();
  const double p = c.number(2, 2);
  const Tensor grad = unreduce(c.tensor(0), c.value(4), n, c.boolean(5)), norm = unreduce(c.tensor(3), c.value(4), n, c.boolean(5));
  auto sign = [&] { return call<"sgn">(self); };
  if (p == 0) return c.ret(call<"zeros_like">(self));
  if (p == 1) return c.ret(call<"mul">(sign(), grad));
  if (p == 2) {
    const Tensor scaled = call<"div">(grad, norm);
    return c.ret(call<"mul">(self, call<"masked_fill">(scaled, call<"eq">(norm, 0), 0)));
  }
  if (std::isinf(p)) {
    const Tensor size = call<"abs">(self);
    Tensor mask = call<"logical_or">(call<"eq">(size, norm), call<"logical_and">(call<"isnan">(size), call<"isnan">(norm)));
    mask = call<"_to_copy">(mask, kw("dtype", Dtype{norm.dtype()}));
    const std::vector<bool> reduced = reduced_dims(c.value(4), n);
    Dims dims;
    for (int64_t i = 0; i < n; ++i)
      if (reduced[static_cast<size_t>(i)]) dims.push_back(i);
    const Tensor count = n ? call<"sum">(mask, dims, true) : mask;
    return c.ret(call<"mul">(sign(), call<"mul">(mask, call<"div">(grad, count))));
  }
  if (p < 1) {
    const Tensor scaled = call<"masked_fill">(call<"mul">(sign(), call<"pow">(call<"abs">(self), p - 1)), call<"eq">(self, 0), 0);
    return c.ret(call<"mul">(call<"mul">(scaled, grad), call<"pow">(norm, 1 - p)));
  }
  Tensor scale, direction;
  if (p < 2) {
    direction = call<"masked_fill">(call<"mul">(sign(), call<"pow">(call<"abs">(self), p - 1)), call<"eq">(self, 0), 0);
  } else {
    direction = call<"mul">(self, call<"pow">(call<"abs">(self), p - 2));
  }
  scale = call<"masked_fill">(call<"div">(grad, call<"pow">(norm, p - 1)), call<"eq">(norm, 0), 0);
  c.ret(call<"mul">(direction, scale));
}

// grad, self, result, dim, keepdim
void logsumexp_backward(Call& c) {
  const Tensor self = c.tensor(1);
  const Tensor grad = unreduce(c.tensor(0), c.value(3), self.ndim(), c.boolean(4));
  const Tensor result = unreduce(c.tensor(2), c.value(3), self.ndim(), c.boolean(4));
  c.ret(call<"mul">(grad, call<"conj">(call<"exp">(call<"sub">(self, result)))));
}

}  // namespace

void reduce_helpers() {
  helper<sum_to_size>("autograd::sum_to_size(Tensor grad, int[] size) -> Tensor");
  helper<expand_reduced>("autograd::expand_reduced(Tensor grad, int[] sizes, int[]? dim, bool keepdim) -> Tensor");
  helper<unreduced>("autograd::unreduced(Tensor grad, int[]? dim, int ndim, bool keepdim) -> Tensor");
  helper<mean_backward>("autograd::mean_backward(Tensor grad, int[] sizes, int[]? dim, bool keepdim) -> Tensor");
  helper<evenly_distribute>("autograd::evenly_distribute(Tensor grad, Tensor self, Tensor result, int[]? dim=None, bool keepdim=False) -> Tensor");
  helper<value_selecting_backward>("autograd::value_selecting_backward(Tensor grad, int dim, Tensor indices, int[] sizes, bool keepdim) -> Tensor");
  helper<prod_backward>("autograd::prod_backward(Tensor grad, Tensor self, Tensor result, int[]? dim, bool keepdim) -> Tensor");
  helper<var_backward>("autograd::var_backward(Tensor grad, Tensor self, int[]? dim, Scalar? correction, bool keepdim) -> Tensor");
  helper<std_backward>("autograd::std_backward(Tensor grad, Tensor self, Tensor result, int[]? dim, Scalar? correction, bool keepdim) -> Tensor");
  helper<var_mean_backward>("autograd::var_mean_backward(Tensor? grad, Tensor? grad_mean, Tensor self, Tensor result, int[]? dim, Scalar? correction, "
                            "bool keepdim, bool is_std) -> Tensor");
  helper<norm_backward>("autograd::norm_backward(Tensor grad, Tensor self, Scalar? p, Tensor norm, int[]? dim, bool keepdim) -> Tensor");
  helper<logsumexp_backward>("autograd::logsumexp_backward(Tensor grad, Tensor self, Tensor result, int[] dim, bool keepdim) -> Tensor");
}

}  // namespace tl::autograd
