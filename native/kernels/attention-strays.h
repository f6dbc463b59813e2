// Values that the product of a tile must not meet: what is not finite, or whose square is not.
// Zero times NaN is NaN, so they would show in rows that do not look at them, other chats' of a
// shared cache. They are zeros in the tile, and added one by one to the rows that look.
#pragma once

#include "attention-shape.h"

#if defined(LLAVAOV_KERNELS)

namespace llavaov::kernels {

// Of sums of squares: false where one is not.
inline bool IsFinite(F sums) { return SumOf(sums) < INFINITY; }

class Strays {
 public:
  static constexpr int kMostKeys = 96;

  bool any() const { return any_; }
  void Clear() { any_ = false; }

  // Of the values of a tile's `n` keys.
  void Find(const ggml_tensor* v, const char* values, int n) {
    v_ = v;
    values_ = values;
    std::fill_n(bits_, kMostKeys / 32, 0u);
    for (int key = 0; key < n; ++key) {
      F8 squares = Zeros8();
      Each(key, [&](int, F8 x) { squares = AddSquares8(x, squares); });
      if (!(Sum8(squares) < kMost)) bits_[key / 32] |= 1u << key % 32;
    }
    any_ = true;
  }

  // Those of keys [32 i, 32 i + 32), one a bit.
  uint32_t Bits(int i) const { return any_ ? bits_[i] : 0; }

  // work(key) of each.
  template <class Work>
  void ForEach(Work work) const {
    for (int i = 0; any_ && i < kMostKeys / 32; ++i) {
      for (int bit = 0; bit < 32; ++bit) {
        if (bits_[i] >> bit & 1) work(i * 32 + bit);
      }
    }
  }

  // Finds those of a tile that was read to floats, and leaves them out of it.
  LLAVAOV_NOINLINE void Take(const ggml_tensor* v, const char* values, int n, int padded,
                             float* tile) {
    F squares = Zero();
    for (size_t i = 0; i < size_t(n) * padded; i += kLanes) {
      squares = MulAdd(Load(tile + i), Load(tile + i), squares);
    }
    Clear();
    if (IsFinite(squares)) return;
    Find(v, values, n);
    ForEach([&](int key) { std::fill_n(tile + size_t(key) * padded, padded, 0.0f); });
  }

  // Adds share(key) of each to a row that looks at it, of which to(i) holds 8 values from i on.
  template <class Share, class To>
  void Add(const uint16_t* mask, Share share, To to) const {
    ForEach([&](int key) {
      if (!Sees(mask, key)) return;
      const float part = share(key);
      Each(key, [&](int i, F8 x) { StoreFloats8(to(i), MulAdd8(x, part, Floats8(to(i)))); });
    });
  }

 private:
  // Of one key; all others' sum over a tile is finite.
  static constexpr float kMost = 1e36f;

  template <class Work>
  void Each(int key, Work work) const {
    const int dim = int(v_->ne[0]);
    const char* row = values_ + key * v_->nb[1];
    for (int i = 0; i < dim; i += 8) work(i, EightOf(row, v_->type, i, dim - i));
  }

  bool any_ = false;
  uint32_t bits_[kMostKeys / 32];
  const ggml_tensor* v_ = nullptr;
  const char* values_ = nullptr;
};

}  // namespace llavaov::kernels

#endif
