// One row of activations by K-quants. A super-block of 256 weights has scales of few bits for its
// blocks, so those of the activations become integers too, shares of the largest of the eight: the
// product of both scales a block's sums, and one step of floats is left for 256 weights.
//
// With scales that are floats, a block of 32 costs a third more instructions than with these, of
// which most make the scales. Shares have 15 bits and products 13 to 15, so what is lost is a
// hundredth of what eight bits of activations lose.
#pragma once

#include <cfloat>
#include <cmath>

#include "row-scales.h"
#include "super-blocks.h"

#if defined(LLAVAOV_BYTES) && !defined(LLAVAOV_NEON)

namespace llavaov::kernels {

template <class W>
struct SuperRow {
  static constexpr int kStreams = kByteStreams;
  static constexpr bool kHalves = W::kScales == 2;  // 16 weights share a scale
  // Of scales of weights, before they are multiplied: sums of 256 weights must fit into an int32.
  static constexpr int kShift = W::kMost < 16 ? 9 : W::kMost < 32 ? 8 : 6;
  static constexpr int64_t kMostPair = 2 * 127 * W::kMost, kMostProduct = W::kMostScale << kShift;
  static_assert(kMostPair < 1 << 15 && kMostProduct < 1 << 15);
  static_assert(8 * 2 * kMostPair * kMostProduct < int64_t(1) << 31);
  // A share of one is the word that has no positive counterpart: so it is exact.
  static constexpr float kShareUnit = -32768.0f;

  struct X {
    int8_t q[8][kBlock];
    int16_t share[8];  // each block's scale, of the largest, by kShareUnit
    // Of the values of a block, scaled, by -kSumUnit; or those of halves as integers, negative,
    // first halves first.
    union {
      float sum[8];
      int16_t half[2][8];
    };
    float unit;  // what products of scales are multiples of, without the super-block's own
  };

  static size_t Size(int k) { return size_t(k) / 256 * sizeof(X); }

  static void Pack(const float* row, int k, int part, int parts, void* to) {
    for (int i = part * kUnit; i < k; i += parts * kUnit) {
      PackUnit(row + i, static_cast<X*>(to) + i / kUnit);
    }
  }

  static void PackUnit(const float* row, X* x) {
    float scale[8];
    for (int b = 0; b < 8; ++b) {
      const __m256i q = QuantiseRow(row + b * kBlock, &scale[b]);
      Store256(x->q[b], q);
      int32_t sums[8];
      Store256(sums, SumsOfFour(q));
      const int low = sums[0] + sums[1] + sums[2] + sums[3];
      const int high = sums[4] + sums[5] + sums[6] + sums[7];
      if (kHalves) {
        x->half[0][b] = int16_t(-low);
        x->half[1][b] = int16_t(-high);
      } else {
        x->sum[b] = scale[b] / -kSumUnit * float(low + high);
      }
    }
    float top = 0.0f;
    for (float each : scale) top = each > top || std::isnan(each) ? each : top;
    for (int b = 0; b < 8; ++b) {
      x->share[b] =
          top > 0.0f && top <= FLT_MAX ? int16_t(std::round(scale[b] / top * kShareUnit)) : 0;
    }
    x->unit = -top / float(1 << kShift);
  }

  // What super-blocks scale by, of every stretch at once: none waits for its scales then.
  struct Scales {
    float d[kStreams], dmin[kStreams];            // dmin: of types that have it
    int32_t products[kHalves ? 1 : kStreams][8];  // of scales of blocks of 32, twice in a dword
    __m128i mins[kHalves ? 1 : kStreams];         // in the lower half

    Scales(const char* const (&blocks)[kStreams], const X& x) {
      ReadDeltas(blocks, x.unit);
      if constexpr (!kHalves) {
        LLAVAOV_UNROLL
        for (int r = 0; r < kStreams; r += 2) ReadProducts(blocks, x, r);
      }
    }

    inline void ReadDeltas(const char* const (&blocks)[kStreams], float unit) {
      uint32_t both[kStreams];  // d is the lower half, or what stands alone the upper one
      LLAVAOV_UNROLL
      for (int r = 0; r < kStreams; ++r) {
        const char* at = reinterpret_cast<const char*>(&W::At(blocks[r], 0).d);
        both[r] = FourBytes(W::kHasMin ? at : at - 2);
      }
      static_assert(kStreams == 8);
      const __m128i first = _mm_setr_epi32(both[0], both[1], both[2], both[3]);
      const __m128i second = _mm_setr_epi32(both[4], both[5], both[6], both[7]);
      const __m128i upper = _mm_packus_epi32(_mm_srli_epi32(first, 16), _mm_srli_epi32(second, 16));
      const __m128i lower = _mm_packus_epi32(_mm_blend_epi16(first, _mm_setzero_si128(), 0xaa),
                                             _mm_blend_epi16(second, _mm_setzero_si128(), 0xaa));
      StoreScales(d, Scaled8(_mm256_cvtph_ps(W::kHasMin ? lower : upper), unit));
      if (W::kHasMin) StoreScales(dmin, _mm256_cvtph_ps(upper));
    }

    inline void ReadProducts(const char* const (&blocks)[kStreams], const X& x, int r) {
      const __m256i all = SixBits(W::At(blocks[r], 0).scales, W::At(blocks[r + 1], 0).scales);
      const __m256i words = _mm256_unpacklo_epi8(all, _mm256_setzero_si256());
      const __m256i shares = _mm256_broadcastsi128_si256(Load128(x.share));
      const __m256i made = _mm256_mulhrs_epi16(_mm256_slli_epi16(words, kShift), shares);
      const __m256i low = _mm256_unpacklo_epi16(made, made);
      const __m256i high = _mm256_unpackhi_epi16(made, made);
      StoreScales(products[r], _mm256_permute2x128_si256(low, high, 0x20));
      StoreScales(products[r + 1], _mm256_permute2x128_si256(low, high, 0x31));
      const __m256i last = _mm256_srli_si256(all, 8);
      mins[r] = _mm256_castsi256_si128(last);
      mins[r + 1] = _mm256_extracti128_si256(last, 1);
    }
  };

  static inline __m256i Pairs(const char* block, const X& x, int i) {
    return _mm256_maddubs_epi16(W::Quants(block, i), Load256(x.q[i]));
  }
  // Of two sums, so that none waits for the one before.
  static inline __m256 Total(const __m256i (&sums)[2]) {
    return _mm256_cvtepi32_ps(_mm256_add_epi32(sums[0], sums[1]));
  }

  // Sums of a super-block of types with a scale for 32 weights and a min.
  static inline __m256 WholeBlocks(const char* block, const X& x, const Scales& s, int r,
                                   __m256* off) {
    const __m256 mins = _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(s.mins[r]));
    *off = _mm256_fmadd_ps(_mm256_mul_ps(mins, _mm256_set1_ps(s.dmin[r])), _mm256_loadu_ps(x.sum),
                           *off);
    __m256i sums[2] = {};
    LLAVAOV_UNROLL
    for (int i = 0; i < 8; ++i) {
      sums[i % 2] = DotWordsByPair(sums[i % 2], Pairs(block, x, i), &s.products[r][i]);
    }
    return Total(sums);
  }

  // Likewise with a scale for 16 and an offset, whose sums are another vector.
  static inline __m256 HalfBlocks(const char* block, const X& x, __m256* offset) {
    const __m128i halves_first =
        _mm_setr_epi8(0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15);
    const __m256i words =
        _mm256_cvtepi8_epi16(_mm_shuffle_epi8(Load128(W::At(block, 0).scales), halves_first));
    const __m256i shares = _mm256_broadcastsi128_si256(Load128(x.share));
    const __m256i products = _mm256_mulhrs_epi16(_mm256_slli_epi16(words, kShift), shares);
    *offset = _mm256_cvtepi32_ps(DotWords256(_mm256_setzero_si256(), products, Load256(x.half)));
    __m256i sums[2] = {};
    LLAVAOV_UNROLL
    for (int i = 0; i < 8; ++i) {
      const __m256i every = _mm256_set1_epi16(short(2 * i | (2 * i + 1) << 8));
      sums[i % 2] =
          DotWords256(sums[i % 2], Pairs(block, x, i), _mm256_shuffle_epi8(products, every));
    }
    return Total(sums);
  }

  static inline void SuperBlock(const char* block, const X& x, const Scales& s, int r, __m256* f,
                                __m256* off) {
    for (size_t i = 0; i < sizeof(typename W::Block); i += 64) AskFor(block + i + kRowAhead);
    const __m256 d = _mm256_set1_ps(s.d[r]);
    if constexpr (kHalves) {
      __m256 offset;
      *f = _mm256_fmadd_ps(HalfBlocks(block, x, &offset), d, *f);
      *off = _mm256_fmadd_ps(offset, d, *off);
    } else {
      *f = _mm256_fmadd_ps(WholeBlocks(block, x, s, r, off), d, *f);
    }
  }

  static void Dots(const char* const (&rows)[kStreams], const void* packed, int k,
                   float (&out)[kStreams]) {
    const X* x = static_cast<const X*>(packed);
    __m256 f[kStreams] = {}, off[kStreams] = {};
    const char* blocks[kStreams];
    std::copy_n(rows, kStreams, blocks);
    for (int i = 0; i < k / 256; ++i, ++x) {
      const Scales scales(blocks, *x);
      LLAVAOV_UNROLL
      for (int r = 0; r < kStreams; ++r) {
        SuperBlock(blocks[r], *x, scales, r, &f[r], &off[r]);
        blocks[r] += sizeof(typename W::Block);
      }
    }
    const __m256 unit = _mm256_set1_ps(kHalves ? float(W::kOffset) : kSumUnit);
    for (int r = 0; r < kStreams; ++r) out[r] = Sum8(_mm256_fmadd_ps(off[r], unit, f[r]));
  }
};

}  // namespace llavaov::kernels

#endif
