// Work off the JS thread: keep values alive -> wait for a turn -> run on a thread of the queue ->
// settle a promise on the JS thread. Exceptions of the work are caught here, once; no N-API call
// happens over there.
#pragma once

#include <napi.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "errors.h"
#include "work-queue.h"

namespace llavaov {

class Mailbox;

struct WorkTerms {
  // Takes all cores: waits for its turn among what others compute.
  bool computes = false;
  // Withdraws the work while it waits. May be null.
  std::shared_ptr<CancelFlag> cancel = nullptr;
  // Runs on the JS thread when the promise settles, however it settles, before any reaction.
  std::function<void()> done = [] {};
  // Runs on the JS thread where no other can be had, instead of failing.
  bool must_run = false;
  // What the thread goes on with once the promise is about to settle, when nobody waits for it.
  std::function<void()> afterwards = nullptr;
};

class PromiseWorker final : public Job {
 public:
  // Work gives what makes the promise's value of its result, back on the JS thread.
  using Settlement = std::function<Napi::Value(Napi::Env)>;
  using Work = std::function<Settlement()>;

  // `keep`: arrays and handles that `work` reads; referenced until the promise settles.
  static Napi::Promise Run(Napi::Env env, const std::vector<Napi::Value>& keep, Work work,
                           WorkTerms terms = {});

  // Runs `fill`, which fills `out` (allocated by the caller, so that nothing is copied afterwards),
  // and resolves to `out`.
  static Napi::Promise RunFilling(Napi::Env env, std::vector<Napi::Value> keep, Napi::Value out,
                                  std::function<void()> fill, WorkTerms terms = {});

  void Execute() override;
  void Finish(std::unique_ptr<Job> self) override;
  std::function<void()> Afterwards() override { return std::move(afterwards_); }
  // Instead of Execute.
  void Fail(NativeError error);
  // JS thread, after either.
  void Settle();

 private:
  PromiseWorker(Napi::Env env, Mailbox& mailbox, const std::vector<Napi::Value>& keep,
                WorkTerms terms);
  static Napi::Promise Start(std::unique_ptr<PromiseWorker> worker);

  Napi::Env env_;
  Mailbox& mailbox_;
  Napi::Promise::Deferred deferred_;
  std::vector<Napi::ObjectReference> kept_;
  Work work_;
  Settlement settlement_;
  std::function<void()> done_;
  std::function<void()> afterwards_;
  bool computes_;
  bool must_run_;
  std::unique_ptr<NativeError> error_;
  std::string other_error_;  // of an exception that is not ours
};

// For work whose promise resolves to undefined.
inline Napi::Value Undefined(Napi::Env env) { return env.Undefined(); }

}  // namespace llavaov
