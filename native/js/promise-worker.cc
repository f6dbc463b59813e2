#include "js/promise-worker.h"

#include <utility>

#include "js/error-to-js.h"
#include "js/instance-data.h"
#include "js/mailbox.h"

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

PromiseWorker::PromiseWorker(Napi::Env env, Mailbox& mailbox, const std::vector<Napi::Value>& keep,
                             WorkTerms terms)
    : Job(&mailbox, std::move(terms.cancel)),
      env_(env),
      mailbox_(mailbox),
      deferred_(Napi::Promise::Deferred::New(env)),
      done_(std::move(terms.done)),
      afterwards_(std::move(terms.afterwards)),
      computes_(terms.computes),
      must_run_(terms.must_run) {
  for (const Napi::Value& value : keep) kept_.push_back(Napi::Persistent(value.As<Napi::Object>()));
}

Napi::Promise PromiseWorker::Run(Napi::Env env, const std::vector<Napi::Value>& keep, Work work,
                                 WorkTerms terms) {
  Mailbox& mailbox = InstanceData::Of(env).mailbox();
  std::unique_ptr<PromiseWorker> worker(new PromiseWorker(env, mailbox, keep, std::move(terms)));
  worker->work_ = std::move(work);
  return Start(std::move(worker));
}

Napi::Promise PromiseWorker::RunFilling(Napi::Env env, std::vector<Napi::Value> keep,
                                        Napi::Value out, std::function<void()> fill,
                                        WorkTerms terms) {
  keep.push_back(out);
  Mailbox& mailbox = InstanceData::Of(env).mailbox();
  std::unique_ptr<PromiseWorker> worker(new PromiseWorker(env, mailbox, keep, std::move(terms)));
  worker->work_ = [self = worker.get(), fill = std::move(fill)]() -> Settlement {
    fill();
    return [self](Napi::Env) -> Napi::Value { return self->kept_.back().Value(); };
  };
  return Start(std::move(worker));
}

Napi::Promise PromiseWorker::Start(std::unique_ptr<PromiseWorker> worker) {
  const Napi::Promise promise = worker->deferred_.Promise();
  Mailbox& mailbox = worker->mailbox_;
  mailbox.Expect(worker->env_);
  WorkQueues& queues = mailbox.queues();
  WorkQueue& queue = worker->computes_ ? queues.computing : queues.background;
  const bool is_late = worker->must_run_ && mailbox.has_left();
  std::unique_ptr<Job> refused = is_late ? std::move(worker) : queue.Add(std::move(worker));
  if (refused) {
    auto& own = static_cast<PromiseWorker&>(*refused);
    if (own.must_run_) {
      own.Execute();
    } else {
      own.Fail(NativeError("ERR_OUT_OF_MEMORY", "Could not start a thread"));
    }
    own.Finish(std::move(refused));
  }
  return promise;
}

void PromiseWorker::Execute() {
  try {
    settlement_ = work_();
  } catch (NativeError& error) {
    Fail(std::move(error));
  } catch (const std::exception& error) {
    other_error_ = error.what();
  }
  work_ = nullptr;  // drops what the work captured while still off the JS thread
}

void PromiseWorker::Finish(std::unique_ptr<Job> self) {
  mailbox_.Post(std::unique_ptr<PromiseWorker>(static_cast<PromiseWorker*>(self.release())));
}

void PromiseWorker::Fail(NativeError error) {
  error_ = std::make_unique<NativeError>(std::move(error));
}

void PromiseWorker::Settle() {
  const Napi::HandleScope scope(env_);
  Quietly([this] {
    if (error_) return deferred_.Reject(ToJs(env_, *error_).Value());
    if (!settlement_) return deferred_.Reject(Napi::Error::New(env_, other_error_).Value());
    try {
      deferred_.Resolve(settlement_(env_));
    } catch (const Napi::Error& error) {
      deferred_.Reject(error.Value());
    }
  });
  Quietly(done_);
}

}  // namespace llavaov
