// Weights as floats: f32 files everywhere, f16 and bf16 where the build has no VNNI, since the
// older instruction for words multiplies hardly more a cycle than a fused multiply-add does and
// rounds activations besides.
//
// One chain of f32 multiply-adds over k loses 6e-7 at 1152, six times what ggml's many short chains
// do. So 16 k are summed in registers and what they give in pairs: about 1e-7 at any k.
//
// A tile is 8 rows by 3 vectors (4 by 3 with 16 registers): 24 sums, 3 weights, one activation. A
// panel of 512 k is 96 KiB (48) and lies in L2; A's rows of a group are side by side.
#include "floats.h"
#include "product-loops.h"

namespace llavaov::kernels {

#if defined(LLAVAOV_KERNELS)

namespace {

constexpr int kRows = kFloatRows, kVectors = kFloatVectors;
constexpr int kPiece = 16;  // k that one chain of multiply-adds sums
constexpr int kLevels = 6;  // of sums of 2^level pieces: 512 k are 32 pieces

struct FloatRows {
  float x[kBlock][kRows];
};

struct FloatPanel {
  static constexpr int kCols = kVectors * kLanes, kMaxBlocks = 16;
  alignas(64) float w[kMaxBlocks * kBlock][kVectors][kLanes];
};

inline void TransposeRows(const I8* rows, float (*out)[kRows]) {
#if defined(LLAVAOV_WIDE)
  I8 columns[8];
  Transpose8x8(rows, columns);
  for (int t = 0; t < 8; ++t) Store256(out[t], columns[t]);
#else
  int32_t columns[8][4];
  Transpose4x8(rows, columns);
  std::memcpy(out, columns, sizeof columns);
#endif
}

void PackFloats(const float* const* rows, FloatRows* out) {
  for (int k = 0; k < kBlock; k += 8) {
    I8 x[kRows];
    for (int r = 0; r < kRows; ++r) x[r] = rows[r] ? Load256(rows[r] + k) : Bits8(Zeros8());
    TransposeRows(x, out->x + k);
  }
}

template <class T>
inline void UnpackFloats(const WeightSlice& w, FloatPanel* out) {
  for (int v = 0; v < kVectors; ++v) {
    const int valid = std::min(kLanes, w.n_cols - v * kLanes);
    for (int b = 0; b < w.blocks; ++b) {
      I8 rows[4][kLanes];
      for (int i = 0; i < kLanes; ++i) {
        F8 x[4] = {Zeros8(), Zeros8(), Zeros8(), Zeros8()};
        if (i < valid) {
          FloatBlock<T>(w.data + (v * kLanes + i) * w.stride, w.kb + b,
                        b + 1 == w.blocks ? w.rest : 0, x);
        }
        for (int j = 0; j < 4; ++j) rows[j][i] = Bits8(x[j]);
      }
      for (int j = 0; j < 4; ++j) {
        I columns[8];
        TransposeLanes(rows[j], columns);
        for (int t = 0; t < 8; ++t) StoreIntegers(out->w[b * kBlock + j * 8 + t][v], columns[t]);
      }
    }
  }
}

using Sums = F[kRows][kVectors];

// The products of kPiece k.
inline void Piece(const float (*x)[kRows], const float (*w)[kVectors][kLanes], Sums& f) {
  LLAVAOV_UNROLL
  for (int r = 0; r < kRows; ++r) {
    LLAVAOV_UNROLL
    for (int v = 0; v < kVectors; ++v) f[r][v] = Zero();
  }
  for (int k = 0; k < kPiece; ++k) {
    F weights[kVectors];
    LLAVAOV_UNROLL
    for (int v = 0; v < kVectors; ++v) weights[v] = Load(w[k][v]);
    const auto values = LoadEach(x[k]);
    LLAVAOV_UNROLL
    for (int r = 0; r < kRows; ++r) {
      const F value = Set(values[r]);
      LLAVAOV_UNROLL
      for (int v = 0; v < kVectors; ++v) f[r][v] = MulAdd(weights[v], value, f[r][v]);
    }
  }
}

inline void AddSums(const float (&from)[kRows][kVectors][kLanes], Sums& f) {
  LLAVAOV_UNROLL
  for (int r = 0; r < kRows; ++r) {
    LLAVAOV_UNROLL
    for (int v = 0; v < kVectors; ++v) f[r][v] = Add(Load(from[r][v]), f[r][v]);
  }
}

// Sums of pieces are added in pairs, those of pairs in pairs, as one counts in binary: `tree[bit]`
// holds the sum of 2^bit pieces where that bit of the count is set.
void MultiplyFloats(const FloatRows* a, const FloatPanel& panel, int blocks, const Output& out) {
  alignas(64) float tree[kLevels][kRows][kVectors][kLanes];
  const int pieces = blocks * (kBlock / kPiece);
  const float (*x)[kRows] = a->x;
  Sums f;
  for (int piece = 0; piece < pieces; ++piece, x += kPiece) {
    Piece(x, panel.w + piece * kPiece, f);
    int bit = 0;
    for (; piece >> bit & 1; ++bit) AddSums(tree[bit], f);
    if (piece + 1 == pieces) {
      for (++bit; bit < kLevels; ++bit) {
        if (piece >> bit & 1) AddSums(tree[bit], f);
      }
      break;
    }
    LLAVAOV_UNROLL
    for (int r = 0; r < kRows; ++r) {
      LLAVAOV_UNROLL
      for (int v = 0; v < kVectors; ++v) Store(tree[bit][r][v], f[r][v]);
    }
  }
  if (out.add) {
    Sums before;
    LoadTile(out, before);
    LLAVAOV_UNROLL
    for (int r = 0; r < kRows; ++r) {
      LLAVAOV_UNROLL
      for (int v = 0; v < kVectors; ++v) f[r][v] = Add(before[r][v], f[r][v]);
    }
  }
  StoreTile(out, f);
}

template <class T>
struct FloatShape : Division {
  static constexpr int kGroup = kRows;
  using A = FloatRows;
  using B = FloatPanel;
  static void PackA(const float* const* rows, A* out) { PackFloats(rows, out); }
  static void Unpack(const WeightSlice& w, B* out) { UnpackFloats<T>(w, out); }
  static void Tile(const A* a, const B& panel, int blocks, const Output& out) {
    MultiplyFloats(a, panel, blocks, out);
  }
};

}  // namespace

Kernel FloatProduct(ggml_type type) {
  switch (type) {
    case GGML_TYPE_F32:
      return Product<FloatShape<F32>>::Entry();
#if !defined(LLAVAOV_VNNI)
    case GGML_TYPE_F16:
      return Product<FloatShape<F16>>::Entry();
    case GGML_TYPE_BF16:
      return Product<FloatShape<BF16>>::Entry();
#endif
    default:
      return {};
  }
}

#else

Kernel FloatProduct(ggml_type) { return {}; }

#endif

}  // namespace llavaov::kernels
