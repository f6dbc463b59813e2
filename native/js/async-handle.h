// A handle whose work runs off the JS thread: dispose() waits for what is in flight, and the
// resource is freed over there too, since giving back gigabytes takes its time.
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
    return PromiseWorker::Run(env, keep, std::move(work), Counted(env, std::move(terms)));
  }

  // The same for work that fills `out`, which the promise resolves to.
  Napi::Value AsyncFilling(Napi::Env env, Napi::Value out, std::function<void()> fill,
                           WorkTerms terms = {}) {
    return PromiseWorker::RunFilling(env, {this->Value()}, out, std::move(fill),
                                     Counted(env, std::move(terms)));
  }

  // The live resource, for handles that allow one operation at a time.
  std::shared_ptr<Resource> Idle(Napi::Env env) const {
    std::shared_ptr<Resource> resource = this->Live(env);
    if (pending_ > 0) throw InvalidArgument(env, Derived::kName, "one operation at a time");
    return resource;
  }

 private:
  WorkTerms Counted(Napi::Env env, WorkTerms terms) {
    ++pending_;
    terms.done = [this, env] {
      --pending_;
      ReleaseIfUnused(env);
    };
    return terms;
  }

  void ReleaseIfUnused(Napi::Env env) {
    if (pending_ > 0) return;
    if (leaving_) return Release(env);
    for (auto& deferred : waiting_) deferred.Resolve(env.Undefined());
    waiting_.clear();
  }

  // Work lets go of what it holds before it comes back.
  void Release(Napi::Env env) {
    WorkTerms terms;
    terms.must_run = true;
    Async(env, {}, [leaving = std::move(leaving_)] { return Undefined; }, std::move(terms));
  }

  int pending_ = 0;
  std::shared_ptr<Resource> leaving_;  // disposed, but in use
  std::vector<Napi::Promise::Deferred> waiting_;
};

}  // namespace llavaov
