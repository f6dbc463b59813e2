// One row of activations by quantised weights: every weight is used once, so the speed is that of
// memory (row-loops.h). Activations have eight bits and a scale for every 32. Of the K-quants
// (row-super-blocks.h) those that files of the published models hold have a kernel; on ARM ggml's
// kernels of repacked weights need half to four fifths of the instructions.
#include "row-nibbles.h"
#include "row-super-blocks.h"

namespace llavaov::kernels {

#if defined(LLAVAOV_BYTES) && !defined(LLAVAOV_NEON)

namespace {

// Blocks of 32 with one scale, eight at a time: their scales are made together, and what offsets
// and mins take off is one product of vectors for all eight.
template <class W>
struct PlainRow {
  static constexpr int kStreams = kByteStreams;
  // Without VNNI bytes above 128 get their sign back, and the products take theirs from it.
#if defined(LLAVAOV_VNNI)
  static constexpr bool kBySign = false;
#else
  static constexpr bool kBySign = W::kIsWide;
#endif
  static constexpr int kOffset = kBySign ? W::kOffset - 128 : W::kOffset;

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

  static inline __m256 Block(const char* row, int kb, __m256i q, float scale, __m256 f) {
    __m256i w = W::Quants(row, kb);
    if (kBySign) {
      w = _mm256_xor_si256(w, _mm256_set1_epi8(-128));
      q = _mm256_sign_epi8(q, w);
      w = _mm256_abs_epi8(w);
    }
    return _mm256_fmadd_ps(DotOfBlock(w, q), _mm256_set1_ps(scale), f);
  }

  using Sums = __m256[kStreams];

  // Blocks [kb, kb + n) of every stretch, which are [first, first + n) of x. What is loaded sets
  // the speed: so a block of activations is, once for all stretches.
  template <int n>
  static inline void Blocks(const char* const (&rows)[kStreams], int kb, const X& x, int first,
                            Sums& f, Sums& off) {
    float scales[kStreams][8];
    LLAVAOV_UNROLL
    for (int r = 0; r < kStreams; ++r) Scales<n>(rows[r], kb, x, first, scales[r], &off[r]);
    LLAVAOV_UNROLL
    for (int i = 0; i < n; ++i) {
      const __m256i q = Load256(x.q[first + i]);
      LLAVAOV_UNROLL
      for (int r = 0; r < kStreams; ++r) {
        if (n == 8) AskAhead(rows[r], kb, (i + r) % 8);
        f[r] = Block(rows[r], kb + i, q, scales[r][i], f[r]);
      }
    }
  }

  // At the i-th of eight times: never for many lines at once.
  static inline void AskAhead(const char* row, int kb, int i) {
    constexpr int kLines = (8 * sizeof(typename W::Block) + 63) / 64;
    const char* at = reinterpret_cast<const char*>(&W::At(row, kb)) + kRowAhead;
    for (int line = i * kLines / 8; line < (i + 1) * kLines / 8; ++line) AskFor(at + line * 64);
  }

  // The products of scales, and what offsets and mins take off.
  template <int n>
  static inline void Scales(const char* row, int kb, const X& x, int first, float* scales,
                            __m256* off) {
    const __m256 xs = FirstOf<n>(x.scale + first), sum = FirstOf<n>(x.sum + first);
    const __m256 both = _mm256_mul_ps(HalvesOf<W, n>(row, kb, 0), xs);
    StoreScales(scales, both);
    if (kOffset) {
      *off = _mm256_fmadd_ps(both, _mm256_mul_ps(sum, _mm256_set1_ps(float(kOffset))), *off);
    }
    // Added by these types.
    if (W::kHasMin)
      *off = _mm256_fnmadd_ps(_mm256_mul_ps(HalvesOf<W, n>(row, kb, 2), xs), sum, *off);
  }

  static void Dots(const char* const (&rows)[kStreams], const void* packed, int k,
                   float (&out)[kStreams]) {
    const X* x = static_cast<const X*>(packed);
    const int blocks = k / kBlock;
    Sums f = {}, off = {};
    int kb = 0;
    for (; kb + 8 <= blocks; kb += 8, ++x) Blocks<8>(rows, kb, *x, 0, f, off);
    if (kb + 4 <= blocks) {
      Blocks<4>(rows, kb, *x, 0, f, off);
      kb += 4;
    }
    for (; kb < blocks; ++kb) Blocks<1>(rows, kb, *x, kb % 8, f, off);
    for (int r = 0; r < kStreams; ++r) out[r] = Sum8(_mm256_add_ps(f[r], off[r]));
  }
};

// Types of one scale and nibbles, of which four blocks hold no more than two vectors.
#if defined(LLAVAOV_PERMUTES)
template <class W>
using ScaledNibbles = NibbleRow<W>;
#else
template <class W>
using ScaledNibbles = PlainRow<W>;
#endif

}  // namespace

Kernel RowProduct(ggml_type type) {
  switch (type) {
    case GGML_TYPE_Q8_0:
      return Row<PlainRow<Q8_0>>::Entry();
    case GGML_TYPE_Q4_0:
      return Row<ScaledNibbles<Q4_0>>::Entry();
    case GGML_TYPE_Q4_1:
      return Row<PlainRow<Q4_1>>::Entry();
    case GGML_TYPE_Q5_0:
      return Row<ScaledNibbles<Q5_0>>::Entry();
    case GGML_TYPE_Q5_1:
      return Row<PlainRow<Q5_1>>::Entry();
    case GGML_TYPE_IQ4_NL:
      return Row<PlainRow<IQ4_NL>>::Entry();
    case GGML_TYPE_Q4_K:
      return Row<SuperRow<Q4_K>>::Entry();
    case GGML_TYPE_Q5_K:
      return Row<SuperRow<Q5_K>>::Entry();
    case GGML_TYPE_Q6_K:
      return Row<SuperRow<Q6_K>>::Entry();
    default:
      return FloatRowProduct(type);
  }
}

#else

Kernel RowProduct(ggml_type type) { return FloatRowProduct(type); }

#endif

}  // namespace llavaov::kernels
