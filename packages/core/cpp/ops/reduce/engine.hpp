// Runs an elementary reduction over any dimensions of a tensor of any layout and dtype.
#pragma once
#include "ops/family.hpp"
#include "ops/reduce/reducers.hpp"

namespace tallow {

// Turns accumulators into results: out[begin, begin + n) of the output's linear order.
using Finish = void (*)(const void* accumulators, int64_t n, char* out, const void* context);

struct Reduction {
  Reducer reducer;
  DType compute;      // what elements are cast to: Float32, Float64, Int64, Complex64, Complex128 or Bool
  double p = 0;       // of PowerSum
  Finish finish = nullptr;  // null: the accumulator is cast to the output's dtype
  const void* context = nullptr;
};

// The dimensions of a reduction as a mask.
struct DimMask {
  bool reduced[64] = {};
  bool all = true;
};
// dims absent or empty: all of them (torch's rule). Repeated dimensions are an error.
DimMask dim_mask(tl::Sizes dims, int64_t ndim, const char* op);
DimMask dim_mask(const tl::Call& c, uint32_t arg, int64_t ndim);
Dims reduced_sizes(const TensorImpl* t, const DimMask& mask, bool keepdim);
int64_t reduced_count(const TensorImpl* t, const DimMask& mask);

// `out` is contiguous and has the kept dimensions' sizes (with or without ones in place of the reduced).
void reduce(const Reduction& r, const TensorImpl* in, const DimMask& mask, TensorImpl* out);

// The dtype that an input of dtype t is computed in: Float32, Float64, Int64, Complex64 or Complex128.
DType compute_dtype(DType t);

}  // namespace tallow
