#include "engine/engine.hpp"

#include <cstdint>

#include "engine/anomaly.hpp"
#include "engine/hooks.hpp"
#include "engine/meta.hpp"

namespace tl::autograd {
namespace {

thread_local Node* t_current = nullptr;
thread_local Task* t_task = nullptr;
std::atomic<uint64_t> g_tasks{0};

template <class T>
struct Within {  // sets a thread's variable for a scope
  Within(T& place, T value) : place(place), before(std::exchange(place, value)) {}
  ~Within() { place = before; }
  T& place;
  T before;
};

// Grad mode of the formulas: they are recorded only for create_graph.
class GradMode {
 public:
  explicit GradMode(bool on) : before_(api()->keys_excluded()) {
    const TlKeySet bit = TlKeySet{1} << TL_KEY_AUTOGRAD;
    api()->keys_set_excluded(on ? before_ & ~bit : before_ | bit);
  }
  ~GradMode() { api()->keys_set_excluded(before_); }

 private:
  TlKeySet before_;
};

// Gradients of leaves are accumulated as soon as they are complete: what listens to them can start early.
uint64_t order_of(const Node* n) { return n->kind() == NodeKind::Accumulate ? UINT64_MAX : n->sequence(); }

// Handles that are dropped whatever happens.
class Handles {
 public:
  explicit Handles(uint32_t n) : n_(n), p_(n <= kInline ? inline_ : new TlTensor[n]) { std::fill_n(p_, n, nullptr); }
  ~Handles() {
    for (uint32_t i = 0; i < n_; ++i)
      if (p_[i]) api()->tensor_release(p_[i]);
    if (p_ != inline_) delete[] p_;
  }
  TlTensor& operator[](uint32_t i) { return p_[i]; }
  TlTensor* data() { return p_; }

 private:
  static constexpr uint32_t kInline = 4;
  uint32_t n_;
  TlTensor* p_;
  TlTensor inline_[kInline];
};

}  // namespace

Node* current_node() { return t_current; }
Task* Task::current() { return t_task; }
Task::Task(bool keep_graph, bool create_graph)
    : id(g_tasks.fetch_add(1, std::memory_order_relaxed)), keep_graph(keep_graph), create_graph(create_graph) {}

bool Task::involves(Node* n) const {
  const TaskState* s = nullptr;
  if (n->owner_.load(std::memory_order_relaxed) == this) s = &n->state_;
  else if (auto it = elsewhere_.find(n); it != elsewhere_.end()) s = &it->second;
  return s && (!selective_ || s->needed);
}

Tensor zeros(const InputInfo& like) {
  Tensor t = empty(like.sizes(), like.dtype(), like.device());
  call<"zero_">(t);
  return t;
}

Tensor sum_of(const Tensor& a, const Tensor& b) {
  return a.is_sparse() && !b.is_sparse() ? call<"add">(b, a) : call<"add">(a, b);
}

Tensor fit_gradient(const Node& from, uint32_t index, const InputInfo& wanted, Tensor gradient) {
  TlTensorInfo i;
  i.struct_size = sizeof i;
  api()->tensor_info(gradient.get(), &i);
  const Sizes want = wanted.sizes();
  if (static_cast<size_t>(i.ndim) != want.size() || !std::equal(want.begin(), want.end(), i.sizes)) {
    const auto n = static_cast<int64_t>(want.size());
    bool fits = i.ndim >= n;
    for (int64_t d = 1; fits && d <= n; ++d) fits = want[static_cast<size_t>(n - d)] == i.sizes[i.ndim - d] || want[static_cast<size_t>(n - d)] == 1;
    if (!fits)
      throw Error(TL_RUNTIME_ERROR, "Function " + from.name() + " returned an invalid gradient at index " + std::to_string(index) + " - got " +
                                        to_string(Sizes(i.sizes, static_cast<size_t>(i.ndim))) + " but expected shape compatible with " +
                                        to_string(want));
    gradient = call<"autograd::sum_to_size">(gradient, want);
  }
  if (i.dtype != wanted.dtype()) {
    if (i.dtype < TL_FLOAT16 || !differentiable(i.dtype))
      throw Error(TL_RUNTIME_ERROR, "Function " + from.name() + " returned an invalid gradient at index " + std::to_string(index) +
                                        ": expected a floating-point or complex dtype");
    const bool from_complex = i.dtype == TL_COMPLEX64 || i.dtype == TL_COMPLEX128;
    const bool to_complex = wanted.dtype() == TL_COMPLEX64 || wanted.dtype() == TL_COMPLEX128;
    if (from_complex && !to_complex) gradient = call<"real">(gradient);
    if (gradient.dtype() != wanted.dtype()) gradient = call<"_to_copy">(gradient, kw("dtype", Dtype{wanted.dtype()}));
  }
  return gradient;
}

// ---------------------------------------------------------------- state of nodes
TaskState& Task::state(Node* n) {
  if (n->owner_.load(std::memory_order_relaxed) == this) return n->state_;
  return elsewhere_[n];
}

bool Task::claim(Node* n) {
  // A node that another run had when this one first came by stays elsewhere, also when that run has let go since.
  if (!elsewhere_.empty() && elsewhere_.contains(n)) return false;
  Task* nobody = nullptr;
  if (n->owner_.compare_exchange_strong(nobody, this, std::memory_order_acq_rel)) {
    n->state_ = TaskState{};
    return true;
  }
  if (nobody == this) return false;
  return elsewhere_.try_emplace(n).second;
}

void Task::finish(Node* n, TaskState& s) {
  if (s.one) api()->tensor_release(std::exchange(s.one, nullptr));
  if (s.many) {
    for (uint32_t i = 0; i < n->num_inputs(); ++i)
      if (s.many[i]) api()->tensor_release(s.many[i]);
    delete[] std::exchange(s.many, nullptr);
  }
  ++finished_;
  if (n->owner_.load(std::memory_order_relaxed) == this) n->owner_.store(nullptr, std::memory_order_release);
}

Task::~Task() {
  if (finished_ == visited_.size()) return;
  for (Node* n : visited_) {
    const bool mine = n->owner_.load(std::memory_order_relaxed) == this;
    if (mine) finish(n, n->state_);
    else if (auto it = elsewhere_.find(n); it != elsewhere_.end()) finish(n, it->second), elsewhere_.erase(it);
  }
}

// ---------------------------------------------------------------- before the run
void Task::visit(Node* n) {
  if (claim(n)) visited_.push_back(n);
}

void Task::discover(std::span<const Root> roots) {
  for (const Root& r : roots) visit(r.edge.node);
  for (size_t at = 0; at < visited_.size(); ++at) {
    Node* n = visited_[at];
    const Edge* edges = n->edges();
    for (uint32_t i = 0; i < n->num_edges(); ++i) {
      if (!edges[i].node) continue;
      visit(edges[i].node);
      ++state(edges[i].node).dependencies;
    }
  }
}

// Marks every node from which something that was asked for can be reached: depth first, children before parents.
void Task::select(std::span<const Root> roots, std::span<Capture> captures, std::span<const Edge> accumulate) {
  std::unordered_map<Node*, bool> known;  // whether in the graph of this run, and done
  for (Node* n : visited_) known[n] = false;
  auto mark = [&](const Edge& e) {
    if (auto it = known.find(e.node); it != known.end()) state(e.node).needed = true;
  };
  for (const Capture& c : captures) mark(c.edge);
  for (const Edge& e : accumulate) mark(e);
  std::vector<std::pair<Node*, uint32_t>> stack;
  for (const Root& r : roots) {
    if (known[r.edge.node]) continue;
    known[r.edge.node] = true;
    stack.emplace_back(r.edge.node, 0);
    while (!stack.empty()) {
      auto& [n, next] = stack.back();
      if (next < n->num_edges()) {
        Node* child = n->edges()[next++].node;
        if (child && !std::exchange(known[child], true)) stack.emplace_back(child, 0);
        continue;
      }
      bool needed = false;
      for (uint32_t i = 0; i < n->num_edges(); ++i)
        if (n->edges()[i].node) needed |= state(n->edges()[i].node).needed;
      if (needed) state(n).needed = true;
      stack.pop_back();
    }
  }
}

// ---------------------------------------------------------------- the run
void Task::push(Node* n) {
  heap_.push_back({order_of(n), n});
  std::push_heap(heap_.begin(), heap_.end());
}

void Task::receive(Node* n, uint32_t nr, TaskState& s, Tensor gradient) {
  TlTensor* place = &s.one;
  if (n->num_inputs() != 1) {
    if (!s.many) s.many = new TlTensor[n->num_inputs()]();
    place = &s.many[nr];
  }
  if (!*place) {
    *place = gradient.take();
    s.summed = false;
    return;
  }
  const Tensor before = Tensor::steal(std::exchange(*place, nullptr));
  if (s.summed && n->num_inputs() == 1 && !create_graph && api()->tensor_use_count(before.get()) == 1 &&
      before.is_sparse() <= gradient.is_sparse()) {
    call<"add_">(before, gradient);
    *place = Tensor(before).take();
    return;
  }
  *place = sum_of(before, gradient).take();
  s.summed = true;
}

void Task::execute(Node* n) {
  TaskState& s = state(n);
  const uint32_t inputs = n->num_inputs();
  TlTensor* grads = inputs == 1 ? &s.one : s.many ? s.many : (s.many = new TlTensor[inputs]());
  NodeExtra* extra = n->extra();
  if (__builtin_expect(extra != nullptr, 0)) {
    for (const Hook& h : extra->hooks(HookKind::Tensor)) {
      if (!grads[h.nr]) continue;
      if (Tensor changed = call_tensor_hook(h, grads[h.nr])) {
        if (n->input(h.nr).known()) changed = fit_gradient(*n, h.nr, n->input(h.nr), std::move(changed));
        api()->tensor_release(std::exchange(grads[h.nr], changed.take()));
      }
    }
    for (auto& [nr, slot] : extra->retained())
      if (grads[nr]) {
        const Tensor g = Tensor::share(grads[nr]);
        const Tensor before = slot->load();
        slot->store(!before ? (create_graph ? g : call<"clone">(g)) : sum_of(before, g));
      }
  }
  for (Capture& c : captures_)
    if (c.edge.node == n && grads[c.edge.nr]) c.gradient = Tensor::share(grads[c.edge.nr]);
  if (selective_) {
    // An input itself ends the run here, unless something behind it was asked for too.
    bool go_on = n->kind() == NodeKind::Accumulate && s.needed;
    for (uint32_t i = 0; i < n->num_edges() && !go_on; ++i) go_on = needs(n->edges()[i]);
    for (const Capture& c : captures_) go_on &= !(c.edge.node == n && n->kind() == NodeKind::Accumulate);
    if (!go_on) {
      Handles nothing(n->num_edges());
      finish(n, s);
      deliver(n, nothing.data());
      return;
    }
  }
  if (__builtin_expect(extra != nullptr, 0)) {
    for (const Hook& h : extra->hooks(HookKind::Pre)) {
      std::vector<Tensor> list;
      for (uint32_t i = 0; i < inputs; ++i) list.push_back(Tensor::share(grads[i]));
      if (!call_list_hook(h, list, nullptr, "a prehook of a node")) continue;
      for (uint32_t i = 0; i < inputs; ++i) {
        TlTensor old = std::exchange(grads[i], list[i].take());
        if (old) api()->tensor_release(old);
      }
    }
  }
  Handles out(n->num_edges());
  n->apply(grads, out.data(), *this);
  if (!keep_graph) n->release_saved();
  if (__builtin_expect(extra != nullptr, 0)) {
    for (const Hook& h : extra->hooks(HookKind::Post)) {
      std::vector<Tensor> given, made;
      for (uint32_t i = 0; i < inputs; ++i) given.push_back(Tensor::share(grads[i]));
      for (uint32_t i = 0; i < n->num_edges(); ++i) made.push_back(Tensor::share(out[i]));
      if (!call_list_hook(h, made, &given, "a hook of a node")) continue;
      for (uint32_t i = 0; i < n->num_edges(); ++i) {
        TlTensor old = std::exchange(out[i], made[i].take());
        if (old) api()->tensor_release(old);
      }
    }
  }
  finish(n, s);
  deliver(n, out.data());
}

void Task::deliver(Node* n, TlTensor* out) {
  const Edge* edges = n->edges();
  for (uint32_t i = 0; i < n->num_edges(); ++i) {
    Node* to = edges[i].node;
    if (!to) continue;
    TaskState& s = state(to);
    if (out[i]) {
      Tensor g = Tensor::steal(std::exchange(out[i], nullptr));
      const InputInfo& wanted = to->input(edges[i].nr);
      if (wanted.known()) g = fit_gradient(*n, i, wanted, std::move(g));
      if (anomaly_checks_nan()) check_nan(*n, i, g);
      receive(to, edges[i].nr, s, std::move(g));
    }
    if (--s.dependencies == 0) push(to);
  }
}

void Task::run(std::span<Root> roots, std::span<Capture> captures, std::span<const Edge> accumulate, bool selective) {
  const GradMode mode(create_graph);
  const Within<Task*> task(t_task, this);
  const Within<Node*> node(t_current, nullptr);
  captures_ = captures;
  discover(roots);
  selective_ = selective;
  if (selective) select(roots, captures, accumulate);
  for (Root& r : roots) receive(r.edge.node, r.edge.nr, state(r.edge.node), std::move(r.gradient));
  for (size_t i = 0; i < roots.size(); ++i) {
    Node* n = roots[i].edge.node;
    bool first = true;
    for (size_t j = 0; j < i; ++j) first &= roots[j].edge.node != n;
    if (first && state(n).dependencies == 0) push(n);
  }
  while (!heap_.empty()) {
    std::pop_heap(heap_.begin(), heap_.end());
    Node* n = heap_.back().node;
    heap_.pop_back();
    t_current = n;
    try {
      execute(n);
    } catch (Error& e) {
      if (!anomaly_enabled()) throw;
      throw explain(*n, e);
    }
  }
}

}  // namespace tl::autograd
