// The JavaScript handle of a DecoderContext: reads slices, runs steps, returns samples.
#pragma once

#include "llama/decoder-context.h"
#include "js/handle.h"

namespace llavaov {

class Context : public Handle<Context, DecoderContext> {
 public:
  static constexpr const char* kName = "Context";
  static std::vector<Property> Members();
  explicit Context(const Napi::CallbackInfo& info) : Base(info) {}

 private:
  Napi::Value NCtx(const Napi::CallbackInfo& info);
  Napi::Value NBatch(const Napi::CallbackInfo& info);
  Napi::Value NSeqMax(const Napi::CallbackInfo& info);
  Napi::Value Step(const Napi::CallbackInfo& info);
  void RemovePositions(const Napi::CallbackInfo& info);
  void CopySequence(const Napi::CallbackInfo& info);
  Napi::Value SaveSequence(const Napi::CallbackInfo& info);
  Napi::Value LoadSequence(const Napi::CallbackInfo& info);
};

// Adds the class and createContext().
void RegisterContext(Napi::Env env, Napi::Object exports);

}  // namespace llavaov
