// backward() and grad().
#include "engine/engine.hpp"
#include "engine/meta.hpp"
#include "interface/interface.hpp"

namespace tl::autograd {
namespace {

bool is_complex(TlDtype d) { return d == TL_COMPLEX64 || d == TL_COMPLEX128; }

Tensor one_like(const Tensor& t) {
  const TlTensorInfo i = t.info();
  Tensor one = empty(t.sizes(), i.dtype, i.device);
  if (i.device.type == TL_CPU && i.dtype == TL_FLOAT32) *one.data<float>() = 1;
  else if (i.device.type == TL_CPU && i.dtype == TL_FLOAT64) *one.data<double>() = 1;
  else call<"fill_">(one, 1);
  return one;
}

std::string shape_text(const TlTensorInfo& i) { return "Size(" + to_string(Sizes(i.sizes, static_cast<size_t>(i.ndim))) + ")"; }

// The roots of a run; the edges are released at its end.
class Roots {
 public:
  Roots(std::span<const TlTensor> tensors, std::span<const TlTensor> gradients) {
    roots_.reserve(tensors.size());
    for (size_t k = 0; k < tensors.size(); ++k) add(tensors[k], k < gradients.size() ? gradients[k] : nullptr, k);
  }
  ~Roots() {
    for (Root& r : roots_) r.edge.node->release();
  }
  std::span<Root> get() { return roots_; }

 private:
  void add(TlTensor t, TlTensor gradient, size_t k) {
    if (!t || !requires_grad(t))
      throw Error(TL_RUNTIME_ERROR, "element " + std::to_string(k) + " of tensors does not require grad and does not have a grad_fn");
    const Tensor root = Tensor::share(t);
    const TlTensorInfo i = root.info();
    Tensor g;
    if (gradient) {
      g = Tensor::share(gradient);
      const TlTensorInfo gi = g.info();
      if (gi.ndim != i.ndim || !std::equal(i.sizes, i.sizes + i.ndim, gi.sizes))
        throw Error(TL_RUNTIME_ERROR, "Mismatch in shape: grad_output[" + std::to_string(k) + "] has a shape of " + shape_text(gi) + " and output[" +
                                          std::to_string(k) + "] has a shape of " + shape_text(i) + ".");
      if (is_complex(gi.dtype) != is_complex(i.dtype))
        throw Error(TL_RUNTIME_ERROR, "For complex Tensors, both grad_output and output are required to have the same dtype. Mismatch in dtype: "
                                      "grad_output[" + std::to_string(k) + "] and output[" + std::to_string(k) + "] differ.");
      if (gi.dtype != i.dtype) g = call<"_to_copy">(g, kw("dtype", Dtype{i.dtype}));
    } else {
      if (i.numel != 1) throw Error(TL_RUNTIME_ERROR, "grad can be implicitly created only for scalar outputs");
      if (is_complex(i.dtype)) throw Error(TL_RUNTIME_ERROR, "grad can be implicitly created only for real scalar outputs but got a complex one");
      g = one_like(root);
    }
    roots_.push_back({gradient_edge(t), std::move(g)});
  }
  std::vector<Root> roots_;
};

// Edges of the tensors that gradients were asked for.
class Wanted {
 public:
  explicit Wanted(std::span<const TlTensor> inputs) {
    for (const TlTensor t : inputs) {
      if (!requires_grad(t)) throw Error(TL_RUNTIME_ERROR, "One of the differentiated Tensors does not require grad");
      edges_.push_back(gradient_edge(t));
    }
  }
  ~Wanted() {
    for (const Edge& e : edges_)
      if (e.node) e.node->release();
  }
  std::span<const Edge> edges() const { return edges_; }

 private:
  std::vector<Edge> edges_;
};

void run_backward(std::span<const TlTensor> tensors, std::span<const TlTensor> gradients, bool retain, bool create, bool selective,
                  std::span<const TlTensor> inputs) {
  Roots roots(tensors, gradients);
  if (!selective) {
    Task(retain, create).run(roots.get(), {}, {}, false);
    return;
  }
  if (inputs.empty()) throw Error(TL_RUNTIME_ERROR, "`inputs` argument to `backward()` cannot be empty.");
  for (const TlTensor t : inputs)
    if (requires_grad(t)) retain_grad(t);
  const Wanted wanted(inputs);
  Task(retain, create).run(roots.get(), {}, wanted.edges(), true);
}

// tensors, grad_tensors, retain_graph, create_graph, inputs
void backward(Call& c) {
  const auto tensors = c.handles(0), gradients = c.handles(1);
  if (!gradients.empty() && gradients.size() != tensors.size())
    throw Error(TL_RUNTIME_ERROR, "got " + std::to_string(tensors.size()) + " tensors and " + std::to_string(gradients.size()) + " gradients");
  const bool create = c.boolean(3);
  run_backward(tensors, gradients, c.boolean(2, create), create, c.has(4), c.handles(4));
}

// self, gradient, retain_graph, create_graph
void tensor_backward(Call& c) {
  const TlTensor self = c.handle(0), gradient = c.handle(1);
  const bool create = c.boolean(3);
  run_backward({&self, 1}, {&gradient, 1}, c.boolean(2, create), create, false, {});
}

// outputs, inputs, grad_outputs, retain_graph, create_graph, allow_unused, materialize_grads
void grad(Call& c) {
  const auto outputs = c.handles(0), inputs = c.handles(1), gradients = c.handles(2);
  if (!gradients.empty() && gradients.size() != outputs.size())
    throw Error(TL_RUNTIME_ERROR, "got " + std::to_string(outputs.size()) + " tensors and " + std::to_string(gradients.size()) + " gradients");
  const bool create = c.boolean(4), materialize = c.boolean(6);
  Roots roots(outputs, gradients);
  const Wanted wanted(inputs);
  std::vector<Capture> captures;
  for (const Edge& e : wanted.edges()) captures.push_back({e, {}});
  Task(c.boolean(3, create), create).run(roots.get(), captures, {}, true);
  std::vector<Tensor> out;
  for (size_t i = 0; i < captures.size(); ++i) {
    Tensor g = std::move(captures[i].gradient);
    if (!g && materialize) g = call<"zeros_like">(inputs[i]);
    else if (!g && !c.boolean(5))
      throw Error(TL_RUNTIME_ERROR, "The differentiated Tensor at index " + std::to_string(i) +
                                        " appears to not have been used in the graph. Set allow_unused=True if this is the desired behavior.");
    out.push_back(std::move(g));
  }
  c.ret_list(std::move(out));
}

}  // namespace

void register_backward_ops() {
  engine_op<backward>("autograd::backward(Tensor[] tensors, Tensor?[] grad_tensors, bool? retain_graph=None, bool create_graph=False, "
                      "Tensor[]? inputs=None) -> ()", TL_OP_MAY_BLOCK);
  engine_op<tensor_backward>("autograd::tensor_backward(Tensor self, Tensor? gradient=None, bool? retain_graph=None, bool create_graph=False) "
                             "-> ()", TL_OP_MAY_BLOCK);
  engine_op<grad>("autograd::grad(Tensor[] outputs, Tensor[] inputs, Tensor?[] grad_outputs, bool? retain_graph=None, bool create_graph=False, "
                  "bool allow_unused=False, bool materialize_grads=False) -> Tensor[]", TL_OP_MAY_BLOCK);
}

}  // namespace tl::autograd
