// What the products of one row of activations (row-product.cc) share: its eight bits, and how they
// come by scales, read where they lie between the weights, made several at a time, and given to all
// lanes by memory.
#pragma once

#include "row-loops.h"

#if defined(LLAVAOV_BYTES) && !defined(LLAVAOV_NEON)

namespace llavaov::kernels {

constexpr int kByteStreams = 8;

inline __m256i QuantiseRow(const float* x, float* scale) {
  __m256 floats[4];
  LoadFloats(x, floats);
  const Quantised q = Quantise(floats, 127.0f);
  *scale = q.scale;
  return PackBytes(q.values);
}

// The eight sums of four bytes each.
inline __m256i SumsOfFour(__m256i q) {
  return DotBytes256(_mm256_setzero_si256(), _mm256_set1_epi8(1), q);
}

// The same of weights and activations as floats. With VNNI a subtraction converts them, for which
// there is a unit that multiplies nothing.
inline __m256 DotOfBlock(__m256i w, __m256i x) {
#if defined(LLAVAOV_VNNI)
  const __m256i sums = DotBytes256(_mm256_set1_epi32(kFloatStart), w, x);
  return _mm256_sub_ps(_mm256_castsi256_ps(sums), _mm256_set1_ps(kFloatOfStart));
#else
  return _mm256_cvtepi32_ps(DotBytes256(_mm256_setzero_si256(), w, x));
#endif
}

// The halves `at` bytes from the beginnings of blocks [kb, kb + n) of a row, then zeros. Each load
// ends where its half lies at the place that it shall have: compilers bring single halves there by
// way of three other kinds of registers.
template <class W, int n>
inline __m256 HalvesOf(const char* row, int kb, int at) {
  const auto load = [&](int i) {
    return Load128(reinterpret_cast<const char*>(&W::At(row, kb + i)) + at - 2 * i);
  };
  __m128i halves = load(0);
  if (n == 1) return _mm256_cvtph_ps(_mm_and_si128(halves, _mm_cvtsi32_si128(0xffff)));
  halves = _mm_blend_epi16(halves, load(1), 1 << 1);
  halves = _mm_blend_epi16(halves, load(2), 1 << 2);
  halves = _mm_blend_epi16(halves, load(3), 1 << 3);
  if (n == 4) return _mm256_cvtph_ps(_mm_move_epi64(halves));
  halves = _mm_blend_epi16(halves, load(4), 1 << 4);
  halves = _mm_blend_epi16(halves, load(5), 1 << 5);
  halves = _mm_blend_epi16(halves, load(6), 1 << 6);
  return _mm256_cvtph_ps(_mm_blend_epi16(halves, load(7), 1 << 7));
}

// Scales go over memory, which gives one to all lanes for nothing: compilers would rather permute,
// in the one unit that puts things together too.
inline void KeepStored([[maybe_unused]] const void* to) {
#if defined(__GNUC__)
  asm("" : : "r"(to) : "memory");
#endif
}
inline void StoreScales(float* to, __m256 scales) {
  _mm256_storeu_ps(to, scales);
  KeepStored(to);
}
inline void StoreScales(int32_t* to, __m256i scales) {
  Store256(to, scales);
  KeepStored(to);
}

// n of eight floats, then zeros.
template <int n>
inline __m256 FirstOf(const float* x) {
  if (n == 8) return _mm256_loadu_ps(x);
  return _mm256_zextps128_ps256(n == 4 ? _mm_loadu_ps(x) : _mm_load_ss(x));
}

}  // namespace llavaov::kernels

#endif
