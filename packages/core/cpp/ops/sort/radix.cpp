// Sorting packed keys by their digits, the least significant first. A digit that all keys share costs nothing.
#include <algorithm>
#include <array>
#include <vector>

#include "ops/sort/keys.hpp"

namespace tallow {
namespace {

constexpr int64_t kComparison = 256;   // below this std::sort wins
constexpr int64_t kWideDigits = 16384; // from here fewer passes with more buckets win

template <class P, int Bits, int KeyBits>
void radix(P* a, P* scratch, int64_t n) {
  constexpr int kPasses = (KeyBits + Bits - 1) / Bits, kBuckets = 1 << Bits;
  std::vector<std::array<int64_t, kBuckets>> counts(kPasses);
  for (auto& c : counts) c.fill(0);
  for (int64_t i = 0; i < n; ++i) {
    const uint64_t k = key_of(a[i]);
    for (int p = 0; p < kPasses; ++p) ++counts[p][k >> (p * Bits) & (kBuckets - 1)];
  }
  P *from = a, *to = scratch;
  for (int p = 0; p < kPasses; ++p) {
    auto& c = counts[p];
    const int shift = p * Bits;
    if (c[key_of(from[0]) >> shift & (kBuckets - 1)] == n) continue;
    int64_t at = 0;
    for (auto& b : c) at += std::exchange(b, at);
    for (int64_t i = 0; i < n; ++i) {
      const P v = from[i];
      to[c[key_of(v) >> shift & (kBuckets - 1)]++] = v;
    }
    std::swap(from, to);
  }
  if (from != a) std::copy(from, from + n, a);
}

template <class P, int KeyBits>
void sort_any(P* a, P* scratch, int64_t n) {
  if (n < kComparison) std::sort(a, a + n);
  else if (n < kWideDigits) radix<P, 8, KeyBits>(a, scratch, n);
  else radix<P, 11, KeyBits>(a, scratch, n);
}

}  // namespace

void sort_packed(Packed* a, Packed* scratch, int64_t n) { sort_any<Packed, 32>(a, scratch, n); }
void sort_packed(WidePacked* a, WidePacked* scratch, int64_t n) { sort_any<WidePacked, 64>(a, scratch, n); }

}  // namespace tallow
