/* The Tallow core ABI, version 1 (C11).
 *
 * This header is all that any native code outside libtallow_core sees of the core: Tallow's own packages and third
 * parties alike. It holds opaque handles, plain structs that begin with their size, and one append-only table of
 * functions. No C++ type, exception, allocator or Python object crosses it.
 *
 * Rules of growth: enum values and struct fields are only ever appended; a function keeps its place in TlApi for
 * the whole major version. An extension says in TALLOW_TARGET_ABI which version it needs at run time; it defaults
 * to the oldest supported one, so code that needs nothing new runs on every core of this major version.
 *
 * Ownership: arguments are borrowed by the callee, results are owned by the caller. Every function that can fail
 * returns a TlStatus; the message of the last failure on this thread is in error_message().
 */
#ifndef TALLOW_ABI_H
#define TALLOW_ABI_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TALLOW_ABI_VERSION 1 /* what these headers describe */
#define TALLOW_ABI_OLDEST 1  /* the oldest version that cores of this major still serve */
#ifndef TALLOW_TARGET_ABI
#define TALLOW_TARGET_ABI TALLOW_ABI_OLDEST
#endif
#if TALLOW_TARGET_ABI > TALLOW_ABI_VERSION
#error "TALLOW_TARGET_ABI is newer than these headers"
#endif

#if defined(_WIN32)
#define TL_EXPORT __declspec(dllexport)
#else
#define TL_EXPORT __attribute__((visibility("default")))
#endif

/* ---------------------------------------------------------------- handles */
typedef struct TlTensorImpl* TlTensor;       /* reference counted */
typedef const struct TlOpImpl* TlOp;         /* lives as long as the process */
typedef struct TlGeneratorImpl* TlGenerator; /* reference counted */
typedef struct TlObjectImpl* TlObject;       /* reference counted; see TlObjectClass */

/* ---------------------------------------------------------------- status */
typedef int32_t TlStatus; /* 0 is success; otherwise the kind of error, which Python raises as the named exception */
enum {
  TL_OK = 0,
  TL_RUNTIME_ERROR = 1,
  TL_TYPE_ERROR = 2,
  TL_VALUE_ERROR = 3,
  TL_INDEX_ERROR = 4,
  TL_NOT_IMPLEMENTED_ERROR = 5,
  TL_OUT_OF_MEMORY_ERROR = 6,
  TL_LINALG_ERROR = 7,
  TL_HOST_ERROR = 8 /* an exception of the host language is pending on this thread */
};

/* ---------------------------------------------------------------- dtypes, devices, layouts */
enum {
  TL_BOOL_DT = 0, TL_UINT8 = 1, TL_INT8 = 2, TL_INT16 = 3, TL_INT32 = 4, TL_INT64 = 5,
  TL_FLOAT16 = 6, TL_BFLOAT16 = 7, TL_FLOAT32 = 8, TL_FLOAT64 = 9, TL_COMPLEX64 = 10, TL_COMPLEX128 = 11,
  TL_UINT16 = 12, TL_UINT32 = 13, TL_UINT64 = 14, TL_FLOAT8_E4M3FN = 15, TL_FLOAT8_E5M2 = 16,
  TL_DTYPE_COUNT = 17
};
typedef int32_t TlDtype;

enum { TL_CPU = 0, TL_CUDA = 1, TL_META = 2 }; /* device types; also their dispatch key */
typedef struct TlDevice { int16_t type; int16_t index; } TlDevice; /* index -1: the current one */

enum { TL_STRIDED = 0, TL_SPARSE_COO = 1 }; /* layouts: a sparse tensor is read through the ops _indices and _values */

enum { TL_CONTIGUOUS_FORMAT = 0, TL_PRESERVE_FORMAT = 1, TL_CHANNELS_LAST = 2, TL_CHANNELS_LAST_3D = 3 };

/* ---------------------------------------------------------------- values */
enum {
  TL_NONE = 0, TL_BOOL = 1, TL_INT = 2, TL_DOUBLE = 3, TL_COMPLEX = 4, TL_DTYPE = 5, TL_DEVICE = 6, TL_LAYOUT = 7,
  TL_MEMORY_FORMAT = 8, TL_STRING = 9, TL_TENSOR = 10, TL_GENERATOR = 11, TL_STREAM = 12, TL_OBJECT = 13,
  TL_BOOL_LIST = 14, TL_INT_LIST = 15, TL_DOUBLE_LIST = 16, TL_TENSOR_LIST = 17, TL_VALUE_LIST = 18
};
/* One argument or result. Lists and strings point to `len` elements: of arguments they belong to the caller; of
 * results they come from TlApi.alloc and the caller drops them with TlApi.values_release. Elements of a
 * TL_TENSOR_LIST may be null (None). A TL_BOOL_LIST holds uint8_t, a TL_STRING chars without a final zero.
 * A Function (a callable of the host) is an object whose class has `call`. */
typedef struct TlValue {
  uint16_t tag;
  uint16_t flags; /* reserved, zero */
  uint32_t len;
  union {
    int64_t i; /* TL_BOOL, TL_INT, TL_DTYPE, TL_LAYOUT, TL_MEMORY_FORMAT */
    double d;
    const double* complex; /* real, imaginary */
    TlDevice device;
    const char* string;
    TlTensor tensor;
    TlGenerator generator;
    TlObject object;
    void* stream;
    const uint8_t* bools;
    const int64_t* ints;
    const double* doubles;
    const TlTensor* tensors;
    const struct TlValue* values;
    void* ptr;
  };
} TlValue;

/* ---------------------------------------------------------------- dispatch keys
 * A set of keys is a 64-bit mask; a key's number is its priority, the highest present runs first.
 * 0..15 devices, 16..39 below autograd, 40 autograd, above it what sees the program before autograd does. */
enum { TL_KEY_CPU = 0, TL_KEY_CUDA = 1, TL_KEY_META = 2, TL_KEY_AUTOGRAD = 40, TL_KEY_AUTOCAST = 44,
       TL_KEY_BATCHED = 48, TL_KEY_TRACER = 56,
       /* A tensor of sparse layout has the key of its layout and device INSTEAD of the device's: no kernel that reads
        * dense memory can meet it. */
       TL_KEY_SPARSE_CPU = 3, TL_KEY_SPARSE_CUDA = 4 };
typedef uint64_t TlKeySet;

/* ---------------------------------------------------------------- calls and kernels */
typedef struct TlCall {
  uint32_t struct_size;
  uint32_t nargs;
  uint32_t nrets;
  uint32_t reserved;
  TlOp op;
  TlKeySet keys;       /* this kernel's key and those below it */
  const TlValue* args; /* one per parameter of the schema, defaults filled in */
  TlValue* rets;       /* one per result, TL_NONE on entry */
  void* user;          /* as given when the kernel was registered */
} TlCall;
typedef TlStatus (*TlKernel)(TlCall* call);

enum { /* TlOpDef.flags */
  TL_OP_METHOD = 1,              /* also a method of Tensor */
  TL_OP_INPLACE = 2,             /* also name_, which writes into the first argument */
  TL_OP_OUT = 4,                 /* also accepts out= */
  TL_OP_NOT_DIFFERENTIABLE = 8,  /* its results never require grad */
  TL_OP_VIEW = 16,               /* its results alias its first argument */
  TL_OP_POINTWISE = 32,
  TL_OP_REDUCTION = 64,
  TL_OP_RANDOM = 128,            /* reads a generator */
  TL_OP_HIDDEN = 256,            /* not part of the public name space */
  TL_OP_MIXED_DEVICES = 512,     /* arguments may live on several devices */
  TL_OP_NO_FUNCTION = 1024,      /* a method only */
  TL_OP_MAY_BLOCK = 2048,        /* may run long whatever its arguments: the host lets its other threads go on */
  TL_OP_ANY_LAYOUT = 4096        /* a composite that also takes tensors of sparse layout */
};
/* An op has either `composite`, or `shape` and kernels. `shape` describes the results with TlApi.call_output (they
 * are then allocated, or checked and resized where the caller gave out= or works in place), kernels fill them. An op
 * may leave out `shape`: then its kernels make the results and the op has no in-place, out= and meta form. */
typedef struct TlOpDef {
  uint32_t struct_size;
  uint32_t flags;
  const char* schema; /* "ns::name.overload(Tensor self, *, Scalar alpha=1) -> Tensor"; no "ns::" means core */
  const char* doc;    /* may be null */
  TlKernel shape;
  TlKernel composite;
  void* user;         /* handed to shape and composite */
} TlOpDef;

/* ---------------------------------------------------------------- tensors */
typedef struct TlTensorInfo {
  uint32_t struct_size;
  TlDtype dtype;
  void* data;
  const int64_t* sizes;
  const int64_t* strides; /* in elements */
  int64_t ndim;
  int64_t numel;
  int64_t storage_offset;
  TlDevice device;
  TlKeySet keys;
  uint32_t itemsize;
  uint32_t flags; /* TL_TENSOR_* */
} TlTensorInfo;
enum { TL_TENSOR_CONTIGUOUS = 1, TL_TENSOR_INFERENCE = 2 };

typedef void (*TlDeleter)(void* context);

/* A class of reference-counted objects that an extension hands out (graph nodes, compiled functions ...). */
typedef struct TlObjectClass {
  uint32_t struct_size;
  uint32_t reserved;
  const char* name;                /* "autograd::Node" */
  void (*destroy)(void* payload);
  TlStatus (*call)(void* payload, const TlValue* args, uint32_t nargs, TlValue* rets, uint32_t nrets); /* or null */
} TlObjectClass;

typedef struct TlOpArgument {
  uint32_t struct_size;
  uint16_t tag;           /* the TL_* tag of its type; TL_VALUE_LIST also stands for a list of scalars */
  uint8_t is_optional;
  uint8_t is_list;
  uint8_t is_scalar;      /* accepts TL_BOOL, TL_INT, TL_DOUBLE, TL_COMPLEX */
  uint8_t keyword_only;
  uint8_t has_default;
  uint8_t is_written;     /* Tensor(a!) */
  const char* name;
  const char* type;       /* as written in the schema */
  TlValue default_value;
} TlOpArgument;

typedef struct TlOpInfo {
  uint32_t struct_size;
  uint32_t flags;         /* TL_OP_* of the base op */
  const char* ns;
  const char* name;       /* with the final _ of an in-place form */
  const char* overload;   /* "" if none, "out" or "...out" for an out= form */
  const char* schema;
  const char* doc;
  TlOp base;              /* the functional op that this is a form of; itself for that one */
  uint32_t variant;       /* 0 functional, 1 in place, 2 out= */
  uint32_t nargs;
  uint32_t nrets;
  uint32_t is_composite;
  const TlOpArgument* args;
} TlOpInfo;

/* ---------------------------------------------------------------- the table */
typedef struct TlApi {
  uint32_t struct_size;
  uint32_t abi_version;      /* of the core that runs */
  const char* core_version;  /* "0.1.0" */

  /* errors, per thread */
  TlStatus (*error_set)(TlStatus kind, const char* message);
  const char* (*error_message)(void);

  /* memory of values, and device memory */
  void* (*alloc)(size_t bytes);
  void (*free)(void* p);
  void (*values_release)(TlValue* values, uint32_t count); /* drops what results own, sets them to TL_NONE */
  TlStatus (*device_alloc)(TlDevice device, size_t bytes, void* stream, void** out);
  void (*device_free)(TlDevice device, void* p, size_t bytes, void* stream);

  /* tensors */
  TlStatus (*tensor_empty)(const int64_t* sizes, int64_t ndim, TlDtype dtype, TlDevice device, TlTensor* out);
  TlStatus (*tensor_empty_strided)(const int64_t* sizes, const int64_t* strides, int64_t ndim, TlDtype dtype,
                                   TlDevice device, TlTensor* out);
  TlStatus (*tensor_from_blob)(void* data, const int64_t* sizes, const int64_t* strides, int64_t ndim, TlDtype dtype,
                               TlDevice device, TlDeleter deleter, void* context, TlTensor* out);
  void (*tensor_retain)(TlTensor t);
  void (*tensor_release)(TlTensor t);
  void (*tensor_info)(TlTensor t, TlTensorInfo* info); /* set info->struct_size first */
  int64_t (*tensor_version)(TlTensor t);
  void (*tensor_bump_version)(TlTensor t);
  TlTensor (*tensor_base)(TlTensor t); /* borrowed: the tensor that t is a view of, or null */
  TlStatus (*tensor_alias)(TlTensor t, const int64_t* sizes, const int64_t* strides, int64_t ndim, int64_t offset,
                           TlTensor* out); /* shares storage; knows of no base and no autograd */
  void* (*tensor_autograd)(TlTensor t);    /* what tensor_set_autograd put there, or null */
  void (*tensor_set_autograd)(TlTensor t, void* meta, TlDeleter deleter, int32_t requires_grad);
  int32_t (*tensor_use_count)(TlTensor t);
  int32_t (*tensor_same_storage)(TlTensor a, TlTensor b);
  TlStatus (*tensor_set_data)(TlTensor t, TlTensor from); /* t takes from's storage, shape and dtype */

  /* objects */
  TlStatus (*object_new)(const TlObjectClass* cls, void* payload, TlObject* out);
  void (*object_retain)(TlObject o);
  void (*object_release)(TlObject o);
  void* (*object_payload)(TlObject o, const TlObjectClass* cls); /* null if o is of another class */
  const TlObjectClass* (*object_class)(TlObject o);
  TlStatus (*object_call)(TlObject o, const TlValue* args, uint32_t nargs, TlValue* rets, uint32_t nrets);

  /* ops */
  TlStatus (*op_find)(const char* name, TlOp* out); /* "add", "nn::conv2d", "max.dim", "add_", "add.out" */
  void (*op_info)(TlOp op, TlOpInfo* info);         /* set info->struct_size first */
  TlStatus (*op_call)(TlOp op, const TlValue* args, uint32_t nargs, TlValue* rets); /* every argument is given */
  TlStatus (*op_redispatch)(TlOp op, TlKeySet keys, const TlValue* args, TlValue* rets); /* to the top key of keys */
  TlStatus (*op_register)(const TlOpDef* def, TlOp* out);
  TlStatus (*op_register_kernel)(const char* op, int32_t key, TlKernel kernel, void* user);
  TlStatus (*op_set_rule)(const char* op, const char* rule, const void* value, const char* text);
  const void* (*op_rule)(TlOp op, const char* rule, const char** text); /* of the op's base; null if it has none */
  uint32_t (*op_list)(TlOp* out, uint32_t capacity); /* how many there are; fills up to capacity */
  TlStatus (*call_output)(TlCall* call, uint32_t index, const int64_t* sizes, const int64_t* strides, int64_t ndim,
                          TlDtype dtype, TlDevice device); /* in a shape function; strides may be null */

  /* keys */
  TlStatus (*key_register)(const char* name, int32_t wanted, int32_t* key); /* takes `wanted` or the next free one */
  TlStatus (*key_fallback)(int32_t key, TlKernel kernel, void* user);
  TlKeySet (*keys_excluded)(void);              /* of this thread */
  TlKeySet (*keys_set_excluded)(TlKeySet keys); /* returns what was */
  TlKeySet (*keys_included)(void);
  TlKeySet (*keys_set_included)(TlKeySet keys);
  int32_t (*inference_mode)(int32_t set); /* set: 0, 1, or -1 to ask; returns what was */

  /* threads: body runs on pieces of [begin, end) that are `grain` long, whatever the number of threads */
  TlStatus (*parallel_for)(int64_t begin, int64_t end, int64_t grain,
                           TlStatus (*body)(void* context, int64_t begin, int64_t end), void* context);
  int32_t (*num_threads)(void);

  /* random numbers: reserves `count` 128-bit Philox blocks */
  TlGenerator (*generator_default)(TlDevice device); /* borrowed */
  void (*generator_reserve)(TlGenerator g, uint64_t count, uint64_t* seed, uint64_t* offset);

  /* single-precision and double-precision matrix product on the core's BLAS, row major, bits independent of the
   * number of threads: C = alpha op(A) op(B) + beta C */
  TlStatus (*gemm)(TlDtype dtype, int32_t trans_a, int32_t trans_b, int64_t m, int64_t n, int64_t k, double alpha,
                   const void* a, int64_t lda, const void* b, int64_t ldb, double beta, void* c, int64_t ldc);

  /* which loops the core runs: 0 baseline, 1 AVX2 with FMA, 2 AVX-512 (F, BW, DQ, VL); TALLOW_ISA may lower it */
  int32_t (*instruction_set)(void);

  /* For the one binding of a host language: how to let go of a tensor that keeps its host object alive. */
  void (*tensor_set_host_release)(void (*release)(TlTensor t));
} TlApi;

/* The one symbol of libtallow_core that others look up; null and an error_message() if `target` is not served.
 * `built_with` is TALLOW_ABI_VERSION and `name` that of the extension, both for the message. */
TL_EXPORT const TlApi* tl_get_api(uint32_t target, uint32_t built_with, const char* name);
TL_EXPORT const char* tl_last_error(void);
typedef const TlApi* (*TlGetApi)(uint32_t target, uint32_t built_with, const char* name);

/* What an extension exports: load_library() calls it once. It asks `get_api` for the table and registers. */
#define TL_EXTENSION_INIT tl_extension_init
typedef TlStatus (*TlExtensionInit)(TlGetApi get_api);
#define TL_CAPSULE_NAME "tallow.api"

#ifdef __cplusplus
}
#endif
#endif
