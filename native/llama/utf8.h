// UTF-8 read piece by piece, as tokens cut it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace llavaov {

constexpr uint32_t kMaxPoint = 0x10ffff;

// Whether it goes on in a character.
inline bool IsContinuation(char byte) { return (uint8_t(byte) & 0xc0) == 0x80; }

// A character of which some bytes are still to come.
struct PartialCharacter {
  uint32_t value = 0;  // the bits so far
  int n_remain = 0;    // bytes that are missing
};

// Appends the code points of `bytes`, which go on from `partial`, and leaves there what is not
// whole. False for what is not UTF-8 (overlong forms and surrogates are not), and for NUL.
bool DecodeUtf8(const std::string& bytes, PartialCharacter& partial, std::vector<uint32_t>& points);

}  // namespace llavaov
