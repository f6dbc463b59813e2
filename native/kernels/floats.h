// Weights as 32 floats: what f16, bf16 and f32 rows are read as. `rest`: weights of a last block
// that has fewer.
#pragma once

#include "simd.h"

#if defined(LLAVAOV_KERNELS)

namespace llavaov::kernels {

struct F16 {
  static constexpr int kBytes = 2;
  static F8 Load8(const void* p) { return Halves8(p); }
  static F LoadLanes(const void* p) { return LoadHalves(static_cast<const uint16_t*>(p)); }
};

struct BF16 {
  static constexpr int kBytes = 2;
  static F8 Load8(const void* p) { return Bfloats8(p); }
  static F LoadLanes(const void* p) { return LoadBfloats(static_cast<const uint16_t*>(p)); }
};

struct F32 {
  static constexpr int kBytes = 4;
  static F8 Load8(const void* p) { return Floats8(static_cast<const float*>(p)); }
  static F LoadLanes(const void* p) { return Load(static_cast<const float*>(p)); }
};

template <class T>
inline void FloatBlock(const char* row, int kb, int rest, F8 (&out)[4]) {
  const char* from = row + size_t(kb) * kBlock * T::kBytes;
  char copy[kBlock * T::kBytes];
  if (rest) {
    std::memset(copy, 0, sizeof copy);
    std::memcpy(copy, from, rest * T::kBytes);
    from = copy;
  }
  for (int i = 0; i < 4; ++i) out[i] = T::Load8(from + i * 8 * T::kBytes);
}

}  // namespace llavaov::kernels

#endif
