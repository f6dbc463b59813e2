// One row of activations by weights that are floats, multiplied as they are: the speed is that of
// memory (row-loops.h).
#include "floats.h"
#include "row-loops.h"

namespace llavaov::kernels {

#if defined(LLAVAOV_KERNELS)

namespace {

// As many sums as there are registers for: stretches, chains of each.
#if defined(LLAVAOV_WIDE)
constexpr int kFloatStreams = 4, kChains = 4;
#elif defined(LLAVAOV_NEON)
constexpr int kFloatStreams = 4, kChains = 2;
#else
constexpr int kFloatStreams = 2, kChains = 4;
#endif

template <int n>
inline F Total(const F (&f)[n]) {
  if constexpr (n == 2) {
    return Add(f[0], f[1]);
  } else {
    return Add(Add(f[0], f[1]), Add(f[2], f[3]));
  }
}

template <class T>
struct FloatRow {
  static constexpr int kStreams = kFloatStreams;

  static void Dots(const char* const* rows, const void* packed, int k, float* out) {
    const float* x = static_cast<const float*>(packed);
    constexpr int kStep = 4 * kLanes;
    F f[kStreams][kChains] = {};
    int i = 0;
    for (; i + kStep <= k; i += kStep) {
      LLAVAOV_UNROLL
      for (int r = 0; r < kStreams; ++r) {
        const char* at = rows[r] + i * T::kBytes;
        for (int line = 0; line < kStep * T::kBytes; line += 64) AskFor(at + line + kRowAhead);
        LLAVAOV_UNROLL
        for (int j = 0; j < 4; ++j) {
          F& sum = f[r][j % kChains];
          sum = MulAdd(T::LoadLanes(at + j * kLanes * T::kBytes), Load(x + i + j * kLanes), sum);
        }
      }
    }
    for (; i < k; i += kLanes) {
      const int left = k - i < kLanes ? k - i : kLanes;
      const F values = LoadFirst(x + i, left);
      LLAVAOV_UNROLL
      for (int r = 0; r < kStreams; ++r) {
        char copy[kLanes * T::kBytes] = {};
        std::memcpy(copy, rows[r] + i * T::kBytes, left * T::kBytes);
        f[r][0] = MulAdd(T::LoadLanes(copy), values, f[r][0]);
      }
    }
    for (int r = 0; r < kStreams; ++r) out[r] = SumOf(Total(f[r]));
  }
};

template <class Row>
const OneRow* OneRowBy() {
  static_assert(Row::kStreams <= kMostStreams);
  static constexpr OneRow kind = {Row::kStreams, nullptr, nullptr, Row::Dots};
  return &kind;
}

}  // namespace

const OneRow* FloatOneRowOf(ggml_type type) {
  switch (type) {
    case GGML_TYPE_F16:
      return OneRowBy<FloatRow<F16>>();
    case GGML_TYPE_BF16:
      return OneRowBy<FloatRow<BF16>>();
    case GGML_TYPE_F32:
      return OneRowBy<FloatRow<F32>>();
    default:
      return nullptr;
  }
}

#else

const OneRow* FloatOneRowOf(ggml_type) { return nullptr; }

#endif

}  // namespace llavaov::kernels
