// One llama_context with a KV cache that all sequences share: decodes slices of several sequences
// and samples, as far as a draft guesses what comes. A step either happens whole or leaves cache
// and samplers as they were.
#pragma once

#include <llama-cpp.h>

#include <atomic>
#include <exception>
#include <functional>
#include <memory>
#include <vector>

#include "cancel.h"
#include "llama/context-options.h"
#include "llama/decoder-batch.h"
#include "llama/model.h"
#include "llama/step-ahead.h"
#include "llama/thread-pool.h"
#include "llama/token-sampler.h"

namespace llavaov {

// Consecutive positions of one sequence: token ids, or else rows [n, n_embd].
struct Slice {
  int sequence;
  int position;
  int n;
  std::vector<llama_token> tokens;
  const float* rows = nullptr;
  std::shared_ptr<TokenSampler> sampler;  // of the logits after the last position; may be null
  // That many of the tokens, the last ones, guess what the sampler will choose after each one
  // before; those from the first wrong guess on leave no trace. Needs a sampler.
  int n_drafted = 0;

  int first_output() const { return n - 1 - n_drafted; }
};

using Slices = std::vector<Slice>;
// Of each slice, none without a sampler: after the last position that is no guess, and after each
// guess that was right.
using Samples = std::vector<std::vector<Sample>>;

class DecoderContext {
 public:
  // Throws ERR_INVALID_ARGUMENT for options that would abort the process, ERR_OUT_OF_MEMORY.
  DecoderContext(std::shared_ptr<LoadedModel> model, std::shared_ptr<Workers> workers,
                 const ContextOptions& options);
  ~DecoderContext();

  int n_ctx() const { return int(llama_n_ctx(context_.get())); }
  int n_batch() const { return int(llama_n_batch(context_.get())); }
  int n_seq_max() const { return options_.n_seq_max; }
  int n_outputs() const { return options_.n_outputs; }
  const LoadedModel& model() const { return *model_; }
  const Workers& workers() const { return *workers_; }

  // Throws ERR_INVALID_ARGUMENT for what llama_decode would refuse or abort on. Where something
  // else is being computed ahead, that is given up.
  void Check(const Slices& slices);
  // After Check. Throws ERR_CONTEXT_FULL, ERR_OUT_OF_MEMORY and ERR_DECODE. With a flag the next
  // step is made ready: ahead() computes it, until the flag is set.
  Samples Step(const Slices& slices, std::shared_ptr<CancelFlag> flag_ahead = nullptr);
  const std::shared_ptr<StepAhead>& ahead() const { return ahead_; }
  // Steps whose result was there when they began.
  int n_ahead() const { return n_ahead_; }

  // Neither waits for what is computed ahead: what they ask may be done later, before anything
  // else. From there on to the end.
  void RemovePositions(int sequence, int from);
  void CopySequence(int source, int target, int to);

  // Nothing is ahead and nothing is left to do.
  void Rest();
  // The cached positions of a sequence, in llama.cpp's format: how many bytes, after Rest, and
  // these.
  size_t SequenceBytes(int sequence) const;
  void SaveSequence(int sequence, uint8_t* state, size_t size);
  // Fills an empty sequence with positions 0 to n - 1 that SaveSequence gave. Throws
  // ERR_INVALID_ARGUMENT, leaving the sequence empty, for a state that is none, has another number
  // of positions, is of another model or cache type, or does not fit.
  void LoadSequence(int sequence, const uint8_t* state, size_t size, int n);

 private:
  void ApplyAdapters();
  // Gives up what is computed ahead where the slices are something else.
  void GiveUpUnless(const Slices& slices);
  // Does `change` to the cache, or puts it off until what is computed ahead has ended.
  void Change(std::function<void()> change);
  void Remove(int sequence, int from);
  // What Step is but for what comes before and after it.
  Samples StepNow(const Slices& slices, bool is_computed);
  // Whether the slices are what has been computed ahead. If not, it is as if it had never been.
  bool TakeAhead(const Slices& slices);
  bool ComputeAhead(const NextTokens& tokens, const CancelFlag* cancel);
  NextTokens Following(const Slices& slices, const Samples& samples) const;
  // Returns llama_decode's status.
  int Compute(DecoderBatch& batch);
  // Decodes, where that is not done yet, and samples the slices of token ids, or those of rows.
  // Returns llama_decode's status.
  int Decode(const Slices& slices, bool rows, bool is_computed, Samples& samples);
  // What the sampler makes of a slice whose last position is `last` in the batch. The last sample
  // is not accepted yet.
  std::vector<Sample> Choose(const Slice& slice, int last);
  void Undo(const Slices& slices);
  // Whether what is not finite in a cell shows in no row but those that see it.
  bool HidesCells() const;
  // Whether a step that nobody asked for may have left such cells.
  bool MaySpoil(const StepAhead::Outcome& ahead) const;
  void ClearIfSpoilt();
  NativeError Failed(int status, const Slices& slices, const std::string& reason) const;

  std::shared_ptr<LoadedModel> model_;
  std::shared_ptr<Workers> workers_;
  ContextOptions options_;
  llama_context_ptr context_;  // last: freed before what it uses
  llama_memory_t memory_;
  // Where each sequence ends, for whoever asks for steps: without what is computed ahead, with what
  // is put off.
  std::vector<int> ends_;
  std::vector<bool> unseen_;  // whether it ends in positions of which nobody has seen logits
  std::vector<std::function<void()>> put_off_;
  const std::shared_ptr<StepAhead> ahead_;
  std::atomic<int> n_ahead_{0};
  const CancelFlag* flag_ahead_ = nullptr;  // while computing ahead
  std::exception_ptr failed_ahead_;         // for the next step to tell
  bool spoilt_ = false;                     // cells that count as free may hold what is not finite
  bool is_broken_ = false;
};

}  // namespace llavaov
