// Backwards of matrix products and distances.
#include <cmath>

#include "helpers/matrices.hpp"

namespace tl::autograd {
namespace {

// t without leading dimensions that the product brought in by broadcasting.
Tensor fit(const Tensor& t, Sizes sizes) {
  const Sizes have = t.sizes();
  if (std::equal(have.begin(), have.end(), sizes.begin(), sizes.end())) return t;
  return call<"autograd::sum_to_size">(t, sizes);
}

// A batch of matrices as one, row below row.
Tensor as_rows(const Tensor& t) {
  int64_t rows = 1;
  for (int64_t d = 0; d + 1 < t.ndim(); ++d) rows *= t.size(d);
  return call<"reshape">(t, Dims{rows, t.size(-1)});
}

// grad, self, other of matmul in all its forms: vectors become matrices, the rest is the rule for matrices.
struct Operands {
  Tensor grad, self, other;
  Sizes self_sizes, other_sizes;
};
Operands as_matrices(Call& c, const Tensor& self, const Tensor& other) {
  const int64_t ndim = std::max(self.ndim(), other.ndim()) - (self.ndim() == 1 || other.ndim() == 1);
  require(self.ndim() > 0 && other.ndim() > 0 && c.tensor(0).ndim() == ndim, "the gradient of a matrix product does not fit its operands");
  Operands o{c.tensor(0), self, other, self.sizes(), other.sizes()};
  if (self.ndim() == 1) o.self = call<"unsqueeze">(self, 0), o.grad = call<"unsqueeze">(o.grad, other.ndim() == 1 ? 0 : -2);
  if (other.ndim() == 1) o.other = call<"unsqueeze">(other, 1), o.grad = call<"unsqueeze">(o.grad, -1);
  return o;
}
void matmul_self(Call& c) {
  const Tensor self = c.tensor(1), other = c.tensor(2);
  const Operands o = as_matrices(c, self, other);
  // One large product where `other` is a matrix and self a batch: the batch is rows as well.
  if (o.other.ndim() == 2 && o.self.ndim() > 2) {
    const Tensor rows = as_rows(o.grad);
    return c.ret(call<"reshape">(call<"mm">(rows, adjoint(o.other)), o.self_sizes));
  }
  Tensor out = call<"matmul">(o.grad, adjoint(o.other));
  out = self.ndim() == 1 ? fit(out, Dims{1, self.size(0)}) : fit(out, o.self_sizes);
  c.ret(self.ndim() == 1 ? call<"reshape">(out, o.self_sizes) : out);
}
void matmul_other(Call& c) {
  const Tensor self = c.tensor(1), other = c.tensor(2);
  const Operands o = as_matrices(c, self, other);
  if (o.other.ndim() == 2 && o.self.ndim() > 2) {
    return c.ret(call<"reshape">(call<"mm">(adjoint(as_rows(o.self)), as_rows(o.grad)), o.other_sizes));
  }
  Tensor out = call<"matmul">(adjoint(o.self), o.grad);
  out = other.ndim() == 1 ? fit(out, Dims{other.size(0), 1}) : fit(out, o.other_sizes);
  c.ret(other.ndim() == 1 ? call<"reshape">(out, o.other_sizes) : out);
}

// grad, x1, x2, p, cdist: of x1. The gradient of a distance is the direction from the other point.
void cdist_backward(Call& c) {
  const Tensor grad = call<"unsqueeze">(c.tensor(0), -1), dist = call<"unsqueeze">(c.tensor(4), -1);
  const double p = c.number(3, 2);
  const Tensor diff = call<"sub">(call<"unsqueeze">(c.tensor(1), -2), call<"unsqueeze">(c.tensor(2), -3));
  const Tensor zero = call<"eq">(dist, 0);
  Tensor slope;
  if (p == 0) {
    slope = call<"zeros_like">(diff);
  } else if (p == 1) {
    slope = call<"sgn">(diff);
  } else if (std::isinf(p)) {
    slope = call<"mul">(call<"sgn">(diff), call<"_to_copy">(call<"eq">(call<"abs">(diff), dist), kw("dtype", Dtype{diff.dtype()})));
  } else if (p == 2) {
    slope = call<"masked_fill">(call<"div">(diff, call<"masked_fill">(dist, zero, 1)), zero, 0);
  } else {
    const Tensor size = call<"abs">(diff);
    const Tensor flat = call<"eq">(diff, 0);
    const Tensor power = call<"masked_fill">(call<"pow">(call<"masked_fill">(size, flat, 1), p - 1), flat, 0);
    slope = call<"div">(call<"mul">(call<"sgn">(diff), power), call<"pow">(call<"masked_fill">(dist, zero, 1), p - 1));
    slope = call<"masked_fill">(slope, zero, 0);
  }
  const Tensor out = call<"sum">(call<"mul">(grad, slope), Dims{-2});
  c.ret(fit(out, c.tensor(1).sizes()));
}

}  // namespace

void linalg_helpers() {
  helper<matmul_self>("autograd::matmul_self(Tensor grad, Tensor self, Tensor other) -> Tensor");
  helper<matmul_other>("autograd::matmul_other(Tensor grad, Tensor self, Tensor other) -> Tensor");
  helper<cdist_backward>("autograd::cdist_backward(Tensor grad, Tensor x1, Tensor x2, float p, Tensor cdist) -> Tensor");
}

}  // namespace tl::autograd
