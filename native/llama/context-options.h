// What a context is made with: whether this model and this machine can have it, and what it takes.
#pragma once

#include <llama.h>

#include <cstdint>
#include <vector>

#include "llama/model.h"

namespace llavaov {

struct ContextOptions {
  int n_ctx;
  int n_batch;
  int n_ubatch;
  int n_seq_max;
  int n_outputs;  // positions per step whose logits are asked for
  ggml_type type_k;
  ggml_type type_v;
  llama_flash_attn_type flash_attention;
  std::vector<float> adapter_scales;  // one for each adapter of the model; 0 is without it
};

// Throws ERR_INVALID_ARGUMENT for options that would abort the process, ERR_OUT_OF_MEMORY.
void CheckContextOptions(const ContextOptions& options, const LoadedModel& model);

int64_t CacheBytes(const ContextOptions& options, const LoadedModel& model);

}  // namespace llavaov
