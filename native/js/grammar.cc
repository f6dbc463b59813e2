#include "js/grammar.h"

#include "errors.h"

namespace llavaov {

std::vector<Grammar::Property> Grammar::Members() {
  return {InstanceMethod("matches", &Grammar::Matches)};
}

Grammar::Grammar(const Napi::CallbackInfo& info) : Base(info) {
  const std::string gbnf = TextArg(info[0], "grammar");
  resource_ = Rethrow(info.Env(), [&] { return std::make_shared<TokenGrammar>(gbnf, nullptr); });
}

Napi::Value Grammar::Matches(const Napi::CallbackInfo& info) {
  const auto grammar = Live(info.Env());
  const std::string text = StringArg(info[0], "text");
  return Async<bool>(
      info.Env(), {}, [grammar, text] { return grammar->Matches(text); },
      [](Napi::Env env, bool& matches) -> Napi::Value { return Napi::Boolean::New(env, matches); });
}

}  // namespace llavaov
