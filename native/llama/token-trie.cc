#include "llama/token-trie.h"

#include <algorithm>

namespace llavaov {

void TokenTrie::Builder::Add(Token token, const std::vector<uint32_t>& points) {
  entries_.push_back({token, points_.size(), points.size()});
  points_.insert(points_.end(), points.begin(), points.end());
}

TokenTrie TokenTrie::Builder::Build() {
  std::sort(entries_.begin(), entries_.end(), [this](const Entry& a, const Entry& b) {
    const uint32_t* const points = points_.data();
    return std::lexicographical_compare(points + a.begin, points + a.begin + a.size,
                                        points + b.begin, points + b.begin + b.size);
  });
  struct Node {  // the entries below it
    size_t first, last, depth;
  };
  std::vector<Node> nodes{{0, entries_.size(), 0}};
  TokenTrie trie;
  trie.points_.push_back(0);
  for (size_t i = 0; i < nodes.size(); ++i) {
    auto [first, last, depth] = nodes[i];
    trie.first_token_.push_back(uint32_t(trie.tokens_.size()));
    trie.first_child_.push_back(uint32_t(nodes.size()));
    for (; first < last && entries_[first].size == depth; ++first) {
      trie.tokens_.push_back(entries_[first].token);
    }
    const auto point_at = [this, depth](size_t entry) {
      return points_[entries_[entry].begin + depth];
    };
    while (first < last) {
      size_t end = first + 1;
      while (end < last && point_at(end) == point_at(first)) ++end;
      nodes.push_back({first, end, depth + 1});
      trie.points_.push_back(point_at(first));
      first = end;
    }
  }
  trie.first_token_.push_back(uint32_t(trie.tokens_.size()));
  trie.first_child_.push_back(uint32_t(nodes.size()));
  return trie;
}

}  // namespace llavaov
