#include "errors.h"

#include <cstdarg>
#include <cstdio>

namespace llavaov {

Napi::Error NativeError::ToJs(Napi::Env env) const {
  Napi::Error error = Napi::Error::New(env, what());
  Napi::Object object = error.Value();
  object.Set("code", code_);
  for (const auto& [name, value] : fields_) {
    if (const double* number = std::get_if<double>(&value)) {
      object.Set(name, *number);
    } else {
      object.Set(name, std::get<std::string>(value));
    }
  }
  return error;
}

std::string Format(const char* format, ...) {
  va_list args;
  va_start(args, format);
  char buffer[1024];
  std::vsnprintf(buffer, sizeof buffer, format, args);
  va_end(args);
  return buffer;
}

}  // namespace llavaov
