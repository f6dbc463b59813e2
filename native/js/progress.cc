#include "js/progress.h"

#include "js/args.h"

namespace llavaov {

std::shared_ptr<Progress> Progress::Optional(const Napi::Value& callback, const char* argument) {
  if (callback.IsNull() || callback.IsUndefined()) return nullptr;
  if (!callback.IsFunction()) {
    throw InvalidArgument(callback.Env(), argument, "a function or null");
  }
  return std::shared_ptr<Progress>(new Progress(callback.Env(), callback.As<Napi::Function>()));
}

Progress::Progress(Napi::Env env, const Napi::Function& callback) : env_(env) {
  shared_->function = Napi::ThreadSafeFunction::New(env, callback, "llava-progress",
                                                    /*maxQueueSize=*/0, /*initialThreadCount=*/1);
  shared_->function.Unref(env);
  // Cleanup hooks run last in, first out: this one before that of the thread-safe function.
  hook_ = env.AddCleanupHook(std::function<void()>([shared = shared_] { shared->Close(); }));
}

void Progress::Report(double fraction) {
  const std::lock_guard<std::mutex> lock(shared_->mutex);
  if (!shared_->open) return;
  shared_->latest = fraction;
  if (shared_->queued) return;
  shared_->queued = true;
  shared_->function.NonBlockingCall([shared = shared_](Napi::Env env, Napi::Function callback) {
    double fraction;
    {
      const std::lock_guard<std::mutex> lock(shared->mutex);
      if (!shared->open) return;
      shared->queued = false;
      fraction = shared->latest;
    }
    callback.Call({Napi::Number::New(env, fraction)});
  });
}

void Progress::Close() {
  hook_.Remove(env_);
  shared_->Close();
}

void Progress::Shared::Close() {
  const std::lock_guard<std::mutex> lock(mutex);
  if (open) function.Release();
  open = false;
}

}  // namespace llavaov
