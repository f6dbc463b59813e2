// Attention of a row or a few for each head of keys, as in generation: the cache passes once, at
// the speed of memory. Keys are divided into segments of 128 to 512, whoever computes them; each
// leaves the running top, sum and values of its rows, which are merged, in order, behind a barrier.
// So many threads have work where there are few heads, and results are equal at any number of them.
//
// Within a tile of 64 keys, the values of a head are the lanes: kLanes keys are multiplied by one
// row at a time and their products added across, all at once. Heads of usual widths have loops of
// their own in 512 bits (attention-wide.h).
//
// Strays are sought only where a segment's result shows that there may be some: it is computed
// again.
#include "attention-few-tiles.h"
#include "attention-partials.h"
#include "attention-strays.h"
#include "attention-values.h"
#include "attention-wide.h"
#include "attention.h"

namespace llavaov::kernels {

#if defined(LLAVAOV_KERNELS)

namespace {

constexpr int kSegment = 256, kKeys = 64;
static_assert(kSegment % kKeys == 0 && kKeys % kLanes == 0 && kFewRows % kValueRows == 0);

// Keys of a tile from `first` on, of one head; what is asked for meanwhile.
struct Step {
  int first, n;
  const char *keys, *values, *next_keys, *next_values;
};

template <bool with_strays>
class Few : public Partials {
 public:
  struct Setup {};

  static int SegmentOf(const ggml_tensor*) { return kSegment; }
  static size_t ScratchSize(const ggml_tensor* op) {
    const AttentionShape s(op);
    return (size_t(s.kv_heads) * kFewRows * Padded(s) + kLanes * Padded(s) +
            size_t(kKeys) * (s.padded_v + kFewRows)) *
           sizeof(float);
  }

  Few(const ggml_tensor* op, float* partials, char* scratch, int threads, int segment = kSegment)
      : Partials(op, segment),
        padded_(Padded(s_)),
        q_(reinterpret_cast<float*>(scratch)),
        k_(q_ + s_.kv_heads * QuerySize()),
        v_(k_ + kLanes * padded_),
        scores_(v_ + kKeys * s_.padded_v) {
    Begin(partials, threads);
#if defined(LLAVAOV_WIDE)
    if (!with_strays && s_.dim == s_.dim_v) {
      wide_scores_ = Wide::ScoresOf(op->src[1]->type, s_.dim);
      wide_values_ = Wide::ValuesOf(op->src[2]->type, s_.dim, rows_);
    }
#endif
  }

  // A segment of all heads, one after another by tiles, as their keys lie in memory, or, where
  // there were too few chunks for all threads, of one head. `next`: the chunk after it.
  void Chunk(int chunk, int next) {
    const Place place = PlaceOf(chunk);
    for (int i = 0; i < heads_; ++i) LoadQueries(place, i);
    const int end = EndOf(place);
    for (int first = FirstOf(place); first < end; first += kKeys) {
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

 private:
  static int Padded(const AttentionShape& s) { return (s.dim + kLanes - 1) / kLanes * kLanes; }
  size_t QuerySize() const { return size_t(kFewRows) * padded_; }

  // first < 0: where the chunk's segment begins.
  Step StepAt(const Place& place, int i, int first, int n) const {
    const ggml_tensor *k = op_->src[1], *v = op_->src[2];
    if (first < 0) first = FirstOf(place);
    return {first,
            n,
            KeysOf(k, place.head + i, place.batch) + first * k->nb[1],
            KeysOf(v, place.head + i, place.batch) + first * v->nb[1],
            nullptr,
            nullptr};
  }

  // The queries of a chunk's head, and what becomes of them.
  void LoadQueries(const Place& place, int i) {
    const float* rows[kFewRows];
    QueriesOf(place.head + i, place.batch, rows);
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
    Clear(place, i);
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
    const Masks masks = MasksOf(place, step.first, step.n);
    if (masks.kind == Mask::kAll) return;
    const auto mask_of = [&](int r) { return MaskOfRow(masks, r); };
    std::fill_n(scores_, kFewRows * kKeys, 0.0f);
    for (int c = 0; c < step.n; c += kLanes) Scores(q_ + i * QuerySize(), step, c);
    float shrink[kFewRows];
    std::fill_n(shrink, kFewRows, 1.0f);
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
#if defined(LLAVAOV_WIDE)
    if (wide_values_) {
      wide_values_(scores_, step.values, step.next_values, v->nb[1], step.n, shrink, width(), out);
      return;
    }
#endif
    for (int c = 0; c < step.n; c += kLanes) Ask(v, step.next_values, c, s_.dim_v);
    ReadRows(v, step.values, step.n, s_.dim_v, s_.padded_v, v_);
    Strays strays;
    if (with_strays) strays.Take(v, step.values, step.n, s_.padded_v, v_);
    for (int r = 0; r < rows_; r += kValueRows) {
      Values<kKeys>(scores_ + r * kKeys, v_, step.n, shrink + r, s_.padded_v, width(),
                    out + r * width());
    }
    for (int r = 0; with_strays && r < rows_; ++r) {
      const float* shares = scores_ + r * kKeys;
      float* row = out + r * width();
      strays.Add(
          mask_of(r), [&](int key) { return shares[key]; }, [&](int at) { return row + at; });
    }
  }

  int padded_;
  float *q_, *k_, *v_, *scores_;
#if defined(LLAVAOV_WIDE)
  using Wide = WideLoops<kKeys>;
  Wide::Scores wide_scores_ = nullptr;
  Wide::Values wide_values_ = nullptr;
#endif
};

// In a work buffer: partial results, then what each thread needs, and needs again for strays.
template <class Rows>
struct FewKernel {
  static Kernel Entry() { return {Work, Run}; }

  static size_t Work(int threads, const ggml_tensor* op) {
    return Align(Partials(op, Rows::SegmentOf(op)).Size()) + threads * ThreadSize(op) + 128;
  }

  static void Run(const ggml_compute_params* params, ggml_tensor* op) {
    [[maybe_unused]] const typename Rows::Setup setup;
    float* partials = reinterpret_cast<float*>(AlignUp(params->wdata));
    char* scratch = AlignUp(params->wdata) + Align(Partials(op, Rows::SegmentOf(op)).Size()) +
                    params->ith * ThreadSize(op);
    Rows few(op, partials, scratch, params->nth);
    if (params->ith == 0) ggml_threadpool_chunk_set(params->threadpool, params->nth);
    ggml_barrier(params->threadpool);
    for (int chunk = params->ith, next; chunk < few.chunks(); chunk = next) {
      next = ggml_threadpool_chunk_add(params->threadpool, 1);
      few.Chunk(chunk, next);
      if (!few.IsSound(chunk)) {
        Again(op, partials, scratch + Align(Rows::ScratchSize(op)), params->nth, chunk);
      }
    }
    ggml_barrier(params->threadpool);
    for (int i = params->ith; i < few.merges(); i += params->nth) few.Merge(i, op);
  }

 private:
  static size_t ThreadSize(const ggml_tensor* op) {
    return Align(Rows::ScratchSize(op)) + Align(Few<true>::ScratchSize(op));
  }
  // An object of its own: the other's members stay in registers, as none but its loops know it.
  static LLAVAOV_NOINLINE void Again(const ggml_tensor* op, float* partials, char* scratch,
                                     int threads, int chunk) {
    Few<true>(op, partials, scratch, threads, Rows::SegmentOf(op)).Chunk(chunk, chunk);
  }
};

}  // namespace

Kernel FewQueries(const ggml_tensor* op) {
  const int64_t rows = op->src[0]->ne[1] * (op->src[0]->ne[2] / op->src[1]->ne[2]);
  if (rows > kFewRows) return {};
#if defined(LLAVAOV_TILES)
  if (FewOnTiles<64>::Takes(op)) return FewKernel<FewOnTiles<64>>::Entry();
  if (FewOnTiles<128>::Takes(op)) return FewKernel<FewOnTiles<128>>::Entry();
#endif
  return FewKernel<Few<false>>::Entry();
}

#else

Kernel FewQueries(const ggml_tensor*) { return {}; }

#endif

}  // namespace llavaov::kernels
