// Products of matrices of which at least one is sparse.
#include <algorithm>

#include "ops/pointwise/pointwise.hpp"
#include "ops/sparse/product_loops.hpp"
#include "ops/sparse/sparse.hpp"
#include "vec/isa.hpp"

namespace tallow {
namespace baseline { const SparseProductLoops* sparse_product_loops(); }
namespace avx2 { const SparseProductLoops* sparse_product_loops(); }
namespace avx512 { const SparseProductLoops* sparse_product_loops(); }

const SparseProductLoops& sparse_product_loops() {
  static const SparseProductLoops& loops = *TL_FOR_THIS_PROCESSOR(sparse_product_loops());
  return loops;
}

namespace {

void check_matrices(const char* op, const TensorImpl* a, const TensorImpl* b) {
  TL_CHECK(a->ndim == 2 && b->ndim == 2, op, ": expected two matrices, got shapes ", to_string(a->size_span()), " and ", to_string(b->size_span()));
  TL_CHECK(a->size(1) == b->size(0), op, ": mat1 and mat2 shapes cannot be multiplied (", a->size(0), "x", a->size(1), " and ", b->size(0), "x",
           b->size(1), ")");
  TL_CHECK(a->dtype == b->dtype, op, ": expected scalar type ", dtype_long_name(a->dtype), " but found ", dtype_long_name(b->dtype));
  for (const TensorImpl* t : {a, b})
    TL_CHECK(!t->sparse() || sparse_parts(t).dense_dim() == 0, op, ": a sparse matrix must have 2 sparse dimensions, but got ", sparse_parts(t).sparse_dim());
}
tl::Tensor shared(const TensorImpl* t) { return Tensor::share(const_cast<TensorImpl*>(t)); }
DType compute_dtype_of(DType t) { return dtype_of_compute(compute_type(t)); }

// Where each of n rows begins among sorted row numbers, and where the last one ends.
std::vector<int64_t> row_starts(const int64_t* rows, int64_t nnz, int64_t n) {
  std::vector<int64_t> start(static_cast<size_t>(n) + 1);
  int64_t at = 0;
  for (int64_t r = 0; r <= n; ++r) {
    while (at < nnz && rows[at] < r) ++at;
    start[static_cast<size_t>(r)] = at;
  }
  return start;
}
// The elements with row numbers, sorted: the product may be cut between rows.
Tensor sorted(const TensorImpl* t) {
  const Tensor c = coalesced(t, "mm");
  const SparseParts& p = sparse_parts(c.get());
  const int64_t* rows = p.indices.ptr<int64_t>();
  if (std::is_sorted(rows, rows + p.nnz())) return c;
  return coalesced(with_parts(t, p.indices, p.values, false).get(), "mm");  // who said it was coalesced was wrong
}

// sparse [n, m] @ dense [m, p]: every row of the result is a sum in the order of the row's elements.
Tensor sparse_dense(const TensorImpl* a, const TensorImpl* b) {
  const Tensor s = sorted(a);
  const SparseParts& p = sparse_parts(s.get());
  const int64_t n = a->size(0), width = b->size(1), nnz = p.nnz();
  const DType compute = compute_dtype_of(a->dtype);
  const Tensor values = p.values.dtype() == compute ? p.values : cast_to(p.values.get(), compute);
  const Tensor rows = own(tl::call<"contiguous">(b->dtype == compute ? shared(b) : tl::Tensor(cast_to(b, compute))));
  const int64_t shape[2] = {n, width};
  Tensor out = empty(Sizes(shape, 2), compute);
  const std::vector<int64_t> start = row_starts(p.indices.ptr<int64_t>(), nnz, n);
  const int64_t* columns = p.indices.ptr<int64_t>() + nnz;
  const auto run = sparse_product_loops().row[static_cast<int>(compute_type(compute))];
  const int64_t item = itemsize(compute), work = std::max<int64_t>(1, (nnz / std::max<int64_t>(n, 1) + 1) * std::max<int64_t>(width, 1));
  if (out.numel() > 0)
    parallel_for(0, n, std::max<int64_t>(1, 32768 / work), [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r) {
        const int64_t from = start[static_cast<size_t>(r)], to = start[static_cast<size_t>(r) + 1];
        run(out.ptr<char>() + r * width * item, values.ptr<char>() + from * item, columns + from, to - from, rows.ptr<char>(), width);
      }
    });
  return compute == a->dtype ? out : cast_to(out.get(), a->dtype);
}

// sparse @ sparse: each element of a meets the elements of b in the row of its column.
Tensor sparse_sparse(const TensorImpl* a, const TensorImpl* b) {
  const Tensor x = sorted(a), y = sorted(b);
  const SparseParts &p = sparse_parts(x.get()), &q = sparse_parts(y.get());
  const int64_t *rows = p.indices.ptr<int64_t>(), *inner = rows + p.nnz();
  const int64_t *first = q.indices.ptr<int64_t>(), *last = first + q.nnz(), *columns = last;
  std::vector<int64_t> of_a, of_b;
  for (int64_t i = 0; i < p.nnz(); ++i) {
    const auto [begin, end] = std::equal_range(first, last, inner[i]);
    for (const int64_t* at = begin; at != end; ++at) of_a.push_back(i), of_b.push_back(at - first);
  }
  const auto n = static_cast<int64_t>(of_a.size());
  const int64_t shape[2] = {2, n};
  Tensor indices = empty(Sizes(shape, 2), DType::Int64), left = empty(Sizes(&n, 1), DType::Int64), right = empty(Sizes(&n, 1), DType::Int64);
  for (int64_t i = 0; i < n; ++i) {
    const auto k = static_cast<size_t>(i);
    indices.ptr<int64_t>()[i] = rows[of_a[k]], indices.ptr<int64_t>()[n + i] = columns[of_b[k]];
    left.ptr<int64_t>()[i] = of_a[k], right.ptr<int64_t>()[i] = of_b[k];
  }
  const tl::Tensor values = tl::call<"mul">(tl::call<"index_select">(p.values.get(), 0, tl::Tensor(left)),
                                            tl::call<"index_select">(q.values.get(), 0, tl::Tensor(right)));
  const int64_t sizes[2] = {a->size(0), b->size(1)};
  return coalesced(make_sparse(indices, own(values), Sizes(sizes, 2), false).get(), "mm");
}

tl::Tensor product(const char* op, const TensorImpl* a, const TensorImpl* b) {
  check_matrices(op, a, b);
  if (a->sparse()) return b->sparse() ? sparse_sparse(a, b) : sparse_dense(a, b);
  return tl::call<"t">(tl::call<"mm">(tl::call<"t">(shared(b)), tl::call<"t">(shared(a))));
}

void mm(tl::Call& c) { c.ret(product("mm", c.handle(0), c.handle(1))); }
void mv(tl::Call& c) {
  TL_CHECK(c.handle(0)->ndim == 2 && c.handle(1)->ndim == 1, "mv: expected a matrix and a vector, got shapes ", to_string(c.handle(0)->size_span()), " and ",
           to_string(c.handle(1)->size_span()));
  TL_CHECK(!c.handle(1)->sparse(), "mv: the vector must be dense");
  c.ret(tl::call<"reshape">(product("mv", c.handle(0), tl::call<"unsqueeze">(c.value(1), 1).get()), Dims{-1}));
}
void matmul(tl::Call& c) {
  const TensorImpl *a = c.handle(0), *b = c.handle(1);
  if (a->ndim == 2 && b->ndim == 2) return c.ret(tl::call<"mm">(c.value(0), c.value(1)));
  if (a->ndim == 2 && b->ndim == 1) return c.ret(tl::call<"mv">(c.value(0), c.value(1)));
  if (a->ndim == 1 && b->ndim == 2) return c.ret(tl::call<"mv">(tl::call<"t">(c.value(1)), c.value(0)));
  if (a->ndim == 3 && b->ndim == 3) return c.ret(tl::call<"bmm">(c.value(0), c.value(1)));
  fail(TL_NOT_IMPLEMENTED_ERROR, "matmul: products with a sparse tensor are those of matrices and vectors, got shapes ", to_string(a->size_span()), " and ",
       to_string(b->size_span()));
}

// beta * self + alpha * (mat1 @ mat2)
void addmm(tl::Call& c) {
  const TlValue &beta = c.value(3), &alpha = c.value(4);
  const TensorImpl* self = c.handle(0);
  tl::Tensor out = tl::call<"mul">(product("addmm", c.handle(1), c.handle(2)), alpha);
  if (out.get()->dtype != c.handle(1)->dtype) out = tl::call<"_to_copy">(out, tl::Dtype{code(c.handle(1)->dtype)});
  if (beta.tag != TL_COMPLEX && tl::to_double(beta) == 0) return c.ret(out);
  TL_CHECK(self->dtype == out.get()->dtype, "addmm: expected scalar type ", dtype_long_name(out.get()->dtype), " but found ", dtype_long_name(self->dtype));
  tl::Tensor added = self->sparse() ? shared(self) : tl::call<"expand">(c.value(0), out.sizes());
  added = tl::call<"mul">(added, beta);
  const bool swap = added.is_sparse() && !out.is_sparse();
  c.ret(swap ? tl::call<"add">(out, added) : tl::call<"add">(added, out));
}

// A batch of sparse matrices is one matrix with all of them on its diagonal.
void bmm(tl::Call& c) {
  const TensorImpl *a = c.handle(0), *b = c.handle(1);
  TL_CHECK(a->sparse() && !b->sparse(), "bmm: expected a batch of sparse matrices and one of dense matrices");
  TL_CHECK(a->ndim == 3 && b->ndim == 3 && a->size(0) == b->size(0) && a->size(2) == b->size(1), "bmm: shapes ", to_string(a->size_span()), " and ",
           to_string(b->size_span()), " cannot be multiplied");
  const SparseParts& p = parts_of(a, "bmm");
  TL_CHECK(p.dense_dim() == 0, "bmm: a batch of sparse matrices must have 3 sparse dimensions, but got ", p.sparse_dim());
  const int64_t batch = a->size(0), n = a->size(1), m = a->size(2), width = b->size(2), nnz = p.nnz();
  const int64_t sizes[2] = {batch * n, batch * m}, shape[2] = {2, nnz};
  Tensor indices = empty(Sizes(shape, 2), DType::Int64);
  const int64_t* from = p.indices.ptr<int64_t>();
  for (int64_t i = 0; i < nnz; ++i) {
    indices.ptr<int64_t>()[i] = from[i] * n + from[nnz + i];
    indices.ptr<int64_t>()[nnz + i] = from[i] * m + from[2 * nnz + i];
  }
  const Tensor matrix = make_sparse(indices, p.values, Sizes(sizes, 2), p.coalesced);
  const tl::Tensor out = product("bmm", matrix.get(), tl::call<"reshape">(c.value(1), Dims{batch * m, width}).get());
  c.ret(tl::call<"reshape">(out, Dims{batch, n, width}));
}

TL_OPS(sparse_products) {
  on_sparse<mm>("mm");
  on_sparse<mv>("mv");
  on_sparse<matmul>("matmul");
  on_sparse<addmm>("addmm");
  on_sparse<bmm>("bmm");
}

}  // namespace
}  // namespace tallow
