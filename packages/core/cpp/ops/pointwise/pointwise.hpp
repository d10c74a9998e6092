// Pointwise ops: descriptors, and the engine that runs them (broadcast, promotion, packing, parallel split).
#pragma once
#include <complex>
#include <cstdint>

#include "dispatch/registry.hpp"
#include "tensor/dtype.hpp"

namespace tallow {

// Kernels exist for five compute types; other dtypes are cast to one of them chunk by chunk (half precision computes
// in float, narrow integers and bool in int64, whose truncation gives the same wrapped result).
enum ComputeType { kF32, kF64, kI64, kC64, kC128, kComputeTypes };
constexpr uint32_t F32 = 1, F64 = 2, I64 = 4, C64 = 8, C128 = 16;
constexpr uint32_t FLOATS = F32 | F64, COMPLEXES = C64 | C128, REALS = FLOATS | I64, INEXACT = FLOATS | COMPLEXES, ALL = REALS | COMPLEXES;

template <class T> constexpr uint32_t type_bit() {
  return std::is_same_v<T, float> ? F32 : std::is_same_v<T, double> ? F64 : std::is_same_v<T, int64_t> ? I64
       : std::is_same_v<T, c64> ? C64 : C128;
}
ComputeType compute_type(DType t);
DType dtype_of_compute(ComputeType c);

// A scalar argument of a call.
struct ScalarArg {
  enum { Int, Double, Complex } kind = Int;
  int64_t i = 0;
  double re = 0, im = 0;
  template <class T> T as() const {
    if constexpr (std::is_same_v<T, int64_t>) return kind == Int ? i : static_cast<int64_t>(re);
    else if constexpr (std::is_same_v<T, c64>) return kind == Int ? c64(static_cast<float>(i)) : c64(static_cast<float>(re), static_cast<float>(im));
    else if constexpr (std::is_same_v<T, c128>) return kind == Int ? c128(static_cast<double>(i)) : c128(re, im);
    else return kind == Int ? static_cast<T>(i) : static_cast<T>(re);
  }
};
ScalarArg to_scalar_arg(const TlValue& v);
DType scalar_dtype(const TlValue& v);  // what a Python number counts as in promotion

// d[0] is the output; strides are in bytes: the element size, or 0 for a repeated input.
using Loop = void (*)(char* const* d, const int64_t* strides, int64_t n, const ScalarArg* scalars);
struct LoopSet { Loop loops[kComputeTypes]; };

enum class Promote : uint8_t {
  Common,     // the promoted dtype of the operands
  Float,      // likewise, integers become the default floating type
  Compare,    // computed in the promoted dtype, the result is bool
  Real,       // the promoted dtype; complex gives its real type
  RealFloat,  // likewise, integers become the default floating type
  Condition,  // the first operand is a condition and takes no part
};
enum PointwiseFlags : uint8_t {
  NoBool = 1,      // refuses bool operands
  IntOnly = 2,     // integers and bool only
  BoolAsLogic = 4, // on bool the result is the truth of the int64 one (casting does that); kept for documentation
  Costly = 8,      // worth threads from fewer elements on
};

struct PointwiseDef {
  const char* name;
  const char* schema;
  Promote promote;
  uint8_t flags;
  uint8_t arity;
  uint32_t op_flags;
  const char* doc;
  LoopSet loops;  // filled in for the running processor
};

// The kernel of all pointwise ops, on every device key of this core; call->user is the descriptor.
TlStatus pointwise_kernel(TlCall* call);

// Type promotion over operands: tensors with dimensions, then 0-dim tensors, then numbers.
struct ResultType {
  DType dim{}, zero{}, wrapped{};
  bool has_dim = false, has_zero = false, has_wrapped = false;
  void add(const TensorImpl* t);
  void add_scalar(const TlValue& v);
  DType get() const;
};

// One operand of the strided engine.
struct Operand {
  char* data;
  DType dtype;
  const int64_t* sizes;    // its own, right-aligned to the output's
  const int64_t* strides;  // in elements
  int64_t ndim;
};
// Runs `loop` in compute type `c` over the broadcast shape; operands[0] is the output. `result` is the dtype that the
// loop itself writes. Also the engine behind casts and fills.
void run_pointwise(Loop loop, ComputeType c, DType result, const Operand* operands, int noperands, const ScalarArg* scalars, Sizes shape, bool costly);

// Casting n elements; strides in bytes.
using CastFn = void (*)(const char* src, int64_t src_stride, char* dst, int64_t dst_stride, int64_t n);
CastFn cast_fn(DType from, DType to);

void copy_into(TensorImpl* dst, const TensorImpl* src);  // broadcasts src, casts, any strides
Tensor cast_to(const TensorImpl* t, DType dtype);        // a new dense tensor
void fill(TensorImpl* t, const TlValue& value);

}  // namespace tallow
