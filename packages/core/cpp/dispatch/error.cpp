#include "dispatch/error.hpp"

#include <new>

namespace tallow {

std::string& last_error() {
  thread_local std::string message;
  return message;
}

TlStatus status_of_current_exception() noexcept {
  try {
    throw;
  } catch (const Error& e) {
    last_error() = e.what();
    return e.kind();
  } catch (const std::bad_alloc&) {
    last_error() = "out of memory";
    return TL_OUT_OF_MEMORY_ERROR;
  } catch (const std::exception& e) {
    last_error() = e.what();
    return TL_RUNTIME_ERROR;
  } catch (...) {
    last_error() = "unknown C++ exception";
    return TL_RUNTIME_ERROR;
  }
}

void throw_status(TlStatus status) { throw Error(status, last_error()); }

}  // namespace tallow
