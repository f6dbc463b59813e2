// Chooses the next token from logits. Order of the steps and meaning of each option are those of
// transformers: bias, repetition penalty, frequency and presence penalty, temperature, top-k,
// top-p, min-p, typical-p, draw. With a grammar, a choice that it refuses is made again among the
// tokens that it admits. Knows nothing about contexts or JavaScript.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <utility>
#include <vector>

#include "llama/token-grammar.h"

namespace llavaov {

struct SamplerOptions {
  int n_vocab;         // logits per token
  int n_vocab_used;    // ids from here on are never chosen
  double temperature;  // 0: the best token
  int top_k;           // 0: all
  double top_p;
  double min_p;
  double typical_p;
  double repetition_penalty;
  double presence_penalty;
  double frequency_penalty;
  uint64_t seed;
  int n_top;
  std::vector<std::pair<int32_t, float>> bias;
};

struct Sample {
  int32_t token;
  double logprob;     // over all logits as the model gave them
  double normaliser;  // LogSumExp of those
  std::vector<int32_t> top_tokens;
  std::vector<float> top_logprobs;
};

class TokenSampler {
 public:
  // `grammar` may be null.
  explicit TokenSampler(SamplerOptions options, std::unique_ptr<TokenGrammar> grammar = nullptr)
      : options_(std::move(options)), grammar_(std::move(grammar)) {}

  int n_vocab() const { return options_.n_vocab; }

  // `logits` [n_vocab] and their LogSumExp. Changes nothing: the choice counts once it is accepted.
  // Throws ERR_DECODE when no token can be chosen.
  Sample Choose(const float* logits, double normaliser);
  // The token that was chosen has come.
  void Accept(int32_t token);
  // For the penalties alone: as if it had come.
  void Count(int32_t token);

  // What has come so far, to go back to.
  struct State {
    std::unordered_map<int32_t, int> counts;
    uint64_t accepted = 0;
    std::shared_ptr<const TokenGrammar::State> grammar;
  };
  State Save();
  void Restore(State state);

 private:
  struct Candidate {
    int32_t id;
    float key;      // what they are ordered by, best first
    double weight;  // unnormalised probability
  };
  using Candidates = std::vector<Candidate>;

  // The best token where neither biases nor penalties can matter, so without a copy of the logits
  // that most likely has to be fetched from memory; else -1.
  int32_t BestAsGiven(const float* logits) const;
  void Score(const float* logits);
  // Only these tokens, which are in order, may be chosen.
  void KeepOnly(std::vector<int32_t> ids);
  int32_t TokenAt(size_t i) const { return ids_.empty() ? int32_t(i) : ids_[i]; }
  size_t Best() const;
  int32_t Pick(uint64_t seed);
  int32_t Draw(uint64_t seed);
  void Weigh();
  Candidates Narrowed() const;
  void KeepTypical(Candidates& candidates) const;
  double NextUniform(uint64_t seed) const;

  const SamplerOptions options_;
  const std::unique_ptr<TokenGrammar> grammar_;
  std::mutex mutex_;  // the pool chooses while JavaScript may accept
  std::unordered_map<int32_t, int> counts_;
  uint64_t accepted_ = 0;
  std::vector<float> scores_;  // scratch
  std::vector<int32_t> ids_;   // whose they are; empty: all, in order
  std::vector<float> weights_;
};

}  // namespace llavaov
