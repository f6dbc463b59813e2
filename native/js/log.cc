// The log for the environments that ask for it; it is silent otherwise.
#include <ggml.h>

#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "js/args.h"
#include "js/register.h"

namespace llavaov {
namespace {

struct Line {
  std::string level;
  std::string text;
};

struct Sink {
  ggml_log_level level;
  Napi::ThreadSafeFunction function;
};

// Process-wide, because llama.cpp's log is. Keyed by environment: workers come and go.
std::mutex g_mutex;
std::map<napi_env, Sink>& Sinks() {
  static auto* sinks = new std::map<napi_env, Sink>();  // outlives static destructors that log
  return *sinks;
}

// GGML orders them none, debug, info, warn, error.
constexpr std::pair<ggml_log_level, const char*> kLevels[] = {{GGML_LOG_LEVEL_DEBUG, "debug"},
                                                              {GGML_LOG_LEVEL_INFO, "info"},
                                                              {GGML_LOG_LEVEL_WARN, "warn"},
                                                              {GGML_LOG_LEVEL_ERROR, "error"}};

const char* LevelName(ggml_log_level wanted) {
  for (const auto& [level, name] : kLevels) {
    if (level == wanted) return name;
  }
  return "info";
}

ggml_log_level LevelArg(const Napi::Value& value) {
  const std::string wanted = StringArg(value, "level");
  for (const auto& [level, name] : kLevels) {
    if (wanted == name) return level;
  }
  throw InvalidArgument(value.Env(), "level", "'error', 'warn', 'info' or 'debug'");
}

void Remove(napi_env env) {
  const std::lock_guard<std::mutex> lock(g_mutex);
  const auto found = Sinks().find(env);
  if (found == Sinks().end()) return;
  found->second.function.Release();
  Sinks().erase(found);
}

void SetLog(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const ggml_log_level level = LevelArg(info[0]);
  Remove(env);
  if (info[1].IsNull() || info[1].IsUndefined()) return;
  if (!info[1].IsFunction()) throw InvalidArgument(env, "callback", "a function or null");
  auto function = Napi::ThreadSafeFunction::New(env, info[1].As<Napi::Function>(), "llava-log",
                                                /*maxQueueSize=*/1024, /*initialThreadCount=*/1);
  function.Unref(env);  // a log alone must not keep the process alive
  const std::lock_guard<std::mutex> lock(g_mutex);
  Sinks()[env] = {level, function};
}

}  // namespace

void ForwardLog(ggml_log_level level, const char* text) {
  const std::lock_guard<std::mutex> lock(g_mutex);
  for (auto& [env, sink] : Sinks()) {
    if (level < sink.level) continue;
    auto* line = new Line{LevelName(level), text};
    const napi_status status =
        sink.function.NonBlockingCall(line, [](Napi::Env js, Napi::Function callback, Line* data) {
          if (js != nullptr) {
            callback.Call({Napi::String::New(js, data->level), Napi::String::New(js, data->text)});
          }
          delete data;
        });
    if (status != napi_ok) delete line;  // queue full or closing: a lost line harms nobody
  }
}

void RegisterLog(Napi::Env env, Napi::Object exports) {
  exports.Set("setLog", Napi::Function::New(env, SetLog, "setLog"));
  env.AddCleanupHook([raw = napi_env(env)] { Remove(raw); });
}

}  // namespace llavaov
