// The losses of one prediction and one target per element: value and slope, compiled per instruction set.
#pragma once
#include <tallow/loops.hpp>

namespace tallow_nn {

// By their formulas in element_loops.cpp.
enum class ElementLoss { Squared, Smooth, Huber, Binary, BinaryLogits, SoftMargin };
constexpr int kElementLosses = 6;

// p: where a loss turns linear. Pointers to n elements.
template <class T>
struct ElementPasses {
  double (*sum)(const T* x, const T* t, T p, int64_t n);
  void (*each)(const T* x, const T* t, T p, T* out, int64_t n);
  // out = d loss / d x, times one number (g null) or element by element.
  void (*slope)(const T* x, const T* t, T p, const T* g, T scale, T* out, int64_t n);
};
struct ElementLoops {
  ElementPasses<float> in_float[kElementLosses];
  ElementPasses<double> in_double[kElementLosses];
};
TL_LOOPS(ElementLoops, element_loops)

}  // namespace tallow_nn
