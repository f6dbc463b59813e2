#include "errors.h"

#include <cstdarg>
#include <cstdio>

namespace llavaov {

NativeError Invalid(const std::string& argument, const std::string& message) {
  return NativeError("ERR_INVALID_ARGUMENT", message, {{"argument", argument}});
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
