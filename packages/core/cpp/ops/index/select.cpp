// A vector of indices along one dimension: index_select, index_add, index_copy, index_fill, index_reduce; and take, put.
#include "ops/index/index.hpp"

namespace tallow {
namespace {

void in_range(const Tensor& index, int64_t size, const char* before, bool wraps, bool names_it = false) {
  const int64_t* v = index.ptr<int64_t>();
  const int64_t low = wraps ? -size : 0;
  parallel_for(0, index.numel(), 65536, [=](int64_t b, int64_t e) {
    int64_t smallest = 0, largest = -1;
    for (int64_t i = b; i < e; ++i) smallest = std::min(smallest, v[i]), largest = std::max(largest, v[i]);
    if (smallest >= low && largest < size) return;
    TL_CHECK_INDEX(names_it, before, "index out of range in self");
    fail(TL_INDEX_ERROR, before, "index ", smallest < low ? smallest : largest, " is out of bounds for dimension 0 with size ", size);
  });
}
Tensor wrapped(const Tensor& index, int64_t size) {
  Tensor out = empty(index.sizes(), DType::Int64);
  for (int64_t i = 0; i < index.numel(); ++i) out.ptr<int64_t>()[i] = index.ptr<int64_t>()[i] + (index.ptr<int64_t>()[i] < 0 ? size : 0);
  return out;
}
int64_t size_at(const TensorImpl* t, int64_t dim) { return t->ndim ? t->size(dim) : 1; }

// Runs `write` on t in a dtype that has arithmetic: on itself, or on a wider copy.
template <class F>
void in_compute(TensorImpl* t, const TensorImpl* source, F write) {
  const DType wide = compute_dtype(t->dtype);
  Tensor s = contiguous(source->dtype == wide ? source : cast_to(source, wide).get());
  if (t->dtype == wide) return write(t, s.get());
  Tensor temp = cast_to(t, wide);
  write(temp.get(), s.get());
  copy_into(t, temp.get());
}

// ---------------------------------------------------------------- index_select
void index_select_shape(tl::Call& c) {
  const TensorImpl* t = c.handle(0);
  const TensorImpl* i = c.handle(2);
  const int64_t dim = wrap_dim(c.integer(1), t->ndim);
  TL_CHECK_INDEX(i->ndim <= 1, "index_select(): Index is supposed to be a vector");
  TL_CHECK(is_index(i->dtype), "index_select(): Expected dtype int32 or int64 for index");
  TL_CHECK(t->ndim || i->numel == 1, "index_select(): Index to scalar can have only 1 value, got ", i->numel, " value(s)");
  Dims sizes(t->sizes(), t->sizes() + t->ndim);
  if (t->ndim) sizes[dim] = i->numel;
  check_given_apart(c.raw());
  c.output(0, sizes, code(t->dtype), t->device);
}
void index_select(tl::Call& c) {
  const TensorImpl* t = c.handle(0);
  const int64_t dim = wrap_dim(c.integer(1), t->ndim);
  Tensor index = index_values(c.handle(2));
  in_range(index, size_at(t, dim), "", false);
  grid_read(t, grid_along(t, dim, index), c.out_handle()->ptr<char>());
}

// ---------------------------------------------------------------- index_add
void check_source(const tl::Call& c, const char* op, const TensorImpl* source) {
  const TensorImpl* t = c.handle(0);
  const TensorImpl* i = c.handle(2);
  const int64_t dim = wrap_dim(c.integer(1), t->ndim);
  TL_CHECK_INDEX(i->ndim <= 1, op, "(): Index is supposed to be a vector, but got dim: ", i->ndim, " with type: ", dtype_long_name(i->dtype), " and size: ",
                 to_string(i->size_span()));
  TL_CHECK(is_index(i->dtype), op, "(): Expected dtype int32/int64 for index but got: ", dtype_long_name(i->dtype));
  TL_CHECK(t->dtype == source->dtype, op, "(): self (", dtype_long_name(t->dtype), ") and source (", dtype_long_name(source->dtype),
           ") must have the same scalar type");
  const int64_t source_size = source->ndim ? (dim < source->ndim ? source->size(dim) : -1) : 1;
  TL_CHECK(i->numel == source_size, op, "(): Number of indices (", i->numel, ") should be equal to source.size(dim): (", source_size, "), for dim: ", dim);
  bool same = t->ndim == source->ndim || (t->ndim <= 1 && source->ndim <= 1);
  for (int64_t d = 0; same && d < t->ndim && d < source->ndim; ++d) same = d == dim || t->size(d) == source->size(d);
  TL_CHECK(same, "source tensor shape must match self tensor shape, excluding the specified dimension. Got self.shape = ", to_string(t->size_span()),
           " source.shape = ", to_string(source->size_span()));
}
void index_add_check(tl::Call& c) {
  check_source(c, "index_add_", c.handle(3));
  const TensorImpl* t = c.handle(0);
  TL_CHECK(c.value(4).tag != TL_COMPLEX || is_complex(t->dtype), "For non-complex input tensors, argument alpha must not be a complex number.");
}
void index_add(tl::Call& c, TensorImpl* t) {
  const int64_t dim = wrap_dim(c.integer(1), t->ndim);
  Tensor index = index_values(c.handle(2));
  in_range(index, size_at(t, dim), "", false);
  const ScalarArg alpha = to_scalar_arg(c.value(4));
  const bool plain = alpha.kind != ScalarArg::Complex && (alpha.kind == ScalarArg::Int ? alpha.i == 1 : alpha.re == 1);
  in_compute(t, c.handle(3), [&](TensorImpl* self, const TensorImpl* source) {
    Tensor scaled;
    if (!plain) {
      scaled = empty(source->size_span(), source->dtype);
      with_compute(source->dtype, [&](auto tag) {
        using T = decltype(tag);
        const T a = alpha.as<T>();
        for (int64_t i = 0; i < source->numel; ++i) scaled.ptr<T>()[i] = a * source->ptr<T>()[i];
      });
      source = scaled.get();
    }
    grid_write(self, grid_along(self, dim, index), source, false, Combine::Add);
  });
}

// ---------------------------------------------------------------- index_copy, index_fill
void index_copy_check(tl::Call& c) {
  const TensorImpl* t = c.handle(0);
  const TensorImpl* i = c.handle(2);
  const TensorImpl* s = c.handle(3);
  const int64_t dim = wrap_dim(c.integer(1), t->ndim);
  TL_CHECK_INDEX(i->ndim <= 1, "index_copy_(): Index should have dimension 1 or 0 (got ", i->ndim, ")");
  TL_CHECK_INDEX(s->ndim != 0 || i->numel == 1, "index_copy_(): When source is scalar, index should have one element (got ", i->numel, ")");
  TL_CHECK_INDEX(t->ndim == s->ndim || t->ndim == 0 || s->ndim == 0,
                 "index_copy_(): When source and destination are not scalars, their dimensionality must match. Source dimensionality (", s->ndim,
                 "), destination dimensionality (", t->ndim, ")");
  TL_CHECK(i->dtype == DType::Int64, "index_copy_(): Expected a long tensor for index, but got ", dtype_long_name(i->dtype));
  TL_CHECK(t->dtype == s->dtype, "index_copy_(): self and source expected to have the same dtype, but got (self) ", dtype_long_name(t->dtype),
           " and (source) ", dtype_long_name(s->dtype));
  for (int64_t d = 0; d < t->ndim && s->ndim; ++d)
    TL_CHECK(d == dim || t->size(d) == s->size(d), "index_copy_(): Source/destination tensor must have same slice shapes. Destination slice shape: ",
             t->size(d), " at dimension ", d, " and source slice shape: ", s->size(d), " at dimension ", d, ".");
  TL_CHECK_INDEX(!s->ndim || i->numel == size_at(s, dim), "index_copy_(): Number of indices (", i->numel, ") should be equal to source.size(dim) (",
                 size_at(s, dim), ")");
  TL_CHECK(s->ndim || t->ndim <= 1, "index_copy_(): Source/destination tensor must have same slice shapes. Destination slice shape: ",
           to_string(t->size_span()), " and source slice shape: []");
}
void index_copy(tl::Call& c, TensorImpl* t) {
  const int64_t dim = wrap_dim(c.integer(1), t->ndim);
  Tensor index = index_values(c.handle(2)), source = contiguous(c.handle(3));
  in_range(index, size_at(t, dim), "index_copy_(): ", false, true);
  grid_write(t, grid_along(t, dim, index), source.get(), false, Combine::Copy);
}

void index_fill_check(tl::Call& c) {
  const TensorImpl* i = c.handle(2);
  wrap_dim(c.integer(1), c.handle(0)->ndim);
  TL_CHECK_INDEX(i->dtype == DType::Int64, "index_fill_(): Expected dtype int64 for index.");
  TL_CHECK_INDEX(i->ndim <= 1, "index_fill_(): Index is supposed to be a vector");
  if (c.value(3).tag == TL_TENSOR)
    TL_CHECK(c.handle(3)->ndim == 0, "index_fill_ only supports a 0-dimensional value tensor, but got tensor with ", c.handle(3)->ndim, " dimension(s).");
  const bool complex = c.value(3).tag == TL_COMPLEX || (c.value(3).tag == TL_TENSOR && is_complex(c.handle(3)->dtype));
  TL_CHECK(!complex || is_complex(c.handle(0)->dtype), "index_fill_(): Converting complex Scalar to non-complex type is not supported");
}
void index_fill(tl::Call& c, TensorImpl* t) {
  const int64_t dim = wrap_dim(c.integer(1), t->ndim), size = size_at(t, dim);
  Tensor index = index_values(c.handle(2));
  in_range(index, size, "", true, true);
  const auto value = element_of(c.value(3), t->dtype);
  Tensor one = from_blob(const_cast<char*>(value.data()), {}, nullptr, t->dtype, kCpu, nullptr, nullptr);
  grid_write(t, grid_along(t, dim, wrapped(index, size)), one.get(), true, Combine::Copy);
}

// ---------------------------------------------------------------- index_reduce
void index_reduce_check(tl::Call& c) {
  check_source(c, "index_reduce_", c.handle(3));
  const std::string_view r = c.string(4);
  TL_CHECK(r == "prod" || r == "mean" || r == "amax" || r == "amin", "index_reduce(): Expected reduce to be one of prod, mean, amax or amin but got ", r, ".");
  TL_CHECK(!is_complex(c.handle(0)->dtype), "index_reduce(): complex tensors are not supported");
}
void index_reduce(tl::Call& c, TensorImpl* t) {
  const int64_t dim = wrap_dim(c.integer(1), t->ndim);
  const std::string_view r = c.string(4);
  const bool include_self = c.boolean(5, true);
  Tensor index = index_values(c.handle(2));
  in_range(index, size_at(t, dim), "index_reduce_(): ", false, true);
  in_compute(t, c.handle(3), [&](TensorImpl* self, const TensorImpl* source) {
    const Grid g = grid_along(self, dim, index);
    const Combine how = r == "prod" ? Combine::Multiply : r == "mean" ? Combine::Add : r == "amax" ? Combine::Max : Combine::Min;
    with_compute(self->dtype, [&](auto tag) {
      using T = decltype(tag);
      if constexpr (!std::is_class_v<T>) {
        if (!include_self) {
          T one = how == Combine::Multiply ? T(1) : how == Combine::Add ? T(0)
                  : std::numeric_limits<T>::has_infinity ? (how == Combine::Max ? -std::numeric_limits<T>::infinity() : std::numeric_limits<T>::infinity())
                  : how == Combine::Max ? std::numeric_limits<T>::lowest() : std::numeric_limits<T>::max();
          Tensor start = from_blob(&one, {}, nullptr, self->dtype, kCpu, nullptr, nullptr);
          grid_write(self, g, start.get(), true, Combine::Copy);
        }
        grid_write(self, g, source, false, how);
        if (r != "mean") return;
        // How often each position of the dimension was written, self included.
        std::vector<int64_t> counts(static_cast<size_t>(size_at(self, dim)), include_self ? 1 : 0);
        for (int64_t i = 0; i < index.numel(); ++i) ++counts[index.ptr<int64_t>()[i]];
        const auto n = static_cast<int64_t>(counts.size());
        Tensor positions = empty(Sizes(&n, 1), DType::Int64);
        for (int64_t i = 0; i < n; ++i) positions.ptr<int64_t>()[i] = i;
        const Grid whole = grid_along(self, dim, positions);
        T* base = self->ptr<T>();
        const int64_t nq = whole.after.numel();
        for (int64_t b = 0; b < whole.before.numel(); ++b)
          for (int64_t p = 0; p < n; ++p) {
            const int64_t k = std::max<int64_t>(counts[p], 1);
            for (int64_t q = 0; q < nq && k > 1; ++q)
              for (int64_t x = 0; x < whole.run; ++x) {
                T& v = base[whole.before.ptr<int64_t>()[b] + whole.at.ptr<int64_t>()[p] + whole.after.ptr<int64_t>()[q] + x];
                if constexpr (std::is_same_v<T, int64_t>) v = v / k - (v % k != 0 && v < 0);
                else v /= static_cast<T>(k);
              }
          }
      }
    });
  });
}

// ---------------------------------------------------------------- take, put
// Offsets of linear positions in t.
Tensor linear_offsets(const TensorImpl* t, const Tensor& index) {
  Tensor out = empty(index.sizes(), DType::Int64);
  int64_t* to = out.ptr<int64_t>();
  const int64_t* from = index.ptr<int64_t>();
  const int64_t n = t->numel;
  parallel_for(0, index.numel(), 32768, [=](int64_t b, int64_t e) {
    for (int64_t i = b; i < e; ++i) {
      int64_t k = from[i];
      TL_CHECK_INDEX(k >= -n && k < n, "out of range: tried to access index ", k, " on a tensor of ", n, " elements.");
      if (k < 0) k += n;
      int64_t offset = k;
      if (!t->contiguous()) {
        offset = 0;
        for (int64_t d = t->ndim; d-- > 0;) offset += k % t->size(d) * t->stride(d), k /= t->size(d);
      }
      to[i] = offset;
    }
  });
  return out;
}
Grid points(const Tensor& offsets) {
  Grid g;
  g.at = offsets;
  g.before = empty(Sizes(), DType::Int64), g.after = empty(Sizes(), DType::Int64);
  *g.before.ptr<int64_t>() = *g.after.ptr<int64_t>() = 0;
  return g;
}
void take_shape(tl::Call& c) {
  const TensorImpl* i = c.handle(1);
  TL_CHECK(i->dtype == DType::Int64, "take(): Expected a long tensor for index, but got ", dtype_long_name(i->dtype));
  TL_CHECK_INDEX(c.handle(0)->numel || !i->numel, "take(): tried to take from an empty tensor");
  check_given_apart(c.raw());
  c.output(0, i->size_span(), code(c.handle(0)->dtype), c.handle(0)->device);
}
void take(tl::Call& c) {
  const TensorImpl* t = c.handle(0);
  grid_read(t, points(linear_offsets(t, index_values(c.handle(1)))), c.out_handle()->ptr<char>());
}
void put_check(tl::Call& c) {
  const TensorImpl* t = c.handle(0);
  const TensorImpl* i = c.handle(1);
  const TensorImpl* s = c.handle(2);
  TL_CHECK(i->dtype == DType::Int64, "put_(): Expected a long tensor for index, but got ", dtype_long_name(i->dtype));
  TL_CHECK(t->dtype == s->dtype, "put_(): self and source expected to have the same dtype, but got self.dtype = ", dtype_long_name(t->dtype),
           " and source.dtype = ", dtype_long_name(s->dtype));
  TL_CHECK_INDEX(s->numel == i->numel, "put_(): Expected source and index to have the same number of elements, but got source.numel() = ", s->numel,
                 ", index.numel() = ", i->numel);
  TL_CHECK_INDEX(t->numel || !i->numel, "put_(): Tried to put elements into an empty tensor");
}
void put(tl::Call& c, TensorImpl* t) {
  Tensor index = index_values(c.handle(1));
  if (c.boolean(3)) {
    in_compute(t, c.handle(2), [&](TensorImpl* self, const TensorImpl* source) {
      grid_write(self, points(linear_offsets(self, index)), source, false, Combine::Add);
    });
  } else {
    grid_write(t, points(linear_offsets(t, index)), contiguous(c.handle(2)).get(), false, Combine::Copy);
  }
}

TL_OPS(index_select) {
  tl::def<index_select_shape>("index_select(Tensor self, int dim, Tensor index) -> Tensor", kMethod | kOut, "The slices of dimension `dim` at `index`, a vector.")
      .cpu<index_select>();
  Editing<index_add_check, index_add>::define("index_add(Tensor self, int dim, Tensor index, Tensor source, *, Scalar alpha=1) -> Tensor", kMethod | kOut,
                                              "Adds alpha * source to the slices at `index`, in order where they repeat.");
  Editing<index_copy_check, index_copy>::define("index_copy(Tensor self, int dim, Tensor index, Tensor source) -> Tensor", kMethod | kOut,
                                                "Writes the slices of `source` over those at `index`.");
  Editing<index_fill_check, index_fill>::define("index_fill(Tensor self, int dim, Tensor index, Tensor|Scalar value) -> Tensor", kMethod,
                                                "Writes a number over the slices at `index`.");
  Editing<index_reduce_check, index_reduce>::define(
      "index_reduce(Tensor self, int dim, Tensor index, Tensor source, str reduce, *, bool include_self=True) -> Tensor", kMethod | kOut,
      "Combines the slices of `source` into those at `index`: prod, mean, amax or amin.");
  tl::def<take_shape>("take(Tensor self, Tensor index) -> Tensor", kMethod | kOut, "Elements by their position in the flattened tensor.").cpu<take>();
  Editing<put_check, put>::define("put(Tensor self, Tensor index, Tensor source, bool accumulate=False) -> Tensor", kMethod,
                                  "Writes (or adds) `source` at positions of the flattened tensor.");
}

}  // namespace
}  // namespace tallow
