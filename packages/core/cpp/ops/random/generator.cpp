#include "ops/random/generator.hpp"

#include "dispatch/structured.hpp"

namespace tallow {

TlGeneratorImpl* default_generator() {
  static TlGeneratorImpl* g = [] {
    auto* made = new TlGeneratorImpl;
    made->device = {TL_CPU, -1};
    return made;
  }();
  return g;
}

void release_generator(TlGenerator g) { g->release(); }

}  // namespace tallow
