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
#include "js/instance-data.h"
#include "js/promise-worker.h"

namespace llavaov {

template <typename Derived, typename Resource>
class Handle : public Napi::ObjectWrap<Derived> {
 public:
  using Base = Handle<Derived, Resource>;
  using Property = typename Napi::ObjectWrap<Derived>::PropertyDescriptor;

  explicit Handle(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Derived>(info) {
    const napi_type_tag tag = Tag();
    info.This().template As<Napi::Object>().TypeTag(&tag);
  }

  static Napi::Function Define(Napi::Env env) {
    std::vector<Property> members = Derived::Members();
    members.push_back(Base::InstanceMethod("dispose", &Derived::Dispose));
    Napi::Function constructor = Base::DefineClass(env, Derived::kName, members);
    InstanceData::Of(env).Remember(Derived::kName, constructor);
    return constructor;
  }

  // A JavaScript object around a resource made elsewhere (async factories).
  static Napi::Object Wrap(Napi::Env env, std::shared_ptr<Resource> resource) {
    Napi::Object object = InstanceData::Of(env).Constructor(Derived::kName).New({});
    Derived::Unwrap(object)->resource_ = std::move(resource);
    return object;
  }

  // The live resource behind an argument.
  static std::shared_ptr<Resource> From(const Napi::Value& value, const char* argument) {
    const napi_type_tag tag = Tag();
    if (!value.IsObject() || !value.As<Napi::Object>().CheckTypeTag(&tag)) {
      throw InvalidArgument(value.Env(), argument, Derived::kName);
    }
    return Derived::Unwrap(value.As<Napi::Object>())->Live(value.Env());
  }

  Napi::Value Dispose(const Napi::CallbackInfo& info) {
    disposed_ = true;
    if (pending_ == 0) resource_.reset();
    if (!resource_) {
      auto deferred = Napi::Promise::Deferred::New(info.Env());
      deferred.Resolve(info.Env().Undefined());
      return deferred.Promise();
    }
    waiting_.push_back(Napi::Promise::Deferred::New(info.Env()));
    return waiting_.back().Promise();
  }

 protected:
  // Derived constructors that JavaScript may call set this; others get it from Wrap.
  std::shared_ptr<Resource> resource_;

  std::shared_ptr<Resource> Live(Napi::Env env) const {
    if (disposed_ || !resource_) {
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

  // Runs `work` on the pool; dispose() waits for it.
  template <typename Result>
  Napi::Value Async(Napi::Env env, std::vector<Napi::Value> keep,
                    typename PromiseWorker<Result>::Work work,
                    typename PromiseWorker<Result>::Settle settle) {
    keep.push_back(this->Value());
    ++pending_;
    return PromiseWorker<Result>::Run(env, std::move(keep), std::move(work), std::move(settle),
                                      [this, env] { Finished(env); });
  }

  // For work without a result.
  Napi::Value Async(Napi::Env env, std::vector<Napi::Value> keep, std::function<void()> work) {
    const auto run = [work = std::move(work)] {
      work();
      return Nothing{};
    };
    return Async<Nothing>(env, std::move(keep), run, Undefined);
  }

  // The live resource, for handles that allow one operation at a time.
  std::shared_ptr<Resource> Idle(Napi::Env env) const {
    std::shared_ptr<Resource> resource = Live(env);
    if (pending_ > 0) throw InvalidArgument(env, Derived::kName, "one operation at a time");
    return resource;
  }

 private:
  static napi_type_tag Tag() {
    uint64_t hash = 1469598103934665603ull;  // FNV-1a of the class name
    for (const char* c = Derived::kName; *c; ++c) hash = (hash ^ uint8_t(*c)) * 1099511628211ull;
    return {0x6c6c6176616f7631ull, hash};
  }

  void Finished(Napi::Env env) {
    if (--pending_ > 0 || !disposed_) return;
    resource_.reset();
    for (auto& deferred : waiting_) deferred.Resolve(env.Undefined());
    waiting_.clear();
  }

  int pending_ = 0;
  bool disposed_ = false;
  std::vector<Napi::Promise::Deferred> waiting_;
};

}  // namespace llavaov
