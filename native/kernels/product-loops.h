// The loops around every product with many rows: C[m, n] = sum over k of A[m, k] W[n, k], W in
// ggml's types, A and C rows of floats.
//
//   pack     all threads write A once into the work buffer, by slices and groups of rows
//   chunks   a thread takes a panel of columns (and, where panels are few, a part of the rows) at a
//            time, in whatever order: no sum depends on who computes it, so results are equal at
//            any number of threads
//   slices   for each slice of k the panel's weights are unpacked once, into a buffer of the thread
//            that stays in its cache, and moves down all its rows; sums live in registers for a
//            slice and in C between slices
//
// A Shape says how: rows of a group, the packed block A, the unpacked panel B, and PackA, Unpack
// and Tile. k need not be a multiple of 32: the rest is a block that zeros fill.
#pragma once

#include "product-output.h"
#include "product.h"
#include "simd.h"

#if defined(LLAVAOV_KERNELS)

#include <ggml-cpu-impl.h>
#include <ggml.h>

#include <algorithm>

namespace llavaov::kernels {

constexpr int kChunksPerThread = 6;  // fewer leave threads idle at the end

constexpr size_t kPastCaches = size_t(2) << 20;  // bytes of an output

// How a Shape may be divided.
struct Division {
  static constexpr int kMostRows = 0;    // of a part, where sums between slices lie apart
  static constexpr int kLeastRows = 64;  // of a part; unpacking costs too much for fewer
  static constexpr int kLeastCols = 0;   // of a panel; 0: always B's
  static constexpr int kStep = 0;        // blocks of which slices of even lengths consist; 0: B's
  static constexpr bool kPacksSlices = false;  // of whole blocks, instead of single ones
};

// Columns [0, n_cols) of a panel of W, blocks [kb, kb + blocks) of each.
struct WeightSlice {
  const char* data;
  size_t stride;
  int n_cols, kb, blocks;
  int rest;     // weights of the last of these blocks, where fewer than 32
  size_t next;  // from a column to where one will probably be read next
};

inline size_t Align(size_t n) { return (n + 127) / 128 * 128; }
inline char* AlignUp(void* p) {
  return reinterpret_cast<char*>((reinterpret_cast<uintptr_t>(p) + 127) / 128 * 128);
}
inline int Blocks(const ggml_tensor* w) { return int((w->ne[0] + kBlock - 1) / kBlock); }

// What thread `i` of `n` has of so many columns, in whole lines of the output.
struct Lines {
  int64_t begin, end;
  Lines(int64_t columns, int i, int n) {
    const int64_t lines = (columns + 15) / 16;
    begin = lines * i / n * 16;
    end = std::min(columns, lines * (i + 1) / n * 16);
  }
};

// Row `i` of all rows of a tensor, whose dimensions may lie apart.
inline const float* RowOf(const ggml_tensor* x, int64_t i) {
  const int64_t i1 = i % x->ne[1], i2 = i / x->ne[1] % x->ne[2], i3 = i / x->ne[1] / x->ne[2];
  return reinterpret_cast<const float*>(static_cast<const char*>(x->data) + i1 * x->nb[1] +
                                        i2 * x->nb[2] + i3 * x->nb[3]);
}

struct Nothing {};

// InUse: what lives while a thread multiplies.
template <class Shape, class InUse = Nothing>
class Product {
  using A = typename Shape::A;
  using B = typename Shape::B;
  static constexpr int kGroup = Shape::kGroup, kMost = B::kMaxBlocks, kCols = B::kCols;

 public:
  static Kernel Entry() { return {Work, Run, true}; }

 private:
  static int Ceil(int n, int step) { return (n + step - 1) / step * step; }

  // Blocks of a slice.
  static int SliceOf(int blocks) {
    if constexpr (Shape::kStep == 0) {
      return kMost;
    } else {
      const int slices = (blocks + kMost - 1) / kMost;
      return Ceil((blocks + slices - 1) / slices, Shape::kStep);
    }
  }

  // Columns of a panel: narrower ones where else there were no two for each thread.
  static int ColsOf(int n, int threads) {
    if constexpr (Shape::kLeastCols == 0) {
      return kCols;
    } else {
      return std::min(kCols, Ceil((n + 2 * threads - 1) / (2 * threads), Shape::kLeastCols));
    }
  }

  static int Groups(const ggml_tensor* op) {
    return int((ggml_nrows(op->src[1]) + kGroup - 1) / kGroup);
  }
  static size_t PackedSize(const ggml_tensor* op) {
    return Align(size_t(Groups(op)) * Blocks(op->src[0]) * sizeof(A));
  }
  static int PartsOf(int groups, int wanted) {
    const int parts = std::max(1, std::min(wanted, groups * kGroup / Shape::kLeastRows));
    if constexpr (Shape::kMostRows == 0) {
      return parts;
    } else {
      return std::max(parts, Ceil(groups * kGroup, Shape::kMostRows) / Shape::kMostRows);
    }
  }
  static constexpr size_t kGroupSums = Shape::kMostRows ? kGroup * kCols : 0;
  static size_t BuffersSize(const ggml_tensor* op) {  // of a thread
    const int groups = Groups(op), parts = PartsOf(groups, 1);
    return Align(sizeof(B)) + (groups + parts - 1) / parts * kGroupSums * sizeof(float);
  }
  static size_t Work(int threads, const ggml_tensor* op) {
    return PackedSize(op) + threads * BuffersSize(op) + 128;
  }

  static void Run(const ggml_compute_params* params, ggml_tensor* op) {
    Product product(params, op);
    product.PackRows();
    if (params->ith == 0) ggml_threadpool_chunk_set(params->threadpool, params->nth);
    ggml_barrier(params->threadpool);
    product.Chunks();
  }

  Product(const ggml_compute_params* params, ggml_tensor* op)
      : params_(*params),
        op_(op),
        m_(int(ggml_nrows(op->src[1]))),
        n_(int(op->src[0]->ne[1])),
        cols_(ColsOf(n_, params->nth)),
        k_(int(op->src[0]->ne[0])),
        blocks_(Blocks(op->src[0])),
        slice_(SliceOf(blocks_)),
        groups_(Groups(op)),
        finish_(FinishOf(op)) {
    char* base = AlignUp(params->wdata);
    a_ = reinterpret_cast<A*>(base);
    char* own = base + PackedSize(op) + params->ith * BuffersSize(op);
    b_ = reinterpret_cast<B*>(own);
    sums_ = reinterpret_cast<float*>(own + Align(sizeof(B)));
  }

  A* BlockOf(int group, int kb) const {  // [slice][group][block of the slice]
    const int first = kb / slice_ * slice_, length = std::min(blocks_ - first, slice_);
    return a_ + size_t(first) * groups_ + size_t(group) * length + (kb - first);
  }

  void PackRows() const {
    for (int g = params_.ith; g < groups_; g += params_.nth) {
      const float* rows[kGroup];
      for (int r = 0; r < kGroup; ++r) {
        const int row = g * kGroup + r;
        rows[r] = row < m_ ? RowOf(op_->src[1], row) : nullptr;
      }
      PackGroup(g, rows);
    }
  }

  void PackGroup(int g, const float* const* rows) const {
    const int whole = k_ / kBlock, step = Shape::kPacksSlices ? slice_ : 1;
    const float* at[kGroup];
    for (int kb = 0; kb < whole; kb += step) {
      for (int r = 0; r < kGroup; ++r) at[r] = rows[r] ? rows[r] + kb * kBlock : nullptr;
      if constexpr (Shape::kPacksSlices) {
        Shape::PackA(at, std::min(whole - kb, step), BlockOf(g, kb));
      } else {
        Shape::PackA(at, BlockOf(g, kb));
      }
    }
    if constexpr (!Shape::kPacksSlices) {
      if (whole == blocks_) return;
      float rest[kGroup][kBlock] = {};
      for (int r = 0; r < kGroup; ++r) {
        at[r] = rows[r] ? rest[r] : nullptr;
        if (rows[r]) std::memcpy(rest[r], rows[r] + whole * kBlock, (k_ % kBlock) * sizeof(float));
      }
      Shape::PackA(at, BlockOf(g, whole));
    }
  }

  void Chunks() const {
    [[maybe_unused]] const InUse in_use;
    const int panels = (n_ + cols_ - 1) / cols_;
    const int wanted = (kChunksPerThread * params_.nth + panels - 1) / panels;
    const int parts = PartsOf(groups_, wanted);
    for (int chunk = params_.ith; chunk < panels * parts;
         chunk = ggml_threadpool_chunk_add(params_.threadpool, 1)) {
      const int part = chunk % parts;
      Chunk(chunk / parts * cols_, int(int64_t(groups_) * part / parts),
            int(int64_t(groups_) * (part + 1) / parts));
    }
  }

  void Chunk(int col, int first, int end) const {
    const ggml_tensor* w = op_->src[0];
    const char* weights = static_cast<const char*>(w->data) + col * w->nb[1];
    for (int kb = 0; kb < blocks_; kb += slice_) {
      const int length = std::min(blocks_ - kb, slice_);
      const int rest = kb + length == blocks_ ? k_ % kBlock : 0;
      Shape::Unpack(WeightSlice{weights, w->nb[1], std::min(n_ - col, cols_), kb, length, rest,
                                params_.nth * cols_ * w->nb[1]},
                    b_);
      for (int g = first; g < end; ++g) {
        Output out = OutputOf(g * kGroup, col);
        out.add = kb > 0;
        out.is_last = kb + length == blocks_;
        out.sums = sums_ + (g - first) * kGroupSums;
        if (g + 1 < end) AskForNext(out);
        Shape::Tile(BlockOf(g, kb), *b_, length, out);
        if constexpr (Shape::kMostRows != 0) {
          if (out.is_last) Bring(out);
        }
      }
    }
    EndPastCaches();
  }

  // The place from [row, col] on.
  Output OutputOf(int row, int col) const {
    const auto at = [&](const ggml_tensor* x, size_t i) {
      return x ? static_cast<float*>(x->data) + i : nullptr;
    };
    const size_t i = size_t(row) * n_ + col;
    Output out = {at(op_, i), size_t(n_), m_ - row, std::min(n_ - col, cols_)};
    out.finish = finish_;
    if (finish_ == Finish::kNone) return out;
    out.bias = at(op_->src[2], col);
    out.residual = at(op_->src[3], i);
    return out;
  }

  // The rows behind those of `out` lie pages apart, which no prefetcher of the CPU's foresees.
  static void AskForNext(const Output& out) {
    if (Shape::kMostRows == 0) AskForNext(out, out.data);
    if (out.is_last && out.residual) AskForNext(out, out.residual);
  }
  static void AskForNext(const Output& out, const float* data) {
    for (int r = kGroup; r < std::min(out.n_rows, 2 * kGroup); ++r) {
      for (int i = 0; i < out.n_cols; i += 16) AskFor(data + r * out.stride + i);
    }
  }

  // Sums that lay apart to where they belong. An output that no cache holds anyway is written past
  // them, for else each line would be read first.
  void Bring(const Output& out) const {
    const bool is_large = size_t(m_) * n_ * sizeof(float) > kPastCaches;
    for (int r = 0; r < std::min(out.n_rows, kGroup); ++r) {
      alignas(64) float line[kCols];
      for (int i = 0; i < out.n_cols; i += kLanes) {
        F y = Load(Shape::SumsAt(out.sums, r, i));
        if (out.finish != Finish::kNone) {
          y = EndedFirst(out, y, r, i, std::min(out.n_cols - i, kLanes));
        }
        Store(line + i, y);
      }
      float* to = out.data + r * out.stride;
      int i = 0;
      if (is_large) {
        constexpr size_t kBytes = kLanes * sizeof(float);
        const int first = int((kBytes - reinterpret_cast<uintptr_t>(to) % kBytes) % kBytes / 4);
        if (i = std::min(first, out.n_cols); i > 0) StoreFirst(to, Load(line), i);
        for (; i + kLanes <= out.n_cols; i += kLanes) StorePastCaches(to + i, Load(line + i));
      }
      std::memcpy(to + i, line + i, (out.n_cols - i) * sizeof(float));
    }
  }

  const ggml_compute_params& params_;
  ggml_tensor* op_;
  int m_, n_, cols_, k_, blocks_, slice_, groups_;
  Finish finish_;
  A* a_;
  B* b_;
  float* sums_;
};

}  // namespace llavaov::kernels

#endif
