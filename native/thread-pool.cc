#include "thread-pool.h"

namespace llavaov {

Workers::Workers(int threads) : threads_(threads) {
  ggml_threadpool_params params = ggml_threadpool_params_default(threads);
  pool_ = ggml_threadpool_new(&params);
  if (!pool_) throw NativeError("ERR_OUT_OF_MEMORY", Format("Could not start %d threads", threads));
}

Workers::~Workers() { ggml_threadpool_free(pool_); }

std::vector<ThreadPool::Property> ThreadPool::Members() {
  return {InstanceAccessor("threads", &ThreadPool::Threads, nullptr)};
}

ThreadPool::ThreadPool(const Napi::CallbackInfo& info) : Base(info) {
  resource_ = std::make_shared<Workers>(int(IntArg(info[0], "threads", 1, 512)));
}

Napi::Value ThreadPool::Threads(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), Live(info.Env())->threads());
}

}  // namespace llavaov
