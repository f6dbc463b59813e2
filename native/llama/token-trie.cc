#include "llama/token-trie.h"

#include <algorithm>

namespace llavaov {

void TokenTrie::Builder::Add(int32_t token, const std::string& bytes) {
  size_t n_bytes = 0;
  while (n_bytes < bytes.size() && IsContinuation(bytes[n_bytes])) ++n_bytes;
  std::vector<uint32_t> points;
  PartialCharacter rest;
  if (bytes.empty() || !DecodeUtf8(bytes.substr(n_bytes), rest, points)) return;
  entries_.push_back({{token, rest}, steps_.size(), n_bytes + points.size()});
  for (size_t i = 0; i < n_bytes; ++i) steps_.push_back(kFirstByte + uint8_t(bytes[i]));
  steps_.insert(steps_.end(), points.begin(), points.end());
}

TokenTrie TokenTrie::Builder::Build() {
  std::sort(entries_.begin(), entries_.end(), [this](const Entry& a, const Entry& b) {
    const uint32_t* const steps = steps_.data();
    return std::lexicographical_compare(steps + a.begin, steps + a.begin + a.size, steps + b.begin,
                                        steps + b.begin + b.size);
  });
  struct Node {  // the entries below it
    size_t first, last, depth;
  };
  std::vector<Node> nodes{{0, entries_.size(), 0}};
  TokenTrie trie;
  trie.steps_.push_back(0);
  for (size_t i = 0; i < nodes.size(); ++i) {
    auto [first, last, depth] = nodes[i];
    trie.first_token_.push_back(uint32_t(trie.tokens_.size()));
    trie.first_child_.push_back(uint32_t(nodes.size()));
    for (; first < last && entries_[first].size == depth; ++first) {
      trie.tokens_.push_back(entries_[first].token);
    }
    const auto step_at = [this, depth](size_t entry) {
      return steps_[entries_[entry].begin + depth];
    };
    while (first < last) {
      size_t end = first + 1;
      while (end < last && step_at(end) == step_at(first)) ++end;
      nodes.push_back({first, end, depth + 1});
      trie.steps_.push_back(step_at(first));
      first = end;
    }
  }
  trie.first_token_.push_back(uint32_t(trie.tokens_.size()));
  trie.first_child_.push_back(uint32_t(nodes.size()));
  return trie;
}

}  // namespace llavaov
