// The JavaScript handle of a grammar that whole texts are compared with.
#pragma once

#include "js/async-handle.h"
#include "llama/token-grammar.h"

namespace llavaov {

class GrammarHandle : public AsyncHandle<GrammarHandle, Grammar> {
 public:
  static constexpr const char* kName = "Grammar";
  static std::vector<Property> Members();
  explicit GrammarHandle(const Napi::CallbackInfo& info);

 private:
  Napi::Value Matches(const Napi::CallbackInfo& info);
};

}  // namespace llavaov
