// What one environment (main thread or worker) keeps: the constructors of its handle classes, and
// the mailbox of its work; and the tags by which a handle is told from any other object.
#pragma once

#include <napi.h>

#include <cstdint>
#include <string>
#include <unordered_map>

#include "js/mailbox.h"

namespace llavaov {

class InstanceData {
 public:
  explicit InstanceData(Napi::Env env) : mailbox_(env) {}
  static InstanceData& Of(Napi::Env env) { return *env.GetInstanceData<InstanceData>(); }

  Mailbox& mailbox() { return mailbox_; }

  void Remember(const char* name, Napi::Function constructor) {
    constructors_[name] = Napi::Persistent(constructor);
  }
  const Napi::FunctionReference& Constructor(const char* name) { return constructors_.at(name); }

 private:
  Mailbox mailbox_;
  std::unordered_map<std::string, Napi::FunctionReference> constructors_;
};

inline napi_type_tag TypeTag(const char* class_name) {
  uint64_t hash = 1469598103934665603ull;  // FNV-1a
  for (const char* c = class_name; *c; ++c) hash = (hash ^ uint8_t(*c)) * 1099511628211ull;
  return {0x6c6c6176616f7631ull, hash};
}

}  // namespace llavaov
