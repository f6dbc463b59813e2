// What both widths share: halves, dot products of bytes, quantising 32 floats, transposes of four
// and eight rows, all in 256 bits.
#pragma once

namespace llavaov::kernels {

// The bits of 1.5 * 2^23: with fewer than 2^22 added they are the float that is so much more.
constexpr int32_t kFloatStart = 0x4b400000;
constexpr float kFloatOfStart = 12582912.0f;

constexpr int kBlock = 32;  // weights, and activations with a scale of their own

inline float Half(uint16_t x) { return _mm_cvtss_f32(_mm_cvtph_ps(_mm_cvtsi32_si128(x))); }

inline __m256i Load256(const void* p) { return _mm256_loadu_si256(static_cast<const __m256i*>(p)); }
inline __m128i Load128(const void* p) { return _mm_loadu_si128(static_cast<const __m128i*>(p)); }
inline void Store256(void* p, __m256i x) { _mm256_storeu_si256(static_cast<__m256i*>(p), x); }
// Eight floats and eight dwords: what the loops read and turn, whatever the width of F.
using F8 = __m256;
using I8 = __m256i;
inline F8 Zeros8() { return _mm256_setzero_ps(); }
inline F8 Floats8(const float* p) { return _mm256_loadu_ps(p); }
inline F8 Halves8(const void* p) { return _mm256_cvtph_ps(Load128(p)); }
inline F8 Bfloats8(const void* p) {
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(Load128(p)), 16));
}
inline F8 ScaledBytes8(const int8_t* p, float scale) {
  const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p));
  return _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes)), _mm256_set1_ps(scale));
}
inline F8 Scaled8(F8 x, float scale) { return _mm256_mul_ps(x, _mm256_set1_ps(scale)); }
inline void StoreFloats8(float* p, F8 x) { _mm256_storeu_ps(p, x); }
inline F8 MulAdd8(F8 a, float b, F8 c) { return _mm256_fmadd_ps(a, _mm256_set1_ps(b), c); }
inline F8 AddSquares8(F8 x, F8 sums) { return _mm256_fmadd_ps(x, x, sums); }
inline I8 Bits8(F8 x) { return _mm256_castps_si256(x); }
inline I8 Words8(uint16_t x) { return _mm256_set1_epi16(short(x)); }
inline I8 Every8(unsigned x) { return _mm256_set1_epi8(char(x)); }
inline I8 And8(I8 a, I8 b) { return _mm256_and_si256(a, b); }
// Of words, by a number that is constant where it is compiled.
inline I8 ShiftRight8(I8 x, int n) { return _mm256_srli_epi16(x, n); }
inline I8 ShiftLeft8(I8 x, int n) { return _mm256_slli_epi16(x, n); }
inline I8 Or8(I8 a, I8 b) { return _mm256_or_si256(a, b); }
inline I8 Xor8(I8 a, I8 b) { return _mm256_xor_si256(a, b); }
inline bool IsZero8(I8 x) { return _mm256_testz_si256(x, x) != 0; }
inline const float* LoadEach(const float* p) { return p; }  // see simd-neon.h
inline void EndPastCaches() { _mm_sfence(); }

inline __m256i Join(__m128i low, __m128i high) {
  return _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
}

// start + the sums of four neighbouring products of unsigned `w` and signed `x`. Without VNNI two
// products of neighbours must stay within int16: w at most 128.
inline __m256i DotBytes256(__m256i start, __m256i w, __m256i x) {
#if defined(LLAVAOV_VNNI) && defined(LLAVAOV_WIDE)
  return _mm256_dpbusd_epi32(start, w, x);
#elif defined(LLAVAOV_VNNI) && defined(__GNUC__) && !defined(__clang__)
  // GCC 12 copies and stores sums between its own instructions.
  asm("%{vex%} vpdpbusd %2, %1, %0" : "+x"(start) : "x"(w), "x"(x));
  return start;
#elif defined(LLAVAOV_VNNI)
  return _mm256_dpbusd_avx_epi32(start, w, x);
#else
  const __m256i pairs = _mm256_maddubs_epi16(w, x);
  return _mm256_add_epi32(start, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
#endif
}

// start + the sums of two neighbouring products of signed words.
inline __m256i DotWords256(__m256i start, __m256i w, __m256i x) {
#if defined(LLAVAOV_VNNI) && defined(LLAVAOV_WIDE)
  return _mm256_dpwssd_epi32(start, w, x);
#elif defined(LLAVAOV_VNNI) && defined(__GNUC__) && !defined(__clang__)
  asm("%{vex%} vpdpwssd %2, %1, %0" : "+x"(start) : "x"(w), "x"(x));
  return start;
#elif defined(LLAVAOV_VNNI)
  return _mm256_dpwssd_avx_epi32(start, w, x);
#else
  return _mm256_add_epi32(start, _mm256_madd_epi16(w, x));
#endif
}

// The same by one pair of words. Compilers give it to all lanes in an instruction of its own.
inline __m256i DotWordsByPair(__m256i start, __m256i x, const int32_t* pair) {
#if defined(LLAVAOV_VNNI) && defined(LLAVAOV_WIDE) && defined(__GNUC__)
  asm("vpdpwssd %2%{1to8%}, %1, %0" : "+v"(start) : "v"(x), "m"(*pair));
  return start;
#else
  return DotWords256(start, x, _mm256_set1_epi32(*pair));
#endif
}

inline float Sum8(__m256 x) {
  const __m128 a = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
  const __m128 b = _mm_add_ps(a, _mm_movehl_ps(a, a));
  return _mm_cvtss_f32(_mm_add_ss(b, _mm_movehdup_ps(b)));
}

inline float Top256(__m256i bits) {
  const __m128i a = _mm_max_epu32(_mm256_castsi256_si128(bits), _mm256_extracti128_si256(bits, 1));
  const __m128i b = _mm_max_epu32(a, _mm_shuffle_epi32(a, 0x4e));
  return _mm_cvtss_f32(_mm_castsi128_ps(_mm_max_epu32(b, _mm_shuffle_epi32(b, 0xb1))));
}

// A block of 32 floats, the largest of whose magnitudes becomes `top`. Magnitudes are compared as
// integers, where infinity and NaN are the largest: they end up in the scale and so in the result.
struct Quantised {
  __m256i values[4];  // int32
  float scale;
};

inline Quantised Quantise(const __m256 (&x)[4], float top) {
  const __m256i magnitude = _mm256_set1_epi32(0x7fffffff);
  __m256i most = _mm256_and_si256(_mm256_castps_si256(x[0]), magnitude);
  for (int i = 1; i < 4; ++i) {
    most = _mm256_max_epu32(most, _mm256_and_si256(_mm256_castps_si256(x[i]), magnitude));
  }
  const float largest = Top256(most);
  // The inverse of anything smaller overflows; its products would be nothing anyhow.
  const __m256 inverse = _mm256_set1_ps(largest > 1e-30f ? top / largest : 0.0f);
  Quantised out;
  for (int i = 0; i < 4; ++i) out.values[i] = _mm256_cvtps_epi32(_mm256_mul_ps(x[i], inverse));
  out.scale = largest / top;
  return out;
}

inline __m256i PackBytes(const __m256i (&x)[4]) {
  const __m256i words = _mm256_packs_epi32(x[0], x[1]), more = _mm256_packs_epi32(x[2], x[3]);
  return _mm256_permutevar8x32_epi32(_mm256_packs_epi16(words, more),
                                     _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
}

inline __m256i PackWords(__m256i x, __m256i y) {
  return _mm256_permute4x64_epi64(_mm256_packs_epi32(x, y), 0xd8);
}

inline void LoadFloats(const float* from, __m256 (&to)[4]) {
  for (int i = 0; i < 4; ++i) to[i] = _mm256_loadu_ps(from + 8 * i);
}

// Of signed bytes, 16 each.
inline void SumHalves(__m256i q, int32_t* low, int32_t* high) {
  const __m256i sums = DotBytes256(_mm256_setzero_si256(), _mm256_set1_epi8(1), q);
  const __m256i pairs = _mm256_hadd_epi32(sums, sums);
  const __m256i both = _mm256_hadd_epi32(pairs, pairs);
  *low = _mm_cvtsi128_si32(_mm256_castsi256_si128(both));
  *high = _mm_cvtsi128_si32(_mm256_extracti128_si256(both, 1));
}

#if defined(LLAVAOV_GFNI)
// What makes bits [to, to + count) of a byte of its bits from `from` on, and the others zero.
constexpr int64_t BitMatrix(int from, int count, int to) {
  uint64_t rows = 0;
  for (int i = 0; i < count; ++i) rows |= uint64_t(1) << (from + i) << 8 * (7 - to - i);
  return int64_t(rows);
}
inline I8 MovedBits8(I8 x, int from, int count, int to) {
  if (from == to) return And8(x, Every8(((1u << count) - 1) << to));
  return _mm256_gf2p8affine_epi64_epi8(x, _mm256_set1_epi64x(BitMatrix(from, count, to)), 0);
}
#endif

// 16 bytes as 32 nibbles: the low ones, then the high ones.
inline __m256i Nibbles(const uint8_t* qs) {
  const __m256i twice = _mm256_broadcastsi128_si256(Load128(qs));
#if defined(LLAVAOV_GFNI)
  constexpr int64_t kLow = BitMatrix(0, 4, 0), kHigh = BitMatrix(4, 4, 0);
  return _mm256_gf2p8affine_epi64_epi8(twice, _mm256_setr_epi64x(kLow, kLow, kHigh, kHigh), 0);
#else
  const __m256i shifted = _mm256_srlv_epi32(twice, _mm256_setr_epi32(0, 0, 0, 0, 4, 4, 4, 4));
  return _mm256_and_si256(shifted, _mm256_set1_epi8(15));
#endif
}

// x + 16 where the bit of the place is set.
inline __m256i AddFifthBit(__m256i x, uint32_t bits) {
#if defined(LLAVAOV_WIDE)
  return _mm256_mask_add_epi8(x, bits, x, _mm256_set1_epi8(16));
#else
  const __m256i spread = _mm256_shuffle_epi8(
      _mm256_set1_epi32(int(bits)),
      _mm256_setr_epi64x(0, 0x0101010101010101, 0x0202020202020202, 0x0303030303030303));
  const __m256i place = _mm256_set1_epi64x(int64_t(0x8040201008040201));
  const __m256i is_set = _mm256_cmpeq_epi8(_mm256_and_si256(spread, place), place);
  return _mm256_or_si256(x, _mm256_and_si256(is_set, _mm256_set1_epi8(16)));
#endif
}

// What bytes are looked up in or ordered by, 16 of them.
using Table16 = __m128i;
inline Table16 LoadTable(const uint8_t (&bytes)[16]) { return Load128(bytes); }
inline __m256i Looked8(Table16 table, __m256i x) {
  return _mm256_shuffle_epi8(Join(table, table), x);
}
// Byte `i` of each dword, four times.
inline Table16 ByteOfDwords(int i) {
  return _mm_add_epi8(_mm_setr_epi32(0, 0x04040404, 0x08080808, 0x0c0c0c0c),
                      _mm_set1_epi8(char(i)));
}

// Eight scales of six bits each, then eight mins, in 12 bytes before others that are read too; of
// two such places, a half each.
inline __m256i SixBits(const uint8_t* bytes, const uint8_t* more) {
  const __m256i x = Join(Load128(bytes), Load128(more));  // four bytes each a, b and c
  // The lower four or six bits of scales 0-3, 4-7, mins 0-3, 4-7, and the upper two of the others.
  const __m256i acbc = _mm256_shuffle_epi32(x, _MM_SHUFFLE(2, 1, 2, 0));
  const __m256i aabb = _mm256_shuffle_epi32(x, _MM_SHUFFLE(1, 1, 0, 0));
  const __m256i shifts = _mm256_setr_epi32(0, 0, 0, 4, 0, 0, 0, 4);
  const __m256i low =
      _mm256_and_si256(_mm256_srlv_epi32(acbc, shifts), _mm256_set1_epi64x(0x0f0f0f0f3f3f3f3f));
  const __m256i high =
      _mm256_and_si256(_mm256_srli_epi32(aabb, 2), _mm256_set1_epi64x(0x3030303000000000));
  return _mm256_or_si256(low, high);
}
inline void SixBits(const uint8_t* bytes, __m256* scales, __m256* mins) {
  const __m128i all = _mm256_castsi256_si128(SixBits(bytes, bytes));
  *scales = _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(all));
  *mins = _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_srli_si128(all, 8)));
}

// Four rows of eight dwords to [dword][row].
inline void Transpose4x8(const __m256i* rows, int32_t (*out)[4]) {
  const __m256i a = _mm256_unpacklo_epi32(rows[0], rows[1]);
  const __m256i b = _mm256_unpackhi_epi32(rows[0], rows[1]);
  const __m256i c = _mm256_unpacklo_epi32(rows[2], rows[3]);
  const __m256i d = _mm256_unpackhi_epi32(rows[2], rows[3]);
  const __m256i u0 = _mm256_unpacklo_epi64(a, c), u1 = _mm256_unpackhi_epi64(a, c);
  const __m256i u2 = _mm256_unpacklo_epi64(b, d), u3 = _mm256_unpackhi_epi64(b, d);
  Store256(out[0], _mm256_permute2x128_si256(u0, u1, 0x20));
  Store256(out[2], _mm256_permute2x128_si256(u2, u3, 0x20));
  Store256(out[4], _mm256_permute2x128_si256(u0, u1, 0x31));
  Store256(out[6], _mm256_permute2x128_si256(u2, u3, 0x31));
}

inline void Transpose8x8(const __m256i* rows, __m256i* out) {
  __m256i t[8];
  for (int half = 0; half < 2; ++half) {
    const __m256i* x = rows + half * 4;
    const __m256i a = _mm256_unpacklo_epi32(x[0], x[1]), b = _mm256_unpackhi_epi32(x[0], x[1]);
    const __m256i c = _mm256_unpacklo_epi32(x[2], x[3]), d = _mm256_unpackhi_epi32(x[2], x[3]);
    t[half * 4 + 0] = _mm256_unpacklo_epi64(a, c);
    t[half * 4 + 1] = _mm256_unpackhi_epi64(a, c);
    t[half * 4 + 2] = _mm256_unpacklo_epi64(b, d);
    t[half * 4 + 3] = _mm256_unpackhi_epi64(b, d);
  }
  for (int c = 0; c < 4; ++c) {
    out[c] = _mm256_permute2x128_si256(t[c], t[c + 4], 0x20);
    out[c + 4] = _mm256_permute2x128_si256(t[c], t[c + 4], 0x31);
  }
}

// The largest of each of eight vectors.
inline __m256 MaxesOfEight256(const __m256* x) {
  __m256 a[4], b[2];
  for (int i = 0; i < 4; ++i) {
    a[i] = _mm256_max_ps(_mm256_unpacklo_ps(x[2 * i], x[2 * i + 1]),
                         _mm256_unpackhi_ps(x[2 * i], x[2 * i + 1]));
  }
  for (int i = 0; i < 2; ++i) {
    b[i] = _mm256_max_ps(_mm256_shuffle_ps(a[2 * i], a[2 * i + 1], 0x44),
                         _mm256_shuffle_ps(a[2 * i], a[2 * i + 1], 0xee));
  }
  return _mm256_max_ps(_mm256_permute2f128_ps(b[0], b[1], 0x20),
                       _mm256_permute2f128_ps(b[0], b[1], 0x31));
}

}  // namespace llavaov::kernels
