// The public Fourier transforms, as composites: what is transformed, to which length, and by what factor.
#include <algorithm>

#include "ops/family.hpp"

namespace tallow {
namespace {

using tl::Call;

enum Normalization : int64_t { kNone = 0, kByRoot = 1, kByCount = 2 };

int64_t normalization(const Call& c, uint32_t i, bool forward) {
  const std::string_view mode = c.has(i) ? c.string(i) : "backward";
  if (mode == "ortho") return kByRoot;
  TL_CHECK(mode == "forward" || mode == "backward", "Invalid normalization mode: \"", mode, "\"");
  return (mode == "forward") == forward ? kByCount : kNone;
}

tl::Tensor promoted(const tl::Tensor& t, bool complex) {
  DType d = static_cast<DType>(t.dtype());
  if (!is_complex(d)) {
    if (!is_floating(d)) d = default_dtype();
    TL_CHECK(d == DType::Float32 || d == DType::Float64, "Unsupported dtype ", dtype_long_name(d));
    if (complex) d = to_complex(d);
  }
  return code(d) == t.dtype() ? t : tl::call<"_to">(t, tl::Dtype{code(d)});
}

// t cut or filled with zeros to n along dim.
tl::Tensor resized(const tl::Tensor& t, int64_t dim, int64_t n) {
  const int64_t had = t.size(dim);
  if (n == had) return t;
  if (n < had) return tl::call<"narrow">(t, dim, 0, n);
  tl::Dims zeros(t.sizes().begin(), t.sizes().end());
  zeros[static_cast<size_t>(wrap_dim(dim, t.ndim()))] = n - had;
  return tl::call<"cat">(std::vector<tl::Tensor>{t, tl::call<"new_zeros">(t, zeros)}, dim);
}

void check_points(int64_t n) { TL_CHECK(n >= 1, "Invalid number of data points (", n, ") specified"); }

tl::Tensor complex_transform(const tl::Tensor& t, tl::Sizes dims, int64_t norm, bool forward) { return tl::call<"_fft_c2c">(t, dims, norm, forward); }

// ---------------------------------------------------------------- one dimension: (self, n, dim, norm)
template <bool Forward>
void complex_1d(Call& c) {
  const tl::Tensor x = promoted(c.tensor(0), false);
  TL_CHECK_INDEX(x.ndim() > 0, "Dimension specified as ", c.integer(2), " but tensor has no dimensions");
  const int64_t dim = wrap_dim(c.integer(2), x.ndim());
  const int64_t n = c.integer(1, x.size(dim));
  check_points(n);
  const tl::Tensor sized = resized(x, dim, n);
  const int64_t norm = normalization(c, 3, Forward);
  if (is_complex(static_cast<DType>(x.dtype()))) return c.ret(complex_transform(sized, tl::Dims{dim}, norm, Forward));
  const tl::Tensor y = tl::call<"_fft_r2c">(sized, tl::Dims{dim}, norm, false);
  c.ret(Forward ? y : tl::call<"conj">(y));
}

template <bool Forward>
void real_1d(Call& c) {  // rfft, ihfft
  TL_CHECK(!is_complex(c.handle(0)->dtype), Forward ? "rfft" : "ihfft", " expects a real input tensor, but got ", dtype_long_name(c.handle(0)->dtype));
  const tl::Tensor x = promoted(c.tensor(0), false);
  TL_CHECK_INDEX(x.ndim() > 0, "Dimension specified as ", c.integer(2), " but tensor has no dimensions");
  const int64_t dim = wrap_dim(c.integer(2), x.ndim());
  const int64_t n = c.integer(1, x.size(dim));
  check_points(n);
  const tl::Tensor y = tl::call<"_fft_r2c">(resized(x, dim, n), tl::Dims{dim}, normalization(c, 3, Forward), true);
  c.ret(Forward ? y : tl::call<"conj">(y));
}

template <bool Forward>
void to_real_1d(Call& c) {  // hfft, irfft
  tl::Tensor x = promoted(c.tensor(0), true);
  TL_CHECK_INDEX(x.ndim() > 0, "Dimension specified as ", c.integer(2), " but tensor has no dimensions");
  const int64_t dim = wrap_dim(c.integer(2), x.ndim());
  const int64_t n = c.integer(1, 2 * (x.size(dim) - 1));
  check_points(n);
  x = resized(x, dim, n / 2 + 1);
  if (Forward) x = tl::call<"conj">(x);
  c.ret(tl::call<"_fft_c2r">(x, tl::Dims{dim}, normalization(c, 3, Forward), n));
}

// ---------------------------------------------------------------- several: (self, s, dim, norm)
struct Wanted {
  tl::Dims sizes, dims;
};
Wanted wanted(const Call& c, const tl::Tensor& x) {
  Wanted w;
  const int64_t nd = x.ndim();
  const bool has_sizes = c.has(1), has_dims = c.has(2);
  if (has_dims) {
    for (const int64_t d : c.ints(2)) {
      const int64_t at = wrap_dim(d, nd);
      TL_CHECK(std::ranges::find(w.dims, at) == w.dims.end(), "FFT dims must be unique");
      w.dims.push_back(at);
    }
  }
  if (has_sizes) {
    const tl::Sizes s = c.ints(1);
    const auto count = static_cast<int64_t>(s.size());
    TL_CHECK(!has_dims || w.dims.size() == s.size(), "When given, dim and shape arguments must have the same length");
    TL_CHECK(count <= nd, "Got shape with ", count, " values but input tensor only has ", nd, " dimensions.");
    for (int64_t i = 0; i < count; ++i) {
      if (!has_dims) w.dims.push_back(nd - count + i);
      const int64_t n = s[static_cast<size_t>(i)];
      w.sizes.push_back(n == -1 ? x.size(w.dims[static_cast<size_t>(i)]) : n);
    }
  } else {
    if (!has_dims)
      for (int64_t d = 0; d < nd; ++d) w.dims.push_back(d);
    for (const int64_t d : w.dims) w.sizes.push_back(x.size(d));
  }
  for (const int64_t n : w.sizes) check_points(n);
  return w;
}
// For what gives real numbers: the last size is that of the result. Returns it.
int64_t real_result(const Call& c, const tl::Tensor& x, Wanted& w, const char* op) {
  TL_CHECK(!w.dims.empty(), op, " must transform at least one axis");
  const tl::Sizes s = c.ints(1);
  const int64_t n = !s.empty() && s.back() != -1 ? s.back() : 2 * (x.size(w.dims.back()) - 1);
  check_points(n);
  w.sizes.back() = n / 2 + 1;
  return n;
}
tl::Tensor resized(tl::Tensor x, const Wanted& w) {
  for (size_t i = 0; i < w.dims.size(); ++i) x = resized(x, w.dims[i], w.sizes[i]);
  return x;
}

template <bool Forward>
void complex_nd(Call& c) {
  const tl::Tensor x = promoted(c.tensor(0), true);
  const Wanted w = wanted(c, x);
  c.ret(complex_transform(resized(x, w), w.dims, normalization(c, 3, Forward), Forward));
}

template <bool Forward>
void real_nd(Call& c) {  // rfftn, ihfftn
  const char* op = Forward ? "rfftn" : "ihfftn";
  TL_CHECK(!is_complex(c.handle(0)->dtype), op, " expects a real-valued input tensor, but got ", dtype_long_name(c.handle(0)->dtype));
  const tl::Tensor x = promoted(c.tensor(0), false);
  const Wanted w = wanted(c, x);
  TL_CHECK(!w.dims.empty(), op, " must transform at least one axis");
  const int64_t norm = normalization(c, 3, Forward);
  const tl::Tensor sized = resized(x, w);
  if (Forward) return c.ret(tl::call<"_fft_r2c">(sized, w.dims, norm, true));
  tl::Tensor y = tl::call<"conj">(tl::call<"_fft_r2c">(sized, tl::Dims{w.dims.back()}, norm, true));
  if (w.dims.size() > 1) y = complex_transform(y, tl::Sizes(w.dims).first(w.dims.size() - 1), norm, false);
  c.ret(std::move(y));
}

template <bool Forward>
void to_real_nd(Call& c) {  // hfftn, irfftn
  const tl::Tensor x = promoted(c.tensor(0), true);
  Wanted w = wanted(c, x);
  const int64_t n = real_result(c, x, w, Forward ? "hfftn" : "irfftn"), norm = normalization(c, 3, Forward);
  tl::Tensor y = resized(x, w);
  if (!Forward) return c.ret(tl::call<"_fft_c2r">(y, w.dims, norm, n));
  if (w.dims.size() > 1) y = complex_transform(y, tl::Sizes(w.dims).first(w.dims.size() - 1), norm, true);
  c.ret(tl::call<"_fft_c2r">(tl::call<"conj">(y), tl::Dims{w.dims.back()}, norm, n));
}

template <void (*OneD)(Call&), void (*ManyD)(Call&)>
void family(const char* name, const char* doc) {
  const std::string n(name), out = ") -> Tensor";
  tl::composite<OneD>(("fft::" + n + "(Tensor self, int? n=None, int dim=-1, str? norm=None" + out).c_str(), kOut, doc);
  tl::composite<ManyD>(("fft::" + n + "2(Tensor self, int[1]? s=None, int[1]? dim=[-2, -1], str? norm=None" + out).c_str(), kOut, doc);
  tl::composite<ManyD>(("fft::" + n + "n(Tensor self, int[1]? s=None, int[1]? dim=None, str? norm=None" + out).c_str(), kOut, doc);
}

TL_OPS(fft) {
  family<complex_1d<true>, complex_nd<true>>("fft",
                                             "The discrete Fourier transform, sum_j x_j e^(-2 pi i jk / n). norm: backward (1), ortho, forward (1 / n).");
  family<complex_1d<false>, complex_nd<false>>("ifft", "The inverse of fft(): norm backward divides by n.");
  family<real_1d<true>, real_nd<true>>("rfft", "fft() of real numbers: the first n / 2 + 1 values, of which the others are conjugates.");
  family<to_real_1d<false>, to_real_nd<false>>("irfft", "The inverse of rfft(): n real numbers, by default 2 (m - 1) of m values.");
  family<to_real_1d<true>, to_real_nd<true>>("hfft", "fft() of a Hermitian signal, of which the first half is given: real numbers.");
  family<real_1d<false>, real_nd<false>>("ihfft", "The inverse of hfft().");
}

}  // namespace
}  // namespace tallow
