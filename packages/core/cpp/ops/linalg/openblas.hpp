// OpenBLAS, opened at run time from the scipy-openblas32 package.
//
// It is always called with one thread, on pieces that we cut: on several it splits sums by their number and the bits of
// a result would depend on it.
#pragma once
#include <cstdint>

namespace tallow::blas {

// Where to look first, the library or its folder. To be called before the first use; later calls have no effect.
void set_library_path(const char* path);

// The address of `scipy_<name>`, or null if the library or the symbol is missing. LAPACK names end in "_".
void* openblas_symbol(const char* name);
// Likewise, but raises RuntimeError with what was tried.
void* require_openblas_symbol(const char* name);

template <class F>
F* openblas_function(const char* name) { return reinterpret_cast<F*>(openblas_symbol(name)); }

// "SkylakeX" and the like; null without the library.
const char* openblas_core_name();

}  // namespace tallow::blas
