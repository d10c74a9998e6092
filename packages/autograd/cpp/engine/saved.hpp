// Values that a node keeps for its backward.
//
// An input is kept as it is; a result is kept as an alias without history, or the node would own itself. The version of
// the memory is noted, so that a write in place between forward and backward is found. Where the host has set hooks
// (saved_tensors_hooks), what is kept is what the pack hook gave.
#pragma once
#include "engine/hooks.hpp"
#include "engine/node.hpp"

namespace tl::autograd {

struct Packed {  // behind TlValue.ptr where flags is kPacked
  ObjectRef unpack;
  Edge edge;  // the history of an input, owned; results have none
  ~Packed() {
    if (edge.node) edge.node->release();
  }
};
enum : uint16_t { kPacked = 1, kTensors = 2 };  // TlValue.flags inside a node; kTensors: a saved list of tensors

enum class SavedAs : uint8_t { Input, Result, Original };  // Original: a copy of what is written in place

void save_tensor(TlTensor t, SavedAs as, TlValue& to, int64_t& version);
// Fails if the tensor was written since; `self` names the node in the message.
void check_version(TlTensor t, int64_t version, const Edge& from);
// history: of results and originals, which the node that unpacks knows; with_graph: whether it is wanted at all.
Tensor unpack_tensor(const TlValue& v, SavedAs as, int64_t version, bool with_graph, const Edge& history);
void release_saved_value(TlValue& v);
// A copy that does not depend on the caller's memory.
TlValue own_value(const TlValue& v);

// The stack of pack hooks of this thread: each takes a tensor and returns a Function that gives it back.
void push_saved_hooks(TlObject pack);
void pop_saved_hooks();
void disable_saved_hooks(const std::string& message);  // "" allows them again
std::string saved_hooks_disabled();

}  // namespace tl::autograd
