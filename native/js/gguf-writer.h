// The JavaScript class around GgufFile.
#pragma once

#include <vector>

#include "gguf/gguf-file.h"
#include "js/handle.h"

namespace llavaov {

class GgufWriter : public Handle<GgufWriter, GgufFile> {
 public:
  static constexpr const char* kName = "GgufWriter";
  static std::vector<Property> Members();
  explicit GgufWriter(const Napi::CallbackInfo& info);

 private:
  void SetValue(const Napi::CallbackInfo& info);
  void SetArray(const Napi::CallbackInfo& info);
  void CopyMetadata(const Napi::CallbackInfo& info);
  void AddTensor(const Napi::CallbackInfo& info);
  Napi::Value Begin(const Napi::CallbackInfo& info);
  Napi::Value Write(const Napi::CallbackInfo& info);
  Napi::Value Finish(const Napi::CallbackInfo& info);
};

}  // namespace llavaov
