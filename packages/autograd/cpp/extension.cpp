// The library's entry point: rules for core's ops, the ops that rules and the host need, and the recorder on the
// Autograd key. It stands on the ABI alone.
#include "engine/record.hpp"
#include "helpers/helpers.hpp"
#include "interface/interface.hpp"
#include "rules/rules.hpp"
#include "tallow/tallow.hpp"

TL_EXTENSION(tallow_autograd) {
  using namespace tl::autograd;
  register_helpers();
  register_rules();
  register_backward_ops();
  register_tensor_ops();
  register_node_ops();
  register_function_ops();
  install_recorder();
}
