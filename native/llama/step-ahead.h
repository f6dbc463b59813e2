// The step that most likely comes next, of the tokens that have just been chosen, computed while
// JavaScript hears of them: from there and back the cores would wait. Nothing but time depends on
// it: a step that asks just that takes its result, for anything else it is given up. Knows no
// samplers, which choose when they are asked: one that nobody wants moves none.
#pragma once

#include <llama.h>

#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "cancel.h"

namespace llavaov {

struct NextToken {
  int sequence;
  int position;
  llama_token token;
};

using NextTokens = std::vector<NextToken>;

class StepAhead {
 public:
  // Whether the tokens are in the cache and their logits are there; may be given up by the flag.
  using Compute = std::function<bool(const NextTokens&, const CancelFlag*)>;

  explicit StepAhead(Compute compute) : compute_(std::move(compute)) {}

  // In a step, for when its samples are on their way.
  void Plan(NextTokens tokens, std::shared_ptr<CancelFlag> cancel);
  // Then, on the thread of that step: the next ones may be asked for meanwhile.
  void Run();

  // Between steps, on the thread that asks for them.
  bool is_planned() const { return !tokens_.empty(); }
  const NextTokens& tokens() const { return tokens_; }
  void Cancel();

  struct Outcome {
    NextTokens tokens;  // that may be in the cache
    bool is_computed = false;
  };
  // Before anything else is done with the cache; waits for what runs.
  Outcome End();
  // There will be none any more.
  void Leave();

 private:
  enum class Stage { kNone, kPlanned, kBegun, kComputed };

  std::mutex mutex_;
  Compute compute_;
  NextTokens tokens_;
  std::shared_ptr<CancelFlag> cancel_;
  Stage stage_ = Stage::kNone;
};

}  // namespace llavaov
