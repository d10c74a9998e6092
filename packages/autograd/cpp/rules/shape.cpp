#include "rules/rules.hpp"

namespace tl::autograd {

// clang-format off
static const GradientRule kRules[] = {
    // views
    {"view", "self: grad.reshape(self.sizes)"},
    {"view.dtype", "self: grad.view(self.dtype)"},
    {"expand", "self: grad"},  // summed over the new elements by the engine
    {"permute", "self: autograd::permute_backward(grad, dims)"},
    {"transpose", "self: grad.transpose(dim0, dim1)"},
    {"squeeze", "self: grad.reshape(self.sizes)"},
    {"squeeze.dim", "self: grad.reshape(self.sizes)"},
    {"squeeze.dims", "self: grad.reshape(self.sizes)"},
    {"unsqueeze", "self: grad.squeeze(dim)"},
    {"select", "self: autograd::select_backward(grad, self.sizes, dim, index)"},
    {"slice", "self: autograd::slice_backward(grad, self.sizes, dim, start, end, step)"},
    {"as_strided", "self: autograd::as_strided_backward(grad, self.sizes, self.strides, self.storage_offset, size, stride, storage_offset)"},
    {"diagonal", "self: autograd::diagonal_backward(grad, self.sizes, offset, dim1, dim2)"},
    {"unfold", "self: autograd::unfold_backward(grad, self.sizes, dimension, size, step)"},
    {"alias", "self: grad"},
    {"split_with_sizes", "self: autograd::split_with_sizes_backward(grads, self.sizes, split_sizes, dim)"},
    {"unbind", "self: autograd::unbind_backward(grads, self.sizes, dim)"},
    {"view_as_real", "self: view_as_complex(grad.contiguous())"},
    {"view_as_complex", "self: view_as_real(grad)"},

    // the same, of the tensor itself
    {"transpose_", "self: grad.transpose(dim0, dim1)"},
    {"swapaxes_", "self: grad.transpose(axis0, axis1)"},
    {"swapdims_", "self: grad.transpose(dim0, dim1)"},
    {"t_", "self: grad.t()"},
    {"squeeze_", "self: grad.reshape(self.sizes)"},
    {"squeeze_.dim", "self: grad.reshape(self.sizes)"},
    {"squeeze_.dims", "self: grad.reshape(self.sizes)"},
    {"as_strided_", "self: autograd::as_strided_backward(grad, self.sizes, self.strides, self.storage_offset, size, stride, storage_offset)"},
    {"unsqueeze_", "self: grad.squeeze(dim)"},

    // copies
    {"cat", "tensors: autograd::cat_backward(grad, tensors.sizes, dim)"},
    {"stack", "tensors: grad.unbind(dim)"},
    {"flip", "self: grad.flip(dims)"},
    {"tril", "self: grad.tril(diagonal)"},
    {"triu", "self: grad.triu(diagonal)"},
    {"select_scatter", "self: select_scatter(grad, grad.new_zeros(src.sizes), dim, index); src: grad.select(dim, index)"},
    {"slice_scatter", "self: slice_scatter(grad, grad.new_zeros(src.sizes), dim, start, end, step); src: slice(grad, dim, start, end, step)"},
    {"diagonal_scatter", "self: diagonal_scatter(grad, grad.new_zeros(src.sizes), offset, dim1, dim2); src: grad.diagonal(offset, dim1, dim2)"},
    {"as_strided_scatter", "self: as_strided_scatter(grad.contiguous(), grad.new_zeros(src.sizes), size, stride, storage_offset);"
                           "src: grad.contiguous().as_strided(size, stride, storage_offset)"},
};
// clang-format on

void shape_rules() { set_rules(kRules); }

}  // namespace tl::autograd
