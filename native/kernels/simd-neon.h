// Eight lanes in two of NEON's 32 registers, so that the loops are those of AVX2, and twice as many
// sums as one register would hold hide the time that an instruction takes. What the loops take as
// eight floats or dwords (F8, I8 of simd-256.h) is the same here.
#pragma once

namespace llavaov::kernels {

struct F {
  float32x4_t low, high;
};
struct I {
  int32x4_t low, high;
};
using F8 = F;
using I8 = I;
constexpr int kLanes = 8, kBlock = 32;
constexpr int kFloatRows = 4, kFloatVectors = 3;
constexpr int kValueRows = 4, kValueVectors = 3;

inline F Zero() { return {vdupq_n_f32(0.0f), vdupq_n_f32(0.0f)}; }
inline F Set(float x) { return {vdupq_n_f32(x), vdupq_n_f32(x)}; }
inline F Load(const float* p) { return {vld1q_f32(p), vld1q_f32(p + 4)}; }
inline F FromHalves(uint16x8_t x) {
  const float16x8_t halves = vreinterpretq_f16_u16(x);
  return {vcvt_f32_f16(vget_low_f16(halves)), vcvt_high_f32_f16(halves)};
}
inline F FromBfloats(uint16x8_t x) {
#if defined(__clang__)  // makes one instruction of two, and does not take the one
  const uint32x4_t low = vshlq_n_u32(vmovl_u16(vget_low_u16(x)), 16);
  const uint32x4_t high = vshlq_n_u32(vmovl_high_u16(x), 16);
#else
  const uint32x4_t low = vshll_n_u16(vget_low_u16(x), 16), high = vshll_high_n_u16(x, 16);
#endif
  return {vreinterpretq_f32_u32(low), vreinterpretq_f32_u32(high)};
}
inline F LoadHalves(const uint16_t* p) { return FromHalves(vld1q_u16(p)); }
inline F LoadBfloats(const uint16_t* p) { return FromBfloats(vld1q_u16(p)); }
inline void Store(float* p, F x) {
  vst1q_f32(p, x.low);
  vst1q_f32(p + 4, x.high);
}
inline void StorePastCaches(float* p, F x) { Store(p, x); }
inline void EndPastCaches() {}
// Neighbours that multiply all lanes in turn: kFloatRows of them.
inline float32x4_t LoadEach(const float* p) { return vld1q_f32(p); }
inline F LoadFirst(const float* p, int n) {
  if (n >= kLanes) return Load(p);
  float copy[kLanes] = {};
  for (int i = 0; i < n; ++i) copy[i] = p[i];
  return Load(copy);
}
inline void StoreFirst(float* p, F x, int n) {
  if (n >= kLanes) return Store(p, x);
  float copy[kLanes];
  Store(copy, x);
  for (int i = 0; i < n; ++i) p[i] = copy[i];
}
inline F Add(F a, F b) { return {vaddq_f32(a.low, b.low), vaddq_f32(a.high, b.high)}; }
inline F Sub(F a, F b) { return {vsubq_f32(a.low, b.low), vsubq_f32(a.high, b.high)}; }
inline F Mul(F a, F b) { return {vmulq_f32(a.low, b.low), vmulq_f32(a.high, b.high)}; }
inline F MulAdd(F a, F b, F c) {
  return {vfmaq_f32(c.low, a.low, b.low), vfmaq_f32(c.high, a.high, b.high)};
}
// mask * factor + x; where the mask is -infinity that, whatever x is.
inline F AddMask(F mask, F factor, F x) {
  const F sum = MulAdd(mask, factor, x);
  const float32x4_t hidden = vdupq_n_f32(-INFINITY);
  return {vbslq_f32(vceqq_f32(mask.low, hidden), mask.low, sum.low),
          vbslq_f32(vceqq_f32(mask.high, hidden), mask.high, sum.high)};
}
inline F Max(F a, F b) {  // NaN where one is, which the loops take as well as AVX's
  return {vmaxq_f32(a.low, b.low), vmaxq_f32(a.high, b.high)};
}
inline F Min(F a, F b) { return {vminq_f32(a.low, b.low), vminq_f32(a.high, b.high)}; }
inline F Div(F a, F b) { return {vdivq_f32(a.low, b.low), vdivq_f32(a.high, b.high)}; }
inline F Round(F x) { return {vrndnq_f32(x.low), vrndnq_f32(x.high)}; }
inline float MaxOf(F x) { return vmaxvq_f32(vmaxq_f32(x.low, x.high)); }
inline float SumOf(F x) { return vaddvq_f32(vaddq_f32(x.low, x.high)); }

inline I Integers(int32_t x) { return {vdupq_n_s32(x), vdupq_n_s32(x)}; }
inline I LoadIntegers(const void* p) {
  const uint8_t* from = static_cast<const uint8_t*>(p);
  return {vreinterpretq_s32_u8(vld1q_u8(from)), vreinterpretq_s32_u8(vld1q_u8(from + 16))};
}
inline void StoreIntegers(void* p, I x) {
  uint8_t* to = static_cast<uint8_t*>(p);
  vst1q_u8(to, vreinterpretq_u8_s32(x.low));
  vst1q_u8(to + 16, vreinterpretq_u8_s32(x.high));
}
inline I RoundedIntegers(F x) { return {vcvtnq_s32_f32(x.low), vcvtnq_s32_f32(x.high)}; }
inline F ToFloats(I x) { return {vcvtq_f32_s32(x.low), vcvtq_f32_s32(x.high)}; }
constexpr int32_t kSumStart = 0;  // see simd-avx512.h
inline F SumToFloats(I sum) { return ToFloats(sum); }
inline I Bits(F x) { return {vreinterpretq_s32_f32(x.low), vreinterpretq_s32_f32(x.high)}; }
inline F FromBits(I x) { return {vreinterpretq_f32_s32(x.low), vreinterpretq_f32_s32(x.high)}; }
inline I AddIntegers(I a, I b) { return {vaddq_s32(a.low, b.low), vaddq_s32(a.high, b.high)}; }
template <int n>
inline I ShiftLanesLeft(I x) {
  return {vshlq_n_s32(x.low, n), vshlq_n_s32(x.high, n)};
}

// x * 2^n for whole n in [-126, 127].
inline F TimesPowerOf2(F x, F n) {
  return Mul(x, FromBits(ShiftLanesLeft<23>(AddIntegers(RoundedIntegers(n), Integers(127)))));
}
// x * 2^n for the n in n's lowest bits.
inline F TimesLowBits(F x, F n) {
  return FromBits(AddIntegers(Bits(x), ShiftLanesLeft<23>(Bits(n))));
}
// y; 0 where x < low.
inline F ZeroBelow(F low, F x, F y) {
  const auto half = [](float32x4_t low, float32x4_t x, float32x4_t y) {
    return vreinterpretq_f32_u32(vbicq_u32(vreinterpretq_u32_f32(y), vcltq_f32(x, low)));
  };
  return {half(low.low, x.low, y.low), half(low.high, x.high, y.high)};
}

// The sums of kLanes vectors, one a lane.
inline F SumsOf(const F (&x)[kLanes]) {
  float32x4_t a[kLanes], b[4];
  for (int i = 0; i < kLanes; ++i) a[i] = vaddq_f32(x[i].low, x[i].high);
  for (int i = 0; i < 4; ++i) b[i] = vpaddq_f32(a[2 * i], a[2 * i + 1]);
  return {vpaddq_f32(b[0], b[1]), vpaddq_f32(b[2], b[3])};
}

inline float Half(uint16_t x) {
  return vgetq_lane_f32(vcvt_f32_f16(vreinterpret_f16_u16(vdup_n_u16(x))), 0);
}
inline F8 Zeros8() { return Zero(); }
inline F8 Floats8(const float* p) { return Load(p); }
inline F8 Halves8(const void* p) {
  return FromHalves(vreinterpretq_u16_u8(vld1q_u8(static_cast<const uint8_t*>(p))));
}
inline F8 Bfloats8(const void* p) {
  return FromBfloats(vreinterpretq_u16_u8(vld1q_u8(static_cast<const uint8_t*>(p))));
}
inline F8 ScaledBytes8(const int8_t* p, float scale) {
  const int16x8_t words = vmovl_s8(vld1_s8(p));
  return Mul(ToFloats({vmovl_s16(vget_low_s16(words)), vmovl_high_s16(words)}), Set(scale));
}
inline void StoreFloats8(float* p, F8 x) { Store(p, x); }
inline F8 MulAdd8(F8 a, float b, F8 c) { return MulAdd(a, Set(b), c); }
inline F8 AddSquares8(F8 x, F8 sums) { return MulAdd(x, x, sums); }
inline float Sum8(F8 x) { return SumOf(x); }
inline I8 Bits8(F8 x) { return Bits(x); }
inline I8 Load256(const void* p) { return LoadIntegers(p); }
inline void Store256(void* p, I8 x) { StoreIntegers(p, x); }
inline I8 Words8(uint16_t x) {
  const int32x4_t words = vreinterpretq_s32_u16(vdupq_n_u16(x));
  return {words, words};
}
inline I8 Or8(I8 a, I8 b) { return {vorrq_s32(a.low, b.low), vorrq_s32(a.high, b.high)}; }
inline I8 Xor8(I8 a, I8 b) { return {veorq_s32(a.low, b.low), veorq_s32(a.high, b.high)}; }
inline bool IsZero8(I8 x) {
  return vmaxvq_u32(vreinterpretq_u32_s32(vorrq_s32(x.low, x.high))) == 0;
}

// Four rows of four dwords to [dword][row].
inline void Transpose4x4(const int32x4_t (&x)[4], int32x4_t (&out)[4]) {
  const auto quads = [](int32x4_t x) { return vreinterpretq_s64_s32(x); };
  const int64x2_t a = quads(vtrn1q_s32(x[0], x[1])), b = quads(vtrn2q_s32(x[0], x[1]));
  const int64x2_t c = quads(vtrn1q_s32(x[2], x[3])), d = quads(vtrn2q_s32(x[2], x[3]));
  out[0] = vreinterpretq_s32_s64(vtrn1q_s64(a, c));
  out[1] = vreinterpretq_s32_s64(vtrn1q_s64(b, d));
  out[2] = vreinterpretq_s32_s64(vtrn2q_s64(a, c));
  out[3] = vreinterpretq_s32_s64(vtrn2q_s64(b, d));
}

// Four rows of eight dwords to [dword][row].
inline void Transpose4x8(const I8* rows, int32_t (*out)[4]) {
  int32x4_t low[4], high[4];
  Transpose4x4({rows[0].low, rows[1].low, rows[2].low, rows[3].low}, low);
  Transpose4x4({rows[0].high, rows[1].high, rows[2].high, rows[3].high}, high);
  for (int i = 0; i < 4; ++i) {
    vst1q_s32(out[i], low[i]);
    vst1q_s32(out[i + 4], high[i]);
  }
}

// kLanes rows of eight dwords to eight vectors.
inline void TransposeLanes(const I8* rows, I* out) {
  for (int half = 0; half < 2; ++half) {
    const I8* x = rows + half * 4;
    int32x4_t low[4], high[4];
    Transpose4x4({x[0].low, x[1].low, x[2].low, x[3].low}, low);
    Transpose4x4({x[0].high, x[1].high, x[2].high, x[3].high}, high);
    for (int i = 0; i < 4; ++i) {
      (half ? out[i].high : out[i].low) = low[i];
      (half ? out[i + 4].high : out[i + 4].low) = high[i];
    }
  }
}

}  // namespace llavaov::kernels
