// CPU workers that the decoder and the tower share, kept between graphs: starting threads for every
// token would cost more than some tokens do.
#pragma once

#include <ggml-cpu.h>

#include <memory>
#include <mutex>

#include "js/handle.h"

namespace llavaov {

class Workers {
 public:
  explicit Workers(int threads);
  ~Workers();
  Workers(const Workers&) = delete;

  int threads() const { return threads_; }
  ggml_threadpool_t pool() const { return pool_; }
  // A ggml thread pool runs one graph at a time: hold this while computing.
  std::mutex& mutex() { return mutex_; }

 private:
  int threads_;
  ggml_threadpool_t pool_;
  std::mutex mutex_;
};

class ThreadPool : public Handle<ThreadPool, Workers> {
 public:
  static constexpr const char* kName = "ThreadPool";
  static std::vector<Property> Members();
  explicit ThreadPool(const Napi::CallbackInfo& info);

 private:
  Napi::Value Threads(const Napi::CallbackInfo& info);
};

}  // namespace llavaov
