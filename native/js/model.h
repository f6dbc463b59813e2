// The JavaScript handle of a LoadedModel.
#pragma once

#include "js/async-handle.h"
#include "llama/model.h"

namespace llavaov {

class Model : public AsyncHandle<Model, LoadedModel> {
 public:
  static constexpr const char* kName = "Model";
  static std::vector<Property> Members();
  explicit Model(const Napi::CallbackInfo& info) : Base(info) {}

 private:
  Napi::Value Tokenize(const Napi::CallbackInfo& info);
  Napi::Value TokenizeAsync(const Napi::CallbackInfo& info);
  Napi::Value SpecialToken(const Napi::CallbackInfo& info);
  Napi::Value TokenBytes(const Napi::CallbackInfo& info);
};

}  // namespace llavaov
