// Pillow's bicubic resize of RGB bytes, bit for bit: the model was trained on its pixels, and
// sharp's kernels differ by up to half a pixel when they enlarge.
#pragma once

#include <cstdint>

namespace llavaov {

struct ImageSize {
  int64_t width;
  int64_t height;
};

// `rgb` [in.height, in.width, 3] to `out` [size.height, size.width, 3]; sizes are positive.
void ResizeBicubic(const uint8_t* rgb, ImageSize in, uint8_t* out, ImageSize size);

}  // namespace llavaov
