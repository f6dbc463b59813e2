// Attention of a row or a few for each head of keys, as in generation: the cache passes once, at
// the speed of memory. Keys are divided into segments of 256, whoever computes them; each leaves
// the running top, sum and values of its rows, which are merged, in order, behind a barrier. So
// many threads have work where there are few heads, and results are equal at any number of them.
//
// Within a tile of 64 keys, the values of a head are the lanes: kLanes keys are multiplied by one
// row at a time and their products added across, all at once.
//
// Strays are sought only where a segment's result shows that there may be some: it is computed
// again.
#include "attention-strays.h"
#include "attention-values.h"
#include "attention.h"

namespace llavaov::kernels {

#if defined(LLAVAOV_KERNELS)

namespace {

constexpr int kSegment = 256, kKeys = 64, kMaxRows = 8;
static_assert(kSegment % kKeys == 0 && kKeys % kLanes == 0 && kMaxRows % kValueRows == 0);

// One row of a segment: values, then top and sum.
struct Partial {
  float* at;
  int width;
  float* values() const { return at; }
  float& top() const { return at[width]; }
  float& sum() const { return at[width + 1]; }
};

template <bool with_strays>
class Few {
 public:
  Few(const ggml_compute_params* params, const ggml_tensor* op)
      : s_(op),
        op_(op),
        rows_(s_.queries * s_.group),
        padded_((s_.dim + kLanes - 1) / kLanes * kLanes),
        segments_((s_.keys + kSegment - 1) / kSegment) {
    if (!params) return;
    char* base = AlignUp(params->wdata);
    partials_ = reinterpret_cast<float*>(base);
    base += Align(PartialsSize()) + params->ith * Align(ScratchSize());
    q_ = reinterpret_cast<float*>(base);
    k_ = q_ + kMaxRows * padded_;
    v_ = k_ + kLanes * padded_;
    scores_ = v_ + kKeys * s_.padded_v;
  }

  size_t WorkSize(int threads) const {
    return Align(PartialsSize()) + threads * Align(ScratchSize()) + 128;
  }
  int chunks() const { return segments_ * s_.kv_heads * s_.batches; }
  int merges() const { return rows_ * s_.kv_heads * s_.batches; }

  void Segment(int chunk) {
    const int segment = chunk % segments_, head = chunk / segments_ % s_.kv_heads;
    const int batch = chunk / segments_ / s_.kv_heads;
    LoadQueries(batch, head);
    for (int r = 0; r < kMaxRows; ++r) {
      const Partial partial = At(chunk, r);
      std::fill_n(partial.values(), s_.padded_v, 0.0f);
      partial.top() = kLowest;
      partial.sum() = 0.0f;
    }
    const int end = std::min(s_.keys, (segment + 1) * kSegment);
    for (int first = segment * kSegment; first < end; first += kKeys) {
      Tile(chunk, batch, head, first, std::min(kKeys, end - first));
    }
  }

  bool IsSound(int chunk) const {
    F nothing = Zero();
    for (int r = 0; r < rows_; ++r) {
      const float* values = At(chunk, r).values();
      for (int i = 0; i < s_.padded_v; i += kLanes) {
        nothing = MulAdd(Load(values + i), Zero(), nothing);
      }
    }
    return IsFinite(nothing);
  }

  void Merge(int index, ggml_tensor* op) const {
    const int row = index % rows_, head_of_keys = index / rows_;
    const int first = head_of_keys * segments_;
    float top = kLowest, sum = 0.0f;
    for (int i = 0; i < segments_; ++i) top = std::max(top, At(first + i, row).top());
    float total[kLanes], factor[kLanes];
    const int kv_head = head_of_keys % s_.kv_heads, batch = head_of_keys / s_.kv_heads;
    float* out = ResultOf(op, s_, row / s_.group, kv_head * s_.group + row % s_.group, batch);
    for (int i = 0; i < segments_; ++i) {
      const Partial partial = At(first + i, row);
      Store(factor, Exp2(Set(partial.top() - top)));
      sum += partial.sum() * factor[0];
    }
    const F inverse = Set(sum == 0.0f ? 0.0f : 1.0f / sum);
    for (int v = 0; v < s_.dim_v; v += kLanes) {
      F values = Zero();
      for (int i = 0; i < segments_; ++i) {
        const Partial partial = At(first + i, row);
        Store(total, Exp2(Set(partial.top() - top)));
        values = MulAdd(Load(partial.values() + v), Set(total[0]), values);
      }
      StoreFirst(out + v, Mul(values, inverse), s_.dim_v - v);
    }
  }

 private:
  size_t PartialWidth() const { return size_t(s_.padded_v) + kLanes; }
  size_t PartialsSize() const {
    return size_t(chunks()) * kMaxRows * PartialWidth() * sizeof(float);
  }
  size_t ScratchSize() const {
    return (size_t(kMaxRows + kLanes) * padded_ + size_t(kKeys) * (s_.padded_v + kMaxRows)) *
           sizeof(float);
  }
  Partial At(int chunk, int row) const {
    return {partials_ + (size_t(chunk) * kMaxRows + row) * PartialWidth(), s_.padded_v};
  }

  void LoadQueries(int batch, int kv_head) {
    std::fill_n(q_, kMaxRows * padded_, 0.0f);
    for (int row = 0; row < rows_; ++row) {
      const int head = kv_head * s_.group + row % s_.group;
      const float* from = QueryOf(op_->src[0], row / s_.group, head, batch);
      for (int i = 0; i < s_.dim; ++i) q_[row * padded_ + i] = from[i] * s_.scale;
    }
  }

  // Scores of keys [c, c + kLanes) of the tile.
  void Scores(const ggml_tensor* k, const char* keys, int c, int n) {
    const int valid = std::min(n - c, kLanes);
    ReadRows(k, keys + c * k->nb[1], valid, s_.dim, padded_, k_);
    std::fill(k_ + valid * padded_, k_ + kLanes * padded_, 0.0f);
    for (int r = 0; r < rows_; ++r) {
      F sums[kLanes];
      LLAVAOV_UNROLL
      for (int j = 0; j < kLanes; ++j) sums[j] = Zero();
      for (int i = 0; i < padded_; i += kLanes) {
        const F q = Load(q_ + r * padded_ + i);
        LLAVAOV_UNROLL
        for (int j = 0; j < kLanes; ++j) sums[j] = MulAdd(Load(k_ + j * padded_ + i), q, sums[j]);
      }
      Store(scores_ + r * kKeys + c, SumsOf(sums));
    }
  }

  // Rows of a head lie apart, each too short for the CPU to foresee the next one.
  static void Ask(const char* rows, size_t stride, int n, size_t size) {
    for (int i = 0; i < n; ++i, rows += stride) {
      for (size_t at = 0; at < size; at += 64) AskFor(rows + at);
    }
  }

  void Tile(int chunk, int batch, int head, int first, int n) {
    const ggml_tensor *k = op_->src[1], *v = op_->src[2], *mask = op_->src[3];
    const char* masks = nullptr;
    Mask kind = Mask::kNone;
    if (mask) {
      masks = static_cast<const char*>(mask->data) + batch % mask->ne[3] * mask->nb[3] +
              first * sizeof(uint16_t);
      kind = MaskOf(masks, mask->nb[1], s_.queries, n);
      if (kind == Mask::kAll) return;
    }
    const char* keys = KeysOf(k, head, batch) + first * k->nb[1];
    const char* values = KeysOf(v, head, batch) + first * v->nb[1];
    Ask(values, v->nb[1], n, ggml_row_size(v->type, s_.dim_v));
    Ask(keys + kKeys * k->nb[1], k->nb[1], kKeys, ggml_row_size(k->type, s_.dim));
    std::fill_n(scores_, kMaxRows * kKeys, 0.0f);
    for (int c = 0; c < n; c += kLanes) Scores(k, keys, c, n);
    ReadRows(v, values, n, s_.dim_v, s_.padded_v, v_);
    Strays strays;
    if (with_strays) strays.Take(v, values, n, s_.padded_v, v_);
    float shrink[kMaxRows];
    std::fill_n(shrink, kMaxRows, 1.0f);
    for (int r = 0; r < rows_; ++r) {
      float* scores = scores_ + r * kKeys;
      if (kind == Mask::kSome) {
        const char* row = masks + r / s_.group * mask->nb[1];
        AddMask(reinterpret_cast<const uint16_t*>(row), n, kLog2e, scores);
      }
      std::fill_n(scores + n, kKeys - n, -INFINITY);
      const Partial partial = At(chunk, r);
      shrink[r] = Softmax<kKeys / kLanes>(scores, &partial.top(), &partial.sum());
    }
    for (int r = 0; r < rows_; r += kValueRows) {
      Values<kKeys>(scores_ + r * kKeys, v_, n, shrink + r, s_.padded_v, int(PartialWidth()),
                    At(chunk, r).values());
    }
    for (int r = 0; with_strays && r < rows_; ++r) {
      const char* row = kind == Mask::kSome ? masks + r / s_.group * mask->nb[1] : nullptr;
      const float* shares = scores_ + r * kKeys;
      float* out = At(chunk, r).values();
      strays.Add(
          reinterpret_cast<const uint16_t*>(row), [&](int key) { return shares[key]; },
          [&](int i) { return out + i; });
    }
  }

  const AttentionShape s_;
  const ggml_tensor* op_;
  int rows_, padded_, segments_;
  float *partials_ = nullptr, *q_ = nullptr, *k_ = nullptr, *v_ = nullptr, *scores_ = nullptr;
};

size_t Work(int threads, const ggml_tensor* op) {
  return Few<false>(nullptr, op).WorkSize(threads);
}

// An object of its own: the other's members stay in registers, as none but its loops know it.
LLAVAOV_NOINLINE void Again(const ggml_compute_params* params, ggml_tensor* op, int chunk) {
  Few<true>(params, op).Segment(chunk);
}

void Run(const ggml_compute_params* params, ggml_tensor* op) {
  Few<false> few(params, op);
  if (params->ith == 0) ggml_threadpool_chunk_set(params->threadpool, params->nth);
  ggml_barrier(params->threadpool);
  for (int chunk = params->ith; chunk < few.chunks();
       chunk = ggml_threadpool_chunk_add(params->threadpool, 1)) {
    few.Segment(chunk);
    if (!few.IsSound(chunk)) Again(params, op, chunk);
  }
  ggml_barrier(params->threadpool);
  for (int i = params->ith; i < few.merges(); i += params->nth) few.Merge(i, op);
}

}  // namespace

Kernel FewQueries(const ggml_tensor* op) {
  const int64_t rows = op->src[0]->ne[1] * (op->src[0]->ne[2] / op->src[1]->ne[2]);
  return rows <= kMaxRows ? Kernel{Work, Run} : Kernel();
}

#else

Kernel FewQueries(const ggml_tensor*) { return {}; }

#endif

}  // namespace llavaov::kernels
