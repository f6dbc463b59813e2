#include "llama/token-grammar.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>
#include <unordered_map>

#include "errors.h"
#include "llama-grammar.h"

namespace llavaov {
namespace {

// Ways to read a text that are followed at a time. Beyond it an ambiguous grammar would take all
// memory and time: their number may double with each character.
constexpr size_t kMaxStacks = 10000;
// The same for all beginnings of tokens together.
constexpr size_t kMaxWork = 3000000;

NativeError TooManyWays() {
  return NativeError("ERR_DECODE",
                     "The grammar can be read in too many ways at once: write it so that what "
                     "comes next tells one alternative from another",
                     {{"status", 0.0}});
}

// What may follow `point`, each once; the grammar itself stays where it is.
llama_grammar_stacks StepFrom(llama_grammar* grammar, const llama_grammar_stacks& stacks,
                              uint32_t point) {
  llama_grammar_stacks& place = llama_grammar_get_stacks(grammar);
  llama_grammar_stacks kept = std::move(place);
  llama_grammar_stacks next;
  // One by one: llama.cpp compares each with all others.
  for (const auto& stack : stacks) {
    place.assign(1, stack);
    llama_grammar_accept(grammar, point);
    std::move(place.begin(), place.end(), std::back_inserter(next));
    if (next.size() > kMaxStacks) break;
  }
  place = std::move(kept);
  if (next.size() > kMaxStacks) throw TooManyWays();
  if (stacks.size() > 1) {
    std::sort(next.begin(), next.end());
    next.erase(std::unique(next.begin(), next.end()), next.end());
  }
  return next;
}

// As llama.cpp's own, which it keeps to itself.
bool MatchesAt(const llama_grammar_stack& stack, uint32_t point) {
  if (stack.empty()) return false;
  const llama_grammar_element* pos = stack.back();
  const bool is_opposite = pos->type == LLAMA_GRETYPE_CHAR_NOT;
  if (pos->type == LLAMA_GRETYPE_CHAR_ANY) return true;
  if (!is_opposite && pos->type != LLAMA_GRETYPE_CHAR) return false;  // a token by its number
  do {
    const bool is_range = pos[1].type == LLAMA_GRETYPE_CHAR_RNG_UPPER;
    const uint32_t last = is_range ? pos[1].value : pos->value;
    if (pos->type == LLAMA_GRETYPE_CHAR_ANY || (pos->value <= point && point <= last)) {
      return !is_opposite;
    }
    pos += is_range ? 2 : 1;
  } while (pos->type == LLAMA_GRETYPE_CHAR_ALT);
  return is_opposite;
}

bool MayEnd(const llama_grammar_stacks& stacks) {
  return std::any_of(stacks.begin(), stacks.end(),
                     [](const llama_grammar_stack& stack) { return stack.empty(); });
}

llama_grammar_candidates Rejected(llama_grammar* grammar, const llama_grammar_stacks& stacks,
                                  llama_grammar_candidates candidates) {
  const auto& rules = llama_grammar_get_rules(grammar);
  for (const auto& stack : stacks) {
    if (candidates.empty()) break;
    candidates = llama_grammar_reject_candidates_for_stack(rules, stack, candidates);
  }
  return candidates;
}

// Finds the candidates that may not come. Those whose next character the same stacks match are
// followed together, so that ways to read a text do not multiply with its length.
class Rejection {
 public:
  Rejection(llama_grammar* grammar, size_t n_index) : grammar_(grammar), rejected_(n_index) {}

  const std::vector<bool>& Of(const llama_grammar_stacks& stacks,
                              const llama_grammar_candidates& candidates) {
    Follow(stacks, candidates);
    return rejected_;
  }

 private:
  struct Group {
    uint32_t point;
    llama_grammar_candidates candidates;
  };

  void Follow(const llama_grammar_stacks& stacks, const llama_grammar_candidates& candidates) {
    llama_grammar_candidates partial;
    std::map<std::vector<bool>, Group> groups;
    std::unordered_map<uint32_t, Group*> group_of;  // null where nothing matches
    Group* of_last = nullptr;                       // neighbours often begin alike
    uint32_t last = 0;
    for (const auto& candidate : candidates) {
      const uint32_t point = *candidate.code_points;
      if (point == 0) {
        if (candidate.partial_utf8.n_remain != 0) partial.push_back(candidate);
        continue;
      }
      if (point != last) {
        const auto [known, is_new] = group_of.try_emplace(point, nullptr);
        if (is_new) known->second = GroupOf(stacks, point, groups);
        of_last = known->second;
        last = point;
      }
      if (of_last) {
        of_last->candidates.push_back(
            {candidate.index, candidate.code_points + 1, candidate.partial_utf8, candidate.id});
      } else {
        rejected_[candidate.index] = true;
      }
    }
    for (const auto& candidate : Rejected(grammar_, stacks, std::move(partial))) {
      rejected_[candidate.index] = true;
    }
    for (const auto& [matching, group] : groups) {
      const llama_grammar_stacks next = StepFrom(grammar_, stacks, group.point);
      work_ += stacks.size() + next.size();
      if (work_ > kMaxWork) throw TooManyWays();
      Follow(next, group.candidates);
    }
  }

  static Group* GroupOf(const llama_grammar_stacks& stacks, uint32_t point,
                        std::map<std::vector<bool>, Group>& groups) {
    std::vector<bool> matching(stacks.size());
    bool is_any = false;
    for (size_t i = 0; i < stacks.size(); ++i) {
      matching[i] = MatchesAt(stacks[i], point);
      is_any = is_any || matching[i];
    }
    if (!is_any) return nullptr;
    return &groups.try_emplace(std::move(matching), Group{point, {}}).first->second;
  }

  llama_grammar* grammar_;
  std::vector<bool> rejected_;
  size_t work_ = 0;
};

llama_partial_utf8 Partial(const PartialCharacter& rest) { return {rest.value, rest.n_remain}; }

}  // namespace

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
      place_(new Place{llama_grammar_get_stacks(grammar_.grammar_.get()), {}}) {}

TokenGrammar::~TokenGrammar() = default;

const char* TokenGrammar::BehindTrigger(const std::string& bytes, std::string& text) const {
  text = tail_ + bytes;
  const size_t at = text.find(options_.trigger);
  return at == std::string::npos ? nullptr : text.c_str() + at + options_.trigger.size();
}

// False where the text may not go on so.
bool TokenGrammar::Advance(Place& place, const std::string& bytes) const {
  llama_grammar* grammar = grammar_.grammar_.get();
  std::vector<uint32_t> points;
  if (!DecodeUtf8(bytes, place.rest, points)) return false;
  for (const uint32_t point : points) {
    if (place.stacks.empty()) return false;
    place.stacks = StepFrom(grammar, place.stacks, point);
  }
  if (place.stacks.empty()) return false;
  if (place.rest.n_remain == 0) return true;
  const uint32_t end = 0;
  return Rejected(grammar, place.stacks, {{0, &end, Partial(place.rest), 0}}).empty();
}

bool TokenGrammar::Admits(int32_t token) const {
  const bool is_end = options_.end_tokens.count(token) > 0;
  const std::string& bytes = (*texts_)[token].bytes;
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

void TokenGrammar::Mask(std::vector<float>& scores) const {
  if (!IsWaiting() && place_->rest.n_remain == 0) {
    scores = MaskedWhole(scores);
    return;
  }
  for (size_t id = 0; id < scores.size(); ++id) {
    if (!Admits(int32_t(id))) scores[id] = -INFINITY;
  }
}

// Most tokens are told by their first character, of which there are far fewer.
std::vector<float> TokenGrammar::MaskedWhole(const std::vector<float>& scores) const {
  llama_grammar* grammar = grammar_.grammar_.get();
  const auto& groups = texts_->groups();
  llama_grammar_candidates candidates;
  for (size_t i = 0; i < groups.size(); ++i) candidates.push_back({i, groups[i].first, {}, 0});
  const std::vector<bool> may_not_begin =
      Rejection(grammar, groups.size()).Of(place_->stacks, candidates);

  candidates.clear();
  const auto add = [&](const std::vector<int32_t>& tokens) {
    for (const int32_t token : tokens) {
      if (size_t(token) >= scores.size()) continue;
      const TokenTexts::Text& text = (*texts_)[token];
      candidates.push_back({size_t(token), text.points.data(), Partial(text.rest), token});
    }
  };
  for (size_t i = 0; i < groups.size(); ++i) {
    if (!may_not_begin[i]) add(groups[i].tokens);
  }
  add(texts_->beginnings());

  std::vector<float> masked(scores.size(), -INFINITY);
  Rejection rejection(grammar, scores.size());
  const std::vector<bool>& rejected = rejection.Of(place_->stacks, candidates);
  for (const auto& candidate : candidates) {
    if (!rejected[candidate.index]) masked[candidate.index] = scores[candidate.index];
  }
  if (MayEnd(place_->stacks)) {
    for (const int32_t end : options_.end_tokens) {
      if (size_t(end) < scores.size()) masked[end] = scores[end];
    }
  }
  return masked;
}

void TokenGrammar::Accept(int32_t token) {
  if (options_.end_tokens.count(token) > 0) return;
  std::string bytes = (*texts_)[token].bytes;
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
