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

  explicit TokenTexts(std::vector<std::string> bytes);

  size_t size() const { return texts_.size(); }
  const Text& operator[](size_t token) const { return texts_[token]; }

 private:
  std::vector<Text> texts_;
};

}  // namespace llavaov
