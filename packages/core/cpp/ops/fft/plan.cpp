#include "ops/fft/plan.hpp"

#include <algorithm>
#include <cmath>
#include <list>
#include <mutex>
#include <numbers>

#include "ops/fft/transform.hpp"

namespace tallow::fft {

std::complex<double> root_of_unity(int64_t k, int64_t n) {
  k %= n;
  // An eighth of the circle is enough: there, sine and cosine lose nothing.
  const int64_t octant = static_cast<int64_t>(static_cast<__int128>(k) * 8 / n);
  const int64_t quarter = (octant + 1) / 2;  // the nearest one
  const double angle = std::numbers::pi / 2 * static_cast<double>(static_cast<__int128>(k) * 4 - static_cast<__int128>(quarter) * n) / static_cast<double>(n);
  const double c = std::cos(angle), s = std::sin(angle);
  switch (quarter % 4) {
    case 0: return {c, -s};
    case 1: return {-s, -c};
    case 2: return {-c, s};
    default: return {s, c};
  }
}

namespace {

std::vector<int64_t> factors(int64_t n) {
  std::vector<int64_t> f;
  while (n % 8 == 0 && n != 16) f.push_back(8), n /= 8;
  while (n % 4 == 0) f.push_back(4), n /= 4;
  for (int64_t p = 2; p <= kLargestPrime; ++p)
    while (n % p == 0) f.push_back(p), n /= p;
  if (n > 1) return {};
  return f;
}

// The least length not below n that has radices of 2, 3, 4 and 5 only.
int64_t convenient(int64_t n) {
  int64_t best = 1;
  while (best < n) best *= 2;
  for (const int64_t odd : {3, 5, 9, 15, 25})
    for (int64_t m = odd; m < best; m *= 2)
      if (m >= n) best = std::min(best, m);
  return best;
}

template <class T>
std::complex<T> rounded(std::complex<double> z) { return {static_cast<T>(z.real()), static_cast<T>(z.imag())}; }

template <class T>
void make_direct(Plan<T>& p, const std::vector<int64_t>& radices) {
  int64_t length = p.n, stride = 1;
  for (const int64_t r : radices) {
    Pass<T> pass{r, length, stride, {}, {}};
    for (int64_t i = 0; i < length / r; ++i)
      for (int64_t k = 1; k < r; ++k) pass.twiddles.push_back(rounded<T>(root_of_unity(i * k, length)));
    if (r > 5 && r != 8)
      for (int64_t k = 0; k < r; ++k) pass.roots.push_back(rounded<T>(root_of_unity(k, r)));
    p.passes.push_back(std::move(pass));
    length /= r, stride *= r;
  }
}

template <class T>
void make_four_step(Plan<T>& p, const std::vector<int64_t>& radices) {
  // The largest divisor that is not above the square root and has a direct transform.
  p.rows = 1;
  for (const int64_t r : radices)
    if (p.rows * r <= kDirect && p.rows * r * p.rows * r <= p.n) p.rows *= r;
  p.columns = p.n / p.rows;
  if (p.rows < 4) return;
  p.row_plan = plan<T>(p.rows), p.column_plan = plan<T>(p.columns);
  for (int64_t r = 0; r < p.rows; ++r)
    for (int64_t c = 0; c < kLanes<T>; ++c) p.near.push_back(rounded<T>(root_of_unity(r * c, p.n)));
  for (int64_t e = 0; e < p.n; e += p.kFine) p.coarse.push_back(root_of_unity(e, p.n));
  for (int64_t e = 0; e < p.kFine; ++e) p.fine.push_back(root_of_unity(e, p.n));
}

template <class T>
void make_bluestein(Plan<T>& p) {
  p.padded = convenient(2 * p.n - 1);
  p.convolution = plan<T>(p.padded);
  std::vector<std::complex<T>> b(static_cast<size_t>(p.padded));
  for (int64_t j = 0; j < p.n; ++j) {
    const auto square = static_cast<int64_t>(static_cast<__int128>(j) * j % (2 * p.n));
    const std::complex<double> c = root_of_unity(square, 2 * p.n);
    p.chirp.push_back(rounded<T>(c));
    b[static_cast<size_t>(j)] = rounded<T>(std::conj(c) / static_cast<double>(p.padded));
    if (j) b[static_cast<size_t>(p.padded - j)] = b[static_cast<size_t>(j)];
  }
  p.response.resize(b.size());
  transform<T>(*p.convolution, {b.data(), 1, 0, 1, 0}, {p.response.data(), 1, 0, 1, 0}, 1, Direction::Forward, 1);
}

template <class T>
std::shared_ptr<const Plan<T>> make(int64_t n) {
  auto p = std::make_shared<Plan<T>>();
  p->n = n;
  const std::vector<int64_t> radices = factors(n);
  if (radices.empty() && n > 1) {
    make_bluestein(*p);
    return p;
  }
  if (n <= kDirect) make_direct(*p, radices);
  if (n >= kFourStep) make_four_step(*p, radices);
  return p;
}

}  // namespace

template <class T>
std::shared_ptr<const Plan<T>> plan(int64_t n) {
  constexpr size_t kKept = 32;
  static std::mutex mutex;
  static std::list<std::shared_ptr<const Plan<T>>> recent;
  const auto find = [&]() -> std::shared_ptr<const Plan<T>> {
    const auto it = std::ranges::find(recent, n, [](const auto& p) { return p->n; });
    if (it == recent.end()) return nullptr;
    recent.splice(recent.begin(), recent, it);
    return recent.front();
  };
  {
    const std::lock_guard lock(mutex);
    if (auto p = find()) return p;
  }
  auto made = make<T>(n);  // without the lock: it asks for the plans of its parts
  const std::lock_guard lock(mutex);
  if (auto p = find()) return p;
  recent.push_front(made);
  if (recent.size() > kKept) recent.pop_back();
  return made;
}

template std::shared_ptr<const Plan<float>> plan<float>(int64_t);
template std::shared_ptr<const Plan<double>> plan<double>(int64_t);

}  // namespace tallow::fft
