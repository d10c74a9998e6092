// Sequences and index patterns: arange, linspace, logspace, eye, tril_indices, triu_indices.
#include <cmath>

#include "ops/factory/factory.hpp"
#include "ops/index/row_loops.hpp"

namespace tallow {
namespace {

// A number, or what a 0-dim tensor holds.
ScalarArg number(const TlValue& v, const char* op, const char* name) {
  if (v.tag != TL_TENSOR) return to_scalar_arg(v);
  const TensorImpl* t = v.tensor;
  TL_CHECK(t->ndim == 0, op, " only supports 0-dimensional ", name, " and end tensors, but got ", name, " with ", t->ndim, " dimension(s).");
  TL_CHECK(!t->is_meta(), op, ": ", name, " has no data on the meta device");
  ScalarArg a;
  if (is_complex(t->dtype)) {
    c128 z;
    cast_fn(t->dtype, DType::Complex128)(t->ptr<char>(), 16, reinterpret_cast<char*>(&z), 16, 1);
    a.kind = ScalarArg::Complex, a.re = z.real(), a.im = z.imag();
  } else if (is_floating(t->dtype)) {
    a.kind = ScalarArg::Double;
    cast_fn(t->dtype, DType::Float64)(t->ptr<char>(), 8, reinterpret_cast<char*>(&a.re), 8, 1);
  } else {
    cast_fn(t->dtype, DType::Int64)(t->ptr<char>(), 8, reinterpret_cast<char*>(&a.i), 8, 1);
    a.re = static_cast<double>(a.i);
  }
  return a;
}

// Writes f(i), an int64_t, double or c128, into element i of a vector of any dtype, through a buffer.
template <class F>
void generate(TensorImpl* t, F f) {
  using T = decltype(f(int64_t{0}));
  if (t->is_meta()) return;
  const CastFn cast = cast_fn(dtype_of<T>::value, t->dtype);
  const int64_t item = itemsize(t->dtype), step = t->ndim ? t->stride(0) * item : item;
  char* to = t->ptr<char>();
  parallel_for(0, t->numel, 16384, [&](int64_t begin, int64_t end) {
    T buffer[512];
    for (int64_t b = begin; b < end; b += 512) {
      const int64_t n = std::min<int64_t>(512, end - b);
      for (int64_t i = 0; i < n; ++i) buffer[i] = f(b + i);
      cast(reinterpret_cast<const char*>(buffer), sizeof(T), to + b * step, step, n);
    }
  });
}

// base + step * (first + i) for i in [0, n), from element `to` on.
void linear(TensorImpl* t, int64_t to, int64_t n, double base, double step, int64_t first) {
  if (t->is_meta() || n <= 0) return;
  const RowLoops& loops = row_loops();
  const int64_t item = itemsize(t->dtype), stride = t->ndim ? t->stride(0) * item : item;
  char* out = t->ptr<char>() + to * stride;
  parallel_for(0, n, 65536, [&](int64_t b, int64_t e) {
    if (t->dtype == DType::Float32 && stride == 4) return loops.linear_f32(reinterpret_cast<float*>(out) + b, base, step, first + b, e - b);
    if (t->dtype == DType::Float64 && stride == 8) return loops.linear_f64(reinterpret_cast<double*>(out) + b, base, step, first + b, e - b);
    double buffer[512];
    for (int64_t i = b; i < e; i += 512) {
      const int64_t m = std::min<int64_t>(512, e - i);
      loops.linear_f64(buffer, base, step, first + i, m);
      cast_fn(DType::Float64, t->dtype)(reinterpret_cast<const char*>(buffer), 8, out + i * stride, stride, m);
    }
  });
}
void linear(TensorImpl* t, int64_t base, int64_t step) {
  if (t->is_meta() || t->numel == 0) return;
  const RowLoops& loops = row_loops();
  const int64_t item = itemsize(t->dtype), stride = t->ndim ? t->stride(0) * item : item;
  char* out = t->ptr<char>();
  parallel_for(0, t->numel, 65536, [&](int64_t b, int64_t e) {
    if (t->dtype == DType::Int64 && stride == 8) return loops.linear_i64(reinterpret_cast<int64_t*>(out) + b, base, step, b, e - b);
    int64_t buffer[512];
    for (int64_t i = b; i < e; i += 512) {
      const int64_t m = std::min<int64_t>(512, e - i);
      loops.linear_i64(buffer, base, step, i, m);
      cast_fn(DType::Int64, t->dtype)(reinterpret_cast<const char*>(buffer), 8, out + i * stride, stride, m);
    }
  });
}

// ---------------------------------------------------------------- arange
struct Range {
  ScalarArg start, end, step;
  bool integral() const { return start.kind == ScalarArg::Int && end.kind == ScalarArg::Int && step.kind == ScalarArg::Int; }
};

Range range_of(const tl::Call& c, uint32_t bounds) {
  Range r;
  r.start.kind = r.step.kind = ScalarArg::Int;
  r.step.i = 1, r.step.re = 1;
  if (bounds == 1) r.end = number(c.value(0), "arange", "end");
  else r.start = number(c.value(0), "arange", "start"), r.end = number(c.value(1), "arange", "end");
  if (bounds == 3) r.step = number(c.value(2), "arange", "step");
  return r;
}

int64_t length(const Range& r, DType dtype) {
  if (r.integral() || (is_integral(dtype, true) && std::isfinite(r.start.re) && std::isfinite(r.end.re) && std::isfinite(r.step.re))) {
    const int64_t a = r.start.as<int64_t>(), b = r.end.as<int64_t>(), s = r.step.as<int64_t>();
    TL_CHECK(r.step.re != 0, "step must be nonzero");
    TL_CHECK_VALUE(s != 0, "step must be nonzero: ", r.step.re, " is 0 as an integer");
    TL_CHECK(s > 0 ? b >= a : b <= a, "upper bound and lower bound inconsistent with step sign");
    const auto span = static_cast<__int128>(b) - a;
    const auto n = (span + s - (s > 0 ? 1 : -1)) / s;
    TL_CHECK(n < (__int128{1} << 62), "invalid size, possible overflow?");
    return static_cast<int64_t>(n);
  }
  TL_CHECK(r.step.re != 0, "step must be nonzero");
  TL_CHECK(std::isfinite(r.start.re) && std::isfinite(r.end.re), "unsupported range: ", r.start.re, " -> ", r.end.re);
  TL_CHECK(r.step.re > 0 ? r.end.re >= r.start.re : r.end.re <= r.start.re, "upper bound and lower bound inconsistent with step sign");
  const double n = std::ceil((r.end.re - r.start.re) / r.step.re);
  TL_CHECK(n >= 0 && n < 4e18, "invalid size, possible overflow?");
  return static_cast<int64_t>(n);
}

void fill_range(TensorImpl* t, const Range& r) {
  if (is_integral(t->dtype, true)) {
    const int64_t a = r.start.as<int64_t>(), s = r.step.as<int64_t>();
    linear(t, a, s);
  } else {
    const double a = r.start.kind == ScalarArg::Int ? static_cast<double>(r.start.i) : r.start.re;
    const double s = r.step.kind == ScalarArg::Int ? static_cast<double>(r.step.i) : r.step.re;
    linear(t, 0, t->numel, a, s, 0);
  }
}

template <uint32_t Bounds>
void arange(tl::Call& c) {
  const Range r = range_of(c, Bounds);
  const DType dtype = dtype_arg(c, Bounds, r.integral() ? DType::Int64 : default_dtype());
  const int64_t n = length(r, dtype);
  Tensor out = empty(Sizes(&n, 1), dtype, device_or_cpu(c, Bounds + 2));
  fill_range(out.get(), r);
  c.ret(std::move(out));
}
template <uint32_t Bounds>
void arange_out(tl::Call& c) {
  const Range r = range_of(c, Bounds);
  TensorImpl* out = c.handle(Bounds + 4);
  const int64_t n = length(r, out->dtype);
  if (out->numel != n || out->ndim != 1) resize(out, Sizes(&n, 1));
  fill_range(out, r);
  c.ret(Tensor::share(out));
}

// ---------------------------------------------------------------- linspace, logspace
struct Span {
  ScalarArg start, end;
  int64_t steps;
  DType dtype;
};
Span span_of(const tl::Call& c, const char* op, uint32_t dtype) {
  Span s{number(c.value(0), op, "start"), number(c.value(1), op, "end"), c.integer(2), default_dtype()};
  TL_CHECK(s.steps >= 0, "number of steps must be non-negative");
  const bool complex = s.start.kind == ScalarArg::Complex || s.end.kind == ScalarArg::Complex;
  if (complex) s.dtype = default_complex_dtype();
  s.dtype = dtype_arg(c, dtype, s.dtype);
  TL_CHECK(!complex || is_complex(s.dtype), op, "(): inferred dtype ", dtype_name(default_complex_dtype()), " can't be safely cast to passed dtype ",
           dtype_name(s.dtype));
  return s;
}

// From both ends towards the middle, so that both ends are exact.
template <class T>
T at(T start, T end, T step, int64_t i, int64_t n) {
  return i < n / 2 ? start + step * T(static_cast<double>(i)) : end - step * T(static_cast<double>(n - 1 - i));
}

template <class Power>
void fill_span(TensorImpl* t, const Span& s, Power power) {
  auto run = [&](auto start, auto end) {
    using T = decltype(start);
    const int64_t n = s.steps;
    const T step = n > 1 ? (end - start) / T(static_cast<double>(n - 1)) : T(0);
    generate(t, [=](int64_t i) { return n == 1 ? T(power(start)) : T(power(at(start, end, step, i, n))); });
  };
  if (is_complex(t->dtype)) run(s.start.as<c128>(), s.end.as<c128>());
  else if (is_integral(t->dtype, true)) run(static_cast<double>(s.start.as<int64_t>()), static_cast<double>(s.end.as<int64_t>()));
  else run(s.start.as<double>(), s.end.as<double>());
}

void fill_linspace(TensorImpl* t, const Span& s) {
  if (is_complex(t->dtype)) return fill_span(t, s, [](auto x) { return x; });
  const bool whole = is_integral(t->dtype, true);
  const double start = whole ? static_cast<double>(s.start.as<int64_t>()) : s.start.as<double>();
  const double end = whole ? static_cast<double>(s.end.as<int64_t>()) : s.end.as<double>();
  const int64_t n = s.steps, half = n / 2;
  if (n == 1) return linear(t, 0, 1, start, 0, 0);
  const double step = (end - start) / static_cast<double>(n - 1);
  linear(t, 0, half, start, step, 0);
  linear(t, half, n - half, end, step, half - (n - 1));
}

void linspace(tl::Call& c) {
  const Span s = span_of(c, "linspace", 3);
  Tensor out = empty(Sizes(&s.steps, 1), s.dtype, device_or_cpu(c, 5));
  fill_linspace(out.get(), s);
  c.ret(std::move(out));
}
void linspace_out(tl::Call& c) {
  const Span s = span_of(c, "linspace", 3);
  resize(c.handle(7), Sizes(&s.steps, 1));
  fill_linspace(c.handle(7), s);
  c.ret(c.tensor(7));
}
void logspace(tl::Call& c) {
  const Span s = span_of(c, "logspace", 4);
  const double base = c.number(3);
  Tensor out = empty(Sizes(&s.steps, 1), s.dtype, device_or_cpu(c, 6));
  fill_span(out.get(), s, [base](auto x) { return std::pow(base, x); });
  c.ret(std::move(out));
}
void logspace_out(tl::Call& c) {
  const Span s = span_of(c, "logspace", 4);
  const double base = c.number(3);
  resize(c.handle(8), Sizes(&s.steps, 1));
  fill_span(c.handle(8), s, [base](auto x) { return std::pow(base, x); });
  c.ret(c.tensor(8));
}

// ---------------------------------------------------------------- matrices of indices
template <uint32_t N>
void eye(tl::Call& c) {
  const int64_t n = c.integer(0), m = N == 2 ? c.integer(1) : n;
  TL_CHECK(n >= 0, "n must be greater or equal to 0, got ", n);
  TL_CHECK(m >= 0, "m must be greater or equal to 0, got ", m);
  const int64_t sizes[2] = {n, m}, count = std::min(n, m), step = m + 1;
  tl::Tensor out = tl::call<"zeros">(tl::Sizes(sizes, 2), c.value(N), c.value(N + 1), c.value(N + 2), c.value(N + 3));
  if (count) tl::call<"fill_">(tl::call<"as_strided">(out, Dims{count}, Dims{step}), 1);
  c.ret(std::move(out));
}
template <uint32_t N>
void eye_out(tl::Call& c) {
  const int64_t n = c.integer(0), m = N == 2 ? c.integer(1) : n;
  TL_CHECK(n >= 0, "n must be greater or equal to 0, got ", n);
  TL_CHECK(m >= 0, "m must be greater or equal to 0, got ", m);
  const int64_t sizes[2] = {n, m};
  resize(c.handle(N + 4), Sizes(sizes, 2));
  tl::call<"zero_">(c.value(N + 4));
  tl::call<"fill_">(tl::call<"diagonal">(c.value(N + 4)), 1);
  c.ret(c.tensor(N + 4));
}

// The sum of clamp(r + a, 0, most) over r from 0 to count - 1, without a step for each of them.
__int128 sum_of_clamped(int64_t count, int64_t a, int64_t most) {
  const int64_t rise = std::clamp<int64_t>(-a, 0, count), level = std::clamp<int64_t>(most - a, rise, count);
  return static_cast<__int128>(level - rise) * (rise + level - 1 + 2 * static_cast<__int128>(a)) / 2 + static_cast<__int128>(count - level) * most;
}

template <bool Lower>
void triangle_indices(tl::Call& c) {
  const char* op = Lower ? "tril_indices" : "triu_indices";
  const int64_t rows = c.integer(0), cols = c.integer(1);
  TL_CHECK(rows >= 0, "row must be non-negative, got", rows);
  TL_CHECK(cols >= 0, "col must be non-negative, got", cols);
  TL_CHECK(rows <= INT64_MAX / 4 && cols <= INT64_MAX / 4, op, ": row and col are too large: ", rows, ", ", cols);
  const int64_t offset = std::clamp<int64_t>(c.integer(2), -rows - 1, cols + 1);
  const DType dtype = dtype_arg(c, 3, DType::Int64);
  TL_CHECK(is_integral(dtype), op, ": dtype must be an integer type, got ", dtype_name(dtype));
  const __int128 below = sum_of_clamped(rows, offset + (Lower ? 1 : 0), cols);
  const __int128 count = Lower ? below : static_cast<__int128>(rows) * cols - below;
  TL_CHECK(count <= INT64_MAX / 64, op, ": the triangle of a ", rows, " x ", cols, " matrix has too many elements");
  const int64_t sizes[2] = {2, static_cast<int64_t>(count)};
  const TlDevice device = device_or_cpu(c, 5);
  Tensor wide = empty(Sizes(sizes, 2), DType::Int64, device);
  if (device.type == TL_CPU && sizes[1]) {
    int64_t* row = wide.ptr<int64_t>();
    int64_t* col = row + sizes[1];
    // Only the rows that have elements.
    const int64_t begin = Lower ? std::clamp<int64_t>(-offset, 0, rows) : 0, end = Lower ? rows : std::clamp<int64_t>(cols - offset, 0, rows);
    for (int64_t r = begin; r < end; ++r) {
      const int64_t first = Lower ? 0 : std::clamp<int64_t>(r + offset, 0, cols), last = Lower ? std::clamp<int64_t>(r + offset + 1, 0, cols) : cols;
      for (int64_t k = first; k < last; ++k) *row++ = r, *col++ = k;
    }
  }
  c.ret(dtype == DType::Int64 ? std::move(wide) : cast_to(wide.get(), dtype));
}

#define OPTIONS TL_OPTIONS ") -> Tensor"
#define OUT TL_OPTIONS ", Tensor(a!) out) -> Tensor"
template <auto F>
void host_op(const char* schema, const char* doc) { tl::opaque(schema, kFactory, doc).cpu<F>().template on<F>(TL_KEY_META); }

TL_OPS(factory_range) {
  const char* doc = "start, start + step, ... up to but without `end`; int64 if all bounds are integers.";
  host_op<arange<1>>("arange(Tensor|Scalar end, " OPTIONS, doc);
  host_op<arange<2>>("arange.start(Tensor|Scalar start, Tensor|Scalar end, " OPTIONS, doc);
  host_op<arange<3>>("arange.start_step(Tensor|Scalar start, Tensor|Scalar end, Tensor|Scalar step=1, " OPTIONS, doc);
  host_op<arange_out<1>>("arange.out(Tensor|Scalar end, " OUT, doc);
  host_op<arange_out<3>>("arange.start_out(Tensor|Scalar start, Tensor|Scalar end, Tensor|Scalar step=1, " OUT, doc);
  host_op<linspace>("linspace(Tensor|Scalar start, Tensor|Scalar end, int steps, " OPTIONS, "`steps` numbers from `start` to `end`, both included.");
  host_op<linspace_out>("linspace.out(Tensor|Scalar start, Tensor|Scalar end, int steps, " OUT, "linspace() into a tensor.");
  host_op<logspace>("logspace(Tensor|Scalar start, Tensor|Scalar end, int steps, float base=10.0, " OPTIONS,
                    "`steps` powers of `base`, the exponents evenly spaced from `start` to `end`.");
  host_op<logspace_out>("logspace.out(Tensor|Scalar start, Tensor|Scalar end, int steps, float base=10.0, " OUT, "logspace() into a tensor.");
  tl::composite<eye<1>>("eye(int n, " OPTIONS, kFactory, "The identity matrix.");
  tl::composite<eye<2>>("eye.m(int n, int m, " OPTIONS, kFactory, "Ones on the diagonal of an n x m matrix, zeros elsewhere.");
  tl::composite<eye_out<1>>("eye.out(int n, " OUT, kFactory);
  tl::composite<eye_out<2>>("eye.m_out(int n, int m, " OUT, kFactory);
  host_op<triangle_indices<true>>("tril_indices(int row, int col, int offset=0, " OPTIONS, "Row and column indices of a lower triangle: 2 x N, int64.");
  host_op<triangle_indices<false>>("triu_indices(int row, int col, int offset=0, " OPTIONS, "Row and column indices of an upper triangle: 2 x N, int64.");
}
#undef OPTIONS
#undef OUT

}  // namespace
}  // namespace tallow
