// Settings and statistics of the core, as ops: that is how they reach Python, and hosts without Python.
#include "memory/allocator.hpp"
#include "ops/family.hpp"
#include "ops/linalg/blas.hpp"
#include "ops/random/generator.hpp"
#include "vec/crc32.hpp"
#include "vec/isa.hpp"

namespace tallow {
namespace {

void get_num_threads(tl::Call& c) { c.ret_int(num_threads()); }
void set_threads(tl::Call& c) {
  TL_CHECK(c.integer(0) > 0, "set_num_threads expects a positive integer, got ", c.integer(0));
  set_num_threads(static_cast<int>(c.integer(0)));
}
void get_default_dtype(tl::Call& c) {
  c.raw()->rets[0].tag = TL_DTYPE;
  c.raw()->rets[0].i = code(default_dtype());
}
void set_default(tl::Call& c) { set_default_dtype(static_cast<DType>(c.integer(0))); }
void memory_stats(tl::Call& c) {
  const memory::Stats s = memory::stats();
  const int64_t v[] = {s.allocated, s.allocated_peak, s.cached, s.cache_limit, s.system_allocs};
  c.ret_ints(v);
}
void empty_cache(tl::Call&) { memory::empty_cache(); }
void reset_peak(tl::Call&) { memory::reset_peak(); }
void set_cache_limit(tl::Call& c) { memory::set_cache_limit(c.integer(0)); }
void crc32(tl::Call& c) {
  const auto bytes = c.tensor(0);
  TL_CHECK(bytes.dtype() == TL_UINT8 && bytes.ndim() == 1 && bytes.strides()[0] == 1, "crc32 expects a flat uint8 tensor");
  c.ret_int(vec::crc32(static_cast<uint32_t>(c.integer(1)), bytes.data(), static_cast<size_t>(bytes.numel())));
}
void cpu_capability(tl::Call& c) { c.ret_string(isa_name(current_isa())); }
void set_blas_path(tl::Call& c) { blas::set_library_path(std::string(c.string(0)).c_str()); }
void promote_types(tl::Call& c) {
  c.raw()->rets[0].tag = TL_DTYPE;
  c.raw()->rets[0].i = code(promote(static_cast<DType>(c.integer(0)), static_cast<DType>(c.integer(1))));
}
void can_cast_types(tl::Call& c) { c.ret_bool(can_cast(static_cast<DType>(c.integer(0)), static_cast<DType>(c.integer(1)))); }

}  // namespace

TL_OPS(runtime) {
  const uint32_t hidden = TL_OP_HIDDEN | kNoGrad;
  tl::composite<get_num_threads>("runtime::get_num_threads() -> int", hidden);
  tl::composite<set_threads>("runtime::set_num_threads(int n) -> ()", hidden);
  tl::composite<get_default_dtype>("runtime::get_default_dtype() -> dtype", hidden);
  tl::composite<set_default>("runtime::set_default_dtype(dtype d) -> ()", hidden);
  tl::composite<memory_stats>("runtime::memory_stats() -> int[]", hidden);
  tl::composite<empty_cache>("runtime::empty_cache() -> ()", hidden);
  tl::composite<reset_peak>("runtime::reset_peak_memory() -> ()", hidden);
  tl::composite<set_cache_limit>("runtime::set_cache_limit(int bytes) -> ()", hidden);
  tl::composite<crc32>("runtime::crc32(Tensor bytes, int start=0) -> int", hidden);
  tl::composite<cpu_capability>("runtime::cpu_capability() -> str", hidden);
  tl::composite<set_blas_path>("runtime::set_blas_path(str path) -> ()", hidden);
  tl::composite<promote_types>("promote_types(dtype type1, dtype type2) -> dtype", kNoGrad);
  tl::composite<can_cast_types>("can_cast(dtype from_, dtype to) -> bool", kNoGrad);
}

}  // namespace tallow
