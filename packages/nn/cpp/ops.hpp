// What each family of nn's ops offers to extension.cpp.
#pragma once

namespace tallow_nn {
void register_activation();
void register_attention();
void register_conv();
void register_dropout();
void register_linear();
void register_loss();
void register_norm();
void register_pooling();
void register_rnn();
void register_sparse();
void register_utils();
void register_vision();
}  // namespace tallow_nn
