// Some rows of activations by f16 or bf16 weights, as drafts and several chats have them: too few
// for weights to be worth unpacking (product-words.cc). Each weight is read and made a float once
// for up to kRows rows, kWeights rows of weights at a time, whose sums live in registers.
// Activations are laid side by side first, vector by vector of k. Nothing is rounded but the sums.
#include "floats.h"
#include "product-loops.h"

namespace llavaov::kernels {

#if defined(LLAVAOV_KERNELS)

namespace {

#if defined(LLAVAOV_WIDE)
constexpr int kRows = 8;
#else
constexpr int kRows = 4;
#endif
constexpr int kWeights = 3, kAhead = 4096;

template <class T>
struct FewRows {
  static Kernel Entry() { return {Work, Run}; }
  static int Steps(const ggml_tensor* op) { return int((op->src[0]->ne[0] + kLanes - 1) / kLanes); }
  static int Groups(const ggml_tensor* op) {
    return int((ggml_nrows(op->src[1]) + kRows - 1) / kRows);
  }
  static size_t Work(int, const ggml_tensor* op) {
    return size_t(Groups(op)) * Steps(op) * sizeof(Vectors) + 128;
  }

  // A vector of k of every row of a group.
  struct Vectors {
    float x[kRows][kLanes];
  };

  static void Pack(const ggml_tensor* op, int ith, int nth, Vectors* to) {
    const int steps = Steps(op), k = int(op->src[0]->ne[0]), rows = int(ggml_nrows(op->src[1]));
    for (int row = ith; row < Groups(op) * kRows; row += nth) {
      const float* x = row < rows ? RowOf(op->src[1], row) : nullptr;
      Vectors* v = to + size_t(row / kRows) * steps;
      for (int i = 0; i < steps; ++i) {
        Store(v[i].x[row % kRows], x ? LoadFirst(x + i * kLanes, k - i * kLanes) : Zero());
      }
    }
  }

  static void Run(const ggml_compute_params* params, ggml_tensor* op) {
    const ggml_tensor* w = op->src[0];
    const int k = int(w->ne[0]), rows = int(ggml_nrows(op->src[1]));
    Vectors* x = reinterpret_cast<Vectors*>(AlignUp(params->wdata));
    Pack(op, params->ith, params->nth, x);
    ggml_barrier(params->threadpool);
    const int64_t n = w->ne[1];
    const auto [begin, end] = Lines(n, params->ith, params->nth);
    for (int64_t col = begin; col < end; col += kWeights) {
      const char* weights[kWeights];
      for (int i = 0; i < kWeights; ++i) {  // beyond the last one it comes again
        weights[i] = static_cast<const char*>(w->data) + std::min(col + i, end - 1) * w->nb[1];
      }
      for (int first = 0; first < rows; first += kRows) {
        const int some = std::min(rows - first, kRows);
        float sums[kWeights][kRows];
        Some(some, weights, x + size_t(first / kRows) * Steps(op), k, sums);
        for (int r = 0; r < some; ++r) {
          float* out = static_cast<float*>(op->data) + (first + r) * n + col;
          for (int i = 0; i < std::min(int64_t(kWeights), end - col); ++i) out[i] = sums[i][r];
        }
      }
    }
  }

  using Sums = float[kWeights][kRows];

  static void Some(int rows, const char* const* w, const Vectors* x, int k, Sums& sums) {
    if (rows <= 2) return Dots<2>(w, x, k, sums);
    if (rows <= 4) return Dots<4>(w, x, k, sums);
    return Dots<kRows>(w, x, k, sums);
  }

  template <int R>
  static inline void Add(const F (&weight)[kWeights], const Vectors& x, F (&f)[kWeights][R]) {
    LLAVAOV_UNROLL
    for (int r = 0; r < R; ++r) {
      const F value = Load(x.x[r]);
      LLAVAOV_UNROLL
      for (int i = 0; i < kWeights; ++i) f[i][r] = MulAdd(weight[i], value, f[i][r]);
    }
  }

  template <int R>
  LLAVAOV_NOINLINE static void Dots(const char* const* w, const Vectors* x, int k, Sums& sums) {
    F f[kWeights][R];
    LLAVAOV_UNROLL
    for (int i = 0; i < kWeights; ++i) {
      LLAVAOV_UNROLL
      for (int r = 0; r < R; ++r) f[i][r] = Zero();
    }
    int at = 0;
    for (; at + kLanes <= k; at += kLanes, ++x) {
      F weight[kWeights];
      LLAVAOV_UNROLL
      for (int i = 0; i < kWeights; ++i) {
        AskFor(w[i] + at * T::kBytes + kAhead);
        weight[i] = T::LoadLanes(w[i] + at * T::kBytes);
      }
      Add(weight, *x, f);
    }
    if (at < k) {
      F weight[kWeights];
      for (int i = 0; i < kWeights; ++i) {
        char copy[kLanes * T::kBytes] = {};
        std::memcpy(copy, w[i] + at * T::kBytes, (k - at) * T::kBytes);
        weight[i] = T::LoadLanes(copy);
      }
      Add(weight, *x, f);
    }
    LLAVAOV_UNROLL
    for (int i = 0; i < kWeights; ++i) {
      LLAVAOV_UNROLL
      for (int r = 0; r < R; ++r) sums[i][r] = SumOf(f[i][r]);
    }
  }
};

}  // namespace

Kernel FewRowsProduct(ggml_type type) {
  if (type == GGML_TYPE_F16) return FewRows<F16>::Entry();
  if (type == GGML_TYPE_BF16) return FewRows<BF16>::Entry();
  return {};
}

#else

Kernel FewRowsProduct(ggml_type) { return {}; }

#endif

}  // namespace llavaov::kernels
