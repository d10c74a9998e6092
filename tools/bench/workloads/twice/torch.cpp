// twice(x) = x + x as a C++ extension of torch.
#include <ATen/ops/add.h>
#include <torch/library.h>

TORCH_LIBRARY(bench, m) {
  m.def("twice(Tensor self) -> Tensor", [](const at::Tensor& self) { return at::add(self, self); });
}
