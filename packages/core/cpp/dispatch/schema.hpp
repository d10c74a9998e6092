// The schema of an op: one line that names its parameters, their types and defaults, and its results.
//
//   ns::name.overload(Tensor self, Tensor|Scalar other, *, Scalar alpha=1, int[2] stride=1) -> (Tensor out, Tensor idx)
#pragma once
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "tallow/abi.h"

namespace tallow {

// What a parameter accepts.
enum class Kind : uint8_t {
  Tensor, TensorOrScalar, Scalar, Int, Float, Bool, Str, Dtype, Device, Layout, MemoryFormat, Generator, Stream, Object, Any
};

struct Param {
  std::string name;
  std::string type;       // as written
  Kind kind;
  bool optional = false;  // None is accepted
  bool list = false;
  bool optional_elements = false;  // Tensor?[]
  bool keyword_only = false;
  bool has_default = false;
  bool written = false;   // Tensor(a!)
  int32_t list_size = 0;  // int[2]: an int stands for (int, int)
  TlValue default_value{};
};

struct Result {
  std::string name;
  std::string type;
  Kind kind;
  bool list = false;
  bool optional = false;
};

struct Schema {
  std::string text;  // the whole line
  std::string ns;    // "" for core
  std::string name;
  std::string overload;
  std::vector<Param> params;
  std::vector<Result> results;
  size_t positional = 0;  // parameters before the *
  std::deque<std::vector<int64_t>> owned_ints;  // what default values point to
  std::deque<std::vector<double>> owned_doubles;
  std::deque<std::string> owned_strings;

  std::string full_name() const { return (ns.empty() ? "" : ns + "::") + name + (overload.empty() ? "" : "." + overload); }
  std::string to_string() const;
  int find(std::string_view param) const;
};

Schema parse_schema(std::string_view text);  // raises ValueError with the place of the fault
uint16_t tag_of(Kind kind, bool list);

}  // namespace tallow
