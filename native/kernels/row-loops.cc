#include "row-loops.h"

#include <new>

namespace llavaov::kernels {

#if defined(LLAVAOV_KERNELS)

namespace {

constexpr size_t kPiece = 32768;  // bytes that are taken at a time, or one step

constexpr size_t Aligned(size_t bytes) { return (bytes + 127) / 128 * 128; }

// The state of a round: its number, how many pieces are taken, and how many of them from the end.
constexpr int kRoundBits = 16, kCountBits = 24;
constexpr uint64_t kOne = 1, kTaken = kOne << kRoundBits, kFromEnd = kTaken << kCountBits;
constexpr int64_t kMostPieces = (kOne << kCountBits) - 1;

// The next piece, -1 where none is left: of a thread's own from the front, of others' from the end.
int64_t Take(Left& left, uint16_t round, int64_t pieces, bool is_own) {
  uint64_t state = left.state.load(std::memory_order_relaxed);
  for (;;) {
    const uint64_t now = uint16_t(state) == round ? state : round;
    const int64_t taken = int64_t(now / kTaken) & kMostPieces, from_end = int64_t(now / kFromEnd);
    if (taken >= pieces) return -1;
    const uint64_t next = now + kTaken + (is_own ? 0 : kFromEnd);
    if (left.state.compare_exchange_weak(state, next, std::memory_order_relaxed)) {
      return is_own ? taken - from_end : pieces - 1 - from_end;
    }
  }
}

int64_t LinesOf(const RowTask& task) { return (task.weights->ne[1] + 15) / 16; }

// A thread's rows of a product as stretches that its steps go through together.
struct Stretches {
  int64_t first, end, length, steps, pieces;

  // Lines [from, to) of all products; this one's begin at `offset`.
  Stretches(const RowTask& task, int64_t from, int64_t to, int64_t offset) {
    const int64_t lines = LinesOf(task);
    first = std::clamp<int64_t>(from - offset, 0, lines) * 16;
    end = std::min(std::clamp<int64_t>(to - offset, 0, lines) * 16, task.weights->ne[1]);
    const int streams = task.kind->streams;
    length = std::max<int64_t>(0, (end - first + streams - 1) / streams);
    steps = std::max<int64_t>(
        {1, int64_t(kPiece / (streams * task.weights->nb[1])), length / kMostPieces});
    pieces = (length + steps - 1) / steps;
  }
};

// A row of each stretch. Beyond the last row it comes again, which is not written.
void Step(const RowTask& task, const Stretches& s, int64_t row) {
  const ggml_tensor* w = task.weights;
  const int streams = task.kind->streams;
  const char* rows[kMostStreams];
  for (int r = 0; r < streams; ++r) {
    rows[r] =
        static_cast<const char*>(w->data) + std::min(row + r * s.length, s.end - 1) * w->nb[1];
  }
  float sums[kMostStreams];
  task.kind->dots(rows, task.packed, int(w->ne[0]), sums);
  for (int r = 0; r < streams && row + r * s.length < s.end; ++r) {
    const int64_t at = row + r * s.length;
    task.out[at] = task.added ? sums[r] + task.added[at] : sums[r];
  }
}

constexpr int kMostTasks = 4;

// What is left of the rows of thread `owner`.
void ComputeRest(const RowTask* tasks, int n_tasks, Left& left, uint16_t round, int owner, int nth,
                 bool is_own) {
  int64_t lines = 0;
  for (int i = 0; i < n_tasks; ++i) lines += LinesOf(tasks[i]);
  const int64_t begin = lines * owner / nth, end = lines * (owner + 1) / nth;
  int64_t offset = 0, pieces = 0;
  alignas(Stretches) char room[kMostTasks * sizeof(Stretches)];
  Stretches* stretches = reinterpret_cast<Stretches*>(room);
  for (int i = 0; i < n_tasks; ++i) {
    new (stretches + i) Stretches(tasks[i], begin, end, offset);
    offset += LinesOf(tasks[i]);
    pieces += stretches[i].pieces;
  }
  for (int64_t piece; (piece = Take(left, round, pieces, is_own)) >= 0;) {
    int i = 0;
    while (piece >= stretches[i].pieces) piece -= stretches[i++].pieces;
    const Stretches& s = stretches[i];
    for (int64_t step = piece * s.steps; step < std::min(s.length, (piece + 1) * s.steps); ++step) {
      Step(tasks[i], s, s.first + step);
    }
  }
}

const OneRow* KindOf(const ggml_tensor* op) { return OneRowOf(op->src[0]->type); }

size_t Work(int threads, const ggml_tensor* op) {
  const int k = int(op->src[0]->ne[0]);
  const bool has_own = k <= kMostOwn;
  return 128 + threads * sizeof(Left) + (has_own ? threads : 1) * RowRoom(k) +
         (has_own ? HiddenFloats(k) * sizeof(float) : 0);
}

// A product alone, where nobody computes groups of nodes.
void Run(const ggml_compute_params* params, ggml_tensor* op) {
  const int ith = params->ith, nth = params->nth;
  Left* left = reinterpret_cast<Left*>(AlignUp(params->wdata));
  new (left + ith) Left;
  const float* row = static_cast<const float*>(op->src[1]->data);
  PackedRow packed(row, int(op->src[0]->ne[0]), reinterpret_cast<char*>(left + nth), ith, nth);
  RowTask task = {};
  task.kind = KindOf(op);
  task.weights = op->src[0];
  task.packed = packed.For(task.kind);
  task.out = static_cast<float*>(op->data);
  ggml_barrier(params->threadpool);
  ComputeRows(&task, 1, left, 1, ith, nth);
}

}  // namespace

void ComputeRows(const RowTask* tasks, int n_tasks, Left* left, uint16_t round, int ith, int nth) {
  for (int i = 0; i < nth; ++i) {
    const int owner = (ith + i) % nth;
    ComputeRest(tasks, n_tasks, left[owner], round, owner, nth, i == 0);
  }
}

size_t PackedRow::Room(int k) {
  constexpr size_t kUnitBytes = kUnit + 96;  // as the packings have them at most
  return Aligned(size_t(k + kUnit - 1) / kUnit * kUnitBytes);
}

const void* PackedRow::For(const OneRow* kind) {
  if (!kind->pack) return row_;
  for (int i = 0; i < n_; ++i) {
    if (packings_[i] == kind->pack) return room_ + i * Room(k_);
  }
  char* to = room_ + n_ * Room(k_);
  packings_[n_++] = kind->pack;
  kind->pack(row_, k_, part_, parts_, to);
  return to;
}

size_t RowRoom(int k) {
  return Aligned(size_t(k) * sizeof(float)) + kMostPackings * PackedRow::Room(k);
}

Kernel RowProduct(ggml_type type) {
  const OneRow* kind = OneRowOf(type);
  return kind ? Kernel{Work, Run} : Kernel();
}

#else

Kernel RowProduct(ggml_type) { return {}; }

#endif

}  // namespace llavaov::kernels
