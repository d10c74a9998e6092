// Many native threads at once, with no Python in the process: forward, backward, accumulation into a shared leaf,
// registration and look-up of ops. Under ThreadSanitizer (tools/sanitize.py thread) every race in core and autograd that
// these paths have is a report; without it the values are what is checked.
//
//   concurrent LIBTALLOW_CORE [LIBTALLOW_AUTOGRAD ...]
#include <dlfcn.h>

#include <atomic>
#include <barrier>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include <tallow/tallow.hpp>

namespace {

constexpr int kThreads = 64;
constexpr int kRounds = 4;

void fail(const std::string& what) {
  std::fprintf(stderr, "%s\n", what.c_str());
  std::exit(1);
}

void* symbol(const char* path, const char* name) {
  void* library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!library) fail(dlerror());
  void* found = dlsym(library, name);
  if (!found) fail(std::string(path) + " has no " + name);
  return found;
}

// Runs on all threads at once; what a thread throws ends the program.
void everywhere(const char* name, const std::function<void(int)>& work) {
  std::barrier start(kThreads);
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i)
    threads.emplace_back([&, i] {
      start.arrive_and_wait();
      try {
        work(i);
      } catch (const std::exception& e) {
        fail(std::string(name) + ": " + e.what());
      }
    });
  for (auto& t : threads) t.join();
  std::printf("%s: ok\n", name);
}

tl::Tensor ramp(std::initializer_list<int64_t> sizes, float step) {
  tl::Tensor t = tl::empty(tl::Sizes(sizes.begin(), sizes.size()), TL_FLOAT32);
  for (int64_t i = 0; i < t.numel(); ++i) t.data<float>()[i] = step * static_cast<float>(i % 17 - 8);
  return t;
}

void require_equal(const tl::Tensor& a, const tl::Tensor& b, const char* what) {
  if (a.numel() != b.numel() || std::memcmp(a.data(), b.data(), sizeof(float) * static_cast<size_t>(a.numel())) != 0)
    throw tl::Error(TL_RUNTIME_ERROR, std::string(what) + " differs from what one thread computes");
}

void invoke(const tl::OpHandle& op, std::initializer_list<TlValue> given) {
  TlValue args[16], none{};
  for (uint32_t i = 0; i < op.info.nargs; ++i) args[i] = op.info.args[i].default_value;
  std::copy(given.begin(), given.end(), args);
  tl::check(tl::api()->op_call(op.op, args, op.info.nargs, &none));
  tl::api()->values_release(&none, 1);
}

void backward(const tl::Tensor& loss) {
  static const tl::OpHandle op("autograd::tensor_backward");
  invoke(op, {tl::pack(loss)});
}
void require_grad(const tl::Tensor& t) {
  static const tl::OpHandle op("autograd::set_requires_grad");
  invoke(op, {tl::pack(t), tl::pack(true)});
}
tl::Tensor gradient(const tl::Tensor& t) { return tl::call<"autograd::grad_get">(t); }

tl::Tensor forward(const tl::Tensor& x, const tl::Tensor& w) {
  return tl::call<"softmax">(tl::call<"tanh">(tl::call<"matmul">(x, w)), 1);
}

void identity(tl::Call& c) { c.ret(c.tensor(0)); }

void without_autograd() {
  const tl::Tensor x = ramp({24, 33}, 0.1f), w = ramp({33, 16}, 0.05f), want = forward(x, w);
  everywhere("forward", [&](int) {
    for (int r = 0; r < kRounds; ++r) require_equal(forward(x, w), want, "forward");
  });
  everywhere("allocation", [&](int i) {
    std::vector<tl::Tensor> held;
    for (int r = 0; r < 100; ++r) {
      held.push_back(tl::call<"add">(ramp({1 + (i * 7 + r) % 300}, 1), 1.0));
      if (r % 3 == 0) held.erase(held.begin());
    }
  });
  everywhere("pieces of one loop", [&](int) {
    std::atomic<int64_t> sum{0};
    tl::parallel_for(0, 1000, 10, [&](int64_t b, int64_t e) {
      for (int64_t k = b; k < e; ++k) sum.fetch_add(k, std::memory_order_relaxed);
    });
    if (sum != 499500) throw tl::Error(TL_RUNTIME_ERROR, "a piece was lost");
  });
  everywhere("random numbers", [&](int) {
    for (int r = 0; r < kRounds; ++r) tl::call<"rand_like">(x);
  });
  everywhere("errors", [&](int i) {
    try {
      tl::call<"matmul">(ramp({2, 3 + i}, 1), ramp({2, 3 + i}, 1));
    } catch (const tl::Error& e) {
      if (std::string(e.what()).find("2x" + std::to_string(3 + i)) == std::string::npos) throw;
      return;
    }
    throw tl::Error(TL_RUNTIME_ERROR, "shapes that do not fit went through");
  });
  everywhere("registration", [&](int i) {
    const std::string schema = "native::op" + std::to_string(i) + "(Tensor self) -> Tensor";
    tl::composite<identity>(schema.c_str());
    require_equal(forward(x, w), want, "forward while ops are registered");
    const tl::OpHandle mine(("native::op" + std::to_string(i)).c_str());
    invoke(mine, {tl::pack(x)});
  });
}

void with_autograd() {
  const auto step = [] {
    const tl::Tensor x = ramp({24, 33}, 0.1f), w = ramp({33, 16}, 0.05f);
    require_grad(x), require_grad(w);
    for (int r = 0; r < kRounds; ++r) {
      const tl::Tensor y = forward(x, w);
      backward(tl::call<"sum">(tl::call<"mul">(y, y)));
    }
    return std::array{gradient(x), gradient(w)};
  };
  const auto want = step();
  everywhere("backward", [&](int) {
    const auto got = step();
    require_equal(got[0], want[0], "the gradient of x");
    require_equal(got[1], want[1], "the gradient of w");
  });

  const tl::Tensor leaf = ramp({500}, 0);
  require_grad(leaf);
  everywhere("accumulation", [&](int i) {
    for (int r = 0; r < kRounds; ++r) backward(tl::call<"sum">(tl::call<"mul">(leaf, static_cast<double>(i))));
  });
  const tl::Tensor sum = gradient(leaf);
  for (int64_t i = 0; i < sum.numel(); ++i)
    if (sum.data<float>()[i] != kRounds * kThreads * (kThreads - 1) / 2.0f) fail("an update of a shared leaf was lost");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  const auto get_api = reinterpret_cast<TlGetApi>(symbol(argv[1], "tl_get_api"));
  tl::detail::g_api = get_api(TALLOW_TARGET_ABI, TALLOW_ABI_VERSION, "concurrent");
  without_autograd();
  for (int i = 2; i < argc; ++i) {
    const auto init = reinterpret_cast<TlExtensionInit>(symbol(argv[i], "tl_extension_init"));
    if (init(get_api) != TL_OK) fail(tl::api()->error_message());
    if (std::strstr(argv[i], "autograd")) with_autograd();
  }
  return 0;
}
