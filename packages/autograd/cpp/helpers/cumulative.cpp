// Backwards of running sums, products and extrema.
#include <limits>

#include "helpers/helpers.hpp"

namespace tl::autograd {
namespace {

Tensor flip(const Tensor& t, int64_t dim) { return call<"flip">(t, Dims{dim}); }

// The sum from each element to the end.
Tensor reversed_cumsum(const Tensor& t, int64_t dim) {
  if (t.ndim() == 0 || t.size(dim) <= 1) return t;
  return flip(call<"cumsum">(flip(t, dim), dim), dim);
}
void reversed_cumsum_op(Call& c) { c.ret(reversed_cumsum(c.tensor(0), c.integer(1))); }

// grad, self, dim, result. Without zeros d/dx_k = sum_{i>=k} grad_i y_i / x_k. With zeros each element is worked out
// from the products around it, differentiably.
void cumprod_backward(Call& c) {
  const Tensor grad = c.tensor(0), self = c.tensor(1), result = c.tensor(3);
  if (self.ndim() == 0 || self.numel() <= 1) return c.ret(grad);
  const int64_t dim = wrap(c.integer(2), self.ndim());
  const int64_t n = self.size(dim);
  if (n == 1) return c.ret(grad);
  const Tensor any_zero = call<"any">(call<"eq">(self, 0));
  if (any_zero.device().type == TL_CPU && !*any_zero.data<bool>())
    return c.ret(call<"div">(reversed_cumsum(call<"mul">(grad, call<"conj">(result)), dim), call<"conj">(self)));
  std::vector<Tensor> parts;
  const Tensor first = call<"ones_like">(call<"slice">(self, dim, 0, 1));
  for (int64_t k = 0; k < n; ++k) {
    // prod of x_0 .. x_{k-1}, then the running products of x_{k+1} .. on top of it
    const Tensor before = k ? call<"slice">(result, dim, k - 1, k) : first;
    Tensor tail = first;
    if (k + 1 < n) tail = call<"cumprod">(call<"cat">(std::vector<Tensor>{first, call<"slice">(self, dim, k + 1, n)}, dim), dim);
    const Tensor outer = call<"conj">(call<"mul">(before, tail));
    parts.push_back(call<"sum">(call<"mul">(call<"slice">(grad, dim, k, n), outer), Dims{dim}, true));
  }
  c.ret(call<"cat">(parts, dim));
}

// grad, indices, sizes, dim
void cummaxmin_backward(Call& c) {
  const Tensor grad = c.tensor(0);
  if (grad.numel() == 0) return c.ret(grad);
  c.ret(call<"scatter_add">(call<"zeros_like">(grad), c.integer(2), c.tensor(1), grad));
}

// grad, self, result, dim: sum_{i>=k} grad_i exp(x_k - y_i), with positive and negative gradients apart in log space
void logcumsumexp_backward(Call& c) {
  const Tensor grad = c.tensor(0), self = c.tensor(1), result = c.tensor(2);
  const int64_t dim = c.integer(3);
  if (grad.ndim() == 0 || grad.numel() == 0) return c.ret(grad);
  auto share = [&](const Tensor& log_grad) {
    const Tensor scan = flip(call<"logcumsumexp">(flip(call<"sub">(log_grad, result), dim), dim), dim);
    return call<"exp">(call<"add">(scan, self));
  };
  // The lowest finite number: infinities would give NaN in the second derivative.
  const Tensor lowest = call<"full_like">(grad, grad.dtype() == TL_FLOAT64 ? std::numeric_limits<double>::lowest() : std::numeric_limits<float>::lowest());
  const Tensor size = call<"log">(call<"where">(call<"eq">(grad, 0), call<"ones_like">(grad), call<"abs">(grad)));
  const Tensor positive = share(call<"where">(call<"gt">(grad, 0), size, lowest));
  const Tensor negative = share(call<"where">(call<"lt">(grad, 0), size, lowest));
  c.ret(call<"sub">(positive, negative));
}

}  // namespace

void cumulative_helpers() {
  helper<reversed_cumsum_op>("autograd::reversed_cumsum(Tensor grad, int dim) -> Tensor");
  helper<cumprod_backward>("autograd::cumprod_backward(Tensor grad, Tensor self, int dim, Tensor result) -> Tensor");
  helper<cummaxmin_backward>("autograd::cummaxmin_backward(Tensor grad, Tensor indices, int dim) -> Tensor");
  helper<logcumsumexp_backward>("autograd::logcumsumexp_backward(Tensor grad, Tensor self, Tensor result, int dim) -> Tensor");
}

}  // namespace tl::autograd
