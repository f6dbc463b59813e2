// The texts of a vocabulary's tokens as a grammar reads them, once for a model. Special tokens have
// no text, so no grammar admits them.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "llama/token-trie.h"

namespace llavaov {

class TokenTexts {
 public:
  explicit TokenTexts(std::vector<std::string> bytes);

  const std::string& operator[](size_t token) const { return bytes_[token]; }
  // Tokens that begin in the middle of a character.
  const std::vector<int32_t>& continuations() const { return continuations_; }
  // All others. The first call takes a twentieth of a second, of any thread.
  const TokenTrie& trie() const;

 private:
  const std::vector<std::string> bytes_;
  std::vector<int32_t> continuations_;
  mutable std::once_flag trie_once_;
  mutable TokenTrie trie_;
};

}  // namespace llavaov
