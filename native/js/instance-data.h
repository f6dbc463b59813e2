// What one environment (main thread or worker) keeps: the constructors of its handle classes.
#pragma once

#include <napi.h>

#include <string>
#include <unordered_map>

namespace llavaov {

class InstanceData {
 public:
  static InstanceData& Of(Napi::Env env) { return *env.GetInstanceData<InstanceData>(); }

  void Remember(const char* name, Napi::Function constructor) {
    constructors_[name] = Napi::Persistent(constructor);
  }
  const Napi::FunctionReference& Constructor(const char* name) { return constructors_.at(name); }

 private:
  std::unordered_map<std::string, Napi::FunctionReference> constructors_;
};

}  // namespace llavaov
