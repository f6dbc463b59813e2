#include "js/promise-worker.h"

#include <utility>

#include "js/error-to-js.h"

namespace llavaov {
namespace {

// Every call fails when the environment is being torn down: then nobody is left to tell.
template <typename Call>
void Quietly(const Call& call) {
  try {
    call();
  } catch (const Napi::Error&) {
  }
}

}  // namespace

PromiseWorker::PromiseWorker(Napi::Env env, const std::vector<Napi::Value>& keep,
                             std::function<void()> done)
    : Napi::AsyncWorker(env, "llava-onevision"),
      deferred_(Napi::Promise::Deferred::New(env)),
      done_(std::move(done)) {
  for (const Napi::Value& value : keep) kept_.push_back(Napi::Persistent(value.As<Napi::Object>()));
}

Napi::Promise PromiseWorker::Run(Napi::Env env, const std::vector<Napi::Value>& keep, Work work,
                                 std::function<void()> done) {
  auto* worker = new PromiseWorker(env, keep, std::move(done));
  worker->work_ = std::move(work);
  worker->Queue();
  return worker->deferred_.Promise();
}

Napi::Promise PromiseWorker::RunFilling(Napi::Env env, std::vector<Napi::Value> keep,
                                        Napi::Value out, std::function<void()> fill) {
  keep.push_back(out);
  auto* worker = new PromiseWorker(env, keep, [] {});
  worker->work_ = [worker, fill = std::move(fill)]() -> Settle {
    fill();
    return [worker](Napi::Env) -> Napi::Value { return worker->kept_.back().Value(); };
  };
  worker->Queue();
  return worker->deferred_.Promise();
}

void PromiseWorker::Execute() {
  try {
    settle_ = work_();
  } catch (const NativeError& error) {
    error_ = std::make_unique<NativeError>(error);
    SetError(error.what());
  } catch (const std::exception& error) {
    SetError(error.what());
  }
  work_ = nullptr;  // drops what the work captured while still off the JS thread
}

void PromiseWorker::OnOK() {
  const Napi::HandleScope scope(Env());
  Quietly([this] {
    try {
      deferred_.Resolve(settle_(Env()));
    } catch (const Napi::Error& error) {
      deferred_.Reject(error.Value());
    }
  });
  Quietly(done_);
}

void PromiseWorker::OnError(const Napi::Error& error) {
  const Napi::HandleScope scope(Env());
  Quietly([&] { deferred_.Reject(error_ ? ToJs(Env(), *error_).Value() : error.Value()); });
  Quietly(done_);
}

}  // namespace llavaov
