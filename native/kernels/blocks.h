// ggml's types of 32 weights a block: each gives block `kb` of a row as bytes without a sign and
// what makes weights of them, scale * (byte - kOffset) - min. kIsWide: bytes above 128 occur, whose
// products a build without VNNI cannot add up in pairs.
#pragma once

#include "simd.h"

#if defined(LLAVAOV_BYTES)

#define GGML_COMMON_DECL_C
#include <ggml-common.h>

namespace llavaov::kernels {

// Sums of a block, scaled as its activations are, may be more than a float holds where their
// product with what scales the weights is not: they are kept as a 2^16th of them, and the weights'
// as 2^16.
constexpr float kSumUnit = 65536.0f;

inline uint32_t FourBytes(const void* p) {
  uint32_t x;
  std::memcpy(&x, p, 4);
  return x;
}

// The parts that all of them share: one scale, blocks one after another.
template <class B, int offset, bool has_min, bool is_wide>
struct Plain {
  using Block = B;
  static constexpr int kOffset = offset, kScales = 1, kSuper = 1;
  static constexpr bool kHasMin = has_min, kIsWide = is_wide;
  static const Block& At(const void* row, int kb) { return static_cast<const Block*>(row)[kb]; }
  static void HalfScales(const void* row, int kb, uint16_t* scale, uint16_t* min) {
    *scale = FirstHalf(row, kb);
    if (has_min) std::memcpy(min, reinterpret_cast<const char*>(&At(row, kb)) + 2, 2);
  }
  static uint32_t HighBits(const void*, int) { return 0; }  // the fifth ones
  static uint16_t FirstHalf(const void* row, int kb) {
    uint16_t d;
    std::memcpy(&d, &At(row, kb), 2);
    return d;
  }
};

struct Q8_0 : Plain<block_q8_0, 128, false, true> {
  static I8 Quants(const void* row, int kb) { return Xor8(Load256(At(row, kb).qs), Every8(128)); }
};

struct Q4_0 : Plain<block_q4_0, 8, false, false> {
  static I8 Quants(const void* row, int kb) { return Nibbles(At(row, kb).qs); }
};

struct Q4_1 : Plain<block_q4_1, 0, true, false> {
  static I8 Quants(const void* row, int kb) { return Nibbles(At(row, kb).qs); }
};

struct Q5_0 : Plain<block_q5_0, 16, false, false> {
  static I8 Quants(const void* row, int kb) {
    return AddFifthBit(Nibbles(At(row, kb).qs), HighBits(row, kb));
  }
  static uint32_t HighBits(const void* row, int kb) { return FourBytes(At(row, kb).qh); }
};

struct Q5_1 : Plain<block_q5_1, 0, true, false> {
  static I8 Quants(const void* row, int kb) {
    return AddFifthBit(Nibbles(At(row, kb).qs), HighBits(row, kb));
  }
  static uint32_t HighBits(const void* row, int kb) { return FourBytes(At(row, kb).qh); }
};

// ggml's kvalues_iq4nl, by 128 larger.
struct IQ4_NL : Plain<block_iq4_nl, 128, false, true> {
  static Table16 Levels() {
    alignas(16) static const uint8_t levels[16] = {1,   24,  45,  63,  79,  93,  106, 118,
                                                   129, 141, 153, 166, 181, 197, 217, 241};
    return LoadTable(levels);
  }
  static I8 Quants(const void* row, int kb) { return Looked8(Levels(), Nibbles(At(row, kb).qs)); }
};

}  // namespace llavaov::kernels

#endif
