// One forward pass of the tower and the projector for a number of tiles, as a ggml graph.
#pragma once

#include <ggml-cpp.h>

#include "kernels/finish.h"
#include "vision/siglip-weights.h"

namespace llavaov {

struct SiglipGraphOptions {
  int64_t n_tiles;
  // Our fused elementwise steps, which only a CPU backend can run.
  bool has_cpu_ops;
  bool has_flash_attention;
};

class SiglipGraph {
 public:
  // `shape` and `weights` outlive the graph.
  SiglipGraph(const SiglipShape& shape, const SiglipWeights& weights,
              const SiglipGraphOptions& options);

  int64_t n_tiles() const { return options_.n_tiles; }
  ggml_cgraph* graph() const { return graph_; }
  // Input [widths().patch_values, n_patches, n_tiles].
  ggml_tensor* patches() const { return patches_; }
  // Output [n_projection, n_patches, n_tiles].
  ggml_tensor* rows() const { return rows_; }

 private:
  ggml_tensor* Linear(const SiglipLinear& linear, ggml_tensor* x);
  ggml_tensor* LinearGelu(const SiglipLinear& linear, ggml_tensor* x);
  ggml_tensor* Product(ggml_tensor* weight, ggml_tensor* x);
  ggml_tensor* Norm(const SiglipLinear& norm, ggml_tensor* x);
  ggml_tensor* AddLinear(const SiglipLinear& linear, ggml_tensor* x, ggml_tensor* residual);
  bool Ends(ggml_tensor* product, kernels::Finish finish, ggml_tensor* bias,
            ggml_tensor* residual = nullptr);
  ggml_tensor* Block(const SiglipBlock& block, ggml_tensor* x);
  ggml_tensor* Attention(ggml_tensor* qkv);
  ggml_tensor* SoftmaxAttention(ggml_tensor* q, ggml_tensor* k, ggml_tensor* v, float scale);

  const SiglipShape& shape_;
  const SiglipWeights& weights_;
  SiglipGraphOptions options_;
  ggml_context_ptr context_;
  ggml_context* c_;
  ggml_cgraph* graph_;
  ggml_tensor *patches_, *rows_;
};

}  // namespace llavaov
