// The K-quants: 256 weights a block, which is eight of the kernels' blocks of 32. Two of their
// types scale 16 weights alone: there scale and min are one for each half. kMost and kMostScale:
// the largest byte and scale that there can be, of types that row-super-blocks.h takes.
#pragma once

#include "blocks.h"

#if defined(LLAVAOV_BYTES)

namespace llavaov::kernels {

template <class B, int offset, int scales, bool has_min>
struct Super {
  using Block = B;
  static constexpr int kOffset = offset, kScales = scales, kSuper = 8;
  static constexpr bool kHasMin = has_min, kIsWide = false;
  static const Block& At(const void* row, int kb) { return static_cast<const Block*>(row)[kb / 8]; }
};

#if !defined(LLAVAOV_GFNI)
// Bits [to, to + count) of each byte: its bits from `from` on; others are zero.
inline I8 MovedBits8(I8 x, int from, int count, int to) {
  const I8 mask = Every8(((1u << count) - 1) << to);
  if (from == to) return And8(x, mask);
  return And8(from < to ? ShiftLeft8(x, to - from) : ShiftRight8(x, from - to), mask);
}
#endif

// 32 nibbles of the 64 that lie in the same 32 bytes.
inline I8 NibblesOf(const uint8_t* qs, int kb) {
  return MovedBits8(Load256(qs + kb % 8 / 2 * 32), kb % 2 * 4, 4, 0);
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
  F8 s, m;
  SixBits(b.scales, &s, &m);
  StoreFloats8(scale, Scaled8(s, Half(b.d)));
  StoreFloats8(min, Scaled8(m, Half(b.dmin)));
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
  static constexpr int kMost = 15, kMostScale = 63;
  static I8 Quants(const void* row, int kb) { return NibblesOf(At(row, kb).qs, kb); }
  static void SuperScales(const void* row, int kb, float* scale, float* min) {
    SixBitScalesOfEight<Q4_K>(row, kb, scale, min);
  }
};

struct Q5_K : Super<block_q5_K, 0, 1, true> {
  static constexpr int kMost = 31, kMostScale = 63;
  static I8 Quants(const void* row, int kb) {
    const I8 high = MovedBits8(Load256(At(row, kb).qh), kb % 8, 1, 4);
    return Or8(NibblesOf(At(row, kb).qs, kb), high);
  }
  static void SuperScales(const void* row, int kb, float* scale, float* min) {
    SixBitScalesOfEight<Q5_K>(row, kb, scale, min);
  }
};

struct Q6_K : Super<block_q6_K, 32, 2, false> {
  static constexpr int kMost = 63, kMostScale = 128;
  static I8 Quants(const void* row, int kb) {
    const block_q6_K& b = At(row, kb);
    const int j = kb % 4;
    const I8 x = Load256(b.ql + kb % 8 / 4 * 64 + j % 2 * 32);
    const I8 high = MovedBits8(Load256(b.qh + kb % 8 / 4 * 32), j * 2, 2, 4);
    return Or8(MovedBits8(x, j / 2 * 4, 4, 0), high);
  }
  static void SuperScales(const void* row, int kb, float* scale, float*) {
    const block_q6_K& b = At(row, kb);
    const float d = Half(b.d);
    for (int half = 0; half < 2; ++half) {
      StoreFloats8(scale + half * 8, ScaledBytes8(b.scales + half * 8, d));
    }
  }
};

}  // namespace llavaov::kernels

#endif
