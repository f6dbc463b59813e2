// Where a tile of a product goes: sums of earlier slices of k are read, the last slice's end with
// what the product's node asks for (finish.h) while they are in registers. Results that were stored
// and read again for that would hold up the next tile's products for a quarter of their time.
#pragma once

#include "finish.h"
#include "functions.h"
#include "simd.h"

#if defined(LLAVAOV_KERNELS)

#include <algorithm>

namespace llavaov::kernels {

struct Output {
  float* data;
  size_t stride;  // floats
  int n_rows, n_cols;
  bool add = false, is_last = false;  // slices came before, none comes after
  float* sums = nullptr;              // between slices, where they lie apart
  Finish finish = Finish::kNone;
  const float *bias = nullptr, *residual = nullptr;  // of data[0]
};

// Sums at `i` of row `r` as results. `from` reads as many floats.
template <class From>
inline F Ended(const Output& out, F x, int r, int i, From from) {
  if (out.finish == Finish::kNone) return x;
  const F y = Add(x, from(out.bias + i));
  if (out.finish == Finish::kBiasGelu) return Gelu(y);
  return out.residual ? Add(from(out.residual + r * out.stride + i), y) : y;
}

// `n` of them.
inline F EndedFirst(const Output& out, F x, int r, int i, int n) {
  return Ended(out, x, r, i, [n](const float* p) { return LoadFirst(p, n); });
}

template <int R, int V>
inline void LoadTile(const Output& out, F (&f)[R][V]) {
  const bool is_whole = out.n_rows >= R && out.n_cols >= V * kLanes;
  if (!out.add) {
    LLAVAOV_UNROLL
    for (int r = 0; r < R; ++r) {
      LLAVAOV_UNROLL
      for (int v = 0; v < V; ++v) f[r][v] = Zero();
    }
  } else if (is_whole) {
    LLAVAOV_UNROLL
    for (int r = 0; r < R; ++r) {
      LLAVAOV_UNROLL
      for (int v = 0; v < V; ++v) f[r][v] = Load(out.data + r * out.stride + v * kLanes);
    }
  } else {
    LLAVAOV_UNROLL
    for (int r = 0; r < R; ++r) {
      LLAVAOV_UNROLL
      for (int v = 0; v < V; ++v) {
        const int left = r < out.n_rows ? std::max(out.n_cols - v * kLanes, 0) : 0;
        f[r][v] = left > 0 ? LoadFirst(out.data + r * out.stride + v * kLanes, left) : Zero();
      }
    }
  }
}

// Not whole: at the end of rows or columns.
template <int R, int V>
LLAVAOV_NOINLINE void StoreRagged(const Output& out, const float (&f)[R][V][kLanes]) {
  for (int r = 0; r < std::min(R, out.n_rows); ++r) {
    for (int v = 0; v < V && v * kLanes < out.n_cols; ++v) {
      const int n = std::min(out.n_cols - v * kLanes, kLanes);
      const F sums = Load(f[r][v]);
      const F x = out.is_last ? EndedFirst(out, sums, r, v * kLanes, n) : sums;
      StoreFirst(out.data + r * out.stride + v * kLanes, x, n);
    }
  }
}

template <int R, int V>
inline void StoreTile(const Output& out, F (&f)[R][V]) {
  const bool is_whole = out.n_rows >= R && out.n_cols >= V * kLanes;
  if (is_whole && out.is_last && out.finish != Finish::kNone) {
    LLAVAOV_UNROLL
    for (int r = 0; r < R; ++r) {
      LLAVAOV_UNROLL
      for (int v = 0; v < V; ++v) {
        f[r][v] = Ended(out, f[r][v], r, v * kLanes, [](const float* p) { return Load(p); });
      }
    }
  }
  if (!is_whole) {
    alignas(64) float sums[R][V][kLanes];
    LLAVAOV_UNROLL
    for (int r = 0; r < R; ++r) {
      LLAVAOV_UNROLL
      for (int v = 0; v < V; ++v) Store(sums[r][v], f[r][v]);
    }
    StoreRagged(out, sums);
    return;
  }
  LLAVAOV_UNROLL
  for (int r = 0; r < R; ++r) {
    LLAVAOV_UNROLL
    for (int v = 0; v < V; ++v) Store(out.data + r * out.stride + v * kLanes, f[r][v]);
  }
}

}  // namespace llavaov::kernels

#endif
