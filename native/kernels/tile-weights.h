// Sixteen rows of weights as a tile of AMX takes them: where 32 of each lie as signed bytes, which
// for q8_0 is in the file itself, and their scales (and mins) of a chunk of eight blocks in floats.
#pragma once

#include "signed-bytes.h"
#include "tiles.h"

#if defined(LLAVAOV_TILES)

#include <algorithm>
#include <type_traits>

namespace llavaov::kernels {

// Rows of weights, and how far one lies from the next.
struct Panel {
  const char* data;
  size_t stride;
  int height;
  I offsets;  // of each row; beyond the last one it comes again

  Panel(const char* data, size_t stride, int height) : data(data), stride(stride), height(height) {
    offsets = _mm512_mullo_epi32(_mm512_min_epi32(LaneNumbers(), Integers(height - 1)),
                                 Integers(int(stride)));
  }
};

// A unit: the weights of a row that share a scale.
template <class W>
struct TileWeights {
  static constexpr bool kAsTheyLie = std::is_same<W, Q8_0>::value;
  static constexpr int kUnits = kChunk * W::kScales, kDepth = kBlock / W::kScales;
  static constexpr int kAhead = 512;

  alignas(64) int8_t q[kAsTheyLie ? 1 : kChunk / 2][kTileHeight][kPair];

  void Read(const Panel& p, int kb, int blocks) {
    if constexpr (!kAsTheyLie) {
      const char* row = p.data;
      for (int r = 0; r < p.height; ++r, row += p.stride) {
        SignedBytes<W>::Read(row, kb, blocks, q[0][r]);
      }
    }
  }

  // Unit `unit` of the chunk from block kb on, and how far one row of it lies from the next.
  const void* Unit(const Panel& p, int kb, int unit, size_t* stride) const {
    if constexpr (kAsTheyLie) {
      *stride = p.stride;
      return W::At(p.data, kb + unit).qs;
    } else {
      *stride = kPair;
      return q[0][0] + unit * kDepth / kPair * kApart + unit * kDepth % kPair;
    }
  }

  // Asks for what rows [first, end) have behind this chunk. All rows of one at once would keep
  // what has to be read now from its way into the cache.
  static void Prefetch(const Panel& p, int kb, int first, int end) {
    constexpr int kBytes = int(kChunk / W::kSuper * sizeof(typename W::Block));
    const char* at = p.data + kb / W::kSuper * sizeof(typename W::Block) + first * p.stride;
    for (int r = first; r < end; ++r, at += p.stride) {
      for (int i = 0; i < kBytes; i += 64) _mm_prefetch(at + kAhead + i, _MM_HINT_T0);
    }
  }
};

// Weights are scale * (signed byte) + min, or - min in K-quants, both kSumUnit times.
template <class W>
struct TileFactors {
  static constexpr int kUnits = kChunk * W::kScales;
  static constexpr bool kByUnit = !std::is_same<W, Q6_K>::value;

  alignas(64) float scale[kUnits * kTileHeight];
  alignas(64) float min[W::kHasMin ? kUnits * kTileHeight : 1];

  static constexpr int At(int unit, int row) {
    return kByUnit ? unit * kTileHeight + row : row * kUnits + unit;
  }

  // Those of missing blocks are 0.
  void Read(const Panel& p, int kb, int blocks) {
    if constexpr (W::kSuper == 1) {
      Plain(p, kb, blocks);
    } else if constexpr (W::kHasMin) {
      SixBits(p, W::At(p.data, kb));
    } else {
      const char* row = p.data;
      for (int r = 0; r < p.height; ++r, row += p.stride) {
        const auto& block = W::At(row, kb);
        const F x = ToFloats(_mm512_cvtepi8_epi32(Load128(block.scales)));
        Store(scale + r * kUnits, Mul(x, Set(Half(block.d) * kSumUnit)));
      }
    }
  }

 private:
  static I Gather(const Panel& p, const void* at) {
    return _mm512_i32gather_epi32(p.offsets, at, 1);
  }
  static F LowHalves(I x) { return _mm512_cvtph_ps(_mm512_cvtepi32_epi16(x)); }
  static F HighHalves(I x) { return LowHalves(_mm512_srli_epi32(x, 16)); }

  void Plain(const Panel& p, int kb, int blocks) {
    for (int b = 0; b < kChunk; ++b) {
      const I both = b < blocks ? Gather(p, &W::At(p.data, kb + b)) : Integers(0);
      const F unit = Set(kSumUnit);
      Store(scale + b * kTileHeight, Mul(LowHalves(both), unit));
      if (W::kHasMin) Store(min + b * kTileHeight, Mul(HighHalves(both), unit));
    }
  }

  // As SixBits of super-blocks.h, of sixteen rows.
  template <class Block>
  void SixBits(const Panel& p, const Block& block) {
    const I both = Gather(p, &block.d), a = Gather(p, block.scales);
    const I b = Gather(p, block.scales + 4), c = Gather(p, block.scales + 8);
    const F unit = Set(kSumUnit), d = Mul(LowHalves(both), unit), m = Mul(HighHalves(both), unit);
    const I six = Bytes(0x3f), low = Bytes(15), high = Bytes(0x30);
    FourUnits(And(a, six), d, scale);
    FourUnits(Or(And(c, low), And(_mm512_srli_epi32(a, 2), high)), d, scale + 4 * kTileHeight);
    FourUnits(And(b, six), m, min);
    FourUnits(Or(And(_mm512_srli_epi32(c, 4), low), And(_mm512_srli_epi32(b, 2), high)), m,
              min + 4 * kTileHeight);
  }

  // Byte i of every dword, times `by`, to the i-th vector.
  static void FourUnits(I x, F by, float* to) {
    for (int i = 0; i < 4; ++i, x = _mm512_srli_epi32(x, 8)) {
      Store(to + i * kTileHeight, Mul(ToFloats(And(x, Integers(255))), by));
    }
  }
};

}  // namespace llavaov::kernels

#endif
