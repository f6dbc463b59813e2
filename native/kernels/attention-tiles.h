// A unit of attention on AMX tiles, for keys and values that were rounded before. A value is two
// bf16, of which three products are made (the fourth is a 2^-16th): scores and results are off by
// 2e-5, where plain bf16 would lose 1e-3.
//
// scores   32 queries by 64 keys. Of a width that is no multiple of 32 the rest of all three
//          products lies side by side, so that 72 takes seven steps and not nine.
// shares   relative to a top that follows the scores only when they exceed it by 2^8: sums are
//          shrunk rarely, and the largest of a row is hardly ever sought.
// values   are added to sums that stay in the form of tiles.
//
// A tile takes 16 cycles a product whatever else the core does, so the softmax of a block is
// computed between the products of its neighbours, row by row. Keys are made bf16 for 512 at a
// time; 32 queries pass all of them, with what is theirs in L1. Denormals are zero meanwhile.
#pragma once

#include "attention-pieces.h"

#if defined(LLAVAOV_TILES)

#include <atomic>

namespace llavaov::kernels {

class BfloatTiles {
 public:
  static constexpr int kRows = 32, kMostRows = 736;

  using Setup = WholeTiles;

  BfloatTiles(const AttentionShape& s, int rows, Room* room)
      : s_(s),
        pieces_(s),
        out_(room->Take(size_t(rows) * s.padded_v)),
        top_(room->Take(rows)),
        sum_(room->Take(size_t(rows) * kLanes)),
        scores_(room->Take(2 * kRows * kKeys)),
        q_(room->TakeBytes(size_t(rows / kTileHeight) * pieces_.count * kTile)),
        k_(room->TakeBytes(size_t(kManyKeys / kLanes) * pieces_.count * kTile)),
        v_(room->TakeBytes(size_t(kManyKeys / kStep) * pieces_.columns * 2 * kTile)) {}

  // kTileRows rows of a new unit; null is a row of zeros.
  void LoadQueries(int first, const float* const* rows) {
    const F scale = Set(s_.scale);
    for (int r = 0; r < kTileRows; ++r) {
      const int row = first + r;
      char* to =
          q_ + size_t(row / kTileHeight) * pieces_.count * kTile + row % kTileHeight * kTileBytes;
      const auto values = [&](int i) {
        return Mul(scale, LoadFirst(rows[r] + i, rows[r] ? std::max(s_.dim - i, 0) : 0));
      };
      pieces_.PackQuery(values, to);
      for (int c = 0; c < pieces_.columns; ++c) Store(SumsAt(row, c), Zero());
      Store(sum_ + size_t(row) * kLanes, Zero());
      top_[row] = kLowest;
    }
  }

  void Pass(const UnitKeys& keys, int rows) {
    for (int first = 0; first < s_.keys; first += kManyKeys) {
      const int n = std::min(kManyKeys, s_.keys - first);
      uint32_t loaded = 0;  // tiles of kKeys
      static_assert(kManyKeys / kKeys <= 32);
      for (int row = 0; row < rows; row += kRows) {
        for (int key = 0; key < n; key += kKeys) {
          Block block;
          block.row = row;
          block.key = key;
          block.keys = std::min(kKeys, n - key);
          const Mask kind = keys.KindOf(row, std::min(rows, row + kRows), first + key, block.keys);
          if (kind == Mask::kAll) continue;
          if (kind == Mask::kSome) {
            for (int r = 0; r < kRows; ++r) {
              block.masks[r] = row + r < rows ? keys.MaskAt(row + r, first + key) : nullptr;
            }
          }
          block.has_mask = kind == Mask::kSome;
          if (!(loaded >> (key / kKeys) & 1)) LoadKeys(keys, first, key, block.keys);
          loaded |= 1u << (key / kKeys);
          Push(&block);
        }
      }
      Push(nullptr);
      Push(nullptr);
    }
  }

  const float* Sums(int row, int column) const { return SumsAt(row, column / kLanes); }
  float Total(int row) const { return SumOf(Load(sum_ + size_t(row) * kLanes)); }

 private:
  static constexpr int kKeys = 64, kManyKeys = 512, kStep = Pieces::kStep, kTile = Pieces::kTile;
  static constexpr float kSlack = 8.0f;
  static_assert(kLanes == kTileHeight && kRows == 2 * kTileHeight && kRows % kTileRows == 0);

  // kRows rows by kKeys keys; of one under way the scores, then shares, are in scores_.
  struct Block {
    int row = -1, key = 0, keys = 0;
    bool has_mask = false;
    const uint16_t* masks[kRows];
    float* scores = nullptr;
    uint32_t shrunk = 0;
    float shrink[kRows];
  };

  float* SumsAt(int row, int column) const {
    return out_ + (size_t(row / kTileHeight) * pieces_.columns + column) * (kTile / 4) +
           row % kTileHeight * kLanes;
  }

  // `n` keys from `key` on, of those that begin at `first`.
  void LoadKeys(const UnitKeys& keys, int first, int key, int n) {
    const int ahead = std::min(kKeys, s_.keys - first - key - kKeys);
    for (int i = 0; i < ahead; ++i) {
      Prefetch(keys.KeyAt(first + key + kKeys + i), ggml_row_size(keys.k->type, s_.dim));
      Prefetch(keys.ValueAt(first + key + kKeys + i), ggml_row_size(keys.v->type, s_.dim_v));
    }
    OfType(keys.k->type, [&](auto type) {
      for (int c = 0; c < kKeys; c += kLanes) {
        pieces_.PackKeys<type>(keys.KeyAt(first + key + c), keys.k->nb[1], n - c,
                               k_ + size_t((key + c) / kLanes) * pieces_.count * kTile);
      }
    });
    Strays& strays = strays_[key / kKeys];
    strays.Clear();
    if (LoadValues(keys, first, key, n, strays)) return;
    strays.Find(keys.v, keys.ValueAt(first + key), n);
    LoadValues(keys, first, key, n, strays);
  }

  // Whether they are finite.
  bool LoadValues(const UnitKeys& keys, int first, int key, int n, const Strays& but) {
    F squares = Zero();
    OfType(keys.v->type, [&](auto type) {
      for (int c = 0; c < kKeys; c += kStep) {
        const F more = pieces_.PackValues<type>(
            keys.ValueAt(first + key + c), keys.v->nb[1], n - c, but.Bits(c / kStep),
            v_ + size_t((key + c) / kStep) * pieces_.columns * 2 * kTile);
        squares = Add(squares, more);
      }
    });
    return IsFinite(squares);
  }

  // After the values of a block, whose shares are two bf16 each.
  LLAVAOV_NOINLINE void AddStrays(const Block& block, const Strays& strays) {
    for (int r = 0; r < kRows; ++r) {
      const auto share = [&](int key) {
        const auto* word = reinterpret_cast<const uint16_t*>(block.scores + r * kKeys) +
                           key / kStep * 2 * kStep + key % kLanes * 2 + key / kLanes % 2;
        return Float(word[0]) + Float(word[kStep]);
      };
      const auto to = [&](int i) { return SumsAt(block.row + r, i / kLanes) + i % kLanes; };
      strays.Add(block.has_mask ? block.masks[r] : nullptr, share, to);
    }
  }

  static void Prefetch(const char* row, size_t bytes) {
    for (size_t i = 0; i < bytes; i += 64) _mm_prefetch(row + i, _MM_HINT_T1);
    _mm_prefetch(row + bytes - 1, _MM_HINT_T1);
  }

  // The pipeline: values of the block before the last, scores of the next, and between their
  // products the softmax of the last. Null ends it.
  void Push(const Block* next) {
    Block& older = blocks_[turn_];
    Block& last = blocks_[turn_ ^ 1];
    std::atomic_signal_fence(std::memory_order_seq_cst);
    row_ = last.row < 0 ? kRows : 0;
    const int products = (older.row < 0 ? 0 : pieces_.columns * 3) +
                         (next ? 2 * (3 * pieces_.whole + pieces_.rests) : 0);
    due_ = 0;
    rate_ = products ? (kRows * 256 + products - 1) / products : 0;
    if (older.row >= 0) {
      Values(older, last);
      const Strays& strays = strays_[older.key / kKeys];
      if (strays.any()) AddStrays(older, strays);
    }
    older.row = -1;
    if (next) {
      older = *next;
      older.scores = scores_ + turn_ * kRows * kKeys;
      older.shrunk = 0;
      Scores(older, last);
    }
    while (row_ < kRows) Shares(last, row_++);
    std::atomic_signal_fence(std::memory_order_seq_cst);
    for (uint32_t rows = last.row < 0 ? 0 : last.shrunk; rows; rows &= rows - 1) {
      const int r = __builtin_ctz(rows);
      const F shrink = Set(last.shrink[r]);
      for (int c = 0; c < pieces_.columns; ++c) {
        float* sums = SumsAt(last.row + r, c);
        Store(sums, Mul(shrink, Load(sums)));
      }
    }
    turn_ ^= 1;
  }

  // What vectors do while four products are under way.
  void Meanwhile(Block& last) {
    std::atomic_signal_fence(std::memory_order_seq_cst);
    due_ += rate_;
    for (; due_ >= 256 && row_ < kRows; due_ -= 256) Shares(last, row_++);
    std::atomic_signal_fence(std::memory_order_seq_cst);
  }

  // Two tiles of rows by two of keys or columns, `a` and `b` to the next of each.
  static void Products(const char* a, size_t stride, size_t to_a, const char* b, size_t to_b) {
    ReadTile<4>(a, stride);
    ReadTileOnce<6>(b, kTileBytes);
    DotTiles<0, 4, 6>();
    ReadTileOnce<7>(b + to_b, kTileBytes);
    DotTiles<1, 4, 7>();
    ReadTile<5>(a + to_a, stride);
    DotTiles<2, 5, 6>();
    DotTiles<3, 5, 7>();
  }
  // Likewise with the `b` of before.
  static void ProductsA(const char* a, size_t stride, size_t to_a) {
    ReadTile<4>(a, stride);
    DotTiles<0, 4, 6>();
    DotTiles<1, 4, 7>();
    ReadTile<5>(a + to_a, stride);
    DotTiles<2, 5, 6>();
    DotTiles<3, 5, 7>();
  }
  // And with the `a` of before.
  static void ProductsB(const char* b, size_t to_b) {
    ReadTileOnce<6>(b, kTileBytes);
    DotTiles<0, 4, 6>();
    DotTiles<2, 5, 6>();
    ReadTileOnce<7>(b + to_b, kTileBytes);
    DotTiles<1, 4, 7>();
    DotTiles<3, 5, 7>();
  }

  void Scores(const Block& block, Block& last) {
    const size_t to_next = size_t(pieces_.count) * kTile;
    for (int c = 0; c < kKeys; c += kStep) {
      const char* q = q_ + block.row / kTileHeight * to_next;
      const char* k = k_ + (block.key + c) / kLanes * to_next;
      ZeroTile<0>();
      ZeroTile<1>();
      ZeroTile<2>();
      ZeroTile<3>();
      for (int i = 0; i < pieces_.whole; ++i, q += 2 * kTile, k += 2 * kTile) {
        Products(q + kTile, kTileBytes, to_next, k, to_next);
        Meanwhile(last);
        ProductsA(q, kTileBytes, to_next);
        Meanwhile(last);
        ProductsB(k + kTile, to_next);
        Meanwhile(last);
      }
      for (int i = 0; i < pieces_.rests; ++i, q += kTile, k += kTile) {
        Products(q, kTileBytes, to_next, k, to_next);
        Meanwhile(last);
      }
      float* to = block.scores + c;
      constexpr size_t kStride = kKeys * sizeof(float);
      WriteTile<0>(to, kStride);
      WriteTile<1>(to + kLanes, kStride);
      WriteTile<2>(to + kTileHeight * kKeys, kStride);
      WriteTile<3>(to + kTileHeight * kKeys + kLanes, kStride);
    }
  }

  void Values(const Block& block, Block& last) {
    constexpr size_t kStride = kKeys * sizeof(float);
    const size_t to_row = size_t(pieces_.columns) * kTile;
    const int steps = (block.keys + kStep - 1) / kStep;
    char* out = reinterpret_cast<char*>(SumsAt(block.row, 0));
    const char* values = v_ + size_t(block.key / kStep) * pieces_.columns * 2 * kTile;
    int c = 0;
    for (; c + 2 <= pieces_.columns; c += 2, out += 2 * kTile, values += 4 * kTile) {
      ReadTile<0>(out, kTileBytes);
      ReadTile<1>(out + kTile, kTileBytes);
      ReadTile<2>(out + to_row, kTileBytes);
      ReadTile<3>(out + to_row + kTile, kTileBytes);
      for (int step = 0; step < steps; ++step) {
        const char* p = reinterpret_cast<const char*>(block.scores + step * kStep);
        const char* v = values + step * 2 * to_row;
        Products(p + kTileBytes, kStride, kTileHeight * kStride, v, 2 * kTile);
        Meanwhile(last);
        ProductsA(p, kStride, kTileHeight * kStride);
        Meanwhile(last);
        ProductsB(v + kTile, 2 * kTile);
        Meanwhile(last);
      }
      WriteTile<0>(out, kTileBytes);
      WriteTile<1>(out + kTile, kTileBytes);
      WriteTile<2>(out + to_row, kTileBytes);
      WriteTile<3>(out + to_row + kTile, kTileBytes);
    }
    if (c == pieces_.columns) return;
    ReadTile<0>(out, kTileBytes);
    ReadTile<2>(out + to_row, kTileBytes);
    for (int step = 0; step < steps; ++step) {
      const char* p = reinterpret_cast<const char*>(block.scores + step * kStep);
      const char* v = values + step * 2 * to_row;
      ReadTileOnce<6>(v, kTileBytes);
      ReadTile<4>(p + kTileBytes, kStride);
      DotTiles<0, 4, 6>();
      ReadTile<5>(p + kTileBytes + kTileHeight * kStride, kStride);
      DotTiles<2, 5, 6>();
      ReadTile<4>(p, kStride);
      DotTiles<0, 4, 6>();
      ReadTile<5>(p + kTileHeight * kStride, kStride);
      DotTiles<2, 5, 6>();
      Meanwhile(last);
      ReadTileOnce<7>(v + kTile, kTileBytes);
      DotTiles<0, 4, 7>();
      DotTiles<2, 5, 7>();
      Meanwhile(last);
    }
    WriteTile<0>(out, kTileBytes);
    WriteTile<2>(out + to_row, kTileBytes);
  }

  // One row of scores to shares, in place: of each 32 keys the high words, then the low ones.
  void Shares(Block& block, int r) {
    float* scores = block.scores + r * kKeys;
    F x[kKeys / kLanes];
    LLAVAOV_UNROLL
    for (int i = 0; i < kKeys / kLanes; ++i) x[i] = Load(scores + i * kLanes);
    if (block.has_mask && block.masks[r]) {
      const uint16_t* mask = block.masks[r];
      for (int i = 0; i < kKeys / kLanes; ++i) {
        const int n = std::min(std::max(block.keys - i * kLanes, 0), kLanes);
        const __m256i halves = _mm256_maskz_loadu_epi16(First(n), mask + i * kLanes);
        x[i] = AddMask(_mm512_cvtph_ps(halves), Set(kLog2e), x[i]);
      }
    }
    if (block.keys < kKeys) {
      for (int i = 0; i < kKeys / kLanes; ++i) {
        const int n = std::min(std::max(block.keys - i * kLanes, 0), kLanes);
        x[i] = _mm512_mask_mov_ps(Set(-INFINITY), First(n), x[i]);
      }
    }
    const F most = Max(Max(x[0], x[1]), Max(x[2], x[3]));
    float* sum = sum_ + size_t(block.row + r) * kLanes;
    float* top = top_ + block.row + r;
    if (_mm512_cmp_ps_mask(most, Set(*top + kSlack), _CMP_GT_OQ)) Raise(block, r, MaxOf(most));
    const F t = Set(*top);
    F total = Load(sum);
    LLAVAOV_UNROLL
    for (int i = 0; i < kKeys / kLanes; i += 2) {
      const F a = Share(Sub(x[i], t)), b = Share(Sub(x[i + 1], t));
      total = Add(total, Add(a, b));
      I high, low;
      PairShares(a, b, &high, &low);
      StoreIntegers(scores + i * kLanes, high);
      StoreIntegers(scores + (i + 1) * kLanes, low);
    }
    Store(sum, total);
  }

  LLAVAOV_NOINLINE void Raise(Block& block, int r, float most) {
    float *top = top_ + block.row + r, *sum = sum_ + size_t(block.row + r) * kLanes;
    const F shrink = Share(Set(*top - most));
    if (*top != kLowest) {
      float lanes[kLanes];
      Store(lanes, shrink);
      block.shrink[r] = lanes[0];
      block.shrunk |= 1u << r;
    }
    Store(sum, Mul(shrink, Load(sum)));
    *top = most;
  }

  const AttentionShape& s_;
  Pieces pieces_;
  float *out_, *top_, *sum_, *scores_;
  char *q_, *k_, *v_;
  Block blocks_[2];
  Strays strays_[kManyKeys / kKeys];
  int turn_ = 0, row_ = 0, due_ = 0, rate_ = 0;
};

}  // namespace llavaov::kernels

#endif
