// Weights of kLanes rows as the integer product wants them: dword t of a block of every row in one
// vector. Rows are turned 16 bytes at a time as they lie in the file, before bits are taken apart,
// so that nibbles and bit pairs are turned two or four at once.
//
// Columns<W>::Read gives the kTogether blocks from `kb` on to `store`(block, t, dwords). `high`: of
// types with a fifth bit, those 32 bits of each row (HighBits).
#pragma once

#include "super-blocks.h"

#if defined(LLAVAOV_BYTES)

#include <cstddef>

namespace llavaov::kernels {

inline I Bytes(unsigned x) { return Integers(int32_t(x * 0x01010101u)); }
inline I LowNibbles(I x) { return And(x, Bytes(15)); }
inline I HighNibbles(I x) { return LowNibbles(ShiftRight<4>(x)); }

template <class W>
struct Columns;

template <>
struct Columns<Q8_0> {
  template <class S>
  static inline void Read(const char* const* rows, int kb, const uint32_t*, S store) {
    I x[8];
    const size_t at = kb * sizeof(block_q8_0) + offsetof(block_q8_0, qs);
    TransposeQuads(rows, at, x);
    TransposeQuads(rows, at + 16, x + 4);
    for (int t = 0; t < 8; ++t) store(0, t, Xor(x[t], Bytes(128)));
  }
};

// Types with 16 bytes of nibbles a block.
template <class B>
inline void ReadNibbles(const char* const* rows, int kb, I (&x)[8]) {
  TransposeQuads(rows, kb * sizeof(B) + offsetof(B, qs), x);
  for (int t = 0; t < 4; ++t) {
    x[t + 4] = HighNibbles(x[t]);
    x[t] = LowNibbles(x[t]);
  }
}

template <class B>
struct NibbleColumns {
  template <class S>
  static inline void Read(const char* const* rows, int kb, const uint32_t*, S store) {
    I x[8];
    ReadNibbles<B>(rows, kb, x);
    for (int t = 0; t < 8; ++t) store(0, t, x[t]);
  }
};
template <>
struct Columns<Q4_0> : NibbleColumns<block_q4_0> {};
template <>
struct Columns<Q4_1> : NibbleColumns<block_q4_1> {};

template <>
struct Columns<IQ4_NL> {
  template <class S>
  static inline void Read(const char* const* rows, int kb, const uint32_t*, S store) {
    I x[8];
    ReadNibbles<block_iq4_nl>(rows, kb, x);
    for (int t = 0; t < 8; ++t) store(0, t, ShuffleBytes(IQ4_NL::Levels(), x[t]));
  }
};

template <class B>
struct FifthBitColumns {
  template <class S>
  static inline void Read(const char* const* rows, int kb, const uint32_t* high, S store) {
    I x[8];
    ReadNibbles<B>(rows, kb, x);
    const I bits = LoadIntegers(high), sixteen = Bytes(16);
    for (int i = 0; i < 4; ++i) {  // byte i has the bits of two dwords
      const I byte = ShuffleEach(bits, ByteOfDwords(i));
      store(0, 2 * i, Or(x[2 * i], WhereBits(byte, Integers(0x08040201), sixteen)));
      store(0, 2 * i + 1, Or(x[2 * i + 1], WhereBits(byte, Integers(int(0x80402010)), sixteen)));
    }
  }
};
template <>
struct Columns<Q5_0> : FifthBitColumns<block_q5_0> {};
template <>
struct Columns<Q5_1> : FifthBitColumns<block_q5_1> {};

// A super-block at once: `turn`(where it is, t) for either half of the bytes that give 32 weights.
template <class B, class Turn>
inline void ReadHalves(int kb, Turn turn) {
  const size_t at = size_t(kb / 8) * sizeof(B);
  for (int c = 0; c < 2; ++c) turn(at + 16 * c, 4 * c);
}

template <>
struct Columns<Q4_K> {
  template <class S>
  static inline void Read(const char* const* rows, int kb, const uint32_t*, S store) {
    ReadHalves<block_q4_K>(kb, [&](size_t at, int first) {
      for (int pair = 0; pair < 4; ++pair) {
        I x[4];
        TransposeQuads(rows, at + offsetof(block_q4_K, qs) + 32 * pair, x);
        for (int t = 0; t < 4; ++t) {
          store(2 * pair, first + t, LowNibbles(x[t]));
          store(2 * pair + 1, first + t, HighNibbles(x[t]));
        }
      }
    });
  }
};

template <>
struct Columns<Q5_K> {
  template <class S>
  static inline void Read(const char* const* rows, int kb, const uint32_t*, S store) {
    ReadHalves<block_q5_K>(kb, [&](size_t at, int first) {
      I high[4];
      TransposeQuads(rows, at + offsetof(block_q5_K, qh), high);
      for (int pair = 0; pair < 4; ++pair) {
        I x[4];
        TransposeQuads(rows, at + offsetof(block_q5_K, qs) + 32 * pair, x);
        const I bit = Bytes(1u << 2 * pair), next = Bytes(2u << 2 * pair), sixteen = Bytes(16);
        for (int t = 0; t < 4; ++t) {
          store(2 * pair, first + t, Or(LowNibbles(x[t]), WhereBits(high[t], bit, sixteen)));
          store(2 * pair + 1, first + t, Or(HighNibbles(x[t]), WhereBits(high[t], next, sixteen)));
        }
      }
    });
  }
};

template <>
struct Columns<Q6_K> {
  template <class S>
  static inline void Read(const char* const* rows, int kb, const uint32_t*, S store) {
    ReadHalves<block_q6_K>(kb, [&](size_t at, int first) {
      for (int half = 0; half < 2; ++half) {
        I x[4], y[4], high[4];
        TransposeQuads(rows, at + offsetof(block_q6_K, ql) + 64 * half, x);
        TransposeQuads(rows, at + offsetof(block_q6_K, ql) + 64 * half + 32, y);
        TransposeQuads(rows, at + offsetof(block_q6_K, qh) + 32 * half, high);
        const I mask = Bytes(0x30);
        for (int t = 0; t < 4; ++t) {
          const I h = high[t];
          const int b = 4 * half, k = first + t;
          store(b, k, Or(LowNibbles(x[t]), And(ShiftLeft<4>(h), mask)));
          store(b + 1, k, Or(LowNibbles(y[t]), And(ShiftLeft<2>(h), mask)));
          store(b + 2, k, Or(HighNibbles(x[t]), And(h, mask)));
          store(b + 3, k, Or(HighNibbles(y[t]), And(ShiftRight<2>(h), mask)));
        }
      }
    });
  }
};

// Four pairs of bits in each byte.
template <class B, class S>
inline void ReadPairs(const char* const* rows, size_t at, int first, S store) {
  for (int half = 0; half < 2; ++half) {
    I x[4];
    TransposeQuads(rows, at + offsetof(B, qs) + 32 * half, x);
    for (int t = 0; t < 4; ++t) {
      const int b = 4 * half;
      store(b, first + t, And(x[t], Bytes(3)));
      store(b + 1, first + t, And(ShiftRight<2>(x[t]), Bytes(3)));
      store(b + 2, first + t, And(ShiftRight<4>(x[t]), Bytes(3)));
      store(b + 3, first + t, And(ShiftRight<6>(x[t]), Bytes(3)));
    }
  }
}

template <>
struct Columns<Q2_K> {
  template <class S>
  static inline void Read(const char* const* rows, int kb, const uint32_t*, S store) {
    ReadHalves<block_q2_K>(
        kb, [&](size_t at, int first) { ReadPairs<block_q2_K>(rows, at, first, store); });
  }
};

template <>
struct Columns<Q3_K> {
  template <class S>
  static inline void Read(const char* const* rows, int kb, const uint32_t*, S store) {
    ReadHalves<block_q3_K>(kb, [&](size_t at, int first) {
      I high[4];
      TransposeQuads(rows, at + offsetof(block_q3_K, hmask), high);
      ReadPairs<block_q3_K>(rows, at, first, [&](int b, int t, I pairs) {
        store(b, t, Or(pairs, WhereBits(high[t % 4], Bytes(1u << b), Bytes(4))));
      });
    });
  }
};

}  // namespace llavaov::kernels

#endif
