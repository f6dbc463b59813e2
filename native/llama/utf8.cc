#include "llama/utf8.h"

namespace llavaov {
namespace {

// Whether a character of three or four bytes may begin so, once its second byte is known.
bool IsBeginning(const PartialCharacter& partial) {
  if (partial.n_remain == 2) return partial.value >= 0x10 && partial.value < 0x110;
  const bool is_surrogate = partial.value >= 0xd800 >> 6 && partial.value <= 0xdfff >> 6;
  return partial.value >= 0x800 >> 6 && !is_surrogate;
}

}  // namespace

bool DecodeUtf8(const std::string& bytes, PartialCharacter& partial,
                std::vector<uint32_t>& points) {
  for (const char c : bytes) {
    const uint8_t byte = uint8_t(c);
    if (partial.n_remain > 0) {
      if (!IsContinuation(c)) return false;
      partial.value = partial.value << 6 | (byte & 0x3f);
      if (--partial.n_remain == 0)
        points.push_back(partial.value);
      else if (!IsBeginning(partial))
        return false;
      continue;
    }
    if (byte == 0) return false;  // which ends a text for llama.cpp
    if (byte < 0x80) {
      points.push_back(byte);
      continue;
    }
    // 0xc0 and 0xc1 would begin overlong forms, 0xf5 and above what is no character.
    if (byte < 0xc2 || byte > 0xf4) return false;
    partial.n_remain = byte >= 0xf0 ? 3 : byte >= 0xe0 ? 2 : 1;
    partial.value = byte & (0x3f >> partial.n_remain);
  }
  return true;
}

}  // namespace llavaov
