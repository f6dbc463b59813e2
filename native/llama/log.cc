#include "llama/log.h"

#include <ggml-backend.h>
#include <llama.h>

#include <sstream>

#include "kernels/hook.h"

namespace llavaov {
namespace {

thread_local ggml_log_level t_last_level = GGML_LOG_LEVEL_INFO;
thread_local ErrorLog* t_errors = nullptr;
thread_local bool t_is_muted = false;
LogListener g_listener = nullptr;
const std::string* g_start_errors = nullptr;  // never freed: read until the process ends

void Forward(ggml_log_level level, const char* text, void*) {
  if (level == GGML_LOG_LEVEL_CONT) level = t_last_level;
  t_last_level = level;
  if (t_is_muted) return;
  if (t_errors) t_errors->Add(level, text);
  g_listener(level, text);
}

}  // namespace

ErrorLog::ErrorLog() { t_errors = this; }
ErrorLog::~ErrorLog() { t_errors = nullptr; }

MutedLog::MutedLog() { t_is_muted = true; }
MutedLog::~MutedLog() { t_is_muted = false; }

void ErrorLog::Add(ggml_log_level level, const std::string& line) {
  if (level == GGML_LOG_LEVEL_ERROR) AddError(line);
  // llama-mmap.cpp: "warning: failed to mlock 4096-byte buffer (...): reason\n..."
  const std::string prefix = "warning: ";
  if (level != GGML_LOG_LEVEL_WARN || line.compare(0, prefix.size(), prefix) != 0) return;
  for (const char* what : {"mlock", "VirtualLock", "WorkingSetSize"}) {
    if (lock_refusal_.empty() && line.find(what) != std::string::npos) {
      lock_refusal_ = line.substr(prefix.size(), line.find('\n') - prefix.size());
    }
  }
}

void ErrorLog::AddError(const std::string& line) {
  // "llama_model_load: reason\n": the function's name tells a user nothing.
  const size_t colon = line.find(": ");
  const bool named = colon != std::string::npos && line.find(' ') > colon;
  const size_t start = named ? colon + 2 : 0;
  const size_t end = line.find_last_not_of('\n') + 1;
  if (start >= end) return;
  if (!text_.empty()) text_ += "; ";
  text_ += line.substr(start, end - start);
}

void StartBackends(LogListener listener) {
  g_listener = listener;
  llama_log_set(Forward, nullptr);
  const ErrorLog errors;
#if defined(LLAVAOV_LOAD_BACKENDS)
  // Those that are compiled in are there by themselves; see cmake/shared-ggml.cmake for these.
  std::istringstream paths(LLAVAOV_LOAD_BACKENDS);
  for (std::string path; std::getline(paths, path, ':');) ggml_backend_load(path.c_str());
#endif
  kernels::Register();
  llama_backend_init();
  ggml_backend_dev_count();  // compiled-in backends look for their devices at the first question
  g_start_errors = new std::string(errors.text());
}

const std::string& StartErrors() { return *g_start_errors; }

}  // namespace llavaov
