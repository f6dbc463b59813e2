// Bytes of weights and activations on NEON with dot products, which take both with a sign: those of
// weights that need their eighth bit get it back (kIsWide).
#pragma once

#if defined(LLAVAOV_BYTES)

namespace llavaov::kernels {

// A tile: eight columns, whose integer and float sums take 16 registers.
constexpr int kIntRows = 4, kIntVectors = 1;

inline uint8x16_t AsBytes(int32x4_t x) { return vreinterpretq_u8_s32(x); }
inline int32x4_t FromBytes(uint8x16_t x) { return vreinterpretq_s32_u8(x); }
inline uint16x8_t AsWords(int32x4_t x) { return vreinterpretq_u16_s32(x); }
inline int32x4_t FromWords(uint16x8_t x) { return vreinterpretq_s32_u16(x); }
inline int8x16_t AsSigned(int32x4_t x) { return vreinterpretq_s8_s32(x); }

inline I8 Every8(unsigned x) {
  const int32x4_t bytes = FromBytes(vdupq_n_u8(uint8_t(x)));
  return {bytes, bytes};
}
inline I8 And8(I8 a, I8 b) { return {vandq_s32(a.low, b.low), vandq_s32(a.high, b.high)}; }
inline I8 ShiftRight8(I8 x, int n) {
  const int16x8_t by = vdupq_n_s16(int16_t(-n));
  return {FromWords(vshlq_u16(AsWords(x.low), by)), FromWords(vshlq_u16(AsWords(x.high), by))};
}
inline I8 ShiftLeft8(I8 x, int n) { return ShiftRight8(x, -n); }
inline F8 Scaled8(F8 x, float scale) { return Mul(x, Set(scale)); }

// 16 bytes as 32 nibbles: the low ones, then the high ones.
inline I8 Nibbles(const uint8_t* qs) {
  const uint8x16_t x = vld1q_u8(qs);
  return {FromBytes(vandq_u8(x, vdupq_n_u8(15))), FromBytes(vshrq_n_u8(x, 4))};
}

// x + 16 where the bit of the place is set.
inline I8 AddFifthBit(I8 x, uint32_t bits) {
  const uint8x16_t place = vreinterpretq_u8_u64(vdupq_n_u64(0x8040201008040201));
  const auto half = [&](int32x4_t x, uint32_t bits) {
    const uint8x16_t spread = vcombine_u8(vdup_n_u8(uint8_t(bits)), vdup_n_u8(uint8_t(bits >> 8)));
    const uint8x16_t high = vandq_u8(vtstq_u8(spread, place), vdupq_n_u8(16));
    return FromBytes(vorrq_u8(AsBytes(x), high));
  };
  return {half(x.low, bits), half(x.high, bits >> 16)};
}

using Table16 = uint8x16_t;
inline Table16 LoadTable(const uint8_t (&bytes)[16]) { return vld1q_u8(bytes); }
inline I8 Looked8(Table16 table, I8 x) {
  return {FromBytes(vqtbl1q_u8(table, AsBytes(x.low))),
          FromBytes(vqtbl1q_u8(table, AsBytes(x.high)))};
}
// Byte `i` of each dword, four times.
inline Table16 ByteOfDwords(int i) {
  alignas(16) static const uint8_t first[16] = {0, 0, 0, 0, 4, 4, 4, 4, 8, 8, 8, 8, 12, 12, 12, 12};
  return vaddq_u8(vld1q_u8(first), vdupq_n_u8(uint8_t(i)));
}

// Eight scales and eight mins of six bits each.
inline void SixBits(const uint8_t* bytes, F8* scales, F8* mins) {
  uint32_t x[3];
  std::memcpy(x, bytes, sizeof x);
  const auto eight = [](uint32_t low, uint32_t high) -> F8 {
    const uint16x8_t words = vmovl_u8(vcreate_u8(uint64_t(high) << 32 | low));
    return {vcvtq_f32_u32(vmovl_u16(vget_low_u16(words))), vcvtq_f32_u32(vmovl_high_u16(words))};
  };
  *scales = eight(x[0] & 0x3f3f3f3f, (x[2] & 0x0f0f0f0f) | ((x[0] >> 6 & 0x03030303) << 4));
  *mins = eight(x[1] & 0x3f3f3f3f, (x[2] >> 4 & 0x0f0f0f0f) | ((x[1] >> 6 & 0x03030303) << 4));
}

inline void LoadFloats(const float* from, F8 (&to)[4]) {
  for (int i = 0; i < 4; ++i) to[i] = Load(from + 8 * i);
}

// See simd-256.h.
struct Quantised {
  I8 values[4];
  float scale;
};

inline Quantised Quantise(const F8 (&x)[4], float top) {
  const auto magnitude = [](float32x4_t x) { return vreinterpretq_u32_f32(vabsq_f32(x)); };
  uint32x4_t most = vmaxq_u32(magnitude(x[0].low), magnitude(x[0].high));
  for (int i = 1; i < 4; ++i) {
    most = vmaxq_u32(most, vmaxq_u32(magnitude(x[i].low), magnitude(x[i].high)));
  }
  const uint32_t bits = vmaxvq_u32(most);
  float largest;
  std::memcpy(&largest, &bits, sizeof largest);
  const float inverse = largest > 1e-30f ? top / largest : 0.0f;
  Quantised out;
  for (int i = 0; i < 4; ++i) out.values[i] = RoundedIntegers(Mul(x[i], Set(inverse)));
  out.scale = largest / top;
  return out;
}

inline I8 PackBytes(const I8 (&x)[4]) {
  const auto words = [](I8 x) { return vcombine_s16(vqmovn_s32(x.low), vqmovn_s32(x.high)); };
  const auto bytes = [&](I8 x, I8 y) {
    return vreinterpretq_s32_s8(vcombine_s8(vqmovn_s16(words(x)), vqmovn_s16(words(y))));
  };
  return {bytes(x[0], x[1]), bytes(x[2], x[3])};
}

// Of signed bytes, 16 each.
inline void SumHalves(I8 q, int32_t* low, int32_t* high) {
  *low = vaddlvq_s8(AsSigned(q.low));
  *high = vaddlvq_s8(AsSigned(q.high));
}

inline I And(I a, I b) { return And8(a, b); }
inline I Or(I a, I b) { return Or8(a, b); }
inline I Xor(I a, I b) { return Xor8(a, b); }
template <int n>
inline I ShiftRight(I x) {
  return {FromWords(vshrq_n_u16(AsWords(x.low), n)), FromWords(vshrq_n_u16(AsWords(x.high), n))};
}
template <int n>
inline I ShiftLeft(I x) {
  return {FromWords(vshlq_n_u16(AsWords(x.low), n)), FromWords(vshlq_n_u16(AsWords(x.high), n))};
}
inline I ShuffleBytes(Table16 table, I x) { return Looked8(table, x); }
inline I ShuffleEach(I x, Table16 order) {
  return {FromBytes(vqtbl1q_u8(AsBytes(x.low), order)),
          FromBytes(vqtbl1q_u8(AsBytes(x.high), order))};
}
inline I WhereBits(I x, I bit, I value) {
  const auto half = [](int32x4_t x, int32x4_t bit, int32x4_t value) {
    return FromBytes(vandq_u8(vtstq_u8(AsBytes(x), AsBytes(bit)), AsBytes(value)));
  };
  return {half(x.low, bit.low, value.low), half(x.high, bit.high, value.high)};
}

// sum[r] += the products of four neighbours of `w` and of x[r].
inline void DotEach(I (&sum)[4][1], I w, const int32_t (&x)[4]) {
  const int8x16_t each = AsSigned(vld1q_s32(x)), low = AsSigned(w.low), high = AsSigned(w.high);
  sum[0][0] = {vdotq_laneq_s32(sum[0][0].low, low, each, 0),
               vdotq_laneq_s32(sum[0][0].high, high, each, 0)};
  sum[1][0] = {vdotq_laneq_s32(sum[1][0].low, low, each, 1),
               vdotq_laneq_s32(sum[1][0].high, high, each, 1)};
  sum[2][0] = {vdotq_laneq_s32(sum[2][0].low, low, each, 2),
               vdotq_laneq_s32(sum[2][0].high, high, each, 2)};
  sum[3][0] = {vdotq_laneq_s32(sum[3][0].low, low, each, 3),
               vdotq_laneq_s32(sum[3][0].high, high, each, 3)};
}

// 16 bytes, `at` behind each of eight rows, to four vectors of dwords.
inline void TransposeQuads(const char* const* rows, size_t at, I* out) {
  const auto quad = [&](int r) {
    return FromBytes(vld1q_u8(reinterpret_cast<const uint8_t*>(rows[r] + at)));
  };
  int32x4_t low[4], high[4];
  Transpose4x4({quad(0), quad(1), quad(2), quad(3)}, low);
  Transpose4x4({quad(4), quad(5), quad(6), quad(7)}, high);
  for (int i = 0; i < 4; ++i) out[i] = {low[i], high[i]};
}

}  // namespace llavaov::kernels

#endif
