#include "llama/grammar-states.h"

#include <algorithm>
#include <iterator>
#include <set>

#include "errors.h"

namespace llavaov {
namespace {

// kMaxStacks for all beginnings of tokens together.
constexpr size_t kMaxWork = 3000000;
// Elements of stacks, and ranges, that are kept from one token to the next: some megabytes.
constexpr size_t kMaxKept = 200000;

NativeError TooManyWays() {
  return NativeError("ERR_DECODE",
                     "The grammar can be read in too many ways at once: write it so that what "
                     "comes next tells one alternative from another",
                     {{"status", 0.0}});
}

bool IsRange(const llama_grammar_element* pos) {
  return pos[1].type == LLAMA_GRETYPE_CHAR_RNG_UPPER;
}

uint32_t LastOf(const llama_grammar_element* pos) {
  return IsRange(pos) ? pos[1].value : pos->value;
}

// As llama.cpp's own, which it keeps to itself. Nothing matches a token by its number.
bool MatchesAt(const llama_grammar_element* pos, uint32_t point) {
  const bool is_opposite = pos->type == LLAMA_GRETYPE_CHAR_NOT;
  if (pos->type == LLAMA_GRETYPE_CHAR_ANY) return true;
  if (!is_opposite && pos->type != LLAMA_GRETYPE_CHAR) return false;
  do {
    if (pos->type == LLAMA_GRETYPE_CHAR_ANY || (pos->value <= point && point <= LastOf(pos))) {
      return !is_opposite;
    }
    pos += IsRange(pos) ? 2 : 1;
  } while (pos->type == LLAMA_GRETYPE_CHAR_ALT);
  return is_opposite;
}

// Where what an element matches may change, in order.
std::vector<uint32_t> CutsOf(const llama_grammar_element* pos) {
  std::vector<uint32_t> cuts{1, kMaxPoint + 1};  // a text has no NUL
  const auto add = [&cuts](uint32_t cut) { cuts.push_back(std::clamp(cut, 1u, kMaxPoint + 1)); };
  do {
    add(pos->value);
    add(std::min(LastOf(pos), kMaxPoint) + 1);
    pos += IsRange(pos) ? 2 : 1;
  } while (pos->type == LLAMA_GRETYPE_CHAR_ALT);
  std::sort(cuts.begin(), cuts.end());
  cuts.erase(std::unique(cuts.begin(), cuts.end()), cuts.end());
  return cuts;
}

}  // namespace

llama_grammar_stacks StepFrom(llama_grammar* grammar, const llama_grammar_stacks& stacks,
                              uint32_t point) {
  llama_grammar_stacks& place = llama_grammar_get_stacks(grammar);
  llama_grammar_stacks kept = std::move(place);
  llama_grammar_stacks next;
  // One by one: llama.cpp compares each with all others.
  for (const auto& stack : stacks) {
    if (stack.empty() || !MatchesAt(stack.back(), point)) continue;
    place.assign(1, stack);
    llama_grammar_accept(grammar, point);
    std::move(place.begin(), place.end(), std::back_inserter(next));
    if (next.size() > kMaxStacks) break;
  }
  place = std::move(kept);
  if (next.size() > kMaxStacks) throw TooManyWays();
  std::sort(next.begin(), next.end());
  next.erase(std::unique(next.begin(), next.end()), next.end());
  return next;
}

bool MayEnd(const llama_grammar_stacks& stacks) {
  return std::any_of(stacks.begin(), stacks.end(),
                     [](const llama_grammar_stack& stack) { return stack.empty(); });
}

GrammarStates::State* GrammarStates::Of(const llama_grammar_stacks& stacks) {
  if (n_kept_ > kMaxKept) {
    states_.clear();
    n_kept_ = 0;
  }
  work_ = 0;
  return Keep(stacks);
}

GrammarStates::State* GrammarStates::Keep(llama_grammar_stacks stacks) {
  const auto [state, is_new] = states_.try_emplace(std::move(stacks));
  if (is_new) {
    for (const auto& stack : state->first) n_kept_ += 1 + stack.size();
  }
  return &*state;
}

void GrammarStates::Work(size_t n) {
  work_ += n;
  if (work_ > kMaxWork) throw TooManyWays();
}

const std::vector<GrammarStates::Interval>& GrammarStates::CharactersOf(
    const llama_grammar_element* element) {
  const auto [known, is_new] = characters_.try_emplace(element);
  if (!is_new) return known->second;
  const std::vector<uint32_t> cuts = CutsOf(element);
  for (size_t i = 0; i + 1 < cuts.size(); ++i) {
    if (!MatchesAt(element, cuts[i])) continue;
    known->second.push_back({cuts[i], cuts[i + 1] - 1});
  }
  return known->second;
}

std::vector<GrammarStates::Turn> GrammarStates::TurnsOf(const llama_grammar_stacks& stacks) {
  std::vector<const llama_grammar_element*> elements;
  for (const auto& stack : stacks) {
    if (!stack.empty()) elements.push_back(stack.back());
  }
  std::sort(elements.begin(), elements.end());
  elements.erase(std::unique(elements.begin(), elements.end()), elements.end());
  std::vector<Turn> turns;
  for (size_t i = 0; i < elements.size(); ++i) {
    for (const Interval& interval : CharactersOf(elements[i])) {
      turns.push_back({interval.first, true, i});
      turns.push_back({interval.last + 1, false, i});
    }
  }
  // Ends first: the next interval of the same element may begin there.
  std::sort(turns.begin(), turns.end(), [](const Turn& a, const Turn& b) {
    return a.at != b.at ? a.at < b.at : a.matches < b.matches;
  });
  return turns;
}

// Characters that the same elements match lead to the same state.
const std::vector<GrammarStates::Range>& GrammarStates::RangesOf(State& state) {
  Ways& ways = state.second;
  if (ways.is_known) return ways.ranges;
  ways = {};  // what was too much work before may have been left unfinished
  Work(state.first.size());
  std::map<std::vector<size_t>, size_t> way_of;
  std::set<size_t> matching;
  const std::vector<Turn> turns = TurnsOf(state.first);
  for (size_t i = 0; i < turns.size();) {
    const uint32_t at = turns[i].at;
    for (; i < turns.size() && turns[i].at == at; ++i) {
      if (turns[i].matches)
        matching.insert(turns[i].element);
      else
        matching.erase(turns[i].element);
    }
    if (matching.empty()) continue;
    Work(matching.size());
    const auto [way, is_new] =
        way_of.try_emplace({matching.begin(), matching.end()}, ways.ways.size());
    if (is_new) ways.ways.push_back({at, nullptr});
    ways.ranges.push_back({at, turns[i].at - 1, way->second});
  }
  n_kept_ += ways.ranges.size();
  ways.is_known = true;
  return ways.ranges;
}

GrammarStates::State* GrammarStates::Next(State& state, const Range& range) {
  Way& way = state.second.ways[range.way];
  if (!way.next) {
    way.next = Keep(StepFrom(grammar_, state.first, way.point));
    Work(state.first.size() + way.next->first.size());
  }
  return way.next;
}

std::vector<GrammarStates::Range>::const_iterator GrammarStates::Reaching(
    std::vector<Range>::const_iterator range, std::vector<Range>::const_iterator end,
    uint32_t point) {
  return std::lower_bound(range, end, point,
                          [](const Range& a, uint32_t point) { return a.last < point; });
}

GrammarStates::State* GrammarStates::After(State& state, uint32_t point) {
  const auto& ranges = RangesOf(state);
  const auto range = Reaching(ranges.begin(), ranges.end(), point);
  const bool may_follow = range != ranges.end() && range->first <= point;
  return may_follow ? Next(state, *range) : nullptr;
}

bool GrammarStates::MayBegin(State& state, const PartialCharacter& character) {
  constexpr uint32_t kLeast[] = {0, 0x80, 0x800, 0x10000};  // shorter forms are not UTF-8
  const int n_bits = 6 * character.n_remain;
  const uint32_t first = std::max(character.value << n_bits, kLeast[character.n_remain]);
  const uint32_t last = character.value << n_bits | ((1u << n_bits) - 1);
  const auto& ranges = RangesOf(state);
  return std::any_of(ranges.begin(), ranges.end(), [first, last](const Range& range) {
    return range.first <= last && first <= range.last;
  });
}

}  // namespace llavaov
