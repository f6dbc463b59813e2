// Quantised weights by activations of eight bits. Both sides have a scale for every 32
// values (16 of the weights in some K-quants, which is finer than ggml's own products, whose
// activations share one per 256). Products are added up exactly, in int32, for a block; then one
// multiply-add in floats per sum.
//
// dpbusd wants one side without a sign: the weights, as they are stored. What that adds, offset
// times the activations' sum, is where the integer sums start. Without VNNI pairs of products are
// added up in int16: weights of eight bits (kIsWide) keep their sign for that and give it to the
// activations; those of fewer are at most 63, so that four products fit. A tile is 4 rows by 3
// vectors (2 with 16 registers); per block of 32 and sum, 8 instructions multiply and 3 scale, so
// at most 80 % of the machine's integer peak is to be had. A panel of 512 k is 24 KiB: it stays in
// L1.
#include "columns.h"
#include "product-loops.h"

namespace llavaov::kernels {

#if defined(LLAVAOV_BYTES)

namespace {

#if defined(LLAVAOV_VNNI)
constexpr bool kHasVnni = true;
#else
constexpr bool kHasVnni = false;
#endif
// Those of whole numbers: with the floats' beside them GCC stores some at every step.
constexpr bool kSumsFillRegisters = kHasVnni && kLanes == 8;
#if defined(LLAVAOV_NEON)
constexpr bool kIsNeon = true;
// Narrow: all activations pass each panel, from the second cache.
constexpr int kPanelBytes = 8192;
#else
constexpr bool kIsNeon = false;
constexpr int kPanelBytes = 24576;
#endif

constexpr int kRows = kIntRows, kVectors = kIntVectors;

// A block of four rows; the four bytes t of row r at [t][r].
struct ByteBlock {
  int32_t q[8][kRows];
  float scale[kRows];
  // The sum of each half's values: times -offset, or negative in scaled floats for types with a
  // min.
  union {
    int32_t start[2][kRows];
    float sum[2][kRows];
  };
};

template <int scales, bool has_min>
struct BytePanel {
  static constexpr int kCols = kVectors * kLanes, kMaxBlocks = kPanelBytes / kCols / kBlock;
  static constexpr int kMins = has_min ? scales : 1;
  alignas(64) int32_t q[kMaxBlocks][8][kVectors][kLanes];
  alignas(64) float scale[kMaxBlocks][scales][kVectors][kLanes];
  alignas(64) float min[kMaxBlocks][kMins][kVectors][kLanes];
};

template <class W>
struct ByteShape : Division {
  static constexpr int kGroup = kRows;
  using A = ByteBlock;
  using B = BytePanel<W::kScales, W::kHasMin>;
  static constexpr bool kBySign = !kHasVnni && W::kIsWide;
  static constexpr int kOffset = kBySign ? W::kOffset - 128 : W::kOffset;

  static void PackA(const float* const* rows, A* out) {
    I8 q[kRows];
    int32_t half[2][kRows];
    for (int r = 0; r < kRows; ++r) {
      q[r] = Bits8(Zeros8());
      out->scale[r] = 0.0f;
      if (rows[r]) {
        F8 x[4];
        LoadFloats(rows[r], x);
        const Quantised quantised = Quantise(x, 127.0f);
        q[r] = PackBytes(quantised.values);
        out->scale[r] = quantised.scale;
      }
      SumHalves(q[r], &half[0][r], &half[1][r]);
    }
    Transpose4x8(q, out->q);
    for (int r = 0; r < kRows; ++r) {
      const int first = W::kScales == 1 ? half[0][r] + half[1][r] : half[0][r];
      if (W::kHasMin) {
        const float scale = out->scale[r] / -kSumUnit;
        out->sum[0][r] = scale * float(first);
        out->sum[1][r] = scale * float(half[1][r]);
      } else {
        out->start[0][r] = kSumStart - kOffset * first;
        out->start[1][r] = kSumStart - kOffset * half[1][r];
      }
    }
  }

  static void Unpack(const WeightSlice& w, B* out) {
    for (int v = 0; v < kVectors; ++v) {
      const char* rows[kLanes];  // beyond the last column it comes again
      for (int i = 0; i < kLanes; ++i) {
        rows[i] = w.data + std::min(v * kLanes + i, w.n_cols - 1) * w.stride;
      }
      if constexpr (W::kSuper == 1) {
        UnpackBlocks(rows, w, v, out);
      } else {
        UnpackSuperBlocks(rows, w, v, out);
      }
    }
  }

  // What is small in every block goes aside first, for a vector of what is still on its way into
  // the cache would wait.
  static inline void UnpackBlocks(const char* const* rows, const WeightSlice& w, int v, B* out) {
    uint16_t scale[B::kMaxBlocks][kLanes], min[B::kMaxBlocks][kLanes];
    uint32_t high[B::kMaxBlocks][kLanes];
    for (int b = 0; b < w.blocks; ++b) {
      for (int i = 0; i < kLanes; ++i) {
        Prefetch(rows[i], w, w.kb + b);
        W::HalfScales(rows[i], w.kb + b, &scale[b][i], &min[b][i]);
        high[b][i] = W::HighBits(rows[i], w.kb + b);
      }
    }
    for (int b = 0; b < w.blocks; ++b) {
      Store(out->scale[b][0][v], LoadHalves(scale[b]));
      if (W::kHasMin) Store(out->min[b][0][v], Mul(Set(-kSumUnit), LoadHalves(min[b])));
      Columns<W>::Read(rows, w.kb + b, high[b], [&](int, int t, I x) {
        StoreIntegers(out->q[b][t][v], kBySign ? Xor(x, Bytes(128)) : x);
      });
    }
  }

  static inline void UnpackSuperBlocks(const char* const* rows, const WeightSlice& w, int v,
                                       B* out) {
    constexpr int kCount = 8 * W::kScales;
    for (int b = 0; b < w.blocks; b += W::kSuper) {
      float scale[kLanes][kCount], min[kLanes][kCount];
      for (int i = 0; i < kLanes; ++i) {
        Prefetch(rows[i], w, w.kb + b);
        W::SuperScales(rows[i], w.kb + b, scale[i], min[i]);
        for (int n = 0; W::kHasMin && n < kCount; ++n) min[i][n] *= kSumUnit;
      }
      Columns<W>::Read(rows, w.kb + b, nullptr,
                       [&](int n, int t, I x) { StoreIntegers(out->q[b + n][t][v], x); });
      for (int part = 0; part < kCount; part += 8) {
        Spread(&scale[0][part], kCount, part,
               [&](int n) { return out->scale[b + n / W::kScales][n % W::kScales][v]; });
        if (!W::kHasMin) continue;
        Spread(&min[0][part], kCount, part, [&](int n) {
          return out->min[b + n / W::kScales][W::kHasMin ? n % W::kScales : 0][v];
        });
      }
    }
  }

  // The same block of the panel that this thread takes next: hardware does not foresee it.
  static inline void Prefetch(const char* row, const WeightSlice& w, int kb) {
    const char* block = row + w.next + kb / W::kSuper * sizeof(typename W::Block);
    for (size_t i = 0; i < sizeof(typename W::Block); i += 64) AskForLater(block + i);
  }

  // Eight numbers of each column, kCount apart, to where `at` says that a vector of them lies.
  template <class At>
  static inline void Spread(const float* numbers, int count, int part, At at) {
    I8 rows[kLanes];
    for (int i = 0; i < kLanes; ++i) rows[i] = Load256(numbers + i * count);
    I columns[8];
    TransposeLanes(rows, columns);
    for (int n = 0; n < 8; ++n) StoreIntegers(at(part + n), columns[n]);
  }

  static void Tile(const A* a, const B& panel, int blocks, const Output& out) {
    F f[kRows][kVectors];
    LoadTile(out, f);
    for (int b = 0; b < blocks; ++b, ++a) {
      LLAVAOV_UNROLL
      for (int s = 0; s < W::kScales; ++s) Scaled(*a, panel, b, s, f);
      if (!W::kHasMin) continue;
      LLAVAOV_UNROLL
      for (int s = 0; s < W::kScales; ++s) {
        LLAVAOV_UNROLL
        for (int v = 0; v < kVectors; ++v) {
          const F min = Load(panel.min[b][W::kHasMin ? s : 0][v]);
          const auto sums = LoadEach(a->sum[s]);
          LLAVAOV_UNROLL
          for (int r = 0; r < kRows; ++r) f[r][v] = MulAdd(min, Set(sums[r]), f[r][v]);
        }
      }
    }
    StoreTile(out, f);
  }

  // Steps of four products that go into int32 together.
  static constexpr int kTogether = kHasVnni || kBySign || kIsNeon ? 1 : 2;

#if !defined(LLAVAOV_NEON)
  static inline I Dot(I sum, I w, I x, [[maybe_unused]] I next_w, [[maybe_unused]] I next_x) {
#if defined(LLAVAOV_VNNI)
    return DotBytes(sum, w, x);
#else
    if (kBySign) return AddPairs(sum, SignedPairs(w, x));
    return AddPairs(sum, AddWords(Pairs(w, x), Pairs(next_w, next_x)));
#endif
  }
#endif

  // The products that share scale `s` of block `b`.
  static inline void Scaled(const A& a, const B& panel, int b, int s, F (&f)[kRows][kVectors]) {
    constexpr int kSteps = 8 / W::kScales;
    I sum[kRows][kVectors];
    LLAVAOV_UNROLL
    for (int r = 0; r < kRows; ++r) {
      const I start = Integers(kOffset ? a.start[s][r] : kSumStart);
      LLAVAOV_UNROLL
      for (int v = 0; v < kVectors; ++v) sum[r][v] = start;
    }
    LLAVAOV_UNROLL
    for (int t = s * kSteps; t < (s + 1) * kSteps; t += kTogether) {
      I w[kTogether][kVectors];
      LLAVAOV_UNROLL
      for (int i = 0; i < kTogether; ++i) {
        LLAVAOV_UNROLL
        for (int v = 0; v < kVectors; ++v) w[i][v] = LoadIntegers(panel.q[b][t + i][v]);
      }
#if defined(LLAVAOV_NEON)
      DotEach(sum, w[0][0], a.q[t]);
#else
      LLAVAOV_UNROLL
      for (int r = 0; r < kRows; ++r) {
        const I x = Integers(a.q[t][r]), next = Integers(a.q[t + kTogether - 1][r]);
        LLAVAOV_UNROLL
        for (int v = 0; v < kVectors; ++v) {
          sum[r][v] = Dot(sum[r][v], w[0][v], x, w[kTogether - 1][v], next);
        }
      }
#endif
    }
    if (kSumsFillRegisters) StayInMemory(f);
    LLAVAOV_UNROLL
    for (int v = 0; v < kVectors; ++v) {
      const F scale = Load(panel.scale[b][s][v]);
      const auto scales = LoadEach(a.scale);
      LLAVAOV_UNROLL
      for (int r = 0; r < kRows; ++r) {
        f[r][v] = MulAdd(SumToFloats(sum[r][v]), Mul(scale, Set(scales[r])), f[r][v]);
      }
    }
  }
};

}  // namespace

Kernel ByteProduct(ggml_type type) {
  switch (type) {
#if !defined(__ARM_FEATURE_MATMUL_INT8)  // of which ggml's repacked products of these make more
    case GGML_TYPE_Q8_0:
      return Product<ByteShape<Q8_0>>::Entry();
    case GGML_TYPE_Q4_0:
      return Product<ByteShape<Q4_0>>::Entry();
#endif
    case GGML_TYPE_Q4_1:
      return Product<ByteShape<Q4_1>>::Entry();
    case GGML_TYPE_Q5_0:
      return Product<ByteShape<Q5_0>>::Entry();
    case GGML_TYPE_Q5_1:
      return Product<ByteShape<Q5_1>>::Entry();
    case GGML_TYPE_IQ4_NL:
      return Product<ByteShape<IQ4_NL>>::Entry();
    case GGML_TYPE_Q2_K:
      return Product<ByteShape<Q2_K>>::Entry();
    case GGML_TYPE_Q3_K:
      return Product<ByteShape<Q3_K>>::Entry();
    case GGML_TYPE_Q4_K:
      return Product<ByteShape<Q4_K>>::Entry();
    case GGML_TYPE_Q5_K:
      return Product<ByteShape<Q5_K>>::Entry();
    case GGML_TYPE_Q6_K:
      return Product<ByteShape<Q6_K>>::Entry();
    default:
      return {};
  }
}

#else

Kernel ByteProduct(ggml_type) { return {}; }

#endif

}  // namespace llavaov::kernels
