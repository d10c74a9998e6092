// diff, trapezoid, cumulative_trapezoid: in terms of other ops.
#include "ops/family.hpp"

namespace tallow {
namespace {

using tl::Call;

tl::Tensor slice(const tl::Tensor& t, int64_t dim, int64_t start, int64_t length) { return tl::call<"narrow">(t, dim, start, length); }

// ---------------------------------------------------------------- diff
tl::Tensor differences(tl::Tensor t, int64_t n, int64_t dim) {
  for (; n > 0 && t.size(dim) > 0; --n) {
    const int64_t m = t.size(dim) - 1;
    const tl::Tensor later = slice(t, dim, 1, m), earlier = slice(t, dim, 0, m);
    t = t.dtype() == TL_BOOL_DT ? tl::call<"logical_xor">(later, earlier) : tl::call<"sub">(later, earlier);
  }
  return t;
}
void diff(Call& c) {
  tl::Tensor t = c.tensor(0);
  const int64_t n = c.integer(1), ndim = t.ndim();
  TL_CHECK(ndim >= 1, "diff expects input to be at least one-dimensional");
  TL_CHECK(n >= 0, "order must be non-negative but got ", n);
  const int64_t dim = wrap_dim(c.integer(2), ndim);
  std::vector<tl::Tensor> parts;
  for (uint32_t i : {3u, 0u, 4u}) {
    if (!c.has(i)) continue;
    const tl::Tensor p = c.tensor(i);
    TL_CHECK(p.ndim() == ndim, "diff expects prepend or append to be the same dimension as input");
    for (int64_t d = 0; d < ndim; ++d)
      TL_CHECK(d == dim || p.size(d) == t.size(d), "diff expects the shape of tensor to prepend or append to match that of input except along the ",
               "differencing dimension; input.size(", d, ") = ", t.size(d), ", but got tensor.size(", d, ") = ", p.size(d));
    parts.push_back(p);
  }
  if (n == 0) return c.ret(tl::call<"clone">(t));
  if (parts.size() > 1) t = tl::call<"cat">(parts, dim);
  c.ret(differences(t, n, dim));
}

// ---------------------------------------------------------------- the trapezoidal rule
// y[i] + y[i+1] along dim.
tl::Tensor neighbours(const tl::Tensor& y, int64_t dim) {
  const int64_t m = std::max<int64_t>(0, y.size(dim) - 1);
  return tl::call<"add">(slice(y, dim, m ? 1 : 0, m), slice(y, dim, 0, m));
}
void check(const tl::Tensor& y, const char* op) {
  TL_CHECK(y.dtype() != TL_BOOL_DT, op, ": received a bool input for `y`, but bool is not supported");
}
// The steps of x, with as many dimensions as y where x is one line.
tl::Tensor steps(const tl::Tensor& y, const tl::Tensor& x, int64_t dim, const char* op) {
  TL_CHECK(x.dtype() != TL_BOOL_DT, op, ": received a bool input for `x`, but bool is not supported");
  if (x.ndim() == 1 && y.ndim() != 1) {
    TL_CHECK(x.size(0) == y.size(dim), op, ": There must be one `x` value for each sample point");
    Dims shape(y.ndim(), 1);
    shape[dim] = x.size(0);
    return differences(tl::call<"reshape">(x, shape), 1, dim);
  }
  if (x.ndim() < y.ndim()) {
    Dims shape(y.ndim() - x.ndim(), 1);
    for (int64_t s : x.sizes()) shape.push_back(s);
    return differences(tl::call<"reshape">(x, shape), 1, dim);
  }
  return differences(x, 1, wrap_dim(dim - y.ndim(), x.ndim()));
}
tl::Tensor areas(Call& c, bool with_x) {  // the trapezoids' areas
  const char* op = c.op()->schema.name.c_str();
  const tl::Tensor y = c.tensor(0);
  const int64_t dim = wrap_dim(c.integer(2, -1), y.ndim());
  check(y, op);
  TL_CHECK_INDEX(y.ndim() > 0, "Dimension specified as ", c.integer(2, -1), " but tensor has no dimensions");
  if (with_x) return tl::call<"div">(tl::call<"mul">(neighbours(y, dim), steps(y, c.tensor(1), dim, op)), 2);
  TL_CHECK(c.value(1).tag != TL_BOOL, op, ": Currently, we only support dx as a real number.");
  return tl::call<"mul">(neighbours(y, dim), tl::to_double(c.value(1)) / 2);
}
void trapezoid_x(Call& c) { c.ret(tl::call<"sum">(areas(c, true), Dims{c.integer(2, -1)})); }
void trapezoid_dx(Call& c) { c.ret(tl::call<"sum">(areas(c, false), Dims{c.integer(2, -1)})); }
void cumulative_x(Call& c) { c.ret(tl::call<"cumsum">(areas(c, true), c.integer(2, -1))); }
void cumulative_dx(Call& c) { c.ret(tl::call<"cumsum">(areas(c, false), c.integer(2, -1))); }

}  // namespace

TL_OPS(differences) {
  tl::composite<diff>("diff(Tensor self, int n=1, int dim=-1, Tensor? prepend=None, Tensor? append=None) -> Tensor", kMethod | kOut,
                      "The n-th differences of neighbours along dim, after prepend and append are joined to the ends.");
  const char* at_places = "The integral of samples y at the places x along dim, by the trapezoidal rule.";
  const char* evenly = "The integral of samples y that are dx apart along dim, by the trapezoidal rule.";
  tl::composite<trapezoid_x>("trapezoid.x(Tensor y, Tensor x, *, int dim=-1) -> Tensor", 0, at_places);
  tl::composite<trapezoid_dx>("trapezoid.dx(Tensor y, *, Scalar dx=1, int dim=-1) -> Tensor", 0, evenly);
  tl::composite<trapezoid_x>("trapz.x(Tensor y, Tensor x, *, int dim=-1) -> Tensor", 0, at_places);
  tl::composite<trapezoid_dx>("trapz.dx(Tensor y, *, Scalar dx=1, int dim=-1) -> Tensor", 0, evenly);
  tl::composite<cumulative_x>("cumulative_trapezoid.x(Tensor y, Tensor x, *, int dim=-1) -> Tensor", 0,
                              "The running integral of samples y at the places x along dim.");
  tl::composite<cumulative_dx>("cumulative_trapezoid.dx(Tensor y, *, Scalar dx=1, int dim=-1) -> Tensor", 0,
                               "The running integral of samples y that are dx apart along dim.");
}

}  // namespace tallow
