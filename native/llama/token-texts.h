// The texts of a vocabulary's tokens as a grammar reads them: code points, once for a model.
// Special tokens have no text, so no grammar admits them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "llama/token-trie.h"

namespace llavaov {

// A character of which some bytes are still to come.
struct PartialCharacter {
  uint32_t value = 0;  // the bits so far
  int n_remain = 0;    // bytes that are missing
};

// Appends the code points of `bytes`, which go on from `partial`, and leaves there what is not
// whole. False for what is not UTF-8 (overlong forms and surrogates are not), and for NUL.
bool DecodeUtf8(const std::string& bytes, PartialCharacter& partial, std::vector<uint32_t>& points);

class TokenTexts {
 public:
  struct Text {
    std::string bytes;
    PartialCharacter rest;
  };

  explicit TokenTexts(std::vector<std::string> bytes);

  const Text& operator[](size_t token) const { return texts_[token]; }
  // Tokens that begin with a character, by their whole characters.
  const TokenTrie& trie() const { return trie_; }
  // Tokens that begin in the middle of a character.
  const std::vector<int32_t>& continuations() const { return continuations_; }

 private:
  std::vector<Text> texts_;
  TokenTrie trie_;
  std::vector<int32_t> continuations_;
};

}  // namespace llavaov
