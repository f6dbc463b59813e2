// One row of activations by quantised weights: every weight is used once, so the speed is that of
// memory (row-loops.h). Activations have eight bits and a scale for every 32. Of the K-quants those
// that files of the published models hold have a kernel here; on ARM ggml's kernels of repacked
// weights need half to four fifths of the instructions.
#include "row-loops.h"
#include "row-scales.h"
#include "super-blocks.h"

namespace llavaov::kernels {

#if defined(LLAVAOV_BYTES) && !defined(LLAVAOV_NEON)

namespace {

constexpr int kByteStreams = 8;

inline void Prefetch(const char* p) { AskFor(p + kRowAhead); }

inline __m256i QuantiseRow(const float* x, float* scale) {
  __m256 floats[4];
  LoadFloats(x, floats);
  const Quantised q = Quantise(floats, 127.0f);
  *scale = q.scale;
  return PackBytes(q.values);
}

// Sums of a row, so that none waits for the one before.
constexpr int kChains = 2;
using Sums = __m256[kChains];

inline __m256 Total(const Sums& f) { return _mm256_add_ps(f[0], f[1]); }

// The eight sums of four bytes each.
inline __m256i SumsOfFour(__m256i q) {
  return DotBytes256(_mm256_setzero_si256(), _mm256_set1_epi8(1), q);
}

// Blocks of 32 activations, eight side by side.
struct PlainPacking {
  struct X {
    int8_t q[8][kBlock];
    float scale[8];
    float sum[8];  // of a block's values, without the scale, negative
  };

  static size_t Size(int k) { return size_t(k / kBlock + 7) / 8 * sizeof(X); }

  static void Pack(const float* row, int k, int part, int parts, void* to) {
    for (int i = part * kUnit; i < k; i += parts * kUnit) {
      X* x = static_cast<X*>(to) + i / kUnit;
      *x = {};
      for (int b = 0; b < 8 && i + b * kBlock < k; ++b) {
        const __m256i q = QuantiseRow(row + i + b * kBlock, &x->scale[b]);
        Store256(x->q[b], q);
        x->sum[b] = -Sum8(_mm256_cvtepi32_ps(SumsOfFour(q)));
      }
    }
  }
};

// Blocks of 32 with one scale, eight at a time: their scales are made together, and what offsets
// and mins take off is one product of vectors for all eight.
template <class W>
struct PlainRow : PlainPacking {
  static constexpr int kStreams = kByteStreams;
  // Without VNNI bytes above 128 get their sign back, and the products take theirs from it.
#if defined(LLAVAOV_VNNI)
  static constexpr bool kBySign = false;
#else
  static constexpr bool kBySign = W::kIsWide;
#endif
  static constexpr int kOffset = kBySign ? W::kOffset - 128 : W::kOffset;

  static inline __m256 Block(const char* row, int kb, const int8_t* x, float scale, __m256 f) {
    __m256i w = W::Quants(row, kb), q = Load256(x);
    if (kBySign) {
      w = _mm256_xor_si256(w, _mm256_set1_epi8(-128));
      q = _mm256_sign_epi8(q, w);
      w = _mm256_abs_epi8(w);
    }
    return _mm256_fmadd_ps(_mm256_cvtepi32_ps(DotBytes256(_mm256_setzero_si256(), w, q)),
                           _mm256_set1_ps(scale), f);
  }

  // Blocks [kb, kb + n), which are [first, first + n) of x: the products, and what comes off.
  template <int n>
  static inline void Blocks(const char* row, int kb, const X& x, int first, Sums& f, __m256* off) {
    const __m256 xs = FirstOf<n>(x.scale + first), sum = FirstOf<n>(x.sum + first);
    const __m256 both = _mm256_mul_ps(HalvesOf<W, n>(row, kb, 0), xs);
    float scales[8];
    StoreScales(scales, both);
    if (kOffset) {
      *off = _mm256_fmadd_ps(both, _mm256_mul_ps(sum, _mm256_set1_ps(float(kOffset))), *off);
    }
    // Added by these types.
    if (W::kHasMin)
      *off = _mm256_fnmadd_ps(_mm256_mul_ps(HalvesOf<W, n>(row, kb, 2), xs), sum, *off);
    LLAVAOV_UNROLL
    for (int i = 0; i < n; ++i) {
      f[i % kChains] = Block(row, kb + i, x.q[first + i], scales[i], f[i % kChains]);
    }
  }

  static void Dots(const char* const* rows, const void* packed, int k, float* out) {
    const X* x = static_cast<const X*>(packed);
    const int blocks = k / kBlock;
    Sums f[kStreams] = {};
    __m256 off[kStreams] = {};
    int kb = 0;
    for (; kb + 8 <= blocks; kb += 8, ++x) {
      LLAVAOV_UNROLL
      for (int r = 0; r < kStreams; ++r) {
        const char* first = reinterpret_cast<const char*>(&W::At(rows[r], kb));
        for (size_t i = 0; i < 8 * sizeof(typename W::Block); i += 64) Prefetch(first + i);
        Blocks<8>(rows[r], kb, *x, 0, f[r], &off[r]);
      }
    }
    if (kb + 4 <= blocks) {
      LLAVAOV_UNROLL
      for (int r = 0; r < kStreams; ++r) Blocks<4>(rows[r], kb, *x, 0, f[r], &off[r]);
      kb += 4;
    }
    for (; kb < blocks; ++kb) {
      LLAVAOV_UNROLL
      for (int r = 0; r < kStreams; ++r) Blocks<1>(rows[r], kb, *x, kb % 8, f[r], &off[r]);
    }
    for (int r = 0; r < kStreams; ++r) out[r] = Sum8(_mm256_add_ps(Total(f[r]), off[r]));
  }
};

// Super-blocks of 256 activations, with the sums of the values that share one of `scales` scales of
// a block of the weights.
template <int scales>
struct SuperPacking {
  struct X {
    int8_t q[8][kBlock];
    float scale[8];
    float sum[8 * scales];  // of the values that share a scale of the weights, scaled, by -kSumUnit
  };

  static size_t Size(int k) { return size_t(k) / 256 * sizeof(X); }

  static void Pack(const float* row, int k, int part, int parts, void* to) {
    for (int i = part * kUnit; i < k; i += parts * kUnit) {
      X* x = static_cast<X*>(to) + i / kUnit;
      for (int b = 0; b < 8; ++b) {
        const __m256i q = QuantiseRow(row + i + b * kBlock, &x->scale[b]);
        Store256(x->q[b], q);
        int32_t sums[8];
        Store256(sums, SumsOfFour(q));
        const float low = float(sums[0] + sums[1] + sums[2] + sums[3]);
        const float high = float(sums[4] + sums[5] + sums[6] + sums[7]);
        const float scale = x->scale[b] / -kSumUnit;
        if (scales == 2) {
          x->sum[2 * b] = scale * low;
          x->sum[2 * b + 1] = scale * high;
        } else {
          x->sum[b] = scale * (low + high);
        }
      }
    }
  }
};

// Super-blocks of 256. Scales of a block times those of the activations are made together; what
// offsets and mins take off is one product of vectors a super-block.
template <class W>
struct SuperRow : SuperPacking<W::kScales> {
  using X = typename SuperPacking<W::kScales>::X;
  static constexpr int kStreams = kByteStreams;
  // Scales of super-blocks, of every stretch at once: d and, of types that have it, dmin.
  struct Deltas {
    float d[kStreams], dmin[kStreams];
    Deltas(const char* const* rows, int kb) {
      uint32_t both[kStreams];  // d is the lower half, or what stands alone the upper one
      LLAVAOV_UNROLL
      for (int r = 0; r < kStreams; ++r) {
        const char* at = reinterpret_cast<const char*>(&W::At(rows[r], kb).d);
        both[r] = FourBytes(W::kHasMin ? at : at - 2);
      }
      static_assert(kStreams == 8);
      const __m128i first = _mm_setr_epi32(both[0], both[1], both[2], both[3]);
      const __m128i second = _mm_setr_epi32(both[4], both[5], both[6], both[7]);
      const __m128i upper = _mm_packus_epi32(_mm_srli_epi32(first, 16), _mm_srli_epi32(second, 16));
      const __m128i lower = _mm_packus_epi32(_mm_blend_epi16(first, _mm_setzero_si128(), 0xaa),
                                             _mm_blend_epi16(second, _mm_setzero_si128(), 0xaa));
      StoreScales(d, _mm256_cvtph_ps(W::kHasMin ? lower : upper));
      if (W::kHasMin) StoreScales(dmin, _mm256_cvtph_ps(upper));
    }
  };

  // The scales of a super-block by those of the activations, and what comes off.
  static inline void Scales(const char* row, int kb, const X& x, float delta, float delta_min,
                            float* scales, __m256* off) {
    const auto& b = W::At(row, kb);
    const __m256 d = _mm256_set1_ps(delta), xs = _mm256_loadu_ps(x.scale);
    if constexpr (W::kHasMin) {
      __m256 s, m;
      SixBits(b.scales, &s, &m);
      StoreScales(scales, _mm256_mul_ps(_mm256_mul_ps(s, d), xs));
      *off = _mm256_fmadd_ps(_mm256_mul_ps(m, _mm256_set1_ps(delta_min)), _mm256_loadu_ps(x.sum),
                             *off);
    } else {
      const __m128i bytes = Load128(b.scales);
      const __m256 even = _mm256_permutevar8x32_ps(xs, _mm256_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3));
      const __m256 odd = _mm256_permutevar8x32_ps(xs, _mm256_setr_epi32(4, 4, 5, 5, 6, 6, 7, 7));
      const __m256 low = _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes)), d);
      const __m256 high =
          _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_srli_si128(bytes, 8))), d);
      StoreScales(scales, _mm256_mul_ps(low, even));
      StoreScales(scales + 8, _mm256_mul_ps(high, odd));
      const __m256 offset = _mm256_set1_ps(float(W::kOffset));
      *off = _mm256_fmadd_ps(_mm256_mul_ps(low, offset), _mm256_loadu_ps(x.sum), *off);
      *off = _mm256_fmadd_ps(_mm256_mul_ps(high, offset), _mm256_loadu_ps(x.sum + 8), *off);
    }
  }

  static void Dots(const char* const* rows, const void* packed, int k, float* out) {
    const X* x = static_cast<const X*>(packed);
    Sums f[kStreams] = {};
    __m256 off[kStreams] = {};
    for (int kb = 0; kb < k / kBlock; kb += 8, ++x) {
      const Deltas deltas(rows, kb);
      LLAVAOV_UNROLL
      for (int r = 0; r < kStreams; ++r) {
        SuperBlock(rows[r], kb, *x, deltas.d[r], deltas.dmin[r], f[r], &off[r]);
      }
    }
    const __m256 unit = _mm256_set1_ps(kSumUnit);
    for (int r = 0; r < kStreams; ++r) out[r] = Sum8(_mm256_fmadd_ps(off[r], unit, Total(f[r])));
  }

  static inline void SuperBlock(const char* row, int kb, const X& x, float d, float dmin, Sums& f,
                                __m256* off) {
    const char* block = reinterpret_cast<const char*>(&W::At(row, kb));
    for (size_t i = 0; i < sizeof(typename W::Block); i += 64) Prefetch(block + i);
    float scales[16];
    Scales(row, kb, x, d, dmin, scales, off);
    LLAVAOV_UNROLL
    for (int i = 0; i < 8; ++i) {
      const __m256i sums =
          DotBytes256(_mm256_setzero_si256(), W::Quants(block, i), Load256(x.q[i]));
      const __m256 s = W::kScales == 2 ? TwoScales(scales + i * 2) : _mm256_set1_ps(scales[i]);
      f[i % kChains] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(sums), s, f[i % kChains]);
    }
  }
};

template <class Row>
const OneRow* OneRowBy() {
  static_assert(Row::kStreams <= kMostStreams && sizeof(typename Row::X) <= kUnit + 96);
  static constexpr OneRow kind = {Row::kStreams, Row::Size, Row::Pack, Row::Dots};
  return &kind;
}

}  // namespace

const OneRow* OneRowOf(ggml_type type) {
  switch (type) {
    case GGML_TYPE_Q8_0:
      return OneRowBy<PlainRow<Q8_0>>();
    case GGML_TYPE_Q4_0:
      return OneRowBy<PlainRow<Q4_0>>();
    case GGML_TYPE_Q4_1:
      return OneRowBy<PlainRow<Q4_1>>();
    case GGML_TYPE_Q5_0:
      return OneRowBy<PlainRow<Q5_0>>();
    case GGML_TYPE_Q5_1:
      return OneRowBy<PlainRow<Q5_1>>();
    case GGML_TYPE_IQ4_NL:
      return OneRowBy<PlainRow<IQ4_NL>>();
    case GGML_TYPE_Q4_K:
      return OneRowBy<SuperRow<Q4_K>>();
    case GGML_TYPE_Q5_K:
      return OneRowBy<SuperRow<Q5_K>>();
    case GGML_TYPE_Q6_K:
      return OneRowBy<SuperRow<Q6_K>>();
    default:
      return FloatOneRowOf(type);
  }
}

#else

const OneRow* OneRowOf(ggml_type type) { return FloatOneRowOf(type); }

#endif

}  // namespace llavaov::kernels
