// softclip(x) = limit * tanh(x / limit): close to x near zero, never beyond the limit, smooth everywhere.
#include <cmath>
#include <string>

#include <tallow/tallow.hpp>

namespace {

// What the result looks like. From this alone come the meta device and the checks of out= and of the in-place form.
void shape(tl::Call& c) {
  const tl::Tensor x = c.tensor(0);
  if (x.dtype() != TL_FLOAT32 && x.dtype() != TL_FLOAT64)
    throw tl::Error(TL_TYPE_ERROR, "softclip: self must be float32 or float64");
  if (!(c.number(1) > 0)) throw tl::Error(TL_VALUE_ERROR, "softclip: limit must be positive, got " + std::to_string(c.number(1)));
  c.output(0, x.sizes(), x.dtype());
}

template <class T>
void clip(const tl::Tensor& x, const tl::Tensor& out, double limit) {
  const T* from = x.data<T>();
  T* to = out.data<T>();
  const T l = static_cast<T>(limit);
  // Pieces of a fixed size: the same bits on any number of threads.
  tl::parallel_for(0, x.numel(), 16384, [=](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) to[i] = l * std::tanh(from[i] / l);
  });
}

// The tensor to fill is there, contiguous and of the described shape; arguments may have any strides.
void cpu(tl::Call& c) {
  const tl::Tensor x = tl::call<"contiguous">(c.tensor(0));
  if (x.dtype() == TL_FLOAT64) clip<double>(x, c.out(), c.number(1));
  else clip<float>(x, c.out(), c.number(1));
}

}  // namespace

TL_EXTENSION(tallow_example) {
  tl::def<shape>("example::softclip(Tensor self, float limit=1.0) -> Tensor", TL_OP_OUT | TL_OP_INPLACE | TL_OP_POINTWISE,
                 "limit * tanh(self / limit), elementwise.")
      .cpu<cpu>()
      .grad("self: grad * (1 - (result / limit) * (result / limit))");
}
