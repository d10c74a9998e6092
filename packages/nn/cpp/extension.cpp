// libtallow_nn: the neural ops, kernels and gradients side by side, registered through the public ABI.
#include <tallow/tallow.hpp>

#include "ops.hpp"

TL_EXTENSION(tallow_nn) {
  using namespace tallow_nn;
  register_activation();
  register_attention();
  register_conv();
  register_dropout();
  register_linear();
  register_loss();
  register_norm();
  register_pooling();
  register_rnn();
  register_sparse();
  register_utils();
  register_vision();
}
