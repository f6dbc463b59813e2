// The only AsyncWorker: keep values alive -> run on a pool thread -> settle a promise on the JS
// thread. Exceptions of the pool thread are caught here, once; no N-API call happens over there.
#pragma once

#include <napi.h>

#include <functional>
#include <memory>
#include <vector>

#include "errors.h"

namespace llavaov {

class PromiseWorker final : public Napi::AsyncWorker {
 public:
  // Work gives what makes the promise's value of its result, back on the JS thread.
  using Settle = std::function<Napi::Value(Napi::Env)>;
  using Work = std::function<Settle()>;

  // `keep`: arrays and handles that `work` reads; referenced until the promise settles.
  // `done`: runs on the JS thread when the promise settles, however it settles, before any
  // reaction.
  static Napi::Promise Run(
      Napi::Env env, const std::vector<Napi::Value>& keep, Work work,
      std::function<void()> done = [] {});

  // Runs `fill`, which fills `out` (allocated by the caller, so that nothing is copied afterwards),
  // and resolves to `out`.
  static Napi::Promise RunFilling(Napi::Env env, std::vector<Napi::Value> keep, Napi::Value out,
                                  std::function<void()> fill);

 protected:
  void Execute() override;
  void OnOK() override;
  void OnError(const Napi::Error& error) override;

 private:
  PromiseWorker(Napi::Env env, const std::vector<Napi::Value>& keep, std::function<void()> done);

  Napi::Promise::Deferred deferred_;
  std::vector<Napi::ObjectReference> kept_;
  Work work_;
  Settle settle_;
  std::function<void()> done_;
  std::unique_ptr<NativeError> error_;
};

// For work whose promise resolves to undefined.
inline Napi::Value Undefined(Napi::Env env) { return env.Undefined(); }

}  // namespace llavaov
