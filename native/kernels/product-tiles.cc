// Products on AMX's tiles, in bf16 with sums in f32 (tiles.h): quantised weights are unpacked to
// the nearest bf16 and activations rounded likewise, which loses a third of what eight bits of
// activations do. f16 and bf16 weights are taken as they are: what activations, and f16, have
// beyond a bf16's eight bits is a second one, and the products of both are added up.
#include "columns.h"
#include "floats.h"
#include "tile-loops.h"

namespace llavaov::kernels {

#if defined(LLAVAOV_TILES)

namespace {

// A float whose mantissa has byte `q` where kPlace says is kBase + q: no conversion.
template <class W>
struct Placed {
  static constexpr int kPlace = W::kIsWide ? 1 : 2;  // byte of the float
  static constexpr int kBase = W::kIsWide ? 32768 : 128;
  static I Base() { return _mm512_castps_si512(Set(float(kBase))); }
  // Bytes 2 pair and 2 pair + 1 of two of the four dwords of 128 bits.
  static F Floats(I x, int pair, int half) {
    const int first = 8 * half + 2 * pair, shift = 8 * kPlace;
    const __m128i order = _mm_setr_epi32(first << shift, (first + 1) << shift, (first + 4) << shift,
                                         (first + 5) << shift);
    const __mmask64 place = 0x1111111111111111u << kPlace;
    return _mm512_castsi512_ps(
        _mm512_mask_shuffle_epi8(Base(), place, x, _mm512_broadcast_i32x4(order)));
  }
};

// What makes weights of Placed floats: scale * float + shift, for the columns of low halves of 64
// bits, then of high ones, each twice.
struct Factors {
  alignas(64) float scale[2][kLanes], shift[2][kLanes];
};

inline void StoreTwice(float (*to)[kLanes], F x) {
  Store(to[0], _mm512_unpacklo_ps(x, x));
  Store(to[1], _mm512_unpackhi_ps(x, x));
}

template <class W>
inline void StoreFactors(F scale, F min, Factors* out) {
  F shift = Mul(scale, Set(-float(Placed<W>::kBase + W::kOffset)));
  if (W::kHasMin) shift = Sub(shift, min);
  StoreTwice(out->scale, scale);
  StoreTwice(out->shift, shift);
}

template <class W>
inline void StoreWeights(I x, const Factors& f, uint16_t (*to)[kBlock]) {
  for (int pair = 0; pair < 2; ++pair) {
    F w[2];
    for (int half = 0; half < 2; ++half) {
      w[half] = MulAdd(Placed<W>::Floats(x, pair, half), Load(f.scale[half]), Load(f.shift[half]));
    }
    StoreIntegers(to[pair], Rounded(w[0], w[1]));
  }
}

template <class W>
struct TileShape : Loops<1, 1, W::kSuper> {
  using Base = Loops<1, 1, W::kSuper>;
  using B = typename Base::B;
  static constexpr int kSlice = Base::kSlice;

  static void Unpack(const WeightSlice& w, B* out) {
    for (int v = 0; v * kLanes < w.n_cols; ++v) {
      // In such an order that what comes of 128 bits' low halves are the first eight columns.
      const char* rows[kLanes];
      for (int i = 0; i < kLanes; ++i) {
        const int col = i / 4 * 2 + i % 2 + i % 4 / 2 * 8;
        rows[i] = w.data + std::min(v * kLanes + col, w.n_cols - 1) * w.stride;
      }
      if constexpr (W::kSuper == 1) {
        UnpackBlocks(rows, w, v, out);
      } else {
        UnpackSuperBlocks(rows, w, v, out);
      }
    }
  }

  static uint16_t (*TileOf(B* out, int v, int block))
      [kBlock] { return out->w[v / 2][block].x[0][v % 2]; }

  static void UnpackBlocks(const char* const* rows, const WeightSlice& w, int v, B* out) {
    uint16_t scale[kSlice][kLanes], min[kSlice][kLanes];
    uint32_t high[kSlice][kLanes];
    for (int b = 0; b < w.blocks; ++b) {
      for (int i = 0; i < kLanes; ++i) {
        W::HalfScales(rows[i], w.kb + b, &scale[b][i], &min[b][i]);
        high[b][i] = W::HighBits(rows[i], w.kb + b);
      }
    }
    for (int b = 0; b < w.blocks; ++b) {
      Factors f;
      StoreFactors<W>(LoadHalves(scale[b]), W::kHasMin ? Sub(Zero(), LoadHalves(min[b])) : Zero(),
                      &f);
      const auto to = TileOf(out, v, b);
      Columns<W>::Read(rows, w.kb + b, high[b],
                       [&](int, int t, I x) { StoreWeights<W>(x, f, to + 2 * t); });
    }
  }

  static void UnpackSuperBlocks(const char* const* rows, const WeightSlice& w, int v, B* out) {
    constexpr int kCount = 8 * W::kScales;
    for (int b = 0; b < w.blocks; b += W::kSuper) {
      float scale[kLanes][kCount], min[kLanes][kCount];
      for (int i = 0; i < kLanes; ++i) W::SuperScales(rows[i], w.kb + b, scale[i], min[i]);
      Factors f[kCount];
      for (int part = 0; part < kCount; part += 8) {
        I s[8], m[8];
        Turn(&scale[0][part], kCount, s);
        if (W::kHasMin) Turn(&min[0][part], kCount, m);
        for (int n = 0; n < 8; ++n) {
          StoreFactors<W>(_mm512_castsi512_ps(s[n]),
                          W::kHasMin ? _mm512_castsi512_ps(m[n]) : Zero(), &f[part + n]);
        }
      }
      Columns<W>::Read(rows, w.kb + b, nullptr, [&](int n, int t, I x) {
        StoreWeights<W>(x, f[n * W::kScales + (W::kScales == 2 ? t / 4 : 0)],
                        TileOf(out, v, b + n) + 2 * t);
      });
    }
  }

  static inline void Turn(const float* numbers, int count, I* columns) {
    __m256i rows[kLanes];
    for (int i = 0; i < kLanes; ++i) rows[i] = Load256(numbers + i * count);
    TransposeLanes(rows, columns);
  }
};

// Two halves in each dword of 16 columns, as tiles.
inline void StorePairs(I x, BF16, Square<1>* out, int side, int t) {
  StoreIntegers(out->x[0][side][t], x);
}
inline void StorePairs(I x, F16, Square<2>* out, int side, int t) {
  const F low = _mm512_cvtph_ps(_mm512_castsi512_si256(x));
  const F high = _mm512_cvtph_ps(_mm512_extracti64x4_epi64(x, 1));
  const F top = _mm512_castsi512_ps(Integers(int(0xffff0000)));
  const F l = _mm512_and_ps(low, top), h = _mm512_and_ps(high, top);
  StoreIntegers(out->x[0][side][t], Rounded(l, h));
  StoreIntegers(out->x[1][side][t], Rounded(Sub(low, l), Sub(high, h)));
}

template <class T, int pieces>
struct HalfShape : Loops<2, pieces> {
  using B = typename Loops<2, pieces>::B;
  static void Unpack(const WeightSlice& w, B* out) {
    for (int v = 0; v * kLanes < w.n_cols; ++v) {
      const char* rows[kLanes];
      for (int i = 0; i < kLanes; ++i) {
        rows[i] = w.data + std::min(v * kLanes + i, w.n_cols - 1) * w.stride;
      }
      for (int b = 0; b < w.blocks; ++b) {
        size_t at = size_t(w.kb + b) * kBlock * T::kBytes;
        const char* const* from = rows;
        char copies[kLanes][kTileBytes];
        const char* copied[kLanes];
        if (w.rest && b + 1 == w.blocks) {
          for (int i = 0; i < kLanes; ++i) {
            std::memset(copies[i], 0, kTileBytes);
            std::memcpy(copies[i], rows[i] + at, w.rest * T::kBytes);
            copied[i] = copies[i];
          }
          from = copied;
          at = 0;
        }
        for (int t = 0; t < kTileHeight; t += 4) {
          I x[4];
          TransposeQuads(from, at + 4 * t, x);
          for (int i = 0; i < 4; ++i) StorePairs(x[i], T(), &out->w[v / 2][b], v % 2, t + i);
        }
      }
    }
  }
};

template <class Shape>
Kernel EntryOf() {
  return Product<Shape, TilesOfProduct>::Entry();
}

Kernel KernelOf(ggml_type type) {
  switch (type) {
    case GGML_TYPE_F16:
      return EntryOf<HalfShape<F16, 2>>();
    case GGML_TYPE_BF16:
      return EntryOf<HalfShape<BF16, 1>>();
    case GGML_TYPE_Q8_0:
      return EntryOf<TileShape<Q8_0>>();
    case GGML_TYPE_Q4_0:
      return EntryOf<TileShape<Q4_0>>();
    case GGML_TYPE_Q4_1:
      return EntryOf<TileShape<Q4_1>>();
    case GGML_TYPE_Q5_0:
      return EntryOf<TileShape<Q5_0>>();
    case GGML_TYPE_Q5_1:
      return EntryOf<TileShape<Q5_1>>();
    case GGML_TYPE_IQ4_NL:
      return EntryOf<TileShape<IQ4_NL>>();
    case GGML_TYPE_Q2_K:
      return EntryOf<TileShape<Q2_K>>();
    case GGML_TYPE_Q3_K:
      return EntryOf<TileShape<Q3_K>>();
    case GGML_TYPE_Q4_K:
      return EntryOf<TileShape<Q4_K>>();
    case GGML_TYPE_Q5_K:
      return EntryOf<TileShape<Q5_K>>();
    case GGML_TYPE_Q6_K:
      return EntryOf<TileShape<Q6_K>>();
    default:
      return {};
  }
}

}  // namespace

Kernel TileProduct(ggml_type type) { return HasTiles() ? KernelOf(type) : Kernel(); }

#else

Kernel TileProduct(ggml_type) { return {}; }

#endif

}  // namespace llavaov::kernels
