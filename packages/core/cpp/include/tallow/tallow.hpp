// The C++20 wrapper of the Tallow ABI: header only, exceptions instead of statuses, RAII instead of retain/release.
//
// An extension is one shared library:
//
//   #include <tallow/tallow.hpp>
//   static void shape(tl::Call& c) { c.output(0, c.tensor(0).sizes(), c.tensor(0).dtype()); }
//   static void cpu(tl::Call& c) { ... c.tensor(0).data<float>() ... c.out(0).data<float>() ... }
//   TL_EXTENSION(mine) {
//     tl::def<shape>("mine::twice(Tensor self) -> Tensor", TL_OP_OUT).cpu<cpu>().grad("self: 2 * grad");
//   }
#pragma once
#include <algorithm>
#include <array>
#include <atomic>
#include <complex>
#include <initializer_list>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "tallow/abi.h"
#ifdef TALLOW_CORE_BUILD
#include "dispatch/error.hpp"
#endif

namespace tl {

#ifdef TALLOW_CORE_BUILD
const TlApi* api();
#else
namespace detail {
inline const TlApi* g_api = nullptr;
}
inline const TlApi* api() { return detail::g_api; }
#endif

// ---------------------------------------------------------------- errors
#ifdef TALLOW_CORE_BUILD
using tallow::Error;  // inside the core there is one exception type
#else
class Error : public std::runtime_error {
 public:
  Error(TlStatus kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}
  TlStatus kind() const { return kind_; }

 private:
  TlStatus kind_;
};
#endif

inline void check(TlStatus s) {
  if (__builtin_expect(s != TL_OK, 0)) throw Error(s, api()->error_message());
}

template <class F>
TlStatus guarded(F&& f) noexcept {
  try {
    f();
    return TL_OK;
  } catch (const Error& e) {
    return api()->error_set(e.kind(), e.what());
  } catch (const std::bad_alloc&) {
    return api()->error_set(TL_OUT_OF_MEMORY_ERROR, "out of memory");
  } catch (const std::exception& e) {
    return api()->error_set(TL_RUNTIME_ERROR, e.what());
  } catch (...) {
    return api()->error_set(TL_RUNTIME_ERROR, "unknown C++ exception");
  }
}

using Sizes = std::span<const int64_t>;
using Dims = std::vector<int64_t>;

inline std::string to_string(Sizes s) {
  std::string out = "[";
  for (size_t i = 0; i < s.size(); ++i) out += (i ? ", " : "") + std::to_string(s[i]);
  return out + "]";
}

// ---------------------------------------------------------------- tensors
class Tensor {
 public:
  Tensor() = default;
  Tensor(std::nullptr_t) {}
  static Tensor steal(TlTensor t) {
    Tensor r;
    r.t_ = t;
    return r;
  }
  static Tensor share(TlTensor t) {
    if (t) api()->tensor_retain(t);
    return steal(t);
  }
  // From any owner that can give its handle away (the core's own handle class).
  template <class T>
    requires requires(T t) { { t.take() } -> std::convertible_to<TlTensor>; } && (!std::is_same_v<std::decay_t<T>, Tensor>)
  Tensor(T owner) : t_(owner.take()) {}
  Tensor(const Tensor& o) : t_(o.t_) {
    if (t_) api()->tensor_retain(t_);
  }
  Tensor(Tensor&& o) noexcept : t_(std::exchange(o.t_, nullptr)) {}
  Tensor& operator=(Tensor o) noexcept {
    std::swap(t_, o.t_);
    return *this;
  }
  ~Tensor() {
    if (t_) api()->tensor_release(t_);
  }

  TlTensor get() const { return t_; }
  TlTensor take() { return std::exchange(t_, nullptr); }
  explicit operator bool() const { return t_ != nullptr; }

  TlTensorInfo info() const {
    TlTensorInfo i;
    i.struct_size = sizeof i;
    api()->tensor_info(t_, &i);
    return i;
  }
  Sizes sizes() const {
    const TlTensorInfo i = info();
    return {i.sizes, static_cast<size_t>(i.ndim)};
  }
  Sizes strides() const {
    const TlTensorInfo i = info();
    return {i.strides, static_cast<size_t>(i.ndim)};
  }
  int64_t ndim() const { return info().ndim; }
  int64_t numel() const { return info().numel; }
  int64_t size(int64_t d) const {
    const TlTensorInfo i = info();
    if (d < -i.ndim || d >= i.ndim)
      throw Error(TL_INDEX_ERROR, "dimension " + std::to_string(d) + " of a tensor that has " + std::to_string(i.ndim));
    return i.sizes[d < 0 ? d + i.ndim : d];
  }
  TlDtype dtype() const { return info().dtype; }
  TlDevice device() const { return info().device; }
  bool contiguous() const { return info().flags & TL_TENSOR_CONTIGUOUS; }
  bool requires_grad() const { return info().keys >> TL_KEY_AUTOGRAD & 1; }
  bool is_sparse() const { return info().keys & (TlKeySet{1} << TL_KEY_SPARSE_CPU | TlKeySet{1} << TL_KEY_SPARSE_CUDA); }
  template <class T = void> T* data() const { return static_cast<T*>(info().data); }

 private:
  TlTensor t_ = nullptr;
};

inline Tensor empty(Sizes sizes, TlDtype dtype, TlDevice device = {TL_CPU, -1}) {
  TlTensor t;
  check(api()->tensor_empty(sizes.data(), static_cast<int64_t>(sizes.size()), dtype, device, &t));
  return Tensor::steal(t);
}

// ---------------------------------------------------------------- scalars and values
struct Scalar {
  TlValue value{};
  double complex_value[2];

  Scalar(bool b) { value.tag = TL_BOOL, value.i = b; }
  template <class I>
    requires std::is_integral_v<I>
  Scalar(I i) { value.tag = TL_INT, value.i = static_cast<int64_t>(i); }
  Scalar(double d) { value.tag = TL_DOUBLE, value.d = d; }
  Scalar(float d) : Scalar(static_cast<double>(d)) {}
  Scalar(std::complex<double> c) : complex_value{c.real(), c.imag()} { value.tag = TL_COMPLEX; }
  explicit Scalar(const TlValue& v) : value(v) {
    if (v.tag == TL_COMPLEX) complex_value[0] = v.complex[0], complex_value[1] = v.complex[1];
  }
  TlValue get() const {
    TlValue v = value;
    if (v.tag == TL_COMPLEX) v.complex = complex_value;
    return v;
  }
};

inline double to_double(const TlValue& v) {
  switch (v.tag) {
    case TL_BOOL: case TL_INT: return static_cast<double>(v.i);
    case TL_DOUBLE: return v.d;
    case TL_COMPLEX: return v.complex[0];
    default: throw Error(TL_TYPE_ERROR, "expected a number");
  }
}
inline int64_t to_int(const TlValue& v) {
  return v.tag == TL_DOUBLE ? static_cast<int64_t>(v.d) : v.tag == TL_COMPLEX ? static_cast<int64_t>(v.complex[0]) : v.i;
}

struct Dtype { TlDtype value; };  // to tell a dtype from an int in a call
struct MemoryFormat { int32_t value; };

// Packs C++ values into a frame. Handles of the packed objects are borrowed.
inline TlValue pack(const TlValue& v) { return v; }
inline TlValue pack(const Tensor& t) {
  TlValue v{};
  if (t) v.tag = TL_TENSOR, v.tensor = t.get();
  return v;
}
inline TlValue pack(TlTensor t) {
  TlValue v{};
  if (t) v.tag = TL_TENSOR, v.tensor = t;
  return v;
}
inline TlValue pack(const Scalar& s) { return s.get(); }
inline TlValue pack(std::nullptr_t) { return {}; }
inline TlValue pack(std::nullopt_t) { return {}; }
inline TlValue pack(bool b) { TlValue v{}; v.tag = TL_BOOL, v.i = b; return v; }
template <class I>
  requires(std::is_integral_v<I> && !std::is_same_v<I, bool>)
TlValue pack(I i) { TlValue v{}; v.tag = TL_INT, v.i = static_cast<int64_t>(i); return v; }
inline TlValue pack(double d) { TlValue v{}; v.tag = TL_DOUBLE, v.d = d; return v; }
inline TlValue pack(Dtype d) { TlValue v{}; v.tag = TL_DTYPE, v.i = d.value; return v; }
inline TlValue pack(MemoryFormat d) { TlValue v{}; v.tag = TL_MEMORY_FORMAT, v.i = d.value; return v; }
inline TlValue pack(TlDevice d) { TlValue v{}; v.tag = TL_DEVICE, v.device = d; return v; }
inline TlValue pack(TlGenerator g) { TlValue v{}; if (g) v.tag = TL_GENERATOR, v.generator = g; return v; }
inline TlValue pack(TlObject o) { TlValue v{}; if (o) v.tag = TL_OBJECT, v.object = o; return v; }
inline TlValue pack(Sizes s) { TlValue v{}; v.tag = TL_INT_LIST, v.len = static_cast<uint32_t>(s.size()), v.ints = s.data(); return v; }
inline TlValue pack(const Dims& s) { return pack(Sizes(s)); }
inline TlValue pack(std::initializer_list<int64_t> s) { return pack(Sizes(s.begin(), s.size())); }
inline TlValue pack(std::string_view s) { TlValue v{}; v.tag = TL_STRING, v.len = static_cast<uint32_t>(s.size()), v.string = s.data(); return v; }
inline TlValue pack(const char* s) { return pack(std::string_view(s)); }
// A vector<Tensor> is a list of handles: Tensor holds nothing but its handle.
static_assert(sizeof(Tensor) == sizeof(TlTensor));
inline TlValue pack(std::span<const Tensor> s) {
  TlValue v{};
  v.tag = TL_TENSOR_LIST, v.len = static_cast<uint32_t>(s.size()), v.tensors = reinterpret_cast<const TlTensor*>(s.data());
  return v;
}
inline TlValue pack(const std::vector<Tensor>& s) { return pack(std::span<const Tensor>(s)); }
template <class T>
TlValue pack(const std::optional<T>& o) { return o ? pack(*o) : TlValue{}; }

// Results of a call, dropped with it unless taken.
template <uint32_t N>
struct Results {
  TlValue v[N] = {};
  Results() = default;
  Results(const Results&) = delete;
  Results& operator=(const Results&) = delete;
  ~Results() { api()->values_release(v, N); }
  Tensor tensor(uint32_t i = 0) {
    if (v[i].tag == TL_NONE) return {};
    if (v[i].tag != TL_TENSOR) throw Error(TL_TYPE_ERROR, "the result is not a tensor");
    v[i].tag = TL_NONE;
    return Tensor::steal(v[i].tensor);
  }
  std::vector<Tensor> tensors(uint32_t i = 0) {
    std::vector<Tensor> out;
    if (v[i].tag != TL_TENSOR_LIST) throw Error(TL_TYPE_ERROR, "the result is not a list of tensors");
    for (uint32_t j = 0; j < v[i].len; ++j) out.push_back(Tensor::share(v[i].tensors[j]));
    return out;
  }
};

// ---------------------------------------------------------------- calling ops
template <size_t N>
struct Name {
  char text[N];
  constexpr Name(const char (&s)[N]) { std::copy_n(s, N, text); }
};

// A parameter of an op. The array steps by the size that the running core gives its entries.
inline const TlOpArgument& argument(const TlOpInfo& info, uint32_t i) {
  return *reinterpret_cast<const TlOpArgument*>(reinterpret_cast<const char*>(info.args) + size_t{i} * info.args->struct_size);
}

struct OpHandle {
  TlOp op;
  TlOpInfo info;
  explicit OpHandle(const char* name) {
    check(api()->op_find(name, &op));
    info.struct_size = sizeof info;
    api()->op_info(op, &info);
  }
  int32_t argument(std::string_view name) const {
    for (uint32_t i = 0; i < info.nargs; ++i)
      if (name == tl::argument(info, i).name) return static_cast<int32_t>(i);
    throw Error(TL_TYPE_ERROR, std::string(info.name) + "() has no argument '" + std::string(name) + "'");
  }
};

// Looked up once per name and library.
template <Name N>
const OpHandle& op() {
  static const OpHandle h(N.text);
  return h;
}

// A keyword argument: tl::call<"sum">(x, tl::kw("keepdim", true)).
struct Keyword {
  std::string_view name;
  TlValue value;
};
template <class T>
Keyword kw(std::string_view name, const T& value) { return {name, pack(value)}; }

namespace detail {
template <class A>
void put(const OpHandle& h, TlValue* args, uint32_t& next, const A& a) {
  if constexpr (std::is_same_v<A, Keyword>) {
    args[h.argument(a.name)] = a.value;
  } else {
    if (next >= h.info.nargs) throw Error(TL_TYPE_ERROR, std::string(h.info.name) + "() takes " + std::to_string(h.info.nargs) + " arguments");
    args[next++] = pack(a);
  }
}
template <class... A>
void invoke(const OpHandle& h, TlValue* rets, const A&... a) {
  TlValue args[64];
  for (uint32_t i = 0; i < h.info.nargs; ++i) args[i] = tl::argument(h.info, i).default_value;
  uint32_t next = 0;
  (put(h, args, next, a), ...);
  check(api()->op_call(h.op, args, h.info.nargs, rets));
}
}  // namespace detail

// call<"add">(a, b) -> Tensor; call<"max.dim", 2>(x, 0) -> array of two.
template <Name N, uint32_t R = 1, class... A>
auto call(const A&... a) {
  const OpHandle& h = op<N>();
  Results<R> r;
  detail::invoke(h, r.v, a...);
  if constexpr (R == 1) {
    return r.tensor();
  } else {
    std::array<Tensor, R> out;
    for (uint32_t i = 0; i < R; ++i) out[i] = r.tensor(i);
    return out;
  }
}
// For ops that return a list of tensors.
template <Name N, class... A>
std::vector<Tensor> call_list(const A&... a) {
  Results<1> r;
  detail::invoke(op<N>(), r.v, a...);
  return r.tensors();
}
// For ops that return a number or a bool.
template <Name N, class... A>
TlValue call_scalar(const A&... a) {
  Results<1> r;
  detail::invoke(op<N>(), r.v, a...);
  return r.v[0];
}

// Takes keys out of dispatch on this thread for a scope (no_grad: TL_KEY_AUTOGRAD).
class ExcludeKeys {
 public:
  explicit ExcludeKeys(TlKeySet keys) : before_(api()->keys_excluded()) { api()->keys_set_excluded(before_ | keys); }
  ~ExcludeKeys() { api()->keys_set_excluded(before_); }
  ExcludeKeys(const ExcludeKeys&) = delete;
  ExcludeKeys& operator=(const ExcludeKeys&) = delete;

 private:
  TlKeySet before_;
};

// ---------------------------------------------------------------- writing kernels
// A view of TlCall with typed access to arguments and results.
class Call {
 public:
  explicit Call(TlCall* c) : c_(c) {}
  TlCall* raw() const { return c_; }
  TlOp op() const { return c_->op; }
  uint32_t nargs() const { return c_->nargs; }
  template <class T> const T* user() const { return static_cast<const T*>(c_->user); }
  const TlValue& value(uint32_t i) const { return c_->args[i]; }
  bool has(uint32_t i) const { return c_->args[i].tag != TL_NONE; }

  TlTensor handle(uint32_t i) const { return c_->args[i].tag == TL_TENSOR ? c_->args[i].tensor : nullptr; }
  Tensor tensor(uint32_t i) const { return Tensor::share(handle(i)); }
  std::vector<Tensor> tensors(uint32_t i) const {
    std::vector<Tensor> out;
    if (has(i))
      for (uint32_t j = 0; j < c_->args[i].len; ++j) out.push_back(Tensor::share(c_->args[i].tensors[j]));
    return out;
  }
  std::span<const TlTensor> handles(uint32_t i) const {
    return has(i) ? std::span<const TlTensor>(c_->args[i].tensors, c_->args[i].len) : std::span<const TlTensor>();
  }
  int64_t integer(uint32_t i, int64_t otherwise = 0) const { return has(i) ? to_int(c_->args[i]) : otherwise; }
  double number(uint32_t i, double otherwise = 0) const { return has(i) ? to_double(c_->args[i]) : otherwise; }
  bool boolean(uint32_t i, bool otherwise = false) const { return has(i) ? to_double(c_->args[i]) != 0 : otherwise; }
  Sizes ints(uint32_t i) const { return has(i) ? Sizes(c_->args[i].ints, c_->args[i].len) : Sizes(); }
  std::span<const double> doubles(uint32_t i) const {
    return has(i) ? std::span<const double>(c_->args[i].doubles, c_->args[i].len) : std::span<const double>();
  }
  std::string_view string(uint32_t i) const { return has(i) ? std::string_view(c_->args[i].string, c_->args[i].len) : std::string_view(); }
  TlDtype dtype(uint32_t i, TlDtype otherwise) const { return has(i) ? static_cast<TlDtype>(c_->args[i].i) : otherwise; }
  TlDevice device(uint32_t i, TlDevice otherwise = {TL_CPU, -1}) const { return has(i) ? c_->args[i].device : otherwise; }
  TlGenerator generator(uint32_t i) const { return has(i) ? c_->args[i].generator : nullptr; }
  TlObject object(uint32_t i) const { return has(i) ? c_->args[i].object : nullptr; }

  // In a shape function: describes result i.
  void output(uint32_t i, Sizes sizes, TlDtype dtype) { output(i, sizes, dtype, default_device()); }
  void output(uint32_t i, Sizes sizes, TlDtype dtype, TlDevice device, const int64_t* strides = nullptr) {
    check(api()->call_output(c_, i, sizes.data(), strides, static_cast<int64_t>(sizes.size()), dtype, device));
  }
  // In a kernel: the tensor to fill.
  TlTensor out_handle(uint32_t i = 0) const { return c_->rets[i].tensor; }
  Tensor out(uint32_t i = 0) const { return Tensor::share(c_->rets[i].tensor); }

  // In a composite op, or a kernel without shape function: hands results out.
  void ret(Tensor t, uint32_t i = 0) {
    c_->rets[i].tag = t ? TL_TENSOR : TL_NONE;
    c_->rets[i].tensor = t.take();
  }
  void ret_int(int64_t v, uint32_t i = 0) { c_->rets[i].tag = TL_INT, c_->rets[i].i = v; }
  void ret_double(double v, uint32_t i = 0) { c_->rets[i].tag = TL_DOUBLE, c_->rets[i].d = v; }
  void ret_bool(bool v, uint32_t i = 0) { c_->rets[i].tag = TL_BOOL, c_->rets[i].i = v; }
  void ret_object(TlObject o, uint32_t i = 0) { c_->rets[i].tag = o ? TL_OBJECT : TL_NONE, c_->rets[i].object = o; }
  void ret_string(std::string_view s, uint32_t i = 0) {
    auto* p = static_cast<char*>(api()->alloc(s.size() + 1));
    std::copy(s.begin(), s.end(), p);
    p[s.size()] = 0;
    c_->rets[i].tag = TL_STRING, c_->rets[i].string = p, c_->rets[i].len = static_cast<uint32_t>(s.size());
  }
  void ret_list(std::vector<Tensor> ts, uint32_t i = 0) {
    auto* p = static_cast<TlTensor*>(api()->alloc(sizeof(TlTensor) * (ts.size() + 1)));
    for (size_t j = 0; j < ts.size(); ++j) p[j] = ts[j].take();
    c_->rets[i].tag = TL_TENSOR_LIST, c_->rets[i].tensors = p, c_->rets[i].len = static_cast<uint32_t>(ts.size());
  }
  void ret_ints(Sizes s, uint32_t i = 0) {
    auto* p = static_cast<int64_t*>(api()->alloc(sizeof(int64_t) * (s.size() + 1)));
    std::copy(s.begin(), s.end(), p);
    c_->rets[i].tag = TL_INT_LIST, c_->rets[i].ints = p, c_->rets[i].len = static_cast<uint32_t>(s.size());
  }

 private:
  TlDevice default_device() const {
    for (uint32_t i = 0; i < c_->nargs; ++i)
      if (c_->args[i].tag == TL_TENSOR) return Tensor::share(c_->args[i].tensor).device();
      else if (c_->args[i].tag == TL_TENSOR_LIST && c_->args[i].len && c_->args[i].tensors[0])
        return Tensor::share(c_->args[i].tensors[0]).device();
    return {TL_CPU, -1};
  }
  TlCall* c_;
};

template <auto F>
TlStatus kernel(TlCall* c) {
  return guarded([&] {
    Call call(c);
    F(call);
  });
}

// f(begin, end) on pieces of `grain`: the same pieces for any number of threads.
template <class F>
void parallel_for(int64_t begin, int64_t end, int64_t grain, F&& f) {
  if (begin >= end) return;
  if (end - begin <= grain) return f(begin, end);
  using Fn = std::remove_reference_t<F>;
  check(api()->parallel_for(begin, end, grain, [](void* c, int64_t b, int64_t e) { return guarded([&] { (*static_cast<Fn*>(c))(b, e); }); },
                            const_cast<void*>(static_cast<const void*>(&f))));
}

// ---------------------------------------------------------------- registering
class Definition {
 public:
  Definition(std::string name) : name_(std::move(name)) {}
  template <auto F> Definition& cpu(void* user = nullptr) { return on<F>(TL_KEY_CPU, user); }
  template <auto F> Definition& on(int32_t key, void* user = nullptr) {
    check(api()->op_register_kernel(name_.c_str(), key, kernel<F>, user));
    return *this;
  }
  Definition& grad(const char* formula) { return rule("grad", formula); }
  Definition& autocast(const char* dtype) { return rule("autocast", dtype); }  // "lower", "float32" or "promote"
  Definition& rule(const char* name, const char* text) {
    check(api()->op_set_rule(name_.c_str(), name, nullptr, text));
    return *this;
  }

 private:
  std::string name_;
};

namespace detail {
inline std::string full_name(const char* schema) {
  std::string_view s(schema);
  return std::string(s.substr(0, s.find('(')));
}
inline Definition define(const char* schema, uint32_t flags, TlKernel shape, TlKernel composite, const char* doc, void* user) {
  TlOpDef d{};
  d.struct_size = sizeof d;
  d.flags = flags, d.schema = schema, d.doc = doc, d.shape = shape, d.composite = composite, d.user = user;
  TlOp op;
  check(api()->op_register(&d, &op));
  return Definition(full_name(schema));
}
}  // namespace detail

// An op with a shape function; kernels follow.
template <auto Shape>
Definition def(const char* schema, uint32_t flags = 0, const char* doc = nullptr, void* user = nullptr) {
  return detail::define(schema, flags, kernel<Shape>, nullptr, doc, user);
}
// An op in terms of other ops.
template <auto F>
Definition composite(const char* schema, uint32_t flags = 0, const char* doc = nullptr, void* user = nullptr) {
  return detail::define(schema, flags, nullptr, kernel<F>, doc, user);
}
// An op whose kernels make their results themselves.
inline Definition opaque(const char* schema, uint32_t flags = 0, const char* doc = nullptr) {
  return detail::define(schema, flags, nullptr, nullptr, doc, nullptr);
}

}  // namespace tl

#ifndef TALLOW_CORE_BUILD
// The entry point of an extension; its body registers.
#define TL_EXTENSION(NAME)                                                                     \
  static void tl_extension_body_##NAME();                                                      \
  extern "C" __attribute__((visibility("hidden"))) int tl_instruction_set(void) { return tl::api()->instruction_set(); } \
  extern "C" TL_EXPORT TlStatus tl_extension_init(TlGetApi get_api) {                          \
    tl::detail::g_api = get_api(TALLOW_TARGET_ABI, TALLOW_ABI_VERSION, #NAME);                 \
    if (!tl::detail::g_api) return TL_RUNTIME_ERROR;                                           \
    return tl::guarded(tl_extension_body_##NAME);                                              \
  }                                                                                            \
  static void tl_extension_body_##NAME()
#endif
