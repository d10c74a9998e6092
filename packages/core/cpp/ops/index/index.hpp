// What the index ops share: index vectors, ops that edit a copy of their first argument, grids of offsets.
#pragma once
#include <algorithm>
#include <array>
#include <string>

#include "ops/family.hpp"
#include "ops/pointwise/pointwise.hpp"
#include "ops/shape/shape.hpp"

namespace tallow {

// What a write does with what it finds.
enum class Combine { Copy, Add, Multiply, Max, Min };

// int32 or int64 indices as a dense int64 tensor.
Tensor index_values(const TensorImpl* index);
inline bool is_index(DType t) { return t == DType::Int64 || t == DType::Int32; }

// The offsets of a block of a tensor, in elements: element (b, p, q, r) lies at before[b] + at[p] + after[q] + r. The
// indices of a call become `at`, the dimensions before and after the indexed one the rest; r runs over what is dense.
struct Grid {
  Tensor before, at, after;  // int64
  int64_t run = 1;
  int64_t numel() const { return before.numel() * at.numel() * after.numel() * run; }
};
// Offsets of all positions of `dims` of t, in row-major order; a dense tail of them goes to *run if that is given.
Tensor offsets_of(const TensorImpl* t, Sizes dims, int64_t* run);
// The grid of dimension `dim` at positions `index` (values checked by the caller).
Grid grid_along(const TensorImpl* t, int64_t dim, const Tensor& index);

void grid_read(const TensorImpl* t, const Grid& g, char* out);
// Writes `source` (row major in the grid's order; one element for all if `one`), in order of p for every element.
void grid_write(TensorImpl* t, const Grid& g, const TensorImpl* source, bool one, Combine how);

// A dtype that the arithmetic loops know, and t in it.
inline DType compute_dtype(DType t) { return dtype_of_compute(compute_type(t)); }

// Writes `value` where the mask (bool, same shape as t or expanded to it) is set.
void masked_write(TensorImpl* t, const TensorImpl* mask, const char* value);
// A number or 0-dim tensor as one element of dtype.
std::array<char, 16> element_of(const TlValue& value, DType dtype);
Tensor expanded(const TensorImpl* t, Sizes sizes);  // an alias
// Positions of the elements that are not zero: [n, ndim], int64.
Tensor nonzero_positions(const TensorImpl* t);
int64_t count_true(const TensorImpl* dense_bool);
void select_true(const TensorImpl* dense, const TensorImpl* dense_bool, char* out);

// An op that edits a copy of its first argument; in place it edits the argument itself.
template <auto Check, auto Edit>
struct Editing {
  static void shape(tl::Call& c) {
    Check(c);
    const TensorImpl* t = c.handle(0);
    c.output(0, t->size_span(), code(t->dtype), t->device);
  }
  static void fresh(tl::Call& c) {
    copy_into(c.out_handle(), c.handle(0));
    Edit(c, c.out_handle());
  }
  static bool shares(const tl::Call& c, const TensorImpl* t) {
    for (uint32_t i = 1; i < c.nargs(); ++i) {
      if (c.value(i).tag == TL_TENSOR && may_alias(t, c.handle(i))) return true;
      if (c.value(i).tag == TL_TENSOR_LIST)
        for (TlTensor x : c.handles(i))
          if (x && may_alias(t, x)) return true;
    }
    return false;
  }
  static void in_place(tl::Call& c) {
    TensorImpl* t = c.handle(0);
    Check(c);
    check_no_internal_overlap(t, c.op()->schema.name.c_str());
    for (uint32_t i = 1; i < c.nargs(); ++i) {
      if (c.value(i).tag == TL_TENSOR) check_no_overlap(t, c.handle(i), c.op()->schema.name.c_str(), false);
      if (c.value(i).tag == TL_TENSOR_LIST)
        for (TlTensor x : c.handles(i))
          if (x) check_no_overlap(t, x, c.op()->schema.name.c_str(), false);
    }
    if (shares(c, t)) {
      Tensor temp = empty(t->size_span(), t->dtype, t->device);
      copy_into(temp.get(), t);
      Edit(c, temp.get());
      copy_into(t, temp.get());
    } else {
      Edit(c, t);
    }
    c.ret(Tensor::share(t));
  }
  static tl::Definition define(const char* schema, uint32_t flags, const char* doc) {
    auto d = tl::def<shape>(schema, flags | kInPlace, doc);
    d.template cpu<fresh>();
    std::string name = tl::detail::full_name(schema);
    name.insert(std::min(name.find('.'), name.size()), "_");
    tl::check(tl::api()->op_register_kernel(name.c_str(), TL_KEY_CPU, tl::kernel<in_place>, nullptr));
    return d;
  }
};

// f(offset0, offset1, n, step0, step1) over rows of a shape that two tensors have, adjacent dimensions joined.
template <class F>
void for_rows(Sizes shape, Sizes strides0, Sizes strides1, F f) {
  int64_t sizes[64], s0[64], s1[64], total = 1;
  int n = 0;
  for (size_t d = shape.size(); d-- > 0;) {
    total *= shape[d];
    if (shape[d] == 1) continue;
    if (n && strides0[d] == s0[n - 1] * sizes[n - 1] && strides1[d] == s1[n - 1] * sizes[n - 1]) sizes[n - 1] *= shape[d];
    else sizes[n] = shape[d], s0[n] = strides0[d], s1[n++] = strides1[d];
  }
  if (total == 0) return;
  if (n == 0) return f(0, 0, 1, 1, 1);
  if (n == 1) {
    return parallel_for(0, sizes[0], 65536, [&](int64_t b, int64_t e) { f(b * s0[0], b * s1[0], e - b, s0[0], s1[0]); });
  }
  parallel_for(0, total / sizes[0], std::max<int64_t>(1, 65536 / sizes[0]), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      int64_t rest = row, a = 0, b = 0;
      for (int k = 1; k < n; ++k) a += rest % sizes[k] * s0[k], b += rest % sizes[k] * s1[k], rest /= sizes[k];
      f(a, b, sizes[0], s0[0], s1[0]);
    }
  });
}

// Calls f with a value of the unsigned type that has this many bytes: copies know no dtype.
struct Bytes16 { uint64_t a, b; };
template <class F>
void with_item(int64_t itemsize, F&& f) {
  switch (itemsize) {
    case 1: return f(uint8_t{});
    case 2: return f(uint16_t{});
    case 4: return f(uint32_t{});
    case 8: return f(uint64_t{});
    default: return f(Bytes16{});
  }
}
// Calls f with a value of the compute type of this dtype.
template <class F>
void with_compute(DType t, F&& f) {
  switch (compute_type(t)) {
    case kF32: return f(float{});
    case kF64: return f(double{});
    case kC64: return f(c64{});
    case kC128: return f(c128{});
    default: return f(int64_t{});
  }
}

template <Combine How, class T>
inline T combine(T old, T fresh) {
  if constexpr (How == Combine::Add) {
    if constexpr (std::is_same_v<T, int64_t>) return static_cast<int64_t>(static_cast<uint64_t>(old) + static_cast<uint64_t>(fresh));
    else return old + fresh;
  } else if constexpr (How == Combine::Multiply) {
    if constexpr (std::is_same_v<T, int64_t>) return static_cast<int64_t>(static_cast<uint64_t>(old) * static_cast<uint64_t>(fresh));
    else return old * fresh;
  } else if constexpr (How == Combine::Max) {
    if constexpr (std::is_class_v<T>) return fresh;
    else return old != old ? old : (fresh > old || fresh != fresh ? fresh : old);
  } else if constexpr (How == Combine::Min) {
    if constexpr (std::is_class_v<T>) return fresh;
    else return old != old ? old : (fresh < old || fresh != fresh ? fresh : old);
  } else {
    return fresh;
  }
}

}  // namespace tallow
