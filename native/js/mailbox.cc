#include "js/mailbox.h"

#include <utility>

#include "js/promise-worker.h"

namespace llavaov {

Mailbox::Mailbox(Napi::Env env)
    : queues_(WorkQueues::OfProcess()),
      bell_(Bell::New(env, "llava-onevision", /*maxQueueSize=*/0, /*initialThreadCount=*/1, this)) {
  bell_.Unref(env);
  // Hooks run in reverse order: this one while the bell still rings.
  env.AddCleanupHook([this] {
    Leave();
    bell_.Release();
  });
  LeaveOnExit(env);
}

// process.exit() of the main thread runs no hooks, and static destructors take away what work in
// flight uses.
void Mailbox::LeaveOnExit(Napi::Env env) {
  const Napi::Value process = env.Global().Get("process");
  const Napi::Value on = process.IsObject() ? process.As<Napi::Object>().Get("on") : process;
  if (!on.IsFunction()) return;
  const auto listener =
      Napi::Function::New(env, [this](const Napi::CallbackInfo&) { Leave(); }, "leave");
  on.As<Napi::Function>().Call(process, {Napi::String::New(env, "exit"), listener});
}

void Mailbox::Expect(Napi::Env env) {
  if (++expected_ == 1) bell_.Ref(env);
}

void Mailbox::Post(std::unique_ptr<PromiseWorker> worker) {
  const std::lock_guard<std::mutex> lock(mutex_);
  finished_.push_back(std::move(worker));
  bell_.NonBlockingCall();
}

void Mailbox::Withdraw(const CancelFlag* flag) {
  for (WorkQueue* queue : {&queues_->computing, &queues_->background}) {
    std::unique_ptr<Job> job = queue->Withdraw(flag);
    if (!job) continue;
    std::unique_ptr<PromiseWorker> worker(static_cast<PromiseWorker*>(job.release()));
    worker->Fail(NativeError("ERR_CANCELLED", "Cancelled"));
    Post(std::move(worker));
  }
}

void Mailbox::Deliver(Napi::Env env, Napi::Function, Mailbox* mailbox, void*) {
  if (env == nullptr) return;  // the environment ends: Leave() has seen to everything
  std::vector<std::unique_ptr<PromiseWorker>> workers;
  {
    const std::lock_guard<std::mutex> lock(mailbox->mutex_);
    workers.swap(mailbox->finished_);
  }
  for (const auto& worker : workers) {
    if (--mailbox->expected_ == 0) mailbox->bell_.Unref(env);
    worker->Settle();
  }
}

// What runs reads buffers of this environment, and nobody is left to tell.
void Mailbox::Leave() {
  has_left_ = true;
  queues_->computing.Leave(this);
  queues_->background.Leave(this);
  finished_.clear();
}

}  // namespace llavaov
