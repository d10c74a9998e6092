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

// A flag of ops, beside those of the ABI: out= may have another dtype of the same kind, as with pointwise ops and reductions.
constexpr uint32_t kCastsOut = 1u << 31;

// Which memory two tensors share. Unknown where one has gaps: the elements of both may interleave without meeting.
enum class Overlap { None, Partial, Full, Unknown };
Overlap overlap(const TensorImpl* a, const TensorImpl* b);

// Whether a given tensor can hold a result: out= may be resized, a tensor that is written in place may not.
void check_result_dtype(DType result, const TensorImpl* given, const Op* op);
// Refuses to write into a tensor whose elements share memory (an expanded one).
void check_no_internal_overlap(const TensorImpl* t, const char* op);
// Refuses to write into a tensor that shares memory with one that is read; all of its memory where `whole_is_fine`.
void check_no_overlap(const TensorImpl* written, const TensorImpl* read, const char* op, bool whole_is_fine);
// In a shape function of an op that reads its inputs in no fixed order: the same for what out= gives, and every input.
void check_given_apart(TlCall* call, bool whole_is_fine = false);
void check_result_in_place(Sizes sizes, DType result, const TensorImpl* given, const Op* op);

}  // namespace tallow
