// A grammar in llama.cpp's GBNF: which texts it admits, and while text is generated, which tokens.
// Every parse here is of a grammar that src/grammar/gbnf-check.ts has accepted; what llama.cpp's
// parser refuses all the same is an error. Knows nothing of JavaScript.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

struct llama_grammar;
struct llama_vocab;

namespace llavaov {

struct GrammarDeleter {
  void operator()(llama_grammar* grammar) const;
};

class TokenGrammar {
 public:
  // `vocab` may be null where only texts are asked about. Throws ERR_INVALID_ARGUMENT.
  TokenGrammar(const std::string& gbnf, const llama_vocab* vocab);
  ~TokenGrammar();

  // Whether exactly this UTF-8 text is admitted, from the start, whatever was accepted.
  bool Matches(const std::string& text) const;

  // Whether `token` may come next; an end-of-generation token where the text may end.
  bool Admits(int32_t token) const;
  // Sets the scores of tokens that may not come next to minus infinity, all others stay.
  void Mask(std::vector<float>& scores) const;
  // `token` has come. Throws ERR_DECODE where it may not, or where too much stays possible.
  void Accept(int32_t token);

 private:
  mutable std::mutex mutex_;  // llama.cpp keeps the place of the reader in the grammar
  std::unique_ptr<llama_grammar, GrammarDeleter> grammar_;
};

}  // namespace llavaov
