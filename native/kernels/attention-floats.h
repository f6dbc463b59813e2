// A unit of attention in floats: its queries and running sums, and a tile of keys at a time. Keys
// are panels of vectors, queries eight rows side by side, so that scores are a product of 8 rows by
// 3 vectors; values as attention-values.h says.
#pragma once

#include "attention-strays.h"
#include "attention-values.h"

#if defined(LLAVAOV_KERNELS)

namespace llavaov::kernels {

class FloatTiles {
 public:
  static constexpr int kRows = kTileRows, kMostRows = 368;
  struct Setup {};

  FloatTiles(const AttentionShape& s, int rows, Room* room)
      : s_(s),
        out_(room->Take(size_t(rows) * s.padded_v)),
        top_(room->Take(rows)),
        sum_(room->Take(rows)),
        q_(room->Take(size_t(rows) * s.dim)),
        k_(room->Take(size_t(kTileKeys) * Padded(s.dim))),
        v_(room->Take(size_t(kTileKeys) * s.padded_v)),
        scores_(room->Take(kTileRows * kTileKeys)) {}

  // kTileRows rows of a new unit; null is a row of zeros.
  void LoadQueries(int first, const float* const* rows) {
    for (int r = 0; r < kTileRows; ++r) {
      float* to = q_ + size_t(first) * s_.dim + r;
      for (int i = 0; i < s_.dim; ++i) {
        to[i * kTileRows] = rows[r] ? rows[r][i] * s_.scale : 0.0f;
      }
    }
    std::fill_n(out_ + size_t(first) * s_.padded_v, kTileRows * s_.padded_v, 0.0f);
    std::fill_n(top_ + first, kTileRows, kLowest);
    std::fill_n(sum_ + first, kTileRows, 0.0f);
  }

  void LoadKeys(const ggml_tensor* k, const char* keys, const ggml_tensor* v, const char* values,
                int n) {
    PackKeys(keys, k->nb[1], k->type, n);
    ReadRows(v, values, n, s_.dim_v, s_.padded_v, v_);
    strays_.Take(v, values, n, s_.padded_v, v_);
  }

  // kTileRows rows by the tile. `mask`(row) is what is added to the row's scores, or null.
  template <class MaskOf>
  void Rows(int first, int n, MaskOf mask) {
    Scores(q_ + size_t(first) * s_.dim, k_, s_.dim, scores_);
    float shrink[kTileRows];
    for (int r = 0; r < kTileRows; ++r) {
      float* scores = scores_ + r * kTileKeys;
      if (const uint16_t* added = mask(first + r)) AddMask(added, n, kLog2e, scores);
      std::fill(scores + n, scores + kTileKeys, -INFINITY);
      shrink[r] = Softmax<kTileKeys / kLanes>(scores, top_ + first + r, sum_ + first + r);
    }
    for (int r = 0; r < kTileRows; r += kValueRows) {
      Values<kTileKeys>(scores_ + r * kTileKeys, v_, n, shrink + r, s_.padded_v, s_.padded_v,
                        out_ + size_t(first + r) * s_.padded_v);
    }
    for (int r = 0; strays_.any() && r < kTileRows; ++r) {
      float* out = out_ + size_t(first + r) * s_.padded_v;
      const float* shares = scores_ + r * kTileKeys;
      strays_.Add(
          mask(first + r), [&](int key) { return shares[key]; }, [&](int i) { return out + i; });
    }
  }

  void Pass(const UnitKeys& keys, int rows) { PassTiles(keys, s_.keys, rows, *this); }

  const float* Sums(int row, int column) const { return out_ + size_t(row) * s_.padded_v + column; }
  float Total(int row) const { return sum_[row]; }

 private:
  static constexpr int kPanel = kFloatVectors * kLanes;
  static_assert(kTileKeys % kPanel == 0 && kTileRows % kFloatRows == 0 &&
                kTileRows % kValueRows == 0);
  static int Padded(int dim) { return (dim + 7) / 8 * 8; }

  // `n` keys to [panel][dim][kPanel].
  void PackKeys(const char* keys, size_t stride, ggml_type type, int n) {
    for (int c = 0; c < kTileKeys; c += kLanes) {
      float* panel = k_ + size_t(c / kPanel) * Padded(s_.dim) * kPanel + c % kPanel;
      for (int d = 0; d < s_.dim; d += 8) {
        I8 rows[kLanes];
        for (int i = 0; i < kLanes; ++i) {
          rows[i] =
              Bits8(c + i < n ? EightOf(keys + (c + i) * stride, type, d, s_.dim - d) : Zeros8());
        }
        I columns[8];
        TransposeLanes(rows, columns);
        for (int t = 0; t < 8; ++t) StoreIntegers(panel + (d + t) * kPanel, columns[t]);
      }
    }
  }

  // scores[kTileRows][kTileKeys] = q [dim][kTileRows] by keys.
  LLAVAOV_NOINLINE static void Scores(const float* q, const float* keys, int dim, float* scores) {
    for (int at = 0; at < kTileKeys / kPanel * kTileRows; at += kFloatRows) {
      const int panel = at / kTileRows, first = at % kTileRows;
      const float *k = keys + size_t(panel) * Padded(dim) * kPanel, *x = q + first;
      F f[kFloatRows][kFloatVectors];
      LLAVAOV_UNROLL
      for (int r = 0; r < kFloatRows; ++r) {
        LLAVAOV_UNROLL
        for (int v = 0; v < kFloatVectors; ++v) f[r][v] = Zero();
      }
      for (int d = 0; d < dim; ++d, k += kPanel, x += kTileRows) {
        F w[kFloatVectors];
        LLAVAOV_UNROLL
        for (int v = 0; v < kFloatVectors; ++v) w[v] = Load(k + v * kLanes);
        const auto values = LoadEach(x);
        LLAVAOV_UNROLL
        for (int r = 0; r < kFloatRows; ++r) {
          const F value = Set(values[r]);
          LLAVAOV_UNROLL
          for (int v = 0; v < kFloatVectors; ++v) f[r][v] = MulAdd(w[v], value, f[r][v]);
        }
      }
      float* to = scores + first * kTileKeys + panel * kPanel;
      LLAVAOV_UNROLL
      for (int r = 0; r < kFloatRows; ++r) {
        LLAVAOV_UNROLL
        for (int v = 0; v < kFloatVectors; ++v) Store(to + r * kTileKeys + v * kLanes, f[r][v]);
      }
    }
  }

  const AttentionShape& s_;
  float *out_, *top_, *sum_, *q_, *k_, *v_, *scores_;
  Strays strays_;
};

}  // namespace llavaov::kernels

#endif
