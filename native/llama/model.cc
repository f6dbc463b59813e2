#include "llama/model.h"

#include <algorithm>

#include "kernels/table.h"
#include "large-pages.h"
#include "llama/log.h"

namespace llavaov {
namespace {

llama_load_mode LoadMode(const ModelOptions& options) {
  if (options.mlock) return options.mmap ? LLAMA_LOAD_MODE_MMAP_MLOCK : LLAMA_LOAD_MODE_MLOCK;
  // Automatic: maps the file unless a device would copy everything anyway.
  return options.mmap ? LLAMA_LOAD_MODE_AUTO : LLAMA_LOAD_MODE_NONE;
}

NativeError LoadError(const std::string& path, const std::string& reason) {
  return NativeError("ERR_MODEL_LOAD",
                     "Cannot load " + path + ": " + (reason.empty() ? "unknown reason" : reason),
                     {{"path", path}});
}

llama_model* Load(const ModelOptions& options, const llama_model_params& params) {
  std::vector<const char*> files;
  for (const std::string& file : options.files) files.push_back(file.c_str());
  if (files.size() == 1) return llama_model_load_from_file(files[0], params);
  return llama_model_load_from_splits(files.data(), files.size(), params);
}

// llama.cpp gives null for every reason. If it was memory, the load that takes none succeeds.
NativeError LoadFailure(const ModelOptions& options, llama_model_params params,
                        std::string reason) {
  params.no_alloc = true;
  params.load_mode = LLAMA_LOAD_MODE_NONE;
  params.progress_callback = [](float, void*) { return true; };
  const llama_model_ptr model(Load(options, params));
  if (!model) return LoadError(options.path, reason);
  const std::string where =
      options.gpus.empty() ? "" : Format(" with %d layers on GPUs", options.gpu_layers);
  return OutOfMemory("No memory to load " + options.path + where + ": " + reason, options.gpus,
                     double(llama_model_size(model.get())));
}

struct Watch {
  const CancelFlag* cancel;
  const OnProgress& on_progress;
  double told = 0;

  // False stops the load.
  bool Tell(double fraction) {
    told = std::max(told, fraction);
    if (on_progress) on_progress(told);
    return !IsCancelled(cancel);
  }
  static bool Step(float fraction, void* self) { return static_cast<Watch*>(self)->Tell(fraction); }
};

// Reading a file takes nearly all the time of a load that maps it.
void ReadMapped(const ModelOptions& options, Watch& watch) {
  if (!options.mmap || options.vocab_only) return;
  ReadInLargePages(options.files, [&](double share) { return watch.Tell(0.95 * share); });
}

}  // namespace

LoadedModel::LoadedModel(const ModelOptions& options, const CancelFlag* cancel,
                         const OnProgress& on_progress)
    : options_(options),
      kernels_(options.own_kernels),
      rpc_use_(options.gpu_layers == 0 ? Devices() : options.gpus),
      mapped_(options.mmap ? options.files : std::vector<std::string>{}) {
  ThrowIfCancelled(cancel);
  Watch watch{cancel, on_progress};
  llama_model_params params = llama_model_default_params();
  if (options.gpu_layers == 0) options_.gpus.clear();
  Devices devices = options_.gpus;
  devices.push_back(nullptr);  // ends the list; a list of nothing else leaves the GPUs alone
  params.devices = devices.data();
  std::vector<float> split = options.tensor_split;
  split.resize(llama_max_devices());
  if (!options.tensor_split.empty()) params.tensor_split = split.data();
  params.n_gpu_layers = options.gpu_layers;
  params.load_mode = LoadMode(options);
  params.vocab_only = options.vocab_only;
  // Ours read the blocks where the file has them; ggml's repacked copies would hide them.
  params.use_extra_bufts = !kernels::IsEnabled() || kernels::LeavesRepacked();
  params.progress_callback = Watch::Step;
  params.progress_callback_user_data = &watch;
  // Elsewhere llama.cpp copies weights out of the file, which takes longer.
  if (options.gpu_layers == 0 && !params.use_extra_bufts) ReadMapped(options, watch);
  ThrowIfCancelled(cancel);
  const ErrorLog errors;
  model_.reset(Load(options, params));
  ThrowIfCancelled(cancel);
  if (!model_) throw LoadFailure(options_, params, errors.text());
  lock_refusal_ = errors.lock_refusal();
  vocab_ = llama_model_get_vocab(model_.get());
  // The other kinds abort the process on some calls below.
  if (llama_vocab_type(vocab_) != LLAMA_VOCAB_TYPE_BPE) {
    throw LoadError(options.path,
                    "expected a byte-level BPE vocabulary (tokenizer.ggml.model gpt2)");
  }
  IndexSpecialTokens();
  LoadAdapters(cancel);
  CheckWhole();
}

void LoadedModel::CheckWhole() const {
  if (!mapped_.are_cut()) return;
  throw LoadError(options_.path, "the file was cut short while it was in use; load it again");
}

void LoadedModel::LoadAdapters(const CancelFlag* cancel) {
  if (options_.vocab_only && !options_.adapters.empty()) {
    throw Invalid("adapters", "Adapters need the weights of the model");
  }
  for (size_t i = 0; i < options_.adapters.size(); ++i) {
    ThrowIfCancelled(cancel);
    const ErrorLog errors;
    const char* const file = options_.adapter_files[i].c_str();
    llama_adapter_lora* adapter = llama_adapter_lora_init(model_.get(), file);
    if (!adapter) throw LoadError(options_.adapters[i], errors.text());
    adapters_.push_back(adapter);
  }
}

std::string LoadedModel::description() const {
  char text[256] = "";
  llama_model_desc(model_.get(), text, sizeof text);
  return text;
}

void LoadedModel::IndexSpecialTokens() {
  const int special = LLAMA_TOKEN_ATTR_CONTROL | LLAMA_TOKEN_ATTR_USER_DEFINED;
  for (int token = 0; token < n_vocab(); ++token) {
    if (llama_vocab_get_attr(vocab_, token) & special) {
      special_.emplace(llama_vocab_get_text(vocab_, token), token);
    }
  }
}

std::vector<int32_t> LoadedModel::Tokenize(const std::string& text) const {
  std::vector<int32_t> tokens(text.size());  // a token has at least one byte
  if (text.empty()) return tokens;
  const int n = llama_tokenize(vocab_, text.data(), int32_t(text.size()), tokens.data(),
                               int32_t(tokens.size()), /*add_special=*/false,
                               /*parse_special=*/false);
  if (n < 0) throw std::runtime_error("llama_tokenize gave more tokens than bytes");
  tokens.resize(n);
  return tokens;
}

int LoadedModel::SpecialToken(const std::string& text) const {
  const auto found = special_.find(text);
  return found == special_.end() ? -1 : found->second;
}

std::shared_ptr<const TokenTexts> LoadedModel::texts() const {
  std::call_once(texts_once_, [this] {
    std::vector<std::string> bytes;
    for (int token = 0; token < n_vocab(); ++token) bytes.push_back(TokenBytes(token, false));
    texts_ = std::make_shared<const TokenTexts>(std::move(bytes));
  });
  return texts_;
}

std::string LoadedModel::TokenBytes(int token, bool special) const {
  std::string bytes(64, '\0');
  int n = llama_token_to_piece(vocab_, token, bytes.data(), int(bytes.size()), 0, special);
  if (n < 0) {
    bytes.resize(-n);
    n = llama_token_to_piece(vocab_, token, bytes.data(), int(bytes.size()), 0, special);
  }
  bytes.resize(n);
  return bytes;
}

}  // namespace llavaov
