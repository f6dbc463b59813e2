// The JavaScript handle of a CancelFlag: work that has begun polls it, work in line is withdrawn.
#pragma once

#include "cancel.h"
#include "js/handle.h"

namespace llavaov {

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

 private:
  void Set(const Napi::CallbackInfo& info) {
    resource_->store(true);
    InstanceData::Of(info.Env()).mailbox().Withdraw(resource_.get());
  }
};

}  // namespace llavaov
