// The loops around products with one row of activations: threads divide the rows of weights of all
// of them, each divides its own into stretches and reads these side by side, since memory waits at
// every new page of a single one. Threads that are done take over rows of the others.
#pragma once

#include "one-row.h"
#include "product-loops.h"

#if defined(LLAVAOV_KERNELS)

#include <atomic>

namespace llavaov::kernels {

constexpr int kUnit = 8 * kBlock;  // activations that are packed at a time
constexpr int kRowAhead = 1024;    // bytes: what is asked for of memory
// A row up to this width is packed by every thread for itself, and threads do not wait for each
// other: with two of them as fast, for a row of 4,864.
constexpr int kMostOwn = 8192;

// What is left of a thread's rows. Whoever comes first to a round, the thread itself or one that
// is done with its own, begins it: so nobody waits for a thread that has lost its core.
struct alignas(128) Left {
  std::atomic<uint64_t> state{0};
};

struct RowTask {
  const OneRow* kind;
  const ggml_tensor* weights;
  const void* packed;
  const float* added;  // null: nothing
  float* out;
};

// Computes what this thread finds to do. `round` differs from the last one's with the same `left`,
// and is not 0; before the first, `left` is zeros.
void ComputeRows(const RowTask* tasks, int n_tasks, Left* left, uint16_t round, int ith, int nth);

// The same row as several types want it, packed when first asked for.
class PackedRow {
 public:
  PackedRow(const float* row, int k, char* room, int part, int parts)
      : row_(row), k_(k), room_(room), part_(part), parts_(parts) {}
  static size_t Room(int k);
  const void* For(const OneRow* kind);

 private:
  const float* row_;
  int k_;
  char* room_;
  int part_, parts_, n_ = 0;
  decltype(OneRow::pack) packings_[kMostPackings];
};

// A thread's part of the work buffer, from which it takes a row of floats and that row packed; all
// threads share one for rows beyond kMostOwn.
size_t RowRoom(int k);
// And so many floats for all threads, of rows up to kMostOwn.
inline int64_t HiddenFloats(int k) { return int64_t(3) * k; }

}  // namespace llavaov::kernels

#endif
