// 16 lanes, 32 registers.
#pragma once

namespace llavaov::kernels {

using F = __m512;
using I = __m512i;
constexpr int kLanes = 16;
// Tiles of rows by vectors: integers need two sums each (whole numbers, floats), floats one.
constexpr int kIntRows = 4, kIntVectors = 3, kFloatRows = 8, kFloatVectors = 3;
constexpr int kValueRows = 4, kValueVectors = 5;  // attention's second product

inline __mmask16 First(int n) { return n >= 16 ? __mmask16(0xffff) : __mmask16((1u << n) - 1); }

inline F Zero() { return _mm512_setzero_ps(); }
inline F Set(float x) { return _mm512_set1_ps(x); }
inline F Load(const float* p) { return _mm512_loadu_ps(p); }
inline F LoadHalves(const uint16_t* p) { return _mm512_cvtph_ps(Load256(p)); }
inline F FromBfloats(__m256i x) {
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(x), 16));
}
inline F LoadBfloats(const uint16_t* p) { return FromBfloats(Load256(p)); }
inline F LoadFirst(const float* p, int n) { return _mm512_maskz_loadu_ps(First(n), p); }
inline void Store(float* p, F x) { _mm512_storeu_ps(p, x); }
inline void StorePastCaches(float* p, F x) { _mm512_stream_ps(p, x); }  // p: aligned
inline void StoreFirst(float* p, F x, int n) { _mm512_mask_storeu_ps(p, First(n), x); }
inline F Add(F a, F b) { return _mm512_add_ps(a, b); }
inline F Sub(F a, F b) { return _mm512_sub_ps(a, b); }
inline F Mul(F a, F b) { return _mm512_mul_ps(a, b); }
inline F MulAdd(F a, F b, F c) { return _mm512_fmadd_ps(a, b, c); }
inline F Max(F a, F b) { return _mm512_max_ps(a, b); }  // b where one is NaN
inline F Min(F a, F b) { return _mm512_min_ps(a, b); }  // likewise
inline F Div(F a, F b) { return _mm512_div_ps(a, b); }
inline F Round(F x) { return _mm512_roundscale_ps(x, 0); }
inline float MaxOf(F x) { return _mm512_reduce_max_ps(x); }
inline float SumOf(F x) { return _mm512_reduce_add_ps(x); }

inline I Integers(int32_t x) { return _mm512_set1_epi32(x); }
inline I LaneNumbers() {
  return _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
}
inline I LoadIntegers(const void* p) { return _mm512_loadu_si512(p); }
inline void StoreIntegers(void* p, I x) { _mm512_storeu_si512(p, x); }
inline I And(I a, I b) { return _mm512_and_si512(a, b); }
inline I Or(I a, I b) { return _mm512_or_si512(a, b); }
inline I Xor(I a, I b) { return _mm512_xor_si512(a, b); }
template <int n>
inline I ShiftRight(I x) {
  return _mm512_srli_epi16(x, n);
}
template <int n>
inline I ShiftLeft(I x) {
  return _mm512_slli_epi16(x, n);
}
inline I ShuffleBytes(__m128i table, I x) {
  return _mm512_shuffle_epi8(_mm512_broadcast_i32x4(table), x);
}
inline I ShuffleEach(I x, __m128i order) {  // the bytes of each 16
  return _mm512_shuffle_epi8(x, _mm512_broadcast_i32x4(order));
}
// `value` in the bytes where x has the bit of `bit`, one a byte.
inline I WhereBits(I x, I bit, I value) {
  return _mm512_maskz_mov_epi8(_mm512_test_epi8_mask(x, bit), value);
}
inline F Sqrt(F x) { return _mm512_sqrt_ps(x); }
inline I RoundedIntegers(F x) { return _mm512_cvtps_epi32(x); }
inline F ToFloats(I x) { return _mm512_cvtepi32_ps(x); }
// Where sums of products of bytes start, and what makes floats of them.
constexpr int32_t kSumStart = 0;
inline F SumToFloats(I sum) { return ToFloats(sum); }
#if defined(LLAVAOV_VNNI)
inline I DotBytes(I sum, I w, I x) { return _mm512_dpbusd_epi32(sum, w, x); }
#if defined(__GNUC__) && !defined(__clang__)
// GCC 12 copies the sum before the instruction, and in attention's loops stores it each time.
inline I DotWords(I sum, I w, I x) {
  asm("vpdpwssd %2, %1, %0" : "+v"(sum) : "v"(w), "v"(x));
  return sum;
}
#else
inline I DotWords(I sum, I w, I x) { return _mm512_dpwssd_epi32(sum, w, x); }
#endif
#else
inline I DotWords(I sum, I w, I x) { return _mm512_add_epi32(sum, _mm512_madd_epi16(w, x)); }
// Sums of two neighbouring products of bytes, unsigned by signed, as words; of signed by signed,
// none of them -128 in `x`; and words added to dwords in pairs.
inline I Pairs(I w, I x) { return _mm512_maddubs_epi16(w, x); }
inline I SignedPairs(I w, I x) {
  const I negated = _mm512_mask_sub_epi8(x, _mm512_movepi8_mask(w), _mm512_setzero_si512(), x);
  return Pairs(_mm512_abs_epi8(w), negated);
}
inline I AddWords(I a, I b) { return _mm512_add_epi16(a, b); }
inline I SubWords(I a, I b) { return _mm512_sub_epi16(a, b); }
// Products of words times 2^-15, rounded.
inline I HighProducts(I a, I b) { return _mm512_mulhrs_epi16(a, b); }
inline I AddIntegers(I a, I b) { return _mm512_add_epi32(a, b); }
inline I SubIntegers(I a, I b) { return _mm512_sub_epi32(a, b); }
inline I AddPairs(I sum, I pairs) { return DotWords(sum, pairs, _mm512_set1_epi16(1)); }
#endif

// Dwords as words: four of a, four of b, the next four of a, ...
inline I PackPairs(I a, I b) { return _mm512_packs_epi32(a, b); }
// The low words of dwords, `high`'s above `low`'s.
inline I PairWords(I low, I high) {
  return _mm512_mask_blend_epi16(0xaaaaaaaa, low, _mm512_slli_epi32(high, 16));
}

// x * 2^n for whole n in [-126, 127].
inline F TimesPowerOf2(F x, F n) { return _mm512_scalef_ps(x, n); }
// x * 2^n for the n in n's lowest bits.
inline F TimesLowBits(F x, F n) {
  const I exponent = _mm512_slli_epi32(_mm512_castps_si512(n), 23);
  return _mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(x), exponent));
}
// mask * factor + x; where the mask is -infinity that, whatever x is.
inline F AddMask(F mask, F factor, F x) {
  const __mmask16 seen = _mm512_cmp_ps_mask(mask, Set(-INFINITY), _CMP_NEQ_UQ);
  return _mm512_mask_fmadd_ps(mask, seen, factor, x);
}
// y; 0 where x < low.
inline F ZeroBelow(F low, F x, F y) {
  return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(x, low, _CMP_NLT_UQ), y);
}

// kLanes rows of eight dwords to eight vectors.
inline void TransposeLanes(const __m256i* rows, I* out) {
  I z[8], t[8];
  for (int r = 0; r < 8; ++r) {
    z[r] = _mm512_inserti64x4(_mm512_castsi256_si512(rows[r]), rows[r + 8], 1);
  }
  for (int half = 0; half < 2; ++half) {
    const I* x = z + half * 4;
    const I a = _mm512_unpacklo_epi32(x[0], x[1]), b = _mm512_unpackhi_epi32(x[0], x[1]);
    const I c = _mm512_unpacklo_epi32(x[2], x[3]), d = _mm512_unpackhi_epi32(x[2], x[3]);
    t[half * 4 + 0] = _mm512_unpacklo_epi64(a, c);
    t[half * 4 + 1] = _mm512_unpackhi_epi64(a, c);
    t[half * 4 + 2] = _mm512_unpacklo_epi64(b, d);
    t[half * 4 + 3] = _mm512_unpackhi_epi64(b, d);
  }
  const I even = _mm512_set_epi64(13, 12, 5, 4, 9, 8, 1, 0);
  const I odd = _mm512_set_epi64(15, 14, 7, 6, 11, 10, 3, 2);
  for (int c = 0; c < 4; ++c) {
    out[c] = _mm512_permutex2var_epi64(t[c], even, t[c + 4]);
    out[c + 4] = _mm512_permutex2var_epi64(t[c], odd, t[c + 4]);
  }
}

// The largest of each of eight vectors.
inline __m256 MaxesOfEight(const F* x) {
  __m256 halves[8];
  for (int i = 0; i < 8; ++i) {
    halves[i] = _mm256_max_ps(_mm512_castps512_ps256(x[i]), _mm512_extractf32x8_ps(x[i], 1));
  }
  return MaxesOfEight256(halves);
}

// 16 bytes, `at` behind each of kLanes rows, to four vectors of dwords.
inline void TransposeQuads(const char* const* rows, size_t at, I* out) {
  I z[4];
  for (int r = 0; r < 4; ++r) {
    z[r] = _mm512_castsi128_si512(Load128(rows[r] + at));
    z[r] = _mm512_inserti32x4(z[r], Load128(rows[r + 4] + at), 1);
    z[r] = _mm512_inserti32x4(z[r], Load128(rows[r + 8] + at), 2);
    z[r] = _mm512_inserti32x4(z[r], Load128(rows[r + 12] + at), 3);
  }
  const I a = _mm512_unpacklo_epi32(z[0], z[1]), b = _mm512_unpackhi_epi32(z[0], z[1]);
  const I c = _mm512_unpacklo_epi32(z[2], z[3]), d = _mm512_unpackhi_epi32(z[2], z[3]);
  out[0] = _mm512_unpacklo_epi64(a, c);
  out[1] = _mm512_unpackhi_epi64(a, c);
  out[2] = _mm512_unpacklo_epi64(b, d);
  out[3] = _mm512_unpackhi_epi64(b, d);
}

// The sums of kLanes vectors, one a lane. Halves are added as they are brought together.
inline F SumsOf(const F (&x)[kLanes]) {
  F a[8], b[4];
  for (int i = 0; i < 8; ++i) {
    a[i] = _mm512_add_ps(_mm512_unpacklo_ps(x[2 * i], x[2 * i + 1]),
                         _mm512_unpackhi_ps(x[2 * i], x[2 * i + 1]));
  }
  for (int i = 0; i < 4; ++i) {
    b[i] = _mm512_add_ps(_mm512_shuffle_ps(a[2 * i], a[2 * i + 1], 0x44),
                         _mm512_shuffle_ps(a[2 * i], a[2 * i + 1], 0xee));
  }
  const F c =
      _mm512_add_ps(_mm512_shuffle_f32x4(b[0], b[1], 0x88), _mm512_shuffle_f32x4(b[0], b[1], 0xdd));
  const F d =
      _mm512_add_ps(_mm512_shuffle_f32x4(b[2], b[3], 0x88), _mm512_shuffle_f32x4(b[2], b[3], 0xdd));
  return _mm512_add_ps(_mm512_shuffle_f32x4(c, d, 0x88), _mm512_shuffle_f32x4(c, d, 0xdd));
}

}  // namespace llavaov::kernels
