// The frequencies that the values of a transform belong to, and their order.
#include "ops/factory/factory.hpp"

namespace tallow {
namespace {

using tl::Call;

// (n, d, dtype, layout, device, pin_memory): values first .. first + count - 1, over n d.
tl::Tensor over(const Call& c, int64_t first, int64_t count) {
  const double d = c.number(1, 1);
  const int64_t n = c.integer(0);
  const TlDtype dtype = code(dtype_arg(c, 2, default_dtype()));
  const tl::Tensor k = tl::call<"arange.start">(first, first + count, tl::kw("dtype", tl::Dtype{dtype}), tl::kw("device", device_or_cpu(c, 4)));
  return tl::call<"mul">(k, 1.0 / (static_cast<double>(n) * d));
}
void check(const Call& c, const char* op) {
  const DType t = dtype_arg(c, 2, default_dtype());
  TL_CHECK(is_floating(t) || is_complex(t), op, " requires a floating point or complex dtype");
  TL_CHECK(c.integer(0) >= 0, op, ": n must not be negative, but got ", c.integer(0));
}

void fftfreq(Call& c) {
  check(c, "fftfreq");
  const int64_t n = c.integer(0), positive = (n + 1) / 2;
  c.ret(tl::call<"cat">(std::vector<tl::Tensor>{over(c, 0, positive), over(c, -(n / 2), n / 2)}, 0));
}
void rfftfreq(Call& c) {
  check(c, "rfftfreq");
  c.ret(over(c, 0, c.integer(0) / 2 + 1));
}
template <auto F>
void into(Call& c) {  // the last argument is out
  TlCall inner = *c.raw();
  TlValue result{};
  inner.rets = &result;
  Call call(&inner);
  F(call);
  const tl::Tensor made = tl::Tensor::steal(result.tensor);
  TensorImpl* out = c.handle(c.nargs() - 1);
  if (!same_sizes(out->size_span(), made.sizes())) resize(out, made.sizes());
  tl::call<"copy_">(c.value(c.nargs() - 1), made);
  c.ret(c.tensor(c.nargs() - 1));
}

template <bool Inverse>
void shift(Call& c) {
  const int64_t nd = c.handle(0)->ndim;
  tl::Dims dims(c.ints(1).begin(), c.ints(1).end()), shifts;
  if (!c.has(1))
    for (int64_t d = 0; d < nd; ++d) dims.push_back(d);
  for (const int64_t d : dims) {
    const int64_t n = c.handle(0)->size(wrap_dim(d, nd));
    shifts.push_back(Inverse ? (n + 1) / 2 : n / 2);
  }
  c.ret(dims.empty() ? tl::call<"clone">(c.value(0)) : tl::call<"roll">(c.value(0), shifts, dims));
}

TL_OPS(fft_frequencies) {
  const char* freq = "The frequencies of the values of fft() for a sample spacing of d: 0, 1, ..., -1, over n d.";
  const char* rfreq = "The frequencies of the values of rfft() for a sample spacing of d: 0, 1, ..., n / 2, over n d.";
  tl::composite<fftfreq>("fft::fftfreq(int n, float d=1.0, " TL_OPTIONS ") -> Tensor", kFactory, freq);
  tl::composite<rfftfreq>("fft::rfftfreq(int n, float d=1.0, " TL_OPTIONS ") -> Tensor", kFactory, rfreq);
  tl::composite<into<fftfreq>>("fft::fftfreq.out(int n, float d=1.0, " TL_OPTIONS ", Tensor(a!) out) -> Tensor", kFactory);
  tl::composite<into<rfftfreq>>("fft::rfftfreq.out(int n, float d=1.0, " TL_OPTIONS ", Tensor(a!) out) -> Tensor", kFactory);
  tl::composite<shift<false>>("fft::fftshift(Tensor self, int[1]? dim=None) -> Tensor", 0, "Frequency zero into the middle.");
  tl::composite<shift<true>>("fft::ifftshift(Tensor self, int[1]? dim=None) -> Tensor", 0, "The inverse of fftshift().");
}

}  // namespace
}  // namespace tallow
