// CPU workers that the decoder and the tower share, kept between graphs: starting threads for every
// token would cost more than some tokens do.
#pragma once

#include <ggml-cpu.h>

#include <mutex>

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

}  // namespace llavaov
