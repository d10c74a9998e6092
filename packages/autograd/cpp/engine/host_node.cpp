#include "engine/host_node.hpp"

namespace tl::autograd {
namespace {

const TlObjectClass kSavedClass = {sizeof(TlObjectClass), 0, "autograd::SavedTensors", [](void* s) { delete static_cast<SavedSet*>(s); }, nullptr};

}  // namespace

TlObject new_saved_set() {
  TlObject o;
  check(api()->object_new(&kSavedClass, new SavedSet, &o));
  return o;
}

SavedSet& saved_set_of(TlObject o) {
  void* p = o ? api()->object_payload(o, &kSavedClass) : nullptr;
  if (!p) throw Error(TL_TYPE_ERROR, "expected the saved tensors of a function");
  return *static_cast<SavedSet*>(p);
}

void SavedSet::add(TlTensor t, SavedAs as, uint32_t nr) {
  Item item;
  item.as = as, item.nr = nr;
  if (t) save_tensor(t, as, item.value, item.version);
  std::lock_guard lock(mutex_);
  items_.push_back(item);
}

void SavedSet::belongs_to(Node* node) {
  std::lock_guard lock(mutex_);
  node_ = node;
}

void SavedSet::release() {
  std::vector<Item> dropped;  // freed after the lock: this may call the host
  {
    std::lock_guard lock(mutex_);
    dropped.swap(items_);
    released_ = true;
  }
  for (Item& i : dropped) release_saved_value(i.value);
}

std::vector<Tensor> SavedSet::unpack(bool with_graph) {
  std::vector<Item> items;
  NodeRef node;
  {
    std::lock_guard lock(mutex_);
    if (released_)
      throw Error(TL_RUNTIME_ERROR,
                  "Trying to backward through the graph a second time (or directly access saved tensors after they have already been freed). "
                  "Saved intermediate values of the graph are freed when you call .backward() or autograd.grad(). Specify retain_graph=True if "
                  "you need to backward through the graph a second time or if you need to access saved tensors after calling backward.");
    if (node_ && node_->try_retain()) node = NodeRef::steal(node_);
    items = items_;
    for (Item& i : items)  // hold what another thread might release meanwhile
      if (i.value.tag == TL_TENSOR) api()->tensor_retain(i.value.tensor);
  }
  std::vector<Tensor> held;
  for (Item& i : items)
    if (i.value.tag == TL_TENSOR) held.push_back(Tensor::steal(i.value.tensor));
  std::vector<Tensor> out;
  for (const Item& i : items) {
    const Edge history = i.as == SavedAs::Result ? Edge{node.get(), i.nr} : Edge{};
    out.push_back(unpack_tensor(i.value, i.as, i.version, with_graph, history));
  }
  return out;
}

HostNode::HostNode(std::string name, TlObject function, TlObject saved, bool materialize, uint32_t inputs, uint32_t edges)
    : Node(NodeKind::Host, inputs, edges), name_(std::move(name)), function_(ObjectRef::share(function)), saved_(ObjectRef::share(saved)),
      materialize_(materialize) {
  saved_set_of(saved).belongs_to(this);
}

HostNode::~HostNode() { saved_set_of(saved_.get()).belongs_to(nullptr); }

void HostNode::release_saved() { saved_set_of(saved_.get()).release(); }

void HostNode::apply(const TlTensor* grads, TlTensor* out, Task& task) {
  std::vector<Tensor> given;
  for (uint32_t i = 0; i < num_inputs(); ++i) {
    Tensor g = Tensor::share(grads[i]);
    if (!g && materialize_ && input(i).known()) g = zeros(input(i));
    given.push_back(std::move(g));
  }
  std::vector<uint8_t> needed(num_edges() + 1);
  for (uint32_t i = 0; i < num_edges(); ++i) needed[i] = task.needs(edges()[i]);
  TlValue arg = pack(given);
  Results<1> r;
  check(api()->object_call(function_.get(), &arg, 1, r.v, 1));
  const TlValue& v = r.v[0];
  if (v.tag == TL_NONE) return;
  if (v.tag != TL_TENSOR_LIST || v.len != num_edges())
    throw Error(TL_RUNTIME_ERROR, "function " + name_ + " returned an incorrect number of gradients (expected " + std::to_string(num_edges()) +
                                      ", got " + std::to_string(v.tag == TL_TENSOR_LIST ? v.len : 1) + ")");
  for (uint32_t i = 0; i < num_edges(); ++i) {
    if (!needed[i] || !v.tensors[i]) continue;
    api()->tensor_retain(v.tensors[i]);
    out[i] = v.tensors[i];
  }
}

}  // namespace tl::autograd
