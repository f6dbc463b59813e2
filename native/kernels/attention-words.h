// A unit of attention in words, with VNNI: twice the products a float instruction has. For keys and
// values that were rounded before: caches of f16 and q8_0, and a tower whose weights were.
//
// scores   a query and a key each have the length 2^15, so that their product, over any width, fits
//          into int32 (Cauchy). It is off by 1.3e-5 of the product of the lengths: less than
//          rounding the key to f16 makes.
// shares   2^13 is the share of the running top; what is a 2^14th of it is 0. Their sum is that of
//          the rounded ones.
// values   each column of a tile has the length 26,000: with 96 shares of 2^13, again int32. An
//          error of 1e-4 of its values, below f16's 2e-4.
//
// Dwords hold two words: of a key and a query two neighbours of the width, of shares and values two
// keys (KeysOfPair). No integer is NaN: what makes a row so is added in floats.
#pragma once

#include "attention-strays.h"

#if defined(LLAVAOV_VNNI)

namespace llavaov::kernels {

class WordTiles {
 public:
  static constexpr int kRows = kTileRows, kMostRows = 368;
  struct Setup {};

  WordTiles(const AttentionShape& s, int rows, Room* room)
      : s_(s),
        pairs_((s.dim + 1) / 2),
        padded_((s.dim + 15) / 16 * 16),
        out_(room->Take(size_t(rows) * s.padded_v)),
        top_(room->Take(rows + kLanes)),
        sum_(room->Take(size_t(rows) * kLanes)),
        q_scale_(room->Take(rows + kLanes)),
        k_scale_(room->Take(kTileKeys)),
        v_scale_(room->Take(s.padded_v)),
        scores_(room->Take(kTileRows * kTileKeys)),
        floats_(
            room->Take(std::max(std::max(kLanes, kTileRows) * padded_, kTileKeys * s.padded_v))),
        q_(room->TakeIntegers(size_t(rows) * padded_ / 2)),
        k_(room->TakeIntegers(size_t(kTileKeys) * padded_ / 2)),
        v_(room->TakeIntegers(size_t(kTileKeys / 2) * s.padded_v)),
        shares_(room->TakeIntegers(kTileRows * kTileKeys / 2)) {}

  // kTileRows rows of a new unit; null is a row of zeros.
  void LoadQueries(int first, const float* const* rows) {
    float factors[kTileRows];
    for (int r = 0; r < kTileRows; ++r) {
      ReadRows<GGML_TYPE_F32>(reinterpret_cast<const char*>(rows[r]), 0, 1, rows[r] ? s_.dim : 0,
                              padded_, floats_ + r * padded_);
      const float length = std::sqrt(SumOf(Squares(floats_ + r * padded_)));
      const bool is_zero = length < kLeastLength;
      factors[r] = is_zero ? 0.0f : kLength / length;
      q_scale_[first + r] = is_zero ? 1e-30f : length / kLength * s_.scale;
      float* sum = sum_ + size_t(first + r) * kLanes;
      std::fill_n(sum, kLanes, 0.0f);
      sum[0] = 0.0f * length;  // NaN stays
      top_[first + r] = kLowest;
    }
    std::fill_n(out_ + size_t(first) * s_.padded_v, kTileRows * s_.padded_v, 0.0f);
    int32_t* to = q_ + size_t(first) * (padded_ / 2);
    for (int d = 0; d < padded_; d += 16) {
      __m256i words[kTileRows], columns[8];
      for (int r = 0; r < kTileRows; ++r) {
        words[r] = SixteenWords(floats_ + r * padded_ + d, factors[r]);
      }
      Transpose8x8(words, columns);
      for (int t = 0; t < 8; ++t) Store256(to + (d / 2 + t) * kTileRows, columns[t]);
    }
  }

  void LoadKeys(const ggml_tensor* k, const char* keys, const ggml_tensor* v, const char* values,
                int n) {
    for (int c = 0; c < kTileKeys; c += kLanes) {
      PackKeys(k, keys + c * k->nb[1], std::min(std::max(n - c, 0), kLanes), c);
    }
    bad_keys_ = 0;
    if (!AreFinite(k_scale_, kTileKeys)) FindBadKeys();
    ReadRows(v, values, n, s_.dim_v, s_.padded_v, floats_);
    std::fill(floats_ + size_t(n) * s_.padded_v, floats_ + size_t(kTileKeys) * s_.padded_v, 0.0f);
    PackValues(n);
    strays_.Clear();
    if (AreFinite(v_scale_, s_.padded_v)) return;
    strays_.Take(v, values, n, s_.padded_v, floats_);
    PackValues(n);
  }

  // kTileRows rows by the tile. `mask`(row) is what is added to the row's scores, or null.
  template <class MaskOf>
  void Rows(int first, int n, MaskOf mask) {
    Scores(q_ + size_t(first) * (padded_ / 2), pairs_, k_, padded_ / 2, k_scale_, scores_);
    for (int r = 0; r < kTileRows; ++r) {
      float* scores = scores_ + r * kTileKeys;
      const uint16_t* added = mask(first + r);
      if (added) AddMask(added, n, kLog2e / q_scale_[first + r], scores);
      std::fill(scores + n, scores + kTileKeys, -INFINITY);
    }
    alignas(64) float shrink[kLanes];
    Softmax(first, shrink);
    const int pairs = (n + 2 * kLanes - 1) / (2 * kLanes) * kLanes;
    for (int r = 0; r < kTileRows; r += kValueRows) {
      Values(shares_ + r * (kTileKeys / 2), pairs, shrink + r,
             out_ + size_t(first + r) * s_.padded_v);
    }
    if (bad_keys_ || strays_.any()) {
      for (int r = 0; r < kTileRows; ++r) AddWhatIsNoInteger(first + r, r, mask(first + r));
    }
  }

  void Pass(const UnitKeys& keys, int rows) { PassTiles(keys, s_.keys, rows, *this); }

  const float* Sums(int row, int column) const { return out_ + size_t(row) * s_.padded_v + column; }
  float Total(int row) const { return SumOf(Load(sum_ + size_t(row) * kLanes)); }

 private:
  static constexpr int kPanel = kFloatVectors * kLanes, kVectors = kTileKeys / kLanes;
  static constexpr float kLength = 32767.0f, kValueLength = 26000.0f, kLeastLength = 1e-15f;
  static constexpr float kTopShare = 13.0f;  // a power of 2
  static_assert(kTileKeys % kPanel == 0 && kTileKeys % (2 * kLanes) == 0 && kTileRows == 8 &&
                kTileRows % kFloatRows == 0 && kTileRows % kValueRows == 0);

  static __m256i SixteenWords(const float* from, float factor) {
    const __m256 by = _mm256_set1_ps(factor);
    return PackWords(_mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(from), by)),
                     _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(from + 8), by)));
  }

  F Squares(const float* row) const {
    F sum = Zero();
    for (int d = 0; d < padded_; d += kLanes) sum = MulAdd(Load(row + d), Load(row + d), sum);
    return sum;
  }

  // What values of a length are multiplied by, and what makes them again of what becomes of them.
  static void Scales(F squares, float length, F* factor, float* scale) {
    const F root = Sqrt(squares), least = Set(kLeastLength);
    *factor = ZeroBelow(least, root, Div(Set(length), Max(root, least)));
    const F back = ZeroBelow(least, root, Mul(root, Set(1.0f / length)));
    Store(scale, back);
  }

  static bool AreFinite(const float* x, int n) {
    F sum = Zero();
    for (int i = 0; i < n; i += kLanes) sum = Add(sum, Load(x + i));
    return IsFinite(sum);
  }

  // Scores are never NaN: rows that look at these keys are told so otherwise.
  void FindBadKeys() {
    for (int key = 0; key < kTileKeys; ++key) {
      if (std::isfinite(k_scale_[key])) continue;
      k_scale_[key] = 0.0f;
      bad_[bad_keys_++] = uint8_t(key);
    }
  }

  LLAVAOV_NOINLINE void AddWhatIsNoInteger(int row, int r, const uint16_t* mask) {
    for (int i = 0; i < bad_keys_; ++i) {
      if (Sees(mask, bad_[i])) sum_[size_t(row) * kLanes] = NAN;
    }
    int16_t shares[kTileKeys];
    for (int pair = 0; pair < kTileKeys / 2; ++pair) {
      std::memcpy(shares + KeyOfPair(pair), shares_ + r * (kTileKeys / 2) + pair, sizeof(int32_t));
    }
    float* out = out_ + size_t(row) * s_.padded_v;
    strays_.Add(mask, [&](int key) { return float(shares[key]); }, [&](int i) { return out + i; });
  }

  // Keys [c, c + valid) of the tile to [panel][pair][kPanel].
  void PackKeys(const ggml_tensor* k, const char* keys, int valid, int c) {
    ReadRows(k, keys, valid, s_.dim, padded_, floats_);
    std::fill(floats_ + size_t(valid) * padded_, floats_ + size_t(kLanes) * padded_, 0.0f);
    F squares[kLanes], factor;
    for (int i = 0; i < kLanes; ++i) squares[i] = Squares(floats_ + i * padded_);
    Scales(SumsOf(squares), kLength, &factor, k_scale_ + c);
    float factors[kLanes];
    Store(factors, factor);
    int32_t* panel = k_ + size_t(c / kPanel) * (padded_ / 2) * kPanel + c % kPanel;
    for (int d = 0; d < padded_; d += 16) {
      __m256i rows[kLanes];
      for (int i = 0; i < kLanes; ++i) {
        rows[i] = SixteenWords(floats_ + i * padded_ + d, factors[i]);
      }
      I columns[8];
      TransposeLanes(rows, columns);
      for (int t = 0; t < 8; ++t) StoreIntegers(panel + (d / 2 + t) * kPanel, columns[t]);
    }
  }

  void PackValues(int n) {
    for (int c = 0; c < s_.padded_v; c += kLanes) PackColumns(n, c);
  }

  // Columns [c, c + kLanes) of the values, from floats_ to [pair][column].
  void PackColumns(int n, int c) {
    F squares = Zero(), factor;
    for (int j = 0; j < n; ++j) {
      const F x = Load(floats_ + size_t(j) * s_.padded_v + c);
      squares = MulAdd(x, x, squares);
    }
    Scales(squares, kValueLength, &factor, v_scale_ + c);
    for (int pair = 0; pair < kTileKeys / 2; ++pair) {
      const int key = KeyOfPair(pair);
      const float* from = floats_ + size_t(key) * s_.padded_v + c;
      StoreIntegers(v_ + size_t(pair) * s_.padded_v + c,
                    PairWords(RoundedIntegers(Mul(Load(from), factor)),
                              RoundedIntegers(Mul(Load(from + s_.padded_v), factor))));
    }
  }

  // The first of the two keys whose shares PackPairs brings to a dword.
  static int KeyOfPair(int pair) {
    const int vectors = pair / kLanes * 2 * kLanes, i = pair % kLanes;  // 2 vectors to a third
    return vectors + i % 4 / 2 * kLanes + i / 4 * 4 + i % 2 * 2;
  }

  // scores[kTileRows][kTileKeys] = q [pair][kTileRows] by keys, but for the queries' scales.
  LLAVAOV_NOINLINE static void Scores(const int32_t* q, int pairs, const int32_t* keys, int padded,
                                      const float* scale, float* scores) {
    for (int at = 0; at < kTileKeys / kPanel * kTileRows; at += kFloatRows) {
      const int panel = at / kTileRows, first = at % kTileRows;
      const int32_t *k = keys + size_t(panel) * padded * kPanel, *x = q + first;
      I sum[kFloatRows][kFloatVectors];
      LLAVAOV_UNROLL
      for (int r = 0; r < kFloatRows; ++r) {
        LLAVAOV_UNROLL
        for (int v = 0; v < kFloatVectors; ++v) sum[r][v] = Integers(0);
      }
      for (int d = 0; d < pairs; ++d, k += kPanel, x += kTileRows) {
        I w[kFloatVectors];
        LLAVAOV_UNROLL
        for (int v = 0; v < kFloatVectors; ++v) w[v] = LoadIntegers(k + v * kLanes);
        LLAVAOV_UNROLL
        for (int r = 0; r < kFloatRows; ++r) {
          const I value = Integers(x[r]);
          LLAVAOV_UNROLL
          for (int v = 0; v < kFloatVectors; ++v) sum[r][v] = DotWords(sum[r][v], w[v], value);
        }
      }
      float* to = scores + first * kTileKeys + panel * kPanel;
      LLAVAOV_UNROLL
      for (int v = 0; v < kFloatVectors; ++v) {
        const F by = Load(scale + panel * kPanel + v * kLanes);
        LLAVAOV_UNROLL
        for (int r = 0; r < kFloatRows; ++r) {
          Store(to + r * kTileKeys + v * kLanes, Mul(ToFloats(sum[r][v]), by));
        }
      }
    }
  }

  // Scores of kTileRows rows to shares; what their earlier sums shrink by.
  void Softmax(int first, float* shrink) {
    F most[kTileRows];
    for (int r = 0; r < kTileRows; ++r) {
      const float* scores = scores_ + r * kTileKeys;
      most[r] = Load(scores);
      LLAVAOV_UNROLL
      for (int i = 1; i < kVectors; ++i) most[r] = Max(most[r], Load(scores + i * kLanes));
    }
    alignas(64) float base[kLanes] = {};
    Store256(base, _mm256_castps_si256(MaxesOfEight(most)));
    const F before = LoadFirst(top_ + first, kTileRows);
    const F now = Max(Mul(Load(base), Load(q_scale_ + first)), before);
    StoreFirst(top_ + first, now, kTileRows);
    Store(shrink, Exp2(Sub(before, now)));
    Store(base, Sub(Set(kTopShare), now));
    for (int r = 0; r < kTileRows; ++r) Shares(first + r, r, Set(base[r]), shrink[r]);
  }

  inline void Shares(int row, int r, F base, float shrink) {
    const float* scores = scores_ + r * kTileKeys;
    int32_t* to = shares_ + r * (kTileKeys / 2);
    const F scale = Set(q_scale_[row]);
    I total = Integers(0);
    LLAVAOV_UNROLL
    for (int i = 0; i < kVectors; i += 2) {
      const I pairs = PackPairs(WholeExp2(MulAdd(Load(scores + i * kLanes), scale, base)),
                                WholeExp2(MulAdd(Load(scores + (i + 1) * kLanes), scale, base)));
      total = DotWords(total, pairs, Integers(0x00010001));
      StoreIntegers(to + i / 2 * kLanes, pairs);
    }
    float* sum = sum_ + size_t(row) * kLanes;
    Store(sum, MulAdd(Load(sum), Set(shrink), ToFloats(total)));
  }

  void Values(const int32_t* shares, int pairs, const float* shrink, float* out) const {
    const int vectors = s_.padded_v / kLanes;
    const int pieces = (vectors + kValueVectors - 1) / kValueVectors;
    for (int piece = 0; piece < pieces; ++piece) {
      const int first = vectors * piece / pieces, n = vectors * (piece + 1) / pieces - first;
      switch (n) {
        case 1:
          ValuesOf<1>(shares, pairs, shrink, first * kLanes, out);
          break;
        case 2:
          ValuesOf<2>(shares, pairs, shrink, first * kLanes, out);
          break;
        case 3:
          ValuesOf<3>(shares, pairs, shrink, first * kLanes, out);
          break;
#if defined(LLAVAOV_WIDE)
        case 4:
          ValuesOf<4>(shares, pairs, shrink, first * kLanes, out);
          break;
        default:
          ValuesOf<5>(shares, pairs, shrink, first * kLanes, out);
          break;
#endif
      }
    }
  }

  // V vectors of kValueRows rows: out = out * shrink + shares by values.
  template <int V>
  LLAVAOV_NOINLINE void ValuesOf(const int32_t* shares, int pairs, const float* shrink, int column,
                                 float* out) const {
    const int32_t* values = v_ + column;
    I sum[kValueRows][V];
    LLAVAOV_UNROLL
    for (int r = 0; r < kValueRows; ++r) {
      LLAVAOV_UNROLL
      for (int v = 0; v < V; ++v) sum[r][v] = Integers(0);
    }
    for (int pair = 0; pair < pairs; ++pair, values += s_.padded_v) {
      I w[V];
      LLAVAOV_UNROLL
      for (int v = 0; v < V; ++v) w[v] = LoadIntegers(values + v * kLanes);
      LLAVAOV_UNROLL
      for (int r = 0; r < kValueRows; ++r) {
        const I share = Integers(shares[r * (kTileKeys / 2) + pair]);
        LLAVAOV_UNROLL
        for (int v = 0; v < V; ++v) sum[r][v] = DotWords(sum[r][v], w[v], share);
      }
    }
    out += column;
    LLAVAOV_UNROLL
    for (int v = 0; v < V; ++v) {
      const F scale = Load(v_scale_ + column + v * kLanes);
      LLAVAOV_UNROLL
      for (int r = 0; r < kValueRows; ++r) {
        float* to = out + r * s_.padded_v + v * kLanes;
        Store(to, MulAdd(ToFloats(sum[r][v]), scale, Mul(Load(to), Set(shrink[r]))));
      }
    }
  }

  const AttentionShape& s_;
  int pairs_, padded_;
  float *out_, *top_, *sum_, *q_scale_, *k_scale_, *v_scale_, *scores_, *floats_;
  int32_t *q_, *k_, *v_, *shares_;
  int bad_keys_ = 0;
  uint8_t bad_[kTileKeys];
  Strays strays_;
};

}  // namespace llavaov::kernels

#endif
