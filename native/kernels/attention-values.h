// The second product of attention, shares of kValueRows rows (kStride apart) by the values of a
// tile
// (`width` of each key), which lie in L1, added to rows of `out` that are `stride` apart: as many
// vectors of the result at a time as there are registers for.
#pragma once

#include "simd.h"

#if defined(LLAVAOV_KERNELS)

namespace llavaov::kernels {

// V vectors of kValueRows rows: out = out * shrink + shares by values.
template <int V, int kStride>
inline void ValuesOf(const float* shares, const float* values, int keys, const float* shrink,
                     int width, int stride, float* out) {
  F f[kValueRows][V];
  LLAVAOV_UNROLL
  for (int r = 0; r < kValueRows; ++r) {
    const F s = Set(shrink[r]);
    LLAVAOV_UNROLL
    for (int v = 0; v < V; ++v) f[r][v] = Mul(s, Load(out + r * stride + v * kLanes));
  }
  for (int j = 0; j < keys; ++j, values += width) {
    F w[V];
    LLAVAOV_UNROLL
    for (int v = 0; v < V; ++v) w[v] = Load(values + v * kLanes);
    LLAVAOV_UNROLL
    for (int r = 0; r < kValueRows; ++r) {
      const F share = Set(shares[r * kStride + j]);
      LLAVAOV_UNROLL
      for (int v = 0; v < V; ++v) f[r][v] = MulAdd(w[v], share, f[r][v]);
    }
  }
  LLAVAOV_UNROLL
  for (int r = 0; r < kValueRows; ++r) {
    LLAVAOV_UNROLL
    for (int v = 0; v < V; ++v) Store(out + r * stride + v * kLanes, f[r][v]);
  }
}

template <int kStride>
void Values(const float* shares, const float* values, int keys, const float* shrink, int width,
            int stride, float* out) {
  const int vectors = width / kLanes, pieces = (vectors + kValueVectors - 1) / kValueVectors;
  for (int piece = 0; piece < pieces; ++piece) {
    const int first = vectors * piece / pieces, n = vectors * (piece + 1) / pieces - first;
    const float* from = values + first * kLanes;
    float* to = out + first * kLanes;
    switch (n) {
      case 1:
        ValuesOf<1, kStride>(shares, from, keys, shrink, width, stride, to);
        break;
      case 2:
        ValuesOf<2, kStride>(shares, from, keys, shrink, width, stride, to);
        break;
      case 3:
        ValuesOf<3, kStride>(shares, from, keys, shrink, width, stride, to);
        break;
#if defined(LLAVAOV_WIDE)
      case 4:
        ValuesOf<4, kStride>(shares, from, keys, shrink, width, stride, to);
        break;
      default:
        ValuesOf<5, kStride>(shares, from, keys, shrink, width, stride, to);
        break;
#endif
    }
  }
}

}  // namespace llavaov::kernels

#endif
