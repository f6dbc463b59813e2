#include "llama/token-texts.h"

#include <utility>

namespace llavaov {

TokenTexts::TokenTexts(std::vector<std::string> bytes) : bytes_(std::move(bytes)) {
  for (size_t token = 0; token < bytes_.size(); ++token) {
    const std::string& piece = bytes_[token];
    const bool is_continuation = !piece.empty() && (uint8_t(piece[0]) & 0xc0) == 0x80;
    if (is_continuation) continuations_.push_back(int32_t(token));
  }
}

const TokenTrie& TokenTexts::trie() const {
  std::call_once(trie_once_, [this] {
    TokenTrie::Builder builder;
    for (size_t token = 0; token < bytes_.size(); ++token) {
      PartialCharacter rest;
      std::vector<uint32_t> points;
      if (bytes_[token].empty() || !DecodeUtf8(bytes_[token], rest, points)) continue;
      builder.Add({int32_t(token), rest}, points);
    }
    trie_ = builder.Build();
  });
  return trie_;
}

}  // namespace llavaov
