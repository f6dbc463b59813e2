#include "js/grammar.h"

#include "errors.h"

namespace llavaov {

std::vector<GrammarHandle::Property> GrammarHandle::Members() {
  return {InstanceMethod("matches", &GrammarHandle::Matches)};
}

GrammarHandle::GrammarHandle(const Napi::CallbackInfo& info) : Base(info) {
  const std::string gbnf = TextArg(info[0], "grammar");
  resource_ = Rethrow(info.Env(), [&] { return std::make_shared<Grammar>(gbnf); });
}

Napi::Value GrammarHandle::Matches(const Napi::CallbackInfo& info) {
  const auto grammar = Idle(info.Env());
  const std::string text = StringArg(info[0], "text");
  return Async(info.Env(), {}, [grammar, text] {
    return [matches = grammar->Matches(text)](Napi::Env env) {
      return Napi::Boolean::New(env, matches);
    };
  });
}

}  // namespace llavaov
