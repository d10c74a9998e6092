#include "dispatch/schema.hpp"

#include <cctype>
#include <charconv>
#include <limits>

#include "dispatch/error.hpp"
#include "tensor/dtype.hpp"

namespace tallow {
namespace {

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Schema run() {
    Schema s;
    s.text = text_;
    std::string first = name();
    if (take("::")) {
      s.ns = first;
      first = name();
    }
    s.name = first;
    if (take(".")) s.overload = name();
    expect("(");
    bool keyword_only = false;
    while (!take(")")) {
      if (take("*")) {
        keyword_only = true;
      } else {
        Param p = param(s);
        p.keyword_only = keyword_only;
        if (!keyword_only) s.positional = s.params.size() + 1;
        s.params.push_back(std::move(p));
      }
      if (!peek(")")) expect(",");
    }
    expect("->");
    if (take("(")) {
      while (!take(")")) {
        s.results.push_back(result());
        if (!peek(")")) expect(",");
      }
    } else {
      s.results.push_back(result());
    }
    skip();
    if (at_ != text_.size()) error("end of the schema");
    return s;
  }

 private:
  [[noreturn]] void error(std::string_view wanted) {
    fail(TL_VALUE_ERROR, "schema '", text_, "': expected ", wanted, " at character ", at_);
  }
  void skip() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  }
  bool peek(std::string_view s) {
    skip();
    return text_.substr(at_, s.size()) == s;
  }
  bool take(std::string_view s) {
    if (!peek(s)) return false;
    at_ += s.size();
    return true;
  }
  void expect(std::string_view s) {
    if (!take(s)) error(s);
  }
  std::string name() {
    skip();
    const size_t from = at_;
    while (at_ < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[at_])) || text_[at_] == '_')) ++at_;
    if (from == at_) error("a name");
    return std::string(text_.substr(from, at_ - from));
  }

  Kind kind_of(const std::string& word) {
    struct Row { const char* word; Kind kind; };
    static const Row rows[] = {
        {"Tensor", Kind::Tensor}, {"Scalar", Kind::Scalar}, {"int", Kind::Int}, {"float", Kind::Float}, {"bool", Kind::Bool},
        {"str", Kind::Str}, {"dtype", Kind::Dtype}, {"device", Kind::Device}, {"layout", Kind::Layout},
        {"memory_format", Kind::MemoryFormat}, {"Generator", Kind::Generator}, {"Stream", Kind::Stream},
        {"Object", Kind::Object}, {"Function", Kind::Object}, {"any", Kind::Any}};
    for (const Row& r : rows)
      if (word == r.word) return r.kind;
    error("a type");
  }

  // type := word [(a!)] ['|' 'Scalar'] ['?'] ['[' n? ']' ['?']]
  template <class P>
  void type(P& p, bool* written, int32_t* list_size, bool* optional_elements) {
    skip();
    const size_t from = at_;
    p.kind = kind_of(name());
    if (take("(")) {
      name();
      const bool w = take("!");
      expect(")");
      if (written) *written = w;
    }
    if (take("|")) {
      if (name() != "Scalar" || p.kind != Kind::Tensor) error("Tensor|Scalar");
      p.kind = Kind::TensorOrScalar;
    }
    bool question = take("?");
    if (take("[")) {
      p.list = true;
      if (question && optional_elements) *optional_elements = true;
      if (!peek("]") && list_size) *list_size = static_cast<int32_t>(integer());
      expect("]");
      question = take("?");
    }
    p.optional = question;
    p.type = std::string(text_.substr(from, at_ - from));
  }

  int64_t integer() {
    skip();
    int64_t v = 0;
    const bool minus = take("-");
    auto [end, err] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), v);
    if (err != std::errc()) error("an integer");
    at_ = static_cast<size_t>(end - text_.data());
    return minus ? -v : v;
  }

  Result result() {
    Result r;
    type(r, nullptr, nullptr, nullptr);
    if (!peek(",") && !peek(")") && (skip(), at_ < text_.size())) r.name = name();
    return r;
  }

  Param param(Schema& s) {
    Param p;
    type(p, &p.written, &p.list_size, &p.optional_elements);
    p.name = name();
    if (take("=")) {
      p.has_default = true;
      p.default_value = value(s, p);
    }
    return p;
  }

  TlValue number() {
    TlValue v{};
    skip();
    if (take("inf")) {
      v.tag = TL_DOUBLE, v.d = std::numeric_limits<double>::infinity();
      return v;
    }
    if (take("-inf")) {
      v.tag = TL_DOUBLE, v.d = -std::numeric_limits<double>::infinity();
      return v;
    }
    const size_t from = at_;
    double d = 0;
    auto [end, err] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), d);
    if (err != std::errc()) error("a number");
    at_ = static_cast<size_t>(end - text_.data());
    const auto written = text_.substr(from, at_ - from);
    if (written.find_first_of(".e") == std::string_view::npos) v.tag = TL_INT, v.i = static_cast<int64_t>(d);
    else v.tag = TL_DOUBLE, v.d = d;
    return v;
  }

  TlValue value(Schema& s, const Param& p) {
    TlValue v{};
    if (take("None")) {
      v.tag = TL_NONE;
    } else if (take("True") || take("False")) {
      v.tag = TL_BOOL;
      v.i = text_.substr(at_ - 4, 4) == "True";
    } else if (take("'")) {
      const size_t end = text_.find('\'', at_);
      if (end == std::string_view::npos) error("a closing quote");
      s.owned_strings.emplace_back(text_.substr(at_, end - at_));
      at_ = end + 1;
      v.tag = TL_STRING, v.string = s.owned_strings.back().c_str(), v.len = static_cast<uint32_t>(s.owned_strings.back().size());
    } else if (take("[")) {
      if (p.kind == Kind::Float) {
        auto& l = s.owned_doubles.emplace_back();
        while (!take("]")) {
          const TlValue e = number();
          l.push_back(e.tag == TL_INT ? static_cast<double>(e.i) : e.d);
          take(",");
        }
        v.tag = TL_DOUBLE_LIST, v.doubles = l.data(), v.len = static_cast<uint32_t>(l.size());
      } else {
        auto& l = s.owned_ints.emplace_back();
        while (!take("]")) {
          l.push_back(integer());
          take(",");
        }
        v.tag = TL_INT_LIST, v.ints = l.data(), v.len = static_cast<uint32_t>(l.size());
      }
    } else if (peek("contiguous_format") || peek("preserve_format")) {
      v.tag = TL_MEMORY_FORMAT, v.i = name() == "preserve_format" ? TL_PRESERVE_FORMAT : TL_CONTIGUOUS_FORMAT;
    } else if (p.kind == Kind::Dtype) {
      const std::string n = name();
      v.tag = TL_DTYPE, v.i = -1;
      for (int i = 0; i < kDTypes; ++i)
        if (n == dtype_name(static_cast<DType>(i))) v.i = i;
      if (v.i < 0) error("a dtype");
    } else {
      v = number();
      if (p.list && p.list_size > 0) {  // int[2] stride=1
        if (p.kind == Kind::Float) {
          auto& l = s.owned_doubles.emplace_back(p.list_size, v.tag == TL_INT ? static_cast<double>(v.i) : v.d);
          v.tag = TL_DOUBLE_LIST, v.doubles = l.data();
        } else {
          auto& l = s.owned_ints.emplace_back(p.list_size, v.i);
          v.tag = TL_INT_LIST, v.ints = l.data();
        }
        v.len = static_cast<uint32_t>(p.list_size);
      } else if (p.kind == Kind::Float && v.tag == TL_INT) {
        v.tag = TL_DOUBLE, v.d = static_cast<double>(v.i);
      }
    }
    return v;
  }

  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

Schema parse_schema(std::string_view text) { return Parser(text).run(); }

int Schema::find(std::string_view param) const {
  for (size_t i = 0; i < params.size(); ++i)
    if (params[i].name == param) return static_cast<int>(i);
  return -1;
}

std::string Schema::to_string() const { return text; }

uint16_t tag_of(Kind kind, bool list) {
  switch (kind) {
    case Kind::Tensor:
    case Kind::TensorOrScalar: return list ? TL_TENSOR_LIST : TL_TENSOR;
    case Kind::Int: return list ? TL_INT_LIST : TL_INT;
    case Kind::Float: return list ? TL_DOUBLE_LIST : TL_DOUBLE;
    case Kind::Bool: return list ? TL_BOOL_LIST : TL_BOOL;
    case Kind::Scalar: return list ? TL_VALUE_LIST : TL_DOUBLE;
    case Kind::Str: return list ? TL_VALUE_LIST : TL_STRING;
    case Kind::Dtype: return TL_DTYPE;
    case Kind::Device: return TL_DEVICE;
    case Kind::Layout: return TL_LAYOUT;
    case Kind::MemoryFormat: return TL_MEMORY_FORMAT;
    case Kind::Generator: return TL_GENERATOR;
    case Kind::Stream: return TL_STREAM;
    case Kind::Object: return list ? TL_VALUE_LIST : TL_OBJECT;
    case Kind::Any: return TL_VALUE_LIST;
  }
  return TL_NONE;
}

}  // namespace tallow
