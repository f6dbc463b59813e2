// What both kernels of attention share: sizes of a node, reading keys and values of any type as
// floats, and the running softmax. A row is one query of one head; rows whose heads share a head of
// keys lie together, query by query.
#pragma once

#include "functions.h"
#include "simd.h"

#if defined(LLAVAOV_KERNELS)

#include <ggml.h>

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "product-loops.h"

#define GGML_COMMON_DECL_C
#include <ggml-common.h>

namespace llavaov::kernels {

constexpr int kTileKeys = 96, kTileRows = 8;
constexpr float kLowest = -1e30f;  // of a row that has seen no key

struct AttentionShape {
  int dim, dim_v, queries, keys, heads, kv_heads, batches, group;
  int padded_v;  // values in scratch fill whole vectors
  float scale;   // of scores, in base 2
  bool is_masked;

  explicit AttentionShape(const ggml_tensor* op) {
    const ggml_tensor *q = op->src[0], *k = op->src[1], *v = op->src[2];
    dim = int(q->ne[0]);
    dim_v = int(v->ne[0]);
    queries = int(q->ne[1]);
    keys = int(k->ne[1]);
    heads = int(q->ne[2]);
    kv_heads = int(k->ne[2]);
    batches = int(q->ne[3]);
    group = heads / kv_heads;
    padded_v = (dim_v + kLanes - 1) / kLanes * kLanes;
    is_masked = op->src[3] != nullptr;
    std::memcpy(&scale, op->op_params, sizeof scale);
    scale *= kLog2e;
  }
};

// Part after part of a work buffer; without one it only counts.
class Room {
 public:
  explicit Room(char* base) : base_(reinterpret_cast<uintptr_t>(base)) {}
  float* Take(size_t floats) { return static_cast<float*>(Bytes(floats * sizeof(float))); }
  int32_t* TakeIntegers(size_t n) { return static_cast<int32_t*>(Bytes(n * sizeof(int32_t))); }
  char* TakeBytes(size_t n) { return static_cast<char*>(Bytes(n)); }
  size_t size() const { return size_; }

 private:
  void* Bytes(size_t n) {
    const uintptr_t at = base_ + size_;
    size_ += Align(n);
    return reinterpret_cast<void*>(at);
  }
  uintptr_t base_;
  size_t size_ = 0;
};

inline const char* KeysOf(const ggml_tensor* x, int head, int batch) {
  return static_cast<const char*>(x->data) + head * x->nb[2] + batch * x->nb[3];
}

inline const float* QueryOf(const ggml_tensor* q, int query, int head, int batch) {
  return reinterpret_cast<const float*>(static_cast<const char*>(q->data) + query * q->nb[1] +
                                        head * q->nb[2] + batch * q->nb[3]);
}

inline float* ResultOf(ggml_tensor* op, const AttentionShape& s, int query, int head, int batch) {
  return static_cast<float*>(op->data) +
         ((size_t(batch) * s.queries + query) * s.heads + head) * s.dim_v;
}

// Values [i, i + 8) of a row, of which the first `n` exist.
inline F8 EightOf(const char* row, ggml_type type, int i, int n) {
  if (type == GGML_TYPE_Q8_0) {  // rows of whole blocks of 32
    const auto& block = reinterpret_cast<const block_q8_0*>(row)[i / 32];
    return ScaledBytes8(block.qs + i % 32, Half(block.d));
  }
  const int size = type == GGML_TYPE_F32 ? 4 : 2;
  const char* from = row + i * size;
  char copy[32];
  if (n < 8) {
    std::memset(copy, 0, sizeof copy);
    std::memcpy(copy, from, std::max(n, 0) * size);
    from = copy;
  }
  return size == 4 ? Floats8(reinterpret_cast<const float*>(from)) : Halves8(from);
}

// `n` rows of `dim` values to floats, `padded` apart, with zeros between.
template <ggml_type type>
inline void ReadRows(const char* rows, size_t stride, int n, int dim, int padded, float* out) {
  for (int j = 0; j < n; ++j, rows += stride, out += padded) {
    int i = 0;
    for (; i + kLanes <= dim; i += kLanes) {
      if constexpr (type == GGML_TYPE_F32) {
        Store(out + i, Load(reinterpret_cast<const float*>(rows) + i));
      } else if constexpr (type == GGML_TYPE_F16) {
        Store(out + i, LoadHalves(reinterpret_cast<const uint16_t*>(rows) + i));
      } else {
        for (int k = i; k < i + kLanes; k += 8) StoreFloats8(out + k, EightOf(rows, type, k, 8));
      }
    }
    for (; i < padded; i += 8) {
      StoreFloats8(out + i, i < dim ? EightOf(rows, type, i, dim - i) : Zeros8());
    }
  }
}

// Work with the type of keys or values as a constant.
template <class Work>
inline auto OfType(ggml_type type, Work work) {
  switch (type) {
    case GGML_TYPE_F32:
      return work(std::integral_constant<ggml_type, GGML_TYPE_F32>());
    case GGML_TYPE_F16:
      return work(std::integral_constant<ggml_type, GGML_TYPE_F16>());
    default:
      return work(std::integral_constant<ggml_type, GGML_TYPE_Q8_0>());
  }
}

inline void ReadRows(const ggml_tensor* x, const char* rows, int n, int dim, int padded,
                     float* out) {
  OfType(x->type, [&](auto type) { ReadRows<type>(rows, x->nb[1], n, dim, padded, out); });
}

constexpr uint16_t kHidden = 0xfc00;  // a mask's -infinity

// Whether a row whose mask this is, or null, looks at a key of a tile.
inline bool Sees(const uint16_t* mask, int key) { return !mask || mask[key] != kHidden; }

// One row of scores (n of them, in whole vectors; those that are masked -inf) to shares of the
// running top. Gives what earlier sums shrink by.
template <int kVectors>
inline float Softmax(float* scores, float* top, float* sum) {
  F most = Load(scores);
  LLAVAOV_UNROLL
  for (int i = 1; i < kVectors; ++i) most = Max(most, Load(scores + i * kLanes));
  const float before = *top, now = std::max(before, MaxOf(most));
  const F t = Set(now);
  F total = Zero();
  LLAVAOV_UNROLL
  for (int i = 0; i < kVectors; ++i) {
    const F share = Exp2(Sub(Load(scores + i * kLanes), t));
    Store(scores + i * kLanes, share);
    total = Add(total, share);
  }
  float shrink = 1.0f;
  if (now != before) {
    float lanes[kLanes];
    Store(lanes, Exp2(Set(before - now)));
    shrink = lanes[0];
  }
  *top = now;
  *sum = *sum * shrink + SumOf(total);
  return shrink;
}

// scores[0, n) += mask * factor; -infinity where the mask is, even if the score is NaN.
inline void AddMask(const uint16_t* mask, int n, float factor, float* scores) {
  const F base = Set(factor);
  int i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    Store(scores + i, AddMask(LoadHalves(mask + i), base, Load(scores + i)));
  }
  for (; i < n; ++i) {
    scores[i] = mask[i] == kHidden ? -INFINITY : Half(mask[i]) * factor + scores[i];
  }
}

enum class Mask { kNone, kAll, kSome };

// Whether keys [first, first + n) are masked for some of the queries, all, or none.
inline Mask MaskOf(const char* mask, size_t stride, int queries, int n) {
  bool any = false, all = true;
  for (int q = 0; q < queries; ++q) {
    const uint16_t* row = reinterpret_cast<const uint16_t*>(mask + q * stride);
    int i = 0;
    I8 seen = Words8(0), kept = seen;
    const I8 infinite = Words8(kHidden);
    for (; i + 16 <= n; i += 16) {
      const I8 x = Load256(row + i);
      seen = Or8(seen, x);
      kept = Or8(kept, Xor8(x, infinite));
    }
    any |= !IsZero8(seen);
    all &= IsZero8(kept);
    for (; i < n; ++i) {
      any |= row[i] != 0;
      all &= row[i] == kHidden;
    }
    if (any && !all) return Mask::kSome;
  }
  return any ? Mask::kAll : Mask::kNone;
}

// What a unit's rows look at.
struct UnitKeys {
  const ggml_tensor *k, *v, *mask;  // no mask: null
  const char *keys, *values, *masks;
  int group;

  UnitKeys(const ggml_tensor* op, const AttentionShape& s, int batch, int kv_head, int first_query)
      : k(op->src[1]),
        v(op->src[2]),
        mask(op->src[3]),
        keys(KeysOf(k, kv_head, batch)),
        values(KeysOf(v, kv_head, batch)),
        masks(mask ? static_cast<const char*>(mask->data) + first_query * mask->nb[1] +
                         batch % mask->ne[3] * mask->nb[3]
                   : nullptr),
        group(s.group) {}

  const char* KeyAt(int key) const { return keys + key * k->nb[1]; }
  const char* ValueAt(int key) const { return values + key * v->nb[1]; }
  const uint16_t* MaskAt(int row, int key) const {
    return reinterpret_cast<const uint16_t*>(masks + row / group * mask->nb[1]) + key;
  }
  Mask KindOf(int row, int end, int key, int n) const {
    if (!mask) return Mask::kNone;
    const char* from = reinterpret_cast<const char*>(MaskAt(row, key));
    return MaskOf(from, mask->nb[1], (end - 1) / group - row / group + 1, n);
  }
};

// The rows of a unit by tile after tile of its keys, kTileRows at a time.
template <class Tiles>
void PassTiles(const UnitKeys& keys, int count, int rows, Tiles& tiles) {
  for (int first = 0; first < count; first += kTileKeys) {
    const int n = std::min(kTileKeys, count - first);
    const Mask kind = keys.KindOf(0, rows, first, n);
    if (kind == Mask::kAll) continue;
    tiles.LoadKeys(keys.k, keys.KeyAt(first), keys.v, keys.ValueAt(first), n);
    const auto mask_of = [&](int row) {
      return kind == Mask::kSome && row < rows ? keys.MaskAt(row, first) : nullptr;
    };
    for (int row = 0; row < rows; row += kTileRows) tiles.Rows(row, n, mask_of);
  }
}

}  // namespace llavaov::kernels

#endif
