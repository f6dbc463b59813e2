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
};

// While it lives this thread's tiles have these shapes; then those from before, since ggml sets its
// own once for a thread's life.
class TilesInUse {
 public:
  explicit TilesInUse(const TileShapes& shapes) {
    _tile_storeconfig(&before_);
    _tile_loadconfig(&shapes);
  }
  ~TilesInUse() {
    if (before_.palette) {
      _tile_loadconfig(&before_);
    } else {
      _tile_release();
    }
  }
  TilesInUse(const TilesInUse&) = delete;
  TilesInUse& operator=(const TilesInUse&) = delete;

 private:
  TileShapes before_;
};

#endif

}  // namespace llavaov::kernels
