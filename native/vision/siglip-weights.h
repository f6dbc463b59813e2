// The SigLIP tower's and the projector's weights on a backend, laid out for speed: q, k and v in
// one matrix, heads and the FFN zero-padded to widths the kernels like (exact: what meets the zeros
// is zero). The layout is this machine's; the file stays clip.cpp's.
#pragma once

#include <ggml-cpp.h>

#include <vector>

#include "cancel.h"
#include "gguf/gguf-tensors.h"

namespace llavaov {

// What the file says.
struct SiglipShape {
  int64_t image_size, patch_size;
  int64_t n_embd, n_ffn, n_head, n_layer, n_projection;
  float layer_norm_epsilon;
  float mean[3], std[3];

  int64_t side() const { return image_size / patch_size; }
  int64_t n_patches() const { return side() * side(); }
  int64_t patch_values() const { return patch_size * patch_size * 3; }
  int64_t head_dim() const { return n_embd / n_head; }
};

// Widths as they run, padding included.
struct SiglipWidths {
  int64_t patch_values;
  int64_t head_qk, head_v;
  int64_t ffn;
};

// Matrices [in, out] in GGML order, vectors in f32.
struct SiglipLinear {
  ggml_tensor *weight, *bias;
};

struct SiglipBlock {
  SiglipLinear norm1, qkv, out, norm2, up, down;
};

class SiglipWeights {
 public:
  // Throws ERR_MODEL_LOAD, ERR_OUT_OF_MEMORY or ERR_CANCELLED.
  SiglipWeights(const SiglipShape& shape, const GgufTensors& file, ggml_backend_t backend,
                const CancelFlag* cancel);

  const SiglipWidths& widths() const { return widths_; }
  const std::vector<SiglipBlock>& blocks() const { return blocks_; }
  const SiglipLinear& patch() const { return patch_; }     // [widths().patch_values, n_embd]
  ggml_tensor* position() const { return position_; }      // [n_embd, n_patches]
  const SiglipLinear& projector1() const { return mm0_; }  // [n_embd, n_projection]
  const SiglipLinear& projector2() const { return mm2_; }  // [n_projection, n_projection]
  // Every block matrix is f32.
  bool is_f32() const { return is_f32_; }
  size_t bytes() const;

 private:
  std::vector<ggml_context_ptr> contexts_;
  std::vector<ggml_backend_buffer_ptr> buffers_;
  SiglipWidths widths_;
  SiglipLinear patch_, mm0_, mm2_;
  ggml_tensor* position_;
  std::vector<SiglipBlock> blocks_;
  bool is_f32_ = true;
};

}  // namespace llavaov
