// Fourier transforms of tensors along dimensions: complex to complex, real to complex and back.
#include <cmath>

#include "ops/family.hpp"
#include "ops/fft/transform.hpp"

namespace tallow {
namespace {

using fft::Direction;
using tl::Call;

constexpr int64_t kByRoot = 1, kByCount = 2;  // normalization; 0 is none

double scale_of(int64_t normalization, int64_t count) {
  const double n = static_cast<double>(count);
  return normalization == kByCount ? 1 / n : normalization == kByRoot ? 1 / std::sqrt(n) : 1;
}
int64_t transformed(tl::Sizes sizes, tl::Sizes dims) {
  int64_t n = 1;
  for (const int64_t d : dims) n *= sizes[static_cast<size_t>(wrap_dim(d, static_cast<int64_t>(sizes.size())))];
  return n;
}

// Calls f with a zero of the real type under a complex or real dtype.
template <class F>
void by_precision(DType t, F&& f) {
  if (to_real(t) == DType::Float64) f(double());
  else f(float());
}

// Along one dimension of dense tensors of the same sizes, or of one of them.
template <class T>
void along(const std::complex<T>* in, std::complex<T>* out, tl::Sizes sizes, int64_t dim, Direction direction, T scale) {
  int64_t count = 1, inner = 1;
  const int64_t n = sizes[static_cast<size_t>(dim)];
  for (size_t d = 0; d < sizes.size(); ++d) (d > static_cast<size_t>(dim) ? inner : count) *= static_cast<int64_t>(d) == dim ? 1 : sizes[d];
  const int64_t step = inner, inner_step = inner == 1 ? 0 : 1;
  fft::transform<T>(*fft::plan<T>(n), {in, step, n * inner, inner, inner_step}, {out, step, n * inner, inner, inner_step}, count * inner, direction, scale);
}

void check_dims(const char* op, const TensorImpl* t, tl::Sizes dims) {
  TL_CHECK(!dims.empty() || t->ndim == 0, op, ": expected at least one dimension to transform");
  uint64_t seen = 0;
  for (const int64_t d : dims) {
    const int64_t w = wrap_dim(d, t->ndim, op);
    TL_CHECK(!(seen >> w & 1), op, ": dim ", w, " appears multiple times in the list of dims");
    TL_CHECK(t->ndim && t->size(w) > 0, op, ": Invalid number of data points (", t->ndim ? t->size(w) : 0, ") specified");
    seen |= uint64_t{1} << w;
  }
}
void check_dtype(const char* op, const TensorImpl* t, bool complex) {
  TL_CHECK(complex ? t->dtype == DType::Complex64 || t->dtype == DType::Complex128 : t->dtype == DType::Float32 || t->dtype == DType::Float64, op,
           ": expected a ", complex ? "complex" : "real floating point", " tensor of single or double precision, but got ", dtype_long_name(t->dtype));
}

// self, dim, normalization, forward
void c2c_shape(Call& c) {
  const TensorImpl* t = c.handle(0);
  check_dtype("_fft_c2c", t, true);
  check_dims("_fft_c2c", t, c.ints(1));
  c.output(0, t->size_span(), code(t->dtype), t->device);
}
void c2c(Call& c) {
  const TensorImpl* out = c.out_handle();
  if (out->numel == 0) return;
  const tl::Tensor x = tl::call<"contiguous">(c.value(0));
  const tl::Sizes dims = c.ints(1);
  const Direction direction = c.boolean(3) ? Direction::Forward : Direction::Backward;
  by_precision(out->dtype, [&](auto zero) {
    using T = decltype(zero);
    const auto* in = x.data<const std::complex<T>>();
    auto* to = out->ptr<std::complex<T>>();
    if (dims.empty()) return void(std::copy_n(in, out->numel, to));
    T scale = static_cast<T>(scale_of(c.integer(2), transformed(out->size_span(), dims)));
    for (const int64_t d : dims) {
      along<T>(in, to, out->size_span(), wrap_dim(d, out->ndim), direction, scale);
      in = to, scale = 1;
    }
  });
}

// t with a dimension last, dense.
tl::Tensor with_last(const tl::Tensor& t, int64_t dim) { return tl::call<"contiguous">(tl::call<"transpose">(t, dim, -1)); }

// Values k > n / 2 along dim are the conjugates of those at n - k, with all other transformed dimensions mirrored too; there the
// others are not transformed yet, so that dim alone matters.
template <class T>
void mirror(std::complex<T>* x, int64_t n, int64_t rows) {
  for (int64_t r = 0; r < rows; ++r, x += n)
    for (int64_t k = n / 2 + 1; k < n; ++k) x[k] = std::conj(x[n - k]);
}

// self, dim, normalization, onesided
void r2c_shape(Call& c) {
  const TensorImpl* t = c.handle(0);
  const tl::Sizes dims = c.ints(1);
  check_dtype("_fft_r2c", t, false);
  TL_CHECK(!dims.empty(), "_fft_r2c: expected at least one dimension to transform");
  check_dims("_fft_r2c", t, dims);
  Dims sizes(t->size_span().begin(), t->size_span().end());
  int64_t& last = sizes[static_cast<size_t>(wrap_dim(dims.back(), t->ndim))];
  if (c.boolean(3)) last = last / 2 + 1;
  c.output(0, sizes, code(to_complex(t->dtype)), t->device);
}
void r2c(Call& c) {
  const tl::Sizes dims = c.ints(1);
  const TensorImpl* out = c.out_handle();
  if (out->numel == 0) return;
  const int64_t last = wrap_dim(dims.back(), out->ndim), end = out->ndim - 1;
  const tl::Tensor x = last == end ? tl::call<"contiguous">(c.value(0)) : with_last(c.tensor(0), last);
  tl::Dims sizes(x.sizes().begin(), x.sizes().end());
  const int64_t n = sizes.back(), rows = x.numel() / n, values = n / 2 + 1;
  const bool onesided = c.boolean(3);
  sizes.back() = values;
  by_precision(out->dtype, [&](auto zero) {
    using T = decltype(zero);
    using C = std::complex<T>;
    T scale = static_cast<T>(scale_of(c.integer(2), transformed(c.handle(0)->size_span(), dims)));
    const bool straight = last == end && onesided;
    const tl::Tensor half = straight ? c.out() : tl::empty(sizes, code(out->dtype));
    fft::real_to_complex<T>(n, x.data<const T>(), half.data<C>(), rows, scale);
    if (!onesided) {
      sizes.back() = n;
      const tl::Tensor full = last == end ? c.out() : tl::empty(sizes, code(out->dtype));
      C* to = full.data<C>();
      const C* from = half.data<C>();
      parallel_for(0, rows, std::max<int64_t>(1, 16384 / n), [&](int64_t b, int64_t e) {
        for (int64_t r = b; r < e; ++r) std::copy_n(from + r * values, values, to + r * n);
        mirror(to + b * n, n, e - b);
      });
      if (last != end) tl::call<"copy_">(c.out(), tl::call<"transpose">(full, last, -1));
    } else if (last != end) {
      tl::call<"copy_">(c.out(), tl::call<"transpose">(half, last, -1));
    }
    auto* to = out->ptr<C>();
    for (const int64_t d : dims.first(dims.size() - 1)) along<T>(to, to, out->size_span(), wrap_dim(d, out->ndim), Direction::Forward, 1);
  });
}

// self, dim, normalization, last_dim_size
void c2r_shape(Call& c) {
  const TensorImpl* t = c.handle(0);
  const tl::Sizes dims = c.ints(1);
  const int64_t n = c.integer(3);
  check_dtype("_fft_c2r", t, true);
  TL_CHECK(!dims.empty(), "_fft_c2r: expected at least one dimension to transform");
  check_dims("_fft_c2r", t, dims);
  const int64_t last = wrap_dim(dims.back(), t->ndim);
  TL_CHECK(n >= 1 && t->size(last) == n / 2 + 1, "_fft_c2r: ", n, " real values come from ", n / 2 + 1, " complex ones, but dimension ", last, " has ",
           t->size(last));
  Dims sizes(t->size_span().begin(), t->size_span().end());
  sizes[static_cast<size_t>(last)] = n;
  c.output(0, sizes, code(to_real(t->dtype)), t->device);
}
void c2r(Call& c) {
  const tl::Sizes dims = c.ints(1);
  const TensorImpl* out = c.out_handle();
  if (out->numel == 0) return;
  const int64_t last = wrap_dim(dims.back(), out->ndim), end = out->ndim - 1, n = c.integer(3);
  tl::Tensor x = c.tensor(0);
  if (dims.size() > 1) {
    const tl::Dims others(dims.begin(), dims.end() - 1);
    x = tl::call<"_fft_c2c">(x, others, int64_t{0}, false);
  }
  x = last == end ? tl::call<"contiguous">(x) : with_last(x, last);
  by_precision(out->dtype, [&](auto zero) {
    using T = decltype(zero);
    const T scale = static_cast<T>(scale_of(c.integer(2), transformed(out->size_span(), dims)));
    tl::Dims sizes(x.sizes().begin(), x.sizes().end());
    sizes.back() = n;
    const tl::Tensor to = last == end ? c.out() : tl::empty(sizes, code(out->dtype));
    fft::complex_to_real<T>(n, x.data<const std::complex<T>>(), to.data<T>(), out->numel / n, scale);
    if (last != end) tl::call<"copy_">(c.out(), tl::call<"transpose">(to, last, -1));
  });
}

// ---------------------------------------------------------------- gradients
// grad, dim, normalization, onesided, last_dim_size
void r2c_backward(Call& c) {
  tl::Tensor g = c.tensor(0);
  const tl::Sizes dims = c.ints(1);
  if (c.boolean(3)) {  // the values that were left out have no gradient
    tl::Dims sizes(g.sizes().begin(), g.sizes().end());
    const int64_t last = wrap_dim(dims.back(), g.ndim());
    sizes[static_cast<size_t>(last)] = c.integer(4) - g.size(last);
    if (sizes[static_cast<size_t>(last)] > 0) g = tl::call<"cat">(std::vector<tl::Tensor>{g, tl::call<"new_zeros">(g, sizes)}, last);
  }
  c.ret(tl::call<"real">(tl::call<"_fft_c2c">(g, dims, c.integer(2), false)));
}
// grad, dim, normalization
void c2r_backward(Call& c) {
  const tl::Tensor g = c.tensor(0);
  const tl::Sizes dims = c.ints(1);
  const int64_t last = wrap_dim(dims.back(), g.ndim()), n = g.size(last), values = n / 2 + 1;
  tl::Tensor x = tl::call<"_fft_r2c">(g, dims, c.integer(2), true);
  // Each value but the first (and the last of an even n) stood for its conjugate too.
  const tl::Tensor factor = tl::call<"full">(tl::Dims{values}, 2.0, tl::kw("dtype", tl::Dtype{g.dtype()}), tl::kw("device", g.device()));
  tl::call<"fill_">(tl::call<"narrow">(factor, 0, 0, 1), 1.0);
  if (n % 2 == 0) tl::call<"fill_">(tl::call<"narrow">(factor, 0, values - 1, 1), 1.0);
  tl::Dims shape(static_cast<size_t>(g.ndim()), 1);
  shape[static_cast<size_t>(last)] = values;
  c.ret(tl::call<"mul">(x, tl::call<"view">(factor, shape)));
}

TL_OPS(fft_kernels) {
  tl::def<c2c_shape>("_fft_c2c(Tensor self, int[] dim, int normalization, bool forward) -> Tensor", TL_OP_HIDDEN | kOut).cpu<c2c>();
  tl::def<r2c_shape>("_fft_r2c(Tensor self, int[] dim, int normalization, bool onesided) -> Tensor", TL_OP_HIDDEN | kOut).cpu<r2c>();
  tl::def<c2r_shape>("_fft_c2r(Tensor self, int[] dim, int normalization, int last_dim_size) -> Tensor", TL_OP_HIDDEN | kOut).cpu<c2r>();
  tl::composite<r2c_backward>("_fft_r2c_backward(Tensor grad, int[] dim, int normalization, bool onesided, int last_dim_size) -> Tensor", TL_OP_HIDDEN);
  tl::composite<c2r_backward>("_fft_c2r_backward(Tensor grad, int[] dim, int normalization) -> Tensor", TL_OP_HIDDEN);
}

}  // namespace
}  // namespace tallow
