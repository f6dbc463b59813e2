// AMX: the CPU's own matrix tiles. Linux lends them to a process that asks, so a build that has
// them asks while it runs, and multiplies in vectors where they are refused (sandboxes, small
// signal stacks). Windows and macOS have no such build.
//
// A product of 16 rows by 16 columns takes 16 cycles: of 64 bytes with int32 sums, or 32 bf16 with
// f32 sums (pairs of products, denormals are zero).
#pragma once

#include "simd.h"

#if defined(__linux__) && defined(LLAVAOV_WIDE) && defined(LLAVAOV_VNNI) &&      \
    defined(__AVX512BF16__) && defined(__AMX_TILE__) && defined(__AMX_INT8__) && \
    defined(__AMX_BF16__)
#define LLAVAOV_TILES 1
#endif

namespace llavaov::kernels {

// Whether this process may use tiles: asked once. False in builds without.
bool HasTiles();

#if defined(LLAVAOV_TILES)

constexpr int kTiles = 8, kTileHeight = 16, kTileBytes = 64;  // at most, of a row

// Rows and bytes a row of each of the eight, as LDTILECFG reads them.
struct alignas(64) TileShapes {
  uint8_t palette = 1, first_row = 0, reserved[14] = {};
  uint16_t bytes[16] = {};
  uint8_t rows[16] = {};

  void Set(int tile, int height, int row_bytes) {
    rows[tile] = uint8_t(height);
    bytes[tile] = uint16_t(row_bytes);
  }
  static TileShapes Whole() {
    TileShapes shapes;
    for (int i = 0; i < kTiles; ++i) shapes.Set(i, kTileHeight, kTileBytes);
    return shapes;
  }
};

// While it lives this thread's tiles have these shapes; then those from before, since ggml sets its
// own once for a thread's life.
class TilesInUse {
 public:
  explicit TilesInUse(const TileShapes& shapes) {
    asm volatile("sttilecfg %0" : "=m"(before_));
    Use(shapes);
  }
  ~TilesInUse() {
    if (before_.palette) {
      Use(before_);
    } else {
      asm volatile("tilerelease");
    }
  }
  TilesInUse(const TilesInUse&) = delete;
  TilesInUse& operator=(const TilesInUse&) = delete;

 private:
  static void Use(const TileShapes& shapes) { asm volatile("ldtilecfg %0" ::"m"(shapes)); }

  TileShapes before_;
};

// While it lives tiles are whole, and denormals zero to vectors too.
class WholeTiles {
 public:
  WholeTiles() { _mm_setcsr(before_ | kNoDenormals); }
  ~WholeTiles() { _mm_setcsr(before_); }
  WholeTiles(const WholeTiles&) = delete;
  WholeTiles& operator=(const WholeTiles&) = delete;

 private:
  static constexpr unsigned kNoDenormals = 0x8040;
  unsigned before_ = _mm_getcsr();
  TilesInUse tiles_{TileShapes::Whole()};
};

// Instructions, by number of the tile. GCC 12's own names for them hide what memory they read.
template <int tile>
inline void ZeroTile() {
  asm volatile("tilezero %%tmm%c0" ::"i"(tile));
}
template <int tile>
inline void ReadTile(const void* from, size_t stride) {
  asm volatile("tileloadd (%1,%2,1), %%tmm%c0" ::"i"(tile), "r"(from), "r"(stride) : "memory");
}
// What is read once and should leave the rest of L1 where it is.
template <int tile>
inline void ReadTileOnce(const void* from, size_t stride) {
  asm volatile("tileloaddt1 (%1,%2,1), %%tmm%c0" ::"i"(tile), "r"(from), "r"(stride) : "memory");
}
template <int tile>
inline void WriteTile(void* to, size_t stride) {
  asm volatile("tilestored %%tmm%c0, (%1,%2,1)" ::"i"(tile), "r"(to), "r"(stride) : "memory");
}
// c + a b: of pairs of bf16.
template <int c, int a, int b>
inline void DotTiles() {
  asm volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" ::"i"(c), "i"(a), "i"(b));
}
// The same of four signed bytes each, in int32.
template <int c, int a, int b>
inline void DotTilesOfBytes() {
  asm volatile("tdpbssd %%tmm%c2, %%tmm%c1, %%tmm%c0" ::"i"(c), "i"(a), "i"(b));
}

#endif

}  // namespace llavaov::kernels
