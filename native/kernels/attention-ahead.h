// Rows of keys or values of one head, and what asks memory for them while others are computed.
#pragma once

#include "tiles.h"

#if defined(LLAVAOV_TILES)

namespace llavaov::kernels {

// Keys or values of one head.
struct HeadRows {
  const char* at = nullptr;
  size_t stride = 0;
};

// Rows to ask for, eight at a time, each in a place of its own.
class Ahead {
 public:
  Ahead() = default;
  Ahead(const HeadRows& rows, int n, size_t bytes)
      : at_(rows.at),
        to_place_(n / kPlaces * rows.stride),
        left_(n / kPlaces * int(bytes / kBytes)),
        row_(bytes == rows.stride ? left_ : int(bytes / kBytes)),
        left_of_row_(row_),
        to_row_(rows.stride - bytes) {}

  inline void Ask() {
    if (left_ == 0) return;
    --left_;
    LLAVAOV_UNROLL
    for (int i = 0; i < kPlaces; ++i) {
      AskForLater(at_ + i * to_place_);
      AskForLater(at_ + i * to_place_ + 64);
    }
    at_ += kBytes;
    if (--left_of_row_ == 0) at_ += to_row_, left_of_row_ = row_;
  }
  static constexpr int kPlaces = 8, kBytes = 128;

 private:
  const char* at_ = nullptr;
  size_t to_place_ = 0;
  int left_ = 0, row_ = 0, left_of_row_ = 0;
  size_t to_row_ = 0;
};

}  // namespace llavaov::kernels

#endif
