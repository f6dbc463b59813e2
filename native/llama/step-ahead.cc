#include "llama/step-ahead.h"

#include <utility>

namespace llavaov {

void StepAhead::Plan(NextTokens tokens, std::shared_ptr<CancelFlag> cancel) {
  const std::lock_guard<std::mutex> lock(mutex_);
  stage_ = tokens.empty() ? Stage::kNone : Stage::kPlanned;
  tokens_ = std::move(tokens);
  cancel_ = std::move(cancel);
}

void StepAhead::Run() {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (stage_ != Stage::kPlanned || IsCancelled(cancel_.get())) return;
  stage_ = Stage::kBegun;
  if (compute_(tokens_, cancel_.get())) stage_ = Stage::kComputed;
}

void StepAhead::Cancel() {
  if (cancel_) cancel_->store(true);
}

StepAhead::Outcome StepAhead::End() {
  const std::lock_guard<std::mutex> lock(mutex_);
  Outcome outcome;
  outcome.is_computed = stage_ == Stage::kComputed;
  if (stage_ == Stage::kBegun || stage_ == Stage::kComputed) outcome.tokens.swap(tokens_);
  tokens_.clear();
  cancel_.reset();
  stage_ = Stage::kNone;
  return outcome;
}

void StepAhead::Leave() {
  Cancel();
  const std::lock_guard<std::mutex> lock(mutex_);
  stage_ = Stage::kNone;
}

}  // namespace llavaov
