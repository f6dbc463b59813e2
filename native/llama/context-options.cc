#include "llama/context-options.h"

#include <ggml-cpp.h>

#include <string>

namespace llavaov {
namespace {

int HeadSize(const LoadedModel& model) {
  const auto metadata = [&](const std::string& key) {
    char text[64] = "";
    llama_model_meta_val_str(model.get(), key.c_str(), text, sizeof text);
    return std::string(text);
  };
  const std::string size = metadata(metadata("general.architecture") + ".attention.key_length");
  return size.empty() ? model.n_embd() / llama_model_n_head(model.get()) : std::stoi(size);
}

void CheckOptions(const ContextOptions& options, const LoadedModel& model) {
  if (model.vocab_only()) throw Invalid("model", "The model was loaded without its weights");
  if (options.n_ubatch > options.n_batch) {
    throw Invalid("nUbatch", Format("Expected nUbatch of at most nBatch (%d) but received %d",
                                    options.n_batch, options.n_ubatch));
  }
  if (options.n_outputs < options.n_seq_max) {
    throw Invalid("nOutputs", Format("Expected nOutputs of at least nSeqMax (%d) but received %d",
                                     options.n_seq_max, options.n_outputs));
  }
  if (options.flash_attention == LLAMA_FLASH_ATTN_TYPE_DISABLED &&
      ggml_is_quantized(options.type_v)) {
    throw Invalid("kvTypeV", Format("kvTypeV %s needs flash attention; choose f16 or f32",
                                    ggml_type_name(options.type_v)));
  }
  if (options.adapter_scales.size() != model.adapters().size()) {
    throw Invalid("adapterScales", Format("Expected a scale for each of %zu adapters but received "
                                          "%zu",
                                          model.adapters().size(), options.adapter_scales.size()));
  }
  for (ggml_type type : {options.type_k, options.type_v}) {
    if (HeadSize(model) % ggml_blck_size(type) != 0) {
      throw Invalid("kvType",
                    Format("KV type %s needs heads of a multiple of %d values; this "
                           "model's have %d",
                           ggml_type_name(type), int(ggml_blck_size(type)), HeadSize(model)));
    }
  }
}

// llama.cpp v0.5.0 aborts over a cache tensor that its device cannot address (a Vulkan device takes
// a few gigabytes at once).
void CheckCacheTensors(const ContextOptions& options, const LoadedModel& model) {
  const int64_t width = int64_t(HeadSize(model)) * llama_model_n_head_kv(model.get());
  const ggml_context_ptr context(ggml_init({2 * ggml_tensor_overhead(), nullptr, true}));
  for (ggml_type type : {options.type_k, options.type_v}) {
    const ggml_tensor* cache =
        ggml_new_tensor_2d(context.get(), type, width, GGML_PAD(options.n_ctx, 256));
    for (auto* device : model.gpus()) {
      if (ggml_backend_dev_supports_op(device, cache)) continue;
      throw OutOfMemory(
          Format("A KV cache of %d positions takes %.0f MB per layer, more than %s allows in one "
                 "piece; lower contextSize or choose kvType q8_0",
                 options.n_ctx, double(ggml_nbytes(cache)) / 1e6, ggml_backend_dev_name(device)),
          model.gpus(), double(CacheBytes(options, model)));
    }
  }
}

}  // namespace

void CheckContextOptions(const ContextOptions& options, const LoadedModel& model) {
  CheckOptions(options, model);
  CheckCacheTensors(options, model);
}

int64_t CacheBytes(const ContextOptions& options, const LoadedModel& model) {
  const int64_t width = int64_t(HeadSize(model)) * llama_model_n_head_kv(model.get());
  return int64_t(options.n_ctx) * llama_model_n_layer(model.get()) *
         int64_t(ggml_row_size(options.type_k, width) + ggml_row_size(options.type_v, width));
}

}  // namespace llavaov
