// The K-quants: 256 weights a block, which is eight of the kernels' blocks of 32. Two of their
// types scale 16 weights alone: there scale and min are one for each half.
#pragma once

#include "blocks.h"

#if defined(LLAVAOV_KERNELS)

namespace llavaov::kernels {

template <class B, int offset, int scales, bool has_min>
struct Super {
  using Block = B;
  static constexpr int kOffset = offset, kScales = scales, kSuper = 8;
  static constexpr bool kHasMin = has_min, kIsWide = false;
  static const Block& At(const void* row, int kb) { return static_cast<const Block*>(row)[kb / 8]; }
};

// Two bits of each byte, the pair that `kb` says, of the 32 bytes of its half of the block.
inline __m256i BitPairs(const uint8_t* qs, int kb) {
  return _mm256_and_si256(_mm256_srli_epi16(Load256(qs + kb % 8 / 4 * 32), kb % 4 * 2),
                          _mm256_set1_epi8(3));
}

// 32 nibbles of the 64 that lie in the same 32 bytes.
inline __m256i NibblesOf(const uint8_t* qs, int kb) {
  return _mm256_and_si256(_mm256_srli_epi16(Load256(qs + kb % 8 / 2 * 32), kb % 2 * 4),
                          _mm256_set1_epi8(15));
}

// All ones in the bytes whose bit `bit` is set.
inline __m256i IsBitSet(const uint8_t* bytes, int bit) {
  const __m256i mask = _mm256_set1_epi8(char(1 << bit));
  return _mm256_cmpeq_epi8(_mm256_and_si256(Load256(bytes), mask), mask);
}

struct Q2_K : Super<block_q2_K, 0, 2, true> {
  static __m256i Quants(const void* row, int kb) { return BitPairs(At(row, kb).qs, kb); }
  static void Scales(const void* row, int kb, float* scale, float* min) {
    const block_q2_K& b = At(row, kb);
    for (int half = 0; half < 2; ++half) {
      const int both = b.scales[kb % 8 * 2 + half];
      scale[half] = Half(b.d) * float(both & 15);
      min[half] = Half(b.dmin) * float(both >> 4);
    }
  }
};

struct Q3_K : Super<block_q3_K, 4, 2, false> {
  static __m256i Quants(const void* row, int kb) {
    const __m256i high = _mm256_and_si256(IsBitSet(At(row, kb).hmask, kb % 8), _mm256_set1_epi8(4));
    return _mm256_or_si256(BitPairs(At(row, kb).qs, kb), high);
  }
  static void Scales(const void* row, int kb, float* scale, float*) {
    const block_q3_K& b = At(row, kb);
    for (int half = 0; half < 2; ++half) {
      const int i = kb % 8 * 2 + half;
      const int low = i < 8 ? b.scales[i] & 15 : b.scales[i - 8] >> 4;
      const int high = b.scales[8 + i % 4] >> (i / 4 * 2) & 3;
      scale[half] = Half(b.d) * float((low | high << 4) - 32);
    }
  }
};

// The scales of six bits of Q4_K and Q5_K.
template <class B>
void SixBitScales(const B& b, int i, float* scale, float* min) {
  const uint8_t* s = b.scales;
  const int a = i < 4 ? s[i] & 63 : (s[i + 4] & 15) | (s[i - 4] >> 6 << 4);
  const int m = i < 4 ? s[i + 4] & 63 : (s[i + 4] >> 4) | (s[i] >> 6 << 4);
  *scale = Half(b.d) * float(a);
  *min = Half(b.dmin) * float(m);
}

struct Q4_K : Super<block_q4_K, 0, 1, true> {
  static __m256i Quants(const void* row, int kb) { return NibblesOf(At(row, kb).qs, kb); }
  static void Scales(const void* row, int kb, float* scale, float* min) {
    SixBitScales(At(row, kb), kb % 8, scale, min);
  }
};

struct Q5_K : Super<block_q5_K, 0, 1, true> {
  static __m256i Quants(const void* row, int kb) {
    const __m256i high = _mm256_and_si256(IsBitSet(At(row, kb).qh, kb % 8), _mm256_set1_epi8(16));
    return _mm256_or_si256(NibblesOf(At(row, kb).qs, kb), high);
  }
  static void Scales(const void* row, int kb, float* scale, float* min) {
    SixBitScales(At(row, kb), kb % 8, scale, min);
  }
};

struct Q6_K : Super<block_q6_K, 32, 2, false> {
  static __m256i Quants(const void* row, int kb) {
    const block_q6_K& b = At(row, kb);
    const int j = kb % 4;
    const __m256i x = Load256(b.ql + kb % 8 / 4 * 64 + j % 2 * 32);
    const __m256i low = _mm256_and_si256(_mm256_srli_epi16(x, j / 2 * 4), _mm256_set1_epi8(15));
    return _mm256_or_si256(low, _mm256_slli_epi16(BitPairs(b.qh, kb), 4));
  }
  static void Scales(const void* row, int kb, float* scale, float*) {
    const block_q6_K& b = At(row, kb);
    for (int half = 0; half < 2; ++half) {
      scale[half] = Half(b.d) * float(b.scales[kb % 8 * 2 + half]);
    }
  }
};

}  // namespace llavaov::kernels

#endif
