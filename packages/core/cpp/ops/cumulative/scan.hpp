// What scans along a dimension share: the input as [outer, n, inner] in a compute type.
#pragma once
#include <algorithm>

#include "ops/family.hpp"
#include "ops/pointwise/pointwise.hpp"

namespace tallow {

struct ScanShape {
  int64_t outer = 1, n = 1, inner = 1;
  ScanShape(const TensorImpl* t, int64_t dim) {
    for (int64_t d = 0; d < t->ndim; ++d) (d < dim ? outer : d > dim ? inner : n) *= t->size(d);
  }
};

// t as a contiguous tensor of dtype `as`: itself, if it is one.
inline Tensor dense_as(TensorImpl* t, DType as) {
  if (t->contiguous() && t->dtype == as) return Tensor::share(t);
  Tensor out = empty(t->size_span(), as);
  copy_into(out.get(), t);
  return out;
}

// A tensor of dtype `as` to work in, copied into `out` at the end unless it is `out` itself.
struct WorkingOutput {
  TensorImpl* out;
  Tensor t;
  WorkingOutput(TensorImpl* out, DType as) : out(out), t(out->dtype == as ? Tensor::share(out) : empty(out->size_span(), as)) {}
  void finish() {
    if (t.get() != out) copy_into(out, t.get());
  }
};

}  // namespace tallow
