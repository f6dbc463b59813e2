#include "llama/model.h"

#include <algorithm>
#include <cfloat>

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

// llama.cpp gives null for every reason. If it was memory, the load that takes none succeeds.
NativeError LoadFailure(const ModelOptions& options, llama_model_params params,
                        std::string reason) {
  params.no_alloc = true;
  params.load_mode = LLAMA_LOAD_MODE_NONE;
  params.progress_callback = [](float, void*) { return true; };
  const llama_model_ptr model(llama_model_load_from_file(options.path.c_str(), params));
  if (!model) return LoadError(options.path, reason);
  const std::string where =
      options.gpus.empty() ? "" : Format(" with %d layers on GPUs", options.gpu_layers);
  return OutOfMemory("No memory to load " + options.path + where + ": " + reason, options.gpus,
                     double(llama_model_size(model.get())));
}

struct Watch {
  const CancelFlag* cancel;
  Progress* progress;

  // False stops the load.
  static bool Step(float fraction, void* self) {
    const auto* watch = static_cast<const Watch*>(self);
    if (watch->progress) watch->progress->Report(fraction);
    return !watch->cancel || !watch->cancel->load();
  }
};

}  // namespace

LoadedModel::LoadedModel(const ModelOptions& options, const CancelFlag* cancel, Progress* progress)
    : options_(options) {
  Watch watch{cancel, progress};
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
  params.progress_callback = Watch::Step;
  params.progress_callback_user_data = &watch;
  const ErrorLog errors;
  model_.reset(llama_model_load_from_file(options.path.c_str(), params));
  if (cancel && cancel->load()) throw NativeError("ERR_CANCELLED", "Cancelled");
  if (!model_) throw LoadFailure(options_, params, errors.text());
  vocab_ = llama_model_get_vocab(model_.get());
  // The other kinds abort the process on some calls below.
  if (llama_vocab_type(vocab_) != LLAMA_VOCAB_TYPE_BPE) {
    throw LoadError(options.path,
                    "expected a byte-level BPE vocabulary (tokenizer.ggml.model gpt2)");
  }
  IndexSpecialTokens();
  LoadAdapters(cancel);
}

void LoadedModel::LoadAdapters(const CancelFlag* cancel) {
  if (options_.vocab_only && !options_.adapters.empty()) {
    throw NativeError("ERR_INVALID_ARGUMENT", "Adapters need the weights of the model",
                      {{"argument", std::string("adapters")}});
  }
  for (const std::string& path : options_.adapters) {
    if (cancel && cancel->load()) throw NativeError("ERR_CANCELLED", "Cancelled");
    const ErrorLog errors;
    llama_adapter_lora* adapter = llama_adapter_lora_init(model_.get(), path.c_str());
    if (!adapter) throw LoadError(path, errors.text());
    adapters_.push_back(adapter);
  }
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

std::vector<Model::Property> Model::Members() {
  return {InstanceAccessor("nVocab", &Model::NVocab, nullptr),
          InstanceAccessor("nEmbd", &Model::NEmbd, nullptr),
          InstanceAccessor("nLayer", &Model::NLayer, nullptr),
          InstanceAccessor("nCtxTrain", &Model::NCtxTrain, nullptr),
          InstanceAccessor("size", &Model::Size, nullptr),
          InstanceAccessor("description", &Model::Description, nullptr),
          InstanceMethod("tokenize", &Model::Tokenize),
          InstanceMethod("specialToken", &Model::SpecialToken),
          InstanceMethod("tokenBytes", &Model::TokenBytes)};
}

Napi::Value Model::NVocab(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), Live(info.Env())->n_vocab());
}

Napi::Value Model::NEmbd(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), Live(info.Env())->n_embd());
}

Napi::Value Model::NLayer(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), llama_model_n_layer(Live(info.Env())->get()));
}

Napi::Value Model::NCtxTrain(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), llama_model_n_ctx_train(Live(info.Env())->get()));
}

Napi::Value Model::Size(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), double(llama_model_size(Live(info.Env())->get())));
}

Napi::Value Model::Description(const Napi::CallbackInfo& info) {
  char text[256] = "";
  llama_model_desc(Live(info.Env())->get(), text, sizeof text);
  return Napi::String::New(info.Env(), text);
}

Napi::Value Model::Tokenize(const Napi::CallbackInfo& info) {
  const std::string text = StringArg(info[0], "text");
  if (text.size() > size_t(INT32_MAX)) throw InvalidArgument(info.Env(), "text", "under 2 GiB");
  const std::vector<int32_t> tokens = Live(info.Env())->Tokenize(text);
  Napi::Int32Array out = Napi::Int32Array::New(info.Env(), tokens.size());
  std::copy(tokens.begin(), tokens.end(), out.Data());
  return out;
}

Napi::Value Model::SpecialToken(const Napi::CallbackInfo& info) {
  const std::string text = StringArg(info[0], "text");
  return Napi::Number::New(info.Env(), Live(info.Env())->SpecialToken(text));
}

Napi::Value Model::TokenBytes(const Napi::CallbackInfo& info) {
  const auto model = Live(info.Env());
  const int token = int(IntArg(info[0], "token", 0, model->n_vocab() - 1));
  const std::string bytes = model->TokenBytes(token, BoolArg(info[1], "special"));
  Napi::Uint8Array out = Napi::Uint8Array::New(info.Env(), bytes.size());
  std::copy(bytes.begin(), bytes.end(), out.Data());
  return out;
}

static std::vector<float> TensorSplitArg(const Napi::Value& value, const Devices& gpus) {
  if (value.IsUndefined()) return {};
  const Span<float> shares = Float32Arg(value, "tensorSplit");
  const std::vector<float> split(shares.data, shares.data + shares.size);
  const bool valid = std::all_of(split.begin(), split.end(),
                                 [](float share) { return share >= 0.0f && share <= FLT_MAX; });
  const bool is_zero =
      std::all_of(split.begin(), split.end(), [](float share) { return share == 0.0f; });
  if (!valid || split.size() != gpus.size() || is_zero) {
    throw InvalidArgument(value.Env(), "tensorSplit",
                          "a share of 0 or more for each device, not all 0,");
  }
  return split;
}

static Napi::Value LoadModel(const Napi::CallbackInfo& info) {
  const Napi::Object object = ObjectArg(info[0], "options");
  const Napi::Value adapters = object["adapters"];
  const Devices gpus = DevicesArg(object["devices"], "devices");
  const ModelOptions options{
      TextArg(object["path"], "path"),
      int(IntArg(object["gpuLayers"], "gpuLayers")),
      BoolArg(object["mmap"], "mmap"),
      BoolArg(object["mlock"], "mlock"),
      BoolArg(object["vocabOnly"], "vocabOnly"),
      adapters.IsUndefined() ? std::vector<std::string>{} : TextsArg(adapters, "adapters"),
      gpus,
      TensorSplitArg(object["tensorSplit"], gpus),
  };
  const auto cancel = Cancel::Optional(info[1], "cancel");
  const auto progress = Progress::Optional(info[2], "onProgress");
  using Loaded = std::shared_ptr<LoadedModel>;
  return PromiseWorker<Loaded>::Run(
      info.Env(), {},
      [=] {
        Cancel::ThrowIfSet(cancel);
        return std::make_shared<LoadedModel>(options, cancel.get(), progress.get());
      },
      [](Napi::Env env, Loaded& model) { return Model::Wrap(env, std::move(model)); },
      [progress] {
        if (progress) progress->Close();
      });
}

void RegisterModel(Napi::Env env, Napi::Object exports) {
  exports.Set(Model::kName, Model::Define(env));
  exports.Set("loadModel", Napi::Function::New(env, LoadModel, "loadModel"));
}

}  // namespace llavaov
