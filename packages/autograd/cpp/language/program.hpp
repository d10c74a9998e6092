// A rule in the form that backward runs: instructions over numbered values, every op resolved to its handle.
#pragma once
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "language/ast.hpp"
#include "tallow/tallow.hpp"

namespace tl::autograd {

// Where an instruction finds a value: two bits say in which array, the rest is the index.
using Operand = uint16_t;
enum : Operand { kConstant = 0 << 14, kSaved = 1 << 14, kGrad = 2 << 14, kTemp = 3 << 14, kIndexMask = (1 << 14) - 1 };

enum class Op : uint8_t {
  Call, Binary, Negate, Not, Conj, Attribute, InputAttribute, Index, List, JumpIfFalse, Jump, Move, IsNone, Free
};
enum class Arithmetic : uint8_t { Add, Sub, Mul, Div, FloorDiv, Mod, Pow, Matmul, Eq, Ne, Lt, Le, Gt, Ge, kCount };
enum class Attribute : uint8_t { Sizes, Strides, StorageOffset, Dtype, Ndim, Numel, Device, IsComplex };

// What a call does to an argument that is not written as the schema says: 2 for int[], 1 for float.
enum class Coercion : uint8_t { None, ListOfInt, Double, ListOfDouble };

struct CallSite {
  TlOp op;
  uint32_t nrets;
  std::vector<Operand> operands;  // one per parameter
  std::vector<Coercion> coercions;
};

struct Instruction {
  Op op;
  uint8_t what = 0;      // Arithmetic, Attribute, or whether IsNone is negated
  uint16_t to = 0;       // temporary; of a jump: the instruction
  Operand a = 0, b = 0;  // of InputAttribute: a is the argument
  uint32_t site = 0;     // of a Call; the first list element of a List, b is their number
};

struct Formula {
  std::vector<uint8_t> targets;        // argument positions
  std::vector<Operand> values;         // one per target
  std::vector<Instruction> code;
  uint16_t temps = 0;
  uint64_t saved = 0;                  // which slots it reads
  uint32_t grads = 0;                  // which gradients it reads, by output; all bits if `grads`
  bool reads_all_grads = false;
};

// What a node keeps for its formulas.
enum class SlotKind : uint8_t { Argument, ArgumentAttribute, Result };
struct Slot {
  SlotKind kind;
  uint8_t index;
  Attribute attribute{};
  bool tensor = false;   // holds tensors: versions are checked, backward frees them
  uint64_t formulas = 0; // by which formulas it is read
};

struct Program {
  std::vector<Formula> formulas;
  std::vector<Slot> slots;
  std::vector<TlValue> constants;
  std::vector<CallSite> sites;
  std::vector<Operand> list_operands;
  std::deque<std::string> strings;      // what constants point to
  std::deque<std::vector<int64_t>> ints;
  bool list_result = false;             // the op returns one list of tensors
};

Program compile(TlOp op, const std::vector<Entry>& rule);

// The op that a rule means by a name and its arguments: the first overload whose parameters they fit. `numbers` says of
// each positional argument whether it is a number written out, which no parameter for tensors takes.
TlOp resolve(const std::string& name, const std::vector<bool>& numbers, const std::vector<std::string>& keywords);

}  // namespace tl::autograd
