// The texts of a vocabulary's tokens as a grammar reads them, once for a model. Special tokens have
// no text, so no grammar admits them.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "llama/token-trie.h"

namespace llavaov {

class TokenTexts {
 public:
  explicit TokenTexts(std::vector<std::string> bytes) : bytes_(std::move(bytes)) {}

  const std::string& operator[](size_t token) const { return bytes_[token]; }
  // The first call makes it: some thirty milliseconds.
  const TokenTrie& trie() const;

 private:
  const std::vector<std::string> bytes_;
  mutable std::once_flag trie_once_;
  mutable TokenTrie trie_;
};

}  // namespace llavaov
