// The loops of products on AMX's tiles, in bf16 with sums in f32.
//
// Four tiles of sums, 32 rows by 32 columns, want two tiles of either side for 32 k: a load for
// each product. A group's rows of a slice stay in L1 while the panel's weights come from L2.
#pragma once

#include "bfloats.h"
#include "product-loops.h"

#if defined(LLAVAOV_TILES)

namespace llavaov::kernels {

constexpr int kSide = 2 * kTileHeight;  // of a square of four tiles
constexpr int kPanel = 256;
constexpr int kRowsInL1 = 40 << 10;  // bytes of a group in a slice

using TileData = uint16_t[kTileHeight][kBlock];

// 32 k of 32 rows or columns in one bf16 each, or two that add up.
template <int pieces>
struct Square {
  alignas(64) TileData x[pieces][2];
};

template <int pieces, int blocks>
struct TilePanel {
  static constexpr int kCols = kPanel, kMaxBlocks = blocks;
  Square<pieces> w[kCols / kSide][kMaxBlocks];
};

class TilesOfProduct {
  TilesInUse tiles_{TileShapes::Whole()};
};

// Activations of kSide rows; null is a row of zeros.
template <int pieces>
void PackRows(const float* const* rows, Square<pieces>* out) {
  for (int r = 0; r < kSide; ++r) {
    I x[2] = {Integers(0), Integers(0)};
    if (rows[r]) {
      const F low = Load(rows[r]), high = Load(rows[r] + kLanes);
      if (pieces == 1) {
        x[0] = Rounded(low, high);
      } else {
        Split(low, high, x, x + 1);
      }
    }
    for (int p = 0; p < pieces; ++p) {
      StoreIntegers(out->x[p][r / kTileHeight][r % kTileHeight], x[p]);
    }
  }
}

template <int height>
struct Sums {
  static constexpr size_t kBytes = kSide * sizeof(float);
  static void Zero() {
    ZeroTile<0>();
    ZeroTile<1>();
    if (height == 1) return;
    ZeroTile<2>();
    ZeroTile<3>();
  }
  static void Read(const float* from) {
    ReadTile<0>(from, kBytes);
    ReadTile<1>(from + kTileHeight, kBytes);
    if (height == 1) return;
    ReadTile<2>(from + kTileHeight * kSide, kBytes);
    ReadTile<3>(from + kTileHeight * (kSide + 1), kBytes);
  }
  static void Write(float* to) {
    WriteTile<0>(to, kBytes);
    WriteTile<1>(to + kTileHeight, kBytes);
    if (height == 1) return;
    WriteTile<2>(to + kTileHeight * kSide, kBytes);
    WriteTile<3>(to + kTileHeight * (kSide + 1), kBytes);
  }
};

template <int height>
inline void ReadRows(const TileData* x) {
  ReadTile<4>(x[0], kTileBytes);
  if (height > 1) ReadTile<5>(x[1], kTileBytes);
}
inline void ReadColumns(const TileData* w) {
  ReadTileOnce<6>(w[0], kTileBytes);
  ReadTileOnce<7>(w[1], kTileBytes);
}
template <int height>
inline void Multiply() {
  DotTiles<0, 4, 6>();
  DotTiles<1, 4, 7>();
  if (height == 1) return;
  DotTiles<2, 5, 6>();
  DotTiles<3, 5, 7>();
}

// Smaller products first.
template <int height, int a_pieces, int b_pieces>
inline void Products(const Square<a_pieces>& a, const Square<b_pieces>& b) {
  ReadColumns(b.x[b_pieces - 1]);
  ReadRows<height>(a.x[0]);
  Multiply<height>();
  if (b_pieces == 2) {
    ReadColumns(b.x[0]);
    Multiply<height>();
  }
  if (a_pieces == 2) {
    ReadRows<height>(a.x[a_pieces - 1]);
    Multiply<height>();
  }
}

// `next`: this square's share of the next group's rows.
template <int height, int a_pieces, int b_pieces>
void SumSquare(const Square<a_pieces>* a, const Square<b_pieces>* b, int blocks, bool add,
               float* sums, const char* next) {
  using S = Sums<height>;
  if (add) {
    S::Read(sums);
  } else {
    S::Zero();
  }
  constexpr int kShare = int(sizeof *a) * kSide / kPanel;  // of a block's rows
  for (int i = 0; i < blocks; ++i, next += kShare) {
    for (int line = 0; line < kShare; line += 64) _mm_prefetch(next + line, _MM_HINT_T1);
    Products<height>(a[i], b[i]);
  }
  S::Write(sums);
}

// Slices of whole `step`s of blocks.
template <int a_pieces, int b_pieces, int step = 1>
struct Loops : Division {
  static constexpr int kGroup = kSide, kStep = step, kLeastCols = kSide;
  static constexpr bool kPacksSlices = false;
  static constexpr int kLeastRows = 256, kMostRows = 768;
  using A = Square<a_pieces>;
  static constexpr int kSlice = kRowsInL1 / int(sizeof(A)) / step * step;
  using B = TilePanel<b_pieces, kSlice>;
  // Squares one after another.
  static const float* SumsAt(const float* sums, int row, int col) {
    return sums + (col / kSide * kSide + row) * kSide + col % kSide;
  }
  static void Tile(const A* a, const B& panel, int blocks, const Output& out) {
    const auto sum = out.n_rows > kTileHeight ? SumSquare<2, a_pieces, b_pieces>
                                              : SumSquare<1, a_pieces, b_pieces>;
    const char* next = reinterpret_cast<const char*>(a + blocks);
    for (int col = 0; col < out.n_cols; col += kSide) {
      sum(a, panel.w[col / kSide], blocks, out.add, out.sums + col * kSide,
          next + blocks * sizeof(A) * col / kPanel);
    }
  }
  static void PackA(const float* const* rows, A* out) { PackRows(rows, out); }
};

}  // namespace llavaov::kernels

#endif
