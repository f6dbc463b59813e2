// Pillow's bicubic resize of RGB bytes, bit for bit: the model was trained on its pixels, and
// sharp's kernels differ by up to half a pixel when they enlarge.
#pragma once

#include <cstdint>

#include "cancel.h"

namespace llavaov {

struct ImageSize {
  int64_t width;
  int64_t height;
};

struct Resizing {
  const CancelFlag* cancel = nullptr;  // looked at for each row; may be null
  uint8_t fill = 0;                    // every channel of the canvas around a squared picture
};

// `rgb` [in.height, in.width, 3] to `out` [size.height, size.width, 3]; sizes are positive.
// Throws ERR_CANCELLED.
void ResizeBicubic(const uint8_t* rgb, ImageSize in, uint8_t* out, ImageSize size,
                   const Resizing& how);

// The picture in the middle of a square as large as its longer side, resized to `out`
// [side, side, 3]; costs what the picture costs, not the square.
void ResizeSquared(const uint8_t* rgb, ImageSize in, uint8_t* out, int64_t side,
                   const Resizing& how);

}  // namespace llavaov
