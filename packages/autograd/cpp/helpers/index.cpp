// Backwards of reading and writing by index.
#include "helpers/helpers.hpp"

namespace tl::autograd {
namespace {

Dims broadcast(Sizes a, Sizes b) {
  Dims out(std::max(a.size(), b.size()), 1);
  for (size_t i = 0; i < a.size(); ++i) out[out.size() - a.size() + i] = a[i];
  for (size_t i = 0; i < b.size(); ++i)
    if (b[i] != 1) out[out.size() - b.size() + i] = b[i];
  return out;
}

// grad, sizes, indices: every gradient back to where its element came from
void index_backward(Call& c) { c.ret(call<"index_put">(call<"new_zeros">(c.tensor(0), c.ints(1)), c.value(2), c.tensor(0), true)); }
void index_select_backward(Call& c) {
  const Sizes sizes = c.ints(1);
  if (sizes.empty()) return c.ret(call<"reshape">(call<"sum">(c.tensor(0)), sizes));
  c.ret(call<"index_add">(call<"new_zeros">(c.tensor(0), sizes), c.integer(2), c.tensor(3), c.tensor(0)));
}
void gather_backward(Call& c) {
  c.ret(call<"scatter_add">(call<"new_zeros">(c.tensor(0), c.ints(1)), c.integer(2), c.tensor(3), c.tensor(0)));
}
void take_backward(Call& c) {
  const Sizes sizes = c.ints(1);
  int64_t n = 1;
  for (const int64_t s : sizes) n *= s;
  const Tensor flat = call<"new_zeros">(c.tensor(0), Dims{n});
  const std::vector<Tensor> index{call<"reshape">(c.tensor(2), Dims{-1})};
  c.ret(call<"reshape">(call<"index_put">(flat, index, call<"reshape">(c.tensor(0), Dims{-1}), true), sizes));
}
void masked_select_backward(Call& c) {
  const Sizes sizes = c.ints(1);
  const Tensor whole = call<"new_zeros">(c.tensor(0), broadcast(sizes, c.tensor(2).sizes()));
  c.ret(call<"masked_scatter">(whole, c.tensor(2), c.tensor(0)));
}

// grad, mask, sizes of the source: its first elements were taken, one per true
void masked_scatter_backward(Call& c) {
  const Sizes sizes = c.ints(2);
  int64_t n = 1;
  for (const int64_t s : sizes) n *= s;
  const Tensor grad = c.tensor(0);
  Tensor taken = call<"masked_select">(grad, c.tensor(1));
  const int64_t missing = n - taken.numel();
  if (missing > 0) taken = call<"cat">(std::vector<Tensor>{taken, call<"new_zeros">(grad, Dims{missing})}, 0);
  else if (missing < 0) taken = call<"slice">(taken, 0, 0, n);
  c.ret(call<"reshape">(taken, sizes));
}

// A vector of indices along dim as the index of every element: index_add as scatter_add.
void index_like(Call& c) {
  const Sizes sizes = c.ints(1);
  Dims shape(sizes.size(), 1);
  if (!shape.empty()) shape[static_cast<size_t>(wrap(c.integer(2), static_cast<int64_t>(sizes.size())))] = -1;
  c.ret(call<"expand">(call<"reshape">(c.tensor(0), shape), sizes));
}

// grad, self, dim, index, src, reduce, include_self, result -> of self, src
void scatter_reduce_backward(Call& c) {
  const Tensor grad = c.tensor(0), self = c.tensor(1), index = c.tensor(3), src = c.tensor(4), result = c.tensor(7);
  const int64_t dim = c.integer(2);
  const std::string reduce(c.string(5));
  const bool include_self = c.boolean(6);
  Tensor to_self, to_src;
  if (reduce == "sum") {
    to_self = grad;
    to_src = call<"gather">(grad, dim, index);
  } else if (reduce == "mean") {
    Tensor count = include_self ? call<"ones_like">(grad) : call<"zeros_like">(grad);
    count = call<"scatter_add">(count, dim, index, call<"ones_like">(src));
    count = call<"masked_fill">(count, call<"eq">(count, 0), 1);
    to_self = call<"div">(grad, count);
    to_src = call<"gather">(to_self, dim, index);
  } else if (reduce == "prod") {
    // As torch: right unless several factors of one product are zero.
    const Tensor nonzero = call<"masked_fill">(self, call<"eq">(self, 0), 1);
    const Tensor product = call<"scatter_reduce">(nonzero, dim, index, src, "prod", kw("include_self", include_self));
    to_self = call<"div">(call<"mul">(grad, product), nonzero);
    const Tensor zero = call<"eq">(src, 0);
    const Tensor number = call<"scatter_add">(call<"zeros_like">(self), dim, index, call<"_to_copy">(zero, kw("dtype", Dtype{self.dtype()})));
    const Tensor single = call<"logical_and">(zero, call<"eq">(call<"gather">(number, dim, index), 1));
    const Tensor without = call<"masked_fill">(src, single, 1);
    const Tensor others = call<"scatter_reduce">(self, dim, index, without, "prod", kw("include_self", include_self));
    const Tensor from_single = call<"gather">(call<"mul">(grad, others), dim, index);
    const Tensor from_many = call<"div">(call<"gather">(call<"mul">(grad, result), dim, index), call<"masked_fill">(src, zero, 1));
    to_src = call<"where">(single, from_single, call<"masked_fill">(from_many, zero, 0));
  } else {  // amax, amin: equal shares to all that are the result
    const Tensor chosen = call<"gather">(result, dim, index);
    const Tensor self_is = call<"_to_copy">(call<"eq">(self, result), kw("dtype", Dtype{grad.dtype()}));
    const Tensor src_is = call<"_to_copy">(call<"eq">(src, chosen), kw("dtype", Dtype{grad.dtype()}));
    Tensor number = include_self ? self_is : call<"zeros_like">(self_is);
    number = call<"scatter_add">(number, dim, index, src_is);
    const Tensor share = call<"div">(grad, call<"masked_fill">(number, call<"eq">(number, 0), 1));
    to_self = call<"mul">(self_is, share);
    to_src = call<"mul">(src_is, call<"gather">(share, dim, index));
  }
  if (!include_self) to_self = call<"scatter.value">(to_self, dim, index, 0);
  c.ret(to_self, 0);
  c.ret(to_src, 1);
}

}  // namespace

void index_helpers() {
  helper<index_backward>("autograd::index_backward(Tensor grad, int[] sizes, Tensor?[] indices) -> Tensor");
  helper<index_select_backward>("autograd::index_select_backward(Tensor grad, int[] sizes, int dim, Tensor index) -> Tensor");
  helper<gather_backward>("autograd::gather_backward(Tensor grad, int[] sizes, int dim, Tensor index) -> Tensor");
  helper<take_backward>("autograd::take_backward(Tensor grad, int[] sizes, Tensor index) -> Tensor");
  helper<masked_select_backward>("autograd::masked_select_backward(Tensor grad, int[] sizes, Tensor mask) -> Tensor");
  helper<masked_scatter_backward>("autograd::masked_scatter_backward(Tensor grad, Tensor mask, int[] sizes) -> Tensor");
  helper<index_like>("autograd::index_like(Tensor index, int[] sizes, int dim) -> Tensor");
  helper<scatter_reduce_backward>("autograd::scatter_reduce_backward(Tensor grad, Tensor self, int dim, Tensor index, Tensor src, str reduce, "
                                  "bool include_self, Tensor result) -> (Tensor, Tensor)");
}

}  // namespace tl::autograd
