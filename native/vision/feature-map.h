// Where tile features become visual rows: plain f32 host code, the same on every backend and
// testable without a model.
#pragma once

#include <cstdint>

namespace llavaov {

// Tiles of side * side patches in a grid, the part of that map to keep, and the size to shrink it
// to.
struct MapShape {
  int64_t cols, rows;  // tiles
  int64_t side;        // patches
  int64_t n_embd;
  int64_t crop_top, crop_left, crop_rows, crop_cols;  // patches
  int64_t out_rows, out_cols;                         // patches
};

// `features` [rows * cols, side², n_embd] to `out` [out_rows, out_cols, n_embd]. The map is read in
// place, never copied together.
void AssembleMap(const float* features, const MapShape& shape, float* out);

}  // namespace llavaov
