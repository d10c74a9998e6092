// Recording: what happens when an op is called with arguments that require grad.
#pragma once
#include "engine/node.hpp"

namespace tl::autograd {

// Takes over the Autograd key: every op on it goes through the recorder from here on.
void install_recorder();

}  // namespace tl::autograd
