// What ran and for how long. While a thread records, its keys include Profiler, the highest of all, whose fallback notes
// the time around each op: one registration, and nothing to pay while nobody records.
#include <chrono>

#include "ops/family.hpp"

namespace tallow {
namespace {

const int kKey = Registry::get().key("Profiler", 60);
const TlKeySet kProfiler = TlKeySet{1} << kKey;

struct Event {
  std::string name, shapes;
  int64_t begin, end, depth;
};
struct Recorder {
  std::vector<Event> events;
  int64_t depth = 0;
  bool shapes = false;
};
Recorder& recorder() {
  thread_local Recorder r;
  return r;
}

int64_t now() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}
bool is_recording() { return thread_keys().included & kProfiler; }

size_t begin(std::string name, std::string shapes = {}) {
  Recorder& r = recorder();
  r.events.push_back({std::move(name), std::move(shapes), now(), 0, r.depth++});
  return r.events.size() - 1;
}
void end(size_t event) {
  Recorder& r = recorder();
  if (event < r.events.size() && !r.events[event].end) r.events[event].end = now(), --r.depth;
}

std::string shapes_of(const TlCall* c) {
  std::string text = "[";
  for (uint32_t i = 0; i < c->nargs; ++i) {
    const TlValue& v = c->args[i];
    text += i ? ", " : "";
    text += v.tag == TL_TENSOR ? to_string(v.tensor->size_span()) : "[]";
  }
  return text + "]";
}

TlStatus record(TlCall* c) {
  const TlKeySet below = c->keys & ~kProfiler;
  const Schema& schema = c->op->schema;
  if (schema.ns == "profiler") return redispatch(c->op, below, c->args, c->rets);
  const size_t event = begin(schema.ns.empty() ? schema.name : schema.ns + "::" + schema.name, recorder().shapes ? shapes_of(c) : "");
  const TlStatus status = redispatch(c->op, below, c->args, c->rets);
  end(event);
  return status;
}

// ---------------------------------------------------------------- ops
void start(tl::Call& c) {
  recorder() = Recorder{{}, 0, c.boolean(0)};
  thread_keys().included |= kProfiler;
}
void stop(tl::Call& c) {
  thread_keys().included &= ~kProfiler;
  Recorder done = std::exchange(recorder(), Recorder{});
  const tl::Tensor times(empty(std::vector<int64_t>{static_cast<int64_t>(done.events.size()), 3}, DType::Int64, TlDevice{TL_CPU, -1}));
  auto* t = times.data<int64_t>();
  std::string names, shapes;
  const int64_t last = now();
  for (const Event& e : done.events) {
    *t++ = e.begin, *t++ = e.end ? e.end : last, *t++ = e.depth;
    names += e.name + '\n', shapes += e.shapes + '\n';
  }
  c.ret(times);
  c.ret_string(names, 1);
  c.ret_string(shapes, 2);
}
void enter(tl::Call& c) { c.ret_int(is_recording() ? static_cast<int64_t>(begin(std::string(c.string(0)))) : -1); }
void leave(tl::Call& c) {
  if (is_recording() && c.integer(0) >= 0) end(static_cast<size_t>(c.integer(0)));
}

}  // namespace

TL_OPS(profiler) {
  const uint32_t hidden = TL_OP_HIDDEN | kNoGrad;
  tl::composite<start>("profiler::start(bool shapes=False) -> ()", hidden);
  tl::composite<stop>("profiler::stop() -> (Tensor times, str names, str shapes)", hidden);
  tl::composite<enter>("profiler::enter(str name) -> int", hidden);
  tl::composite<leave>("profiler::leave(int event) -> ()", hidden);
  tl::check(tl::api()->key_fallback(kKey, record, nullptr));
}

}  // namespace tallow
