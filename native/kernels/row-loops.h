// The loops around a product with one row of activations: a thread divides its rows of weights
// into stretches and reads all of them side by side, since memory waits at every new page of a
// single one. Threads that are done take over rows of the others.
//
// A Shape says how many stretches, what room packed activations take, and Pack and Dots.
#pragma once

#include "product-loops.h"

#if defined(LLAVAOV_KERNELS)

#include <atomic>
#include <new>

namespace llavaov::kernels {

constexpr int kUnit = 8 * kBlock;  // activations that are packed at a time
constexpr int kRowAhead = 1024;    // bytes: what is asked for of memory

// What is left of a thread's rows: its own steps are taken from the front, others', where they are
// done before it is (a neighbour has its core, memory serves it worse), from the end.
struct alignas(128) Left {
  std::atomic<int64_t> taken{0}, from_end{0};
};

template <class Shape>
struct Row {
  static constexpr int kStreams = Shape::kStreams;
  static constexpr size_t kPiece = 32768;  // bytes that are taken at a time, or one step

  static Kernel Entry() { return {Work, Run}; }
  static size_t Work(int threads, const ggml_tensor* op) {
    return threads * sizeof(Left) + Shape::Size(int(op->src[0]->ne[0])) + 128;
  }

  static void Run(const ggml_compute_params* params, ggml_tensor* op) {
    const int ith = params->ith, nth = params->nth;
    Left* left = reinterpret_cast<Left*>(AlignUp(params->wdata));
    void* x = left + nth;
    new (left + ith) Left;
    Shape::Pack(static_cast<const float*>(op->src[1]->data), int(op->src[0]->ne[0]), ith, nth, x);
    ggml_barrier(params->threadpool);
    for (int i = 0; i < nth; ++i) {
      const int owner = (ith + i) % nth;
      Rows(op, x, owner, nth, left[owner], owner == ith);
    }
  }

  // A thread's rows as stretches that its steps go through together.
  static void Rows(ggml_tensor* op, const void* x, int owner, int nth, Left& left, bool is_own) {
    const auto [first, end] = Lines(op->src[0]->ne[1], owner, nth);
    const int64_t length = (end - first + kStreams - 1) / kStreams;
    const int64_t steps = std::max<int64_t>(1, kPiece / (kStreams * op->src[0]->nb[1]));
    const int64_t pieces = (length + steps - 1) / steps;
    for (int64_t mine = 0; left.taken.fetch_add(1, std::memory_order_relaxed) < pieces; ++mine) {
      const int64_t piece =
          is_own ? mine : pieces - 1 - left.from_end.fetch_add(1, std::memory_order_relaxed);
      for (int64_t i = piece * steps; i < std::min(length, (piece + 1) * steps); ++i) {
        Step(op, x, first + i, length, end);
      }
    }
  }

  // A row of each stretch.
  static inline void Step(ggml_tensor* op, const void* x, int64_t row, int64_t length,
                          int64_t end) {
    const ggml_tensor* w = op->src[0];
    const char* rows[kStreams];
    int64_t at[kStreams];
    for (int r = 0; r < kStreams; ++r) {  // beyond the last row it comes again
      at[r] = std::min(row + r * length, end - 1);
      rows[r] = static_cast<const char*>(w->data) + at[r] * w->nb[1];
    }
    float sums[kStreams];
    Shape::Dots(rows, x, int(w->ne[0]), sums);
    for (int r = 0; r < kStreams; ++r) static_cast<float*>(op->data)[at[r]] = sums[r];
  }
};

}  // namespace llavaov::kernels

#endif
