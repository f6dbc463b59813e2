// Attention of a row or a few, divided: what a segment of keys leaves of each row, its top, sum and
// values, and how those of all segments become a row's result, in order. A chunk is a segment of
// all heads of keys or, where there were too few chunks for all threads, of one head.
#pragma once

#include "attention-strays.h"

#if defined(LLAVAOV_KERNELS)

namespace llavaov::kernels {

constexpr int kFewRows = 8;  // of a head of keys, at most

// One row of a segment: values, then top and sum.
struct Partial {
  float* at;
  int width;
  float* values() const { return at; }
  float& top() const { return at[width]; }
  float& sum() const { return at[width + 1]; }
};

class Partials {
 public:
  Partials(const ggml_tensor* op, int segment)
      : s_(op),
        op_(op),
        rows_(s_.queries * s_.group),
        segment_(segment),
        segments_((s_.keys + segment - 1) / segment) {}

  size_t Size() const {
    return size_t(segments_) * s_.kv_heads * s_.batches * kFewRows * width() * sizeof(float);
  }
  void Begin(float* partials, int threads) {
    partials_ = partials;
    heads_ = segments_ * s_.batches >= 2 * threads ? s_.kv_heads : 1;
  }

  int chunks() const { return segments_ * (s_.kv_heads / heads_) * s_.batches; }
  int merges() const { return rows_ * s_.kv_heads * s_.batches; }

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

 protected:
  // Of a chunk: its first head.
  struct Place {
    int batch, head, segment;
  };
  Place PlaceOf(int chunk) const {
    const int parts = s_.kv_heads / heads_, of_batch = chunk % (parts * segments_);
    return {chunk / (parts * segments_), of_batch % parts * heads_, of_batch / parts};
  }

  int FirstOf(const Place& place) const { return place.segment * segment_; }
  int EndOf(const Place& place) const { return std::min(s_.keys, FirstOf(place) + segment_); }

  // A row of values with top and sum behind it.
  int width() const { return s_.padded_v + kLanes; }
  Partial At(const Place& place, int i, int row) const {
    const size_t head = size_t(place.batch) * s_.kv_heads + place.head + i;
    return {partials_ + ((head * segments_ + place.segment) * kFewRows + row) * width(),
            s_.padded_v};
  }
  void Clear(const Place& place, int i) const {
    for (int row = 0; row < kFewRows; ++row) {
      const Partial partial = At(place, i, row);
      std::fill_n(partial.values(), s_.padded_v, 0.0f);
      partial.top() = kLowest;
      partial.sum() = 0.0f;
    }
  }

  // The queries of a head of keys.
  void QueriesOf(int head, int batch, const float* (&rows)[kFewRows]) const {
    for (int row = 0; row < kFewRows; ++row) {
      rows[row] = row < rows_ ? QueryOf(op_->src[0], row / s_.group,
                                        head * s_.group + row % s_.group, batch)
                              : nullptr;
    }
  }

  // What masks keys [first, first + n), if anything does, and how.
  struct Masks {
    Mask kind = Mask::kNone;
    const char* at = nullptr;
    size_t stride = 0;
  };
  Masks MasksOf(const Place& place, int first, int n) const {
    const ggml_tensor* mask = op_->src[3];
    if (!mask) return {};
    const char* at = static_cast<const char*>(mask->data) +
                     place.batch % mask->ne[3] * mask->nb[3] + first * sizeof(uint16_t);
    return {MaskOf(at, mask->nb[1], s_.queries, n), at, size_t(mask->nb[1])};
  }
  // A row's, where only some are masked; or null.
  const uint16_t* MaskOfRow(const Masks& masks, int row) const {
    if (masks.kind != Mask::kSome) return nullptr;
    return reinterpret_cast<const uint16_t*>(masks.at + row / s_.group * masks.stride);
  }

  const AttentionShape s_;
  const ggml_tensor* op_;
  int rows_, segment_, segments_;
  int heads_ = 1;  // of a chunk
  float* partials_ = nullptr;
};

}  // namespace llavaov::kernels

#endif
