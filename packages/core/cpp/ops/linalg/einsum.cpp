// einsum: sums of products over named dimensions, as a chain of batched matrix products.
#include <algorithm>
#include <array>

#include "ops/family.hpp"

namespace tallow {
namespace {

constexpr int kLetters = 52, kMaxEllipsis = 64;
using Labels = std::vector<int>;  // 0..51 are letters, from 52 on the dimensions of an ellipsis

int label_of(char ch) {
  if (ch >= 'a' && ch <= 'z') return ch - 'a' + 26;
  if (ch >= 'A' && ch <= 'Z') return ch - 'A';
  return -1;
}
constexpr int kEllipsis = -2;

Labels parse(std::string_view text, const char* where, size_t number) {
  Labels out;
  bool ellipsis = false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == ' ') continue;
    if (text[i] == '.') {
      TL_CHECK(!ellipsis, "einsum(): found '.' for ", where, " ", number, " for which an ellipsis was already found");
      TL_CHECK(text.substr(i, 3) == "...", "einsum(): found '.' for ", where, " ", number, " that is not part of any ellipsis");
      out.push_back(kEllipsis), ellipsis = true, i += 2;
      continue;
    }
    const int l = label_of(text[i]);
    TL_CHECK(l >= 0, "einsum(): invalid subscript given at index ", i, " in the equation string, subscripts must be in [a-zA-Z]");
    out.push_back(l);
  }
  return out;
}

// Dimensions are always kept in one order: those of the result, then those that are summed.
struct Plan {
  std::array<int, kLetters + kMaxEllipsis> place;  // of a label, -1 where absent
  int count = 0, results = 0;
};

// The operand with its dimensions at their places; repeated labels become diagonals.
tl::Tensor arrange(tl::Tensor t, Labels labels, const Plan& plan) {
  for (size_t i = 0; i < labels.size(); ++i)
    for (size_t j = i + 1; j < labels.size();) {
      if (labels[i] != labels[j]) {
        ++j;
        continue;
      }
      t = tl::call<"diagonal">(t, 0, static_cast<int64_t>(i), static_cast<int64_t>(j));
      t = tl::call<"movedim.int">(t, -1, static_cast<int64_t>(i));
      labels.erase(labels.begin() + static_cast<int64_t>(j));
    }
  Dims order(static_cast<size_t>(plan.count), -1);
  for (size_t i = 0; i < labels.size(); ++i) order[static_cast<size_t>(plan.place[static_cast<size_t>(labels[i])])] = static_cast<int64_t>(i);
  int64_t next = static_cast<int64_t>(labels.size());
  for (int64_t& o : order)
    if (o < 0) t = tl::call<"unsqueeze">(t, next), o = next++;
  return tl::call<"permute">(t, order);
}

// The product of two arranged operands, summed over `sums` (places): one batched matrix product.
tl::Tensor contract(tl::Tensor a, tl::Tensor b, const std::vector<bool>& sums) {
  const int64_t n = a.ndim();
  Dims batch, rows, inner, columns, lone_a, lone_b;
  for (int64_t d = 0; d < n; ++d) {
    const bool in_a = a.size(d) != 1, in_b = b.size(d) != 1;
    if (sums[static_cast<size_t>(d)]) {
      if (in_a && in_b) inner.push_back(d);
      else if (in_a) lone_a.push_back(d);
      else if (in_b) lone_b.push_back(d);
    }
  }
  if (!lone_a.empty()) a = tl::call<"sum">(a, lone_a, true);
  if (!lone_b.empty()) b = tl::call<"sum">(b, lone_b, true);
  if (inner.empty()) return tl::call<"mul">(a, b);
  Dims out;
  int64_t size[4] = {1, 1, 1, 1};  // batch, rows, columns, inner
  for (int64_t d = 0; d < n; ++d) {
    const bool in_a = a.size(d) != 1, in_b = b.size(d) != 1;
    if (std::find(inner.begin(), inner.end(), d) != inner.end()) {
      size[3] *= a.size(d);
    } else if (in_a && in_b) {
      batch.push_back(d), size[0] *= a.size(d);
    } else if (in_b) {
      columns.push_back(d), size[2] *= b.size(d);
    } else {
      rows.push_back(d), size[1] *= a.size(d);
    }
  }
  auto joined = [](std::initializer_list<const Dims*> parts) {
    Dims all;
    for (const Dims* p : parts) all.insert(all.end(), p->begin(), p->end());
    return all;
  };
  const Dims left = joined({&batch, &rows, &inner, &columns}), right = joined({&batch, &inner, &columns, &rows});
  const tl::Tensor x = tl::call<"reshape">(tl::call<"permute">(a, left), Dims{size[0], size[1], size[3]});
  const tl::Tensor y = tl::call<"reshape">(tl::call<"permute">(b, right), Dims{size[0], size[3], size[2]});
  const tl::Tensor product = tl::call<"bmm">(x, y);
  const Dims order = joined({&batch, &rows, &columns, &inner});
  Dims shape, back(static_cast<size_t>(n));
  for (size_t i = 0; i < order.size(); ++i) {
    const int64_t d = order[i];
    const bool summed = std::find(inner.begin(), inner.end(), d) != inner.end();
    shape.push_back(summed ? 1 : std::max(a.size(d), b.size(d)) == 1 ? 1 : a.size(d) != 1 ? a.size(d) : b.size(d));
    back[static_cast<size_t>(d)] = static_cast<int64_t>(i);
  }
  return tl::call<"permute">(tl::call<"reshape">(product, shape), back);
}

void einsum(tl::Call& c) {
  const std::string_view equation = c.string(0);
  const std::vector<tl::Tensor> operands = c.tensors(1);
  TL_CHECK(!operands.empty(), "einsum(): must provide at least one operand");
  const size_t arrow = equation.find("->");
  std::string_view left = equation.substr(0, arrow);
  std::vector<Labels> subscripts;
  for (;;) {
    const size_t comma = left.find(',');
    subscripts.push_back(parse(left.substr(0, comma), "operand", subscripts.size()));
    if (comma == std::string_view::npos) break;
    left.remove_prefix(comma + 1);
  }
  TL_CHECK(subscripts.size() >= operands.size(), "einsum(): fewer operands were expected in the equation than were provided: ", subscripts.size(), " for ",
           operands.size());
  TL_CHECK(subscripts.size() <= operands.size(), "einsum(): more operands were provided in the equation than tensors: ", subscripts.size(), " for ",
           operands.size());

  // What each ellipsis stands for, aligned at its end.
  int64_t width = 0;
  std::array<int, kLetters> uses{};
  std::array<int64_t, kLetters + kMaxEllipsis> sizes;
  sizes.fill(1);
  bool any_ellipsis = false;
  for (size_t i = 0; i < operands.size(); ++i) {
    const auto named = static_cast<int64_t>(std::count_if(subscripts[i].begin(), subscripts[i].end(), [](int l) { return l >= 0; }));
    const bool has = named != static_cast<int64_t>(subscripts[i].size());
    TL_CHECK(has ? named <= operands[i].ndim() : named == operands[i].ndim(), "einsum(): the number of subscripts in the equation (", named,
             has ? ") is more than" : ") does not match", " the number of dimensions (", operands[i].ndim(), ") for operand ", i,
             has ? "" : " and no ellipsis was given");
    if (has) width = std::max(width, operands[i].ndim() - named), any_ellipsis = true;
  }
  TL_CHECK(width <= kMaxEllipsis, "einsum(): an ellipsis stands for at most ", kMaxEllipsis, " dimensions");
  for (size_t i = 0; i < operands.size(); ++i) {
    Labels full;
    const auto named = static_cast<int64_t>(std::count_if(subscripts[i].begin(), subscripts[i].end(), [](int l) { return l >= 0; }));
    const int64_t covered = operands[i].ndim() - named;
    for (int l : subscripts[i]) {
      if (l == kEllipsis)
        for (int64_t d = width - covered; d < width; ++d) full.push_back(kLetters + static_cast<int>(d));
      else full.push_back(l), ++uses[static_cast<size_t>(l)];
    }
    for (size_t d = 0; d < full.size(); ++d) {
      const int64_t s = operands[i].size(static_cast<int64_t>(d));
      int64_t& known = sizes[static_cast<size_t>(full[d])];
      TL_CHECK(known == 1 || s == 1 || known == s, "einsum(): subscript ",
               full[d] < 26         ? std::string(1, static_cast<char>('A' + full[d]))
               : full[d] < kLetters ? std::string(1, static_cast<char>('a' + full[d] - 26))
                                    : "...",
               " has size ", s, " for operand ", i, " which does not broadcast with previously seen size ", known);
      if (s != 1) known = s;
    }
    subscripts[i] = std::move(full);
  }

  Plan plan;
  plan.place.fill(-1);
  auto put = [&](int l) { plan.place[static_cast<size_t>(l)] = plan.count++; };
  if (arrow == std::string_view::npos) {  // the ellipsis, then in order of the alphabet what appears once
    for (int64_t d = 0; d < width; ++d) put(kLetters + static_cast<int>(d));
    for (int l = 0; l < kLetters; ++l)
      if (uses[static_cast<size_t>(l)] == 1) put(l);
  } else {
    for (int l : parse(equation.substr(arrow + 2), "the output", 0)) {
      if (l == kEllipsis) {
        TL_CHECK(any_ellipsis || width == 0, "einsum(): the output has an ellipsis that no operand has");
        for (int64_t d = 0; d < width; ++d) put(kLetters + static_cast<int>(d));
        continue;
      }
      const std::string letter(1, static_cast<char>(l < 26 ? 'A' + l : 'a' + l - 26));
      TL_CHECK(plan.place[static_cast<size_t>(l)] < 0, "einsum(): output subscript ", letter, " appears more than once in the output");
      TL_CHECK(uses[static_cast<size_t>(l)], "einsum(): output subscript ", letter, " does not appear in the equation for any input operand");
      put(l);
    }
  }
  plan.results = plan.count;
  for (int l = 0; l < kLetters + static_cast<int>(width); ++l)
    if (plan.place[static_cast<size_t>(l)] < 0 && (l >= kLetters || uses[static_cast<size_t>(l)])) put(l);

  std::vector<tl::Tensor> arranged;
  for (size_t i = 0; i < operands.size(); ++i) arranged.push_back(arrange(operands[i], subscripts[i], plan));
  // From the left; a dimension is summed with the last operand that has it.
  std::vector<size_t> last(static_cast<size_t>(plan.count), 0);
  for (size_t i = 0; i < arranged.size(); ++i)
    for (int64_t d = 0; d < plan.count; ++d)
      if (arranged[i].size(d) != 1) last[static_cast<size_t>(d)] = i;
  tl::Tensor r = arranged[0];
  Dims done;
  for (int64_t d = plan.results; d < plan.count; ++d)
    if (last[static_cast<size_t>(d)] == 0) done.push_back(d);
  if (!done.empty()) r = tl::call<"sum">(r, done, true);
  for (size_t i = 1; i < arranged.size(); ++i) {
    std::vector<bool> sums(static_cast<size_t>(plan.count));
    for (int64_t d = plan.results; d < plan.count; ++d) sums[static_cast<size_t>(d)] = last[static_cast<size_t>(d)] == i;
    r = contract(r, arranged[i], sums);
  }
  for (int64_t d = plan.count; d-- > plan.results;) r = tl::call<"squeeze.dim">(r, d);
  // A view of an operand stays one, as torch's einsum("ii->i") does.
  c.ret(r);
}

}  // namespace

TL_OPS(einsum) { tl::composite<einsum>("_einsum(str equation, Tensor[] operands) -> Tensor", TL_OP_HIDDEN, "Sums of products over named dimensions."); }

}  // namespace tallow
