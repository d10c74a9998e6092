// Gradient rules of core's ops, in one table per family. The language is described in language/ast.hpp.
//
// The engine itself sums over broadcast dimensions, casts to the argument's dtype and drops the imaginary part of the
// gradient of a real argument: rules need not. Formulas of complex functions follow the convention of conjugate
// Wirtinger derivatives (grad is dL/d conj(z)).
#pragma once
#include <span>

#include "tallow/tallow.hpp"

namespace tl::autograd {

struct GradientRule {
  const char* op;
  const char* text;
};

inline void set_rules(std::span<const GradientRule> rules) {
  for (const GradientRule& r : rules) check(api()->op_set_rule(r.op, "grad", nullptr, r.text));
}

void pointwise_rules();
void reduce_rules();
void cumulative_rules();
void shape_rules();
void index_rules();
void fft_rules();
void linalg_rules();
void sort_rules();
void special_rules();
void sparse_rules();

inline void register_rules() {
  pointwise_rules(), reduce_rules(), cumulative_rules(), shape_rules();
  index_rules(), fft_rules(), linalg_rules(), sort_rules(), special_rules(), sparse_rules();
}

}  // namespace tl::autograd
