#include "ops/linalg/openblas.hpp"

#include <dirent.h>
#include <dlfcn.h>

#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string>
#include <vector>

#include "dispatch/error.hpp"

namespace tallow::blas {
namespace {

std::mutex g_path_mutex;
std::string& chosen_path() {
  static std::string path;
  return path;
}

std::string directory_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

// The first libscipy_openblas*.so* of a folder, or "".
std::string library_in(const std::string& folder) {
  std::string found;
  if (DIR* dir = opendir(folder.c_str())) {
    while (const dirent* entry = readdir(dir)) {
      const std::string name = entry->d_name;
      const bool fits = name.rfind("libscipy_openblas", 0) == 0 && name.find(".so") != std::string::npos;
      if (fits && (found.empty() || name < found)) found = name;
    }
    closedir(dir);
  }
  return found.empty() ? found : folder + "/" + found;
}

std::vector<std::string> candidates() {
  std::vector<std::string> paths;
  {
    std::lock_guard lock(g_path_mutex);
    const std::string inside = library_in(chosen_path());
    if (!chosen_path().empty()) paths.push_back(inside.empty() ? chosen_path() : inside);
  }
  if (const char* env = std::getenv("TALLOW_OPENBLAS"); env && *env) paths.push_back(env);
  Dl_info here;
  if (dladdr(reinterpret_cast<void*>(&set_library_path), &here) && here.dli_fname) {
    // site-packages/tallow/lib/libtallow_core.so -> site-packages/scipy_openblas32/lib
    const std::string found = library_in(directory_of(here.dli_fname) + "/../../scipy_openblas32/lib");
    if (!found.empty()) paths.push_back(found);
  }
  return paths;
}

struct Library {
  void* handle = nullptr;
  std::string tried;

  Library() {
    // Read when the library loads: otherwise it starts a thread per core that only ever sleeps.
    setenv("OPENBLAS_NUM_THREADS", "1", 0);
    for (const std::string& path : candidates()) {
      handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
      if (handle) break;
      const char* why = dlerror();
      tried += (tried.empty() ? "" : "; ") + std::string(why ? why : path.c_str());
    }
    if (!handle) return;
    if (auto* set = reinterpret_cast<void (*)(int)>(dlsym(handle, "scipy_openblas_set_num_threads"))) set(1);
  }
};

const Library& library() {
  static const Library instance;
  return instance;
}

}  // namespace

void set_library_path(const char* path) {
  std::lock_guard lock(g_path_mutex);
  chosen_path() = path ? path : "";
}

void* openblas_symbol(const char* name) {
  const Library& l = library();
  return l.handle ? dlsym(l.handle, (std::string("scipy_") + name).c_str()) : nullptr;
}

void* require_openblas_symbol(const char* name) {
  void* symbol = openblas_symbol(name);
  const Library& l = library();
  TL_CHECK(l.handle, "OpenBLAS was not found, it is needed for ", name, ": pip install scipy-openblas32, or set TALLOW_OPENBLAS ",
           "to the path of libscipy_openblas.so", l.tried.empty() ? "" : ". Tried: ", l.tried);
  TL_CHECK(symbol, "this OpenBLAS has no function scipy_", name);
  return symbol;
}

const char* openblas_core_name() {
  auto* name = openblas_function<char*()>("openblas_get_corename");
  return name ? name() : nullptr;
}

}  // namespace tallow::blas
