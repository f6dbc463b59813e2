// One row of activations by q4_0 or q5_0 in 512 bits, where bytes of a vector can be permuted: four
// blocks of 32 at a time, the low nibbles of all in one vector and the high ones in another, so
// that four numbers are left of each block and one step of floats for all.
//
// Two vectors, from where the four blocks begin and to where they end, are all that is read of
// them: nibbles, scales and fifth bits are permuted from there.
#pragma once

#include "row-scales.h"

#if defined(LLAVAOV_PERMUTES)

namespace llavaov::kernels {

template <class W>
struct NibbleRow {
  static constexpr int kStreams = kByteStreams, kQuad = 4;
  static constexpr int kSize = sizeof(typename W::Block), kBytes = kQuad * kSize;
  static constexpr int kQuants = kSize - kBlock / 2;  // where nibbles begin
  static constexpr bool kHasFifth = kQuants > 2;
  static constexpr int kLast = kBytes - 64;  // where the second vector begins

  struct X {
    int8_t q[2][64];    // of low and high nibbles, block by block
    int32_t start[16];  // of sums: what the offset takes off, and kFloatStart
    float scale[16];
  };
  struct Rest {  // a block that has no three others
    int8_t q[kBlock];
    float scale, sum;  // of the integers, times the offset, negative
  };

  static size_t Size(int k) {
    const int blocks = k / kBlock;
    return blocks / kQuad * sizeof(X) + blocks % kQuad * sizeof(Rest);
  }

  static void Pack(const float* row, int k, int part, int parts, void* to) {
    const int blocks = k / kBlock;
    X* const x = static_cast<X*>(to);
    Rest* const rest = reinterpret_cast<Rest*>(x + blocks / kQuad);
    for (int kb = part; kb < blocks; kb += parts) {
      float scale;
      const __m256i q = QuantiseRow(row + kb * kBlock, &scale);
      int32_t sums[8];
      Store256(sums, SumsOfFour(q));
      if (kb / kQuad == blocks / kQuad) {
        Rest& r = rest[kb % kQuad];
        Store256(r.q, q);
        r.scale = scale;
        r.sum = 0.0f;
        for (const int32_t each : sums) r.sum -= float(W::kOffset * each);
        continue;
      }
      X& to_quad = x[kb / kQuad];
      const int at = kb % kQuad;
      _mm_storeu_si128(reinterpret_cast<__m128i*>(to_quad.q[0]) + at, _mm256_castsi256_si128(q));
      _mm_storeu_si128(reinterpret_cast<__m128i*>(to_quad.q[1]) + at,
                       _mm256_extracti128_si256(q, 1));
      for (int i = 0; i < 4; ++i) {
        to_quad.start[at * 4 + i] = kFloatStart - W::kOffset * (sums[i] + sums[4 + i]);
        to_quad.scale[at * 4 + i] = scale;
      }
    }
  }

  // Where the four blocks' bytes lie in the two vectors: `at` in a block.
  static constexpr int Place(int block, int at) {
    return block * kSize + at - (block < 2 ? 0 : kLast);
  }
  struct Orders {
    uint8_t nibbles[64], fifth[64];
    uint16_t scales[32];
  };
  static constexpr Orders MakeOrders() {
    Orders o = {};
    for (int i = 0; i < 64; ++i) o.nibbles[i] = uint8_t(Place(i / 16, kQuants + i % 16));
    // In the matrix of each eight bytes: the row of bit 4 for the low ones, of bit 0 for the high.
    for (int i = 0; i < 8; ++i) {
      o.fifth[8 * i + 3] = uint8_t(Place(i / 2, 2 + i % 2));
      o.fifth[8 * i + 7] = uint8_t(Place(i / 2, 4 + i % 2));
    }
    for (int i = 0; i < 16; ++i) o.scales[i] = uint16_t(Place(i / 4, 0) / 2);
    return o;
  }
  static_assert(kSize % 2 == 0);

  struct Constants {
    I nibbles, fifth, scales;
    Constants() {
      alignas(64) static constexpr Orders orders = MakeOrders();
      nibbles = LoadIntegers(orders.nibbles);
      fifth = LoadIntegers(orders.fifth);
      scales = LoadIntegers(orders.scales);
    }
  };

  // The sums of four blocks, four each, as floats.
  static inline F Products(I first, I second, const X& x, I low_x, I high_x, const Constants& c) {
    const I t = _mm512_mask_permutexvar_epi8(_mm512_permutexvar_epi8(c.nibbles, first),
                                             0xffffffff00000000, c.nibbles, second);
    const I nibble = _mm512_set1_epi8(15);
    I low, high;
    if constexpr (kHasFifth) {
      constexpr uint64_t kRows = 0x8888888888888888;
      const I rows = _mm512_mask_permutexvar_epi8(
          _mm512_maskz_permutexvar_epi8(kRows & 0xffffffff, c.fifth, first),
          kRows & 0xffffffff00000000, c.fifth, second);
      const I f =
          _mm512_gf2p8affine_epi64_epi8(_mm512_set1_epi64(int64_t(0x8040201008040201)), rows, 0);
      low = _mm512_ternarylogic_epi32(t, f, nibble, 0xe4);             // nibble ? t : f
      const I turned = _mm512_ternarylogic_epi32(t, f, nibble, 0xd8);  // nibble ? f : t
      constexpr int64_t kTurn = BitMatrix(4, 4, 0) | BitMatrix(0, 1, 4);
      high = _mm512_gf2p8affine_epi64_epi8(turned, _mm512_set1_epi64(kTurn), 0);
    } else {
      low = And(t, nibble);
      high = _mm512_gf2p8affine_epi64_epi8(t, _mm512_set1_epi64(BitMatrix(4, 4, 0)), 0);
    }
    const I sums = DotBytes(DotBytes(LoadIntegers(x.start), low, low_x), high, high_x);
    return Sub(_mm512_castsi512_ps(sums), Set(kFloatOfStart));
  }

  static inline F Scales(I first, I second, const Constants& c) {
    const I halves = _mm512_mask_permutexvar_epi16(_mm512_permutexvar_epi16(c.scales, first),
                                                   0xff00, c.scales, second);
    return _mm512_cvtph_ps(_mm512_castsi512_si256(halves));
  }

  static void Dots(const char* const (&rows)[kStreams], const void* packed, int k,
                   float (&out)[kStreams]) {
    const Constants c;
    const int blocks = k / kBlock, quads = blocks / kQuad;
    const X* x = static_cast<const X*>(packed);
    F f[kStreams];
    LLAVAOV_UNROLL
    for (int r = 0; r < kStreams; ++r) f[r] = Zero();
    size_t at = 0;
    for (int i = 0; i < quads; ++i, ++x, at += kBytes) {
      const I low = LoadIntegers(x->q[0]), high = LoadIntegers(x->q[1]);
      const F scale = Load(x->scale);
      LLAVAOV_UNROLL
      for (int r = 0; r < kStreams; ++r) {
        AskFor(rows[r] + at + kRowAhead);
        AskFor(rows[r] + at + kRowAhead + 64);
        const I first = LoadIntegers(rows[r] + at), second = LoadIntegers(rows[r] + at + kLast);
        f[r] = MulAdd(Products(first, second, *x, low, high, c),
                      Mul(Scales(first, second, c), scale), f[r]);
      }
    }
    for (int r = 0; r < kStreams; ++r) out[r] = SumOf(f[r]);
    const Rest* rest = reinterpret_cast<const Rest*>(x);
    for (int kb = quads * kQuad; kb < blocks; ++kb, ++rest) {
      for (int r = 0; r < kStreams; ++r) {
        const float sum = Sum8(DotOfBlock(W::Quants(rows[r], kb), Load256(rest->q))) + rest->sum;
        out[r] += Half(W::FirstHalf(rows[r], kb)) * rest->scale * sum;
      }
    }
  }
};

}  // namespace llavaov::kernels

#endif
