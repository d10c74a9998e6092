// The same elements in another order: flip, roll, rot90, repeat, tile, repeat_interleave.
#include <algorithm>

#include "ops/index/row_loops.hpp"
#include "ops/pointwise/pointwise.hpp"
#include "ops/shape/shape.hpp"

namespace tallow {
namespace {

void same_shape(tl::Call& c) {
  const TensorImpl* t = c.handle(0);
  c.output(0, t->size_span(), code(t->dtype), t->device);
}

// ---------------------------------------------------------------- flip
uint64_t flip_mask(const TensorImpl* t, Sizes dims) {
  uint64_t mask = 0;
  for (int64_t d : dims) {
    d = wrap_dim(d, t->ndim);
    TL_CHECK(!(mask >> d & 1), "dim ", d, " appears multiple times in the list of dims");
    mask |= uint64_t{1} << d;
  }
  return mask;
}
void flip_shape(tl::Call& c) {
  flip_mask(c.handle(0), c.ints(1));
  same_shape(c);
}
// Rows of the last dimension are cast loops with a negative stride where that dimension is flipped.
void flip(tl::Call& c) {
  const TensorImpl* t = c.handle(0);
  TensorImpl* out = c.out_handle();
  const uint64_t mask = flip_mask(t, c.ints(1));
  const int64_t item = itemsize(t->dtype);
  const CastFn copy = cast_fn(t->dtype, t->dtype);
  if (t->numel == 0) return;
  if (t->ndim == 0) return copy(t->ptr<char>(), item, out->ptr<char>(), item, 1);
  const int64_t last = t->ndim - 1, n = t->size(last);
  const bool back = mask >> last & 1;
  const auto reverse = back && (t->stride(last) == 1 || n == 1) ? row_loops().reverse[log2_itemsize(t->dtype)] : nullptr;
  const int64_t step = (back ? -1 : 1) * t->stride(last) * item;
  parallel_for(0, t->numel / n, std::max<int64_t>(1, 32768 / n), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      int64_t rest = row, at = back ? (n - 1) * t->stride(last) : 0;  // of the first element taken
      for (int64_t d = last; d-- > 0;) {
        const int64_t i = rest % t->size(d);
        rest /= t->size(d);
        at += (mask >> d & 1 ? t->size(d) - 1 - i : i) * t->stride(d);
      }
      if (reverse) reverse(out->ptr<char>() + row * n * item, t->ptr<char>() + (at - (n - 1)) * item, n);
      else copy(t->ptr<char>() + at * item, step, out->ptr<char>() + row * n * item, item, n);
    }
  });
}
void fliplr(tl::Call& c) {
  TL_CHECK(c.handle(0)->ndim >= 2, "Input must be >= 2-d.");
  c.ret(tl::call<"flip">(c.value(0), Dims{1}));
}
void flipud(tl::Call& c) {
  TL_CHECK(c.handle(0)->ndim >= 1, "Input must be >= 1-d.");
  c.ret(tl::call<"flip">(c.value(0), Dims{0}));
}

// ---------------------------------------------------------------- roll, rot90
tl::Tensor roll_one(const tl::Tensor& t, int64_t shift, int64_t dim) {
  const int64_t n = t.size(dim);
  if (n == 0) return t;
  const int64_t start = ((n - shift % n) % n + n) % n;
  if (start == 0) return tl::call<"clone">(t);
  return tl::call<"cat">(std::vector<tl::Tensor>{tl::call<"slice">(t, dim, start, n), tl::call<"slice">(t, dim, 0, start)}, dim);
}
void roll(tl::Call& c) {
  const TensorImpl* t = c.handle(0);
  const Sizes shifts = c.ints(1), dims = c.ints(2);
  TL_CHECK(!shifts.empty(), "`shifts` required");
  if (dims.empty()) {
    TL_CHECK(shifts.size() == 1, "shifts and dimensions must align. shifts: ", shifts.size(), ", dims:0");
    tl::Tensor flat = tl::call<"reshape">(c.value(0), Dims{-1});
    return c.ret(tl::call<"view">(tl::call<"contiguous">(roll_one(flat, shifts[0], 0)), t->size_span()));
  }
  TL_CHECK(shifts.size() == dims.size(), "shifts and dimensions must align. shifts: ", shifts.size(), ", dims:", dims.size());
  tl::Tensor out = c.tensor(0);
  if (t->numel == 0) return c.ret(tl::call<"clone">(out));
  for (size_t i = 0; i < dims.size(); ++i) {
    TL_CHECK_INDEX(t->ndim, "Dimension specified as ", dims[i], " but tensor has no dimensions");
    out = roll_one(out, shifts[i], wrap_dim(dims[i], t->ndim));
  }
  c.ret(out);
}

void rot90(tl::Call& c) {
  const TensorImpl* t = c.handle(0);
  const Sizes dims = c.ints(2);
  TL_CHECK(dims.size() == 2, "expected total rotation dims == 2, but got dims = ", dims.size());
  TL_CHECK(t->ndim >= 2, "expected total dims >= 2, but got total dims = ", t->ndim);
  const int64_t a = wrap_dim(dims[0], t->ndim), b = wrap_dim(dims[1], t->ndim), k = (c.integer(1) % 4 + 4) % 4;
  TL_CHECK(a != b, "expected rotation dims to be different, but got dim0 = ", dims[0], " and dim1 = ", dims[1]);
  if (k == 1) return c.ret(tl::call<"transpose">(tl::call<"flip">(c.value(0), Dims{b}), a, b));
  if (k == 2) return c.ret(tl::call<"flip">(c.value(0), Dims{a, b}));
  if (k == 3) return c.ret(tl::call<"transpose">(tl::call<"flip">(c.value(0), Dims{a}), a, b));
  c.ret(tl::call<"clone">(c.value(0), tl::MemoryFormat{TL_CONTIGUOUS_FORMAT}));
}

// ---------------------------------------------------------------- repeat
// [r0, s0, r1, s1, ...] expanded from [1, s0, 1, s1, ...] has the elements in order: one copy makes it dense.
tl::Tensor repeated(const TlValue& self, Sizes repeats) {
  const TensorImpl* t = self.tensor;
  TL_CHECK(repeats.size() >= t->ndim, "Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor");
  const size_t lead = repeats.size() - t->ndim;
  Dims spread, wide, target;
  bool negative = false;
  for (size_t i = 0; i < repeats.size(); ++i) {
    const int64_t size = i < lead ? 1 : t->size(i - lead);
    negative |= repeats[i] < 0;
    target.push_back(size * repeats[i]);
    if (repeats[i] != 1) spread.push_back(1), wide.push_back(repeats[i]);
    spread.push_back(size), wide.push_back(size);
  }
  if (negative) checked_numel(target);  // raises
  TL_CHECK(!negative, "repeat: repeats must be non-negative, got ", to_string(repeats));
  tl::Tensor x = tl::call<"expand">(tl::call<"reshape">(self, spread), wide);
  return tl::call<"view">(tl::call<"clone">(x, tl::MemoryFormat{TL_CONTIGUOUS_FORMAT}), target);
}
void repeat(tl::Call& c) { c.ret(repeated(c.value(0), c.ints(1))); }
void tile(tl::Call& c) {
  const TensorImpl* t = c.handle(0);
  Dims r(c.ints(1).begin(), c.ints(1).end());
  if (static_cast<int64_t>(r.size()) < t->ndim) r.insert(r.begin(), t->ndim - r.size(), 1);
  c.ret(repeated(c.value(0), r));
}

// ---------------------------------------------------------------- repeat_interleave
// The positions 0, 0, 1, 2, 2, 2, ... for repeats 2, 1, 3, ...
void interleave_positions(tl::Call& c) {
  const TensorImpl* r = c.handle(0);
  TL_CHECK(r->ndim == 1, "repeat_interleave only accept 1D vector as repeat");
  TL_CHECK_KIND(TL_NOT_IMPLEMENTED_ERROR, r->dtype == DType::Int64 || r->dtype == DType::Int32, "\"repeat_interleave_cpu\" not implemented for '",
                dtype_long_name(r->dtype), "'");
  Tensor counts = r->dtype == DType::Int64 ? contiguous(r) : cast_to(r, DType::Int64);
  const int64_t* n = counts.ptr<int64_t>();
  int64_t total = 0;
  for (int64_t i = 0; i < counts.numel(); ++i) {
    TL_CHECK(n[i] >= 0, "repeats can not be negative");
    TL_CHECK(!__builtin_add_overflow(total, n[i], &total), "repeat_interleave: the sum of repeats overflows");
  }
  TL_CHECK(!c.has(1) || c.integer(1) == total, "allocated size does not match required size");
  Tensor out = empty(Sizes(&total, 1), DType::Int64);
  int64_t* o = out.ptr<int64_t>();
  for (int64_t i = 0; i < counts.numel(); ++i) o = std::fill_n(o, n[i], i);
  c.ret(r->dtype == DType::Int64 ? std::move(out) : cast_to(out.get(), r->dtype));
}
void repeat_interleave_tensor(tl::Call& c) {
  tl::Tensor self = c.tensor(0), repeats = c.tensor(1);
  int64_t dim = 0;
  if (c.has(2)) dim = wrap_dim(c.integer(2), self.ndim());
  else self = tl::call<"flatten">(self);
  if (self.ndim() == 0) self = tl::call<"reshape">(self, Dims{1});
  const int64_t size = self.size(dim);
  if (repeats.ndim() == 0 || (repeats.ndim() == 1 && repeats.size(0) == 1)) {
    repeats = tl::call<"expand">(tl::call<"reshape">(repeats, Dims{1}), Dims{size});
  } else if (repeats.ndim() == 1) {
    TL_CHECK(repeats.size(0) == size, "repeats must have the same size as input along dim, but got repeats.size(0) = ", repeats.size(0),
             " and input.size(", dim, ") = ", size);
  } else {
    fail(TL_RUNTIME_ERROR, "repeats must be 0-dim or 1-dim tensor");
  }
  c.ret(tl::call<"index_select">(self, dim, tl::call<"repeat_interleave">(repeats, tl::kw("output_size", c.value(3)))));
}
void repeat_interleave_int(tl::Call& c) {
  const int64_t n = c.integer(1);
  TL_CHECK(n >= 0, "Repeats must be non-negative");
  tl::Tensor self = c.tensor(0);
  int64_t dim = 0;
  if (c.has(2)) dim = wrap_dim(c.integer(2), self.ndim());
  else self = tl::call<"flatten">(self);
  if (self.ndim() == 0) self = tl::call<"reshape">(self, Dims{1});
  const tl::Sizes sizes = self.sizes();
  Dims wide(sizes.begin(), sizes.end()), target = wide;
  wide.insert(wide.begin() + dim + 1, n);
  target[dim] *= n;
  TL_CHECK(!c.has(3) || c.integer(3) == target[dim], "repeat_interleave: Invalid output_size, expected ", target[dim], " but got ", c.integer(3));
  tl::Tensor x = tl::call<"expand">(tl::call<"unsqueeze">(self, dim + 1), wide);
  c.ret(tl::call<"view">(tl::call<"clone">(x, tl::MemoryFormat{TL_CONTIGUOUS_FORMAT}), target));
}

TL_OPS(shape_rearrange) {
  tl::def<flip_shape>("flip(Tensor self, int[] dims) -> Tensor", kMethod, "A copy with the order of elements reversed along `dims`.").cpu<flip>();
  tl::composite<fliplr>("fliplr(Tensor self) -> Tensor", kMethod, "flip() of the second dimension.");
  tl::composite<flipud>("flipud(Tensor self) -> Tensor", kMethod, "flip() of the first dimension.");
  tl::composite<roll>("roll(Tensor self, int[1] shifts, int[1] dims=[]) -> Tensor", kMethod,
                      "Elements move on by `shifts` along `dims` and re-enter at the other end; without dims the flattened tensor rolls.");
  tl::composite<rot90>("rot90(Tensor self, int k=1, int[] dims=[0, 1]) -> Tensor", kMethod, "Turns the plane of two dimensions by k quarter turns.");
  tl::composite<repeat>("repeat(Tensor self, int[] repeats) -> Tensor", kMethod | TL_OP_NO_FUNCTION, "Copies of the tensor side by side along every dimension.");
  tl::composite<tile>("tile(Tensor self, int[] dims) -> Tensor", kMethod, "repeat() that allows fewer repeats than dimensions.");
  tl::opaque("repeat_interleave(Tensor repeats, *, int? output_size=None) -> Tensor", kNoGrad, "The positions 0, 1, ... each as often as `repeats` says.")
      .cpu<interleave_positions>();
  tl::composite<repeat_interleave_tensor>("repeat_interleave.self_Tensor(Tensor self, Tensor repeats, int? dim=None, *, int? output_size=None) -> Tensor",
                                          kMethod, "Each slice along `dim` as often as `repeats` says.");
  tl::composite<repeat_interleave_int>("repeat_interleave.self_int(Tensor self, int repeats, int? dim=None, *, int? output_size=None) -> Tensor",
                                       kMethod, "Each slice along `dim` `repeats` times.");
}

}  // namespace
}  // namespace tallow
