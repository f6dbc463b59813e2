// CPU workers, kept between graphs: starting threads for every token would cost more than some
// tokens do.
#pragma once

#include <ggml-cpu.h>

#include <memory>
#include <mutex>

namespace llavaov {

class Workers {
 public:
  // Those of the process with so many threads: its models take turns on the cores.
  static std::shared_ptr<Workers> Shared(int threads);
  // For a model on GPUs, which waits more than it computes here.
  explicit Workers(int threads, bool is_shared = false);
  ~Workers();
  Workers(const Workers&) = delete;

  int threads() const { return threads_; }
  bool is_shared() const { return is_shared_; }
  ggml_threadpool_t pool() const { return pool_; }
  // A ggml thread pool runs one graph at a time: hold this while computing.
  std::mutex& mutex() { return mutex_; }

 private:
  int threads_;
  bool is_shared_;
  ggml_threadpool_t pool_;
  std::mutex mutex_;
};

}  // namespace llavaov
