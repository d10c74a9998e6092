// Backwards of ops that cut, join and rearrange.
#include "helpers/helpers.hpp"

namespace tl::autograd {
namespace {

// grad, dims: the inverse permutation
void permute_backward(Call& c) {
  const Sizes dims = c.ints(1);
  const auto n = static_cast<int64_t>(dims.size());
  Dims inverse(dims.size());
  for (int64_t i = 0; i < n; ++i) inverse[static_cast<size_t>(wrap(dims[static_cast<size_t>(i)], n))] = i;
  c.ret(call<"permute">(c.tensor(0), inverse));
}

// A tensor of zeros with grad in one cut. Each has a rule of its own, since it writes into fresh memory.
void select_backward(Call& c) {
  const Tensor out = call<"new_zeros">(c.tensor(0), c.ints(1));
  call<"copy_">(call<"select">(out, c.integer(2), c.integer(3)), c.tensor(0));
  c.ret(out);
}
void slice_backward(Call& c) {
  const Tensor out = call<"new_zeros">(c.tensor(0), c.ints(1));
  call<"copy_">(call<"slice">(out, c.integer(2), c.value(3), c.value(4), c.integer(5)), c.tensor(0));
  c.ret(out);
}
void diagonal_backward(Call& c) {
  const Tensor out = call<"new_zeros">(c.tensor(0), c.ints(1));
  call<"copy_">(call<"diagonal">(out, c.integer(2), c.integer(3), c.integer(4)), c.tensor(0));
  c.ret(out);
}

// grad, sizes, dim, size, step: windows overlap, so their elements are summed by number.
void unfold_backward(Call& c) {
  const Tensor grad = c.tensor(0);
  const Sizes sizes = c.ints(1);
  if (sizes.empty()) return c.ret(call<"reshape">(grad, sizes));
  const int64_t dim = wrap(c.integer(2), static_cast<int64_t>(sizes.size()));
  const Tensor places = call<"arange">(sizes[static_cast<size_t>(dim)], kw("dtype", Dtype{TL_INT64}));
  const Tensor windows = call<"unfold">(places, 0, c.integer(3), c.integer(4));
  // ... windows, ..., window -> ..., windows * window, ...
  const Tensor near = call<"movedim">(grad, Dims{-1}, Dims{dim + 1});
  const Tensor joined = call<"flatten">(near, dim, dim + 1);
  c.ret(call<"index_add">(call<"new_zeros">(grad, sizes), dim, call<"reshape">(windows, Dims{-1}), joined));
}

// grad, sizes of all, dim
void cat_backward(Call& c) {
  const Tensor grad = c.tensor(0);
  const TlValue& all = c.value(1);
  require(all.tag == TL_VALUE_LIST, "cat_backward: the sizes must be a list of lists");
  for (uint32_t i = 0; i < all.len; ++i) require(all.values[i].tag == TL_INT_LIST, "cat_backward: the sizes must be a list of lists");
  std::vector<Tensor> out;
  int64_t at = 0;
  const int64_t dim = wrap(c.integer(2), grad.ndim());
  for (uint32_t i = 0; i < all.len; ++i) {
    const Sizes s(all.values[i].ints, all.values[i].len);
    if (s.size() == 1 && s[0] == 0 && grad.ndim() != 1) {  // torch's old empty tensor
      out.push_back(call<"new_zeros">(grad, s));
      continue;
    }
    require(static_cast<int64_t>(s.size()) == grad.ndim(), "cat_backward: sizes of another number of dimensions");
    const int64_t n = s[static_cast<size_t>(dim)];
    out.push_back(call<"slice">(grad, dim, at, at + n));
    at += n;
  }
  c.ret_list(std::move(out));
}

Tensor zeros_with(const std::vector<Tensor>& grads, Sizes sizes) {
  for (const Tensor& g : grads)
    if (g) return call<"new_zeros">(g, sizes);
  throw Error(TL_RUNTIME_ERROR, "no gradient arrived");
}

// grads (None where nothing arrived), sizes of the whole, dim, sizes of the parts
Tensor join_parts(std::vector<Tensor> grads, Sizes sizes, int64_t dim, Sizes parts) {
  require(grads.size() == parts.size() && !sizes.empty(), "the gradients of a split do not fit its sizes");
  for (size_t i = 0; i < grads.size(); ++i) {
    if (grads[i]) continue;
    Dims s(sizes.begin(), sizes.end());
    s[static_cast<size_t>(dim)] = parts[i];
    grads[i] = zeros_with(grads, s);
  }
  return call<"cat">(grads, dim);
}
void split_with_sizes_backward(Call& c) {
  const Sizes sizes = c.ints(1);
  const int64_t dim = wrap(c.integer(3), static_cast<int64_t>(sizes.size()));
  c.ret(join_parts(c.tensors(0), sizes, dim, c.ints(2)));
}
void split_backward(Call& c) {
  const Sizes sizes = c.ints(1);
  require(!sizes.empty(), "the gradients of a split do not fit its sizes");
  const int64_t dim = wrap(c.integer(3), static_cast<int64_t>(sizes.size())), step = c.integer(2), n = sizes[static_cast<size_t>(dim)];
  Dims parts;
  for (int64_t at = 0; at < n || parts.empty(); at += std::max<int64_t>(step, 1)) parts.push_back(std::min(std::max<int64_t>(step, 0), n - at));
  c.ret(join_parts(c.tensors(0), sizes, dim, parts));
}
void unbind_backward(Call& c) {
  std::vector<Tensor> grads = c.tensors(0);
  const Sizes sizes = c.ints(1);
  const int64_t dim = wrap(c.integer(2), static_cast<int64_t>(sizes.size()));
  require(!sizes.empty(), "unbind_backward: a 0-dim tensor has no parts");
  Dims part(sizes.begin(), sizes.end());
  part.erase(part.begin() + dim);
  for (Tensor& g : grads)
    if (!g) g = zeros_with(grads, part);
  c.ret(call<"stack">(grads, dim));
}

}  // namespace

void shape_helpers() {
  helper<permute_backward>("autograd::permute_backward(Tensor grad, int[] dims) -> Tensor");
  helper<select_backward>("autograd::select_backward(Tensor grad, int[] sizes, int dim, int index) -> Tensor").grad("grad: grad.select(dim, index)");
  helper<slice_backward>("autograd::slice_backward(Tensor grad, int[] sizes, int dim, int? start, int? end, int step) -> Tensor")
      .grad("grad: slice(grad, dim, start, end, step)");
  helper<diagonal_backward>("autograd::diagonal_backward(Tensor grad, int[] sizes, int offset, int dim1, int dim2) -> Tensor")
      .grad("grad: grad.diagonal(offset, dim1, dim2)");
  helper<unfold_backward>("autograd::unfold_backward(Tensor grad, int[] sizes, int dim, int size, int step) -> Tensor");
  helper<cat_backward>("autograd::cat_backward(Tensor grad, any sizes, int dim) -> Tensor[]");
  helper<split_with_sizes_backward>("autograd::split_with_sizes_backward(Tensor?[] grads, int[] sizes, int[] split_sizes, int dim) -> Tensor");
  helper<split_backward>("autograd::split_backward(Tensor?[] grads, int[] sizes, int split_size, int dim) -> Tensor");
  helper<unbind_backward>("autograd::unbind_backward(Tensor?[] grads, int[] sizes, int dim) -> Tensor");
}

}  // namespace tl::autograd
