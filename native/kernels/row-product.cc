// One row of activations: every weight is used once, so the speed is that of memory. A thread reads
// one stretch of rows from end to end, asks for what lies 4 KiB ahead (hardware does not look
// beyond a page), and quantises the activations for itself, which is cheaper than a barrier.
// Quantised weights multiply activations of eight bits with a scale for every 32; floats are
// multiplied as they are. Of the K-quants those that files of the published models hold have a
// kernel here.
#include "floats.h"
#include "product-loops.h"

namespace llavaov::kernels {

#if defined(LLAVAOV_KERNELS)

namespace {

constexpr int kAhead = 4096;

inline void Prefetch(const char* p) { _mm_prefetch(p + kAhead, _MM_HINT_T0); }

inline __m256i QuantiseRow(const float* x, float* scale) {
  __m256 floats[4];
  LoadFloats(x, floats);
  const Quantised q = Quantise(floats, 127.0f);
  *scale = q.scale;
  return PackBytes(q.values);
}

// As many sums as a multiply-add takes cycles, so that none waits for the one before.
constexpr int kChains = 4;
using Sums = __m256[kChains];

inline __m256 Total(const Sums& f) {
  return _mm256_add_ps(_mm256_add_ps(f[0], f[1]), _mm256_add_ps(f[2], f[3]));
}

// Put together in registers: what has just been written in pieces is not read as one at once.
inline __m256 EightHalves(const uint16_t (&h)[8]) {
  return _mm256_cvtph_ps(_mm_setr_epi16(short(h[0]), short(h[1]), short(h[2]), short(h[3]),
                                        short(h[4]), short(h[5]), short(h[6]), short(h[7])));
}

// Scales go over memory, which gives one to all lanes for nothing: compilers would rather permute,
// in the one unit that puts things together too.
inline void StoreScales(float* to, __m256 scales) {
  _mm256_storeu_ps(to, scales);
#if defined(__GNUC__)
  asm("" : : "r"(to) : "memory");
#endif
}

// n of eight floats, then zeros.
template <int n>
inline __m256 FirstOf(const float* x) {
  if (n == 8) return _mm256_loadu_ps(x);
  return _mm256_zextps128_ps256(n == 4 ? _mm_loadu_ps(x) : _mm_load_ss(x));
}

// The eight sums of four bytes each.
inline __m256i SumsOfFour(__m256i q) {
  return DotBytes256(_mm256_setzero_si256(), _mm256_set1_epi8(1), q);
}

// Blocks of 32 with one scale, eight at a time: their scales are made together, and what offsets
// and mins take off is one product of vectors for all eight.
template <class W>
struct PlainRow {
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

  static void Pack(const float* row, int k, void* to) {
    X* x = static_cast<X*>(to);
    for (int i = 0; i < k; i += 8 * kBlock, ++x) {
      *x = {};
      for (int b = 0; b < 8 && i + b * kBlock < k; ++b) {
        const __m256i q = QuantiseRow(row + i + b * kBlock, &x->scale[b]);
        Store256(x->q[b], q);
        x->sum[b] = -Sum256(_mm256_cvtepi32_ps(SumsOfFour(q)));
      }
    }
  }

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
    uint16_t s[8] = {}, m[8] = {};
    LLAVAOV_UNROLL
    for (int i = 0; i < n; ++i) W::HalfScales(row, kb + i, &s[i], &m[i]);
    const __m256 xs = FirstOf<n>(x.scale + first), sum = FirstOf<n>(x.sum + first);
    const __m256 both = _mm256_mul_ps(EightHalves(s), xs);
    float scales[8];
    StoreScales(scales, both);
    if (kOffset) {
      *off = _mm256_fmadd_ps(both, _mm256_mul_ps(sum, _mm256_set1_ps(float(kOffset))), *off);
    }
    // Added by these types.
    if (W::kHasMin) *off = _mm256_fnmadd_ps(_mm256_mul_ps(EightHalves(m), xs), sum, *off);
    LLAVAOV_UNROLL
    for (int i = 0; i < n; ++i) {
      f[i % kChains] = Block(row, kb + i, x.q[first + i], scales[i], f[i % kChains]);
    }
  }

  static float Dot(const char* row, const void* packed, int k) {
    const X* x = static_cast<const X*>(packed);
    const int blocks = k / kBlock;
    Sums f = {};
    __m256 off = _mm256_setzero_ps();
    int kb = 0;
    for (; kb + 8 <= blocks; kb += 8, ++x) {
      const char* first = reinterpret_cast<const char*>(&W::At(row, kb));
      for (size_t i = 0; i < 8 * sizeof(typename W::Block); i += 64) Prefetch(first + i);
      Blocks<8>(row, kb, *x, 0, f, &off);
    }
    if (kb + 4 <= blocks) {
      Blocks<4>(row, kb, *x, 0, f, &off);
      kb += 4;
    }
    for (; kb < blocks; ++kb) Blocks<1>(row, kb, *x, kb % 8, f, &off);
    return Sum256(_mm256_add_ps(Total(f), off));
  }
};

// Super-blocks of 256. Scales of a block times those of the activations are made together; what
// offsets and mins take off is one product of vectors a super-block.
template <class W>
struct SuperRow {
  static constexpr int kSums = 8 * W::kScales;
  struct X {
    int8_t q[8][kBlock];
    float scale[8];
    float sum[kSums];  // of the values that share a scale of the weights, scaled, negative
  };

  static size_t Size(int k) { return size_t(k) / 256 * sizeof(X); }

  static void Pack(const float* row, int k, void* to) {
    X* x = static_cast<X*>(to);
    for (int i = 0; i < k; i += 256, ++x) {
      for (int b = 0; b < 8; ++b) {
        const __m256i q = QuantiseRow(row + i + b * kBlock, &x->scale[b]);
        Store256(x->q[b], q);
        int32_t sums[8];
        Store256(sums, SumsOfFour(q));
        const float low = float(sums[0] + sums[1] + sums[2] + sums[3]);
        const float high = float(sums[4] + sums[5] + sums[6] + sums[7]);
        if (W::kScales == 2) {
          x->sum[2 * b] = -x->scale[b] * low;
          x->sum[2 * b + 1] = -x->scale[b] * high;
        } else {
          x->sum[b] = -x->scale[b] * (low + high);
        }
      }
    }
  }

  // The scales of a super-block by those of the activations, and what comes off.
  static inline void Scales(const char* row, int kb, const X& x, float* scales, __m256* off) {
    const auto& b = W::At(row, kb);
    const __m256 d = _mm256_set1_ps(Half(b.d)), xs = _mm256_loadu_ps(x.scale);
    if constexpr (W::kHasMin) {
      __m256 s, m;
      SixBits(b.scales, &s, &m);
      StoreScales(scales, _mm256_mul_ps(_mm256_mul_ps(s, d), xs));
      *off = _mm256_fmadd_ps(_mm256_mul_ps(m, _mm256_set1_ps(Half(b.dmin))), _mm256_loadu_ps(x.sum),
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

  static float Dot(const char* row, const void* packed, int k) {
    const X* x = static_cast<const X*>(packed);
    Sums f = {};
    __m256 off = _mm256_setzero_ps();
    for (int kb = 0; kb < k / kBlock; kb += 8, ++x) {
      const char* block = reinterpret_cast<const char*>(&W::At(row, kb));
      for (size_t i = 0; i < sizeof(typename W::Block); i += 64) Prefetch(block + i);
      float scales[16];
      Scales(row, kb, *x, scales, &off);
      LLAVAOV_UNROLL
      for (int i = 0; i < 8; ++i) {
        const __m256i sums =
            DotBytes256(_mm256_setzero_si256(), W::Quants(block, i), Load256(x->q[i]));
        __m256 s = _mm256_set1_ps(scales[i * W::kScales]);
        if (W::kScales == 2) s = _mm256_insertf128_ps(s, _mm_set1_ps(scales[i * 2 + 1]), 1);
        f[i % kChains] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(sums), s, f[i % kChains]);
      }
    }
    return Sum256(_mm256_add_ps(Total(f), off));
  }
};

template <class T>
struct FloatRow {
  static size_t Size(int k) { return size_t(k) * sizeof(float); }
  static void Pack(const float* row, int k, void* to) { std::memcpy(to, row, Size(k)); }

  static float Dot(const char* row, const void* packed, int k) {
    const float* x = static_cast<const float*>(packed);
    constexpr int kStep = 4 * kLanes;
    F f[4] = {Zero(), Zero(), Zero(), Zero()};
    int i = 0;
    for (; i + kStep <= k; i += kStep) {
      for (int line = 0; line < kStep * T::kBytes; line += 64) Prefetch(row + i * T::kBytes + line);
      LLAVAOV_UNROLL
      for (int j = 0; j < 4; ++j) {
        const int at = i + j * kLanes;
        f[j] = MulAdd(T::LoadLanes(row + at * T::kBytes), Load(x + at), f[j]);
      }
    }
    for (; i < k; i += kLanes) {
      const int left = k - i < kLanes ? k - i : kLanes;
      char copy[kLanes * T::kBytes] = {};
      std::memcpy(copy, row + i * T::kBytes, left * T::kBytes);
      f[0] = MulAdd(T::LoadLanes(copy), LoadFirst(x + i, left), f[0]);
    }
    return SumOf(Add(Add(f[0], f[1]), Add(f[2], f[3])));
  }
};

template <class Shape>
struct Row {
  static Kernel Entry() { return {Work, Run}; }
  static size_t Work(int threads, const ggml_tensor* op) {
    return threads * Align(Shape::Size(int(op->src[0]->ne[0]))) + 128;
  }
  static void Run(const ggml_compute_params* params, ggml_tensor* op) {
    const ggml_tensor* w = op->src[0];
    const int k = int(w->ne[0]), ith = params->ith, nth = params->nth;
    void* x = AlignUp(params->wdata) + ith * Align(Shape::Size(k));
    Shape::Pack(static_cast<const float*>(op->src[1]->data), k, x);
    // In whole lines of the output.
    const int64_t n = w->ne[1], lines = (n + 15) / 16;
    const int64_t first = lines * ith / nth * 16, end = std::min(n, lines * (ith + 1) / nth * 16);
    float* out = static_cast<float*>(op->data);
    for (int64_t row = first; row < end; ++row) {
      out[row] = Shape::Dot(static_cast<const char*>(w->data) + row * w->nb[1], x, k);
    }
  }
};

}  // namespace

Kernel RowProduct(ggml_type type) {
  switch (type) {
    case GGML_TYPE_Q8_0:
      return Row<PlainRow<Q8_0>>::Entry();
    case GGML_TYPE_Q4_0:
      return Row<PlainRow<Q4_0>>::Entry();
    case GGML_TYPE_Q4_1:
      return Row<PlainRow<Q4_1>>::Entry();
    case GGML_TYPE_Q5_0:
      return Row<PlainRow<Q5_0>>::Entry();
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
    case GGML_TYPE_F16:
      return Row<FloatRow<F16>>::Entry();
    case GGML_TYPE_BF16:
      return Row<FloatRow<BF16>>::Entry();
    case GGML_TYPE_F32:
      return Row<FloatRow<F32>>::Entry();
    default:
      return {};
  }
}

#else

Kernel RowProduct(ggml_type) { return {}; }

#endif

}  // namespace llavaov::kernels
