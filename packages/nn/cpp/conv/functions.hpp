// conv1d .. conv3d and their transposes, in terms of nn::convolution and its gradients.
#pragma once

namespace tallow_nn {
void register_conv_functions();
}
