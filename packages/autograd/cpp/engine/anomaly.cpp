#include "engine/anomaly.hpp"

#include "engine/engine.hpp"
#include "engine/hooks.hpp"

namespace tl::autograd {
namespace {

std::atomic<bool> g_enabled{false};
std::atomic<bool> g_check_nan{false};
std::mutex g_mutex;
TlObject g_trace = nullptr;
thread_local std::string t_explanation;

}  // namespace

bool anomaly_enabled() { return g_enabled.load(std::memory_order_acquire); }
bool anomaly_checks_nan() { return g_check_nan.load(std::memory_order_relaxed); }

void set_anomaly(bool enabled, bool check_nan, TlObject trace) {
  ObjectRef old;  // dropped after the lock
  std::lock_guard lock(g_mutex);
  if (trace) {
    old = ObjectRef::steal(g_trace);
    api()->object_retain(trace);
    g_trace = trace;
  }
  g_check_nan.store(enabled && check_nan, std::memory_order_relaxed);
  g_enabled.store(enabled, std::memory_order_release);
}

void attach_trace(Node& n) {
  if (__builtin_expect(!anomaly_enabled(), 1)) return;
  ObjectRef trace;
  {
    std::lock_guard lock(g_mutex);
    trace = ObjectRef::share(g_trace);
  }
  if (!trace) return;
  Results<1> r;
  check(api()->object_call(trace.get(), nullptr, 0, r.v, 1));
  NodeExtra& extra = n.make_extra();
  if (r.v[0].tag == TL_STRING) extra.trace.assign(r.v[0].string, r.v[0].len);
  if (const Node* parent = current_node())
    if (const NodeExtra* p = parent->extra())
      extra.parent_trace = "This node was made by the backward of " + parent->name() + ", whose forward call was:\n" + p->trace;
}

void check_nan(const Node& n, uint32_t index, const Tensor& gradient) {
  if (gradient.device().type != TL_CPU) return;
  const Tensor any = call<"any">(call<"isnan">(gradient.is_sparse() ? call<"_values">(gradient) : gradient));
  if (*any.data<bool>())
    throw Error(TL_RUNTIME_ERROR, "Function '" + n.name() + "' returned nan values in its " + std::to_string(index) + "th output.");
}

Error explain(const Node& n, const Error& e) {
  std::string text = "Error detected in " + n.name() + ". ";
  const NodeExtra* extra = n.extra();
  if (extra && !extra->trace.empty()) {
    text += "Traceback of forward call that caused the error:\n" + extra->trace;
    if (!extra->parent_trace.empty()) text += "\n" + extra->parent_trace;
  } else {
    text += "No forward pass information available. Enable detect anomaly during forward pass for more information.";
  }
  if (t_explanation.empty()) t_explanation = text;
  if (e.kind() == TL_HOST_ERROR || std::string_view(e.what()).find("Error detected in ") != std::string_view::npos) return e;
  return Error(e.kind(), std::string(e.what()) + "\n" + text);
}

std::string take_last_explanation() { return std::exchange(t_explanation, {}); }

}  // namespace tl::autograd
