// Attention of a row or a few for each head of keys, as in generation: the cache passes once, at
// the speed of memory. Keys are divided into segments of 256, whoever computes them; each leaves
// the running top, sum and values of its rows, which are merged, in order, behind a barrier. So
// many threads have work where there are few heads, and results are equal at any number of them.
//
// Within a tile of 64 keys, the values of a head are the lanes: kLanes keys are multiplied by one
// row at a time and their products added across, all at once. Heads of usual widths have loops of
// their own in 512 bits (attention-wide.h).
//
// Strays are sought only where a segment's result shows that there may be some: it is computed
// again.
#include "attention-strays.h"
#include "attention-values.h"
#include "attention-wide.h"
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

// Keys of a tile from `first` on, of one head; what is asked for meanwhile.
struct Step {
  int first, n;
  const char *keys, *values, *next_keys, *next_values;
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
#if defined(LLAVAOV_WIDE)
    if (!with_strays && s_.dim == s_.dim_v) {
      wide_scores_ = Wide::ScoresOf(op->src[1]->type, s_.dim);
      wide_values_ = Wide::ValuesOf(op->src[2]->type, s_.dim, rows_);
    }
#endif
    if (!params) return;
    heads_ = segments_ * s_.batches >= 2 * params->nth ? s_.kv_heads : 1;
    char* base = AlignUp(params->wdata);
    partials_ = reinterpret_cast<float*>(base);
    base += Align(PartialsSize()) + params->ith * Align(ScratchSize());
    q_ = reinterpret_cast<float*>(base);
    k_ = q_ + s_.kv_heads * QuerySize();
    v_ = k_ + kLanes * padded_;
    scores_ = v_ + kKeys * s_.padded_v;
  }

  size_t WorkSize(int threads) const {
    return Align(PartialsSize()) + threads * Align(ScratchSize()) + 128;
  }
  int chunks() const { return segments_ * (s_.kv_heads / heads_) * s_.batches; }
  int merges() const { return rows_ * s_.kv_heads * s_.batches; }

  // A segment of all heads, one after another by tiles, as their keys lie in memory, or, where
  // there were too few chunks for all threads, of one head. `next`: the chunk after it.
  void Chunk(int chunk, int next) {
    const Place place = PlaceOf(chunk);
    for (int i = 0; i < heads_; ++i) Begin(place, i);
    const int end = std::min(s_.keys, (place.segment + 1) * kSegment);
    for (int first = place.segment * kSegment; first < end; first += kKeys) {
      for (int i = 0; i < heads_; ++i) {
        Step step = StepAt(place, i, first, std::min(kKeys, end - first));
        const Step ahead = i + 1 < heads_        ? StepAt(place, i + 1, first, 0)
                           : first + kKeys < end ? StepAt(place, 0, first + kKeys, 0)
                           : next < chunks()     ? StepAt(PlaceOf(next), 0, -1, 0)
                                                 : step;
        step.next_keys = ahead.keys, step.next_values = ahead.values;
        Tile(place, i, step);
      }
    }
  }

  bool IsSound(int chunk) const {
    const Place place = PlaceOf(chunk);
    F nothing = Zero();
    for (int i = 0; i < heads_ * rows_; ++i) {
      const float* values = At(place, i / rows_, i % rows_).values();
      for (int v = 0; v < s_.padded_v; v += kLanes) {
        nothing = MulAdd(Load(values + v), Zero(), nothing);
      }
    }
    return IsFinite(nothing);
  }

  void Merge(int index, ggml_tensor* op) const {
    const int row = index % rows_, head = index / rows_ % s_.kv_heads;
    const Place place = {index / rows_ / s_.kv_heads, head, 0};
    float* out = ResultOf(op, s_, row / s_.group, head * s_.group + row % s_.group, place.batch);
    const auto at = [&](int segment) { return At({place.batch, head, segment}, 0, row); };
    float top = kLowest, sum = 0.0f;
    for (int i = 0; i < segments_; ++i) top = std::max(top, at(i).top());
    for (int i = 0; i < segments_; ++i) {
      float factor[kLanes];
      Store(factor, Exp2(Set(at(i).top() - top)));
      sum += at(i).sum() * factor[0];
      at(i).top() = factor[0];
    }
    const F inverse = Set(sum == 0.0f ? 0.0f : 1.0f / sum);
    for (int v = 0; v < s_.dim_v; v += kLanes) {
      F values = Zero();
      for (int i = 0; i < segments_; ++i) {
        values = MulAdd(Load(at(i).values() + v), Set(at(i).top()), values);
      }
      StoreFirst(out + v, Mul(values, inverse), s_.dim_v - v);
    }
  }

 private:
  // Of a chunk: its first head.
  struct Place {
    int batch, head, segment;
  };
  Place PlaceOf(int chunk) const {
    const int parts = s_.kv_heads / heads_, of_batch = chunk % (parts * segments_);
    return {chunk / (parts * segments_), of_batch % parts * heads_, of_batch / parts};
  }

  size_t PartialWidth() const { return size_t(s_.padded_v) + kLanes; }
  size_t PartialsSize() const {
    return size_t(segments_) * s_.kv_heads * s_.batches * kMaxRows * PartialWidth() * sizeof(float);
  }
  size_t QuerySize() const { return size_t(kMaxRows) * padded_; }
  size_t ScratchSize() const {
    return (s_.kv_heads * QuerySize() + kLanes * padded_ +
            size_t(kKeys) * (s_.padded_v + kMaxRows)) *
           sizeof(float);
  }
  Partial At(const Place& place, int i, int row) const {
    const size_t head = size_t(place.batch) * s_.kv_heads + place.head + i;
    return {partials_ + ((head * segments_ + place.segment) * kMaxRows + row) * PartialWidth(),
            s_.padded_v};
  }

  // first < 0: where the chunk's segment begins.
  Step StepAt(const Place& place, int i, int first, int n) const {
    const ggml_tensor *k = op_->src[1], *v = op_->src[2];
    if (first < 0) first = place.segment * kSegment;
    return {first,
            n,
            KeysOf(k, place.head + i, place.batch) + first * k->nb[1],
            KeysOf(v, place.head + i, place.batch) + first * v->nb[1],
            nullptr,
            nullptr};
  }

  // The queries of a chunk's head, and what becomes of them.
  void Begin(const Place& place, int i) {
    const float* rows[kMaxRows] = {};
    for (int row = 0; row < rows_; ++row) {
      const int head = (place.head + i) * s_.group + row % s_.group;
      rows[row] = QueryOf(op_->src[0], row / s_.group, head, place.batch);
    }
    float* q = q_ + i * QuerySize();
#if defined(LLAVAOV_WIDE)
    if (wide_scores_) {
      PackPairs(rows, s_.dim, s_.scale, q);
    } else
#endif
    {
      std::fill_n(q, QuerySize(), 0.0f);
      for (int row = 0; row < rows_; ++row) {
        for (int d = 0; d < s_.dim; ++d) q[row * padded_ + d] = rows[row][d] * s_.scale;
      }
    }
    for (int row = 0; row < kMaxRows; ++row) {
      const Partial partial = At(place, i, row);
      std::fill_n(partial.values(), s_.padded_v, 0.0f);
      partial.top() = kLowest;
      partial.sum() = 0.0f;
    }
  }

  // Scores of keys [c, c + kLanes) of the tile.
  void Scores(const float* q, const Step& step, int c) {
    const ggml_tensor* k = op_->src[1];
    const int valid = std::min(step.n - c, kLanes);
    const char* keys = step.keys + c * k->nb[1];
#if defined(LLAVAOV_WIDE)
    if (wide_scores_) {
      wide_scores_(q, keys, step.next_keys + c * k->nb[1], k->nb[1], valid, kKeys, scores_ + c);
      return;
    }
#endif
    Ask(k, step.next_keys, c, s_.dim);
    ReadRows(k, keys, valid, s_.dim, padded_, k_);
    std::fill(k_ + valid * padded_, k_ + kLanes * padded_, 0.0f);
    for (int r = 0; r < rows_; ++r) {
      F sums[kLanes];
      LLAVAOV_UNROLL
      for (int j = 0; j < kLanes; ++j) sums[j] = Zero();
      for (int i = 0; i < padded_; i += kLanes) {
        const F x = Load(q + r * padded_ + i);
        LLAVAOV_UNROLL
        for (int j = 0; j < kLanes; ++j) sums[j] = MulAdd(Load(k_ + j * padded_ + i), x, sums[j]);
      }
      Store(scores_ + r * kKeys + c, SumsOf(sums));
    }
  }

  // Rows [c, c + kLanes) of a head, each too short for the CPU to foresee the next one.
  static void Ask(const ggml_tensor* x, const char* rows, int c, int dim) {
    const size_t size = ggml_row_size(x->type, dim);
    for (int i = c; i < c + kLanes; ++i) {
      for (size_t at = 0; at < size; at += 64) AskFor(rows + i * x->nb[1] + at);
    }
  }

  void Tile(const Place& place, int i, const Step& step) {
    const ggml_tensor* mask = op_->src[3];
    const char* masks = nullptr;
    Mask kind = Mask::kNone;
    if (mask) {
      masks = static_cast<const char*>(mask->data) + place.batch % mask->ne[3] * mask->nb[3] +
              step.first * sizeof(uint16_t);
      kind = MaskOf(masks, mask->nb[1], s_.queries, step.n);
      if (kind == Mask::kAll) return;
    }
    const auto mask_of = [&](int r) {
      return kind == Mask::kSome
                 ? reinterpret_cast<const uint16_t*>(masks + r / s_.group * mask->nb[1])
                 : nullptr;
    };
    std::fill_n(scores_, kMaxRows * kKeys, 0.0f);
    for (int c = 0; c < step.n; c += kLanes) Scores(q_ + i * QuerySize(), step, c);
    float shrink[kMaxRows];
    std::fill_n(shrink, kMaxRows, 1.0f);
    for (int r = 0; r < rows_; ++r) {
      float* scores = scores_ + r * kKeys;
      if (mask_of(r)) AddMask(mask_of(r), step.n, kLog2e, scores);
      std::fill_n(scores + step.n, kKeys - step.n, -INFINITY);
      const Partial partial = At(place, i, r);
      shrink[r] = Softmax<kKeys / kLanes>(scores, &partial.top(), &partial.sum());
    }
    float* out = At(place, i, 0).values();
    AddValues(step, shrink, mask_of, out);
  }

  template <class MaskOf>
  void AddValues(const Step& step, const float* shrink, MaskOf mask_of, float* out) {
    const ggml_tensor* v = op_->src[2];
    const int width = int(PartialWidth());
#if defined(LLAVAOV_WIDE)
    if (wide_values_) {
      wide_values_(scores_, step.values, step.next_values, v->nb[1], step.n, shrink, width, out);
      return;
    }
#endif
    for (int c = 0; c < step.n; c += kLanes) Ask(v, step.next_values, c, s_.dim_v);
    ReadRows(v, step.values, step.n, s_.dim_v, s_.padded_v, v_);
    Strays strays;
    if (with_strays) strays.Take(v, step.values, step.n, s_.padded_v, v_);
    for (int r = 0; r < rows_; r += kValueRows) {
      Values<kKeys>(scores_ + r * kKeys, v_, step.n, shrink + r, s_.padded_v, width,
                    out + r * width);
    }
    for (int r = 0; with_strays && r < rows_; ++r) {
      const float* shares = scores_ + r * kKeys;
      float* row = out + r * width;
      strays.Add(
          mask_of(r), [&](int key) { return shares[key]; }, [&](int at) { return row + at; });
    }
  }

  const AttentionShape s_;
  const ggml_tensor* op_;
  int rows_, padded_, segments_;
  int heads_ = 1;  // of a chunk
  float *partials_ = nullptr, *q_ = nullptr, *k_ = nullptr, *v_ = nullptr, *scores_ = nullptr;
#if defined(LLAVAOV_WIDE)
  using Wide = WideLoops<kKeys>;
  Wide::Scores wide_scores_ = nullptr;
  Wide::Values wide_values_ = nullptr;
#endif
};

size_t Work(int threads, const ggml_tensor* op) {
  return Few<false>(nullptr, op).WorkSize(threads);
}

// An object of its own: the other's members stay in registers, as none but its loops know it.
LLAVAOV_NOINLINE void Again(const ggml_compute_params* params, ggml_tensor* op, int chunk) {
  Few<true>(params, op).Chunk(chunk, chunk);
}

void Run(const ggml_compute_params* params, ggml_tensor* op) {
  Few<false> few(params, op);
  if (params->ith == 0) ggml_threadpool_chunk_set(params->threadpool, params->nth);
  ggml_barrier(params->threadpool);
  for (int chunk = params->ith, next; chunk < few.chunks(); chunk = next) {
    next = ggml_threadpool_chunk_add(params->threadpool, 1);
    few.Chunk(chunk, next);
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
