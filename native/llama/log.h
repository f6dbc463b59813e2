// llama.cpp's and ggml's log, which is one per process: silent unless an environment asks for it.
#pragma once

#include <napi.h>

#include <string>

namespace llavaov {

// Collects what llama.cpp logs as errors on this thread while it lives: its functions return null
// and log the reason. One at a time per thread.
class ErrorLog {
 public:
  ErrorLog();
  ~ErrorLog();
  ErrorLog(const ErrorLog&) = delete;

  // The lines, joined by "; ".
  const std::string& text() const { return text_; }
  void Add(const std::string& line);

 private:
  std::string text_;
};

// Runs what starts the backends with the process-wide log routed here. Once per process.
void StartLogged(void (*start)());
// What was logged as errors meanwhile, joined by "; ": why a backend found no device.
const std::string& StartErrors();

// Adds setLog(level, callback | null).
void RegisterLog(Napi::Env env, Napi::Object exports);

}  // namespace llavaov
