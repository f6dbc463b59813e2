// A grammar in llama.cpp's GBNF: which texts it admits, and while text is generated, which tokens.
// Every grammar here is one that src/grammar/gbnf-check.ts has accepted, or one that
// src/grammar/gbnf.ts has written; what llama.cpp's parser refuses all the same is an error.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

#include "llama/token-texts.h"

struct llama_grammar;

namespace llavaov {

class GrammarStates;

class Grammar {
 public:
  // Throws ERR_INVALID_ARGUMENT.
  explicit Grammar(const std::string& gbnf);
  ~Grammar();

  // Whether exactly this UTF-8 text is admitted. One thread at a time. Throws ERR_DECODE where it
  // can be read in too many ways.
  bool Matches(const std::string& text) const;

 private:
  friend class TokenGrammar;
  struct Deleter {
    void operator()(llama_grammar* grammar) const;
  };
  std::unique_ptr<llama_grammar, Deleter> grammar_;
};

struct TokenGrammarOptions {
  std::string gbnf;
  // The grammar begins behind this text; before it everything is admitted. Empty: from the start.
  std::string trigger;
  std::unordered_set<int32_t> end_tokens;
};

class TokenGrammar {
 public:
  // Throws ERR_INVALID_ARGUMENT.
  TokenGrammar(TokenGrammarOptions options, std::shared_ptr<const TokenTexts> texts);
  ~TokenGrammar();

  // Whether `token` may come next.
  bool Admits(int32_t token) const;
  // Those of the first `n_vocab` tokens that may come next, in order.
  std::vector<int32_t> Admitted(size_t n_vocab) const;
  // `token`, which is admitted, has come.
  void Accept(int32_t token);

  struct State;  // where the text is, to go back to
  std::shared_ptr<const State> Save() const;
  void Restore(const State& state);

 private:
  struct Place;  // where in the grammar, and in a character, the text is
  struct Visit;  // where it would be, and in the vocabulary's tree

  bool IsWaiting() const { return !options_.trigger.empty() && !has_begun_; }
  // The bytes of the grammar's part once `bytes` follow; null while the trigger is not there.
  const char* BehindTrigger(const std::string& bytes, std::string& text) const;
  bool Advance(Place& place, const std::string& bytes) const;
  // Marks tokens that may come.
  void Follow(std::vector<uint8_t>& is_admitted) const;
  void FollowCharacters(const Visit& visit, std::vector<Visit>& open) const;
  void FollowBytes(const Visit& visit, std::vector<Visit>& open) const;

  const TokenGrammarOptions options_;
  const std::shared_ptr<const TokenTexts> texts_;
  Grammar grammar_;
  const std::unique_ptr<GrammarStates> states_;
  std::unique_ptr<Place> place_;
  bool has_begun_ = false;
  std::string tail_;  // of the text before the trigger
};

}  // namespace llavaov
