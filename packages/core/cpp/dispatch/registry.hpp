// The registry: every op by name, the kernels that packages hang on it, and the rules (gradient, ...) beside them.
#pragma once
#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "dispatch/schema.hpp"
#include "tensor/tensor.hpp"

namespace tallow {

constexpr int kKeys = 64;
constexpr int kDeviceKeys = 16;
constexpr TlKeySet kDeviceMask = (TlKeySet{1} << kDeviceKeys) - 1;

struct KernelEntry {
  TlKernel fn;
  void* user;
};

enum class Variant : uint32_t { Functional = 0, InPlace = 1, Out = 2 };

struct Rule {
  std::string name;
  const void* value;
  std::string text;
  Rule* next;
};

}  // namespace tallow

struct TlOpImpl {
  tallow::Schema schema;
  std::string doc;
  uint32_t flags = 0;
  tallow::Variant variant = tallow::Variant::Functional;
  TlOpImpl* base = nullptr;     // itself for the functional form
  TlOpImpl* in_place = nullptr; // of the functional form
  TlOpImpl* out = nullptr;
  TlKernel shape = nullptr;
  TlKernel composite = nullptr;
  void* user = nullptr;
  std::atomic<const tallow::KernelEntry*> table[tallow::kKeys] = {};        // what dispatch runs
  std::atomic<const tallow::KernelEntry*> raw[tallow::kDeviceKeys] = {};    // kernels under a shape function
  std::atomic<tallow::Rule*> rules{nullptr};
  std::vector<uint8_t> tensor_params;   // positions that hold tensors or lists of them
  std::vector<uint8_t> written_params;  // Tensor(a!)
  int device_param = -1;
  std::vector<TlOpArgument> arguments;  // for TlApi.op_info
};

namespace tallow {

using Op = TlOpImpl;

struct Registry {
  static Registry& get();
  Op* define(const TlOpDef& def);                       // with its in-place and out= forms
  const Op* find(std::string_view name);                // null if unknown
  std::vector<const Op*> overloads(std::string_view name);
  std::vector<const Op*> all();
  void kernel(std::string_view op, int key, TlKernel fn, void* user);
  void rule(std::string_view op, const char* rule, const void* value, const char* text);
  int key(const char* name, int wanted);
  const char* key_name(int key);
  void fallback(int key, TlKernel fn, void* user);
};

const Rule* find_rule(const Op* op, std::string_view name);

// What a thread adds to and takes from every key set.
struct ThreadKeys {
  TlKeySet included = 0, excluded = 0;
};
inline ThreadKeys& thread_keys() {
  extern thread_local ThreadKeys t_thread_keys __attribute__((tls_model("initial-exec")));
  return t_thread_keys;
}

// Calls op with all its arguments given; rets are written, never read.
TlStatus dispatch(const Op* op, const TlValue* args, TlValue* rets) noexcept;
TlStatus redispatch(const Op* op, TlKeySet keys, const TlValue* args, TlValue* rets) noexcept;

// Describes result `index` inside a shape function.
void call_output(TlCall* call, uint32_t index, Sizes sizes, const int64_t* strides, DType dtype, TlDevice device);

void release_values(TlValue* values, uint32_t count) noexcept;

}  // namespace tallow
