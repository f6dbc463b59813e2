#include "js/sampler.h"

#include <cmath>

#include "js/model.h"

namespace llavaov {
namespace {

double FiniteArg(const Napi::Object& options, const char* name) {
  const double number = NumberArg(options[name], name);
  if (!std::isfinite(number)) throw InvalidArgument(options.Env(), name, "a finite number");
  return number;
}

std::vector<std::pair<int32_t, float>> BiasArg(const Napi::Object& options, int n_vocab) {
  const Span<int32_t> tokens = Int32Arg(options["biasTokens"], "biasTokens");
  const Span<float> values = Float32Arg(options["biasValues"], "biasValues");
  if (tokens.size != values.size) {
    throw InvalidArgument(options.Env(), "biasValues", "as many values as biasTokens");
  }
  std::vector<std::pair<int32_t, float>> bias;
  for (size_t i = 0; i < tokens.size; ++i) {
    if (tokens.data[i] < 0 || tokens.data[i] >= n_vocab) {
      throw InvalidArgument(options.Env(), "biasTokens", "token ids of the vocabulary");
    }
    if (!(values.data[i] < INFINITY)) {
      throw InvalidArgument(options.Env(), "biasValues", "finite numbers or -Infinity");
    }
    bias.emplace_back(tokens.data[i], values.data[i]);
  }
  return bias;
}

SamplerOptions OptionsArg(const Napi::Value& value, int n_vocab) {
  const Napi::Object options = ObjectArg(value, "options");
  SamplerOptions result;
  result.n_vocab = n_vocab;
  result.n_vocab_used = int(IntArg(options["nVocabUsed"], "nVocabUsed", 1, n_vocab));
  result.temperature = FiniteArg(options, "temperature");
  result.top_k = int(IntArg(options["topK"], "topK", 0));
  result.top_p = FiniteArg(options, "topP");
  result.min_p = std::min(FiniteArg(options, "minP"), 1.0);  // the best always stays
  result.typical_p = FiniteArg(options, "typicalP");
  result.repetition_penalty = FiniteArg(options, "repetitionPenalty");
  if (result.repetition_penalty <= 0) {
    throw InvalidArgument(value.Env(), "repetitionPenalty", "a number above 0");
  }
  result.presence_penalty = FiniteArg(options, "presencePenalty");
  result.frequency_penalty = FiniteArg(options, "frequencyPenalty");
  result.seed = uint64_t(IntArg(options["seed"], "seed", 0, (int64_t(1) << 53) - 1));
  result.n_top = int(IntArg(options["nTop"], "nTop", 0, n_vocab));
  result.bias = BiasArg(options, n_vocab);
  return result;
}

// Null without "grammar".
std::unique_ptr<TokenGrammar> GrammarArg(const Napi::Object& options, const LoadedModel& model) {
  const Napi::Value gbnf = options["grammar"];
  if (gbnf.IsNull() || gbnf.IsUndefined()) return nullptr;
  const Span<int32_t> ends = Int32Arg(options["endTokens"], "endTokens");
  TokenGrammarOptions result;
  result.gbnf = TextArg(gbnf, "grammar");
  result.trigger = TextArg(options["grammarTrigger"], "grammarTrigger");
  result.end_tokens.insert(ends.data, ends.data + ends.size);
  return std::make_unique<TokenGrammar>(std::move(result), model.texts());
}

}  // namespace

std::vector<Sampler::Property> Sampler::Members() {
  return {InstanceMethod("accept", &Sampler::Accept)};
}

Sampler::Sampler(const Napi::CallbackInfo& info) : Base(info) {
  const auto model = Model::From(info[0], "model");
  SamplerOptions options = OptionsArg(info[1], model->n_vocab());
  std::unique_ptr<TokenGrammar> grammar =
      Rethrow(info.Env(), [&] { return GrammarArg(info[1].As<Napi::Object>(), *model); });
  resource_ = std::make_shared<TokenSampler>(std::move(options), std::move(grammar));
}

void Sampler::Accept(const Napi::CallbackInfo& info) {
  const auto sampler = Live(info.Env());
  sampler->Count(int32_t(IntArg(info[0], "token", 0, sampler->n_vocab() - 1)));
}

}  // namespace llavaov
