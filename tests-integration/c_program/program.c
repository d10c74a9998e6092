/* C11 on the core's ABI, in a process without Python: tensors, calls of ops, an op of its own, errors.
 * Linked against libtallow_core; with USE_DLOPEN it opens the library named by its argument instead. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tallow/abi.h>
#ifdef USE_DLOPEN
#include <dlfcn.h>
#endif

static const TlApi* api;

static void check(TlStatus status) {
  if (status == TL_OK) return;
  fprintf(stderr, "error %d: %s\n", (int)status, api->error_message());
  exit(1);
}

static TlTensor filled(int64_t rows, int64_t columns, float first, float step) {
  const int64_t sizes[] = {rows, columns};
  TlTensor t;
  check(api->tensor_empty(sizes, 2, TL_FLOAT32, (TlDevice){TL_CPU, -1}, &t));
  TlTensorInfo info = {.struct_size = sizeof info};
  api->tensor_info(t, &info);
  for (int64_t i = 0; i < info.numel; ++i) ((float*)info.data)[i] = first + step * (float)i;
  return t;
}

static TlValue tensor_value(TlTensor t) { return (TlValue){.tag = TL_TENSOR, .tensor = t}; }

/* Calls an op with tensors; parameters that are not given have their defaults. */
static TlTensor call(const char* name, TlTensor a, TlTensor b) {
  TlOp op;
  check(api->op_find(name, &op));
  TlOpInfo info = {.struct_size = sizeof info};
  api->op_info(op, &info);
  TlValue args[16], result = {0};
  for (uint32_t i = 0; i < info.nargs; ++i) args[i] = info.args[i].default_value;
  args[0] = tensor_value(a);
  if (b) args[1] = tensor_value(b);
  check(api->op_call(op, args, info.nargs, &result));
  return result.tensor;
}

static void print(const char* name, TlTensor t) {
  TlTensorInfo info = {.struct_size = sizeof info};
  api->tensor_info(t, &info);
  printf("%s [", name);
  for (int64_t i = 0; i < info.ndim; ++i) printf(i ? ",%lld" : "%lld", (long long)info.sizes[i]);
  printf("]:");
  for (int64_t i = 0; i < info.numel; ++i) printf(" %g", (double)((const float*)info.data)[i]);
  printf("\n");
}

static TlStatus twice_shape(TlCall* c) {
  TlTensorInfo info = {.struct_size = sizeof info};
  api->tensor_info(c->args[0].tensor, &info);
  if (info.dtype != TL_FLOAT32) return api->error_set(TL_TYPE_ERROR, "twice: self must be float32");
  return api->call_output(c, 0, info.sizes, NULL, info.ndim, info.dtype, info.device);
}
static TlStatus twice(TlCall* c) { /* of a contiguous tensor, which is all that this program has */
  TlTensorInfo from = {.struct_size = sizeof from}, to = {.struct_size = sizeof to};
  api->tensor_info(c->args[0].tensor, &from);
  api->tensor_info(c->rets[0].tensor, &to);
  for (int64_t i = 0; i < from.numel; ++i) ((float*)to.data)[i] = 2 * ((const float*)from.data)[i];
  return TL_OK;
}

static int python_is_loaded(void) {
  FILE* maps = fopen("/proc/self/maps", "r");
  char line[4096];
  int found = 0;
  if (!maps) return -1;
  while (fgets(line, sizeof line, maps)) found |= strstr(line, "libpython") != NULL || strstr(line, "cpython") != NULL;
  fclose(maps);
  return found;
}

int main(int argc, char** argv) {
  TlGetApi get_api;
#ifdef USE_DLOPEN
  if (argc < 2) return 2;
  void* library = dlopen(argv[1], RTLD_NOW);
  if (!library) return fprintf(stderr, "%s\n", dlerror()), 1;
  *(void**)&get_api = dlsym(library, "tl_get_api");
#else
  (void)argc, (void)argv;
  get_api = tl_get_api;
#endif
  api = get_api(TALLOW_TARGET_ABI, TALLOW_ABI_VERSION, "program");
  if (!api) return 1;
  printf("core %s, abi %u\n", api->core_version, api->abi_version);

  TlTensor a = filled(2, 3, 1, 1), b = filled(3, 2, 0, 0.5f);
  TlTensor sum = call("add", a, a), product = call("matmul", a, b), total = call("sum", product, NULL);
  print("add", sum);
  print("matmul", product);
  print("sum", total);

  const TlOpDef def = {.struct_size = sizeof def, .schema = "program::twice(Tensor self) -> Tensor", .shape = twice_shape};
  check(api->op_register(&def, NULL));
  check(api->op_register_kernel("program::twice", TL_KEY_CPU, twice, NULL));
  TlTensor doubled = call("program::twice", b, NULL);
  print("twice", doubled);

  TlOp op;
  const TlStatus status = api->op_find("no_such_op", &op);
  printf("status %d: %s\n", (int)status, api->error_message());
  TlValue args[2] = {tensor_value(a), tensor_value(a)}, none = {0};
  check(api->op_find("matmul", &op));
  const TlStatus shapes = api->op_call(op, args, 2, &none);
  printf("status %d: %s\n", (int)shapes, api->error_message());

  TlTensor all[] = {a, b, sum, product, total, doubled};
  for (size_t i = 0; i < sizeof all / sizeof *all; ++i) api->tensor_release(all[i]);
  printf("python %d\n", python_is_loaded());
  return 0;
}
