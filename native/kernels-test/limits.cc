// What the machine gives: operations per second of the instructions that the kernels are made of,
// from registers, and bytes read per second, on so many threads at once. One line of JSON.
// `llava-onevision-kernels-limits [THREADS [SECONDS]]`; an integer product that the instruction set
// has no instruction for is null.
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <thread>

#include "kernels-test/graph.h"
#include "kernels/simd.h"

namespace llavaov::kernels::test {
namespace {

// In flight: twice what two units of a latency of five need, since ports are not chosen evenly.
#if defined(LLAVAOV_WIDE)
constexpr int kSums = 16;
#else
constexpr int kSums = 12;
#endif
constexpr int kSteps = 10000;
constexpr size_t kBytes = size_t(256) << 20;  // of a thread: more than caches hold

std::atomic<float> sink;  // keeps results from being optimised away

template <class V, class Step>
void Repeat(V zero, Step step) {
  V sums[kSums];
  LLAVAOV_UNROLL
  for (int i = 0; i < kSums; ++i) sums[i] = zero;
  for (int n = 0; n < kSteps; ++n) {
    LLAVAOV_UNROLL
    for (int i = 0; i < kSums; ++i) {
      sums[i] = step(sums[i]);
#if defined(__GNUC__)
      asm volatile("" : "+v"(sums[i]));  // equal sums are not one, nor steps a multiple
#endif
    }
  }
  float all[kSums][kLanes];
  std::memcpy(all, sums, sizeof all);
  sink = all[0][0] + all[kSums - 1][0];
}

double Clock(clockid_t clock) {
  timespec t;
  clock_gettime(clock, &t);
  return double(t.tv_sec) + double(t.tv_nsec) * 1e-9;
}

// Calls of `work` per second, of all threads together; each one's by its own clock: for what a core
// does alone its time on the CPU, which neighbours do not lengthen.
template <class Work>
double PerSecond(int threads, double seconds, clockid_t clock, Work work) {
  std::vector<double> rates(threads);
  std::vector<std::thread> pool;
  for (int t = 0; t < threads; ++t) {
    pool.emplace_back([&, t] {
      work(t);  // pages, caches and clock come up
      long calls = 0;
      double passed = 0.0;
      for (const double start = Clock(clock); passed < seconds; passed = Clock(clock) - start) {
        work(t);
        ++calls;
      }
      rates[t] = double(calls) / passed;
    });
  }
  for (std::thread& thread : pool) thread.join();
  return std::accumulate(rates.begin(), rates.end(), 0.0);
}

template <class Work>
double PerSecond(int threads, double seconds, Work work) {
  return PerSecond(threads, seconds, CLOCK_THREAD_CPUTIME_ID, work);
}

double Read(int threads, double seconds) {
  const size_t count = kBytes / sizeof(float);
  std::vector<float> data(count * threads, 1.0f);
  const double calls = PerSecond(threads, seconds, CLOCK_MONOTONIC, [&](int t) {
    const float* from = data.data() + count * t;
    F sums[4] = {Zero(), Zero(), Zero(), Zero()};
    for (size_t i = 0; i < count; i += 4 * kLanes) {
      LLAVAOV_UNROLL
      for (int k = 0; k < 4; ++k) sums[k] = Add(sums[k], Load(from + i + k * kLanes));
    }
    sink = SumOf(Add(Add(sums[0], sums[1]), Add(sums[2], sums[3])));
  });
  return calls * kBytes;
}

int Main(int argc, char** argv) {
  if (!CpuRuns()) return kCannotRun;
  const int threads = argc > 1 ? std::atoi(argv[1]) : 1;
  const double seconds = argc > 2 ? std::atof(argv[2]) : 0.5;
  const double lanes = 2.0 * kSums * kSteps * kLanes;
  const double f32 = lanes * PerSecond(threads, seconds, [](int) {
                       const F x = Set(0.5f);
                       Repeat(Zero(), [x](F sum) { return MulAdd(x, x, sum); });
                     });
  std::printf("{\"instructionSet\":\"%s\",\"threads\":%d,\"f32\":%.4g,\"read\":%.4g",
              InstructionSet(), threads, f32, Read(threads, seconds));
#if defined(LLAVAOV_VNNI)
  const I x = Integers(0x01010101);
  const auto bytes = [x](int) { Repeat(Integers(0), [x](I sum) { return DotBytes(sum, x, x); }); };
  const auto words = [x](int) { Repeat(Integers(0), [x](I sum) { return DotWords(sum, x, x); }); };
  std::printf(",\"int8\":%.4g,\"int16\":%.4g}\n", 4 * lanes * PerSecond(threads, seconds, bytes),
              2 * lanes * PerSecond(threads, seconds, words));
#else
  std::printf(",\"int8\":null,\"int16\":null}\n");
#endif
  return 0;
}

}  // namespace
}  // namespace llavaov::kernels::test

int main(int argc, char** argv) { return llavaov::kernels::test::Main(argc, argv); }
