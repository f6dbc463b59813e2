// The JavaScript handle of a grammar that whole texts are compared with.
#pragma once

#include "handle.h"
#include "llama/token-grammar.h"

namespace llavaov {

class Grammar : public Handle<Grammar, TokenGrammar> {
 public:
  static constexpr const char* kName = "Grammar";
  static std::vector<Property> Members();
  explicit Grammar(const Napi::CallbackInfo& info);

 private:
  Napi::Value Matches(const Napi::CallbackInfo& info);
};

}  // namespace llavaov
