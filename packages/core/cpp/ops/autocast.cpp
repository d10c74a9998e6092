// Mixed precision. While a thread has autocast on for a type of device, its keys include Autocast, and the fallback of that
// key casts the arguments of an op by the rule "autocast" that hangs on the op's name:
//
//   lower     to autocast's dtype: products and convolutions, which gain most and lose least
//   float32   to float32: what cancels, divides by small numbers or adds up many, the losses among it
//   promote   to the widest dtype among them: ops that need their tensors in one
//
// Ops without a rule take what comes; a composite's parts are asked one by one. The forms that write (in place, out=) keep
// to the dtype of what they write. An extension says tl::def<...>(...).autocast("lower"), for core's own ops there is a
// table below.
//
// P. Micikevicius et al., "Mixed Precision Training", 2018.
#include <deque>
#include <unordered_map>

#include "ops/family.hpp"

namespace tallow {
namespace {

constexpr TlKeySet kAutocast = TlKeySet{1} << TL_KEY_AUTOCAST;

struct CoreRule {
  const char *op, *rule;
};
constexpr CoreRule kRules[] = {
    {"addbmm", "lower"}, {"addmm", "lower"}, {"baddbmm", "lower"}, {"bmm", "lower"}, {"linalg_vecdot", "lower"}, {"matmul", "lower"}, {"mm", "lower"},
    {"_fft_r2c", "float32"}, {"_lu_with_info", "float32"}, {"cdist", "float32"}, {"cholesky", "float32"}, {"cholesky_inverse", "float32"},
    {"cholesky_solve", "float32"}, {"geqrf", "float32"}, {"inverse", "float32"}, {"linalg_cholesky", "float32"}, {"linalg_cholesky_ex", "float32"},
    {"linalg_cond", "float32"}, {"linalg_cond.p_str", "float32"}, {"linalg_eig", "float32"}, {"linalg_eigh", "float32"},
    {"linalg_eigvals", "float32"}, {"linalg_eigvalsh", "float32"}, {"linalg_householder_product", "float32"}, {"linalg_inv", "float32"},
    {"linalg_inv_ex", "float32"}, {"linalg_lstsq", "float32"}, {"linalg_lu_solve", "float32"}, {"linalg_matrix_rank", "float32"},
    {"linalg_matrix_rank.atol_rtol_float", "float32"}, {"linalg_matrix_rank.atol_rtol_tensor", "float32"},
    {"linalg_matrix_rank.tol_tensor", "float32"}, {"linalg_qr", "float32"}, {"linalg_solve", "float32"}, {"linalg_svd", "float32"},
    {"linalg_svdvals", "float32"}, {"linalg_tensorinv", "float32"}, {"linalg_tensorsolve", "float32"}, {"lu_solve", "float32"},
    {"nanquantile", "float32"}, {"nanquantile.scalar", "float32"}, {"orgqr", "float32"}, {"ormqr", "float32"}, {"pinverse", "float32"},
    {"polar", "float32"}, {"prod", "float32"}, {"qr", "float32"}, {"quantile", "float32"}, {"quantile.scalar", "float32"}, {"svd", "float32"},
    {"trace", "float32"}, {"triangular_solve", "float32"}, {"view_as_complex", "float32"},
    {"cat", "promote"}, {"index_copy", "promote"}, {"stack", "promote"},
};

struct Setting {
  bool on = false;
  DType dtype;
};

// A parameter is used several times in a step (and its cast has a gradient to be added up only once): its cast is kept
// until the outermost block ends, or the parameter is written to.
struct Kept {
  tl::Tensor source, cast;
  int64_t version;
};

struct State {
  Setting cpu{false, DType::BFloat16}, cuda{false, DType::Float16};
  bool cache = true;
  int nesting = 0;
  std::unordered_map<TlTensor, Kept> kept;

  Setting* of(int16_t device) { return device == TL_CPU ? &cpu : device == TL_CUDA ? &cuda : nullptr; }
};

State& state() {
  thread_local State s;
  return s;
}

// ---------------------------------------------------------------- casting
// float64 was asked for by whoever made it, and float8 is only a way to store.
bool takes_part(const TlTensorInfo& t) {
  const Setting* s = state().of(t.device.type);
  return s && s->on && (t.dtype == TL_FLOAT16 || t.dtype == TL_BFLOAT16 || t.dtype == TL_FLOAT32);
}

// Whether a tensor is a leaf is known to autograd; where that is not loaded, nothing requires grad.
bool is_weight(TlTensor t, const TlTensorInfo& info) {
  if (!(info.keys >> TL_KEY_AUTOGRAD & 1) || info.dtype != TL_FLOAT32 || tl::api()->tensor_base(t)) return false;
  if (thread_keys().excluded >> TL_KEY_AUTOGRAD & 1) return false;  // a cast without history would be found with grad on
  return tl::to_int(tl::call_scalar<"autograd::is_leaf">(t)) != 0;
}

tl::Tensor cast(TlTensor t, TlDtype dtype) {
  const tl::Tensor source = tl::Tensor::share(t);
  const TlTensorInfo info = source.info();
  if (info.dtype == dtype || !takes_part(info)) return source;
  State& s = state();
  const bool keep = s.cache && dtype != TL_FLOAT32 && is_weight(t, info);
  if (keep) {
    const auto it = s.kept.find(t);
    if (it != s.kept.end() && it->second.version == tl::api()->tensor_version(t) && it->second.cast.dtype() == dtype) return it->second.cast;
  }
  const tl::Tensor result = tl::call<"_to">(source, tl::Dtype{dtype});
  if (keep) s.kept[t] = {source, result, tl::api()->tensor_version(t)};
  return result;
}

template <class F>
void each_tensor(const TlCall* c, F&& f) {
  for (uint32_t i = 0; i < c->nargs; ++i) {
    const TlValue& v = c->args[i];
    if (v.tag == TL_TENSOR) f(v.tensor);
    else if (v.tag == TL_TENSOR_LIST)
      for (uint32_t j = 0; j < v.len; ++j)
        if (v.tensors[j]) f(v.tensors[j]);
  }
}

// The dtype that the rule wants, or -1 if nothing in the call takes part.
TlDtype wanted(const TlCall* c, std::string_view rule) {
  TlDtype widest = -1;
  Setting* lower = nullptr;
  each_tensor(c, [&](TlTensor t) {
    const TlTensorInfo info = tl::Tensor::share(t).info();
    if (!takes_part(info)) return;
    if (!lower) lower = state().of(info.device.type);
    widest = widest < 0 ? info.dtype : code(promote(static_cast<DType>(widest), static_cast<DType>(info.dtype)));
  });
  if (!lower) return -1;
  if (rule == "lower") return code(lower->dtype);
  if (rule == "float32") return TL_FLOAT32;
  if (rule == "promote") return widest;
  fail(TL_VALUE_ERROR, c->op->schema.full_name(), ": the rule 'autocast' is 'lower', 'float32' or 'promote', not '", rule, "'");
}

// The arguments with their tensors cast, and what keeps these alive.
struct Arguments {
  std::vector<TlValue> values;
  std::vector<tl::Tensor> owners;
  std::deque<std::vector<TlTensor>> lists;

  Arguments(const TlCall* c, TlDtype dtype) : values(c->args, c->args + c->nargs) {
    for (TlValue& v : values) {
      if (v.tag == TL_TENSOR) {
        v.tensor = owners.emplace_back(cast(v.tensor, dtype)).get();
      } else if (v.tag == TL_TENSOR_LIST) {
        auto& list = lists.emplace_back(v.tensors, v.tensors + v.len);
        for (TlTensor& t : list)
          if (t) t = owners.emplace_back(cast(t, dtype)).get();
        v.tensors = list.data();
      }
    }
  }
};

TlStatus autocast(TlCall* c) {
  return tl::guarded([&] {
    const Rule* rule = find_rule(c->op, "autocast");
    if (!rule) return tl::check(redispatch(c->op, c->keys & ~kAutocast, c->args, c->rets));
    const tl::ExcludeKeys once(kAutocast);  // what the op is made of has been decided with it
    const TlDtype dtype = c->op == c->op->base ? wanted(c, rule->text) : -1;
    if (dtype < 0) return tl::check(redispatch(c->op, c->keys & ~kAutocast, c->args, c->rets));
    const Arguments arguments(c, dtype);
    tl::check(dispatch(c->op, arguments.values.data(), c->rets));
  });
}

// ---------------------------------------------------------------- settings
Setting& setting(const tl::Call& c) {
  const std::string_view type = c.string(0);
  Setting* s = state().of(type == "cpu" ? TL_CPU : type == "cuda" ? TL_CUDA : -1);
  TL_CHECK(s, "autocast: the type of device is 'cpu' or 'cuda', not '", type, "'");
  return *s;
}

void is_enabled(tl::Call& c) { c.ret_bool(setting(c).on); }
void set_enabled(tl::Call& c) {
  setting(c).on = c.boolean(1);
  auto& keys = thread_keys();
  keys.included = state().cpu.on || state().cuda.on ? keys.included | kAutocast : keys.included & ~kAutocast;
}
void get_dtype(tl::Call& c) {
  c.raw()->rets[0].tag = TL_DTYPE;
  c.raw()->rets[0].i = code(setting(c).dtype);
}
void set_dtype(tl::Call& c) { setting(c).dtype = static_cast<DType>(c.integer(1)); }
void is_cache_enabled(tl::Call& c) { c.ret_bool(state().cache); }
void set_cache_enabled(tl::Call& c) { state().cache = c.boolean(0); }
void clear_cache(tl::Call&) { state().kept.clear(); }
void enter(tl::Call& c) { c.ret_int(++state().nesting); }
void leave(tl::Call& c) {
  if (--state().nesting == 0) state().kept.clear();
  c.ret_int(state().nesting);
}

}  // namespace

TL_OPS(autocast) {
  const uint32_t hidden = TL_OP_HIDDEN | kNoGrad;
  tl::composite<is_enabled>("autocast::is_enabled(str device_type) -> bool", hidden);
  tl::composite<set_enabled>("autocast::set_enabled(str device_type, bool enabled) -> ()", hidden);
  tl::composite<get_dtype>("autocast::get_dtype(str device_type) -> dtype", hidden);
  tl::composite<set_dtype>("autocast::set_dtype(str device_type, dtype dtype) -> ()", hidden);
  tl::composite<is_cache_enabled>("autocast::is_cache_enabled() -> bool", hidden);
  tl::composite<set_cache_enabled>("autocast::set_cache_enabled(bool enabled) -> ()", hidden);
  tl::composite<clear_cache>("autocast::clear_cache() -> ()", hidden);
  tl::composite<enter>("autocast::enter() -> int", hidden);
  tl::composite<leave>("autocast::leave() -> int", hidden);
  for (const CoreRule& r : kRules) tl::check(tl::api()->op_set_rule(r.op, "autocast", nullptr, r.rule));
  tl::check(tl::api()->key_fallback(TL_KEY_AUTOCAST, autocast, nullptr));
}

}  // namespace tallow
