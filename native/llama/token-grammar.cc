#include "llama/token-grammar.h"

#include <algorithm>

#include "errors.h"
#include "llama/grammar-states.h"

namespace llavaov {
void Grammar::Deleter::operator()(llama_grammar* grammar) const {
  llama_grammar_free_impl(grammar);
}

Grammar::Grammar(const std::string& gbnf)
    : grammar_(
          llama_grammar_init_impl(nullptr, gbnf.c_str(), "root", false, nullptr, 0, nullptr, 0)) {
  if (!grammar_ || llama_grammar_get_stacks(grammar_.get()).empty()) {
    throw Invalid("grammar", "Expected a grammar that llama.cpp can read");
  }
  if (llama_grammar_get_stacks(grammar_.get()).size() > kMaxStacks) {
    throw Invalid("grammar", "Expected a grammar that begins in up to 10000 ways");
  }
}

Grammar::~Grammar() = default;

bool Grammar::Matches(const std::string& text) const {
  PartialCharacter rest;
  std::vector<uint32_t> points;
  if (!DecodeUtf8(text, rest, points) || rest.n_remain > 0) return false;
  llama_grammar_stacks stacks = llama_grammar_get_stacks(grammar_.get());
  for (const uint32_t point : points) {
    if (stacks.empty()) return false;
    stacks = StepFrom(grammar_.get(), stacks, point);
  }
  return MayEnd(stacks);
}

struct TokenGrammar::Place {
  llama_grammar_stacks stacks;
  PartialCharacter rest;
};

struct TokenGrammar::Visit {
  size_t node;
  GrammarStates::State* state;
  PartialCharacter rest;
};

struct TokenGrammar::State {
  Place place;
  bool has_begun;
  std::string tail;
};

std::shared_ptr<const TokenGrammar::State> TokenGrammar::Save() const {
  return std::make_shared<State>(State{*place_, has_begun_, tail_});
}

void TokenGrammar::Restore(const State& state) {
  *place_ = state.place;
  has_begun_ = state.has_begun;
  tail_ = state.tail;
}

TokenGrammar::TokenGrammar(TokenGrammarOptions options, std::shared_ptr<const TokenTexts> texts)
    : options_(std::move(options)),
      texts_(std::move(texts)),
      grammar_(options_.gbnf),
      states_(std::make_unique<GrammarStates>(grammar_.grammar_.get())),
      place_(new Place{llama_grammar_get_stacks(grammar_.grammar_.get()), {}}) {}

TokenGrammar::~TokenGrammar() = default;

const char* TokenGrammar::BehindTrigger(const std::string& bytes, std::string& text) const {
  text = tail_ + bytes;
  const size_t at = text.find(options_.trigger);
  return at == std::string::npos ? nullptr : text.c_str() + at + options_.trigger.size();
}

// False where the text may not go on so.
bool TokenGrammar::Advance(Place& place, const std::string& bytes) const {
  std::vector<uint32_t> points;
  if (!DecodeUtf8(bytes, place.rest, points)) return false;
  for (const uint32_t point : points) {
    if (place.stacks.empty()) return false;
    place.stacks = StepFrom(grammar_.grammar_.get(), place.stacks, point);
  }
  if (place.stacks.empty()) return false;
  return place.rest.n_remain == 0 || states_->MayBegin(*states_->Of(place.stacks), place.rest);
}

bool TokenGrammar::Admits(int32_t token) const {
  const bool is_end = options_.end_tokens.count(token) > 0;
  const std::string& bytes = (*texts_)[token];
  if (IsWaiting()) {
    std::string text;
    const char* behind = is_end ? nullptr : BehindTrigger(bytes, text);
    if (!behind) return true;
    Place place = *place_;
    return Advance(place, behind);
  }
  if (is_end) return place_->rest.n_remain == 0 && MayEnd(place_->stacks);
  if (bytes.empty()) return false;
  Place place = *place_;
  return Advance(place, bytes);
}

std::vector<int32_t> TokenGrammar::Admitted(size_t n_vocab) const {
  std::vector<uint8_t> is_admitted(n_vocab);
  const auto ask = [&](int32_t token) {
    if (size_t(token) < n_vocab) is_admitted[token] = Admits(token);
  };
  if (IsWaiting()) {
    for (size_t token = 0; token < n_vocab; ++token) ask(int32_t(token));
  } else {
    Follow(is_admitted);
    for (const int32_t token : options_.end_tokens) ask(token);
  }
  std::vector<int32_t> admitted;
  for (size_t token = 0; token < n_vocab; ++token) {
    if (is_admitted[token]) admitted.push_back(int32_t(token));
  }
  return admitted;
}

// Through the grammar and the vocabulary's characters side by side, as far as both go.
void TokenGrammar::Follow(std::vector<uint8_t>& is_admitted) const {
  const TokenTrie& trie = texts_->trie();
  const Visit start{TokenTrie::kRoot, states_->Of(place_->stacks), place_->rest};
  std::vector<Visit> open;
  if (start.rest.n_remain > 0)
    FollowBytes(start, open);
  else
    open.push_back(start);
  while (!open.empty()) {
    const Visit visit = open.back();
    open.pop_back();
    for (const auto& [token, own_rest] : trie.TokensAt(visit.node)) {
      if (size_t(token) >= is_admitted.size()) continue;
      // A character cannot begin where one is not whole.
      if (visit.rest.n_remain > 0 && own_rest.n_remain > 0) continue;
      const PartialCharacter& rest = visit.rest.n_remain > 0 ? visit.rest : own_rest;
      is_admitted[token] = rest.n_remain == 0 || states_->MayBegin(*visit.state, rest);
    }
    if (visit.rest.n_remain > 0)
      FollowBytes(visit, open);
    else
      FollowCharacters(visit, open);
  }
}

void TokenGrammar::FollowCharacters(const Visit& visit, std::vector<Visit>& open) const {
  const TokenTrie& trie = texts_->trie();
  auto [step, end] = trie.ChildrenOf(visit.node);
  if (step == end) return;
  const auto& ranges = states_->RangesOf(*visit.state);
  auto range = ranges.begin();
  while (step != end && range != ranges.end()) {
    if (*step < range->first) {
      step = std::lower_bound(step, end, range->first);
    } else if (*step > range->last) {
      range = GrammarStates::Reaching(range, ranges.end(), *step);
    } else {
      open.push_back({trie.NodeOf(step++), states_->Next(*visit.state, *range), {}});
    }
  }
}

void TokenGrammar::FollowBytes(const Visit& visit, std::vector<Visit>& open) const {
  const TokenTrie& trie = texts_->trie();
  for (const uint32_t& step : trie.ChildrenOf(visit.node)) {
    if (!TokenTrie::IsByte(step)) continue;
    PartialCharacter rest = visit.rest;
    std::vector<uint32_t> points;
    if (!DecodeUtf8({char(TokenTrie::ByteOf(step))}, rest, points)) continue;
    GrammarStates::State* const state =
        points.empty() ? visit.state : states_->After(*visit.state, points[0]);
    if (state) open.push_back({trie.NodeOf(&step), state, rest});
  }
}

void TokenGrammar::Accept(int32_t token) {
  if (options_.end_tokens.count(token) > 0) return;
  std::string bytes = (*texts_)[token];
  if (IsWaiting()) {
    std::string text;
    const char* behind = BehindTrigger(bytes, text);
    if (!behind) {
      const size_t kept = std::min(text.size(), options_.trigger.size() - 1);
      tail_ = text.substr(text.size() - kept);
      return;
    }
    has_begun_ = true;
    bytes = behind;
  }
  Advance(*place_, bytes);
}

}  // namespace llavaov
