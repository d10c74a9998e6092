// Anomaly mode: every node remembers where its op was called, and errors and NaNs of backward name that place.
#pragma once
#include "engine/node.hpp"

namespace tl::autograd {

bool anomaly_enabled();
bool anomaly_checks_nan();
// `trace`: a Function of the host without arguments that gives the current call stack as a string.
void set_anomaly(bool enabled, bool check_nan, TlObject trace);

void attach_trace(Node& n);  // nothing where the mode is off
void check_nan(const Node& n, uint32_t index, const Tensor& gradient);
// The error with the node's name and trace; what was last explained on this thread stays in last_explanation().
Error explain(const Node& n, const Error& e);
std::string take_last_explanation();

}  // namespace tl::autograd
