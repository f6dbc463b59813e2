// The one exception of native code: an error code of src/errors.ts plus flat fields. Anything else
// that escapes is a bug or std::bad_alloc and reaches JavaScript as a plain Error.
#pragma once

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

  const std::string& code() const { return code_; }
  const std::vector<ErrorField>& fields() const { return fields_; }

 private:
  std::string code_;
  std::vector<ErrorField> fields_;
};

// ERR_INVALID_ARGUMENT.
NativeError Invalid(const std::string& argument, const std::string& message);

// printf-style message building, so that call sites stay one line.
#if defined(__GNUC__) && !defined(__MINGW32__)  // whose check is for a C library older than ours
__attribute__((format(printf, 1, 2)))
#endif
std::string Format(const char* format, ...);

}  // namespace llavaov
