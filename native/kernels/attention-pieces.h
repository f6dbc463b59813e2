// Queries, keys and values of attention as two bf16 each, in AMX's tiles (attention-tiles.h): whole
// steps of 32 high words and 32 low ones; the rest of a width, as the three products want it, side
// by side.
#pragma once

#include "attention-strays.h"
#include "bfloats.h"

#if defined(LLAVAOV_TILES)

namespace llavaov::kernels {

inline I Bits(F x) { return _mm512_castps_si512(x); }
inline F Floats(I x) { return _mm512_castsi512_ps(x); }

// 2^x within 2.6e-6 of its value; NaN stays.
inline F Share(F x) {
  const F r = _mm512_reduce_ps(x, _MM_FROUND_TO_NEG_INF);
  F p = Set(1.3534168e-2f);
  p = MulAdd(p, r, Set(5.201146e-2f));
  p = MulAdd(p, r, Set(2.4144275e-1f));
  p = MulAdd(p, r, Set(6.9300383e-1f));
  p = MulAdd(p, r, Set(1.0000026f));
  return _mm512_scalef_ps(p, x);
}

// Shares of keys and of the 16th after each as pairs of words: high ones and low ones.
inline void PairShares(F a, F b, I* high, I* low) {
  const I upper = Integers(int32_t(0xffff0000));
  const F high_a = Floats(And(Bits(a), upper)), high_b = Floats(And(Bits(b), upper));
  const I low_a = Bits(Sub(a, high_a)), low_b = Bits(Sub(b, high_b));
  *high = Or(_mm512_srli_epi32(Bits(a), 16), Bits(high_b));
  *low = _mm512_mask_blend_epi16(0xaaaaaaaa, _mm512_srli_epi32(low_a, 16), low_b);
}

class Pieces {
 public:
  static constexpr int kStep = 32, kTile = kTileHeight * kTileBytes;
  // Of a width: steps, those of the rest, tiles in all; vectors of values.
  const int whole, rests, count, columns;

  explicit Pieces(const AttentionShape& s)
      : whole(s.dim / kStep),
        rests((3 * (s.dim % kStep) + kStep - 1) / kStep),
        count(2 * whole + rests),
        columns(s.padded_v / kLanes),
        dim_(s.dim),
        dim_v_(s.dim_v) {
    const int rest = dim_ % kStep;
    for (int word = 0; word < rests * kStep; ++word) {
      const int part = word / rest, at = part < 3 ? word - part * rest : rest;
      q_words_[word] = uint16_t(part == 0 ? kStep + at : at);
      k_words_[word] = uint16_t(part == 2 ? kStep + at : at);
    }
  }

  // A query to its row of `count` tiles; values(i): kLanes of it from i on.
  template <class Values>
  void PackQuery(Values values, char* to) const {
    Split(values, q_words_, to);
  }

  // kLanes keys, of which the first `n` exist, to [piece][pair][key].
  template <ggml_type type>
  void PackKeys(const char* keys, size_t stride, int n, char* to) const {
    for (int i = 0; i < kLanes; ++i) {
      const int width = i < n ? dim_ : 0;
      const auto values = [&](int at) { return LanesOf<type>(keys + i * stride, at, width); };
      Split(values, k_words_, to + i * kTileBytes);
    }
    for (int piece = 0; piece < count; ++piece, to += kTile) {
      I columns[kLanes];
      for (int half = 0; half < 2; ++half) {
        __m256i rows[kLanes];
        for (int i = 0; i < kLanes; ++i) rows[i] = Load256(to + i * kTileBytes + half * 32);
        TransposeLanes(rows, columns + half * 8);
      }
      for (int i = 0; i < kLanes; ++i) StoreIntegers(to + i * kTileBytes, columns[i]);
    }
  }

  // kStep values, of which the first `n` exist, to [column][high, low][key][column]; dwords hold a
  // key's and those of the 16th after it. Those with a bit in `left_out` are 0. Gives the sums of
  // the squares.
  template <ggml_type type>
  F PackValues(const char* values, size_t stride, int n, uint32_t left_out, char* to) const {
    const I order = Interleaved();
    const auto width = [&](int key) { return key < n && !(left_out >> key & 1) ? dim_v_ : 0; };
    F squares[2] = {Zero(), Zero()};
    for (int i = 0; i < kLanes; ++i) {
      const char *a = values + i * stride, *b = a + kLanes * stride;
      const int width_a = width(i), width_b = width(i + kLanes);
      char* out = to + i * kTileBytes;
      for (int c = 0; c < columns; ++c, out += 2 * kTile) {
        I high, low;
        const F x = LanesOf<type>(a, c * kLanes, width_a);
        const F y = LanesOf<type>(b, c * kLanes, width_b);
        squares[0] = MulAdd(x, x, squares[0]);
        squares[1] = MulAdd(y, y, squares[1]);
        kernels::Split(x, y, &high, &low);
        StoreIntegers(out, _mm512_permutexvar_epi16(order, high));
        StoreIntegers(out + kTile, _mm512_permutexvar_epi16(order, low));
      }
    }
    return kernels::Add(squares[0], squares[1]);
  }

 private:
  // A row's pieces, a tile apart: of each 32 the high words and the low ones, then the rest.
  template <class Values>
  void Split(Values values, const uint16_t* words, char* to) const {
    I high, low;
    for (int i = 0; i < whole; ++i, to += 2 * kTile) {
      kernels::Split(values(i * kStep), values(i * kStep + kLanes), &high, &low);
      StoreIntegers(to, high);
      StoreIntegers(to + kTile, low);
    }
    if (!rests) return;
    kernels::Split(values(whole * kStep), values(whole * kStep + kLanes), &high, &low);
    for (int i = 0; i < rests; ++i, to += kTile) {
      StoreIntegers(to, _mm512_permutex2var_epi16(high, LoadIntegers(words + i * kStep), low));
    }
  }

  // Values [i, i + kLanes) of a row of `n`; 0 beyond.
  template <ggml_type type>
  static F LanesOf(const char* row, int i, int n) {
    if constexpr (type == GGML_TYPE_F32) {
      return LoadFirst(reinterpret_cast<const float*>(row) + i, std::max(n - i, 0));
    } else if constexpr (type == GGML_TYPE_F16) {
      const auto* from = reinterpret_cast<const uint16_t*>(row) + i;
      return _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(First(std::max(n - i, 0)), from));
    } else {
      if (i >= n) return Zero();
      const auto& block = reinterpret_cast<const block_q8_0*>(row)[i / 32];
      const I x = _mm512_cvtepi8_epi32(Load128(block.qs + i % 32));
      return Mul(ToFloats(x), Set(Half(block.d)));
    }
  }

  static I Interleaved() {
    const I low = LaneNumbers();
    return Or(low, _mm512_slli_epi32(_mm512_add_epi32(low, Integers(kLanes)), 16));
  }

  int dim_, dim_v_;
  alignas(64) uint16_t q_words_[3 * kStep], k_words_[3 * kStep];  // of the rest
};

}  // namespace llavaov::kernels

#endif
