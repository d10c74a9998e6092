#include "rules/rules.hpp"

namespace tl::autograd {

// clang-format off
static const GradientRule kRules[] = {
    {"index", "self: autograd::index_backward(grad, self.sizes, indices)"},
    {"index_put", "self: grad if accumulate else index_put(grad, indices, grad.new_zeros([]), False); values: index(grad, indices)"},
    {"index_select", "self: autograd::index_select_backward(grad, self.sizes, dim, index)"},
    {"index_add", "self: grad; source: grad.index_select(dim, index).reshape(source.sizes) * alpha"},
    {"index_copy", "self: grad.index_fill(dim, index, 0); source: grad.index_select(dim, index).reshape(source.sizes)"},
    {"index_fill", "self: grad.index_fill(dim, index, 0); value: (grad - grad.index_fill(dim, index, 0)).sum()"},
    {"gather", "self: autograd::gather_sparse_backward(grad, self.sizes, dim, index) if sparse_grad else autograd::gather_backward(grad, self.sizes, dim, index)"},
    {"scatter.src", "self: grad.scatter(dim, index, 0); src: grad.gather(dim, index)"},
    {"scatter.value", "self: grad.scatter(dim, index, 0)"},
    {"scatter.reduce", "(self, src): autograd::scatter_reduce_backward(grad, self, dim, index, src, 'sum' if reduce == 'add' else 'prod', True, result)"},
    {"scatter.value_reduce", "self: grad if reduce == 'add' else grad * scatter.value_reduce(ones_like(grad), dim, index, value, reduce=reduce)"},
    {"index_reduce", "(self, source): autograd::scatter_reduce_backward(grad, self, dim, autograd::index_like(index, source.sizes, dim), source, reduce,"
                     " include_self, result)"},
    {"scatter_add", "self: grad; src: grad.gather(dim, index)"},
    {"scatter_reduce", "(self, src): autograd::scatter_reduce_backward(grad, self, dim, index, src, reduce, include_self, result)"},
    {"masked_fill", "self: grad.masked_fill(mask, 0); value: where(mask, grad, 0).sum()"},
    {"masked_select", "self: autograd::masked_select_backward(grad, self.sizes, mask)"},
    {"masked_scatter", "self: grad.masked_fill(mask, 0); source: autograd::masked_scatter_backward(grad, mask, source.sizes)"},
    {"take", "self: autograd::take_backward(grad, self.sizes, index)"},
    {"put", "self: grad if accumulate else put(grad, index, zeros_like(source), False); source: take(grad, index).reshape(source.sizes)"},
};
// clang-format on

void index_rules() { set_rules(kRules); }

}  // namespace tl::autograd
