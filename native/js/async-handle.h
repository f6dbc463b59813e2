// A handle whose work runs off the JS thread: dispose() waits for what is in flight.
#pragma once

#include <utility>
#include <vector>

#include "js/handle.h"

namespace llavaov {

template <typename Derived, typename Resource>
class AsyncHandle : public Handle<Derived, Resource> {
 public:
  using Base = AsyncHandle<Derived, Resource>;
  using Handle<Derived, Resource>::Handle;

  Napi::Value Dispose(const Napi::CallbackInfo& info) {
    if (this->resource_) leaving_ = std::move(this->resource_);
    const auto deferred = Napi::Promise::Deferred::New(info.Env());
    waiting_.push_back(deferred);
    ReleaseIfUnused(info.Env());
    return deferred.Promise();
  }

 protected:
  Napi::Value Async(Napi::Env env, std::vector<Napi::Value> keep, PromiseWorker::Work work,
                    WorkTerms terms = {}) {
    keep.push_back(this->Value());
    ++pending_;
    terms.done = [this, env] {
      --pending_;
      ReleaseIfUnused(env);
    };
    return PromiseWorker::Run(env, keep, std::move(work), std::move(terms));
  }

  // The live resource, for handles that allow one operation at a time.
  std::shared_ptr<Resource> Idle(Napi::Env env) const {
    std::shared_ptr<Resource> resource = this->Live(env);
    if (pending_ > 0) throw InvalidArgument(env, Derived::kName, "one operation at a time");
    return resource;
  }

 private:
  void ReleaseIfUnused(Napi::Env env) {
    if (pending_ > 0) return;
    leaving_.reset();
    for (auto& deferred : waiting_) deferred.Resolve(env.Undefined());
    waiting_.clear();
  }

  int pending_ = 0;
  std::shared_ptr<Resource> leaving_;  // disposed, but in use
  std::vector<Napi::Promise::Deferred> waiting_;
};

}  // namespace llavaov
