// A flag that JavaScript sets and long native work polls.
#pragma once

#include <atomic>

#include "js/handle.h"

namespace llavaov {

using CancelFlag = std::atomic<bool>;

class Cancel : public Handle<Cancel, CancelFlag> {
 public:
  static constexpr const char* kName = "Cancel";
  static std::vector<Property> Members() { return {InstanceMethod("cancel", &Cancel::Set)}; }

  explicit Cancel(const Napi::CallbackInfo& info) : Base(info) {
    resource_ = std::make_shared<CancelFlag>(false);
  }

  // The flag behind an optional argument; null when the argument is null or undefined.
  static std::shared_ptr<CancelFlag> Optional(const Napi::Value& value, const char* argument) {
    if (value.IsNull() || value.IsUndefined()) return nullptr;
    return From(value, argument);
  }

  static void ThrowIfSet(const std::shared_ptr<CancelFlag>& flag) {
    if (flag && flag->load()) throw NativeError("ERR_CANCELLED", "Cancelled");
  }

 private:
  void Set(const Napi::CallbackInfo&) { resource_->store(true); }
};

}  // namespace llavaov
