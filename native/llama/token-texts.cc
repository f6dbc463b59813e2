#include "llama/token-texts.h"

#include <unordered_map>
#include <utility>

namespace llavaov {

bool DecodeUtf8(const std::string& bytes, PartialCharacter& partial,
                std::vector<uint32_t>& points) {
  for (const char c : bytes) {
    const uint8_t byte = uint8_t(c);
    if (partial.n_remain > 0) {
      if ((byte & 0xc0) != 0x80) return false;
      partial.value = partial.value << 6 | (byte & 0x3f);
      if (--partial.n_remain == 0) points.push_back(partial.value);
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

TokenTexts::TokenTexts(std::vector<std::string> bytes) {
  texts_.reserve(bytes.size());
  std::unordered_map<uint32_t, size_t> group_of;
  for (std::string& piece : bytes) {
    Text text;
    text.is_whole = !piece.empty() && DecodeUtf8(piece, text.rest, text.points);
    if (!text.is_whole) text.points.clear();
    const int32_t token = int32_t(texts_.size());
    if (text.is_whole && text.points.empty()) beginnings_.push_back(token);
    if (!text.points.empty()) {
      const uint32_t first = text.points[0];
      const auto [place, is_new] = group_of.emplace(first, groups_.size());
      if (is_new) groups_.push_back({{first, 0}, {}});
      groups_[place->second].tokens.push_back(token);
    }
    text.points.push_back(0);
    text.bytes = std::move(piece);
    texts_.push_back(std::move(text));
  }
}

}  // namespace llavaov
