#include "norm/norm.hpp"

#include "ops.hpp"

namespace tallow_nn {

void register_norm() {
  register_batch_norm();
  register_group_norm();
  register_layer_norm();
}

}  // namespace tallow_nn
