// The smallest extension; macros make it fail in the ways that the tests name.
#include <stdexcept>

#include <tallow/tallow.hpp>

#if defined(NO_ENTRY_POINT)
extern "C" TL_EXPORT int something_else() { return 0; }
#else
static void same(tl::Call& c) { c.ret(c.tensor(0)); }

TL_EXTENSION(refused_example) {
#if defined(THROWS)
  throw std::runtime_error("the licence key is missing");
#elif defined(BAD_SCHEMA)
  tl::composite<same>("refused::same(Tensor self -> Tensor");
#elif defined(UNRESOLVED)
  extern void tl_symbol_of_nobody();
  tl_symbol_of_nobody();
#endif
  tl::composite<same>("refused::same(Tensor self) -> Tensor");
}
#endif
