// A vocabulary as a tree of characters, so that tokens that begin alike are looked at once. Laid
// out level by level: the children of a node lie side by side, in the order of their characters.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "llama/utf8.h"

namespace llavaov {

class TokenTrie {
 public:
  static constexpr size_t kRoot = 0;

  struct Token {
    int32_t id;
    PartialCharacter rest;  // what it has of one more character
  };

  class Builder {
   public:
    void Add(Token token, const std::vector<uint32_t>& points);
    TokenTrie Build();

   private:
    struct Entry {
      Token token;
      size_t begin, size;  // in points_
    };
    std::vector<Entry> entries_;
    std::vector<uint32_t> points_;
  };

  template <typename T>
  struct Slice {
    const T* first;
    const T* last;
    const T* begin() const { return first; }
    const T* end() const { return last; }
  };

  // The tokens that end at a node.
  Slice<Token> TokensAt(size_t node) const {
    return {tokens_.data() + first_token_[node], tokens_.data() + first_token_[node + 1]};
  }
  // The characters of a node's children; `NodeOf` tells which node each is.
  Slice<uint32_t> ChildrenOf(size_t node) const {
    return {points_.data() + first_child_[node], points_.data() + first_child_[node + 1]};
  }
  size_t NodeOf(const uint32_t* child) const { return size_t(child - points_.data()); }

 private:
  std::vector<uint32_t> points_;       // of each node; the root's means nothing
  std::vector<uint32_t> first_child_;  // of each node, and one more
  std::vector<uint32_t> first_token_;
  std::vector<Token> tokens_;
};

}  // namespace llavaov
