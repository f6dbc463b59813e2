// Weights of a row as signed bytes in their order, which is how tiles of AMX take them: a chunk of
// eight blocks of 32, two of them side by side in each 64 bytes, `kApart` from one pair to the
// next. What the blocks' factors are is left to others.
#pragma once

#include "columns.h"

#if defined(LLAVAOV_WIDE)

namespace llavaov::kernels {

constexpr int kChunk = 8;              // blocks
constexpr int kPair = 2 * kBlock;      // bytes
constexpr size_t kApart = 16 * kPair;  // a pair of each of 16 rows comes between

template <class W>
inline __m256i SignedBlock(const char* row, int kb) {
  const __m256i q = W::Quants(row, kb);
  if (W::kOffset == 0) return q;
  if (W::kOffset == 128) return _mm256_xor_si256(q, _mm256_set1_epi8(-128));
  return _mm256_sub_epi8(q, _mm256_set1_epi8(char(W::kOffset)));
}

template <class W>
struct SignedBytes {
  static inline void Read(const char* row, int kb, int blocks, int8_t* to) {
    if (blocks == kChunk) {
      LLAVAOV_UNROLL
      for (int b = 0; b < kChunk; ++b) Block(row, kb, b, to);
    } else {
      for (int b = 0; b < blocks; ++b) Block(row, kb, b, to);
    }
  }
  static inline void Block(const char* row, int kb, int b, int8_t* to) {
    Store256(to + b / 2 * kApart + b % 2 * kBlock, SignedBlock<W>(row, kb + b));
  }
};

// The same 32 bytes twice, and words of the first and the second copy moved right or left by so
// many bits.
inline I Twice(const uint8_t* p) { return _mm512_broadcast_i64x4(Load256(p)); }
inline I Moves(int first, int second) {
  return _mm512_inserti64x4(_mm512_set1_epi16(short(first)), _mm256_set1_epi16(short(second)), 1);
}

template <>
struct SignedBytes<Q4_K> {
  static inline void Read(const char* row, int kb, int, int8_t* to) {
    const block_q4_K& block = Q4_K::At(row, kb);
    LLAVAOV_UNROLL
    for (int pair = 0; pair < 4; ++pair, to += kApart) {
      const I x = _mm512_srlv_epi16(Twice(block.qs + 32 * pair), Moves(0, 4));
      StoreIntegers(to, LowNibbles(x));
    }
  }
};

template <>
struct SignedBytes<Q5_K> {
  static inline void Read(const char* row, int kb, int, int8_t* to) {
    const block_q5_K& block = Q5_K::At(row, kb);
    const I high = Twice(block.qh);
    LLAVAOV_UNROLL
    for (int pair = 0; pair < 4; ++pair, to += kApart) {
      const I x = _mm512_srlv_epi16(Twice(block.qs + 32 * pair), Moves(0, 4));
      const char bit = char(1 << 2 * pair), next = char(2 << 2 * pair);
      const I bits = _mm512_inserti64x4(_mm512_set1_epi8(bit), _mm256_set1_epi8(next), 1);
      StoreIntegers(to, Or(LowNibbles(x), WhereBits(high, bits, Bytes(16))));
    }
  }
};

template <>
struct SignedBytes<Q6_K> {
  static inline void Read(const char* row, int kb, int, int8_t* to) {
    const block_q6_K& block = Q6_K::At(row, kb);
    LLAVAOV_UNROLL
    for (int half = 0; half < 2; ++half, to += 2 * kApart) {
      const I x = LoadIntegers(block.ql + 64 * half), high = Twice(block.qh + 32 * half);
      Put(x, _mm512_sllv_epi16(high, Moves(4, 2)), to);
      Put(_mm512_srli_epi16(x, 4), _mm512_srlv_epi16(high, Moves(0, 2)), to + kApart);
    }
  }
  static inline void Put(I low, I high, int8_t* to) {
    const I x = Or(LowNibbles(low), And(high, Bytes(0x30)));
    StoreIntegers(to, _mm512_sub_epi8(x, Bytes(32)));
  }
};

}  // namespace llavaov::kernels

#endif
