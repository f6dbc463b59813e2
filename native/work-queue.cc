#include "work-queue.h"

#include <algorithm>
#include <iterator>
#include <system_error>
#include <utility>

#include "static-objects.h"

namespace llavaov {

WorkQueue::~WorkQueue() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
  }
  added_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

std::unique_ptr<Job> WorkQueue::Add(std::unique_ptr<Job> job) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!HasThreadFor(jobs_.size() + 1)) return job;
  jobs_.push_back(std::move(job));
  added_.notify_one();
  return nullptr;
}

// Whether there is one at all: few are as good as many, only slower.
bool WorkQueue::HasThreadFor(size_t jobs) {
  if (idle_ >= jobs || threads_.size() == max_threads_) return true;
  try {
    threads_.emplace_back([this] { Run(); });
  } catch (const std::system_error&) {
  }
  return !threads_.empty();
}

std::unique_ptr<Job> WorkQueue::Withdraw(const CancelFlag* flag) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = std::find_if(jobs_.begin(), jobs_.end(),
                                  [&](const auto& job) { return job->cancel().get() == flag; });
  if (found == jobs_.end()) return nullptr;
  std::unique_ptr<Job> job = std::move(*found);
  jobs_.erase(found);
  return job;
}

void WorkQueue::Leave(const void* owner) {
  std::vector<std::unique_ptr<Job>> left;  // deleted without the lock
  std::unique_lock<std::mutex> lock(mutex_);
  const auto stays = [&](const auto& job) { return job->owner() != owner; };
  const auto first = std::stable_partition(jobs_.begin(), jobs_.end(), stays);
  std::move(first, jobs_.end(), std::back_inserter(left));
  jobs_.erase(first, jobs_.end());
  const auto is_own = [&](const Running* running) { return running->owner == owner; };
  for (const Running* running : running_) {
    if (is_own(running) && running->cancel) running->cancel->store(true);
  }
  finished_.wait(lock, [&] { return std::none_of(running_.begin(), running_.end(), is_own); });
  lock.unlock();
}

void WorkQueue::End() {
  std::unique_lock<std::mutex> lock(mutex_);
  // Theirs are values of an engine that is no more.
  for (auto& job : jobs_) job.release();
  jobs_.clear();
  for (const Running* running : running_) {
    if (running->cancel) running->cancel->store(true);
  }
  finished_.wait(lock, [&] { return running_.empty(); });
}

bool WorkQueue::IsAwaited() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return !jobs_.empty();
}

void WorkQueue::Run() {
  std::unique_lock<std::mutex> lock(mutex_);
  for (;;) {
    ++idle_;
    added_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
    --idle_;
    if (stopping_) return;
    std::unique_ptr<Job> job = std::move(jobs_.front());
    jobs_.pop_front();
    const Running running{job->owner(), job->cancel()};
    running_.push_back(&running);
    lock.unlock();
    Job& begun = *job;
    begun.Execute();
    std::function<void()> afterwards = IsAwaited() ? nullptr : begun.Afterwards();
    begun.Finish(std::move(job));
    if (afterwards) afterwards();
    afterwards = nullptr;  // before its owner may think that nothing is left
    lock.lock();
    running_.erase(std::find(running_.begin(), running_.end(), &running));
    finished_.notify_all();
  }
}

std::shared_ptr<WorkQueues> WorkQueues::OfProcess() {
  // Neither is ever destroyed: exit() may come while threads are at work.
  static auto* mutex = new std::mutex();
  static auto* current = new std::weak_ptr<WorkQueues>();
  // What process.exit() does in time; process.reallyExit(), which some packages call, tells nobody.
  BeforeStaticObjectsEnd([] {
    static const auto& left = *new std::shared_ptr<WorkQueues>(current->lock());  // never destroyed
    if (!left) return;
    left->computing.End();
    left->background.End();
  });
  const std::lock_guard<std::mutex> lock(*mutex);
  std::shared_ptr<WorkQueues> queues = current->lock();
  if (!queues) *current = queues = std::make_shared<WorkQueues>();
  return queues;
}

}  // namespace llavaov
