// The language of gradient rules: expressions in Python's syntax over ops.
//
//   "self: grad * other.conj(); other: grad * self.conj()"
//   "(input, weight): nn::conv_backward(grad, input, weight, stride=stride)"
//
// Names are the op's parameters, `grad` (or grad0, grad1 ...; `grads` for all of them) and `result` (result0 ... or the
// names of the schema's results). Attributes of tensors: sizes/shape, strides, storage_offset, dtype, ndim, numel, device,
// is_complex.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tallow/tallow.hpp"

namespace tl::autograd {

enum class ExprKind : uint8_t {
  Number,     // value
  String,     // text
  Name,       // text
  List,       // children
  Call,       // text: op name; children, keywords
  Method,     // text: op name; children[0] is the receiver
  Attribute,  // text; children[0]
  Index,      // children[0][children[1]]
  Binary,     // text: operator; two children
  Unary,      // text: "-" or "not"
  And,
  Or,
  Conditional,  // children: condition, then, else
  IsNone,       // children[0]; negated for `is not None`
};

struct Expr {
  ExprKind kind;
  std::string text;
  TlValue value{};
  bool negated = false;
  std::vector<std::unique_ptr<Expr>> children;
  std::vector<std::pair<std::string, std::unique_ptr<Expr>>> keywords;
};

struct Entry {
  std::vector<std::string> targets;
  std::unique_ptr<Expr> expression;
};

// Raises ValueError with the rule and the place of the fault.
std::vector<Entry> parse_rule(std::string_view op, std::string_view text);

}  // namespace tl::autograd
