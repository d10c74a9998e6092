// Compiled once per instruction set.
#include "ops/pointwise/cast_loops.hpp"

namespace tallow::TL_ISA_NS {
namespace {

template <class From>
void fill_row(CastFn* row) {
#define TL_TO(E, T) row[static_cast<int>(DType::E)] = cast_loop<From, T>;
  TL_FORALL_DTYPES(TL_TO)
  // The storage-only types convert to and from float and int64 alone; the engine goes through those.
  if constexpr (std::is_same_v<From, float> || std::is_same_v<From, int64_t> || std::is_same_v<From, double>) {
    TL_FORALL_STORAGE_DTYPES(TL_TO)
  }
#undef TL_TO
}

template <class From>
void fill_storage_row(DType from, CastFn* row) {
  row[static_cast<int>(DType::Float32)] = cast_loop<From, float>;
  row[static_cast<int>(DType::Float64)] = cast_loop<From, double>;
  row[static_cast<int>(DType::Int64)] = cast_loop<From, int64_t>;
  row[static_cast<int>(from)] = cast_loop<From, From>;
}

struct Holder {
  CastTable table{};
  Holder() {
#define TL_FROM(E, T) fill_row<T>(table[static_cast<int>(DType::E)]);
    TL_FORALL_DTYPES(TL_FROM)
#undef TL_FROM
#define TL_FROM(E, T) fill_storage_row<T>(DType::E, table[static_cast<int>(DType::E)]);
    TL_FORALL_STORAGE_DTYPES(TL_FROM)
#undef TL_FROM
  }
};

}  // namespace

const CastTable* cast_table() {
  static const Holder h;
  return &h.table;
}

}  // namespace tallow::TL_ISA_NS
