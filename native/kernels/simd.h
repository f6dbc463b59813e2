// The vector type that the kernels are written in: F floats and I integers of kLanes 32-bit lanes,
// 16 with AVX-512, 8 with AVX2 and NEON, from the build's instruction set. Blocks of 32 weights are
// taken apart in 256 bits on all. Tile shapes follow from the number of registers (32 or 16).
// LLAVAOV_KERNELS is defined where there are kernels at all, LLAVAOV_BYTES where those of quantised
// weights are, LLAVAOV_VNNI where integers multiply in one instruction. MSVC knows no macros for
// FMA, F16C and VNNI: AVX2 implies the first two there, ggml's build defines the third.
#pragma once

#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512DQ__) && defined(__AVX512VL__)
#define LLAVAOV_KERNELS 1
#define LLAVAOV_BYTES 1
#define LLAVAOV_WIDE 1
#if defined(__AVX512VNNI__)
#define LLAVAOV_VNNI 1
#endif
#elif defined(__AVX2__) && (defined(_MSC_VER) || (defined(__FMA__) && defined(__F16C__)))
#define LLAVAOV_KERNELS 1
#define LLAVAOV_BYTES 1
#if defined(__AVXVNNI__)
#define LLAVAOV_VNNI 1
#endif
#elif defined(__ARM_NEON) && defined(__aarch64__)
#define LLAVAOV_KERNELS 1
#define LLAVAOV_NEON 1
#if defined(__ARM_FEATURE_DOTPROD)
#define LLAVAOV_BYTES 1
#endif
#endif

// Where bits of bytes are moved in one instruction: every CPU with AMX or AVX-VNNI, Zen 4.
#if defined(__GFNI__) && defined(LLAVAOV_BYTES)
#define LLAVAOV_GFNI 1
#endif

// Where bytes of 512 bits are permuted too: with AMX, Zen 4.
#if defined(LLAVAOV_WIDE) && defined(LLAVAOV_VNNI) && defined(LLAVAOV_GFNI) && \
    defined(__AVX512VBMI__)
#define LLAVAOV_PERMUTES 1
#endif

// Of a loop that wants all registers, and would lose some to its caller's constants.
#if defined(_MSC_VER)
#define LLAVAOV_NOINLINE __declspec(noinline)
#else
#define LLAVAOV_NOINLINE __attribute__((noinline))
#endif

// Before a loop of constant length whose arrays are to be registers.
#if defined(__clang__)
#define LLAVAOV_UNROLL _Pragma("unroll")
#elif defined(__GNUC__)
#define LLAVAOV_UNROLL _Pragma("GCC unroll 16")
#else
#define LLAVAOV_UNROLL
#endif

#if defined(LLAVAOV_KERNELS)

#include <cmath>
#include <cstdint>
#include <cstring>

#if defined(LLAVAOV_NEON)
#include <arm_neon.h>

#include "simd-neon.h"
#include "simd-neon-bytes.h"
#else
#include <immintrin.h>

#include "simd-256.h"
#if defined(LLAVAOV_WIDE)
#include "simd-avx512.h"
#else
#include "simd-avx2.h"
#endif
#endif

namespace llavaov::kernels {

// Of an array that registers are too few for beside others, which compilers cannot tell.
template <class Array>
inline void StayInMemory([[maybe_unused]] Array& array) {
#if defined(__GNUC__)
  asm volatile("" : "+m"(array));
#endif
}

inline void AskFor(const void* p) {
#if defined(LLAVAOV_NEON)
  __builtin_prefetch(p);
#else
  _mm_prefetch(static_cast<const char*>(p), _MM_HINT_T0);
#endif
}

// For the second cache.
inline void AskForLater(const void* p) {
#if defined(LLAVAOV_NEON)
  __builtin_prefetch(p, 0, 2);
#else
  _mm_prefetch(static_cast<const char*>(p), _MM_HINT_T1);
#endif
}

}  // namespace llavaov::kernels

#endif
