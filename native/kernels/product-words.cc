// f16 and bf16 weights as integers of 14 bits, with VNNI. Every 32 values of a row, weights and
// activations alike, share a scale by which the largest becomes 8191: 32 products of 13 bits and a
// sign each fit into int32, and dpwssd does twice the multiplications of a float instruction. The
// error, 1.2e-4 of the result, is below that of ggml's product, which rounds activations to f16
// (2.1e-4) or bf16 (1.6e-3). Blocking as in product-bytes.cc.
#include "floats.h"
#include "product-loops.h"

namespace llavaov::kernels {

#if defined(LLAVAOV_VNNI)

namespace {

constexpr int kRows = kIntRows, kVectors = kIntVectors;
constexpr float kTop = 8191.0f;

// A block of four rows; the pair of words t of row r at [t][r].
struct WordBlock {
  int32_t q[16][kRows];
  float scale[kRows];
};

struct WordPanel {
  static constexpr int kCols = kVectors * kLanes, kMaxBlocks = 16;
  alignas(64) int32_t q[kMaxBlocks][16][kVectors][kLanes];
  alignas(64) float scale[kMaxBlocks][kVectors][kLanes];
};

struct Words {
  __m256i low = _mm256_setzero_si256(), high = low;
  float scale = 0.0f;
};

inline Words ToWords(const __m256 (&x)[4]) {
  const Quantised q = Quantise(x, kTop);
  return {PackWords(q.values[0], q.values[1]), PackWords(q.values[2], q.values[3]), q.scale};
}

template <class T>
struct WordShape : Division {
  static constexpr int kGroup = kRows;
  using A = WordBlock;
  using B = WordPanel;

  static void PackA(const float* const* rows, A* out) {
    __m256i low[kRows], high[kRows];
    for (int r = 0; r < kRows; ++r) {
      Words words;
      if (rows[r]) {
        __m256 x[4];
        LoadFloats(rows[r], x);
        words = ToWords(x);
      }
      low[r] = words.low;
      high[r] = words.high;
      out->scale[r] = words.scale;
    }
    Transpose4x8(low, out->q);
    Transpose4x8(high, out->q + 8);
  }

  static void Unpack(const WeightSlice& w, B* out) {
    for (int v = 0; v < kVectors; ++v) {
      const int valid = std::min(kLanes, w.n_cols - v * kLanes);
      for (int b = 0; b < w.blocks; ++b) {
        __m256i low[kLanes], high[kLanes];
        for (int i = 0; i < kLanes; ++i) {
          Words words;
          if (i < valid) {
            __m256 x[4];
            FloatBlock<T>(w.data + (v * kLanes + i) * w.stride, w.kb + b,
                          b + 1 == w.blocks ? w.rest : 0, x);
            words = ToWords(x);
          }
          low[i] = words.low;
          high[i] = words.high;
          out->scale[b][v][i] = words.scale;
        }
        I columns[16];
        TransposeLanes(low, columns);
        TransposeLanes(high, columns + 8);
        for (int t = 0; t < 16; ++t) StoreIntegers(out->q[b][t][v], columns[t]);
      }
    }
  }

  static void Tile(const A* a, const B& panel, int blocks, const Output& out) {
    F f[kRows][kVectors];
    LoadTile(out, f);
    for (int b = 0; b < blocks; ++b, ++a) {
      I sum[kRows][kVectors];
      LLAVAOV_UNROLL
      for (int r = 0; r < kRows; ++r) {
        LLAVAOV_UNROLL
        for (int v = 0; v < kVectors; ++v) sum[r][v] = Integers(0);
      }
      LLAVAOV_UNROLL
      for (int t = 0; t < 16; ++t) {
        I w[kVectors];
        LLAVAOV_UNROLL
        for (int v = 0; v < kVectors; ++v) w[v] = LoadIntegers(panel.q[b][t][v]);
        LLAVAOV_UNROLL
        for (int r = 0; r < kRows; ++r) {
          const I x = Integers(a->q[t][r]);
          LLAVAOV_UNROLL
          for (int v = 0; v < kVectors; ++v) sum[r][v] = DotWords(sum[r][v], w[v], x);
        }
      }
      LLAVAOV_UNROLL
      for (int v = 0; v < kVectors; ++v) {
        const F scale = Load(panel.scale[b][v]);
        LLAVAOV_UNROLL
        for (int r = 0; r < kRows; ++r) {
          f[r][v] = MulAdd(ToFloats(sum[r][v]), Mul(scale, Set(a->scale[r])), f[r][v]);
        }
      }
    }
    StoreTile(out, f);
  }
};

}  // namespace

Kernel WordProduct(ggml_type type) {
  if (type == GGML_TYPE_F16) return Product<WordShape<F16>>::Entry();
  if (type == GGML_TYPE_BF16) return Product<WordShape<BF16>>::Entry();
  return {};
}

#else

Kernel WordProduct(ggml_type) { return {}; }

#endif

}  // namespace llavaov::kernels
