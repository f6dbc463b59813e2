// Attention of up to eight rows on AMX's tiles: a chunk's heads, one after another.
#pragma once

#include "attention-partials.h"
#include "attention-segments.h"

#if defined(LLAVAOV_TILES)

namespace llavaov::kernels {

template <int kWidth>
class FewOnTiles : public Partials {
 public:
  using Setup = WholeTiles;

  static bool Takes(const ggml_tensor* op) {
    const ggml_tensor *k = op->src[1], *v = op->src[2];
    return HasTiles() && k->type == GGML_TYPE_F16 && v->type == GGML_TYPE_F16 &&
           k->ne[0] == kWidth && v->ne[0] == kWidth && k->ne[1] >= kLeast;
  }
  // Two segments of keys and values should fit in the second cache; short caches are divided among
  // more threads.
  static int SegmentOf(const ggml_tensor* op) {
    const int64_t keys = op->src[1]->ne[1], row_bytes = op->src[1]->ne[2] * kWidth * 2;
    return row_bytes > 512 ? 128 : row_bytes > 256 || keys < 4 * kMost ? 256 : kMost;
  }
  static size_t ScratchSize(const ggml_tensor* op) { return Tiles::Size(Heads(op)); }

  FewOnTiles(const ggml_tensor* op, float* partials, char* scratch, int threads)
      : Partials(op, SegmentOf(op)), tiles_(Heads(op), scratch) {
    Begin(partials, threads);
    for (int i = 0; i < Heads(op); ++i) {
      const float* rows[kFewRows];
      QueriesOf(i % s_.kv_heads, i / s_.kv_heads, rows);
      tiles_.LoadQueries(i, rows, s_.scale);
    }
  }

  void Chunk(int chunk, int next) {
    const Place place = PlaceOf(chunk);
    const ggml_tensor *k = op_->src[1], *v = op_->src[2];
    const int n = EndOf(place) - FirstOf(place);
    const Masks masks = MasksOf(place, FirstOf(place), n);
    if (masks.kind == Mask::kAll) {
      for (int i = 0; i < heads_; ++i) Clear(place, i);
      return;
    }
    tiles_.Begin(RowsOf(k, place, 0), n, AheadOf(k, next), AheadOf(v, next));
    for (int i = 0; i < heads_; ++i) {
      tiles_.Scores(place.batch * s_.kv_heads + place.head + i, RowsOf(k, place, i),
                    RowsOf(v, place, i), n);
      for (int r = 0; r < rows_; ++r) {
        if (const uint16_t* mask = MaskOfRow(masks, r)) tiles_.Mask(r, n, mask);
        const Partial partial = At(place, i, r);
        tiles_.Shares(r, n, &partial.top(), &partial.sum());
      }
      const HeadRows next_head = i + 1 < heads_ ? RowsOf(k, place, i + 1) : HeadRows();
      tiles_.Values(RowsOf(v, place, i), next_head, n, rows_, width(), At(place, i, 0).values());
    }
  }

 private:
  static constexpr int kMost = 512;
  static constexpr int kLeast = 512;  // for fewer keys vectors are as fast
  using Tiles = SegmentTiles<kWidth, kMost>;

  static int Heads(const ggml_tensor* op) { return int(op->src[1]->ne[2] * op->src[1]->ne[3]); }

  HeadRows RowsOf(const ggml_tensor* x, const Place& place, int i) const {
    const char* rows = KeysOf(x, place.head + i, place.batch);
    return {rows + FirstOf(place) * x->nb[1], size_t(x->nb[1])};
  }
  Ahead AheadOf(const ggml_tensor* x, int next) const {
    if (next >= chunks()) return {};
    const Place place = PlaceOf(next);
    return Ahead(RowsOf(x, place, 0), EndOf(place) - FirstOf(place), heads_ * kWidth * 2);
  }

  Tiles tiles_;
};

}  // namespace llavaov::kernels

#endif
