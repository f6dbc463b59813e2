// How a row's product (row-product.cc) comes by scales: read where they lie between the weights,
// made several at a time, and given to all lanes by memory.
#pragma once

#include "simd.h"

#if defined(LLAVAOV_BYTES) && !defined(LLAVAOV_NEON)

namespace llavaov::kernels {

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
inline void StoreScales(float* to, __m256 scales) {
  _mm256_storeu_ps(to, scales);
#if defined(__GNUC__)
  asm("" : : "r"(to) : "memory");
#endif
}

// The first for the lower half, the second for the upper one.
inline __m256 TwoScales(const float* scales) {
#if defined(LLAVAOV_WIDE)
  return _mm256_mask_broadcastss_ps(_mm256_set1_ps(scales[0]), 0xf0, _mm_load_ss(scales + 1));
#else
  return _mm256_insertf128_ps(_mm256_set1_ps(scales[0]), _mm_set1_ps(scales[1]), 1);
#endif
}

// n of eight floats, then zeros.
template <int n>
inline __m256 FirstOf(const float* x) {
  if (n == 8) return _mm256_loadu_ps(x);
  return _mm256_zextps128_ps256(n == 4 ? _mm_loadu_ps(x) : _mm_load_ss(x));
}

}  // namespace llavaov::kernels

#endif
