// Attention of many queries, with a running softmax. One unit of work is a block of queries of all
// heads that share a head of keys: 240 to 368 rows, one matrix. Every tile of 96 keys becomes what
// the products want once per unit (attention-floats.h, attention-words.h); then eight rows at a
// time pass scores, softmax and values without leaving L1. Tiles that are masked for the whole unit
// are skipped.
//
// Units depend on the node's shape alone, so results are equal at any number of threads. Heads of
// any width: keys are read by eights and values by vectors whose tail is zero.
#include "attention.h"

#include "attention-floats.h"
#include "attention-words.h"

namespace llavaov::kernels {

#if defined(LLAVAOV_KERNELS)

namespace {

// The more rows a unit has, the fewer times keys are prepared; the more units, the more threads.
constexpr int kMostUnitRows = 368, kUnitRows = 240, kEnoughUnits = 32;
constexpr int kRoundedParam = 8;  // of a node's sixteen; ggml's own attention knows five

struct Units {
  int queries, rows, count;  // of a unit; of a head
  explicit Units(const AttentionShape& s) {
    Divide(s, kMostUnitRows);
    if (count * s.kv_heads * s.batches < kEnoughUnits) Divide(s, kUnitRows);
  }

 private:
  void Divide(const AttentionShape& s, int most) {
    const int blocks = (s.queries * s.group + most - 1) / most;
    queries = (s.queries + blocks - 1) / blocks;
    rows = (queries * s.group + kTileRows - 1) / kTileRows * kTileRows;
    count = (s.queries + queries - 1) / queries;
  }
};

template <class Tiles>
class Unit {
 public:
  Unit(const AttentionShape& shape, const Units& units, ggml_tensor* op, char* scratch)
      : s_(shape), op_(op), room_(scratch), tiles_(shape, units.rows, &room_) {}

  static size_t Size(const AttentionShape& shape, const Units& units) {
    return Unit(shape, units, nullptr, nullptr).room_.size();
  }

  void Run(int batch, int kv_head, int first_query, int queries) {
    const int rows = queries * s_.group;
    for (int first = 0; first < rows; first += kTileRows) {
      const float* at[kTileRows] = {};
      for (int row = first; row < std::min(rows, first + kTileRows); ++row) {
        at[row - first] = QueryOf(op_->src[0], first_query + row / s_.group,
                                  kv_head * s_.group + row % s_.group, batch);
      }
      tiles_.LoadQueries(first, at);
    }
    const ggml_tensor *k = op_->src[1], *v = op_->src[2], *mask = op_->src[3];
    const char *keys = KeysOf(k, kv_head, batch), *values = KeysOf(v, kv_head, batch);
    const char* masks = mask ? static_cast<const char*>(mask->data) + first_query * mask->nb[1] +
                                   batch % mask->ne[3] * mask->nb[3]
                             : nullptr;
    for (int first = 0; first < s_.keys; first += kTileKeys) {
      const int n = std::min(kTileKeys, s_.keys - first);
      const char* tile_mask = mask ? masks + first * sizeof(uint16_t) : nullptr;
      const Mask kind = mask ? MaskOf(tile_mask, mask->nb[1], queries, n) : Mask::kNone;
      if (kind == Mask::kAll) continue;
      tiles_.LoadKeys(k, keys + first * k->nb[1], v, values + first * v->nb[1], n);
      const auto mask_of = [&](int row) {
        const bool has_mask = kind == Mask::kSome && row < rows;
        return has_mask
                   ? reinterpret_cast<const uint16_t*>(tile_mask + row / s_.group * mask->nb[1])
                   : nullptr;
      };
      for (int row = 0; row < rows; row += kTileRows) tiles_.Rows(row, n, mask_of);
    }
    StoreRows(batch, kv_head, first_query, rows);
  }

 private:
  void StoreRows(int batch, int kv_head, int first_query, int rows) {
    for (int row = 0; row < rows; ++row) {
      const int head = kv_head * s_.group + row % s_.group, query = first_query + row / s_.group;
      float* to = ResultOf(op_, s_, query, head, batch);
      const float *from = tiles_.Sums(row), total = tiles_.Total(row);
      const F inverse = Set(total == 0.0f ? 0.0f : 1.0f / total);
      for (int i = 0; i < s_.dim_v; i += kLanes) {
        StoreFirst(to + i, Mul(inverse, Load(from + i)), s_.dim_v - i);
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
    return threads * Unit<Tiles>::Size(shape, Units(shape)) + 128;
  }

  static void Run(const ggml_compute_params* params, ggml_tensor* op) {
    const AttentionShape shape(op);
    const Units units(shape);
    char* scratch = AlignUp(params->wdata) + params->ith * Unit<Tiles>::Size(shape, units);
    if (params->ith == 0) ggml_threadpool_chunk_set(params->threadpool, params->nth);
    ggml_barrier(params->threadpool);
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
bool IsRounded(const ggml_tensor* op) {
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
