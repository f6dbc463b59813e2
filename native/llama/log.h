// llama.cpp's and ggml's log, which is one per process and begins with its backends.
#pragma once

#include <ggml.h>

#include <string>

namespace llavaov {

// Collects what llama.cpp logs as errors on this thread while it lives: its functions return null
// and log the reason. Also why memory could not be locked, which it tells nowhere else. One at a
// time per thread.
class ErrorLog {
 public:
  ErrorLog();
  ~ErrorLog();
  ErrorLog(const ErrorLog&) = delete;

  // The lines, joined by "; ".
  const std::string& text() const { return text_; }
  // Empty when nothing was refused.
  const std::string& lock_refusal() const { return lock_refusal_; }
  void Add(ggml_log_level level, const std::string& line);

 private:
  void AddError(const std::string& line);

  std::string text_;
  std::string lock_refusal_;
};

// What this thread's work logs while it lives is heard by nobody.
class MutedLog {
 public:
  MutedLog();
  ~MutedLog();
  MutedLog(const MutedLog&) = delete;
};

// Any thread. A level is never GGML_LOG_LEVEL_CONT.
using LogListener = void (*)(ggml_log_level level, const char* text);

// Starts llama.cpp and its backends, with the process-wide log routed here and on to `listener`.
// Once per process.
void StartBackends(LogListener listener);
// What was logged as errors meanwhile, joined by "; ": why a backend found no device.
const std::string& StartErrors();

}  // namespace llavaov
