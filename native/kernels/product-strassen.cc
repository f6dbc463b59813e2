// Weights of eight bits where no instruction multiplies bytes of any size: as words, whose products
// come in pairs, and by Strassen's seven products of quarters instead of eight.
//
// Bytes take four instructions for 32 products of a lane's (sign, two kinds of sums of pairs, sum);
// so do words, but two of them are additions, which more of a CPU's ports do, and Strassen saves an
// eighth of both. Quarters are halves of a tile's rows and columns, and of a slice of k: sums and
// differences of operands are made once, when they are packed, those of results once a slice.
//
// A slice of a row and of a column each have one scale, by which both are so long (2^15.5) that
// their product, over any values, fits into int32 (Cauchy); what is wrapped on the way to it comes
// back. Words are at most 2^14, so that sums of two are words. Weights are rounded again for that,
// which with the activations' rounding loses 5e-4, a tenth of what activations of eight bits lose.
#include "columns.h"
#include "product-loops.h"

namespace llavaov::kernels {

#if defined(LLAVAOV_KERNELS) && !defined(LLAVAOV_VNNI) && !defined(LLAVAOV_NEON)

namespace {

constexpr int kRows = kIntRows, kVectors = kIntVectors;  // of a quarter
constexpr int kProducts = 7, kMost = 8, kWide = 2;
// Of rows: all 256 values may be as large. Of weights: likewise 128 times the root of the sum of
// squares of the blocks' scales.
constexpr float kTop = 46000.0f / 16.0f, kTopScale = 8128.0f;

// Of one block: a slice has [product][pair of words][row], then scales.
struct WordRows {
  int32_t q[kProducts][8][kRows];
  float scale[2 * kRows];
};

struct WordColumns {
  alignas(64) int32_t q[kProducts][kMost * 8][kVectors][kLanes];
  alignas(64) float scale[2][kVectors][kLanes];
};

// Several of them at a time: rows come from far, these from L2.
struct WordPanel {
  static constexpr int kPart = 2 * kVectors * kLanes, kCols = kWide * kPart, kMaxBlocks = kMost;
  WordColumns parts[kWide];
};

using Quarter = int32_t[kRows][kVectors][kLanes];

// What becomes of a quarter of the result.
enum class Give { kSet, kAdd, kTake, kNone };

template <Give give>
inline void GiveTo(const I (&sum)[kRows][kVectors], Quarter& to) {
  if (give == Give::kNone) return;
  LLAVAOV_UNROLL
  for (int r = 0; r < kRows; ++r) {
    LLAVAOV_UNROLL
    for (int v = 0; v < kVectors; ++v) {
      int32_t* at = to[r][v];
      const I before = give == Give::kSet ? Integers(0) : LoadIntegers(at);
      const I x = sum[r][v];
      StoreIntegers(at, give == Give::kTake ? SubIntegers(before, x) : AddIntegers(before, x));
    }
  }
}

// `pairs` of words of kRows rows by those of kVectors vectors, for two quarters. Rows may come from
// far: they are asked for before.
template <Give to_one, Give to_other>
LLAVAOV_NOINLINE void Multiply(const int32_t* a, const int32_t (*b)[kVectors][kLanes], int pairs,
                               Quarter& one, Quarter& other) {
  constexpr int kAhead = 2048;
  I sum[kRows][kVectors];
  LLAVAOV_UNROLL
  for (int r = 0; r < kRows; ++r) {
    LLAVAOV_UNROLL
    for (int v = 0; v < kVectors; ++v) sum[r][v] = Integers(0);
  }
  for (int pair = 0; pair < pairs; ++pair, a += kRows, ++b) {
    _mm_prefetch(reinterpret_cast<const char*>(a) + kAhead, _MM_HINT_T0);
    I w[kVectors];
    LLAVAOV_UNROLL
    for (int v = 0; v < kVectors; ++v) w[v] = LoadIntegers((*b)[v]);
    LLAVAOV_UNROLL
    for (int r = 0; r < kRows; ++r) {
      const I x = Integers(a[r]);
      LLAVAOV_UNROLL
      for (int v = 0; v < kVectors; ++v) sum[r][v] = DotWords(sum[r][v], w[v], x);
    }
  }
  GiveTo<to_one>(sum, one);
  GiveTo<to_other>(sum, other);
}

template <class W>
struct StrassenShape : Division {
  static constexpr int kGroup = 2 * kRows;
  static constexpr bool kPacksSlices = true;
  using A = WordRows;
  using B = WordPanel;

  static int32_t* Part(A* slice, int blocks, int product) {
    return reinterpret_cast<int32_t*>(slice) + product * blocks * 8 * kRows;
  }
  static const int32_t* Part(const A* slice, int blocks, int product) {
    return Part(const_cast<A*>(slice), blocks, product);
  }

  static void PackA(const float* const* rows, int blocks, A* out) {
    float inverse[kGroup];
    float* scale = reinterpret_cast<float*>(Part(out, blocks, kProducts));
    for (int r = 0; r < kGroup; ++r) {
      const float largest = rows[r] ? Largest(rows[r], blocks) : 0.0f;
      inverse[r] = largest > 1e-30f ? kTop / largest : 0.0f;
      scale[r] = largest / kTop;
    }
    for (int i = 0; i < blocks; ++i) {
      alignas(32) int32_t quarters[2][2][8][kRows];
      for (int down = 0; down < 2; ++down) {
        for (int half = 0; half < 2; ++half) {
          __m256i words[kRows];
          for (int r = 0; r < kRows; ++r) {
            const float* row = rows[down * kRows + r];
            words[r] = row ? Words(row + (half * blocks + i) * 16, inverse[down * kRows + r])
                           : _mm256_setzero_si256();
          }
          Transpose4x8(words, quarters[down][half]);
        }
      }
      for (int at = 0; at < 8; at += 2) {
        const __m256i first = Load256(quarters[0][0][at]), beside = Load256(quarters[0][1][at]);
        const __m256i below = Load256(quarters[1][0][at]), last = Load256(quarters[1][1][at]);
        const auto put = [&](int product, __m256i x) {
          Store256(Part(out, blocks, product) + (i * 8 + at) * kRows, x);
        };
        put(0, _mm256_add_epi16(first, last));
        put(1, _mm256_add_epi16(below, last));
        put(2, first);
        put(3, last);
        put(4, _mm256_add_epi16(first, beside));
        put(5, _mm256_sub_epi16(below, first));
        put(6, _mm256_sub_epi16(beside, last));
      }
    }
  }

  // As integers, where infinity and NaN are the largest magnitudes.
  static float Largest(const float* row, int blocks) {
    __m256i most = _mm256_setzero_si256();
    for (int i = 0; i < blocks * kBlock; i += 8) {
      const __m256i x = _mm256_and_si256(Load256(row + i), _mm256_set1_epi32(0x7fffffff));
      most = _mm256_max_epu32(most, x);
    }
    return Top256(most);
  }

  // What is not finite becomes anything small: the scale tells.
  static inline __m256i Words(const float* from, float inverse) {
    const __m256 factor = _mm256_set1_ps(inverse);
    const __m256i low = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(from), factor));
    const __m256i high = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(from + 8), factor));
    return _mm256_max_epi16(PackWords(low, high), _mm256_set1_epi16(-short(kTop)));
  }

  static void Unpack(const WeightSlice& w, B* out) {
    for (int first = 0; first < w.n_cols; first += B::kPart) {
      WeightSlice part = w;
      part.data += first * w.stride;
      part.n_cols = std::min(w.n_cols - first, B::kPart);
      UnpackPart(part, &out->parts[first / B::kPart]);
    }
  }

  static void UnpackPart(const WeightSlice& w, WordColumns* out) {
    for (int v = 0; v < 2 * kVectors; ++v) {
      const char* rows[kLanes];  // beyond the last column it comes again
      for (int i = 0; i < kLanes; ++i) {
        rows[i] = w.data + std::min(v * kLanes + i, w.n_cols - 1) * w.stride;
      }
      UnpackVector(rows, w, v, out);
    }
    for (int pair = 0; pair < w.blocks * 8; ++pair) {
      LLAVAOV_UNROLL
      for (int v = 0; v < kVectors; ++v) {
        const auto at = [&](int product) { return out->q[product][pair][v]; };
        const I first = LoadIntegers(at(1)), beside = LoadIntegers(at(2));
        const I below = LoadIntegers(at(3)), last = LoadIntegers(at(4));
        StoreIntegers(at(0), AddWords(first, last));
        StoreIntegers(at(2), SubWords(beside, last));
        StoreIntegers(at(3), SubWords(below, first));
        StoreIntegers(at(5), AddWords(first, beside));
        StoreIntegers(at(6), AddWords(below, last));
      }
    }
  }

  // Quarters go where the first product that has them alone wants them, the other two where their
  // differences will be.
  static inline void UnpackVector(const char* const* rows, const WeightSlice& w, int v,
                                  WordColumns* out) {
    const __m128i low =
        _mm_setr_epi32(int(0x01800080), int(0x05800480), int(0x09800880), int(0x0d800c80));
    const __m128i high = _mm_or_si128(low, _mm_set1_epi32(0x02000200));
    uint16_t scale[kMost][kLanes];
    F squares = Zero();
    for (int b = 0; b < w.blocks; ++b) {
      for (int i = 0; i < kLanes; ++i) {
        const char* next = rows[i] + w.next + (w.kb + b) * sizeof(typename W::Block);
        _mm_prefetch(next, _MM_HINT_T1);
        W::HalfScales(rows[i], w.kb + b, &scale[b][i], nullptr);
      }
      const F x = LoadHalves(scale[b]);
      squares = MulAdd(x, x, squares);
    }
    const F root = Sqrt(squares), factor = Div(Set(kTopScale), root);
    Store(out->scale[v / kVectors][v % kVectors], Mul(root, Set(128.0f / kTopScale)));
    const int half = w.blocks * 8, column = v / kVectors;
    for (int b = 0; b < w.blocks; ++b) {
      const F x = Mul(LoadHalves(scale[b]), factor);
      const I whole = RoundedIntegers(Max(Min(x, Set(kTopScale)), Set(-kTopScale)));
      const I by = PairWords(whole, whole);
      Columns<W>::Read(rows, w.kb + b, nullptr, [&](int, int t, I bytes) {
        const I q = Xor(bytes, Bytes(128));
        const int pair = b * 16 + t * 2, is_lower = pair >= half;
        int32_t (*to)[kVectors][kLanes] =
            out->q[1 + 2 * is_lower + column] + pair - is_lower * half;
        StoreIntegers(to[0][v % kVectors], HighProducts(ShuffleEach(q, low), by));
        StoreIntegers(to[1][v % kVectors], HighProducts(ShuffleEach(q, high), by));
      });
    }
  }

  static void Tile(const A* a, const B& panel, int blocks, const Output& out) {
    for (int first = 0; first < out.n_cols; first += B::kPart) {
      TilePart(a, panel.parts[first / B::kPart], blocks, PartOf(out, 0, first));
    }
  }

  static void TilePart(const A* a, const WordColumns& panel, int blocks, const Output& out) {
    alignas(64) Quarter result[2][2];
    const auto rows = [&](int product) { return Part(a, blocks, product); };
    const int pairs = blocks * 8;
    using G = Give;
    auto &r00 = result[0][0], &r01 = result[0][1], &r10 = result[1][0], &r11 = result[1][1];
    Multiply<G::kSet, G::kSet>(rows(0), panel.q[0], pairs, r00, r11);
    Multiply<G::kSet, G::kTake>(rows(1), panel.q[1], pairs, r10, r11);
    Multiply<G::kSet, G::kAdd>(rows(2), panel.q[2], pairs, r01, r11);
    Multiply<G::kAdd, G::kAdd>(rows(3), panel.q[3], pairs, r00, r10);
    Multiply<G::kTake, G::kAdd>(rows(4), panel.q[4], pairs, r00, r01);
    Multiply<G::kAdd, G::kNone>(rows(5), panel.q[5], pairs, r11, r11);
    Multiply<G::kAdd, G::kNone>(rows(6), panel.q[6], pairs, r00, r00);
    const float* scale = reinterpret_cast<const float*>(Part(a, blocks, kProducts));
    for (int down = 0; down < 2; ++down) {
      for (int right = 0; right < 2; ++right) {
        AddScaled(result[down][right], scale + down * kRows, panel.scale[right],
                  PartOf(out, down * kRows, right * kVectors * kLanes));
      }
    }
  }

  static Output PartOf(Output out, int row, int column) {
    out.data += row * out.stride + column;
    out.n_rows -= row;
    out.n_cols -= column;
    if (out.bias) out.bias += column;
    if (out.residual) out.residual += row * out.stride + column;
    return out;
  }

  static inline void AddScaled(const Quarter& sums, const float* rows,
                               const float (&columns)[kVectors][kLanes], const Output& out) {
    if (out.n_rows <= 0 || out.n_cols <= 0) return;
    F f[kRows][kVectors];
    LoadTile(out, f);
    LLAVAOV_UNROLL
    for (int r = 0; r < kRows; ++r) {
      LLAVAOV_UNROLL
      for (int v = 0; v < kVectors; ++v) {
        const F scale = Mul(Load(columns[v]), Set(rows[r]));
        f[r][v] = MulAdd(ToFloats(LoadIntegers(sums[r][v])), scale, f[r][v]);
      }
    }
    StoreTile(out, f);
  }
};

}  // namespace

Kernel StrassenProduct(ggml_type type) {
  if (type == GGML_TYPE_Q8_0) return Product<StrassenShape<Q8_0>>::Entry();
  if (type == GGML_TYPE_IQ4_NL) return Product<StrassenShape<IQ4_NL>>::Entry();
  return {};
}

#else

Kernel StrassenProduct(ggml_type) { return {}; }

#endif

}  // namespace llavaov::kernels
