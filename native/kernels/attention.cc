// Attention of many queries, in floats with a running softmax. One unit of work is a block of
// queries of all heads that share a head of keys: about 240 rows, one matrix. For every tile of 96
// keys, keys become panels and values floats, once per unit; then eight rows at a time pass scores,
// softmax and values without leaving L1. Tiles that are masked for the whole unit are skipped.
//
// Units depend on the node's shape alone, so results are equal at any number of threads. Heads of
// any width: keys are read by eights and values by vectors whose tail is zero.
#include "attention.h"

#include "attention-shape.h"
#include "attention-values.h"

namespace llavaov::kernels {

#if defined(LLAVAOV_KERNELS)

namespace {

constexpr int kKeys = 96, kUnitRows = 240, kRows = 8;
constexpr int kPanel = kFloatVectors * kLanes;
static_assert(kKeys % kPanel == 0 && kRows % kFloatRows == 0 && kRows % kValueRows == 0);

struct Units {
  int queries, rows, count;  // of a unit; of a head
  explicit Units(const AttentionShape& s) {
    const int blocks = (s.queries * s.group + kUnitRows - 1) / kUnitRows;
    queries = (s.queries + blocks - 1) / blocks;
    rows = (queries * s.group + kRows - 1) / kRows * kRows;
    count = (s.queries + queries - 1) / queries;
  }
};

struct Scratch {
  float *q, *k, *v, *out, *top, *sum, *scores;
  size_t size = 0;
  Scratch(const AttentionShape& s, const Units& u, char* base) {
    const auto take = [&](size_t n) {
      float* p = reinterpret_cast<float*>(base + size);
      size += Align(n * sizeof(float));
      return p;
    };
    q = take(size_t(u.rows) * s.dim);
    k = take(size_t(kKeys) * ((s.dim + 7) / 8 * 8));
    v = take(size_t(kKeys) * s.padded_v);
    out = take(size_t(u.rows) * s.padded_v);
    top = take(u.rows);
    sum = take(u.rows);
    scores = take(kRows * kKeys);
  }
};

// `n` keys to [panel][dim][kPanel].
void PackKeys(const char* keys, size_t stride, ggml_type type, int n, int dim, float* out) {
  const int padded = (dim + 7) / 8 * 8;
  for (int c = 0; c < kKeys; c += kLanes) {
    float* panel = out + size_t(c / kPanel) * padded * kPanel + c % kPanel;
    for (int d = 0; d < dim; d += 8) {
      __m256i rows[kLanes];
      for (int i = 0; i < kLanes; ++i) {
        rows[i] = c + i < n
                      ? _mm256_castps_si256(EightOf(keys + (c + i) * stride, type, d, dim - d))
                      : _mm256_setzero_si256();
      }
      I columns[8];
      TransposeLanes(rows, columns);
      for (int t = 0; t < 8; ++t) StoreIntegers(panel + (d + t) * kPanel, columns[t]);
    }
  }
}

// scores[kRows][kKeys] = q [dim][kRows] by keys.
LLAVAOV_NOINLINE void Scores(const float* q, const float* keys, int dim, float* scores) {
  const int padded = (dim + 7) / 8 * 8;
  for (int at = 0; at < kKeys / kPanel * kRows; at += kFloatRows) {
    const int panel = at / kRows, first = at % kRows;
    const float *k = keys + size_t(panel) * padded * kPanel, *x = q + first;
    F f[kFloatRows][kFloatVectors];
    LLAVAOV_UNROLL
    for (int r = 0; r < kFloatRows; ++r) {
      LLAVAOV_UNROLL
      for (int v = 0; v < kFloatVectors; ++v) f[r][v] = Zero();
    }
    for (int d = 0; d < dim; ++d, k += kPanel, x += kRows) {
      F w[kFloatVectors];
      LLAVAOV_UNROLL
      for (int v = 0; v < kFloatVectors; ++v) w[v] = Load(k + v * kLanes);
      LLAVAOV_UNROLL
      for (int r = 0; r < kFloatRows; ++r) {
        const F value = Set(x[r]);
        LLAVAOV_UNROLL
        for (int v = 0; v < kFloatVectors; ++v) f[r][v] = MulAdd(w[v], value, f[r][v]);
      }
    }
    float* to = scores + first * kKeys + panel * kPanel;
    LLAVAOV_UNROLL
    for (int r = 0; r < kFloatRows; ++r) {
      LLAVAOV_UNROLL
      for (int v = 0; v < kFloatVectors; ++v) Store(to + r * kKeys + v * kLanes, f[r][v]);
    }
  }
}

class Unit {
 public:
  Unit(const AttentionShape& shape, ggml_tensor* op, const Scratch& scratch)
      : s_(shape), op_(op), at_(scratch) {}

  void Run(int batch, int kv_head, int first_query, int queries) {
    rows_ = queries * s_.group;
    groups_ = (rows_ + kRows - 1) / kRows;
    LoadQueries(batch, kv_head, first_query);
    const ggml_tensor *k = op_->src[1], *v = op_->src[2], *mask = op_->src[3];
    const char *keys = KeysOf(k, kv_head, batch), *values = KeysOf(v, kv_head, batch);
    const char* masks = mask ? static_cast<const char*>(mask->data) + first_query * mask->nb[1] +
                                   batch % mask->ne[3] * mask->nb[3]
                             : nullptr;
    for (int first = 0; first < s_.keys; first += kKeys) {
      const int n = std::min(kKeys, s_.keys - first);
      const char* tile_mask = mask ? masks + first * sizeof(uint16_t) : nullptr;
      const Mask kind = mask ? MaskOf(tile_mask, mask->nb[1], queries, n) : Mask::kNone;
      if (kind == Mask::kAll) continue;
      PackKeys(keys + first * k->nb[1], k->nb[1], k->type, n, s_.dim, at_.k);
      ReadRows(v, values + first * v->nb[1], n, s_.dim_v, s_.padded_v, at_.v);
      for (int g = 0; g < groups_; ++g) {
        Group(g, n, kind == Mask::kSome ? tile_mask : nullptr, mask ? mask->nb[1] : 0);
      }
    }
    StoreRows(batch, kv_head, first_query);
  }

 private:
  void LoadQueries(int batch, int kv_head, int first_query) {
    for (int row = 0; row < groups_ * kRows; ++row) {
      float* to = at_.q + size_t(row / kRows) * s_.dim * kRows + row % kRows;
      const int head = kv_head * s_.group + row % s_.group, query = first_query + row / s_.group;
      const float* from = row < rows_ ? QueryOf(op_->src[0], query, head, batch) : nullptr;
      for (int i = 0; i < s_.dim; ++i) to[i * kRows] = from ? from[i] * s_.scale : 0.0f;
    }
    std::fill_n(at_.out, size_t(groups_) * kRows * s_.padded_v, 0.0f);
    std::fill_n(at_.top, groups_ * kRows, kLowest);
    std::fill_n(at_.sum, groups_ * kRows, 0.0f);
  }

  void Group(int g, int n, const char* mask, size_t stride) {
    Scores(at_.q + size_t(g) * s_.dim * kRows, at_.k, s_.dim, at_.scores);
    float shrink[kRows];
    for (int r = 0; r < kRows; ++r) {
      const int row = g * kRows + r;
      float* scores = at_.scores + r * kKeys;
      if (mask && row < rows_) {
        AddMask(reinterpret_cast<const uint16_t*>(mask + row / s_.group * stride), n, scores);
      }
      for (int i = n; i < kKeys; ++i) scores[i] = -INFINITY;
      shrink[r] = Softmax<kKeys / kLanes>(scores, at_.top + row, at_.sum + row);
    }
    float* out = at_.out + size_t(g) * kRows * s_.padded_v;
    for (int r = 0; r < kRows; r += kValueRows) {
      Values<kKeys>(at_.scores + r * kKeys, at_.v, n, shrink + r, s_.padded_v, s_.padded_v,
                    out + r * s_.padded_v);
    }
  }

  void StoreRows(int batch, int kv_head, int first_query) {
    for (int row = 0; row < rows_; ++row) {
      const int head = kv_head * s_.group + row % s_.group, query = first_query + row / s_.group;
      float* to = ResultOf(op_, s_, query, head, batch);
      const float* from = at_.out + size_t(row) * s_.padded_v;
      const F inverse = Set(at_.sum[row] == 0.0f ? 0.0f : 1.0f / at_.sum[row]);
      for (int i = 0; i < s_.dim_v; i += kLanes) {
        StoreFirst(to + i, Mul(inverse, Load(from + i)), s_.dim_v - i);
      }
    }
  }

  const AttentionShape& s_;
  ggml_tensor* op_;
  const Scratch& at_;
  int rows_ = 0, groups_ = 0;
};

size_t ManyWork(int threads, const ggml_tensor* op) {
  const AttentionShape shape(op);
  return threads * Scratch(shape, Units(shape), nullptr).size + 128;
}

void Many(const ggml_compute_params* params, ggml_tensor* op) {
  const AttentionShape shape(op);
  const Units units(shape);
  const size_t each = Scratch(shape, units, nullptr).size;
  const Scratch scratch(shape, units, AlignUp(params->wdata) + params->ith * each);
  if (params->ith == 0) ggml_threadpool_chunk_set(params->threadpool, params->nth);
  ggml_barrier(params->threadpool);
  const int per_batch = units.count * shape.kv_heads;
  for (int chunk = params->ith; chunk < per_batch * shape.batches;
       chunk = ggml_threadpool_chunk_add(params->threadpool, 1)) {
    // The last queries see most keys: first.
    const int unit = units.count - 1 - chunk % per_batch / shape.kv_heads;
    const int first = unit * units.queries;
    Unit(shape, op, scratch)
        .Run(chunk / per_batch, chunk % shape.kv_heads, first,
             std::min(units.queries, shape.queries - first));
  }
}

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
  return {ManyWork, Many};
}

#else

Kernel AttentionKernel(const ggml_tensor*) { return {}; }

#endif

}  // namespace llavaov::kernels
