// The texts of a vocabulary's tokens as a grammar reads them: code points, once for a model.
// Special tokens have no text, so no grammar admits them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace llavaov {

// A character of which some bytes are still to come.
struct PartialCharacter {
  uint32_t value = 0;  // the bits so far
  int n_remain = 0;    // bytes that are missing
};

// Appends the code points of `bytes`, which go on from `partial`, and leaves there what is not
// whole. False for what is not UTF-8, and for NUL.
bool DecodeUtf8(const std::string& bytes, PartialCharacter& partial, std::vector<uint32_t>& points);

class TokenTexts {
 public:
  struct Text {
    std::string bytes;
    std::vector<uint32_t> points;  // with a 0 at the end
    PartialCharacter rest;
    bool is_whole;  // begins with a character, not in the middle of one
  };

  // Tokens that begin with the same whole character.
  struct Group {
    uint32_t first[2];  // that character, and a 0
    std::vector<int32_t> tokens;
  };

  explicit TokenTexts(std::vector<std::string> bytes);

  const Text& operator[](size_t token) const { return texts_[token]; }
  const std::vector<Group>& groups() const { return groups_; }
  // Tokens that begin a character and do not end it.
  const std::vector<int32_t>& beginnings() const { return beginnings_; }

 private:
  std::vector<Text> texts_;
  std::vector<Group> groups_;
  std::vector<int32_t> beginnings_;
};

}  // namespace llavaov
