#include "js/model.h"

#include <algorithm>
#include <cfloat>

#include "js/cancel-handle.h"
#include "js/devices.h"
#include "js/progress.h"
#include "js/register.h"

namespace llavaov {
namespace {

std::vector<float> TensorSplitArg(const Napi::Value& value, const Devices& gpus) {
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

std::vector<std::string> OptionalTexts(const Napi::Value& value, const char* name,
                                       const std::vector<std::string>& fallback) {
  return value.IsUndefined() ? fallback : TextsArg(value, name);
}

Napi::Value LoadModel(const Napi::CallbackInfo& info) {
  const Napi::Object object = ObjectArg(info[0], "options");
  const std::string path = TextArg(object["path"], "path");
  const auto adapters = OptionalTexts(object["adapters"], "adapters", {});
  const auto files = OptionalTexts(object["files"], "files", {path});
  if (files.empty()) throw InvalidArgument(info.Env(), "files", "a file at least");
  const auto adapter_files = OptionalTexts(object["adapterFiles"], "adapterFiles", adapters);
  if (adapter_files.size() != adapters.size()) {
    throw InvalidArgument(info.Env(), "adapterFiles", "a file for each adapter");
  }
  const Devices gpus = DevicesArg(object["devices"], "devices");
  const ModelOptions options{
      path,
      files,
      int(IntArg(object["gpuLayers"], "gpuLayers")),
      BoolArg(object["mmap"], "mmap"),
      BoolArg(object["mlock"], "mlock"),
      BoolArg(object["vocabOnly"], "vocabOnly"),
      adapters,
      adapter_files,
      gpus,
      TensorSplitArg(object["tensorSplit"], gpus),
      OwnKernelsArg(object),
  };
  const auto cancel = Cancel::Optional(info[1], "cancel");
  const auto progress = Progress::Optional(info[2], "onProgress");
  OnProgress on_progress;
  if (progress) on_progress = [progress](double share) { progress->Report(share); };
  const auto work = [=] {
    return Model::Wrap(std::make_shared<LoadedModel>(options, cancel.get(), on_progress));
  };
  const auto done = [progress] {
    if (progress) progress->Close();
  };
  return PromiseWorker::Run(info.Env(), {}, work, {/*.computes =*/false, cancel, done});
}

}  // namespace

std::vector<Model::Property> Model::Members() {
  return {InstanceAccessor("nVocab", &Model::Get<&LoadedModel::n_vocab>, nullptr),
          InstanceAccessor("nEmbd", &Model::Get<&LoadedModel::n_embd>, nullptr),
          InstanceAccessor("nLayer", &Model::Get<&LoadedModel::n_layer>, nullptr),
          InstanceAccessor("nCtxTrain", &Model::Get<&LoadedModel::n_ctx_train>, nullptr),
          InstanceAccessor("size", &Model::Get<&LoadedModel::size>, nullptr),
          InstanceAccessor("description", &Model::Get<&LoadedModel::description>, nullptr),
          InstanceAccessor("lockRefusal", &Model::Get<&LoadedModel::lock_refusal>, nullptr),
          InstanceMethod("tokenize", &Model::Tokenize),
          InstanceMethod("tokenizeAsync", &Model::TokenizeAsync),
          InstanceMethod("specialToken", &Model::SpecialToken),
          InstanceMethod("tokenBytes", &Model::TokenBytes)};
}

static std::string TokenizedArg(const Napi::Value& value) {
  std::string text = StringArg(value, "text");
  if (text.size() > size_t(INT32_MAX)) throw InvalidArgument(value.Env(), "text", "under 2 GiB");
  return text;
}

Napi::Value Model::Tokenize(const Napi::CallbackInfo& info) {
  const std::string text = TokenizedArg(info[0]);
  return CopyOf<Napi::Int32Array>(info.Env(), Live(info.Env())->Tokenize(text));
}

Napi::Value Model::TokenizeAsync(const Napi::CallbackInfo& info) {
  auto work = [text = TokenizedArg(info[0]),
               model = Live(info.Env())]() -> PromiseWorker::Settlement {
    return [tokens = model->Tokenize(text)](Napi::Env env) {
      return CopyOf<Napi::Int32Array>(env, tokens);
    };
  };
  return Async(info.Env(), {}, std::move(work));
}

Napi::Value Model::SpecialToken(const Napi::CallbackInfo& info) {
  const std::string text = StringArg(info[0], "text");
  return Napi::Number::New(info.Env(), Live(info.Env())->SpecialToken(text));
}

Napi::Value Model::TokenBytes(const Napi::CallbackInfo& info) {
  const auto model = Live(info.Env());
  const int token = int(IntArg(info[0], "token", 0, model->n_vocab() - 1));
  const std::string bytes = model->TokenBytes(token, BoolArg(info[1], "special"));
  return CopyOf<Napi::Uint8Array>(info.Env(), bytes);
}

void RegisterModel(Napi::Env env, Napi::Object exports) {
  exports.Set(Model::kName, Model::Define(env));
  exports.Set("loadModel", Napi::Function::New(env, LoadModel, "loadModel"));
}

}  // namespace llavaov
