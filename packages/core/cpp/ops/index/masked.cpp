// Masks: masked_fill, masked_select, masked_scatter, and where they are true: nonzero, argwhere, where(condition).
#include <cstring>

#include "ops/index/index.hpp"
#include "ops/index/row_loops.hpp"

namespace tallow {

Tensor expanded(const TensorImpl* t, Sizes sizes) {
  Dims strides(sizes.size(), 0);
  const size_t lead = sizes.size() - t->ndim;
  for (int64_t d = 0; d < t->ndim; ++d) strides[lead + d] = t->size(d) == sizes[lead + d] ? t->stride(d) : 0;
  return make_alias(t, sizes, strides, t->offset, t->dtype);
}

std::array<char, 16> element_of(const TlValue& value, DType dtype) {
  std::array<char, 16> one{};
  if (value.tag == TL_TENSOR) {
    cast_fn(value.tensor->dtype, dtype)(value.tensor->ptr<char>(), 16, one.data(), 16, 1);
    return one;
  }
  const ScalarArg a = to_scalar_arg(value);
  if (a.kind == ScalarArg::Int) {
    cast_fn(DType::Int64, dtype)(reinterpret_cast<const char*>(&a.i), 8, one.data(), 16, 1);
  } else {
    const c128 z(a.re, a.im);
    cast_fn(DType::Complex128, dtype)(reinterpret_cast<const char*>(&z), 16, one.data(), 16, 1);
  }
  return one;
}

void masked_write(TensorImpl* t, const TensorImpl* mask, const char* value) {
  with_item(itemsize(t->dtype), [&](auto tag) {
    using T = decltype(tag);
    T v;
    std::memcpy(&v, value, sizeof v);
    T* base = t->ptr<T>();
    const uint8_t* flags = mask->ptr<uint8_t>();
    const auto blend = row_loops().blend[log2_itemsize(t->dtype)];
    for_rows(t->size_span(), t->stride_span(), mask->stride_span(), [=](int64_t a, int64_t b, int64_t n, int64_t sa, int64_t sb) {
      T* d = base + a;
      const uint8_t* m = flags + b;
      if (sa == 1 && sb == 1) {
        blend(reinterpret_cast<char*>(d), m, value, n);
      } else {
        for (int64_t i = 0; i < n; ++i)
          if (m[i * sb]) d[i * sa] = v;
      }
    });
  });
}

namespace {

constexpr int64_t kPiece = 1 << 16;

// How many are true in each piece, as the place where each piece starts.
std::vector<int64_t> starts_of(const uint8_t* m, int64_t n) {
  std::vector<int64_t> starts(static_cast<size_t>((n + kPiece - 1) / kPiece) + 1, 0);
  parallel_for(0, n, kPiece, [&](int64_t b, int64_t e) {
    for (int64_t p = b; p < e; p += kPiece) {
      int64_t count = 0;
      for (int64_t i = p; i < std::min(e, p + kPiece); ++i) count += m[i] != 0;
      starts[p / kPiece + 1] = count;
    }
  });
  for (size_t i = 1; i < starts.size(); ++i) starts[i] += starts[i - 1];
  return starts;
}

Tensor as_mask(const TensorImpl* t) {
  if (t->dtype == DType::Bool) return contiguous(t);
  Tensor out = empty(t->size_span(), DType::Bool);
  copy_into(out.get(), t);
  return out;
}

}  // namespace

int64_t count_true(const TensorImpl* m) { return starts_of(m->ptr<uint8_t>(), m->numel).back(); }

void select_true(const TensorImpl* t, const TensorImpl* mask, char* out) {
  const uint8_t* m = mask->ptr<uint8_t>();
  const auto starts = starts_of(m, mask->numel);
  with_item(itemsize(t->dtype), [&](auto tag) {
    using T = decltype(tag);
    const T* from = t->ptr<T>();
    parallel_for(0, mask->numel, kPiece, [&, from](int64_t b, int64_t e) {
      for (int64_t p = b; p < e; p += kPiece) {
        T* to = reinterpret_cast<T*>(out) + starts[p / kPiece];
        const T* const stop = reinterpret_cast<T*>(out) + starts[p / kPiece + 1];
        for (int64_t i = p; to < stop; ++i) {  // without a branch: the slot is written again until it counts
          *to = from[i];
          to += m[i] != 0;
        }
      }
    });
  });
}

namespace {

// Appends the positions of the true elements [begin, end) of one row: N coordinates each (0: as many as `ndim` says), the
// leading ones of the row. Without a branch per element where eight more fit before `stop`.
template <int N>
int64_t* row_positions(const uint8_t* m, int64_t begin, int64_t end, const int64_t* lead, int64_t ndim, int64_t* to, const int64_t* stop) {
  const int64_t n = N ? N : ndim;
  auto put = [&](int64_t i) {
    for (int64_t d = 0; d < n - 1; ++d) to[d] = lead[d];
    to[n - 1] = i;
    to += m[i] ? n : 0;
  };
  int64_t i = begin;
  for (uint64_t eight; i + 8 <= end; i += 8) {
    std::memcpy(&eight, m + i, 8);
    if (eight == 0) continue;
    if (stop - to < 8 * n) break;
    for (int64_t k = i; k < i + 8; ++k) put(k);
  }
  for (; i < end; ++i)
    if (m[i]) put(i);
  return to;
}

}  // namespace

Tensor nonzero_positions(const TensorImpl* t) {
  Tensor mask = as_mask(t);
  const uint8_t* m = mask.ptr<uint8_t>();
  const auto starts = starts_of(m, t->numel);
  const int64_t sizes[2] = {starts.back(), t->ndim};
  Tensor out = empty(Sizes(sizes, 2), DType::Int64);
  int64_t* o = out.ptr<int64_t>();
  const int64_t ndim = t->ndim;
  if (ndim == 0 || out.numel() == 0) return out;
  const int64_t row = t->size(ndim - 1);
  const auto append = ndim == 1 ? row_positions<1> : ndim == 2 ? row_positions<2> : ndim == 3 ? row_positions<3> : row_positions<0>;
  parallel_for(0, t->numel, kPiece, [&](int64_t b, int64_t e) {
    for (int64_t p = b; p < e; p += kPiece) {
      int64_t* to = o + starts[p / kPiece] * ndim;
      const int64_t* stop = o + starts[p / kPiece + 1] * ndim;
      const int64_t last = std::min(e, p + kPiece);
      for (int64_t i = p; i < last && to < stop;) {  // a row of the last dimension at a time
        const int64_t r = i / row, end = std::min(last, (r + 1) * row);
        int64_t lead[64], rest = r;
        for (int64_t d = ndim - 1; d-- > 0;) lead[d] = rest % t->size(d), rest /= t->size(d);
        to = append(m + r * row, i - r * row, end - r * row, lead, ndim, to, stop);
        i = end;
      }
    }
  });
  return out;
}

namespace {

void check_mask(const TensorImpl* mask, const char* op) {
  TL_CHECK(mask->dtype == DType::Bool, op, " only supports boolean masks, but got mask with dtype ", dtype_long_name(mask->dtype));
}
void check_data(const TensorImpl* t, const char* op) {
  TL_CHECK_KIND(TL_NOT_IMPLEMENTED_ERROR, !t->is_meta(), op, ": the shape of the result depends on data, which a tensor on the meta device has not");
}

// ---------------------------------------------------------------- masked_fill
void masked_fill_check(const tl::Call& c) {
  check_mask(c.handle(1), "masked_fill_");
  if (c.value(2).tag == TL_TENSOR)
    TL_CHECK(c.handle(2)->ndim == 0, "masked_fill_ only supports a 0-dimensional value tensor, but got tensor with ", c.handle(2)->ndim, " dimension(s).");
  const bool complex = c.value(2).tag == TL_COMPLEX || (c.value(2).tag == TL_TENSOR && is_complex(c.handle(2)->dtype));
  TL_CHECK(!complex || is_complex(c.handle(0)->dtype), "value cannot be converted to type ", dtype_name(c.handle(0)->dtype), " without overflow");
}
void masked_fill_shape(tl::Call& c) {
  masked_fill_check(c);
  const TensorImpl* t = c.handle(0);
  c.output(0, broadcast_sizes(t->size_span(), c.handle(1)->size_span()), code(t->dtype), t->device);
}
void masked_fill(tl::Call& c) {
  TensorImpl* out = c.out_handle();
  copy_into(out, c.handle(0));
  if (out->numel) masked_write(out, expanded(c.handle(1), out->size_span()).get(), element_of(c.value(2), out->dtype).data());
}
void masked_fill_(tl::Call& c) {
  TensorImpl* t = c.handle(0);
  masked_fill_check(c);
  check_no_internal_overlap(t, "masked_fill_");
  const Dims shape = broadcast_sizes(t->size_span(), c.handle(1)->size_span());
  TL_CHECK(same_sizes(shape, t->size_span()), "output with shape ", to_string(t->size_span()), " doesn't match the broadcast shape ", to_string(shape));
  if (t->numel) {
    check_no_overlap(t, c.handle(1), "masked_fill_", true);
    Tensor mask = expanded(c.handle(1), shape);
    if (may_alias(t, mask.get())) mask = cast_to(mask.get(), DType::Bool);  // a copy
    masked_write(t, mask.get(), element_of(c.value(2), t->dtype).data());
  }
  c.ret(Tensor::share(t));
}

// ---------------------------------------------------------------- masked_select, masked_scatter
void masked_select_shape(tl::Call& c) {
  const TensorImpl* m = c.handle(1);
  TL_CHECK(m->dtype == DType::Bool, "masked_select: expected BoolTensor for mask");
  const Dims shape = broadcast_sizes(c.handle(0)->size_span(), m->size_span());
  check_data(c.handle(0), "masked_select");
  check_data(m, "masked_select");
  check_given_apart(c.raw());
  const int64_t n = count_true(contiguous(expanded(m, shape).get()).get());
  c.output(0, Sizes(&n, 1), code(c.handle(0)->dtype), c.handle(0)->device);
}
void masked_select(tl::Call& c) {
  const Dims shape = broadcast_sizes(c.handle(0)->size_span(), c.handle(1)->size_span());
  Tensor mask = contiguous(expanded(c.handle(1), shape).get()), t = contiguous(expanded(c.handle(0), shape).get());
  select_true(t.get(), mask.get(), c.out_handle()->ptr<char>());
}

void masked_scatter_check(const tl::Call& c) {
  const TensorImpl* m = c.handle(1);
  TL_CHECK(m->dtype == DType::Bool, "masked_scatter_ only supports boolean masks, but got mask with dtype ", dtype_long_name(m->dtype));
  TL_CHECK(c.handle(0)->dtype == c.handle(2)->dtype, "masked_scatter: expected self and source to have same dtypes but got ",
           dtype_long_name(c.handle(0)->dtype), " and ", dtype_long_name(c.handle(2)->dtype));
}
void masked_scatter_shape(tl::Call& c) {
  masked_scatter_check(c);
  const TensorImpl* t = c.handle(0);
  c.output(0, broadcast_sizes(t->size_span(), c.handle(1)->size_span()), code(t->dtype), t->device);
}
void masked_scatter(tl::Call& c) {
  TensorImpl* out = c.out_handle();
  copy_into(out, c.handle(0));
  Tensor mask = contiguous(expanded(c.handle(1), out->size_span()).get()), source = contiguous(c.handle(2));
  const uint8_t* m = mask.ptr<uint8_t>();
  const auto starts = starts_of(m, out->numel);
  TL_CHECK(source.numel() >= starts.back(), "masked_scatter: Number of elements of source < number of ones in mask");
  with_item(itemsize(out->dtype), [&](auto tag) {
    using T = decltype(tag);
    T* to = out->ptr<T>();
    const T* values = source.ptr<T>();
    parallel_for(0, out->numel, kPiece, [&, to](int64_t b, int64_t e) {
      for (int64_t p = b; p < e; p += kPiece) {
        const T* from = values + starts[p / kPiece];
        for (int64_t i = p; i < std::min(e, p + kPiece); ++i)
          if (m[i]) to[i] = *from++;
      }
    });
  });
}

// ---------------------------------------------------------------- nonzero
void nonzero_shape(tl::Call& c) {
  const TensorImpl* t = c.handle(0);
  check_data(t, "nonzero");
  check_given_apart(c.raw());
  const int64_t sizes[2] = {count_true(as_mask(t).get()), t->ndim};
  c.output(0, Sizes(sizes, 2), TL_INT64, t->device);
}
void nonzero(tl::Call& c) { copy_into(c.out_handle(), nonzero_positions(c.handle(0)).get()); }
void nonzero_static(tl::Call& c) {
  const TensorImpl* t = c.handle(0);
  const int64_t size = c.integer(1);
  TL_CHECK(size >= 0, "nonzero_static: 'size' must be an non-negative integer");
  check_data(t, "nonzero_static");
  Tensor found = nonzero_positions(t);
  const int64_t sizes[2] = {size, t->ndim};
  Tensor out = empty(Sizes(sizes, 2), DType::Int64);
  const int64_t kept = std::min(found.numel(), out.numel());
  std::copy_n(found.ptr<int64_t>(), kept, out.ptr<int64_t>());
  std::fill_n(out.ptr<int64_t>() + kept, out.numel() - kept, c.integer(2));
  c.ret(std::move(out));
}
void argwhere(tl::Call& c) { c.ret(tl::call<"nonzero">(c.value(0))); }
void nonzero_numpy(tl::Call& c) {
  tl::Tensor t = c.tensor(0);
  if (t.ndim() == 0) t = tl::call<"unsqueeze">(t, 0);
  c.ret_list(tl::call_list<"unbind">(tl::call<"nonzero">(t), 1));
}

TL_OPS(index_masked) {
  tl::def<masked_fill_shape>("masked_fill(Tensor self, Tensor mask, Tensor|Scalar value) -> Tensor", kMethod | kInPlace,
                             "`value`, a number or 0-dim tensor, where the bool mask is set; mask and self are broadcast.").cpu<masked_fill>();
  tl::check(tl::api()->op_register_kernel("masked_fill_", TL_KEY_CPU, tl::kernel<masked_fill_>, nullptr));
  tl::def<masked_select_shape>("masked_select(Tensor self, Tensor mask) -> Tensor", kMethod | kOut, "The elements where the bool mask is set, as a vector.")
      .cpu<masked_select>();
  tl::def<masked_scatter_shape>("masked_scatter(Tensor self, Tensor mask, Tensor source) -> Tensor", kMethod | kInPlace,
                                "The elements of `source`, in order, where the bool mask is set.").cpu<masked_scatter>();
  tl::def<nonzero_shape>("nonzero(Tensor self) -> Tensor", kMethod | kOut | kNoGrad, "The positions of elements that are not zero: n x ndim, int64.").cpu<nonzero>();
  tl::opaque("nonzero_static(Tensor self, *, int size, int fill_value=-1) -> Tensor", kMethod | kNoGrad, "nonzero() cut or filled up to `size` rows.")
      .cpu<nonzero_static>();
  tl::composite<argwhere>("argwhere(Tensor self) -> Tensor", kMethod | kNoGrad, "nonzero()");
  tl::composite<nonzero_numpy>("nonzero_numpy(Tensor self) -> Tensor[]", TL_OP_HIDDEN | kNoGrad, "nonzero() as one vector of positions per dimension.");
  tl::composite<nonzero_numpy>("where.cond(Tensor condition) -> Tensor[]", kNoGrad, "nonzero() as one vector of positions per dimension.");
}

}  // namespace
}  // namespace tallow
