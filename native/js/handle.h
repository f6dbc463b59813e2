// Base of every class that JavaScript holds. A handle owns one resource through a shared_ptr; work
// in flight and child resources hold copies, so neither garbage collection nor dispose() can free
// anything still in use. Derived supplies `static constexpr const char* kName` and `static
// std::vector<PropertyDescriptor> Members()`.
#pragma once

#include <napi.h>

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "js/args.h"
#include "js/error-to-js.h"
#include "js/instance-data.h"
#include "js/promise-worker.h"

namespace llavaov {

template <typename Derived, typename Resource>
class Handle : public Napi::ObjectWrap<Derived> {
 public:
  using Base = Handle<Derived, Resource>;
  using Property = typename Napi::ObjectWrap<Derived>::PropertyDescriptor;

  explicit Handle(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Derived>(info) {
    const napi_type_tag tag = TypeTag(Derived::kName);
    info.This().template As<Napi::Object>().TypeTag(&tag);
  }

  static Napi::Function Define(Napi::Env env) {
    std::vector<Property> members = Derived::Members();
    members.push_back(Base::InstanceMethod("dispose", &Derived::Dispose));
    // src/addon/translate-errors.ts replaces them.
    for (napi_property_descriptor& member : members) {
      member.attributes =
          napi_property_attributes(member.attributes | napi_writable | napi_configurable);
    }
    Napi::Function constructor = Base::DefineClass(env, Derived::kName, members);
    InstanceData::Of(env).Remember(Derived::kName, constructor);
    return constructor;
  }

  // For async factories: makes the JavaScript object around a resource made on the pool.
  static PromiseWorker::Settlement Wrap(std::shared_ptr<Resource> resource) {
    return [resource](Napi::Env env) -> Napi::Value {
      Napi::Object object = InstanceData::Of(env).Constructor(Derived::kName).New({});
      Derived::Unwrap(object)->resource_ = resource;
      return object;
    };
  }

  // The live resource behind an argument.
  static std::shared_ptr<Resource> From(const Napi::Value& value, const char* argument) {
    const napi_type_tag tag = TypeTag(Derived::kName);
    if (!value.IsObject() || !value.As<Napi::Object>().CheckTypeTag(&tag)) {
      throw InvalidArgument(value.Env(), argument, Derived::kName);
    }
    return Derived::Unwrap(value.As<Napi::Object>())->Live(value.Env());
  }

  // Here and now; what is large is an AsyncHandle.
  Napi::Value Dispose(const Napi::CallbackInfo& info) {
    resource_.reset();
    const auto deferred = Napi::Promise::Deferred::New(info.Env());
    deferred.Resolve(info.Env().Undefined());
    return deferred.Promise();
  }

 protected:
  // Derived constructors that JavaScript may call set this; others get it from Wrap.
  // Null once disposed.
  std::shared_ptr<Resource> resource_;

  std::shared_ptr<Resource> Live(Napi::Env env) const {
    if (!resource_) {
      throw ToJs(env, NativeError("ERR_DISPOSED", Format("%s is disposed", Derived::kName),
                                  {{"handle", std::string(Derived::kName)}}));
    }
    return resource_;
  }

  // A getter for Members(): what `Read` gives of the live resource.
  template <auto Read>
  Napi::Value Get(const Napi::CallbackInfo& info) {
    return Napi::Value::From(info.Env(), std::invoke(Read, *Live(info.Env())));
  }
};

}  // namespace llavaov
