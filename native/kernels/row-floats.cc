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

  static size_t Size(int k) { return size_t(k) * sizeof(float); }
  static void Pack(const float* row, int k, int part, int parts, void* to) {
    for (int i = part * kUnit; i < k; i += parts * kUnit) {
      std::memcpy(static_cast<float*>(to) + i, row + i, std::min(kUnit, k - i) * sizeof(float));
    }
  }

  static void Dots(const char* const (&rows)[kStreams], const void* packed, int k,
                   float (&out)[kStreams]) {
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

}  // namespace

Kernel FloatRowProduct(ggml_type type) {
  switch (type) {
    case GGML_TYPE_F16:
      return Row<FloatRow<F16>>::Entry();
    case GGML_TYPE_BF16:
      return Row<FloatRow<BF16>>::Entry();
    case GGML_TYPE_F32:
      return Row<FloatRow<F32>>::Entry();
    default:
      return {};
  }
}

#else

Kernel FloatRowProduct(ggml_type) { return {}; }

#endif

}  // namespace llavaov::kernels
