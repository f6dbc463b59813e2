// 2^x and GELU of vectors. Both keep away from denormals, which cost a hundred cycles each time an
// instruction meets or makes one: what is smaller becomes zero.
#pragma once

#include "simd.h"

#if defined(LLAVAOV_KERNELS)

namespace llavaov::kernels {

constexpr float kLog2e = 1.44269504f;

// 2^x for x in [-126, 127] within 2e-7 of its value; NaN stays.
inline F Power(F x) {
  const F n = Round(x), r = Sub(x, n);
  F p = Set(1.5403530e-4f);
  p = MulAdd(p, r, Set(1.3333558e-3f));
  p = MulAdd(p, r, Set(9.6181291e-3f));
  p = MulAdd(p, r, Set(5.5504109e-2f));
  p = MulAdd(p, r, Set(2.4022651e-1f));
  p = MulAdd(p, r, Set(6.9314718e-1f));
  p = MulAdd(p, r, Set(1.0f));
  return TimesPowerOf2(p, n);
}

// 2^x for x <= 0; under 2^-126 it is 0.
inline F Exp2(F x) {
  const F least = Set(-126.0f);
  return ZeroBelow(least, x, Power(Max(least, x)));
}

// 2^x, rounded to a whole number; 0 for NaN. x < 127.
inline I WholeExp2(F x) {
  const F magic = Set(12582912.0f);  // 1.5 * 2^23: what is added to it becomes whole
  x = Max(x, Set(-2.0f));
  const F n = Add(x, magic), r = Sub(x, Sub(n, magic));
  F p = Set(9.57004e-3f);  // within 2.6e-6
  p = MulAdd(p, r, Set(5.591771e-2f));
  p = MulAdd(p, r, Set(2.4024745e-1f));
  p = MulAdd(p, r, Set(6.9312183e-1f));
  p = MulAdd(p, r, Set(9.9999926e-1f));
  return RoundedIntegers(TimesLowBits(p, n));
}

// tanh's approximation: 0.5 x (1 + tanh(u)) = x / (1 + e^-2u) with u = sqrt(2 / pi) (x + 0.044715
// x^3).
inline F Gelu(F x) {
  const F cubic = MulAdd(Mul(x, x), Set(0.044715f), Set(1.0f));
  const F exponent = Mul(Mul(x, Set(-1.595769122f * kLog2e)), cubic);
  return Div(x, Add(Set(1.0f), Power(Max(Set(-100.0f), Min(Set(100.0f), exponent)))));
}

}  // namespace llavaov::kernels

#endif
