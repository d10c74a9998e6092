// twice(x) = x + x as a C++ extension of Tallow.
#include <tallow/tallow.hpp>

static void twice(tl::Call& c) { c.ret(tl::call<"add">(c.tensor(0), c.tensor(0))); }

TL_EXTENSION(bench_twice) { tl::composite<twice>("bench::twice(Tensor self) -> Tensor"); }
