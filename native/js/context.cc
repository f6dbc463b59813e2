// The JavaScript handle of a DecoderContext: reads slices, runs steps, returns samples.
#include <cmath>

#include "js/async-handle.h"
#include "js/model.h"
#include "js/register.h"
#include "js/sampler.h"
#include "js/thread-pool.h"
#include "llama/decoder-context.h"

namespace llavaov {
namespace {

class Context : public AsyncHandle<Context, DecoderContext> {
 public:
  static constexpr const char* kName = "Context";
  static std::vector<Property> Members();
  explicit Context(const Napi::CallbackInfo& info) : Base(info) {}

 private:
  Napi::Value Step(const Napi::CallbackInfo& info);
  void Withdraw(const Napi::CallbackInfo& info);
  void RemovePositions(const Napi::CallbackInfo& info);
  void CopySequence(const Napi::CallbackInfo& info);
  Napi::Value SaveSequence(const Napi::CallbackInfo& info);
  Napi::Value LoadSequence(const Napi::CallbackInfo& info);
  Napi::Value Save(Napi::Env env, std::shared_ptr<DecoderContext> context, int sequence);

  std::shared_ptr<CancelFlag> step_;  // names the last one
};

constexpr int kMaxPositions = 1 << 24;
constexpr int kMaxOutputs = 1 << 16;
constexpr int kMaxSequences = 256;  // LLAMA_MAX_SEQ of llama.cpp's src/llama-cparams.h

ggml_type KvTypeArg(const Napi::Object& options, const char* name) {
  const std::string type = StringArg(options[name], name);
  for (ggml_type known : {GGML_TYPE_F32, GGML_TYPE_F16, GGML_TYPE_Q8_0}) {
    if (type == ggml_type_name(known)) return known;
  }
  throw InvalidArgument(options.Env(), name, "f32, f16 or q8_0");
}

llama_flash_attn_type FlashAttentionArg(const Napi::Object& options) {
  const std::string mode = StringArg(options["flashAttention"], "flashAttention");
  if (mode == "auto") return LLAMA_FLASH_ATTN_TYPE_AUTO;
  if (mode == "on") return LLAMA_FLASH_ATTN_TYPE_ENABLED;
  if (mode == "off") return LLAMA_FLASH_ATTN_TYPE_DISABLED;
  throw InvalidArgument(options.Env(), "flashAttention", "auto, on or off");
}

std::vector<float> AdapterScalesArg(const Napi::Value& value) {
  if (value.IsUndefined()) return {};
  const Span<float> scales = Float32Arg(value, "adapterScales");
  for (size_t i = 0; i < scales.size; ++i) {
    if (!std::isfinite(scales.data[i])) {
      throw InvalidArgument(value.Env(), "adapterScales", "finite numbers");
    }
  }
  return {scales.data, scales.data + scales.size};
}

int OutputsArg(const Napi::Value& value, int n_seq_max) {
  return value.IsUndefined() ? n_seq_max : int(IntArg(value, "nOutputs", 1, kMaxOutputs));
}

ContextOptions OptionsArg(const Napi::Value& value) {
  const Napi::Object options = ObjectArg(value, "options");
  const int n_seq_max = int(IntArg(options["nSeqMax"], "nSeqMax", 1, kMaxSequences));
  return {
      int(IntArg(options["nCtx"], "nCtx", 1, kMaxPositions)),
      int(IntArg(options["nBatch"], "nBatch", 1, kMaxPositions)),
      int(IntArg(options["nUbatch"], "nUbatch", 1, kMaxPositions)),
      n_seq_max,
      OutputsArg(options["nOutputs"], n_seq_max),
      KvTypeArg(options, "kvTypeK"),
      KvTypeArg(options, "kvTypeV"),
      FlashAttentionArg(options),
      AdapterScalesArg(options["adapterScales"]),
  };
}

// Copies ids, borrows rows: those go to `keep`.
Slice SliceArg(const Napi::Value& value, const DecoderContext& context,
               std::vector<Napi::Value>& keep) {
  const Napi::Object object = ObjectArg(value, "slice");
  Slice slice;
  slice.sequence = int(IntArg(object["sequence"], "sequence", 0, context.n_seq_max() - 1));
  slice.position = int(IntArg(object["position"], "position", 0));
  const Napi::Value data = object["data"];
  size_t n;
  if (data.IsTypedArray() && data.As<Napi::TypedArray>().TypedArrayType() == napi_int32_array) {
    const Span<int32_t> ids = Int32Arg(data, "data");
    slice.tokens.assign(ids.data, ids.data + ids.size);
    n = ids.size;
  } else {
    const Span<float> rows = Float32Arg(data, "data");
    n = rows.size / context.model().n_embd();
    if (n * context.model().n_embd() != rows.size) n = 0;
    slice.rows = rows.data;
    keep.push_back(data);
  }
  if (n == 0 || n > kMaxPositions) {
    throw InvalidArgument(value.Env(), "data", "one or more token ids or whole rows of nEmbd");
  }
  slice.n = int(n);
  const Napi::Value sampler = object["sampler"];
  if (!sampler.IsNull() && !sampler.IsUndefined())
    slice.sampler = Sampler::From(sampler, "sampler");
  const Napi::Value drafted = object["drafted"];
  if (!drafted.IsUndefined()) slice.n_drafted = int(IntArg(drafted, "drafted", 0, kMaxOutputs));
  return slice;
}

Napi::Object ToJs(Napi::Env env, const Sample& sample) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("token", sample.token);
  object.Set("logprob", sample.logprob);
  object.Set("normaliser", sample.normaliser);
  object.Set("topTokens", CopyOf<Napi::Int32Array>(env, sample.top_tokens));
  object.Set("topLogprobs", CopyOf<Napi::Float32Array>(env, sample.top_logprobs));
  return object;
}

Napi::Value SliceSamplesToJs(Napi::Env env, const std::vector<Sample>& samples) {
  if (samples.empty()) return env.Null();
  Napi::Object first = ToJs(env, samples[0]);
  if (samples.size() == 1) return first;
  Napi::Array further = Napi::Array::New(env, samples.size() - 1);
  for (uint32_t i = 1; i < samples.size(); ++i) further.Set(i - 1, ToJs(env, samples[i]));
  first.Set("further", further);
  return first;
}

Napi::Value SamplesToJs(Napi::Env env, const Samples& samples) {
  Napi::Array array = Napi::Array::New(env, samples.size());
  for (uint32_t i = 0; i < samples.size(); ++i) array.Set(i, SliceSamplesToJs(env, samples[i]));
  return array;
}

}  // namespace

std::vector<Context::Property> Context::Members() {
  return {InstanceAccessor("nCtx", &Context::Get<&DecoderContext::n_ctx>, nullptr),
          InstanceAccessor("nBatch", &Context::Get<&DecoderContext::n_batch>, nullptr),
          InstanceAccessor("nSeqMax", &Context::Get<&DecoderContext::n_seq_max>, nullptr),
          InstanceAccessor("nOutputs", &Context::Get<&DecoderContext::n_outputs>, nullptr),
          InstanceAccessor("nAhead", &Context::Get<&DecoderContext::n_ahead>, nullptr),
          InstanceMethod("step", &Context::Step),
          InstanceMethod("withdraw", &Context::Withdraw),
          InstanceMethod("removePositions", &Context::RemovePositions),
          InstanceMethod("copySequence", &Context::CopySequence),
          InstanceMethod("saveSequence", &Context::SaveSequence),
          InstanceMethod("loadSequence", &Context::LoadSequence)};
}

Napi::Value Context::Step(const Napi::CallbackInfo& info) {
  const auto context = Live(info.Env());
  if (!info[0].IsArray()) throw InvalidArgument(info.Env(), "slices", "an array");
  const Napi::Array array = info[0].As<Napi::Array>();
  if (array.Length() > uint32_t(context->n_seq_max())) {
    throw InvalidArgument(info.Env(), "slices", "one slice per sequence");
  }
  Slices slices;
  std::vector<Napi::Value> keep;
  for (uint32_t i = 0; i < array.Length(); ++i) {
    slices.push_back(SliceArg(array[i], *context, keep));
  }
  const bool goes_on = !info[1].IsUndefined() && BoolArg(info[1], "goesOn");
  Idle(info.Env());
  Rethrow(info.Env(), [&] { context->Check(slices); });
  step_ = std::make_shared<CancelFlag>(false);
  const auto work = [context, slices = std::move(slices),
                     flag = goes_on ? step_ : nullptr]() -> PromiseWorker::Settlement {
    return [samples = context->Step(slices, flag)](Napi::Env env) {
      return SamplesToJs(env, samples);
    };
  };
  WorkTerms terms{context->workers().is_shared(), step_};
  if (goes_on) terms.afterwards = [ahead = context->ahead()] { ahead->Run(); };
  return Async(info.Env(), std::move(keep), work, std::move(terms));
}

void Context::Withdraw(const Napi::CallbackInfo& info) {
  if (step_) InstanceData::Of(info.Env()).mailbox().Withdraw(step_.get());
}

void Context::RemovePositions(const Napi::CallbackInfo& info) {
  const auto context = Idle(info.Env());
  const int sequence = int(IntArg(info[0], "sequence", 0, context->n_seq_max() - 1));
  const int from = int(IntArg(info[1], "from", 0));
  context->RemovePositions(sequence, from);
}

void Context::CopySequence(const Napi::CallbackInfo& info) {
  const auto context = Idle(info.Env());
  const int source = int(IntArg(info[0], "source", 0, context->n_seq_max() - 1));
  const int target = int(IntArg(info[1], "target", 0, context->n_seq_max() - 1));
  const int to = int(IntArg(info[2], "to", 0));
  Rethrow(info.Env(), [&] { context->CopySequence(source, target, to); });
}

Napi::Value Context::SaveSequence(const Napi::CallbackInfo& info) {
  const auto context = Idle(info.Env());
  const int sequence = int(IntArg(info[0], "sequence", 0, context->n_seq_max() - 1));
  // Only then its size is known.
  const auto rest = [=]() -> PromiseWorker::Settlement {
    context->Rest();
    return [=](Napi::Env env) { return Save(env, context, sequence); };
  };
  return Async(info.Env(), {}, rest, {context->workers().is_shared()});
}

Napi::Value Context::Save(Napi::Env env, std::shared_ptr<DecoderContext> context, int sequence) {
  Napi::Uint8Array state = Napi::Uint8Array::New(env, context->SequenceBytes(sequence));
  const auto fill = [context, sequence, data = state.Data(), size = state.ByteLength()] {
    context->SaveSequence(sequence, data, size);
  };
  return AsyncFilling(env, state, fill, {context->workers().is_shared()});
}

Napi::Value Context::LoadSequence(const Napi::CallbackInfo& info) {
  const auto context = Idle(info.Env());
  const int sequence = int(IntArg(info[0], "sequence", 0, context->n_seq_max() - 1));
  const Span<uint8_t> state = BytesArg(info[1], "state");
  const int n = int(IntArg(info[2], "positions", 1, kMaxPositions));
  const auto work = [=] {
    context->LoadSequence(sequence, state.data, state.size, n);
    return Undefined;
  };
  return Async(info.Env(), {info[1]}, work, {context->workers().is_shared()});
}

static Napi::Value CreateContext(const Napi::CallbackInfo& info) {
  const auto model = Model::From(info[0], "model");
  const auto workers = ThreadPool::From(info[1], "pool");
  const ContextOptions options = OptionsArg(info[2]);
  return PromiseWorker::Run(info.Env(), {}, [=] {
    return Context::Wrap(std::make_shared<DecoderContext>(model, workers, options));
  });
}

void RegisterContext(Napi::Env env, Napi::Object exports) {
  exports.Set(Context::kName, Context::Define(env));
  exports.Set("createContext", Napi::Function::New(env, CreateContext, "createContext"));
}

}  // namespace llavaov
