// Errors inside the core are C++ exceptions that carry a kind; they become a status and a message at the ABI.
#pragma once
#include <exception>
#include <sstream>
#include <string>
#include <utility>

#include "tallow/abi.h"

namespace tallow {

class Error : public std::exception {
 public:
  Error(TlStatus kind, std::string message) : kind_(kind), message_(std::move(message)) {}
  const char* what() const noexcept override { return message_.c_str(); }
  TlStatus kind() const noexcept { return kind_; }

 private:
  TlStatus kind_;
  std::string message_;
};

// The message of this thread's last failure, as error_message() of the ABI hands it out.
std::string& last_error();

// Turns the exception in flight into a status; call only inside a catch block.
TlStatus status_of_current_exception() noexcept;

// Throws what a status and last_error() say.
[[noreturn]] void throw_status(TlStatus status);

template <class... Parts>
std::string str(const Parts&... parts) {
  std::ostringstream s;
  (s << ... << parts);
  return std::move(s).str();
}

template <class... Parts>
[[noreturn]] __attribute__((noinline, cold)) void fail(TlStatus kind, const Parts&... parts) {
  throw Error(kind, str(parts...));
}

// Runs f and reports what it throws as a status: the wrapper of every function in the ABI's table.
template <class F>
TlStatus guarded(F&& f) noexcept {
  try {
    f();
    return TL_OK;
  } catch (...) {
    return status_of_current_exception();
  }
}

inline void check_status(TlStatus s) {
  if (__builtin_expect(s != TL_OK, 0)) throw_status(s);
}

}  // namespace tallow

// TL_CHECK(condition, parts of the message...) raises RuntimeError; the variants name other kinds.
#define TL_CHECK_KIND(kind, cond, ...) \
  do {                                 \
    if (__builtin_expect(!(cond), 0)) ::tallow::fail(kind, __VA_ARGS__); \
  } while (0)
#define TL_CHECK(cond, ...) TL_CHECK_KIND(TL_RUNTIME_ERROR, cond, __VA_ARGS__)
#define TL_CHECK_TYPE(cond, ...) TL_CHECK_KIND(TL_TYPE_ERROR, cond, __VA_ARGS__)
#define TL_CHECK_VALUE(cond, ...) TL_CHECK_KIND(TL_VALUE_ERROR, cond, __VA_ARGS__)
#define TL_CHECK_INDEX(cond, ...) TL_CHECK_KIND(TL_INDEX_ERROR, cond, __VA_ARGS__)
