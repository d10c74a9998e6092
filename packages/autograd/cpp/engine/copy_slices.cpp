#include "engine/copy_slices.hpp"

#include "engine/engine.hpp"
#include "engine/rule_node.hpp"

namespace tl::autograd {
namespace {

bool is_complex(TlDtype d) { return d == TL_COMPLEX64 || d == TL_COMPLEX128; }

class CopySlices final : public Node {
 public:
  CopySlices(Edge before, TlTensor base, const Geometry& view, NodeRef written)
      : Node(NodeKind::CopySlices, 1, std::max<uint32_t>(written->num_edges(), 1)), base_(base), view_(view), written_(std::move(written)) {
    edges()[0] = before;
    for (uint32_t i = 1; i < num_edges(); ++i) {
      edges()[i] = written_->edges()[i];
      if (edges()[i].node) edges()[i].node->retain();
    }
    if (written_->kind() == NodeKind::Rule) static_cast<RuleNode*>(written_.get())->write_into(this, before, view_, base_);
  }

  std::string name() const override { return "CopySlices"; }
  void release_saved() override { written_->release_saved(); }

  void apply(const TlTensor* grads, TlTensor* out, Task& task) override {
    if (!grads[0]) return;
    // A copy of the gradient that lies in memory as the base does: the view's strides then cut the same elements.
    Tensor whole = call<"autograd::copy_strided">(grads[0], base_.sizes, base_.strides);
    const bool parts = is_complex(base_.dtype) && !is_complex(view_.dtype);
    const int64_t offset = view_.offset - base_.offset * (parts ? 2 : 1);
    const Tensor flat = parts ? call<"view_as_real">(whole) : whole;
    Tensor slice = call<"clone">(call<"as_strided">(flat, view_.sizes, view_.strides, offset));
    std::vector<TlTensor> results(num_edges(), nullptr);
    struct Drop {
      std::vector<TlTensor>& v;
      ~Drop() {
        for (const TlTensor t : v)
          if (t) api()->tensor_release(t);
      }
    } drop{results};
    TlTensor given = slice.get();
    written_->apply(&given, results.data(), task);
    for (uint32_t i = 1; i < num_edges(); ++i) out[i] = std::exchange(results[i], nullptr);
    if (!task.needs(edges()[0])) return;
    const Tensor inner = results[0] ? Tensor::share(results[0]) : call<"zeros_like">(slice);
    Tensor all = call<"autograd::as_strided_scatter">(flat, inner, view_.sizes, view_.strides, offset);
    if (parts) all = call<"view_as_complex">(all);
    out[0] = all.take();
  }

 private:
  Geometry base_, view_;
  NodeRef written_;
};

}  // namespace

NodeRef copy_slices_node(Edge before, TlTensor base, const Geometry& view, NodeRef written) {
  return NodeRef::steal(new CopySlices(before, base, view, std::move(written)));
}

}  // namespace tl::autograd
