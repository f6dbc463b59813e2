// Finished work of one environment on its way to its JS thread.
#pragma once

#include <napi.h>

#include <memory>
#include <mutex>
#include <vector>

#include "work-queue.h"

namespace llavaov {

class PromiseWorker;

class Mailbox {
 public:
  explicit Mailbox(Napi::Env env);

  WorkQueues& queues() { return *queues_; }
  // The process is exiting: threads that begin something now may lose what they use.
  bool has_left() const { return has_left_; }
  // One more is under way: the event loop goes on until it has come. JS thread.
  void Expect(Napi::Env env);
  // Any thread.
  void Post(std::unique_ptr<PromiseWorker> worker);
  // Takes the work of this flag out of the line, if it has not begun; its promise rejects with
  // ERR_CANCELLED. JS thread.
  void Withdraw(const CancelFlag* flag);

 private:
  static void Deliver(Napi::Env env, Napi::Function, Mailbox* mailbox, void*);
  void LeaveOnExit(Napi::Env env);
  void Leave();

  using Bell = Napi::TypedThreadSafeFunction<Mailbox, void, Deliver>;

  std::shared_ptr<WorkQueues> queues_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<PromiseWorker>> finished_;
  int expected_ = 0;
  bool has_left_ = false;
  Bell bell_;
};

}  // namespace llavaov
