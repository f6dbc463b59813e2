// Attention of many queries, with a running softmax. One unit of work is a block of queries of all
// heads that share a head of keys, one matrix. Every tile of keys becomes what the products want
// once per unit (attention-floats.h, attention-words.h, attention-tiles.h); then some rows at a
// time pass scores, softmax and values without leaving L1. Tiles that are masked for all of them
// are skipped.
//
// A masked key adds exactly nothing, so a row's result is the same in whatever unit: units follow
// the number of threads, results are equal at any. Heads of any width: keys are read by eights and
// values by vectors whose tail is zero.
#include "attention.h"

#include "attention-floats.h"
#include "attention-tiles.h"
#include "attention-words.h"

namespace llavaov::kernels {

#if defined(LLAVAOV_KERNELS)

namespace {

// The more rows a unit has, the fewer times keys are prepared; the more units, the more evenly they
// are shared.
constexpr int kLeastRows = 240, kUnitsOfThread = 4;
constexpr int kRoundedParam = 8;  // of a node's sixteen; ggml's own attention knows five

template <class Tiles>
struct Units {
  int queries, rows, count;  // of a unit; of a head
  Units(const AttentionShape& s, int threads) {
    const auto blocks = [](int64_t n, int64_t of) { return int((n + of - 1) / of); };
    const int64_t all = int64_t(s.queries) * s.group, heads = int64_t(s.kv_heads) * s.batches;
    const int wanted = std::min(blocks(threads * kUnitsOfThread, heads), blocks(all, kLeastRows));
    // Of a mask a large unit skips less.
    const int most = s.is_masked ? Tiles::kMostRows : 2 * Tiles::kMostRows;
    queries = blocks(s.queries, std::max(blocks(all, most), wanted));
    rows = blocks(int64_t(queries) * s.group, Tiles::kRows) * Tiles::kRows;
    count = blocks(s.queries, queries);
  }
};

template <class Tiles>
class Unit {
 public:
  Unit(const AttentionShape& shape, const Units<Tiles>& units, ggml_tensor* op, char* scratch)
      : s_(shape), op_(op), room_(scratch), tiles_(shape, units.rows, &room_) {}

  static size_t Size(const AttentionShape& shape, const Units<Tiles>& units) {
    return Unit(shape, units, nullptr, nullptr).room_.size();
  }

  void Run(int batch, int kv_head, int first_query, int queries) {
    const int rows = queries * s_.group;
    const int loaded = (rows + Tiles::kRows - 1) / Tiles::kRows * Tiles::kRows;
    for (int first = 0; first < loaded; first += kTileRows) {
      const float* at[kTileRows] = {};
      for (int row = first; row < std::min(rows, first + kTileRows); ++row) {
        const auto query = [&](int i) {
          return QueryOf(op_->src[0], first_query + i / s_.group, kv_head * s_.group + i % s_.group,
                         batch);
        };
        at[row - first] = query(row);
        if (row + kAhead < rows) Ask(query(row + kAhead), s_.dim);
      }
      tiles_.LoadQueries(first, at);
    }
    tiles_.Pass(UnitKeys(op_, s_, batch, kv_head, first_query), rows);
    StoreRows(batch, kv_head, first_query, rows);
  }

 private:
  // Rows of queries and results lie pages apart, which no prefetcher of the CPU's foresees.
  static constexpr int kAhead = 16;
  static void Ask(const float* row, int n) {
    const char *from = reinterpret_cast<const char*>(row), *last = from + n * sizeof(float) - 1;
    for (; from < last; from += 64) AskFor(from);
    AskFor(last);
  }

  void StoreRows(int batch, int kv_head, int first_query, int rows) {
    const auto result = [&](int i) {
      return ResultOf(op_, s_, first_query + i / s_.group, kv_head * s_.group + i % s_.group,
                      batch);
    };
    for (int row = 0; row < rows; ++row) {
      float* to = result(row);
      if (row + kAhead < rows) Ask(result(row + kAhead), s_.dim_v);
      const float total = tiles_.Total(row);
      const F inverse = Set(total == 0.0f ? 0.0f : 1.0f / total);
      for (int i = 0; i < s_.dim_v; i += kLanes) {
        StoreFirst(to + i, Mul(inverse, Load(tiles_.Sums(row, i))), s_.dim_v - i);
      }
    }
  }

  const AttentionShape& s_;
  ggml_tensor* op_;
  Room room_;
  Tiles tiles_;
};

template <class Tiles>
struct Many {
  static size_t Work(int threads, const ggml_tensor* op) {
    const AttentionShape shape(op);
    size_t most = 0;  // ggml may use fewer
    for (int n = 1; n <= threads; ++n) {
      most = std::max(most, n * Unit<Tiles>::Size(shape, Units<Tiles>(shape, n)));
    }
    return most + 128;
  }

  static void Run(const ggml_compute_params* params, ggml_tensor* op) {
    const AttentionShape shape(op);
    const Units<Tiles> units(shape, params->nth);
    char* scratch = AlignUp(params->wdata) + params->ith * Unit<Tiles>::Size(shape, units);
    if (params->ith == 0) ggml_threadpool_chunk_set(params->threadpool, params->nth);
    ggml_barrier(params->threadpool);
    [[maybe_unused]] const typename Tiles::Setup setup;
    const int per_batch = units.count * shape.kv_heads;
    for (int chunk = params->ith; chunk < per_batch * shape.batches;
         chunk = ggml_threadpool_chunk_add(params->threadpool, 1)) {
      // The last queries see most keys: first.
      const int unit = units.count - 1 - chunk % per_batch / shape.kv_heads;
      const int first = unit * units.queries;
      Unit<Tiles>(shape, units, op, scratch)
          .Run(chunk / per_batch, chunk % shape.kv_heads, first,
               std::min(units.queries, shape.queries - first));
    }
  }
};

bool IsRead(const ggml_tensor* x) {
  switch (x->type) {
    case GGML_TYPE_F32:
    case GGML_TYPE_F16:
      return x->nb[0] == ggml_type_size(x->type);
    case GGML_TYPE_Q8_0:
      return x->nb[0] == sizeof(block_q8_0) && x->ne[0] % 32 == 0;
    default:
      return false;
  }
}

// Keys and values were rounded before.
[[maybe_unused]] bool IsRounded(const ggml_tensor* op) {
  const bool are_floats = op->src[1]->type == GGML_TYPE_F32 || op->src[2]->type == GGML_TYPE_F32;
  return !are_floats || op->op_params[kRoundedParam] != 0;
}

bool IsTaken(const ggml_tensor* op) {
  const ggml_tensor *q = op->src[0], *k = op->src[1], *v = op->src[2], *mask = op->src[3];
  float params[3];  // scale, ALiBi's bias, softcap
  std::memcpy(params, op->op_params, sizeof params);
  const bool is_plain = !op->src[4] && params[1] == 0.0f && params[2] == 0.0f;
  const bool fits = q->ne[2] % k->ne[2] == 0 && k->ne[2] == v->ne[2] && k->ne[3] == q->ne[3] &&
                    v->ne[3] == q->ne[3] && k->ne[1] == v->ne[1];
  const bool is_mask =
      !mask || (mask->type == GGML_TYPE_F16 && mask->ne[2] == 1 && mask->nb[0] == sizeof(uint16_t));
  return is_plain && fits && is_mask && q->type == GGML_TYPE_F32 && q->nb[0] == sizeof(float) &&
         IsRead(k) && IsRead(v) && ggml_is_contiguous(op);
}

}  // namespace

Kernel AttentionKernel(const ggml_tensor* op) {
  if (!IsTaken(op)) return {};
  if (const Kernel few = FewQueries(op)) return few;
#if defined(LLAVAOV_TILES)
  if (IsRounded(op) && HasTiles()) return {Many<BfloatTiles>::Work, Many<BfloatTiles>::Run};
#endif
#if defined(LLAVAOV_VNNI)
  if (IsRounded(op)) return {Many<WordTiles>::Work, Many<WordTiles>::Run};
#endif
  return {Many<FloatTiles>::Work, Many<FloatTiles>::Run};
}

void SetRounded(ggml_tensor* op) { op->op_params[kRoundedParam] = 1; }

#else

Kernel AttentionKernel(const ggml_tensor*) { return {}; }
void SetRounded(ggml_tensor*) {}

#endif

}  // namespace llavaov::kernels
