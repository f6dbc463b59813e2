#include "llama/thread-pool.h"

#include <future>
#include <map>
#include <system_error>
#include <vector>

#include "errors.h"

namespace llavaov {
namespace {

// ggml ends the process over a thread that it cannot start (ggml-cpu.c,
// ggml_threadpool_new_impl of v0.5.0), so as many are started and ended before.
bool CanStart(int threads) {
  std::promise<void> end;
  const std::shared_future<void> ended = end.get_future().share();
  std::vector<std::future<void>> started;
  bool can_start = true;
  try {
    for (int i = 0; i < threads; ++i) {
      started.push_back(std::async(std::launch::async, [ended] { ended.wait(); }));
    }
  } catch (const std::system_error&) {
    can_start = false;
  }
  end.set_value();
  return can_start;
}

}  // namespace

std::shared_ptr<Workers> Workers::Shared(int threads) {
  // Never destroyed: exit() may come while they are at work.
  static auto* mutex = new std::mutex();
  static auto* shared = new std::map<int, std::weak_ptr<Workers>>();
  const std::lock_guard<std::mutex> lock(*mutex);
  std::weak_ptr<Workers>& known = (*shared)[threads];
  std::shared_ptr<Workers> workers = known.lock();
  if (!workers) known = workers = std::make_shared<Workers>(threads, /*is_shared=*/true);
  return workers;
}

Workers::Workers(int threads, bool is_shared) : threads_(threads), is_shared_(is_shared) {
  ggml_threadpool_params params = ggml_threadpool_params_default(threads);
  pool_ = CanStart(threads) ? ggml_threadpool_new(&params) : nullptr;
  if (!pool_) throw NativeError("ERR_OUT_OF_MEMORY", Format("Could not start %d threads", threads));
}

Workers::~Workers() { ggml_threadpool_free(pool_); }

}  // namespace llavaov
