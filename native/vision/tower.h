// A loaded vision tower: RGB tiles in, visual rows out. Knows nothing of grids, crops or newlines.
#pragma once

#include <ggml-cpp.h>

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "gguf/gguf-tensors.h"
#include "vision/patchify.h"
#include "vision/siglip-graph.h"
#include "vision/siglip-weights.h"
#include "llama/kernel-use.h"
#include "llama/thread-pool.h"

namespace llavaov {

class Tower {
 public:
  // Throws ERR_MODEL_LOAD, ERR_OUT_OF_MEMORY or ERR_CANCELLED.
  // `device` is null for the CPU, `cancel` where nothing cancels.
  Tower(const SiglipShape& shape, const GgufPath& where, ggml_backend_dev_t device,
        std::shared_ptr<Workers> workers, bool own_kernels, const CancelFlag* cancel);

  const SiglipShape& shape() const { return shape_; }
  const Workers& workers() const { return *workers_; }
  int64_t n_patches() const { return shape_.n_patches(); }
  static constexpr int64_t kGpuTilesPerCall = 4;
  int64_t tiles_per_call() const { return is_cpu_ ? 1 : kGpuTilesPerCall; }
  const char* backend() const { return ggml_backend_name(backend_.get()); }
  // Bytes of weights and of the compute buffer.
  size_t size() const;
  // [n_projection], or empty.
  const std::vector<float>& newline() const { return newline_; }

  // `tiles` [n, image_size, image_size, 3] to `out` [n, n_patches, n_projection]. Stops within one
  // operation of the graph on a CPU, within tiles_per_call() tiles elsewhere. Throws ERR_CANCELLED,
  // ERR_ENCODE or ERR_OUT_OF_MEMORY.
  void Encode(const uint8_t* tiles, int64_t n, float* out, const CancelFlag* cancel);

 private:
  void Prepare(int64_t n_tiles);
  bool SupportsFlashAttention(const SiglipGraph& graph) const;
  void SetPatches(const uint8_t* tiles);
  void Compute(const CancelFlag* cancel);
  ggml_status ComputeHere(const CancelFlag* cancel);

  const SiglipShape shape_;
  const KernelUse kernels_;
  const Patchify patchify_;
  const std::shared_ptr<Workers> workers_;
  ggml_backend_ptr backend_;
  bool is_cpu_;
  std::unique_ptr<SiglipWeights> weights_;
  std::vector<float> newline_;
  bool has_flash_attention_ = true;
  ggml_gallocr_ptr allocator_;
  std::unique_ptr<SiglipGraph> graph_;  // for the last count of tiles
  std::unique_ptr<uint8_t[]> work_;     // of the CPU's threads
  size_t work_size_ = 0;
  std::vector<float> staging_;  // patches on their way to a GPU
  std::mutex mutex_;
  bool is_broken_ = false;
};

}  // namespace llavaov
