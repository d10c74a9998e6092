// What the losses share. reduction: 0 none, 1 mean, 2 sum.
#pragma once
#include "common.hpp"

namespace tallow_nn::loss {

// Formulas of losses read as they are written in the papers.
inline tl::Tensor operator+(const tl::Tensor& a, const tl::Tensor& b) { return tl::call<"add">(a, b); }
inline tl::Tensor operator+(const tl::Tensor& a, double b) { return tl::call<"add">(a, b); }
inline tl::Tensor operator-(const tl::Tensor& a, const tl::Tensor& b) { return tl::call<"sub">(a, b); }
inline tl::Tensor operator-(const tl::Tensor& a, double b) { return tl::call<"sub">(a, b); }
inline tl::Tensor operator-(double a, const tl::Tensor& b) { return tl::call<"rsub">(b, a); }
inline tl::Tensor operator-(const tl::Tensor& a) { return tl::call<"neg">(a); }
inline tl::Tensor operator*(const tl::Tensor& a, const tl::Tensor& b) { return tl::call<"mul">(a, b); }
inline tl::Tensor operator*(const tl::Tensor& a, double b) { return tl::call<"mul">(a, b); }
inline tl::Tensor operator/(const tl::Tensor& a, const tl::Tensor& b) { return tl::call<"div">(a, b); }
inline tl::Tensor operator/(const tl::Tensor& a, double b) { return tl::call<"div">(a, b); }

inline tl::Tensor reduce(const tl::Tensor& t, int64_t reduction) {
  return reduction == 1 ? tl::call<"mean">(t) : reduction == 2 ? tl::call<"sum">(t) : t;
}

inline bool same_sizes(tl::Sizes a, tl::Sizes b) { return std::equal(a.begin(), a.end(), b.begin(), b.end()); }

inline tl::Tensor shaped(const tl::Tensor& t, tl::Sizes sizes) { return same_sizes(t.sizes(), sizes) ? t : tl::call<"reshape">(t, sizes); }

// Scores (C) or (N, C, d1, ...) seen as batch x classes x inner.
struct Layout {
  int64_t batch, classes, inner;
  int64_t positions() const { return batch * inner; }
  // Where the score of class k at a position lies. Rows of scores are the common case, and divisions are slow.
  int64_t offset(int64_t position, int64_t k) const {
    return inner == 1 ? position * classes + k : (position / inner * classes + k) * inner + position % inner;
  }
};
inline int64_t class_dim(const tl::Tensor& input) { return input.ndim() == 1 ? 0 : 1; }
inline Layout layout(const tl::Tensor& x) {
  const int64_t d = class_dim(x);
  Layout l{1, x.size(d), 1};
  if (d) l.batch = x.size(0);
  for (int64_t i = d + 1; i < x.ndim(); ++i) l.inner *= x.size(i);
  return l;
}

// Scores, class indices and weights fit each other, or the error that says which does not.
void check_classes(const char* op, const tl::Tensor& x, const tl::Tensor& target, const tl::Tensor& weight);

// The class at position i, -1 for an ignored one; IndexError outside.
inline int64_t checked_class(const int64_t* t, int64_t i, int64_t classes, int64_t ignore) {
  const int64_t k = t[i];
  if (k == ignore) return -1;
  if (k < 0 || k >= classes) throw tl::Error(TL_INDEX_ERROR, "Target " + std::to_string(k) + " is out of bounds.");
  return k;
}

// A gradient that comes in: of one element each without reduction, else one number.
inline void check_gradient(const char* op, const tl::Tensor& dy, tl::Sizes each, int64_t reduction) {
  require(reduction == 0 ? same_sizes(dy.sizes(), each) : dy.numel() == 1, op, ": dy has shape ", tl::to_string(dy.sizes()), ", expected ",
          reduction == 0 ? tl::to_string(each) : "one number");
}

// Writes what was computed in float or double to a result of any floating dtype.
template <class T>
void put(const tl::Tensor& out, const T* from, int64_t count) {
  const int64_t s[1] = {count};
  TlTensor blob;
  const TlDtype dtype = sizeof(T) == 8 ? TL_FLOAT64 : TL_FLOAT32;
  tl::check(tl::api()->tensor_from_blob(const_cast<T*>(from), s, nullptr, 1, dtype, {TL_CPU, -1}, nullptr, nullptr, &blob));
  tl::call<"copy_">(tl::call<"view">(out, tl::Dims{count}), tl::Tensor::steal(blob));
}

void register_pointwise();
void register_pairs();
void register_nll();
void register_cross_entropy();
void register_margin();
void register_ctc();

}  // namespace tallow_nn::loss
