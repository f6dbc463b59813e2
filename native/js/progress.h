// Progress of long native work as calls of a JavaScript function. Safe while its environment is
// torn down under the work: Node frees a thread-safe function before the pool thread has finished,
// so the call is cut off first.
#pragma once

#include <napi.h>

#include <functional>
#include <memory>
#include <mutex>

namespace llavaov {

class Progress {
 public:
  // Null for a null or undefined `callback`. Does not keep the process alive.
  static std::shared_ptr<Progress> Optional(const Napi::Value& callback, const char* argument);

  // Any thread; `fraction` from 0 to 1. Reports that JavaScript has not got round to are replaced.
  void Report(double fraction);
  // JS thread: no calls from here on.
  void Close();

 private:
  struct Shared {
    std::mutex mutex;
    bool open = true;
    bool queued = false;
    double latest = 0;
    Napi::ThreadSafeFunction function;

    void Close();
  };
  Progress(Napi::Env env, const Napi::Function& callback);

  Napi::Env env_;
  std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
  Napi::Env::CleanupHook<std::function<void()>> hook_;
};

}  // namespace llavaov
