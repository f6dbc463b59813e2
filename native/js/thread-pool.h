// The JavaScript handle of Workers.
#pragma once

#include "js/async-handle.h"
#include "llama/thread-pool.h"

namespace llavaov {

class ThreadPool : public AsyncHandle<ThreadPool, Workers> {
 public:
  static constexpr const char* kName = "ThreadPool";
  static std::vector<Property> Members() {
    return {InstanceAccessor("threads", &ThreadPool::Get<&Workers::threads>, nullptr)};
  }

  explicit ThreadPool(const Napi::CallbackInfo& info) : Base(info) {
    const int threads = int(IntArg(info[0], "threads", 1, 512));
    const bool is_own = !info[1].IsUndefined() && BoolArg(info[1], "isOwn");
    resource_ = Rethrow(info.Env(), [&] {
      return is_own ? std::make_shared<Workers>(threads) : Workers::Shared(threads);
    });
  }
};

}  // namespace llavaov
