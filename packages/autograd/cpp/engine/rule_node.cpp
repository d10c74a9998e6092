#include "engine/rule_node.hpp"

#include <cstdlib>
#include <new>

#include "language/evaluate.hpp"

namespace tl::autograd {
namespace {

constexpr const char* kSecondTime =
    "Trying to backward through the graph a second time (or directly access saved tensors after they have already been freed). Saved "
    "intermediate values of the graph are freed when you call .backward() or autograd.grad(). Specify retain_graph=True if you need to "
    "backward through the graph a second time or if you need to access saved tensors after calling backward.";

TlValue attribute_value(const TlValue& v, Attribute what) {
  if (v.tag == TL_TENSOR_LIST) {  // of a list: the list of the elements' attributes
    TlValue out{};
    out.tag = TL_VALUE_LIST, out.len = v.len;
    auto* p = static_cast<TlValue*>(api()->alloc(sizeof(TlValue) * (v.len + 1)));
    for (uint32_t i = 0; i < v.len; ++i) p[i] = attribute_value(pack(v.tensors[i]), what);
    out.values = p;
    return out;
  }
  if (v.tag != TL_TENSOR) {
    TlValue none{};
    if (what == Attribute::IsComplex) return pack(v.tag == TL_COMPLEX);
    if (what == Attribute::Sizes) return own_value(pack(Sizes()));
    if (what == Attribute::Ndim) return pack(int64_t{0});
    if (what == Attribute::Numel) return pack(int64_t{1});
    return none;
  }
  TlTensorInfo i;
  i.struct_size = sizeof i;
  api()->tensor_info(v.tensor, &i);
  switch (what) {
    case Attribute::Sizes: return own_value(pack(Sizes(i.sizes, static_cast<size_t>(i.ndim))));
    case Attribute::Strides: return own_value(pack(Sizes(i.strides, static_cast<size_t>(i.ndim))));
    case Attribute::StorageOffset: return pack(i.storage_offset);
    case Attribute::Dtype: return pack(Dtype{i.dtype});
    case Attribute::Ndim: return pack(i.ndim);
    case Attribute::Numel: return pack(i.numel);
    case Attribute::Device: return pack(i.device);
    case Attribute::IsComplex: return pack(i.dtype == TL_COMPLEX64 || i.dtype == TL_COMPLEX128);
  }
  return {};
}

// Values that are dropped whatever happens.
struct Values {
  explicit Values(size_t n) : n(n), v(n <= 8 ? inline_v : new TlValue[n]) { std::fill_n(v, n, TlValue{}); }
  ~Values() {
    for (size_t i = 0; i < n && i < 64; ++i)
      if (owned >> i & 1) api()->values_release(v + i, 1);
    if (v != inline_v) delete[] v;
  }
  size_t n;
  uint64_t owned = 0;
  TlValue* v;
  TlValue inline_v[8];
};

}  // namespace

// ---------------------------------------------------------------- making
RuleNode::RuleNode(const Plan& plan, uint32_t edges, Edge* place) : Node(NodeKind::Rule, plan.info.nrets, edges, place), plan_(plan) {}

RuleNode* RuleNode::make(const Plan& plan, const TlValue* args) {
  uint32_t edges = 0;
  const size_t n = plan.tensor_args.size();
  for (const uint8_t a : plan.tensor_args) edges += args[a].tag == TL_TENSOR_LIST ? args[a].len : 1;
  const size_t slots = plan.program.slots.size();
  const size_t bytes = sizeof(RuleNode) + edges * sizeof(Edge) + slots * (sizeof(TlValue) + sizeof(int64_t)) +
                       (plan.list_arguments ? n * sizeof(uint16_t) : 0);
  void* memory = std::malloc(bytes);
  if (!memory) throw std::bad_alloc();
  auto* at = static_cast<char*>(memory) + sizeof(RuleNode);
  auto* saved = reinterpret_cast<TlValue*>(at);
  std::fill_n(saved, slots, TlValue{});
  at += slots * sizeof(TlValue);
  auto* place = reinterpret_cast<Edge*>(at);
  std::fill_n(place, edges, Edge{});
  at += edges * sizeof(Edge);
  auto* versions = reinterpret_cast<int64_t*>(at);
  at += slots * sizeof(int64_t);
  auto* node = new (memory) RuleNode(plan, edges, place);
  node->saved_ = saved;
  node->versions_ = versions;
  node->list_lengths_ = nullptr;
  NodeRef owner = NodeRef::steal(node);
  if (plan.list_arguments) {
    node->list_lengths_ = reinterpret_cast<uint16_t*>(at);
    for (size_t i = 0; i < n; ++i) {
      const TlValue& v = args[plan.tensor_args[i]];
      const uint32_t len = v.tag == TL_TENSOR_LIST ? v.len : 1;
      if (len > UINT16_MAX) throw Error(TL_VALUE_ERROR, plan.full_name + ": a list of more than 65535 tensors");
      node->list_lengths_[i] = static_cast<uint16_t>(len);
    }
  }
  uint32_t e = 0;
  auto connect = [&](TlTensor t, uint8_t arg) {
    if (t && requires_grad(t)) {
      node->edges()[e] = gradient_edge(t);
      node->formulas_ |= plan.argument_formulas(arg);
    }
    ++e;
  };
  for (const uint8_t a : plan.tensor_args) {
    const TlValue& v = args[a];
    if (v.tag == TL_TENSOR_LIST)
      for (uint32_t j = 0; j < v.len; ++j) connect(v.tensors[j], a);
    else
      connect(v.tag == TL_TENSOR ? v.tensor : nullptr, a);
  }
  return static_cast<RuleNode*>(owner.take());
}

RuleNode::~RuleNode() {
  for (size_t i = 0; i < plan_.program.slots.size(); ++i) release_saved_value(saved_[i]);
  if (original_.node) original_.node->release();
}

SavedAs RuleNode::kind_of(const Slot& s) const {
  if (s.kind == SlotKind::Result) return SavedAs::Result;
  return plan_.in_place && s.index == 0 ? SavedAs::Original : SavedAs::Input;
}

void RuleNode::save(size_t slot, const TlValue& v, SavedAs as) {
  TlValue& to = saved_[slot];
  if (v.tag == TL_TENSOR) {
    save_tensor(v.tensor, as, to, versions_[slot]);
    special_ |= to.flags != 0 || as == SavedAs::Original;
    holds_tensors_ = true;
  } else if (v.tag == TL_TENSOR_LIST) {
    // The elements, then their versions.
    auto* p = static_cast<TlValue*>(api()->alloc(sizeof(TlValue) * (2 * v.len + 1)));
    std::fill_n(p, 2 * v.len, TlValue{});
    to = {};
    to.tag = TL_VALUE_LIST, to.flags = kTensors, to.len = 2 * v.len, to.values = p;
    for (uint32_t i = 0; i < v.len; ++i) {
      if (!v.tensors[i]) continue;
      int64_t version;
      save_tensor(v.tensors[i], as, p[i], version);
      p[v.len + i] = pack(version);
    }
    special_ = holds_tensors_ = true;
  } else {
    to = own_value(v);
  }
}

void RuleNode::save_arguments(const TlValue* args) {
  const auto& slots = plan_.program.slots;
  for (size_t i = 0; i < slots.size(); ++i) {
    const Slot& s = slots[i];
    if (!(s.formulas & formulas_) || s.kind == SlotKind::Result) continue;
    const TlValue& v = args[s.index];
    if (s.kind == SlotKind::ArgumentAttribute) {
      saved_[i] = attribute_value(v, s.attribute);
    } else if (kind_of(s) == SavedAs::Original) {
      const ExcludeKeys no_grad(TlKeySet{1} << TL_KEY_AUTOGRAD);
      const Tensor copy = call<"clone">(v);
      save(i, pack(copy), SavedAs::Original);
      if (!original_.node) original_ = gradient_edge(v.tensor);
    } else {
      save(i, v, SavedAs::Input);
    }
  }
}

void RuleNode::save_results(const TlValue* rets) {
  const auto& slots = plan_.program.slots;
  for (size_t i = 0; i < slots.size(); ++i)
    if ((slots[i].formulas & formulas_) && slots[i].kind == SlotKind::Result) save(i, rets[slots[i].index], SavedAs::Result);
}

void RuleNode::write_into(Node* slices, const Edge& before, const Geometry& view, const Geometry& base) {
  slices_ = slices;
  if (num_edges() == 0) return;
  Edge old = std::exchange(edges()[0], before);
  if (before.node) before.node->retain();
  if (old.node) old.node->release();
  written_view_ = std::make_unique<std::pair<Geometry, Geometry>>(view, base);
}

// ---------------------------------------------------------------- freeing
bool RuleNode::enter() { return !(users_.fetch_add(2, std::memory_order_acq_rel) & 1); }
void RuleNode::leave() {
  if (users_.fetch_sub(2, std::memory_order_acq_rel) == 3 && !freed_.exchange(true)) free_tensors();
}
void RuleNode::release_saved() {
  if (!holds_tensors_) return;
  if (users_.fetch_or(1, std::memory_order_acq_rel) == 0 && !freed_.exchange(true)) free_tensors();
}
void RuleNode::free_tensors() {
  for (size_t i = 0; i < plan_.program.slots.size(); ++i)
    if (plan_.tensor_slots >> i & 1) release_saved_value(saved_[i]);
}

// ---------------------------------------------------------------- running
const InputInfo* RuleNode::info_of_argument(const void* self, uint8_t argument) {
  const auto* n = static_cast<const RuleNode*>(self);
  uint32_t e = 0;
  for (size_t i = 0; i < n->plan_.tensor_args.size(); ++i) {
    if (n->plan_.tensor_args[i] == argument) break;
    e += n->list_lengths_ ? n->list_lengths_[i] : 1;
  }
  const Edge& edge = n->edges()[e];
  return &edge.node->input(edge.nr);
}

Edge RuleNode::history_of(const Slot& s) {
  if (s.kind == SlotKind::Result) return {this, s.index};
  return original_;
}

TlValue RuleNode::unpack(size_t i, bool with_graph) {
  const Slot& s = plan_.program.slots[i];
  const SavedAs as = kind_of(s);
  const TlValue& v = saved_[i];
  Edge history = history_of(s);
  NodeRef cut;
  if (with_graph && s.kind == SlotKind::Result && slices_ && v.tag == TL_TENSOR && !v.flags) {
    // The result is part of a larger tensor now, whose history is the node that owns this one.
    slices_->retain();
    const Tensor t = Tensor::share(v.tensor);
    TlTensor base;
    const Geometry& g = written_view_->second;
    check(api()->tensor_alias(v.tensor, g.sizes.data(), g.strides.data(), static_cast<int64_t>(g.sizes.size()), g.offset, &base));
    const Tensor owner = Tensor::steal(base);
    cut = as_strided_node({slices_, 0}, base, written_view_->first);
    cut->input(0).set(v.tensor);
    history = {cut.get(), 0};
  }
  if (v.flags & kTensors) {
    const uint32_t n = v.len / 2;
    TlValue out{};
    out.tag = TL_TENSOR_LIST, out.len = n;
    auto* p = static_cast<TlTensor*>(api()->alloc(sizeof(TlTensor) * (n + 1)));
    std::fill_n(p, n, nullptr);
    out.tensors = p;
    try {
      for (uint32_t j = 0; j < n; ++j) {
        const Edge h = s.kind == SlotKind::Result ? Edge{this, j} : history;
        p[j] = unpack_tensor(v.values[j], as, v.values[n + j].i, with_graph, h).take();
      }
    } catch (...) {
      api()->values_release(&out, 1);
      throw;
    }
    return out;
  }
  TlValue out = pack(unpack_tensor(v, as, versions_[i], with_graph, history).take());
  return out;
}

void RuleNode::apply(const TlTensor* grads, TlTensor* out, Task& task) {
  const uint32_t inputs = num_inputs();
  bool any = false;
  for (uint32_t i = 0; i < inputs; ++i) any |= grads[i] != nullptr;
  if (!any) return;
  struct Leave {
    RuleNode* n;
    ~Leave() {
      if (n) n->leave();
    }
  } leave{nullptr};
  if (holds_tensors_) {
    leave.n = this;
    if (!enter()) throw Error(TL_RUNTIME_ERROR, kSecondTime);
  }

  const Program& p = plan_.program;
  uint64_t wanted = 0;
  uint32_t e = 0;
  for (size_t a = 0; a < plan_.tensor_args.size(); ++a) {
    const uint32_t n = list_lengths_ ? list_lengths_[a] : 1;
    for (uint32_t j = 0; j < n; ++j, ++e) {
      if (!task.needs(edges()[e])) continue;
      const int8_t f = plan_.formula_of[plan_.tensor_args[a]];
      if (f < 0)
        throw Error(TL_NOT_IMPLEMENTED_ERROR, "derivative for " + plan_.full_name + " with respect to '" +
                                                  tl::argument(plan_.info, static_cast<uint32_t>(plan_.tensor_args[a])).name + "' is not implemented");
      wanted |= uint64_t{1} << f;
    }
  }

  // The list of all gradients, then each of them.
  Values g(1 + inputs);
  g.v[0].tag = TL_TENSOR_LIST, g.v[0].len = inputs, g.v[0].tensors = grads;
  for (uint32_t i = 0; i < inputs; ++i) g.v[1 + i] = pack(grads[i]);
  Values unpacked(special_ || task.create_graph ? p.slots.size() : 0);
  const TlValue* saved = unpacked.n ? unpacked.v : saved_;
  if (unpacked.n) std::copy_n(saved_, p.slots.size(), unpacked.v);

  for (uint64_t left = wanted; left; left &= left - 1) {
    const Formula& f = p.formulas[static_cast<size_t>(__builtin_ctzll(left))];
    if (f.grads && !f.reads_all_grads && inputs > 1) {
      bool defined = false;
      for (uint32_t i = 0; i < inputs; ++i) defined |= (f.grads >> i & 1) && grads[i];
      if (!defined) continue;
      for (uint32_t i = 0; i < inputs; ++i)
        if ((f.grads >> i & 1) && g.v[1 + i].tag == TL_NONE) g.v[1 + i] = pack(zeros(input(i)).take()), g.owned |= uint64_t{2} << i;
    }
    for (uint64_t s = f.saved & plan_.tensor_slots; s; s &= s - 1) {
      const auto i = static_cast<size_t>(__builtin_ctzll(s));
      if (unpacked.n) {
        const bool tensor = saved_[i].tag == TL_TENSOR || saved_[i].flags;
        if (!tensor || (unpacked.owned >> i & 1)) continue;
        unpacked.v[i] = unpack(i, task.create_graph);
        unpacked.owned |= uint64_t{1} << i;
      } else if (saved_[i].tag == TL_TENSOR && api()->tensor_version(saved_[i].tensor) != versions_[i]) {
        check_version(saved_[i].tensor, versions_[i], plan_.program.slots[i].kind == SlotKind::Result ? Edge{this, plan_.program.slots[i].index} : Edge{});
      }
    }
    Values results(f.values.size());
    results.owned = ~uint64_t{0};
    evaluate(p, f, {saved, g.v, info_of_argument, this}, results.v);
    for (size_t t = 0; t < f.targets.size(); ++t) {
      TlValue& r = results.v[t];
      if (r.tag == TL_NONE) continue;
      uint32_t first = 0;
      size_t a = 0;
      for (; plan_.tensor_args[a] != f.targets[t]; ++a) first += list_lengths_ ? list_lengths_[a] : 1;
      if (r.tag == TL_TENSOR) {
        out[first] = std::exchange(r.tensor, nullptr);
        r.tag = TL_NONE;
      } else if (r.tag == TL_TENSOR_LIST && list_lengths_ && r.len == list_lengths_[a]) {
        for (uint32_t j = 0; j < r.len; ++j) {
          out[first + j] = r.tensors[j];
          if (r.tensors[j]) api()->tensor_retain(r.tensors[j]);
        }
      } else {
        throw Error(TL_RUNTIME_ERROR, "the gradient rule of '" + plan_.full_name + "' gives no fitting value for '" +
                                          tl::argument(plan_.info, static_cast<uint32_t>(f.targets[t])).name + "'");
      }
    }
  }
}

bool RuleNode::saved_value(std::string_view name, std::vector<Tensor>& tensors) {
  struct Leave {
    RuleNode* n;
    ~Leave() { n->leave(); }
  } leave{this};
  if (!enter()) throw Error(TL_RUNTIME_ERROR, kSecondTime);
  const auto& slots = plan_.program.slots;
  for (size_t i = 0; i < slots.size(); ++i) {
    if (!slots[i].tensor || !(slots[i].formulas & formulas_)) continue;
    const std::string own = slots[i].kind == SlotKind::Result ? "result" : tl::argument(plan_.info, static_cast<uint32_t>(slots[i].index)).name;
    if (own != name) continue;
    Values v(1);
    v.owned = 1;
    v.v[0] = unpack(i, true);
    if (v.v[0].tag == TL_TENSOR) tensors.push_back(Tensor::share(v.v[0].tensor));
    for (uint32_t j = 0; v.v[0].tag == TL_TENSOR_LIST && j < v.v[0].len; ++j) tensors.push_back(Tensor::share(v.v[0].tensors[j]));
    return true;
  }
  return false;
}

}  // namespace tl::autograd
