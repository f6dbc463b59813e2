// One node on ggml's threads, by our kernels or ggml's own, and what a test asks of it.
#pragma once

#include <ggml-cpp.h>
#include <ggml-cpu.h>
#include <ggml.h>

#if !defined(__aarch64__)
#include <xmmintrin.h>
#endif

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <ctime>
#include <cstring>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "kernels/hook.h"
#include "kernels/table.h"

namespace llavaov::kernels::test {

// Whether this CPU has what the kernels were compiled for. These programs themselves ask for
// nothing.
inline bool CpuRuns() {
#if defined(__aarch64__)
  return true;  // they have those of ggml beside them, which were compiled for a CPU of the
                // emulator
#else
  const std::string set = InstructionSet();
  const bool wide = set.rfind("AVX-512", 0) == 0 || set == "AMX";
  const auto vnni = wide ? __builtin_cpu_supports("avx512vnni") : __builtin_cpu_supports("avxvnni");
  return (!wide || __builtin_cpu_supports("avx512bw")) && __builtin_cpu_supports("avx2") &&
         (set.find("VNNI") == std::string::npos || vnni);
#endif
}

// How this thread rounds and treats denormals.
inline bool IsFloatingPointDefault() {
#if defined(__aarch64__)
  uint64_t control;
  asm volatile("mrs %0, fpcr" : "=r"(control));
  return control == 0;
#else
  constexpr unsigned kControls = 0xffc0, kDefault = 0x1f80;  // the rest is what has happened
  return (_mm_getcsr() & kControls) == kDefault;
#endif
}

constexpr int kCannotRun = 3;  // exit status

inline ggml_context_ptr NewContext(size_t bytes) {
  return ggml_context_ptr(ggml_init({bytes, nullptr, false}));
}

// Time on the CPU, which a busy machine does not lengthen much, for one thread; else by the clock.
inline double Now(int threads) {
  timespec t;
  clock_gettime(threads == 1 ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &t);
  return double(t.tv_sec) + double(t.tv_nsec) * 1e-9;
}

class Pools {
 public:
  ~Pools() {
    for (auto& [n, pool] : pools_) ggml_threadpool_free(pool);
  }
  ggml_threadpool* Of(int threads) {
    ggml_threadpool*& pool = pools_[threads];
    if (!pool) {
      ggml_threadpool_params params = ggml_threadpool_params_default(threads);
      params.poll = 0;  // more threads than cores
      pool = ggml_threadpool_new(&params);
    }
    return pool;
  }

 private:
  std::map<int, ggml_threadpool*> pools_;
};

struct Run {
  std::vector<float> values;
  double seconds;
  bool is_ours;
};

// Computes `node` with nothing but what it needs: the work buffer is as large as was asked for.
inline Run Compute(ggml_context* context, ggml_tensor* node, Pools& pools, int threads, bool ours) {
  Hold(ours);
  ggml_cgraph* graph = ggml_new_graph(context);
  ggml_build_forward_expand(graph, node);
  const uint64_t before = CountNodes().taken;
  ggml_cplan plan = ggml_graph_plan(graph, threads, pools.Of(threads));
  const bool is_ours = CountNodes().taken > before;
  std::vector<uint8_t> work(plan.work_size);  // a sanitizer sees whatever is beyond
  plan.work_data = work.data();
  std::memset(node->data, 0xff, ggml_nbytes(node));  // NaN, should a value be left out
  const double start = Now(threads);
  ggml_graph_compute(graph, &plan);
  const double seconds = Now(threads) - start;
  Release();
  const float* data = static_cast<const float*>(node->data);
  return {std::vector<float>(data, data + ggml_nelements(node)), seconds, is_ours};
}

// Whether the threads of a pool round, and treat denormals, as they did before any of our work.
inline bool AreAsBefore(Pools& pools, int threads) {
  const ggml_context_ptr context = NewContext(size_t(1) << 20);
  std::atomic<bool> result{true};
  const auto look = [](ggml_tensor*, const ggml_tensor*, int, int, void* result) {
    if (!IsFloatingPointDefault()) *static_cast<std::atomic<bool>*>(result) = false;
  };
  ggml_tensor* none = ggml_new_tensor_1d(context.get(), GGML_TYPE_F32, 1);
  ggml_tensor* node = ggml_map_custom1(context.get(), none, look, GGML_N_TASKS_MAX, &result);
  Compute(context.get(), node, pools, threads, true);
  return result;
}

// |x - reference| / |reference|, both as vectors.
inline double Error(const std::vector<float>& x, const std::vector<double>& reference) {
  double difference = 0.0, size = 0.0;
  for (size_t i = 0; i < x.size(); ++i) {
    difference += (x[i] - reference[i]) * (x[i] - reference[i]);
    size += reference[i] * reference[i];
  }
  return size > 0.0 ? std::sqrt(difference / size) : std::sqrt(difference);
}

inline bool SameBits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

// Rows with a value that is not finite.
inline int BadRows(const std::vector<float>& values, size_t width) {
  int rows = 0;
  for (size_t first = 0; first < values.size(); first += width) {
    bool is_bad = false;
    for (size_t i = first; i < first + width; ++i) is_bad |= !std::isfinite(values[i]);
    rows += is_bad;
  }
  return rows;
}

// Columns likewise.
inline int BadColumns(const std::vector<float>& values, size_t width) {
  std::vector<bool> is_bad(width);
  for (size_t i = 0; i < values.size(); ++i) {
    if (!std::isfinite(values[i])) is_bad[i % width] = true;
  }
  return int(std::count(is_bad.begin(), is_bad.end(), true));
}

}  // namespace llavaov::kernels::test
