// For fused gradients: when a graph of the gradient itself is wanted, the same result is had from a composition of
// differentiable ops, through autograd.
#pragma once
#include <tallow/tallow.hpp>

namespace tallow_nn {

// Whether what is computed from these tensors now is recorded.
inline bool wants_graph(std::span<const tl::Tensor> tensors) {
  if (tl::api()->keys_excluded() >> TL_KEY_AUTOGRAD & 1) return false;
  return std::any_of(tensors.begin(), tensors.end(), [](const tl::Tensor& t) { return t && t.requires_grad(); });
}

// d outputs / d inputs times grads, with their graph; null for inputs that are null or have no gradient.
inline std::vector<tl::Tensor> gradients_with_graph(const std::vector<tl::Tensor>& outputs, const std::vector<tl::Tensor>& grads,
                                                    const std::vector<tl::Tensor>& inputs) {
  std::vector<tl::Tensor> wanted, used, used_grads, result(inputs.size());
  std::vector<size_t> place;
  for (size_t i = 0; i < inputs.size(); ++i)
    if (inputs[i] && inputs[i].requires_grad()) wanted.push_back(inputs[i]), place.push_back(i);
  for (size_t i = 0; i < outputs.size(); ++i)
    if (outputs[i].requires_grad()) used.push_back(outputs[i]), used_grads.push_back(grads[i]);
  if (wanted.empty() || used.empty()) return result;
  const auto got = tl::call_list<"autograd::grad">(used, wanted, used_grads, true, true, true, false);
  for (size_t i = 0; i < got.size(); ++i) result[place[i]] = got[i];
  return result;
}

}  // namespace tallow_nn
