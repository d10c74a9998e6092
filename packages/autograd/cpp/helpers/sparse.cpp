// Gradients of and for sparse tensors.
#include "helpers/helpers.hpp"

namespace tl::autograd {
namespace {

// The gradient of `like`: of a sparse tensor only where it has elements.
void as_layout(Call& c) {
  const Tensor grad = c.tensor(0), like = c.tensor(1);
  if (like.is_sparse()) return c.ret(call<"sparse_mask">(grad, like));
  c.ret(grad.is_sparse() ? call<"to_dense">(grad) : grad);
}
void sparse_sum_backward(Call& c) {
  const Tensor self = c.tensor(1);
  Tensor grad = c.tensor(0);
  if (grad.is_sparse()) grad = call<"to_dense">(grad);
  c.ret(call<"autograd::expand_reduced">(grad, self.sizes(), c.value(2), c.value(3)));
}
// The same where the op says that the gradient is sparse too (_sparse_sum).
void masked_sum_backward(Call& c) {
  const Tensor self = c.tensor(1);
  Tensor grad = c.tensor(0);
  if (grad.is_sparse()) grad = call<"to_dense">(grad);
  c.ret(call<"sparse_mask">(call<"autograd::expand_reduced">(grad, self.sizes(), c.value(2), false), self));
}

// Products of a matrix and a matrix or vector, in either order.
Tensor turned(const Tensor& t) {
  const Tensor m = t.ndim() == 2 ? call<"t">(t) : t;
  const TlDtype d = t.dtype();
  return d == TL_COMPLEX64 || d == TL_COMPLEX128 ? call<"conj">(m) : m;
}
void matmul_self(Call& c) {
  const Tensor grad = c.tensor(0), self = c.tensor(1), other = c.tensor(2);
  require(self.ndim() <= 2 && other.ndim() <= 2, "the gradient of a product with a sparse tensor is that of matrices and vectors");
  if (self.ndim() == 1) return c.ret(call<"matmul">(grad, turned(other)));
  c.ret(call<"autograd::as_layout">(other.ndim() == 1 ? call<"outer">(grad, turned(other)) : call<"mm">(grad, turned(other)), self));
}
void matmul_other(Call& c) {
  const Tensor grad = c.tensor(0), self = c.tensor(1), other = c.tensor(2);
  require(self.ndim() <= 2 && other.ndim() <= 2, "the gradient of a product with a sparse tensor is that of matrices and vectors");
  if (other.ndim() == 1) return c.ret(call<"matmul">(turned(self), grad));
  c.ret(call<"autograd::as_layout">(self.ndim() == 1 ? call<"outer">(turned(self), grad) : call<"mm">(turned(self), grad), other));
}

// d of x.gather(dim, index) with sparse_grad: the elements of grad, at index along dim and where they stand elsewhere.
void gather_sparse_backward(Call& c) {
  const Tensor grad = c.tensor(0), index = c.tensor(3);
  const Sizes sizes = c.ints(1);
  const auto n = static_cast<int64_t>(sizes.size());
  if (n == 0) return c.ret(call<"_sparse_coo_tensor">(call<"new_zeros">(index, Dims{0, 1}), call<"reshape">(grad, Dims{1}), sizes));
  const int64_t dim = wrap(c.integer(2), n);
  require(index.ndim() == n, "gather: the index must have as many dimensions as the tensor");
  std::vector<Tensor> rows;
  for (int64_t d = 0; d < n; ++d) {
    if (d == dim) {
      rows.push_back(call<"reshape">(index, Dims{-1}));
      continue;
    }
    Dims shape(static_cast<size_t>(n), 1);
    shape[static_cast<size_t>(d)] = index.size(d);
    const Tensor place = call<"reshape">(call<"arange">(index.size(d)), shape);
    rows.push_back(call<"reshape">(call<"expand">(place, index.sizes()), Dims{-1}));
  }
  c.ret(call<"_sparse_coo_tensor">(call<"stack">(rows, 0), call<"reshape">(grad, Dims{-1}), sizes));
}

template <auto F>
void of_any_layout(const char* schema) {
  composite<F>(schema, TL_OP_HIDDEN | TL_OP_ANY_LAYOUT);
}

}  // namespace

void sparse_helpers() {
  of_any_layout<as_layout>("autograd::as_layout(Tensor self, Tensor like) -> Tensor");
  of_any_layout<sparse_sum_backward>("autograd::sparse_sum_backward(Tensor grad, Tensor self, int[1]? dim, bool keepdim) -> Tensor");
  of_any_layout<masked_sum_backward>("autograd::masked_sum_backward(Tensor grad, Tensor self, int[1]? dim) -> Tensor");
  of_any_layout<matmul_self>("autograd::sparse_matmul_self(Tensor grad, Tensor self, Tensor other) -> Tensor");
  of_any_layout<matmul_other>("autograd::sparse_matmul_other(Tensor grad, Tensor self, Tensor other) -> Tensor");
  of_any_layout<gather_sparse_backward>("autograd::gather_sparse_backward(Tensor grad, int[] sizes, int dim, Tensor index) -> Tensor");
}

}  // namespace tl::autograd
