// Forward and backward with no Python in the process: many threads on graphs of their own, on shared leaves and on one
// shared graph, and deep graphs. Meant for ThreadSanitizer and AddressSanitizer, which Python would only slow down.
//
//   autograd_test libtallow_core.so libtallow_autograd.so
#include <dlfcn.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <thread>

#include "tallow/tallow.hpp"

namespace {

int g_failures = 0;
void expect(bool ok, const char* what) {
  if (ok) return;
  std::fprintf(stderr, "FAILED: %s\n", what);
  ++g_failures;
}

tl::Tensor leaf(double value, int64_t n = 4) {
  const tl::Tensor t = tl::call<"full">(tl::Dims{n}, value, tl::kw("dtype", tl::Dtype{TL_FLOAT64}));
  return tl::call<"autograd::set_requires_grad">(t, true);
}

template <tl::Name N, class... A>
void run(const A&... a) {  // an op without results
  TlValue none[1] = {};
  tl::detail::invoke(tl::op<N>(), none, a...);
}
void backward(const tl::Tensor& t, bool retain = false) { run<"autograd::tensor_backward">(t, nullptr, retain, false); }
double first_of_grad(const tl::Tensor& t) { return tl::call<"autograd::grad_get">(t).data<double>()[0]; }

void threads(int n, const std::function<void(int)>& body) {
  std::vector<std::thread> all;
  for (int i = 0; i < n; ++i) all.emplace_back(body, i);
  for (std::thread& t : all) t.join();
}

void shared_leaf() {
  const tl::Tensor w = leaf(1);
  threads(64, [&](int) {
    for (int k = 0; k < 10; ++k) backward(tl::call<"sum">(tl::call<"exp">(tl::call<"mul">(w, w))));
  });
  expect(std::abs(first_of_grad(w) - 640 * 2 * std::exp(1.0)) < 1e-6, "64 threads accumulate into one leaf");
}

void shared_graph() {
  const tl::Tensor w = leaf(2);
  const tl::Tensor inner = tl::call<"exp">(tl::call<"mul">(w, w));
  threads(64, [&](int) {
    for (int k = 0; k < 5; ++k) backward(tl::call<"sum">(tl::call<"mul">(inner, 0.0)), true);
  });
  expect(first_of_grad(w) == 0, "64 threads go back through one graph");
}

void race_for_saved_tensors() {
  for (int round = 0; round < 20; ++round) {
    const tl::Tensor w = leaf(1);
    const tl::Tensor y = tl::call<"sum">(tl::call<"exp">(tl::call<"mul">(w, w)));
    std::atomic<int> done{0}, refused{0};
    threads(8, [&](int) {
      try {
        backward(y);
        ++done;
      } catch (const tl::Error& e) {
        ++refused;
      }
    });
    expect(done >= 1 && done + refused == 8, "one of several backwards gets the saved tensors");
  }
}

void views_and_writes() {
  threads(16, [&](int i) {
    const tl::Tensor w = leaf(i);
    for (int k = 0; k < 10; ++k) {
      const tl::Tensor buffer = tl::call<"zeros">(tl::Dims{4}, tl::kw("dtype", tl::Dtype{TL_FLOAT64}));
      const tl::Tensor view = tl::call<"slice">(buffer, 0, 0, 2);
      tl::call<"copy_">(view, tl::call<"slice">(w, 0, 0, 2));
      tl::call<"mul_">(buffer, 3.0);
      backward(tl::call<"sum">(view));
    }
    expect(first_of_grad(w) == 30, "writes through views");
  });
  const tl::Tensor w = leaf(1);
  const tl::Tensor base = tl::call<"mul">(w, 1.0);
  const tl::Tensor stale = tl::call<"slice">(base, 0, 0, 2);
  tl::call<"mul_">(base, 2.0);
  threads(16, [&](int) { backward(tl::call<"sum">(stale), true); });  // all bring the view's history up to date
  expect(first_of_grad(w) == 32, "threads share a view whose base was written");
}

void deep() {
  const tl::Tensor w = leaf(1, 1);
  tl::Tensor y = w;
  for (int i = 0; i < 300000; ++i) y = tl::call<"add">(y, 1.0);
  backward(y);
  expect(first_of_grad(w) == 1, "a deep chain");
  y = w;
  for (int i = 0; i < 100000; ++i) y = tl::call<"mul">(y, w);
}

void second_derivatives() {
  const tl::Tensor x = leaf(2, 1);
  const tl::Tensor y = tl::call<"pow">(x, 3.0);
  const std::vector<tl::Tensor> none;
  auto g = tl::call_list<"autograd::grad">(std::vector<tl::Tensor>{y}, std::vector<tl::Tensor>{x}, none, nullptr, true);
  auto gg = tl::call_list<"autograd::grad">(std::vector<tl::Tensor>{g[0]}, std::vector<tl::Tensor>{x}, none);
  expect(g[0].data<double>()[0] == 12 && gg[0].data<double>()[0] == 12, "second derivatives");
}

void* open_library(const char* path, int flags) {
  void* lib = dlopen(path, flags);
  if (lib) return lib;
  std::fprintf(stderr, "%s\n", dlerror());
  std::exit(2);
}

const TlApi* load(const char* core, const char* autograd) {
  void* lib = open_library(core, RTLD_NOW | RTLD_GLOBAL);
  void* ext = open_library(autograd, RTLD_NOW);
  auto get = reinterpret_cast<TlGetApi>(dlsym(lib, "tl_get_api"));
  auto init = reinterpret_cast<TlExtensionInit>(dlsym(ext, "tl_extension_init"));
  const TlApi* api = get(TALLOW_TARGET_ABI, TALLOW_ABI_VERSION, "autograd_test");
  if (!api || init(get) != TL_OK) std::exit(2);
  return api;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: autograd_test LIBTALLOW_CORE LIBTALLOW_AUTOGRAD\n");
    return 2;
  }
  tl::detail::g_api = load(argv[1], argv[2]);
  shared_leaf();
  shared_graph();
  race_for_saved_tensors();
  views_and_writes();
  deep();
  second_derivatives();
  std::printf(g_failures ? "%d failures\n" : "all passed\n", g_failures);
  return g_failures != 0;
}
