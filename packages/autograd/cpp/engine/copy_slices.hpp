// The history of a tensor after one of its views was written in place: the gradient of the written part goes through the
// op that wrote it, the rest through the history from before.
#pragma once
#include "engine/meta.hpp"

namespace tl::autograd {

// `before`: the history of base until now; taken. `written`: the node of the in-place op, whose edge 0 is the view.
NodeRef copy_slices_node(Edge before, TlTensor base, const Geometry& view, NodeRef written);

}  // namespace tl::autograd
