// What the gradients of matrix functions are written with.
#pragma once
#include "helpers/helpers.hpp"

namespace tl::autograd {

inline bool is_complex(const Tensor& t) {
  const TlDtype d = t.dtype();
  return d == TL_COMPLEX64 || d == TL_COMPLEX128;
}
inline Tensor conj(const Tensor& t) { return is_complex(t) ? call<"conj">(t) : t; }
inline Tensor adjoint(const Tensor& t) { return conj(call<"transpose">(t, -2, -1)); }
inline Tensor matmul(const Tensor& a, const Tensor& b) { return call<"matmul">(a, b); }
inline Tensor matmul(const Tensor& a, const Tensor& b, const Tensor& c) { return matmul(matmul(a, b), c); }
inline Tensor add(const Tensor& a, const Tensor& b) { return a && b ? call<"add">(a, b) : a ? a : b; }
inline Tensor sub(const Tensor& a, const Tensor& b) { return call<"sub">(a, b); }
inline Tensor mul(const Tensor& a, const Tensor& b) { return call<"mul">(a, b); }
inline Tensor div(const Tensor& a, const Tensor& b) { return call<"div">(a, b); }
inline Tensor scaled(const Tensor& a, double by) { return call<"mul">(a, by); }
inline Tensor row(const Tensor& t) { return call<"unsqueeze">(t, -2); }
inline Tensor column(const Tensor& t) { return call<"unsqueeze">(t, -1); }
inline Tensor diagonal(const Tensor& t) { return call<"diagonal">(t, 0, -2, -1); }
inline Tensor diagonal_matrix(const Tensor& t) { return call<"diag_embed">(t); }
inline Tensor narrow(const Tensor& t, int64_t dim, int64_t start, int64_t length) { return call<"narrow">(t, dim, start, length); }
inline Tensor concatenate(const Tensor& a, const Tensor& b, int64_t dim) { return call<"cat">(std::vector<Tensor>{a, b}, dim); }
inline Tensor triangle(const Tensor& t, bool upper, int64_t offset = 0) { return upper ? call<"triu">(t, offset) : call<"tril">(t, offset); }
inline Tensor solve_triangular(const Tensor& a, const Tensor& b, bool upper, bool left = true, bool unit = false) {
  return call<"linalg_solve_triangular">(a, b, kw("upper", upper), kw("left", left), kw("unitriangular", unit));
}
inline Tensor identity(int64_t rows, int64_t columns, const Tensor& like) {
  return call<"eye.m">(rows, columns, kw("dtype", Dtype{like.dtype()}), kw("device", like.device()));
}

// The first argument, a list of the gradients of `count` results: null where nothing arrived, but not everywhere.
inline std::vector<Tensor> gradients(const Call& c, size_t count) {
  std::vector<Tensor> grads = c.tensors(0);
  const bool any = std::any_of(grads.begin(), grads.end(), [](const Tensor& g) { return static_cast<bool>(g); });
  require(any && grads.size() == count, "the gradients do not fit the results of the op");
  return grads;
}

// Whether what is computed here will itself be differentiated; if not, factors that are at hand may serve.
inline bool graph_wanted() { return !(api()->keys_excluded() >> TL_KEY_AUTOGRAD & 1); }
// Whether a condition on values may be asked for.
inline bool has_values(const Tensor& t) {
  const TlTensorInfo i = t.info();
  return i.device.type == TL_CPU && i.data && !(i.keys >> (TL_KEY_AUTOGRAD + 1));
}
// Whether a condition holds for every element.
inline bool all_of(const Tensor& condition) { return *call<"all">(condition).data<bool>(); }

inline double epsilon_of(const Tensor& t) {
  const TlDtype d = t.dtype();
  return d == TL_FLOAT64 || d == TL_COMPLEX128 ? 2.220446049250313e-16 : 1.1920928955078125e-07;
}

}  // namespace tl::autograd
