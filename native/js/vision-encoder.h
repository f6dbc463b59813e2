// NativeVisionEncoder of src/binding.ts: a Tower that JavaScript holds.
#pragma once

#include <vector>

#include "js/handle.h"
#include "vision/tower.h"

namespace llavaov {

class VisionEncoder : public Handle<VisionEncoder, Tower> {
 public:
  static constexpr const char* kName = "VisionEncoder";
  static std::vector<Property> Members();
  explicit VisionEncoder(const Napi::CallbackInfo& info) : Base(info) {}

 private:
  Napi::Value NPatches(const Napi::CallbackInfo& info);
  Napi::Value TilesPerCall(const Napi::CallbackInfo& info);
  Napi::Value Backend(const Napi::CallbackInfo& info);
  Napi::Value Size(const Napi::CallbackInfo& info);
  Napi::Value Newline(const Napi::CallbackInfo& info);
  Napi::Value Encode(const Napi::CallbackInfo& info);
};

// Also exports loadVisionEncoder.
void RegisterVisionEncoder(Napi::Env env, Napi::Object exports);

}  // namespace llavaov
