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

// Eight scales and eight mins of six bits each, in 12 bytes before others that are read too.
inline void SixBits(const uint8_t* bytes, __m256* scales, __m256* mins) {
  const __m128i x = Load128(bytes);  // four bytes each a, b and c
  // The lower four or six bits of scales 0-3, 4-7, mins 0-3, 4-7, and the upper two of the others.
  const __m128i acbc = _mm_shuffle_epi32(x, _MM_SHUFFLE(2, 1, 2, 0));
  const __m128i aabb = _mm_shuffle_epi32(x, _MM_SHUFFLE(1, 1, 0, 0));
  const __m128i low = _mm_and_si128(_mm_srlv_epi32(acbc, _mm_setr_epi32(0, 0, 0, 4)),
                                    _mm_setr_epi32(0x3f3f3f3f, 0x0f0f0f0f, 0x3f3f3f3f, 0x0f0f0f0f));
  const __m128i high =
      _mm_and_si128(_mm_srli_epi32(aabb, 2), _mm_setr_epi32(0, 0x30303030, 0, 0x30303030));
  const __m128i all = _mm_or_si128(low, high);
  *scales = _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(all));
  *mins = _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_srli_si128(all, 8)));
}

// What Scales of a type says of each of the eight blocks in turn.
template <class W>
inline void ScalesOfEight(const void* row, int kb, float* scale, float* min) {
  for (int i = 0; i < 8; ++i) {
    W::Scales(row, kb + i, scale + i * W::kScales, min + i * W::kScales);
  }
}

template <class W>
inline void SixBitScalesOfEight(const void* row, int kb, float* scale, float* min) {
  const auto& b = W::At(row, kb);
  __m256 s, m;
  SixBits(b.scales, &s, &m);
  _mm256_storeu_ps(scale, _mm256_mul_ps(s, _mm256_set1_ps(Half(b.d))));
  _mm256_storeu_ps(min, _mm256_mul_ps(m, _mm256_set1_ps(Half(b.dmin))));
}

struct Q2_K : Super<block_q2_K, 0, 2, true> {
  static void Scales(const void* row, int kb, float* scale, float* min) {
    const block_q2_K& b = At(row, kb);
    for (int half = 0; half < 2; ++half) {
      const int both = b.scales[kb % 8 * 2 + half];
      scale[half] = Half(b.d) * float(both & 15);
      min[half] = Half(b.dmin) * float(both >> 4);
    }
  }
  static void SuperScales(const void* row, int kb, float* scale, float* min) {
    ScalesOfEight<Q2_K>(row, kb, scale, min);
  }
};

struct Q3_K : Super<block_q3_K, 4, 2, false> {
  static void Scales(const void* row, int kb, float* scale, float*) {
    const block_q3_K& b = At(row, kb);
    for (int half = 0; half < 2; ++half) {
      const int i = kb % 8 * 2 + half;
      const int low = i < 8 ? b.scales[i] & 15 : b.scales[i - 8] >> 4;
      const int high = b.scales[8 + i % 4] >> (i / 4 * 2) & 3;
      scale[half] = Half(b.d) * float((low | high << 4) - 32);
    }
  }
  static void SuperScales(const void* row, int kb, float* scale, float* min) {
    ScalesOfEight<Q3_K>(row, kb, scale, min);
  }
};

struct Q4_K : Super<block_q4_K, 0, 1, true> {
  static __m256i Quants(const void* row, int kb) { return NibblesOf(At(row, kb).qs, kb); }
  static void SuperScales(const void* row, int kb, float* scale, float* min) {
    SixBitScalesOfEight<Q4_K>(row, kb, scale, min);
  }
};

struct Q5_K : Super<block_q5_K, 0, 1, true> {
  static __m256i Quants(const void* row, int kb) {
    const __m256i high = _mm256_and_si256(IsBitSet(At(row, kb).qh, kb % 8), _mm256_set1_epi8(16));
    return _mm256_or_si256(NibblesOf(At(row, kb).qs, kb), high);
  }
  static void SuperScales(const void* row, int kb, float* scale, float* min) {
    SixBitScalesOfEight<Q5_K>(row, kb, scale, min);
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
  static void SuperScales(const void* row, int kb, float* scale, float*) {
    const block_q6_K& b = At(row, kb);
    const __m128i bytes = Load128(b.scales);
    const __m256 d = _mm256_set1_ps(Half(b.d));
    for (int half = 0; half < 2; ++half) {
      const __m128i eight = half ? _mm_srli_si128(bytes, 8) : bytes;
      _mm256_storeu_ps(scale + half * 8,
                       _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(eight)), d));
    }
  }
};

}  // namespace llavaov::kernels

#endif
