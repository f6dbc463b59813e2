// Sixteen rows of quantised weights by up to sixteen rows of activations on AMX's tiles
// (few-tiles.cc): how activations are packed, the product along k, and results put in order.
#pragma once

#include "product-loops.h"
#include "tile-weights.h"

#if defined(LLAVAOV_TILES)

namespace llavaov::kernels {

constexpr int kHeight = kTileHeight;
constexpr int kPass = kLanes;  // rows of activations at once, at most

// Compilers would load numbers early, and then permute them.
inline F MulBy(F x, const float* by) {
  F y;
  asm("vmulps %2%{1to16%}, %1, %0" : "=v"(y) : "v"(x), "m"(*by));
  return y;
}
inline F AddTo(F f, F x, const float* by) {
  asm("vfmadd231ps %2%{1to16%}, %1, %0" : "+v"(f) : "v"(x), "m"(*by));
  return f;
}
inline F AddTo(F f, __mmask16 lanes, F x, const float* by) {
  asm("vfmadd231ps %3%{1to16%}, %2, %0%{%1%}" : "+v"(f) : "Yk"(lanes), "v"(x), "m"(*by));
  return f;
}

template <class W, int rows>
struct FewTiles {
  static constexpr int kRows = rows, kUnits = kLanes / rows, kDepth = kBlock / W::kScales;

  // The activations of a tile of sums.
  struct Group {
    int32_t q[kUnits][kDepth / 4][kLanes];
    float scale[kLanes];  // by kSumUnit, as are sums
    float sum[kLanes];    // of a unit's values, scaled, for mins
  };

  static int Groups(int blocks) { return (blocks * W::kScales + kUnits - 1) / kUnits; }

  // Rows [first, first + some) of x, of which every thread does its part.
  static void Pack(const ggml_tensor* x, int first, int some, int ith, int nth, void* to) {
    const int blocks = int(x->ne[0]) / kBlock, units = Groups(blocks) * kUnits;
    for (int kb = ith; kb * W::kScales < units; kb += nth) {
      int32_t q[rows][kBlock / 4] = {};
      float scale[rows] = {}, sum[2][rows] = {};
      for (int r = 0; r < some && kb < blocks; ++r) {
        PackBlock(RowOf(x, first + r) + kb * kBlock, q[r], &scale[r], &sum[0][r], &sum[1][r]);
      }
      for (int s = 0; s < W::kScales && kb * W::kScales + s < units; ++s) {
        const int unit = kb * W::kScales + s, at = unit % kUnits * rows;
        Group& g = static_cast<Group*>(to)[unit / kUnits];
        for (int t = 0; t < kDepth / 4; ++t) {
          int32_t* line = g.q[unit % kUnits][t];
          StoreIntegers(line, Integers(0));
          for (int r = 0; r < rows; ++r) line[at + r] = q[r][s * kDepth / 4 + t];
        }
        std::memcpy(g.scale + at, scale, sizeof scale);
        std::memcpy(g.sum + at, sum[s], sizeof sum[s]);
      }
    }
  }

  static void PackBlock(const float* x, int32_t* q, float* scale, float* sum, float* sum_of_half) {
    __m256 floats[4];
    LoadFloats(x, floats);
    const Quantised quantised = Quantise(floats, 127.0f);
    const __m256i bytes = PackBytes(quantised.values);
    Store256(q, bytes);
    *scale = quantised.scale / kSumUnit;
    if (!W::kHasMin) return;
    int32_t sums[8];
    Store256(sums, DotBytes256(_mm256_setzero_si256(), _mm256_set1_epi8(1), bytes));
    const float factor = quantised.scale / (W::kSuper == 1 ? kSumUnit : -kSumUnit);
    const float low = factor * float(sums[0] + sums[1] + sums[2] + sums[3]);
    const float high = factor * float(sums[4] + sums[5] + sums[6] + sums[7]);
    *sum = W::kScales == 1 ? low + high : low;
    *sum_of_half = high;
  }

  // Tiles 0 and 1, 2 and 3 are sums, 4 and 5 weights, 6 and 7 activations.
  static TileShapes Shapes(int height) {
    TileShapes shapes;
    for (int i = 0; i < 4; ++i) shapes.Set(i, height, kTileBytes);
    for (int i = 4; i < 6; ++i) shapes.Set(i, height, kDepth);
    for (int i = 6; i < 8; ++i) shapes.Set(i, kDepth / 4, kTileBytes);
    return shapes;
  }

  using Weights = TileWeights<W>;
  using Factors = TileFactors<W>;
  using Products = int32_t[kHeight][kLanes];

  // Units [first, first + units) of the chunk from block kb on, of the activations of one group or
  // two, into tiles c and c + 1.
  template <int c>
  static inline void Multiply(const Weights& w, const Panel& p, int kb, int first, int units,
                              const Group* g) {
    ZeroTile<c>();
    ZeroTile<c + 1>();
    size_t stride;
    if (units < 2 * kUnits) {
      for (int j = 0; j < units; ++j) {
        const void* a = w.Unit(p, kb, first + j, &stride);
        ReadTile<4>(a, stride);
        ReadTile<6>(g[j / kUnits].q[j % kUnits], kTileBytes);
        if (j < kUnits) {
          DotTilesOfBytes<c, 4, 6>();
        } else {
          DotTilesOfBytes<c + 1, 4, 6>();
        }
      }
      return;
    }
    LLAVAOV_UNROLL
    for (int j = 0; j < kUnits; ++j) {
      const void* a = w.Unit(p, kb, first + j, &stride);
      ReadTile<4>(a, stride);
      ReadTile<6>(g[0].q[j], kTileBytes);
      DotTilesOfBytes<c, 4, 6>();
      a = w.Unit(p, kb, first + kUnits + j, &stride);
      ReadTile<5>(a, stride);
      ReadTile<7>(g[1].q[j], kTileBytes);
      DotTilesOfBytes<c + 1, 5, 7>();
      constexpr int kAskedRows = 2 * kHeight / Weights::kUnits;
      const int row = (first / 2 + j) * kAskedRows;
      Weights::Prefetch(p, kb, row, row + kAskedRows);
    }
  }

  // Sums of each row of weights, by `lanes` of unit and activation.
  using Sums = F[kHeight];

  static inline void Add(const Products& products, const Group& g, const Factors& factors,
                         int first, Sums& f) {
    const F scale = Load(g.scale), sum = Load(g.sum);
    const float* by = factors.scale + Factors::At(first, 0);
    const float* min = factors.min + (W::kHasMin ? Factors::At(first, 0) : 0);
    LLAVAOV_UNROLL
    for (int r = 0; r < kHeight; ++r) {
      const F x = ToFloats(LoadIntegers(products[r]));
      if (kUnits == 1) {
        f[r] = MulAdd(x, MulBy(scale, by + Factors::At(0, r)), f[r]);
        if (W::kHasMin) f[r] = AddTo(f[r], sum, min + Factors::At(0, r));
        continue;
      }
      const F scaled = Mul(x, scale);
      LLAVAOV_UNROLL
      for (int j = 0; j < kUnits; ++j) {
        const __mmask16 lanes = __mmask16(((1u << rows) - 1) << (j * rows));
        f[r] = AddTo(f[r], lanes, scaled, by + Factors::At(j, r));
        if (W::kHasMin) f[r] = AddTo(f[r], lanes, sum, min + Factors::At(j, r));
      }
    }
  }

  // What has been multiplied and not added yet.
  struct Pair {
    const Group* group;
    const Factors* factors;
    int first, count;

    void AddTo(const Products* products, Sums& f) const {
      for (int i = 0; i < count; ++i) Add(products[i], group[i], *factors, first + i * kUnits, f);
    }
  };

  template <int c>
  static inline void WritePair(Products* products) {
    WriteTile<c>(products[0], kTileBytes);
    WriteTile<c + 1>(products[1], kTileBytes);
  }

  // For each of the panel's rows, results by activation, where a vector has half as many lanes in
  // two parts that are to be added. Every row has room for as many panels as there are lanes.
  static constexpr int kResults = rows < 8 ? 8 : rows;
  using Results = float[kHeight][kLanes][kResults];

  LLAVAOV_NOINLINE static void Multiply(const Panel& p, const Group* g, int blocks, int at,
                                        Results& results) {
    Sums f;
    LLAVAOV_UNROLL
    for (int r = 0; r < kHeight; ++r) f[r] = Zero();
    Weights weights;
    Factors factors[2];
    alignas(64) Products products[2];
    Pair last = {};
    bool is_odd = false;
    for (int kb = 0; kb < blocks; kb += kChunk) {
      const int some = std::min(blocks - kb, kChunk), units = some * W::kScales;
      Factors& now = factors[kb / kChunk % 2];
      now.Read(p, kb, some);
      weights.Read(p, kb, some);
      for (int first = 0; first < units; first += 2 * kUnits, is_odd = !is_odd) {
        const int left = std::min(units - first, 2 * kUnits);
        if (is_odd) {
          Multiply<2>(weights, p, kb, first, left, g);
          WritePair<0>(products);
        } else {
          Multiply<0>(weights, p, kb, first, left, g);
          WritePair<2>(products);
        }
        last.AddTo(products, f);
        last = {g, &now, first, left > kUnits ? 2 : 1};
        g += last.count;
      }
      if (some < kChunk) Weights::Prefetch(p, kb, 0, p.height);
    }
    if (is_odd) {
      WritePair<0>(products);
    } else {
      WritePair<2>(products);
    }
    last.AddTo(products, f);
    LLAVAOV_UNROLL
    for (int r = 0; r < kHeight; ++r) {
      if (kResults == kLanes) {
        Store(results[r][at], f[r]);
      } else {
        _mm256_storeu_ps(results[r][at], _mm256_add_ps(_mm512_castps512_ps256(f[r]),
                                                       _mm512_extractf32x8_ps(f[r], 1)));
      }
    }
  }

  // Of one row of weights in each of `panels`: its results by activation, side by side in `out`,
  // whose rows are `width` apart.
  static void Turn(const float (&results)[kLanes][kResults], int panels, int some, float* out,
                   int64_t width) {
    constexpr int kOwn = rows < 8 ? rows : 8;
    for (int half = 0; half < kResults / 8; ++half) {
      __m256i x[kLanes];
      I turned[8];
      for (int i = 0; i < kLanes; ++i) x[i] = Load256(results[i] + half * 8);
      TransposeLanes(x, turned);
      for (int a = 0; a < kOwn && half * 8 + a < some; ++a, out += width) {
        F sum = _mm512_castsi512_ps(turned[a]);
        for (int i = a + kOwn; i < 8; i += kOwn) {
          sum = kernels::Add(sum, _mm512_castsi512_ps(turned[i]));
        }
        StoreFirst(out, sum, panels);
      }
    }
  }
};

// Calls `use` with the kernel for so many rows.
template <class W, class Use>
inline auto ForRows(int rows, Use use) {
  if (rows <= 4) return use(FewTiles<W, 4>());
  if (rows <= 8) return use(FewTiles<W, 8>());
  return use(FewTiles<W, kPass>());
}

}  // namespace llavaov::kernels

#endif
