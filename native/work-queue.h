// Jobs of all environments of the process, first come first served, on threads of our own: Node's
// few stay free for the app's files, and who waits for a turn takes no thread.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "cancel.h"

namespace llavaov {

class Job {
 public:
  // `owner`: who may take it back. `cancel` may be null.
  Job(const void* owner, std::shared_ptr<CancelFlag> cancel)
      : owner_(owner), cancel_(std::move(cancel)) {}
  virtual ~Job() = default;

  const void* owner() const { return owner_; }
  const std::shared_ptr<CancelFlag>& cancel() const { return cancel_; }

  // On a thread of the queue, one after the other; neither throws.
  virtual void Execute() = 0;
  virtual void Finish(std::unique_ptr<Job> self) = 0;
  // What the thread goes on with after Finish when nobody waits for it; may be null.
  virtual std::function<void()> Afterwards() { return nullptr; }

 private:
  const void* owner_;
  std::shared_ptr<CancelFlag> cancel_;
};

class WorkQueue {
 public:
  // Threads start when they are needed.
  explicit WorkQueue(size_t max_threads) : max_threads_(max_threads) {}
  // All owners have left.
  ~WorkQueue();
  WorkQueue(const WorkQueue&) = delete;

  // Gives the job back when no thread can be started for it.
  std::unique_ptr<Job> Add(std::unique_ptr<Job> job);
  // The job of this flag, if it has not begun.
  std::unique_ptr<Job> Withdraw(const CancelFlag* flag);
  // Deletes what has not begun, cancels what has and waits for it.
  void Leave(const void* owner);
  // At the end of the process: forgets what has not begun, cancels what has and waits for it.
  void End();

 private:
  struct Running {
    const void* owner;
    std::shared_ptr<CancelFlag> cancel;
  };

  bool HasThreadFor(size_t jobs);
  bool IsAwaited();
  void Run();

  const size_t max_threads_;
  std::mutex mutex_;
  std::condition_variable added_;
  std::condition_variable finished_;
  std::deque<std::unique_ptr<Job>> jobs_;
  std::vector<const Running*> running_;
  std::vector<std::thread> threads_;
  size_t idle_ = 0;
  bool stopping_ = false;
};

// Those of the process; they end with the last environment that holds them.
struct WorkQueues {
  static std::shared_ptr<WorkQueues> OfProcess();

  // What takes all cores: one graph at a time, whoever computes.
  WorkQueue computing{1};
  // Everything else: reading, loading, resizing, and steps of models on GPUs, which mostly wait.
  WorkQueue background{4};
};

}  // namespace llavaov
