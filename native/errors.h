// The one exception of the addon: an error code of src/errors.ts plus flat fields. Anything else
// that escapes is a bug or std::bad_alloc and reaches JavaScript as a plain Error.
#pragma once

#include <napi.h>

#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace llavaov {

using ErrorField = std::pair<std::string, std::variant<double, std::string>>;

class NativeError : public std::runtime_error {
 public:
  NativeError(std::string code, const std::string& message, std::vector<ErrorField> fields = {})
      : std::runtime_error(message), code_(std::move(code)), fields_(std::move(fields)) {}

  // JS thread only.
  Napi::Error ToJs(Napi::Env env) const;

 private:
  std::string code_;
  std::vector<ErrorField> fields_;
};

// Runs checks that throw NativeError on the JS thread.
template <typename Checks>
auto Rethrow(Napi::Env env, Checks&& checks) {
  try {
    return checks();
  } catch (const NativeError& error) {
    throw error.ToJs(env);
  }
}

// printf-style message building, so that call sites stay one line.
#if defined(__GNUC__) && !defined(__MINGW32__)  // whose check is for a C library older than ours
__attribute__((format(printf, 1, 2)))
#endif
std::string Format(const char* format, ...);

}  // namespace llavaov
