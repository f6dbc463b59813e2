#include "llama/decoder-context.h"

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <set>
#include <utility>

#include "kernels/hook.h"
#include "llama/log-softmax.h"
#include "llama/log.h"

namespace llavaov {
namespace {

constexpr int kMaxPosition = 1 << 30;

// Before they reach the cache, which NaN would spoil.
void CheckFinite(const Slices& slices, int n_embd) {
  for (size_t i = 0; i < slices.size(); ++i) {
    if (!slices[i].rows) continue;
    bool bad = false;
    const size_t size = size_t(slices[i].n) * n_embd;
    for (size_t j = 0; j < size; ++j) bad |= !(std::fabs(slices[i].rows[j]) <= FLT_MAX);
    if (bad) throw Invalid(Format("slices[%zu]", i), "The rows hold values that are not finite");
  }
}

void AddTo(DecoderBatch& batch, const Slice& slice, int n_embd, bool is_only_one) {
  if (slice.rows) batch.AddRows(slice.rows, size_t(slice.n) * n_embd, is_only_one);
  batch.AddTokens(slice.tokens.data(), int(slice.tokens.size()));
  for (int i = 0; i < slice.n; ++i) {
    const bool is_output = slice.sampler && i >= slice.first_output();
    batch.AddPosition(slice.sequence, slice.position + i, is_output);
  }
}

}  // namespace

DecoderContext::DecoderContext(std::shared_ptr<LoadedModel> model, std::shared_ptr<Workers> workers,
                               const ContextOptions& options)
    : model_(std::move(model)),
      workers_(std::move(workers)),
      options_(options),
      ends_(options.n_seq_max),
      unseen_(options.n_seq_max),
      ahead_(
          std::make_shared<StepAhead>([this](const NextTokens& tokens, const CancelFlag* cancel) {
            return ComputeAhead(tokens, cancel);
          })) {
  CheckContextOptions(options_, *model_);
  llama_context_params params = llama_context_default_params();
  params.n_ctx = options.n_ctx;
  params.n_batch = options.n_batch;
  params.n_ubatch = options.n_ubatch;
  params.n_seq_max = options.n_seq_max;
  // Not a row of logits per position: a vocabulary is long.
  params.n_outputs_max = options.n_outputs;
  params.n_threads = workers_->threads();
  params.n_threads_batch = workers_->threads();
  params.type_k = options.type_k;
  params.type_v = options.type_v;
  params.flash_attn_type = options.flash_attention;
  params.kv_unified = true;  // sequences share prefixes without copying
  const ErrorLog errors;
  context_.reset(llama_init_from_model(model_->get(), params));
  if (!context_) {
    throw OutOfMemory(
        Format("Cannot create a context of %d positions, whose KV cache takes %.0f MB: ",
               options.n_ctx, double(CacheBytes(options_, *model_)) / 1e6) +
            errors.text(),
        model_->gpus(), double(CacheBytes(options_, *model_)));
  }
  llama_attach_threadpool(context_.get(), workers_->pool(), workers_->pool());
  const auto is_given_up = [](void* self) {
    return IsCancelled(static_cast<DecoderContext*>(self)->flag_ahead_);
  };
  llama_set_abort_callback(context_.get(), is_given_up, this);
  memory_ = llama_get_memory(context_.get());
  ApplyAdapters();
}

DecoderContext::~DecoderContext() { ahead_->Leave(); }

void DecoderContext::ApplyAdapters() {
  std::vector<llama_adapter_lora*> adapters = model_->adapters();
  if (adapters.empty()) return;
  llama_set_adapters_lora(context_.get(), adapters.data(), adapters.size(),
                          options_.adapter_scales.data());
}

void DecoderContext::Check(const Slices& slices) {
  std::set<int> sequences;
  std::set<const TokenSampler*> samplers;
  int total = 0, outputs = 0;
  for (size_t i = 0; i < slices.size(); ++i) {
    const Slice& slice = slices[i];
    const std::string name = Format("slices[%zu]", i);
    if (!sequences.insert(slice.sequence).second) {
      throw Invalid(name, Format("Expected one slice per sequence but %s is another of sequence %d",
                                 name.c_str(), slice.sequence));
    }
    if (slice.position != ends_[slice.sequence] || slice.position > kMaxPosition) {
      throw Invalid(name,
                    Format("Expected position %d for %s, where sequence %d ends, but "
                           "received %d",
                           ends_[slice.sequence], name.c_str(), slice.sequence, slice.position));
    }
    for (llama_token token : slice.tokens) {
      if (token >= 0 && token < model_->n_vocab()) continue;
      throw Invalid(name, Format("Expected token ids below %d in %s but received %d",
                                 model_->n_vocab(), name.c_str(), token));
    }
    if (slice.sampler && slice.sampler->n_vocab() != model_->n_vocab()) {
      throw Invalid(name, Format("The sampler of %s was made for another model", name.c_str()));
    }
    if (slice.sampler && !samplers.insert(slice.sampler.get()).second) {
      throw Invalid(name, "Expected a sampler of its own for each slice");
    }
    if (slice.n_drafted > 0 && (!slice.sampler || slice.rows || slice.n_drafted >= slice.n)) {
      throw Invalid(name, Format("Expected %s to draft with a sampler, after a token of its own",
                                 name.c_str()));
    }
    total += slice.n;
    if (slice.sampler) outputs += 1 + slice.n_drafted;
  }
  if (total < 1 || total > n_batch()) {
    throw Invalid("slices",
                  Format("Expected 1 to %d positions in a step but received %d", n_batch(), total));
  }
  if (outputs > n_outputs()) {
    throw Invalid("slices", Format("Expected at most %d samples in a step but received %d",
                                   n_outputs(), outputs));
  }
  GiveUpUnless(slices);
}

Samples DecoderContext::Step(const Slices& slices, std::shared_ptr<CancelFlag> flag_ahead) {
  const bool is_computed = TakeAhead(slices);
  Samples samples = StepNow(slices, is_computed);
  if (flag_ahead) ahead_->Plan(Following(slices, samples), std::move(flag_ahead));
  return samples;
}

Samples DecoderContext::StepNow(const Slices& slices, bool is_computed) {
  const std::lock_guard<std::mutex> lock(workers_->mutex());
  if (failed_ahead_) std::rethrow_exception(std::exchange(failed_ahead_, nullptr));
  if (is_broken_) throw NativeError("ERR_DECODE", "The device has failed; load the model again");
  CheckFinite(slices, model_->n_embd());
  ClearIfSpoilt();
  const ErrorLog errors;
  Samples samples(slices.size());
  std::vector<TokenSampler::State> states(slices.size());
  for (size_t i = 0; i < slices.size(); ++i) {
    if (slices[i].n_drafted > 0) states[i] = slices[i].sampler->Save();
  }
  const auto undo = [&] {
    Undo(slices);
    for (size_t i = 0; i < slices.size(); ++i) {
      if (slices[i].n_drafted > 0) slices[i].sampler->Restore(std::move(states[i]));
    }
  };
  for (const Slice& slice : slices) unseen_[slice.sequence] = true;
  int status = 0;
  try {
    // llama.cpp takes tokens or rows, not both. Embedding the tokens here to decode everything at
    // once would read the weights once less, which a step with rows (many of them) hardly notices.
    for (bool rows : {false, true}) {
      if (status == 0) status = Decode(slices, rows, is_computed, samples);
    }
  } catch (...) {
    undo();
    throw;
  }
  if (status != 0) {
    undo();
    throw Failed(status, slices, errors.text());
  }
  for (size_t i = 0; i < slices.size(); ++i) {
    if (!samples[i].empty()) slices[i].sampler->Accept(samples[i].back().token);
    const int kept = slices[i].first_output() + std::max(1, int(samples[i].size()));
    ends_[slices[i].sequence] = slices[i].position + kept;
    if (kept < slices[i].n) Remove(slices[i].sequence, slices[i].position + kept);
    unseen_[slices[i].sequence] = !slices[i].sampler;
  }
  return samples;
}

void DecoderContext::Undo(const Slices& slices) {
  for (const Slice& slice : slices) Remove(slice.sequence, slice.position);
}

// So with our attention (kernels/attention-strays.h). To ggml's, zero times NaN is NaN: what a mask
// hides shows in every row of every sequence.
bool DecoderContext::HidesCells() const {
  return kernels::IsEnabled() && model_->gpus().empty() &&
         options_.flash_attention != LLAMA_FLASH_ATTN_TYPE_DISABLED;
}

void DecoderContext::ClearIfSpoilt() {
  for (int sequence = 0; sequence < n_seq_max(); ++sequence) {
    if (!spoilt_ || ends_[sequence] > 0) return;
  }
  llama_memory_clear(memory_, /*data=*/true);
  spoilt_ = false;
}

int DecoderContext::Compute(DecoderBatch& batch) {
  try {
    const int status = batch.Decode(context_.get());
    if (status == 0) llama_synchronize(context_.get());
    return status;
  } catch (const std::exception& error) {
    is_broken_ = true;  // the backend is left in the middle of its work
    throw ComputeError("ERR_DECODE", error, model_->gpus());
  }
}

int DecoderContext::Decode(const Slices& slices, bool rows, bool is_computed, Samples& samples) {
  const auto chosen = [rows](const Slice& slice) { return (slice.rows != nullptr) == rows; };
  const auto n_chosen = std::count_if(slices.begin(), slices.end(), chosen);
  if (n_chosen == 0) return 0;
  DecoderBatch batch;
  std::vector<int> last(slices.size());  // index in the batch of each slice's last position
  for (size_t i = 0; i < slices.size(); ++i) {
    if (!chosen(slices[i])) continue;
    AddTo(batch, slices[i], model_->n_embd(), n_chosen == 1);
    last[i] = batch.size() - 1;
  }
  const int status = is_computed ? 0 : Compute(batch);
  if (status != 0) return status;
  model_->CheckWhole();
  for (size_t i = 0; i < slices.size(); ++i) {
    if (!chosen(slices[i]) || !slices[i].sampler) continue;
    samples[i] = Choose(slices[i], last[i]);
  }
  return 0;
}

std::vector<Sample> DecoderContext::Choose(const Slice& slice, int last) {
  std::vector<Sample> samples;
  for (int left = slice.n_drafted; left >= 0; --left) {
    const float* logits = llama_get_logits_ith(context_.get(), last - left);
    const double normaliser = LogSumExp(logits, model_->n_vocab());
    spoilt_ |= std::isnan(normaliser);
    samples.push_back(slice.sampler->Choose(logits, normaliser));
    const int32_t token = samples.back().token;
    if (left == 0 || token != slice.tokens[slice.n - left]) break;
    slice.sampler->Accept(token);
  }
  return samples;
}

NativeError DecoderContext::Failed(int status, const Slices& slices,
                                   const std::string& reason) const {
  constexpr int kFull = 1,
                kNoMemory = -2;  // llama_decode's, for no room in the cache and beside it
  if (status == kNoMemory) {
    return OutOfMemory("No memory to decode with: " + reason, model_->gpus(), std::nullopt);
  }
  if (status != kFull) {
    return NativeError("ERR_DECODE",
                       Format("llama_decode failed with status %d: ", status) + reason,
                       {{"status", double(status)}});
  }
  int past = 0, needed = 0;
  for (const Slice& slice : slices) needed += slice.n;
  // Shared prefixes count once per sequence here; the cache holds them once.
  for (int sequence = 0; sequence < n_seq_max(); ++sequence) past += ends_[sequence];
  past = std::min(past, n_ctx());
  return NativeError(
      "ERR_CONTEXT_FULL",
      Format("The context is full: %d more positions do not fit beside %d of %d", needed, past,
             n_ctx()),
      {{"nPast", double(past)}, {"nNeeded", double(needed)}, {"nCtx", double(n_ctx())}});
}

void DecoderContext::Remove(int sequence, int from) {
  llama_memory_seq_rm(memory_, sequence, from, -1);
  spoilt_ = spoilt_ || (unseen_[sequence] && !HidesCells());
  if (from == 0) unseen_[sequence] = false;
}

void DecoderContext::RemovePositions(int sequence, int from) {
  ends_[sequence] = std::min(ends_[sequence], from);
  Change([=] { Remove(sequence, from); });
}

void DecoderContext::CopySequence(int source, int target, int to) {
  if (ends_[target] != 0) {
    throw Invalid("target", Format("Expected an empty sequence but %d holds %d positions", target,
                                   ends_[target]));
  }
  if (to > ends_[source]) {
    throw Invalid("to", Format("Expected at most the %d positions of sequence %d but received %d",
                               ends_[source], source, to));
  }
  ends_[target] = to;
  if (to == 0) return;
  Change([=] {
    llama_memory_seq_cp(memory_, source, target, 0, to);
    unseen_[target] = unseen_[source];
  });
}

}  // namespace llavaov
