// What a DecoderContext computes before it is asked, and how it takes that back.
#include <algorithm>
#include <cmath>
#include <exception>
#include <utility>

#include "llama/decoder-context.h"
#include "llama/log-softmax.h"
#include "llama/log.h"

namespace llavaov {
namespace {

bool AsksFor(const NextTokens& tokens, const Slices& slices) {
  const auto is_same = [](const NextToken& next, const Slice& slice) {
    return slice.sequence == next.sequence && slice.position == next.position && slice.sampler &&
           slice.tokens == std::vector<llama_token>{next.token};
  };
  return std::equal(tokens.begin(), tokens.end(), slices.begin(), slices.end(), is_same);
}

}  // namespace

// None where the answer of a sequence has ended, or has not begun.
NextTokens DecoderContext::Following(const Slices& slices, const Samples& samples) const {
  const llama_vocab* const vocab = llama_model_get_vocab(model_->get());
  NextTokens tokens;
  for (size_t i = 0; i < slices.size(); ++i) {
    if (samples[i].empty()) return {};
    const int sequence = slices[i].sequence;
    tokens.push_back({sequence, ends_[sequence], samples[i].back().token});
    if (llama_vocab_is_eog(vocab, tokens.back().token)) return {};
  }
  return tokens;
}

bool DecoderContext::ComputeAhead(const NextTokens& tokens, const CancelFlag* cancel) {
  const std::lock_guard<std::mutex> lock(workers_->mutex());
  const MutedLog muted;  // where this fails, the step that is asked for will say so
  bool is_computed = false;
  flag_ahead_ = cancel;
  try {
    DecoderBatch batch;
    for (const NextToken& next : tokens) {
      batch.AddTokens(&next.token, 1);
      batch.AddPosition(next.sequence, next.position, /*is_output=*/true);
    }
    is_computed = Compute(batch) == 0;
  } catch (...) {
    failed_ahead_ = std::current_exception();
  }
  flag_ahead_ = nullptr;
  return is_computed;
}

bool DecoderContext::TakeAhead(const Slices& slices) {
  const StepAhead::Outcome ahead = ahead_->End();
  if (ahead.is_computed && put_off_.empty() && AsksFor(ahead.tokens, slices)) {
    ++n_ahead_;
    return true;
  }
  spoilt_ = spoilt_ || MaySpoil(ahead);
  for (const NextToken& next : ahead.tokens) Remove(next.sequence, next.position);
  for (const auto& change : put_off_) change();
  put_off_.clear();
  return false;
}

bool DecoderContext::MaySpoil(const StepAhead::Outcome& ahead) const {
  if (HidesCells()) return false;
  if (!ahead.is_computed) return !ahead.tokens.empty();
  for (size_t i = 0; i < ahead.tokens.size(); ++i) {
    const float* logits = llama_get_logits_ith(context_.get(), int(i));
    if (std::isnan(LogSumExp(logits, model_->n_vocab()))) return true;
  }
  return false;
}

void DecoderContext::GiveUpUnless(const Slices& slices) {
  if (!AsksFor(ahead_->tokens(), slices)) ahead_->Cancel();
}

void DecoderContext::Rest() { TakeAhead({}); }

void DecoderContext::Change(std::function<void()> change) {
  if (!ahead_->is_planned()) return change();
  ahead_->Cancel();
  put_off_.push_back(std::move(change));
}

}  // namespace llavaov
