// A recursive-descent parser; the grammar is Python's for the operators that rules use.
#include <cctype>
#include <charconv>
#include <cmath>

#include "language/ast.hpp"

namespace tl::autograd {
namespace {

using ExprPtr = std::unique_ptr<Expr>;

class Parser {
 public:
  Parser(std::string_view op, std::string_view text) : op_(op), text_(text) {}

  std::vector<Entry> run() {
    std::vector<Entry> out;
    while (skip(), at_ < text_.size()) {
      Entry e;
      if (take("(")) {
        do e.targets.push_back(name());
        while (take(","));
        expect(")");
      } else {
        e.targets.push_back(name());
      }
      expect(":");
      e.expression = expression();
      out.push_back(std::move(e));
      skip();
      if (at_ < text_.size()) expect(";");
    }
    return out;
  }

 private:
  [[noreturn]] void error(std::string_view wanted) {
    throw Error(TL_VALUE_ERROR, "gradient rule of '" + std::string(op_) + "': expected " + std::string(wanted) + " at character " +
                                    std::to_string(at_) + " of \"" + std::string(text_) + "\"");
  }
  void skip() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_]))) ++at_;
  }
  static bool word_char(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; }
  bool peek(std::string_view s) {
    skip();
    return text_.substr(at_, s.size()) == s;
  }
  bool take(std::string_view s) {
    if (!peek(s)) return false;
    at_ += s.size();
    return true;
  }
  bool take_word(std::string_view w) {
    if (!peek(w)) return false;
    const size_t end = at_ + w.size();
    if (end < text_.size() && word_char(text_[end])) return false;
    at_ = end;
    return true;
  }
  void expect(std::string_view s) {
    if (!take(s)) error("'" + std::string(s) + "'");
  }
  std::string name() {
    skip();
    const size_t from = at_;
    if (at_ < text_.size() && !std::isdigit(static_cast<unsigned char>(text_[at_])))
      while (at_ < text_.size() && word_char(text_[at_])) ++at_;
    if (from == at_) error("a name");
    return std::string(text_.substr(from, at_ - from));
  }

  template <class... Kids>
  static ExprPtr make(ExprKind kind, std::string text, Kids... kids) {
    auto e = std::make_unique<Expr>();
    e->kind = kind;
    e->text = std::move(text);
    (e->children.push_back(std::move(kids)), ...);
    return e;
  }

  ExprPtr expression() {
    ExprPtr then = disjunction();
    if (!take_word("if")) return then;
    ExprPtr condition = disjunction();
    if (!take_word("else")) error("'else'");
    return make(ExprKind::Conditional, "", std::move(condition), std::move(then), expression());
  }
  ExprPtr disjunction() {
    ExprPtr left = conjunction();
    while (take_word("or")) left = make(ExprKind::Or, "", std::move(left), conjunction());
    return left;
  }
  ExprPtr conjunction() {
    ExprPtr left = negation();
    while (take_word("and")) left = make(ExprKind::And, "", std::move(left), negation());
    return left;
  }
  ExprPtr negation() {
    if (take_word("not")) return make(ExprKind::Unary, "not", negation());
    return comparison();
  }
  ExprPtr comparison() {
    ExprPtr left = sum();
    if (take_word("is")) {
      const bool negated = take_word("not");
      if (!take_word("None")) error("'None'");
      ExprPtr e = make(ExprKind::IsNone, "", std::move(left));
      e->negated = negated;
      return e;
    }
    for (const char* op : {"==", "!=", "<=", ">=", "<", ">"})
      if (take(op)) return make(ExprKind::Binary, op, std::move(left), sum());
    return left;
  }
  ExprPtr sum() {
    ExprPtr left = product();
    for (;;) {
      if (take("+")) left = make(ExprKind::Binary, "+", std::move(left), product());
      else if (take("-")) left = make(ExprKind::Binary, "-", std::move(left), product());
      else return left;
    }
  }
  ExprPtr product() {
    ExprPtr left = unary();
    for (;;) {
      if (peek("**")) return left;
      if (take("*")) left = make(ExprKind::Binary, "*", std::move(left), unary());
      else if (take("//")) left = make(ExprKind::Binary, "//", std::move(left), unary());
      else if (take("/")) left = make(ExprKind::Binary, "/", std::move(left), unary());
      else if (take("%")) left = make(ExprKind::Binary, "%", std::move(left), unary());
      else if (take("@")) left = make(ExprKind::Binary, "@", std::move(left), unary());
      else return left;
    }
  }
  ExprPtr unary() {
    if (take("-")) {
      ExprPtr e = unary();
      if (e->kind == ExprKind::Number && (e->value.tag == TL_INT || e->value.tag == TL_DOUBLE)) {
        if (e->value.tag == TL_INT) e->value.i = -e->value.i;
        else e->value.d = -e->value.d;
        return e;
      }
      return make(ExprKind::Unary, "-", std::move(e));
    }
    ExprPtr left = postfix();
    if (take("**")) return make(ExprKind::Binary, "**", std::move(left), unary());
    return left;
  }
  ExprPtr postfix() {
    ExprPtr e = primary();
    for (;;) {
      if (peek("[")) {
        take("[");
        ExprPtr index = expression();
        expect("]");
        e = make(ExprKind::Index, "", std::move(e), std::move(index));
      } else if (peek(".") && at_ + 1 < text_.size() && word_char(text_[at_ + 1])) {
        take(".");
        const std::string member = name();
        e = make(peek("(") ? ExprKind::Method : ExprKind::Attribute, member, std::move(e));
        if (e->kind == ExprKind::Method) arguments(*e);
      } else {
        return e;
      }
    }
  }
  void arguments(Expr& call) {
    expect("(");
    while (!take(")")) {
      skip();
      size_t end = at_;
      while (end < text_.size() && word_char(text_[end])) ++end;
      size_t eq = end;
      while (eq < text_.size() && text_[eq] == ' ') ++eq;
      const bool keyword = end > at_ && eq < text_.size() && text_[eq] == '=' && (eq + 1 >= text_.size() || text_[eq + 1] != '=');
      if (keyword) {
        std::string key = name();
        expect("=");
        call.keywords.emplace_back(std::move(key), expression());
      } else {
        call.children.push_back(expression());
      }
      if (!peek(")")) expect(",");
    }
  }
  ExprPtr number() {
    const size_t from = at_;
    double d = 0;
    auto [end, fault] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), d);
    if (fault != std::errc()) error("a number");
    at_ = static_cast<size_t>(end - text_.data());
    const auto written = text_.substr(from, at_ - from);
    ExprPtr e = make(ExprKind::Number, "");
    e->value = written.find_first_of(".e") == std::string_view::npos ? pack(static_cast<int64_t>(d)) : pack(d);
    return e;
  }
  ExprPtr constant(TlValue v) {
    ExprPtr e = make(ExprKind::Number, "");
    e->value = v;
    return e;
  }
  ExprPtr primary() {
    skip();
    if (at_ >= text_.size()) error("an expression");
    const char c = text_[at_];
    if (std::isdigit(static_cast<unsigned char>(c))) return number();
    if (take("(")) {
      ExprPtr e = expression();
      expect(")");
      return e;
    }
    if (take("[")) {
      ExprPtr e = make(ExprKind::List, "");
      while (!take("]")) {
        e->children.push_back(expression());
        if (!peek("]")) expect(",");
      }
      return e;
    }
    if (take("'")) {
      const size_t end = text_.find('\'', at_);
      if (end == std::string_view::npos) error("a closing quote");
      ExprPtr e = make(ExprKind::String, std::string(text_.substr(at_, end - at_)));
      at_ = end + 1;
      return e;
    }
    if (take_word("None")) return constant({});
    if (take_word("True")) return constant(pack(true));
    if (take_word("False")) return constant(pack(false));
    if (take_word("inf")) return constant(pack(HUGE_VAL));
    std::string word = name();
    if (take("::")) word += "::" + name();
    if (!peek("(")) return make(ExprKind::Name, word);
    ExprPtr e = make(ExprKind::Call, word);
    arguments(*e);
    return e;
  }

  std::string_view op_, text_;
  size_t at_ = 0;
};

}  // namespace

std::vector<Entry> parse_rule(std::string_view op, std::string_view text) { return Parser(op, text).run(); }

}  // namespace tl::autograd
