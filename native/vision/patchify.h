// Pixels of a tile to rows of the patch embedding's product, in f32: ggml's own im2col would round
// the pixels to f16 on the way.
#pragma once

#include <array>
#include <cstdint>

#include "vision/siglip-weights.h"

namespace llavaov {

class Patchify {
 public:
  explicit Patchify(const SiglipShape& shape);

  // One RGB tile [image_size, image_size, 3] to `out` [n_patches, stride], each row a patch
  // [3, patch_size, patch_size] and zeros. Pixels right of and below the last whole patch are left
  // out.
  void Run(const uint8_t* tile, float* out, int64_t stride) const;

 private:
  int64_t image_size_, patch_size_, side_;
  std::array<std::array<float, 256>, 3> normalized_;  // by channel and byte
};

}  // namespace llavaov
