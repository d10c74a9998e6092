// Random numbers. Element i takes its bits from block i / per_block of the stream that the call reserved, so results
// depend neither on threads nor on how memory is laid out.
#include <cmath>
#include <numeric>

#include "ops/factory/factory.hpp"
#include "ops/family.hpp"
#include "ops/pointwise/pointwise.hpp"
#include "ops/random/generator.hpp"
#include "ops/random/philox.hpp"
#include "ops/random/random_loops.hpp"
#include "vec/isa.hpp"

namespace tallow {

namespace baseline { const RandomLoops* random_loops(); }
namespace avx2 { const RandomLoops* random_loops(); }
namespace avx512 { const RandomLoops* random_loops(); }

const RandomLoops& random_loops() {
  static const RandomLoops& loops = *TL_FOR_THIS_PROCESSOR(random_loops());
  return loops;
}

namespace {

constexpr double kTwoPi = 6.283185307179586477;
constexpr int64_t kGrain = 16384;

TlGeneratorImpl* generator_of(const tl::Call& c, uint32_t i) {
  TlGenerator g = c.generator(i);
  return g ? g : default_generator();
}

Philox stream(TlGeneratorImpl* g, int64_t blocks) {
  uint64_t seed, offset;
  g->reserve(static_cast<uint64_t>(blocks), &seed, &offset);
  return {seed, offset};
}

// Fills t (any layout, any dtype) from `make(words, i)`, which turns the four words of a block into `per` values.
template <class T, int Per, class F>
void generate(TensorImpl* t, TlGeneratorImpl* g, F make) {
  if (t->is_meta() || t->numel == 0) return;
  const DType want = dtype_of<T>::value;
  Tensor temp;
  TensorImpl* to = t;
  if (!t->contiguous() || t->dtype != want) {
    temp = empty(t->size_span(), want, t->device);
    to = temp.get();
  }
  const int64_t n = t->numel, blocks = (n + Per - 1) / Per;
  const Philox rng = stream(g, blocks);
  T* out = to->ptr<T>();
  parallel_for(0, blocks, kGrain / Per, [&](int64_t b, int64_t e) {
    uint32_t w[4];
    T values[Per];
    for (int64_t k = b; k < e; ++k) {
      rng.block(static_cast<uint64_t>(k), w);
      make(w, values);
      const int64_t m = std::min<int64_t>(Per, n - k * Per);
      for (int64_t j = 0; j < m; ++j) out[k * Per + j] = values[j];
    }
  });
  if (to != t) copy_into(t, to);
}

// Draws in float for all dtypes but double, each number from its own word (double: from a pair).
template <class F>
void generate_float(TensorImpl* t, TlGeneratorImpl* g, F f) {
  if (t->dtype == DType::Float64) {
    generate<double, 2>(t, g, [&](const uint32_t* w, double* v) {
      for (int i = 0; i < 2; ++i) v[i] = f(to_unit_double(w[2 * i], w[2 * i + 1]));
    });
  } else {
    generate<float, 4>(t, g, [&](const uint32_t* w, float* v) {
      for (int i = 0; i < 4; ++i) v[i] = f(to_unit_float(w[i]));
    });
  }
}

void check_floating(const TensorImpl* t, const char* op) {
  TL_CHECK_KIND(TL_NOT_IMPLEMENTED_ERROR, is_inexact(t->dtype), "\"", op, "\" not implemented for '", dtype_long_name(t->dtype), "'");
}

// Complex tensors are pairs of real numbers.
Tensor real_view(TensorImpl* t) {
  if (!is_complex(t->dtype)) return Tensor::share(t);
  Dims sizes(t->size_span().begin(), t->size_span().end()), strides(t->stride_span().begin(), t->stride_span().end());
  for (auto& s : strides) s *= 2;
  sizes.push_back(2), strides.push_back(1);
  return make_alias(t, sizes, strides, t->offset * 2, to_real(t->dtype));
}

// Fills t with T numbers through one of the vector loops; `per` values come from a block.
template <class T, class Loop>
void run_loop(TensorImpl* t, TlGeneratorImpl* g, Loop loop, int64_t per, double a, double b) {
  if (t->is_meta() || t->numel == 0) return;
  Tensor temp;
  TensorImpl* to = t;
  if (!t->contiguous() || t->dtype != dtype_of<T>::value) {
    temp = empty(t->size_span(), dtype_of<T>::value, t->device);
    to = temp.get();
  }
  const int64_t n = t->numel, blocks = (n + per - 1) / per;
  const Philox rng = stream(g, blocks);
  T* out = to->ptr<T>();
  static_assert(kGrain / 4 % kRandomChunk == 0);  // pieces start at chunks
  parallel_for(0, blocks, kGrain / per, [&](int64_t first, int64_t end) {
    loop(rng, first, out + first * per, std::min(n, end * per) - first * per, a, b);
  });
  if (to != t) copy_into(t, to);
}

void uniform(TensorImpl* t, TlGeneratorImpl* g, double from, double to) {
  const Tensor r = real_view(t);
  if (r.dtype() == DType::Float64) run_loop<double>(r.get(), g, random_loops().uniform_f64, 2, from, to - from);
  else run_loop<float>(r.get(), g, random_loops().uniform_f32, 4, from, to - from);
}

void normal(TensorImpl* t, TlGeneratorImpl* g, double mean, double std) {
  const Tensor r = real_view(t);
  if (is_complex(t->dtype)) std *= 0.70710678118654752;  // half the variance in each part
  if (r.dtype() == DType::Float64) run_loop<double>(r.get(), g, random_loops().normal_f64, 2, mean, std);
  else run_loop<float>(r.get(), g, random_loops().normal_f32, 4, mean, std);
}

// Integers of [low, high): 64 random bits per element modulo the range (bias below 2^-32 for ranges of 32 bits).
void integers(TensorImpl* t, TlGeneratorImpl* g, int64_t low, uint64_t range) {
  generate<int64_t, 2>(t, g, [=](const uint32_t* w, int64_t* v) {
    for (int i = 0; i < 2; ++i) {
      const uint64_t bits = static_cast<uint64_t>(w[2 * i]) << 32 | w[2 * i + 1];
      v[i] = low + static_cast<int64_t>(range ? bits % range : bits);
    }
  });
}

// ---------------------------------------------------------------- in place
void self(tl::Call& c) { c.ret(c.tensor(0)); }

void uniform_(tl::Call& c) {
  check_floating(c.handle(0), "uniform_");
  const double from = c.number(1), to = c.number(2);
  TL_CHECK(from <= to, "uniform_ expects to return a [from, to) range, but found from=", from, " > to=", to);
  uniform(c.handle(0), generator_of(c, 3), from, to);
  self(c);
}
void normal_(tl::Call& c) {
  check_floating(c.handle(0), "normal_kernel_cpu");
  TL_CHECK(c.number(2) >= 0, "normal expects std >= 0.0, but found std ", c.number(2));
  normal(c.handle(0), generator_of(c, 3), c.number(1), c.number(2));
  self(c);
}
void exponential_(tl::Call& c) {
  check_floating(c.handle(0), "exponential_");
  const double lambda = c.number(1);
  TL_CHECK(lambda > 0, "exponential_ expects lambda > 0.0, but found lambda=", lambda);
  generate_float(c.handle(0), generator_of(c, 2), [=](auto u) { return static_cast<decltype(u)>(-std::log1p(-u) / static_cast<decltype(u)>(lambda)); });
  self(c);
}
void geometric_(tl::Call& c) {
  const double p = c.number(1);
  TL_CHECK(p > 0 && p < 1, "geometric_ expects p to be in (0, 1), but got p=", p);
  const double scale = 1 / std::log1p(-p);
  generate<double, 2>(c.handle(0), generator_of(c, 2), [=](const uint32_t* w, double* v) {
    for (int i = 0; i < 2; ++i) v[i] = std::max(1.0, std::ceil(std::log1p(-to_unit_double(w[2 * i], w[2 * i + 1])) * scale));
  });
  self(c);
}
void cauchy_(tl::Call& c) {
  check_floating(c.handle(0), "cauchy_");
  const double median = c.number(1), sigma = c.number(2);
  TL_CHECK(sigma > 0, "cauchy_ expects sigma > 0.0, but found sigma=", sigma);
  generate<double, 2>(c.handle(0), generator_of(c, 3), [=](const uint32_t* w, double* v) {
    for (int i = 0; i < 2; ++i) v[i] = median + sigma * std::tan(kTwoPi / 2 * (to_unit_double(w[2 * i], w[2 * i + 1]) - 0.5));
  });
  self(c);
}
void log_normal_(tl::Call& c) {
  check_floating(c.handle(0), "log_normal_");
  TL_CHECK(c.number(2) > 0, "log_normal_ expects std > 0.0, but found std=", c.number(2));
  normal(c.handle(0), generator_of(c, 3), c.number(1), c.number(2));
  c.ret(tl::call<"exp_">(c.tensor(0)));
}
void bernoulli_p(tl::Call& c) {
  const double p = c.number(1);
  TL_CHECK(p >= 0 && p <= 1, "bernoulli_ expects p to be in [0, 1], but got p=", p);
  TensorImpl* t = c.handle(0);
  generate<float, 4>(t, generator_of(c, 2), [=](const uint32_t* w, float* v) {
    for (int i = 0; i < 4; ++i) v[i] = static_cast<double>(w[i]) * 0x1p-32 < p;
  });
  self(c);
}
// The largest range of integers that every value of the dtype holds exactly.
void random_range(tl::Call& c, int64_t from, uint64_t range) {
  integers(c.handle(0), generator_of(c, static_cast<uint32_t>(c.nargs() - 1)), from, range);
  self(c);
}
uint64_t full_range(DType t) {
  switch (t) {
    case DType::Bool: return 2;
    case DType::UInt8: return 256;
    case DType::Int8: return 128;
    case DType::Int16: return 1 << 15;
    case DType::Int32: return uint64_t{1} << 31;
    case DType::Float16: return (1 << 11) + 1;
    case DType::BFloat16: return (1 << 8) + 1;
    case DType::Float32: return (1 << 24) + 1;
    case DType::Float64: return (uint64_t{1} << 53) + 1;
    default: return uint64_t{1} << 63;
  }
}
void random_all(tl::Call& c) { random_range(c, 0, full_range(c.handle(0)->dtype)); }
void random_to(tl::Call& c) {
  TL_CHECK(c.integer(1) > 0, "random_ expects 'from' to be less than 'to', but got from=0 >= to=", c.integer(1));
  random_range(c, 0, static_cast<uint64_t>(c.integer(1)));
}
void random_from_to(tl::Call& c) {
  const int64_t from = c.integer(1);
  if (!c.has(2)) return random_range(c, from, full_range(c.handle(0)->dtype) - static_cast<uint64_t>(from));
  TL_CHECK(from < c.integer(2), "random_ expects 'from' to be less than 'to', but got from=", from, " >= to=", c.integer(2));
  random_range(c, from, static_cast<uint64_t>(c.integer(2)) - static_cast<uint64_t>(from));
}

// ---------------------------------------------------------------- new tensors
Tensor made(const tl::Call& c, Sizes sizes, uint32_t dtype_at, DType otherwise) {
  return empty(sizes, dtype_arg(c, dtype_at, otherwise), c.device(dtype_at + 2, kCpu));
}
void rand(tl::Call& c) {
  Tensor t = made(c, c.ints(0), 2, default_dtype());
  check_floating(t.get(), "check_uniform_bounds");
  uniform(t.get(), generator_of(c, 1), 0, 1);
  c.ret(std::move(t));
}
void randn(tl::Call& c) {
  Tensor t = made(c, c.ints(0), 2, default_dtype());
  check_floating(t.get(), "normal_kernel_cpu");
  normal(t.get(), generator_of(c, 1), 0, 1);
  c.ret(std::move(t));
}
void check_integer_range(int64_t low, int64_t high) {
  TL_CHECK(low < high, "random_ expects 'from' to be less than 'to', but got from=", low, " >= to=", high);
}
void randint_low(tl::Call& c) {
  check_integer_range(c.integer(0), c.integer(1));
  Tensor t = made(c, c.ints(2), 4, DType::Int64);
  integers(t.get(), generator_of(c, 3), c.integer(0), static_cast<uint64_t>(c.integer(1)) - static_cast<uint64_t>(c.integer(0)));
  c.ret(std::move(t));
}
void randint(tl::Call& c) {
  check_integer_range(0, c.integer(0));
  Tensor t = made(c, c.ints(1), 3, DType::Int64);
  integers(t.get(), generator_of(c, 2), 0, static_cast<uint64_t>(c.integer(0)));
  c.ret(std::move(t));
}
Tensor like(const tl::Call& c, uint32_t dtype_at) {
  const TensorImpl* t = c.handle(0);
  return empty_like(t, dtype_arg(c, dtype_at, t->dtype), c.device(dtype_at + 2, t->device));
}
void rand_like(tl::Call& c) {
  Tensor t = like(c, 1);
  check_floating(t.get(), "check_uniform_bounds");
  uniform(t.get(), default_generator(), 0, 1);
  c.ret(std::move(t));
}
void randn_like(tl::Call& c) {
  Tensor t = like(c, 1);
  check_floating(t.get(), "normal_kernel_cpu");
  normal(t.get(), default_generator(), 0, 1);
  c.ret(std::move(t));
}
void randint_like(tl::Call& c) {
  check_integer_range(0, c.integer(1));
  Tensor t = like(c, 2);
  integers(t.get(), default_generator(), 0, static_cast<uint64_t>(c.integer(1)));
  c.ret(std::move(t));
}
void randint_like_low(tl::Call& c) {
  check_integer_range(c.integer(1), c.integer(2));
  Tensor t = like(c, 3);
  integers(t.get(), default_generator(), c.integer(1), static_cast<uint64_t>(c.integer(2)) - static_cast<uint64_t>(c.integer(1)));
  c.ret(std::move(t));
}

// Fisher and Yates' shuffle from one stream.
void randperm(tl::Call& c) {
  const int64_t n = c.integer(0);
  TL_CHECK(n >= 0, "n must be non-negative, got ", n);
  const int64_t sizes[1] = {n};
  Tensor t = empty(Sizes(sizes, 1), dtype_arg(c, 2, DType::Int64), c.device(4, kCpu));
  if (!t->is_meta() && n) {
    std::vector<int64_t> p(static_cast<size_t>(n));
    std::iota(p.begin(), p.end(), 0);
    const Philox rng = stream(generator_of(c, 1), (n + 1) / 2);
    uint32_t w[4];
    for (int64_t i = 0; i < n - 1; ++i) {
      if (i % 2 == 0) rng.block(static_cast<uint64_t>(i / 2), w);
      const uint64_t bits = static_cast<uint64_t>(w[i % 2 * 2]) << 32 | w[i % 2 * 2 + 1];
      std::swap(p[static_cast<size_t>(i)], p[static_cast<size_t>(i + static_cast<int64_t>(bits % static_cast<uint64_t>(n - i)))]);
    }
    Tensor source = from_blob(p.data(), Sizes(sizes, 1), nullptr, DType::Int64, kCpu, nullptr, nullptr);
    copy_into(t.get(), source.get());
  }
  c.ret(std::move(t));
}

// normal(mean, std) with tensors for either; standard normal numbers are scaled and shifted.
void normal_tensors(tl::Call& c) {
  const TlValue &mean = c.value(0), &std = c.value(1);
  TL_CHECK_KIND(TL_TYPE_ERROR, mean.tag == TL_TENSOR || std.tag == TL_TENSOR, "normal(): mean or std must be a Tensor, or size be given");
  Dims shape;
  DType dtype = default_dtype();
  for (const TlValue* v : {&mean, &std})
    if (v->tag == TL_TENSOR) {
      shape = broadcast_sizes(shape, v->tensor->size_span(), "normal");
      dtype = v->tensor->dtype;
    }
  if (std.tag == TL_TENSOR && std.tensor->numel && !std.tensor->is_meta())
    TL_CHECK(tl::to_double(tl::call_scalar<"runtime::item">(tl::call<"amin">(tl::call<"reshape">(std, Dims{-1}), Dims{0}))) >= 0,
             "normal expects all elements of std >= 0.0");
  if (std.tag != TL_TENSOR) TL_CHECK(tl::to_double(std) >= 0, "normal expects std >= 0.0, but found std ", tl::to_double(std));
  Tensor t = empty(shape, dtype, mean.tag == TL_TENSOR ? mean.tensor->device : std.tensor->device);
  normal(t.get(), generator_of(c, 2), 0, 1);
  c.ret(tl::call<"add">(tl::call<"mul">(tl::Tensor(std::move(t)), std), mean));
}
void normal_size(tl::Call& c) {
  Tensor t = empty(c.ints(2), dtype_arg(c, 4, default_dtype()), c.device(6, kCpu));
  TL_CHECK(c.number(1) >= 0, "normal expects std >= 0.0, but found std ", c.number(1));
  normal(t.get(), generator_of(c, 3), c.number(0), c.number(1));
  c.ret(std::move(t));
}

// ---------------------------------------------------------------- from probabilities
void bernoulli(tl::Call& c) {
  const TensorImpl* p = c.handle(0);
  check_floating(p, "bernoulli_tensor_cpu_p_");
  Tensor u = empty(p->size_span(), DType::Float64, p->device);
  uniform(u.get(), generator_of(c, 1), 0, 1);
  c.ret(tl::call<"_to">(tl::call<"lt">(tl::Tensor(std::move(u)), c.tensor(0)), tl::Dtype{code(p->dtype)}));
}
void bernoulli_scalar(tl::Call& c) {
  const double p = c.number(1);
  TL_CHECK(p >= 0 && p <= 1, "bernoulli_ expects p to be in [0, 1], but got p=", p);
  Tensor t = empty_like(c.handle(0), c.handle(0)->dtype, c.handle(0)->device);
  generate<float, 4>(t.get(), generator_of(c, 2), [=](const uint32_t* w, float* v) {
    for (int i = 0; i < 4; ++i) v[i] = static_cast<double>(w[i]) * 0x1p-32 < p;
  });
  c.ret(std::move(t));
}
void bernoulli_tensor_(tl::Call& c) {
  Tensor u = empty(c.handle(0)->size_span(), DType::Float64, c.handle(0)->device);
  uniform(u.get(), generator_of(c, 2), 0, 1);
  tl::Tensor draw = tl::call<"lt">(tl::Tensor(std::move(u)), c.tensor(1));
  copy_into(c.handle(0), draw.get());
  self(c);
}

// Knuth's product for small rates, and PTRS (Hormann, "The transformed rejection method for generating Poisson random
// variables", 1993) for large ones. Each element draws from its own sub-stream.
double poisson_one(double lambda, Philox rng, uint64_t& block) {
  uint32_t w[4];
  auto draw = [&] {
    rng.block(block++, w);
    return to_unit_double(w[0], w[1]);
  };
  if (!(lambda > 0)) return 0;
  if (lambda < 10) {
    const double limit = std::exp(-lambda);
    double product = draw();
    int64_t k = 0;
    while (product > limit) product *= draw(), ++k;
    return static_cast<double>(k);
  }
  const double root = std::sqrt(lambda), logl = std::log(lambda), b = 0.931 + 2.53 * root, a = -0.059 + 0.02483 * b;
  const double inv_alpha = 1.1239 + 1.1328 / (b - 3.4), vr = 0.9277 - 3.6224 / (b - 2);
  for (;;) {
    const double u = draw() - 0.5, v = draw(), us = 0.5 - std::fabs(u);
    const double k = std::floor((2 * a / us + b) * u + lambda + 0.43);
    if (us >= 0.07 && v <= vr) return k;
    if (k < 0 || (us < 0.013 && v > us)) continue;
    if (std::log(v) + std::log(inv_alpha) - std::log(a / (us * us) + b) <= -lambda + k * logl - std::lgamma(k + 1)) return k;
  }
}
void poisson(tl::Call& c) {
  const TensorImpl* t = c.handle(0);
  check_floating(t, "poisson_cpu");
  Tensor rates = cast_to(t, DType::Float64), out = empty(t->size_span(), DType::Float64, t->device);
  if (!t->is_meta()) {
    Tensor dense = empty(t->size_span(), DType::Float64, t->device);
    copy_into(dense.get(), rates.get());
    // 2^20 blocks per element: no rejection loop comes near that.
    const Philox rng = stream(generator_of(c, 1), t->numel << 20);
    parallel_for(0, t->numel, 1024, [&](int64_t b, int64_t e) {
      for (int64_t i = b; i < e; ++i) {
        uint64_t block = static_cast<uint64_t>(i) << 20;
        out.ptr<double>()[i] = poisson_one(dense.ptr<double>()[i], rng, block);
      }
    });
  }
  c.ret(tl::Tensor(cast_to(out.get(), t->dtype)));
}

void multinomial(tl::Call& c) {
  const TensorImpl* p = c.handle(0);
  const int64_t draws = c.integer(1);
  const bool replacement = c.boolean(2);
  TL_CHECK(p->ndim == 1 || p->ndim == 2, "prob_dist must be 1 or 2 dim");
  TL_CHECK(is_floating(p->dtype), "multinomial only supports floating-point dtypes for input, got: ", dtype_long_name(p->dtype));
  TL_CHECK(draws > 0, "cannot sample n_sample <= 0 samples");
  const int64_t n = p->size(p->ndim - 1), rows = p->ndim == 2 ? p->size(0) : 1;
  TL_CHECK(n <= int64_t{1} << 24, "number of categories cannot exceed 2^24");
  TL_CHECK(replacement || draws <= n, "cannot sample n_sample > prob_dist.size(-1) samples without replacement");
  Dims sizes(p->size_span().begin(), p->size_span().end());
  sizes.back() = draws;
  Tensor out = empty(sizes, DType::Int64, p->device);
  if (!p->is_meta()) {
    Tensor w = empty(p->size_span(), DType::Float64, p->device);
    copy_into(w.get(), p);
    const Philox rng = stream(generator_of(c, 3), rows * std::max(draws, n));
    for (int64_t r = 0; r < rows; ++r) {
      double* q = w.ptr<double>() + r * n;
      int64_t* o = out.ptr<int64_t>() + r * draws;
      double total = 0;
      int64_t positive = 0;
      for (int64_t i = 0; i < n; ++i) {
        TL_CHECK(q[i] >= 0 && std::isfinite(q[i]), "probability tensor contains either `inf`, `nan` or element < 0");
        total += q[i];
        positive += q[i] > 0;
      }
      TL_CHECK(total > 0, "invalid multinomial distribution (sum of probabilities <= 0)");
      TL_CHECK(replacement || positive >= draws, "invalid multinomial distribution (with replacement=False, not enough non-negative category to sample)");
      uint32_t bits[4];
      if (replacement) {
        std::vector<double> sums(static_cast<size_t>(n));
        std::partial_sum(q, q + n, sums.begin());
        for (int64_t k = 0; k < draws; ++k) {
          rng.block(static_cast<uint64_t>(r * std::max(draws, n) + k), bits);
          const double u = to_unit_double(bits[0], bits[1]) * sums.back();
          auto it = std::upper_bound(sums.begin(), sums.end(), u);
          int64_t i = std::min<int64_t>(it - sums.begin(), n - 1);
          while (i > 0 && q[i] == 0) --i;
          o[k] = i;
        }
      } else {
        // The draws largest of log(u) / w (Efraimidis and Spirakis, "Weighted random sampling with a reservoir", 2006).
        std::vector<std::pair<double, int64_t>> keys;
        for (int64_t i = 0; i < n; ++i) {
          rng.block(static_cast<uint64_t>(r * std::max(draws, n) + i), bits);
          if (q[i] > 0) keys.emplace_back(std::log1p(-to_unit_double(bits[0], bits[1])) / q[i], i);
        }
        std::partial_sort(keys.begin(), keys.begin() + draws, keys.end(), [](auto& a, auto& b) { return a.first > b.first; });
        for (int64_t k = 0; k < draws; ++k) o[k] = keys[static_cast<size_t>(k)].second;
      }
    }
  }
  c.ret(std::move(out));
}

// 1 / (1 - p) where an element is kept, 0 elsewhere: what dropout multiplies with.
void dropout_mask(tl::Call& c) {
  const TensorImpl* t = c.handle(0);
  const double p = c.number(1);
  Tensor out = empty_like(t, t->dtype, t->device);
  const float scale = p < 1 ? static_cast<float>(1 / (1 - p)) : 0.0f;
  const auto limit = static_cast<uint64_t>(p * 4294967296.0);
  generate<float, 4>(out.get(), generator_of(c, 2), [=](const uint32_t* w, float* v) {
    for (int i = 0; i < 4; ++i) v[i] = w[i] >= limit ? scale : 0.0f;
  });
  c.ret(std::move(out));
}

void item_op(tl::Call& c) {
  const TensorImpl* t = c.handle(0);
  TL_CHECK(t->numel == 1 && !t->is_meta(), "a Tensor with ", t->numel, " elements cannot be converted to Scalar");
  double v;
  cast_fn(t->dtype, DType::Float64)(t->ptr<char>(), 0, reinterpret_cast<char*>(&v), 8, 1);
  c.ret_double(v);
}

// Every element of the tensor that is filled has memory of its own.
template <auto F>
void each_once(tl::Call& c) {
  check_no_internal_overlap(c.handle(0), c.op()->schema.name.c_str());
  F(c);
}

}  // namespace

TL_OPS(random) {
  const uint32_t r = TL_OP_RANDOM | kNoGrad, m = r | kMethod;
  const std::string options = "dtype? dtype=None, layout? layout=None, device? device=None, bool pin_memory=False";
#define TL_RANDOM_FACTORY(fn, schema, flags) tl::composite<fn>((std::string(schema) + options + ") -> Tensor").c_str(), flags)
  TL_RANDOM_FACTORY(rand, "rand(int[] size, *, Generator? generator=None, ", r | kOut);
  TL_RANDOM_FACTORY(randn, "randn(int[] size, *, Generator? generator=None, ", r | kOut);
  TL_RANDOM_FACTORY(randint, "randint(int high, int[] size, *, Generator? generator=None, ", r | kOut);
  TL_RANDOM_FACTORY(randint_low, "randint.low(int low, int high, int[] size, *, Generator? generator=None, ", r | kOut);
  TL_RANDOM_FACTORY(randperm, "randperm(int n, *, Generator? generator=None, ", r | kOut);
  const std::string like_options = options + ", memory_format? memory_format=None";
#define TL_RANDOM_LIKE(fn, schema) tl::composite<fn>((std::string(schema) + like_options + ") -> Tensor").c_str(), r | TL_OP_MIXED_DEVICES)
  TL_RANDOM_LIKE(rand_like, "rand_like(Tensor self, *, ");
  TL_RANDOM_LIKE(randn_like, "randn_like(Tensor self, *, ");
  TL_RANDOM_LIKE(randint_like, "randint_like(Tensor self, int high, *, ");
  TL_RANDOM_LIKE(randint_like_low, "randint_like.low(Tensor self, int low, int high, *, ");
#define TL_RANDOM_INPLACE(fn, schema) \
  tl::opaque(schema, m | TL_OP_NO_FUNCTION).cpu<each_once<fn>>().on<self>(TL_KEY_META)
  TL_RANDOM_INPLACE(uniform_, "uniform_(Tensor(a!) self, float from=0, float to=1, *, Generator? generator=None) -> Tensor");
  TL_RANDOM_INPLACE(normal_, "normal_(Tensor(a!) self, float mean=0, float std=1, *, Generator? generator=None) -> Tensor");
  TL_RANDOM_INPLACE(exponential_, "exponential_(Tensor(a!) self, float lambd=1, *, Generator? generator=None) -> Tensor");
  TL_RANDOM_INPLACE(geometric_, "geometric_(Tensor(a!) self, float p, *, Generator? generator=None) -> Tensor");
  TL_RANDOM_INPLACE(cauchy_, "cauchy_(Tensor(a!) self, float median=0, float sigma=1, *, Generator? generator=None) -> Tensor");
  TL_RANDOM_INPLACE(log_normal_, "log_normal_(Tensor(a!) self, float mean=1, float std=2, *, Generator? generator=None) -> Tensor");
  TL_RANDOM_INPLACE(bernoulli_p, "bernoulli_(Tensor(a!) self, float p=0.5, *, Generator? generator=None) -> Tensor");
  TL_RANDOM_INPLACE(bernoulli_tensor_, "bernoulli_.Tensor(Tensor(a!) self, Tensor p, *, Generator? generator=None) -> Tensor");
  TL_RANDOM_INPLACE(random_all, "random_(Tensor(a!) self, *, Generator? generator=None) -> Tensor");
  TL_RANDOM_INPLACE(random_to, "random_.to(Tensor(a!) self, int to, *, Generator? generator=None) -> Tensor");
  TL_RANDOM_INPLACE(random_from_to, "random_.from(Tensor(a!) self, int from, int? to, *, Generator? generator=None) -> Tensor");
  tl::composite<normal_tensors>("normal(Tensor|Scalar mean, Tensor|Scalar std=1, *, Generator? generator=None) -> Tensor", r | kOut);
  tl::composite<normal_size>(("normal.size(float mean, float std, int[] size, *, Generator? generator=None, " + options + ") -> Tensor").c_str(), r | kOut);
  tl::composite<bernoulli>("bernoulli(Tensor self, *, Generator? generator=None) -> Tensor", m | kOut);
  tl::composite<bernoulli_scalar>("bernoulli.p(Tensor self, float p, *, Generator? generator=None) -> Tensor", m);
  tl::composite<poisson>("poisson(Tensor self, Generator? generator=None) -> Tensor", r);
  tl::composite<multinomial>("multinomial(Tensor self, int num_samples, bool replacement=False, *, Generator? generator=None) -> Tensor", m | kOut);
  tl::composite<dropout_mask>("_dropout_mask(Tensor self, float p, Generator? generator=None) -> Tensor", r | TL_OP_HIDDEN);
  tl::composite<item_op>("runtime::item(Tensor self) -> float", kNoGrad | TL_OP_HIDDEN);
}

}  // namespace tallow
