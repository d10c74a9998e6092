// Views by sizes and strides: what the histories of views that are written in place are made of.
#include "helpers/helpers.hpp"

namespace tl::autograd {
namespace {

Tensor strided_copy(const Tensor& t, Sizes sizes, Sizes strides) {
  require(sizes.size() == strides.size(), "copy_strided: as many strides as sizes are needed");
  TlTensor out;
  const TlTensorInfo i = t.info();
  check(api()->tensor_empty_strided(sizes.data(), strides.data(), static_cast<int64_t>(sizes.size()), i.dtype, i.device, &out));
  const Tensor copy = Tensor::steal(out);
  call<"copy_">(copy, t);
  return copy;
}

// Whether two indices may lie on one element. Exact for what views of dense memory are; otherwise on the safe side.
bool overlaps(Sizes sizes, Sizes strides) {
  std::vector<std::pair<int64_t, int64_t>> dims;
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] == 0) return false;
    if (sizes[i] > 1) dims.emplace_back(strides[i], sizes[i]);
  }
  std::sort(dims.begin(), dims.end());
  int64_t reach = 0;  // of the smaller strides
  for (const auto& [stride, size] : dims) {
    if (stride <= reach) return true;
    reach += stride * (size - 1);
  }
  return false;
}

int64_t span_of(Sizes sizes, Sizes strides) {
  int64_t last = 0;
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] == 0) return 0;
    last += (sizes[i] - 1) * strides[i];
  }
  return last + 1;
}

// self, size, stride
void copy_strided(Call& c) { c.ret(strided_copy(c.tensor(0), c.ints(1), c.ints(2))); }

// self, src, size, stride, offset (from self's first element): self with src in the cut that these describe.
void as_strided_scatter(Call& c) {
  const Tensor self = c.tensor(0);
  const Tensor out = strided_copy(self, self.sizes(), self.strides());
  call<"copy_">(call<"as_strided">(out, c.ints(2), c.ints(3), c.integer(4)), c.tensor(1));
  c.ret(out);
}

// grad, sizes, strides and offset of the input; size, stride and offset of the cut.
//
// Both are looked at as parts of one line of memory: the gradient is written (or summed, where elements coincide) into
// the line, and the input reads its part of it; an element that the input shows n times gets an n-th each time.
void as_strided_backward(Call& c) {
  const Tensor grad = c.tensor(0);
  const Sizes in_sizes = c.ints(1), in_strides = c.ints(2), size = c.ints(4), stride = c.ints(5);
  require(in_sizes.size() == in_strides.size() && size.size() == stride.size(), "as_strided_backward: as many strides as sizes are needed");
  const int64_t in_offset = c.integer(3), offset = c.integer(6, in_offset);
  const int64_t first = std::min(in_offset, offset);
  const int64_t length = std::max(in_offset + span_of(in_sizes, in_strides), offset + span_of(size, stride)) - first;
  Tensor line = call<"new_zeros">(grad, Dims{length});
  if (!overlaps(size, stride)) {
    line = call<"autograd::as_strided_scatter">(line, grad, size, stride, offset - first);
  } else {
    const Tensor places = call<"arange">(length, kw("dtype", Dtype{TL_INT64}));
    const Tensor index = call<"reshape">(call<"as_strided">(places, size, stride, offset - first), Dims{-1});
    line = call<"index_add">(line, 0, index, call<"reshape">(grad, Dims{-1}));
  }
  if (overlaps(in_sizes, in_strides)) {
    const Tensor places = call<"arange">(length, kw("dtype", Dtype{TL_INT64}));
    const Tensor index = call<"reshape">(call<"as_strided">(places, in_sizes, in_strides, in_offset - first), Dims{-1});
    const Tensor zero = call<"new_zeros">(grad, Dims{length});
    const Tensor count = call<"index_add">(zero, 0, index, call<"ones_like">(index, kw("dtype", Dtype{grad.dtype()})));
    line = call<"div">(line, call<"clamp">(count, 1));
  }
  c.ret(call<"as_strided">(line, in_sizes, in_strides, in_offset - first));
}

}  // namespace

void view_helpers() {
  helper<copy_strided>("autograd::copy_strided(Tensor self, int[] size, int[] stride) -> Tensor").grad("self: grad");
  helper<as_strided_scatter>("autograd::as_strided_scatter(Tensor self, Tensor src, int[] size, int[] stride, int offset) -> Tensor")
      .grad("self: autograd::as_strided_scatter(autograd::copy_strided(grad, self.sizes, self.strides), grad.new_zeros(size), size, stride, offset);"
            "src: as_strided(autograd::copy_strided(grad, self.sizes, self.strides), size, stride, offset)");
  helper<as_strided_backward>("autograd::as_strided_backward(Tensor grad, int[] sizes, int[] strides, int storage_offset, int[] size, int[] stride, "
                              "int? offset) -> Tensor");
}

}  // namespace tl::autograd
