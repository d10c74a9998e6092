// Ops with a shape function: one description of the results serves the functional, in-place, out= and meta forms.
#pragma once
#include "dispatch/registry.hpp"

namespace tallow {

TlStatus structured_kernel(TlCall* call);  // shape, then the raw kernel of the device
TlStatus composite_variant(TlCall* call);  // in-place and out= forms of a composite op

void release_object(TlObject o);
void release_generator(TlGenerator g);

// dst <- src with broadcasting and casting; defined by the pointwise family.
void copy_into(TensorImpl* dst, const TensorImpl* src);

// Prepares an out= tensor for a result of these sizes: resizes it, warning-free, as torch does for empty ones.
void prepare_out(TensorImpl* out, Sizes sizes, DType result, const char* op);

}  // namespace tallow
