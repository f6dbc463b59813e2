// The decoder's weights and vocabulary.
#pragma once

#include <llama-cpp.h>

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "cancel.h"
#include "llama/devices.h"
#include "llama/kernel-use.h"
#include "llama/rpc-servers.h"
#include "llama/token-texts.h"
#include "mapped-files.h"

namespace llavaov {

struct ModelOptions {
  std::string path;                // for messages
  std::vector<std::string> files;  // what is opened: all parts of a split model, in order
  int gpu_layers;
  bool mmap;
  bool mlock;
  bool vocab_only;
  // LoRA files that src/gguf/lora-file.ts has accepted for this decoder: others may abort.
  std::vector<std::string> adapters;       // for messages
  std::vector<std::string> adapter_files;  // what is opened
  Devices gpus;                            // none: the CPU alone
  std::vector<float> tensor_split;         // a share for each of them; empty: by their free memory
  bool own_kernels;                        // on a CPU: ours, or else ggml's alone
};

// Told the share that is loaded, from 0 to 1; may be empty.
using OnProgress = std::function<void(double)>;

class LoadedModel {
 public:
  // Throws ERR_MODEL_LOAD, ERR_OUT_OF_MEMORY and ERR_CANCELLED. `cancel` may be null.
  LoadedModel(const ModelOptions& options, const CancelFlag* cancel, const OnProgress& on_progress);

  llama_model* get() const { return model_.get(); }
  // Throws ERR_MODEL_LOAD when a mapped file was cut short: what was computed since is of zeros.
  void CheckWhole() const;
  // In the order of the options; they live and end with the model.
  const std::vector<llama_adapter_lora*>& adapters() const { return adapters_; }
  const std::string& path() const { return options_.path; }
  // Where the model's layers are, as far as they are on GPUs.
  const Devices& gpus() const { return options_.gpus; }
  bool vocab_only() const { return options_.vocab_only; }
  int n_vocab() const { return llama_vocab_n_tokens(vocab_); }
  int n_embd() const { return llama_model_n_embd(model_.get()); }
  int n_layer() const { return llama_model_n_layer(model_.get()); }
  int n_ctx_train() const { return llama_model_n_ctx_train(model_.get()); }
  uint64_t size() const { return llama_model_size(model_.get()); }  // bytes
  std::string description() const;
  // Why the system does not keep the weights in memory as `mlock` asks; empty when it does.
  std::string lock_refusal() const { return lock_refusal_; }

  std::vector<int32_t> Tokenize(const std::string& text) const;
  // -1 when there is none.
  int SpecialToken(const std::string& text) const;
  std::string TokenBytes(int token, bool special) const;
  // Made at the first call.
  std::shared_ptr<const TokenTexts> texts() const;

 private:
  void IndexSpecialTokens();
  void LoadAdapters(const CancelFlag* cancel);

  ModelOptions options_;
  const KernelUse kernels_;
  const RpcUse rpc_use_;
  const MappedFiles mapped_;
  llama_model_ptr model_;
  std::string lock_refusal_;
  std::vector<llama_adapter_lora*> adapters_;
  const llama_vocab* vocab_ = nullptr;
  std::unordered_map<std::string, int> special_;
  mutable std::once_flag texts_once_;
  mutable std::shared_ptr<const TokenTexts> texts_;
};

}  // namespace llavaov
