// Attention of up to eight rows in 512 bits, straight from the cache, for heads of a width known
// where it is compiled: what attention-few.cc does by way of memory elsewhere.
//
// scores   lanes are rows, each twice, for the even and the odd values of the width: of a key two
//          neighbours at a time come to all lanes, and nothing is added across until 16 keys are
//          done.
// values   are multiplied as they are converted, 32 of the width at a time.
//
// Both ask for what the next step wants, a key at a time: hardware does not foresee rows that lie
// apart, and all at once would wait for each other.
#pragma once

#include "attention-shape.h"

#if defined(LLAVAOV_WIDE)

namespace llavaov::kernels {

constexpr int kWideRows = 8, kWideStep = 32;

// Values [32 i, 32 i + 32) of a row.
template <ggml_type type>
inline void ReadStep(const char* row, int i, F (&x)[2]) {
  if constexpr (type == GGML_TYPE_F32) {
    const float* from = reinterpret_cast<const float*>(row) + i * kWideStep;
    x[0] = Load(from), x[1] = Load(from + kLanes);
  } else if constexpr (type == GGML_TYPE_F16) {
    const uint16_t* from = reinterpret_cast<const uint16_t*>(row) + i * kWideStep;
    x[0] = LoadHalves(from), x[1] = LoadHalves(from + kLanes);
  } else {
    const block_q8_0& block = reinterpret_cast<const block_q8_0*>(row)[i];
    const F scale = _mm512_cvtph_ps(_mm256_set1_epi16(short(block.d)));
    x[0] = Mul(ToFloats(_mm512_cvtepi8_epi32(Load128(block.qs))), scale);
    x[1] = Mul(ToFloats(_mm512_cvtepi8_epi32(Load128(block.qs + kLanes))), scale);
  }
}

template <ggml_type type>
inline void AskForStep(const char* row, int i) {
  AskFor(row + i * (type == GGML_TYPE_F32 ? 128 : type == GGML_TYPE_F16 ? 64 : 34));
  if (type == GGML_TYPE_F32) AskFor(row + i * 128 + 64);
}

inline F SetPair(const float* p) {
  double both;
  std::memcpy(&both, p, sizeof both);
  return _mm512_castpd_ps(_mm512_set1_pd(both));
}

// Lanes of 16 keys, [row][even, odd], to a vector of keys of each row.
inline void TurnScores(const F (&x)[kLanes], F (&out)[kWideRows]) {
  F both[8];
  LLAVAOV_UNROLL
  for (int i = 0; i < 8; ++i) {  // two rows of two keys in each 128 bits
    both[i] = Add(_mm512_shuffle_ps(x[2 * i], x[2 * i + 1], 0x88),
                  _mm512_shuffle_ps(x[2 * i], x[2 * i + 1], 0xdd));
  }
  LLAVAOV_UNROLL
  for (int odd = 0; odd < 2; ++odd) {
    F four[4];
    LLAVAOV_UNROLL
    for (int i = 0; i < 4; ++i) {
      four[i] = odd ? _mm512_shuffle_ps(both[2 * i], both[2 * i + 1], 0xdd)
                    : _mm512_shuffle_ps(both[2 * i], both[2 * i + 1], 0x88);
    }
    const F a = _mm512_shuffle_f32x4(four[0], four[1], 0x44);
    const F b = _mm512_shuffle_f32x4(four[2], four[3], 0x44);
    const F c = _mm512_shuffle_f32x4(four[0], four[1], 0xee);
    const F d = _mm512_shuffle_f32x4(four[2], four[3], 0xee);
    out[odd] = _mm512_shuffle_f32x4(a, b, 0x88);
    out[odd + 2] = _mm512_shuffle_f32x4(a, b, 0xdd);
    out[odd + 4] = _mm512_shuffle_f32x4(c, d, 0x88);
    out[odd + 6] = _mm512_shuffle_f32x4(c, d, 0xdd);
  }
}

// Rows of queries to [pair][row][2].
inline void PackPairs(const float* const* rows, int dim, float scale, float* to) {
  for (int i = 0; i < dim; i += 2, to += kLanes) {
    for (int r = 0; r < kWideRows; ++r) {
      to[2 * r] = rows[r] ? rows[r][i] * scale : 0.0f;
      to[2 * r + 1] = rows[r] ? rows[r][i + 1] * scale : 0.0f;
    }
  }
}

// Scores of `n` keys, at most kLanes, to rows that are `apart`; `ahead`: keys to ask for.
template <ggml_type type, int kWidth>
LLAVAOV_NOINLINE void WideScores(const float* q, const char* keys, const char* ahead, size_t stride,
                                 int n, int apart, float* scores) {
  alignas(64) float k[kLanes][kWidth];
  for (int j = 0; j < n; ++j, keys += stride, ahead += stride) {
    LLAVAOV_UNROLL
    for (int i = 0; i < kWidth / kWideStep; ++i) {
      F x[2];
      AskForStep<type>(ahead, i);
      ReadStep<type>(keys, i, x);
      Store(k[j] + i * kWideStep, x[0]);
      Store(k[j] + i * kWideStep + kLanes, x[1]);
    }
  }
  for (int j = n; j < kLanes; ++j) std::fill_n(k[j], kWidth, 0.0f);
  F sums[kLanes], rows[kWideRows];
  LLAVAOV_UNROLL
  for (int j = 0; j < kLanes; ++j) sums[j] = Zero();
  for (int i = 0; i < kWidth; i += 2, q += kLanes) {
    const F x = Load(q);
    LLAVAOV_UNROLL
    for (int j = 0; j < kLanes; ++j) sums[j] = MulAdd(SetPair(k[j] + i), x, sums[j]);
  }
  TurnScores(sums, rows);
  LLAVAOV_UNROLL
  for (int r = 0; r < kWideRows; ++r) Store(scores + r * apart, rows[r]);
}

// R rows: out = out * shrink + shares (rows of kApart) by values of `n` keys.
template <ggml_type type, int kWidth, int kApart, int R>
LLAVAOV_NOINLINE void WideValues(const float* shares, const char* values, const char* ahead,
                                 size_t stride, int n, const float* shrink, int out_stride,
                                 float* out) {
  for (int i = 0; i < kWidth / kWideStep; ++i, out += kWideStep) {
    F f[R][2];
    LLAVAOV_UNROLL
    for (int r = 0; r < R; ++r) {
      const F s = Set(shrink[r]);
      f[r][0] = Mul(s, Load(out + r * out_stride));
      f[r][1] = Mul(s, Load(out + r * out_stride + kLanes));
    }
    const char *from = values, *next = ahead;
    for (int j = 0; j < n; ++j, from += stride, next += stride) {
      F x[2];
      AskForStep<type>(next, i);
      ReadStep<type>(from, i, x);
      LLAVAOV_UNROLL
      for (int r = 0; r < R; ++r) {
        const F share = Set(shares[r * kApart + j]);
        f[r][0] = MulAdd(x[0], share, f[r][0]);
        f[r][1] = MulAdd(x[1], share, f[r][1]);
      }
    }
    LLAVAOV_UNROLL
    for (int r = 0; r < R; ++r) {
      Store(out + r * out_stride, f[r][0]);
      Store(out + r * out_stride + kLanes, f[r][1]);
    }
  }
}

// Those for heads of `width` in rows that are kApart apart; null: there are none.
template <int kApart>
struct WideLoops {
  using Scores = void (*)(const float*, const char*, const char*, size_t, int, int, float*);
  using Values = void (*)(const float*, const char*, const char*, size_t, int, const float*, int,
                          float*);

  // Of f32 keys there are none: sums of many, one after another, would be less exact than ggml's.
  static Scores ScoresOf(ggml_type type, int width) {
    if (type == GGML_TYPE_F32) return nullptr;
    return OfType(type, [&](auto type) -> Scores {
      if (width == 64) return WideScores<type, 64>;
      if (width == 128) return WideScores<type, 128>;
      return nullptr;
    });
  }
  static Values ValuesOf(ggml_type type, int width, int rows) {
    return OfType(type, [&](auto type) -> Values {
      if (width == 64)
        return rows == 7 ? WideValues<type, 64, kApart, 7> : WideValues<type, 64, kApart, 8>;
      if (width == 128)
        return rows == 7 ? WideValues<type, 128, kApart, 7> : WideValues<type, 128, kApart, 8>;
      return nullptr;
    });
  }
};

}  // namespace llavaov::kernels

#endif
