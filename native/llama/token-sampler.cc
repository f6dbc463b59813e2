#include "llama/token-sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "errors.h"
#include "llama/log-softmax.h"

namespace llavaov {
namespace {

// Scores this far below the best would never be drawn: exp(-87) is the smallest normal float.
constexpr float kNegligible = -87;

NativeError Unusable(const char* reason) {
  return NativeError("ERR_DECODE", reason, {{"status", 0.0}});
}

// SplitMix64 (Steele, Lea and Flood 2014) at its n-th step: a generator without state, the same on
// every platform, so that a choice can be taken back.
uint64_t RandomBits(uint64_t seed, uint64_t n) {
  uint64_t z = seed + (n + 1) * 0x9e3779b97f4a7c15ull;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  return z ^ (z >> 31);
}

template <typename Candidates>
double TotalWeight(const Candidates& candidates) {
  return std::accumulate(candidates.begin(), candidates.end(), 0.0,
                         [](double sum, const auto& candidate) { return sum + candidate.weight; });
}

// Added up side by side: one chain of additions takes four times as long.
template <typename WeightAt>
double SumOf(size_t from, size_t to, WeightAt weight_at) {
  constexpr size_t kLanes = 16;
  double lanes[kLanes] = {};
  size_t i = from;
  for (; i + kLanes <= to; i += kLanes) {
    for (size_t j = 0; j < kLanes; ++j) lanes[j] += weight_at(i + j);
  }
  for (; i < to; ++i) lanes[0] += weight_at(i);
  return std::accumulate(lanes, lanes + kLanes, 0.0);
}

// Which of `n` weights a number from 0 to 1 falls on, where they lie side by side.
template <typename WeightAt>
size_t Drawn(size_t n, double uniform, WeightAt weight_at) {
  constexpr size_t kBlock = 1024;
  std::vector<double> sums;
  for (size_t start = 0; start < n; start += kBlock) {
    sums.push_back(SumOf(start, std::min(n, start + kBlock), weight_at));
  }
  double rest = uniform * std::accumulate(sums.begin(), sums.end(), 0.0);
  size_t start = 0;  // of the block that it falls on, or rounding aside, the last that weighs
  double rest_there = rest;
  for (size_t block = 0; block < sums.size(); ++block) {
    if (sums[block] > 0) {
      start = block * kBlock;
      rest_there = rest;
    }
    if (rest < sums[block]) break;
    rest -= sums[block];
  }
  size_t last = start;
  for (size_t i = start; i < std::min(n, start + kBlock); ++i) {
    const double weight = weight_at(i);
    rest_there -= weight;
    if (rest_there < 0) return i;
    if (weight > 0) last = i;
  }
  return last;
}

// Moves the best candidates to the front, in order, as few as hold `share` of the weight; returns
// how many. Sorts in growing pieces: a vocabulary is long and the share is usually held by a few.
template <typename Candidates, typename Better>
size_t SmallestShare(Candidates& candidates, double share, Better better) {
  const double wanted = share * TotalWeight(candidates);
  double sum = 0;
  size_t sorted = 0;
  for (size_t i = 0; i < candidates.size(); ++i) {
    if (i == sorted) {
      const size_t end = std::min(candidates.size(), std::max<size_t>(64, sorted * 4));
      std::partial_sort(candidates.begin() + sorted, candidates.begin() + end, candidates.end(),
                        better);
      sorted = end;
    }
    sum += candidates[i].weight;
    if (sum >= wanted) return i + 1;
  }
  return candidates.size();
}

}  // namespace

Sample TokenSampler::Choose(const float* logits, double normaliser) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const int n = options_.n_vocab;
  if (!std::isfinite(normaliser)) throw Unusable("The model's logits are not finite");
  Sample sample;
  sample.token = BestAsGiven(logits);
  if (sample.token < 0) {
    Score(logits);
    sample.token = Pick(options_.seed);
  }
  if (grammar_ && !grammar_->Admits(sample.token)) {
    Score(logits);
    KeepOnly(grammar_->Admitted(scores_.size()));
    // A draw of its own: the same one again would favour the tokens next to the refused one.
    sample.token = Pick(~options_.seed);
  }
  sample.logprob = logits[sample.token] - normaliser;
  sample.normaliser = normaliser;
  sample.top_tokens = LargestIds(logits, n, std::min(options_.n_top, n));
  for (int32_t id : sample.top_tokens) {
    sample.top_logprobs.push_back(float(logits[id] - normaliser));
  }
  return sample;
}

int32_t TokenSampler::BestAsGiven(const float* logits) const {
  const SamplerOptions& o = options_;
  const bool has_penalties =
      o.repetition_penalty != 1 || o.frequency_penalty != 0 || o.presence_penalty != 0;
  if (o.temperature > 0 || (has_penalties && !counts_.empty())) return -1;
  const int best = IndexOfMax(logits, o.n_vocab_used);
  const bool is_changed = std::any_of(o.bias.begin(), o.bias.end(), [best](const auto& bias) {
    return bias.first == best || !(bias.second <= 0);
  });
  return !is_changed && std::isfinite(logits[best]) ? best : -1;
}

int32_t TokenSampler::Pick(uint64_t seed) {
  return options_.temperature > 0 ? Draw(seed) : TokenAt(Best());
}

void TokenSampler::Accept(int32_t token) {
  Count(token);
  const std::lock_guard<std::mutex> lock(mutex_);
  if (grammar_) grammar_->Accept(token);
}

void TokenSampler::Count(int32_t token) {
  const std::lock_guard<std::mutex> lock(mutex_);
  ++counts_[token];
  ++accepted_;
}

TokenSampler::State TokenSampler::Save() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return {counts_, accepted_, grammar_ ? grammar_->Save() : nullptr};
}

void TokenSampler::Restore(State state) {
  const std::lock_guard<std::mutex> lock(mutex_);
  counts_ = std::move(state.counts);
  accepted_ = state.accepted;
  if (grammar_) grammar_->Restore(*state.grammar);
}

void TokenSampler::Score(const float* logits) {
  ids_.clear();
  scores_.assign(logits, logits + options_.n_vocab_used);
  for (const auto& [id, value] : options_.bias) {
    if (id < options_.n_vocab_used) scores_[id] += value;
  }
  for (const auto& [id, count] : counts_) {
    if (id >= options_.n_vocab_used) continue;
    double score = scores_[id];
    score = score > 0 ? score / options_.repetition_penalty : score * options_.repetition_penalty;
    score -= options_.frequency_penalty * count + options_.presence_penalty;
    scores_[id] = float(score);
  }
}

void TokenSampler::KeepOnly(std::vector<int32_t> ids) {
  for (size_t i = 0; i < ids.size(); ++i) scores_[i] = scores_[ids[i]];  // in order: none is lost
  scores_.resize(ids.size());
  ids_ = std::move(ids);
}

// The first of equals, as torch.argmax. Where in the scores, not which token.
size_t TokenSampler::Best() const {
  const size_t best = scores_.empty() ? 0 : size_t(IndexOfMax(scores_.data(), int(scores_.size())));
  if (best == scores_.size() || !std::isfinite(scores_[best])) {
    throw Unusable("Biases, penalties and grammar leave no token to choose");
  }
  return best;
}

int32_t TokenSampler::Draw(uint64_t seed) {
  Weigh();
  const double uniform = NextUniform(seed);
  if (options_.top_p >= 1 && options_.min_p <= 0 && options_.typical_p >= 1) {
    return TokenAt(Drawn(weights_.size(), uniform, [this](size_t i) { return weights_[i]; }));
  }
  const Candidates candidates = Narrowed();
  const size_t i =
      Drawn(candidates.size(), uniform, [&candidates](size_t i) { return candidates[i].weight; });
  return candidates[i].id;
}

// Temperature, then those no worse than the k-th best: as in transformers, equals stay together.
// Others weigh nothing.
void TokenSampler::Weigh() {
  const int n = int(scores_.size());
  const float max = scores_[Best()];
  const float scale = float(std::min(1 / options_.temperature, 1e30));
  for (float& score : scores_) score = (score - max) * scale;
  float worst = -std::numeric_limits<float>::infinity();
  if (options_.top_k > 0 && options_.top_k < n) {
    worst = scores_[LargestIds(scores_.data(), n, options_.top_k).back()];
  }
  weights_.resize(n);
  ExpDifferences(scores_.data(), n, 0, weights_.data());
  for (int i = 0; i < n; ++i) {
    const bool is_kept = scores_[i] >= worst && scores_[i] > kNegligible;
    weights_[i] = is_kept ? weights_[i] : 0;
  }
}

// By id, so that a draw does not depend on how a platform sorts.
TokenSampler::Candidates TokenSampler::Narrowed() const {
  Candidates candidates;
  for (size_t i = 0; i < scores_.size(); ++i) {
    if (weights_[i] > 0) candidates.push_back({TokenAt(i), scores_[i], weights_[i]});
  }
  if (options_.top_p < 1) {
    candidates.resize(SmallestShare(candidates, options_.top_p, [](const auto& a, const auto& b) {
      return a.key != b.key ? a.key > b.key : a.id < b.id;
    }));
  }
  if (options_.min_p > 0) {  // the best has weight 1
    candidates.erase(
        std::remove_if(candidates.begin(), candidates.end(),
                       [this](const Candidate& c) { return c.weight < options_.min_p; }),
        candidates.end());
  }
  if (options_.typical_p < 1) KeepTypical(candidates);
  std::sort(candidates.begin(), candidates.end(),
            [](const Candidate& a, const Candidate& b) { return a.id < b.id; });
  return candidates;
}

// Locally typical sampling (Meister et al. 2023): those whose information is nearest the entropy.
void TokenSampler::KeepTypical(Candidates& candidates) const {
  const double total = TotalWeight(candidates);
  double entropy = 0;
  for (const Candidate& c : candidates) {
    entropy -= c.weight / total * std::log(c.weight / total);
  }
  for (Candidate& c : candidates) {
    c.key = float(std::fabs(-std::log(c.weight / total) - entropy));
  }
  const size_t n = SmallestShare(candidates, options_.typical_p,
                                 [](const auto& a, const auto& b) { return a.key < b.key; });
  const float worst = candidates[n - 1].key;
  candidates.erase(std::remove_if(candidates.begin(), candidates.end(),
                                  [worst](const Candidate& c) { return c.key > worst; }),
                   candidates.end());
}

double TokenSampler::NextUniform(uint64_t seed) const {
  return double(RandomBits(seed, accepted_) >> 11) * 0x1p-53;
}

}  // namespace llavaov
