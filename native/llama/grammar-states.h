// Where in a grammar a text may be, followed character by character: each place is kept once, with
// the ranges of characters that lead on, so that a vocabulary is gone through without asking
// llama.cpp about each character of each token.
#pragma once

#include <cstdint>
#include <map>
#include <unordered_map>
#include <utility>
#include <vector>

#include "llama-grammar.h"
#include "llama/utf8.h"

namespace llavaov {

// Ways to read a text that are followed at a time. Beyond it an ambiguous grammar would take all
// memory and time: their number may double with each character.
constexpr size_t kMaxStacks = 10000;

// What may follow `point` in one of `stacks`, each once and in order. Leaves the grammar where it
// is. Throws ERR_DECODE where a text can be read in too many ways.
llama_grammar_stacks StepFrom(llama_grammar* grammar, const llama_grammar_stacks& stacks,
                              uint32_t point);

// Whether a text may end where `stacks` are.
bool MayEnd(const llama_grammar_stacks& stacks);

// One thread at a time.
class GrammarStates {
 public:
  struct Ways;
  using State = std::pair<const llama_grammar_stacks, Ways>;

  // A character of a way, and where it leads: null until that is asked for.
  struct Way {
    uint32_t point;
    State* next;
  };
  struct Range {
    uint32_t first, last;
    size_t way;
  };
  // The first from `range` on that does not end before the character.
  static std::vector<Range>::const_iterator Reaching(std::vector<Range>::const_iterator range,
                                                     std::vector<Range>::const_iterator end,
                                                     uint32_t point);
  struct Ways {
    bool is_known = false;
    std::vector<Range> ranges;  // in order, apart
    std::vector<Way> ways;
  };

  explicit GrammarStates(llama_grammar* grammar) : grammar_(grammar) {}

  // The state to begin from. States of before may be forgotten.
  State* Of(const llama_grammar_stacks& stacks);
  // Each throws ERR_DECODE where what has been followed since `Of` is too much.
  const std::vector<Range>& RangesOf(State& state);
  State* Next(State& state, const Range& range);
  // Null where the character may not follow.
  State* After(State& state, uint32_t point);
  // Whether a character that begins so may follow.
  bool MayBegin(State& state, const PartialCharacter& character);

 private:
  struct Interval {
    uint32_t first, last;
  };
  // From `at` on the element matches, or no longer does.
  struct Turn {
    uint32_t at;
    bool matches;
    size_t element;
  };

  State* Keep(llama_grammar_stacks stacks);
  void Work(size_t n);
  std::vector<Turn> TurnsOf(const llama_grammar_stacks& stacks);
  const std::vector<Interval>& CharactersOf(const llama_grammar_element* element);

  llama_grammar* const grammar_;
  std::map<llama_grammar_stacks, Ways> states_;
  std::unordered_map<const llama_grammar_element*, std::vector<Interval>> characters_;
  size_t n_kept_ = 0;  // elements of all stacks, and ranges
  size_t work_ = 0;
};

}  // namespace llavaov
