// A vocabulary as a tree of characters, so that tokens that begin alike are looked at once. Those
// that begin within a character begin with steps of single bytes. Laid out level by level: the
// children of a node lie side by side, in order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
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
    // What is no part of a text in UTF-8 is left out.
    void Add(int32_t token, const std::string& bytes);
    TokenTrie Build();

   private:
    struct Entry {
      Token token;
      size_t begin, size;  // in steps_
    };
    std::vector<Entry> entries_;
    std::vector<uint32_t> steps_;
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
  // Steps are characters, then bytes that go on in one.
  static bool IsByte(uint32_t step) { return step >= kFirstByte; }
  static uint8_t ByteOf(uint32_t step) { return uint8_t(step - kFirstByte); }
  // The steps to a node's children; `NodeOf` tells which node each is.
  Slice<uint32_t> ChildrenOf(size_t node) const {
    return {steps_.data() + first_child_[node], steps_.data() + first_child_[node + 1]};
  }
  size_t NodeOf(const uint32_t* step) const { return size_t(step - steps_.data()); }

 private:
  static constexpr uint32_t kFirstByte = kMaxPoint + 1;

  std::vector<uint32_t> steps_;        // of each node; the root's means nothing
  std::vector<uint32_t> first_child_;  // of each node, and one more
  std::vector<uint32_t> first_token_;
  std::vector<Token> tokens_;
};

}  // namespace llavaov
