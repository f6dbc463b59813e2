// bf16, in vectors of pairs: the nearest ones, and two that are a float together but for 2^-16 of
// it.
#pragma once

#include "tiles.h"

#if defined(LLAVAOV_TILES)

namespace llavaov::kernels {

inline I Rounded(F low, F high) { return I(_mm512_cvtne2ps_pbh(high, low)); }

inline float Float(uint16_t bfloat) {
  const uint32_t bits = uint32_t(bfloat) << 16;
  float x;
  std::memcpy(&x, &bits, sizeof x);
  return x;
}

// 32 floats, `low` before `high`, to the nearest bf16 and what they are beyond those.
inline void Split(F low, F high, I* first, I* second) {
  *first = Rounded(low, high);
  const F l = FromBfloats(_mm512_castsi512_si256(*first));
  const F h = FromBfloats(_mm512_extracti64x4_epi64(*first, 1));
  *second = Rounded(Sub(low, l), Sub(high, h));
}

}  // namespace llavaov::kernels

#endif
