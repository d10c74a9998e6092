// Losses, a file for each kind.
#include "loss/loss.hpp"

#include "loss/element.hpp"
#include "ops.hpp"

namespace tallow_nn {

void register_loss() {
  loss::register_element();
  loss::register_pointwise();
  loss::register_pairs();
  loss::register_nll();
  loss::register_cross_entropy();
  loss::register_margin();
  loss::register_ctc();
}

}  // namespace tallow_nn
