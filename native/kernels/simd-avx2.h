// Eight lanes, 16 registers.
#pragma once

namespace llavaov::kernels {

using F = __m256;
using I = __m256i;
constexpr int kLanes = 8;
// See simd-avx512.h. The float sums of the integer tile lie in L1: sums of integers alone fill the
// registers, and are scaled only once a block.
constexpr int kIntRows = 4, kIntVectors = 2, kFloatRows = 4, kFloatVectors = 3;
constexpr int kValueRows = 4, kValueVectors = 3;

inline __m256i First(int n) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

inline F Zero() { return _mm256_setzero_ps(); }
inline F Set(float x) { return _mm256_set1_ps(x); }
inline F Load(const float* p) { return _mm256_loadu_ps(p); }
inline F LoadHalves(const uint16_t* p) { return _mm256_cvtph_ps(Load128(p)); }
inline F LoadBfloats(const uint16_t* p) {
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(Load128(p)), 16));
}
inline F LoadFirst(const float* p, int n) { return _mm256_maskload_ps(p, First(n)); }
inline void Store(float* p, F x) { _mm256_storeu_ps(p, x); }
inline void StorePastCaches(float* p, F x) { _mm256_stream_ps(p, x); }  // p: aligned
inline void StoreFirst(float* p, F x, int n) { _mm256_maskstore_ps(p, First(n), x); }
inline F Add(F a, F b) { return _mm256_add_ps(a, b); }
inline F Sub(F a, F b) { return _mm256_sub_ps(a, b); }
inline F Mul(F a, F b) { return _mm256_mul_ps(a, b); }
inline F MulAdd(F a, F b, F c) { return _mm256_fmadd_ps(a, b, c); }
inline F Max(F a, F b) { return _mm256_max_ps(a, b); }  // b where one is NaN
inline F Min(F a, F b) { return _mm256_min_ps(a, b); }  // likewise
inline F Div(F a, F b) { return _mm256_div_ps(a, b); }
inline F Round(F x) { return _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
inline float MaxOf(F x) {
  const __m128 a = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
  const __m128 b = _mm_max_ps(a, _mm_movehl_ps(a, a));
  return _mm_cvtss_f32(_mm_max_ss(b, _mm_movehdup_ps(b)));
}
inline float SumOf(F x) { return Sum8(x); }

inline I Integers(int32_t x) { return _mm256_set1_epi32(x); }
inline I LoadIntegers(const void* p) { return Load256(p); }
inline void StoreIntegers(void* p, I x) { Store256(p, x); }
inline I And(I a, I b) { return _mm256_and_si256(a, b); }
inline I Or(I a, I b) { return _mm256_or_si256(a, b); }
inline I Xor(I a, I b) { return _mm256_xor_si256(a, b); }
template <int n>
inline I ShiftRight(I x) {
  return _mm256_srli_epi16(x, n);
}
template <int n>
inline I ShiftLeft(I x) {
  return _mm256_slli_epi16(x, n);
}
inline I ShuffleBytes(__m128i table, I x) { return _mm256_shuffle_epi8(Join(table, table), x); }
inline I ShuffleEach(I x, __m128i order) { return _mm256_shuffle_epi8(x, Join(order, order)); }
inline I WhereBits(I x, I bit, I value) {
  return _mm256_and_si256(_mm256_cmpeq_epi8(_mm256_and_si256(x, bit), bit), value);
}
inline F Sqrt(F x) { return _mm256_sqrt_ps(x); }
inline I RoundedIntegers(F x) { return _mm256_cvtps_epi32(x); }
inline F ToFloats(I x) { return _mm256_cvtepi32_ps(x); }
inline I DotWords(I sum, I w, I x) { return DotWords256(sum, w, x); }
#if defined(LLAVAOV_VNNI)
inline I DotBytes(I sum, I w, I x) { return DotBytes256(sum, w, x); }
// See simd-avx512.h. Floats are subtracted at a port that multiplies nothing; what converts
// integers has those of the products.
constexpr int32_t kSumStart = kFloatStart;
inline F SumToFloats(I sum) { return Sub(_mm256_castsi256_ps(sum), Set(kFloatOfStart)); }
#else
// See simd-avx512.h.
inline I Pairs(I w, I x) { return _mm256_maddubs_epi16(w, x); }
inline I SignedPairs(I w, I x) { return Pairs(_mm256_abs_epi8(w), _mm256_sign_epi8(x, w)); }
inline I AddWords(I a, I b) { return _mm256_add_epi16(a, b); }
inline I SubWords(I a, I b) { return _mm256_sub_epi16(a, b); }
inline I HighProducts(I a, I b) { return _mm256_mulhrs_epi16(a, b); }
inline I AddIntegers(I a, I b) { return _mm256_add_epi32(a, b); }
inline I SubIntegers(I a, I b) { return _mm256_sub_epi32(a, b); }
inline I AddPairs(I sum, I pairs) { return DotWords(sum, pairs, _mm256_set1_epi16(1)); }
constexpr int32_t kSumStart = 0;
inline F SumToFloats(I sum) { return ToFloats(sum); }
#endif

// See simd-avx512.h.
inline I PackPairs(I a, I b) { return _mm256_packs_epi32(a, b); }
inline I PairWords(I low, I high) {
  return _mm256_blend_epi16(low, _mm256_slli_epi32(high, 16), 0xaa);
}

// x * 2^n for whole n in [-126, 127].
inline F TimesPowerOf2(F x, F n) {
  const I exponent = _mm256_add_epi32(_mm256_cvtps_epi32(n), Integers(127));
  return Mul(x, _mm256_castsi256_ps(_mm256_slli_epi32(exponent, 23)));
}
// x * 2^n for the n in n's lowest bits.
inline F TimesLowBits(F x, F n) {
  const I exponent = _mm256_slli_epi32(_mm256_castps_si256(n), 23);
  return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(x), exponent));
}
// mask * factor + x; where the mask is -infinity that, whatever x is.
inline F AddMask(F mask, F factor, F x) {
  const F hidden = _mm256_cmp_ps(mask, Set(-INFINITY), _CMP_EQ_OQ);
  return _mm256_blendv_ps(MulAdd(mask, factor, x), mask, hidden);
}
// y; 0 where x < low.
inline F ZeroBelow(F low, F x, F y) { return _mm256_and_ps(_mm256_cmp_ps(x, low, _CMP_NLT_UQ), y); }

// kLanes rows of eight dwords to eight vectors.
inline void TransposeLanes(const __m256i* rows, I* out) { Transpose8x8(rows, out); }

inline __m256 MaxesOfEight(const F* x) { return MaxesOfEight256(x); }

// See simd-avx512.h.
inline void TransposeQuads(const char* const* rows, size_t at, I* out) {
  I z[4];
  for (int r = 0; r < 4; ++r) z[r] = Join(Load128(rows[r] + at), Load128(rows[r + 4] + at));
  const I a = _mm256_unpacklo_epi32(z[0], z[1]), b = _mm256_unpackhi_epi32(z[0], z[1]);
  const I c = _mm256_unpacklo_epi32(z[2], z[3]), d = _mm256_unpackhi_epi32(z[2], z[3]);
  out[0] = _mm256_unpacklo_epi64(a, c);
  out[1] = _mm256_unpackhi_epi64(a, c);
  out[2] = _mm256_unpacklo_epi64(b, d);
  out[3] = _mm256_unpackhi_epi64(b, d);
}

// The sums of kLanes vectors, one a lane.
inline F SumsOf(const F (&x)[kLanes]) {
  F a[2];
  for (int i = 0; i < 2; ++i) {
    a[i] = _mm256_hadd_ps(_mm256_hadd_ps(x[4 * i], x[4 * i + 1]),
                          _mm256_hadd_ps(x[4 * i + 2], x[4 * i + 3]));
  }
  return _mm256_add_ps(_mm256_permute2f128_ps(a[0], a[1], 0x20),
                       _mm256_permute2f128_ps(a[0], a[1], 0x31));
}

}  // namespace llavaov::kernels
