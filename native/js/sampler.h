// The JavaScript handle of a TokenSampler.
#pragma once

#include "js/handle.h"
#include "llama/token-sampler.h"

namespace llavaov {

class Sampler : public Handle<Sampler, TokenSampler> {
 public:
  static constexpr const char* kName = "Sampler";
  static std::vector<Property> Members();
  explicit Sampler(const Napi::CallbackInfo& info);

 private:
  void Accept(const Napi::CallbackInfo& info);
};

}  // namespace llavaov
