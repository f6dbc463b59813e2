#include "vision/patchify.h"

#include <algorithm>

namespace llavaov {

Patchify::Patchify(const SiglipShape& shape)
    : image_size_(shape.image_size), patch_size_(shape.patch_size), side_(shape.side()) {
  for (int channel = 0; channel < 3; ++channel) {
    for (int byte = 0; byte < 256; ++byte) {
      // Rounded to f32 where the reference's preprocessing does.
      const float scaled = float(byte * (1.0 / 255.0));
      normalized_[channel][byte] = (scaled - shape.mean[channel]) / shape.std[channel];
    }
  }
}

void Patchify::Run(const uint8_t* tile, float* out, int64_t stride) const {
  const int64_t row_bytes = image_size_ * 3, plane = patch_size_ * patch_size_;
  for (int64_t patch = 0; patch < side_ * side_; ++patch, out += stride) {
    const uint8_t* corner =
        tile + patch / side_ * patch_size_ * row_bytes + patch % side_ * patch_size_ * 3;
    for (int64_t y = 0; y < patch_size_; ++y) {
      const uint8_t* pixel = corner + y * row_bytes;
      for (int64_t x = 0; x < patch_size_; ++x, pixel += 3) {
        float* value = out + y * patch_size_ + x;
        for (int channel = 0; channel < 3; ++channel) {
          value[channel * plane] = normalized_[channel][pixel[channel]];
        }
      }
    }
    std::fill(out + plane * 3, out + stride, 0.0f);
  }
}

}  // namespace llavaov
