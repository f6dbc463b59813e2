// The only AsyncWorker: keep values alive -> run on a pool thread -> settle a promise on the JS
// thread. Exceptions of the pool thread are caught here, once; no N-API call happens over there.
#pragma once

#include <napi.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "js/error-to-js.h"

namespace llavaov {

template <typename Result>
class PromiseWorker final : public Napi::AsyncWorker {
 public:
  using Work = std::function<Result()>;
  using Settle = std::function<Napi::Value(Napi::Env, Result&)>;

  // `keep`: arrays and handles that `work` reads; referenced until the promise settles.
  // `done`: runs on the JS thread when the promise settles, however it settles, before any
  // reaction.
  static Napi::Promise Run(
      Napi::Env env, std::vector<Napi::Value> keep, Work work, Settle settle,
      std::function<void()> done = [] {}) {
    auto* worker = new PromiseWorker(env, std::move(work), std::move(settle), std::move(done));
    for (const Napi::Value& value : keep) {
      worker->kept_.push_back(Napi::Persistent(value.As<Napi::Object>()));
    }
    worker->Queue();
    return worker->deferred_.Promise();
  }

 protected:
  void Execute() override {
    try {
      result_ = std::make_unique<Result>(work_());
    } catch (const NativeError& error) {
      error_ = std::make_unique<NativeError>(error);
      SetError(error.what());
    } catch (const std::exception& error) {
      SetError(error.what());
    }
    work_ = nullptr;  // drops what the work captured while still off the JS thread
  }

  void OnOK() override {
    const Napi::HandleScope scope(Env());
    Quietly([this] {
      try {
        deferred_.Resolve(settle_(Env(), *result_));
      } catch (const Napi::Error& error) {
        deferred_.Reject(error.Value());
      }
    });
    Quietly(done_);
  }

  void OnError(const Napi::Error& error) override {
    const Napi::HandleScope scope(Env());
    Quietly([&] { deferred_.Reject(error_ ? ToJs(Env(), *error_).Value() : error.Value()); });
    Quietly(done_);
  }

 private:
  PromiseWorker(Napi::Env env, Work work, Settle settle, std::function<void()> done)
      : Napi::AsyncWorker(env, "llava-onevision"),
        deferred_(Napi::Promise::Deferred::New(env)),
        work_(std::move(work)),
        settle_(std::move(settle)),
        done_(std::move(done)) {}

  // Every call fails when the environment is being torn down: then nobody is left to tell.
  template <typename Call>
  static void Quietly(const Call& call) {
    try {
      call();
    } catch (const Napi::Error&) {
    }
  }

  Napi::Promise::Deferred deferred_;
  Work work_;
  Settle settle_;
  std::function<void()> done_;
  std::vector<Napi::ObjectReference> kept_;
  std::unique_ptr<Result> result_;
  std::unique_ptr<NativeError> error_;
};

// For work whose promise resolves to undefined.
struct Nothing {};
inline Napi::Value Undefined(Napi::Env env, Nothing&) { return env.Undefined(); }

// Runs `work`, which fills `out` (allocated by the caller, so that nothing is copied afterwards),
// and resolves to `out`.
template <typename Array>
Napi::Promise RunFilling(Napi::Env env, std::vector<Napi::Value> keep, Array out,
                         std::function<void()> work) {
  auto reference = std::make_shared<Napi::Reference<Array>>(Napi::Persistent(out));
  return PromiseWorker<Nothing>::Run(
      env, std::move(keep),
      [work = std::move(work)] {
        work();
        return Nothing{};
      },
      [reference](Napi::Env, Nothing&) -> Napi::Value { return reference->Value(); });
}

}  // namespace llavaov
