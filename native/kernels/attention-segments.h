// Attention of up to eight rows over a segment of an f16 cache on AMX's tiles. As in
// attention-tiles.h a value is two bf16; keys and values are the left or the right side as they
// lie in the cache, and their products with both parts of all rows take one tile.
//
// halves   become bf16 as the whole numbers that they are: shifted, their exponents raised, by 112
//          more than they should be, for which queries and shares make up. The low three bits, a
//          number from 0 to 7, come from a table. Infinity and NaN stay.
// steps    of 32 keys are split between the products of the step before, whose results take 52
//          cycles: a core foresees one step, not two.
// memory   is asked for what the next segment wants, in eight places side by side.
#pragma once

#include "attention-ahead.h"
#include "attention-pieces.h"
#include "attention-wide.h"

#if defined(LLAVAOV_TILES)

namespace llavaov::kernels {

template <int kWidth, int kSegment>
class SegmentTiles {
 public:
  static constexpr int kRows = 8;

  static size_t Size(int heads) { return SegmentTiles(heads, nullptr).room_.size(); }

  SegmentTiles(int heads, char* scratch)
      : room_(scratch),
        q_(room_.TakeBytes(size_t(heads) * kBlocks * kTile)),
        pieces_(room_.TakeBytes(2 * kPiece)),
        rest_(room_.TakeBytes(kStep * kKeyBytes)),
        sums_(room_.Take(2 * kStep * kLanes)),
        scores_(room_.Take(kRows * kSegment)) {}

  // Rows of a head; null is a row of zeros.
  LLAVAOV_NOINLINE void LoadQueries(int head, const float* const* rows, float scale) {
    for (int r = 0; r < kRows; ++r) {
      char* to = q_ + size_t(head) * kBlocks * kTile + r * 2 * sizeof(uint32_t);
      for (int b = 0; b < kBlocks; ++b, to += kTile) {
        const float* from = rows[r] + b * kStep;
        const F factor = Set(scale * kDown);
        const F x = rows[r] ? Mul(Load(from), factor) : Zero();
        const F y = rows[r] ? Mul(Load(from + kLanes), factor) : Zero();
        uint16_t words[2][kStep];
        I high, low;
        kernels::Split(x, y, &high, &low);
        StoreIntegers(words[0], high);
        StoreIntegers(words[1], low);
        for (int i = 0; i < kStep; ++i) {
          char* pair = to + i / 2 * kTileBytes + i % 2 * sizeof(uint16_t);
          std::memcpy(pair, &words[0][i], sizeof(uint16_t));
          std::memcpy(pair + sizeof(uint32_t), &words[1][i], sizeof(uint16_t));
        }
      }
    }
  }

  // Before the first head of a segment.
  void Begin(const HeadRows& keys, int n, const Ahead& next_keys, const Ahead& next_values) {
    next_keys_ = next_keys, next_values_ = next_values;
    HeadRows step = StepOf(keys, 0, n, kKeyBytes);
    Split<Feed::kKeys, 0, 1>(step, This(), next_keys_);
  }

  // Scores of `n` keys, whose first step is split; then that of `values` is.
  LLAVAOV_NOINLINE void Scores(int head, const HeadRows& keys, const HeadRows& values, int n) {
    Ahead ahead = next_keys_;  // in registers
    ReadQueries<0>(q_ + size_t(head) * kBlocks * kTile);
    const int steps = StepsOf(n);
    for (int step = 0; step < steps; ++step) {
      ZeroTile<0>();
      ZeroTile<1>();
      if (step + 1 < steps) {
        ScoreStep<Feed::kKeys>(This(), StepOf(keys, step + 1, n, kKeyBytes), Other(), ahead);
      } else {
        ScoreStep<Feed::kValues>(This(), StepOf(values, 0, n, kHalfBytes), Other(), next_values_);
      }
      WriteTile<0>(sums_ + step % 2 * kStep * kLanes, kTileBytes);
      WriteTile<1>(sums_ + (step % 2 * kStep + kLanes) * kLanes, kTileBytes);
      turn_ ^= 1;
      if (step > 0) Turn(step - 1);
    }
    Turn(steps - 1);
    next_keys_ = ahead;
  }

  // What a row does not see.
  void Mask(int row, int n, const uint16_t* mask) {
    for (int key = 0; key < n; key += kStep) {
      AddMask(mask + key, std::min(kStep, n - key), kLog2e, ScoresOf(row, key / kStep));
    }
  }

  // A row's scores to shares.
  LLAVAOV_NOINLINE void Shares(int row, int n, float* top, float* sum) {
    const int steps = StepsOf(n);
    if (n % kStep)
      std::fill(ScoresOf(row, n / kStep) + n % kStep, ScoresOf(row, n / kStep) + kStep, -INFINITY);
    F most = Set(kLowest);
    for (int i = 0; i < steps; ++i) {
      most = Max(Max(Load(ScoresOf(row, i)), Load(ScoresOf(row, i) + kLanes)), most);
    }
    *top = MaxOf(most);
    const F t = Set(*top + kDownBits);
    F total = Zero();
    for (int step = 0; step < steps; ++step) {
      float* at = ScoresOf(row, step);
      const F a = Share(Sub(Load(at), t)), b = Share(Sub(Load(at + kLanes), t));
      total = Add(total, Add(a, b));
      I high, low;
      PairShares(a, b, &high, &low);
      StoreIntegers(at, high);
      StoreIntegers(at + kLanes, low);
    }
    *sum = SumOf(total) * (1.0f / kDown);
  }

  // Sums of `n` values, whose first step is split, by shares to rows that are `apart`. Then that of
  // `next_head`'s keys is, where there is one.
  LLAVAOV_NOINLINE void Values(const HeadRows& values, const HeadRows& next_head, int n, int rows,
                               int apart, float* out) {
    Ahead ahead = next_values_;
    const int steps = StepsOf(n);
    for (int at = 0; at < kWidth; at += kHalf) {
      const HeadRows half = {values.at + at / kHalf * kHalfBytes, values.stride};
      ZeroTile<0>();
      ZeroTile<1>();
      ZeroTile<2>();
      ZeroTile<3>();
      for (int step = 0; step < steps; ++step) {
        const char* shares = reinterpret_cast<const char*>(ScoresOf(0, step));
        if (step + 1 < steps) {
          ValueStep<Feed::kValues>(shares, This(), StepOf(half, step + 1, n, kHalfBytes), Other(),
                                   ahead);
        } else if (at + kHalf < kWidth) {
          ValueStep<Feed::kValues>(shares, This(),
                                   StepOf({half.at + kHalfBytes, half.stride}, 0, n, kHalfBytes),
                                   Other(), ahead);
        } else if (next_head.at) {
          ValueStep<Feed::kKeys>(shares, This(), StepOf(next_head, 0, n, kKeyBytes), Other(),
                                 next_keys_);
        } else {
          ValueStep<Feed::kNone>(shares, This(), {}, Other(), ahead);
        }
        turn_ ^= 1;
      }
      StoreHalf(rows, apart, out + at);
    }
    next_values_ = ahead;
  }

 private:
  static constexpr int kStep = 32, kHalf = 64, kBlocks = kWidth / kStep;
  static constexpr int kTile = kTileHeight * kTileBytes, kSteps = kSegment / kStep;
  // Pieces of two steps lie side by side: what is read and what is written differ in the low 12
  // bits.
  static constexpr int kRow = 2 * kTileBytes, kPieceTile = kTileHeight * kRow;
  static constexpr int kPiece = 4 * kBlocks * kTile;
  // Of queries and shares; what is then left in the products.
  static constexpr float kDownBits = 52.0f, kDown = 0x1p-52f, kUp = 0x1p60f;
  static constexpr int kKeyBytes = kWidth * 2, kHalfBytes = kHalf * 2;
  enum class Feed { kNone, kKeys, kValues };

  static int StepsOf(int n) { return (n + kStep - 1) / kStep; }

  // The keys of a step; where they are fewer, with zeros behind them.
  HeadRows StepOf(const HeadRows& rows, int step, int n, size_t bytes) {
    const char* at = rows.at + step * kStep * rows.stride;
    n -= step * kStep;
    if (n >= kStep) return {at, rows.stride};
    std::memset(rest_, 0, kStep * bytes);
    for (int i = 0; i < n; ++i) std::memcpy(rest_ + i * bytes, at + i * rows.stride, bytes);
    return {rest_, bytes};
  }

  // Numbers of the least exponent have no 1 before their mantissa: they become the next exponent's
  // less that 1, without the low bits.
  static inline void SplitHalves(I x, char* high, char* low) {
    const auto of = [](int exponent, int mantissa) {
      return short((exponent - 10) * 128 + mantissa);
    };
    const I table = _mm512_broadcast_i32x4(_mm_setr_epi16(
        -128 * 128, of(0, 0), of(1, 0), of(1, 64), of(2, 0), of(2, 32), of(2, 64), of(2, 96)));
    const I one = _mm512_set1_epi16(0x80), minus_one = _mm512_set1_epi16(short(0x8080));
    const __mmask32 is_normal = _mm512_test_epi16_mask(x, _mm512_set1_epi16(0x7c00));
    const I raised = Or(_mm512_srai_epi16(x, 3), _mm512_set1_epi16(0x7000));
    const I exponent = And(raised, _mm512_set1_epi16(short(0xff80)));
    const I beyond = _mm512_mask_permutexvar_epi16(minus_one, is_normal, x, table);
    StoreIntegers(high, _mm512_mask_add_epi16(raised, ~is_normal, raised, one));
    StoreIntegers(low, _mm512_add_epi16(exponent, beyond));
  }

  // A part of what is asked for in a step, whose keys are of kRowBytes.
  template <int kPart, int kParts, int kRowBytes>
  static inline void AskIn(Ahead& ahead) {
    constexpr int kAsks = kStep * kRowBytes / (Ahead::kPlaces * Ahead::kBytes);
    LLAVAOV_UNROLL
    for (int i = kAsks * kPart / kParts; i < kAsks * (kPart + 1) / kParts; ++i) ahead.Ask();
  }

  // The next part of a step: keys to [16 keys][low, high][32 of width][key], values to [16 of
  // width][low, high][key], dwords of which hold a key's and those of the 16th after it.
  template <Feed kFeed, int kPart, int kParts>
  static inline void Split(HeadRows& rows, char* to, Ahead& ahead) {
    constexpr int kKeys = kStep / kParts;
    asm volatile("" : "+r"(rows.at));
    if constexpr (kFeed == Feed::kKeys) {
      AskIn<kPart, kParts, kKeyBytes>(ahead);
      LLAVAOV_UNROLL
      for (int j = kPart * kKeys; j < (kPart + 1) * kKeys; ++j, rows.at += rows.stride) {
        char* row = to + j / kLanes * 2 * kBlocks * kPieceTile + j % kLanes * kRow;
        LLAVAOV_UNROLL
        for (int b = 0; b < kBlocks; ++b, row += kPieceTile) {
          SplitHalves(LoadIntegers(rows.at + b * kTileBytes), row + kBlocks * kPieceTile, row);
        }
      }
    } else if constexpr (kFeed == Feed::kValues) {
      AskIn<kPart, kParts, kHalfBytes>(ahead);
      const size_t to_other = kLanes * rows.stride;
      LLAVAOV_UNROLL
      for (int j = kPart * kKeys / 2; j < (kPart + 1) * kKeys / 2; ++j, rows.at += rows.stride) {
        char* row = to + j * kRow;
        LLAVAOV_UNROLL
        for (int i = 0; i < kHalfBytes; i += kTileBytes, row += 4 * kPieceTile) {
          const I x = LoadIntegers(rows.at + i), y = LoadIntegers(rows.at + to_other + i);
          SplitHalves(_mm512_unpacklo_epi16(x, y), row + kPieceTile, row);
          SplitHalves(_mm512_unpackhi_epi16(x, y), row + 3 * kPieceTile, row + 2 * kPieceTile);
        }
      }
    }
  }

  template <int kBlock>
  static inline void ReadQueries(const char* from) {
    if constexpr (kBlock < kBlocks) {
      ReadTile<kTiles - kBlocks + kBlock>(from + kBlock * kTile, kTileBytes);
      ReadQueries<kBlock + 1>(from);
    }
  }

  // The products of a step in `from`, between them the next one's split `to` another place.
  template <Feed kFeed, int kProduct = 0>
  static inline void ScoreStep(const char* from, HeadRows feed, char* to, Ahead& ahead) {
    constexpr int kProducts = 4 * kBlocks;
    if constexpr (kProduct < kProducts) {
      Split<kFeed, kProduct, kProducts>(feed, to, ahead);
      constexpr int kKeys = kProduct % 2, kPart = kProduct / 2 % 2, kBlock = kProduct / 4;
      ReadTile<2 + kKeys>(from + ((kKeys * 2 + kPart) * kBlocks + kBlock) * kPieceTile, kRow);
      DotTiles<kKeys, 2 + kKeys, kTiles - kBlocks + kBlock>();
      ScoreStep<kFeed, kProduct + 1>(from, feed, to, ahead);
    }
  }

  template <Feed kFeed, int kProduct = 0>
  static inline void ValueStep(const char* shares, const char* from, HeadRows feed, char* to,
                               Ahead& ahead) {
    constexpr int kProducts = 8;
    if constexpr (kProduct < kProducts) {
      Split<kFeed, kProduct, kProducts>(feed, to, ahead);
      constexpr int kColumn = kProduct % 4, kPart = kProduct / 4;
      if constexpr (kProduct == 0) ReadTile<4>(shares, kTileBytes);
      ReadTile<5 + kProduct % 2>(from + (2 * kColumn + kPart) * kPieceTile, kRow);
      DotTiles<kColumn, 4, 5 + kProduct % 2>();
      ValueStep<kFeed, kProduct + 1>(shares, from, feed, to, ahead);
    }
  }

  float* ScoresOf(int row, int step) { return scores_ + (step * kRows + row) * kStep; }

  void Turn(int step) {
    const F factor = Set(1.0f / kUp);
    for (int half = 0; half < 2; ++half) {
      const float* from = sums_ + (step % 2 * kStep + half * kLanes) * kLanes;
      F x[kLanes], rows[kRows];
      LLAVAOV_UNROLL
      for (int j = 0; j < kLanes; ++j) x[j] = Load(from + j * kLanes);
      TurnScores(x, rows);
      LLAVAOV_UNROLL
      for (int r = 0; r < kRows; ++r)
        Store(ScoresOf(r, step) + half * kLanes, Mul(factor, rows[r]));
    }
  }

  char* This() { return pieces_ + turn_ * kTileBytes; }
  char* Other() { return pieces_ + (turn_ ^ 1) * kTileBytes; }

  // Sums of kHalf, whose order is that of unpacked pairs.
  LLAVAOV_NOINLINE static void StoreHalf(int rows, int apart, float* out) {
    alignas(64) float sums[4][kTileHeight][kLanes];
    WriteTile<0>(sums[0], kTileBytes);
    WriteTile<1>(sums[1], kTileBytes);
    WriteTile<2>(sums[2], kTileBytes);
    WriteTile<3>(sums[3], kTileBytes);
    const F factor = Set(1.0f / kUp);
    const I first = _mm512_set_epi64(11, 10, 3, 2, 9, 8, 1, 0);
    const I second = _mm512_set_epi64(15, 14, 7, 6, 13, 12, 5, 4);
    for (int r = 0; r < rows; ++r, out += apart) {
      for (int i = 0; i < 2; ++i) {
        const auto sum = [&](int c) {
          return Bits(Mul(factor, Add(Load(sums[c][2 * r]), Load(sums[c][2 * r + 1]))));
        };
        const I a = sum(2 * i), b = sum(2 * i + 1);
        Store(out + i * kStep, Floats(_mm512_permutex2var_epi64(a, first, b)));
        Store(out + i * kStep + kLanes, Floats(_mm512_permutex2var_epi64(a, second, b)));
      }
    }
  }

  Room room_;
  char *q_, *pieces_, *rest_;
  float *sums_, *scores_;
  Ahead next_keys_, next_values_;
  int turn_ = 0;  // which of the pieces are multiplied next
};

}  // namespace llavaov::kernels

#endif
