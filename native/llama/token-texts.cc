#include "llama/token-texts.h"

namespace llavaov {

const TokenTrie& TokenTexts::trie() const {
  std::call_once(trie_once_, [this] {
    TokenTrie::Builder builder;
    for (size_t token = 0; token < bytes_.size(); ++token) {
      builder.Add(int32_t(token), bytes_[token]);
    }
    trie_ = builder.Build();
  });
  return trie_;
}

}  // namespace llavaov
