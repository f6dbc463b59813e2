// What the machine gives: operations per second of the instructions that the kernels are made of,
// from registers, and bytes read per second, on so many threads at once. One line of JSON.
// `llava-onevision-kernels-limits [THREADS [SECONDS [read]]]`: `read` measures bytes alone; an
// integer product that the instruction set has no instruction for is null.
#include <sys/mman.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <numeric>
#include <thread>

#include "kernels-test/graph.h"
#include "kernels/simd.h"
#include "kernels/tiles.h"

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

// As the system maps files that it has in memory, in large pages where there are any.
std::unique_ptr<void, decltype(&std::free)> Memory(size_t bytes) {
  constexpr size_t kPage = size_t(2) << 20;
  void* data = std::aligned_alloc(kPage, bytes);
#if defined(MADV_HUGEPAGE)
  madvise(data, bytes, MADV_HUGEPAGE);
#endif
  std::memset(data, 0, bytes);
  return {data, std::free};
}

// From as many places at once as are fastest (one row's product reads so).
double Read(int threads, double seconds) {
  constexpr int kStreams = 8;
  constexpr size_t kCount = kBytes / sizeof(float), kStretch = kCount / kStreams;
  const auto memory = Memory(kBytes * threads);
  const double calls = PerSecond(threads, seconds, CLOCK_MONOTONIC, [&](int t) {
    const float* from = static_cast<const float*>(memory.get()) + kCount * t;
    F sums[kStreams];
    for (F& sum : sums) sum = Zero();
    for (size_t i = 0; i < kStretch; i += 4 * kLanes) {
      LLAVAOV_UNROLL
      for (int k = 0; k < kStreams; ++k) {
        LLAVAOV_UNROLL
        for (int j = 0; j < 4; ++j) {
          sums[k] = Add(sums[k], Load(from + k * kStretch + i + j * kLanes));
        }
      }
    }
    for (int k = 1; k < kStreams; ++k) sums[0] = Add(sums[0], sums[k]);
    sink = SumOf(sums[0]);
  });
  return calls * kBytes;
}

#if defined(LLAVAOV_TILES)
// Four sums of two tiles by two: what the kernels have in registers.
double Bfloats(int threads, double seconds) {
  constexpr double kProduct = 2.0 * kTileHeight * (kTileBytes / 4) * (kTileBytes / 2);
  const double calls = PerSecond(threads, seconds, [](int) {
    const TilesInUse tiles(TileShapes::Whole());
    for (int n = 0; n < kSteps; ++n) {
      DotTiles<0, 4, 6>();
      DotTiles<1, 4, 7>();
      DotTiles<2, 5, 6>();
      DotTiles<3, 5, 7>();
    }
  });
  return 4 * kSteps * kProduct * calls;
}
#endif

// ,"name":rate …
void PrintOperations(int threads, double seconds) {
  const double lanes = 2.0 * kSums * kSteps * kLanes;
  const double f32 = lanes * PerSecond(threads, seconds, [](int) {
                       const F x = Set(0.5f);
                       Repeat(Zero(), [x](F sum) { return MulAdd(x, x, sum); });
                     });
  std::printf(",\"f32\":%.4g", f32);
#if defined(LLAVAOV_TILES)
  if (HasTiles()) std::printf(",\"bf16\":%.4g", Bfloats(threads, seconds));
#endif
#if defined(LLAVAOV_VNNI)
  const I x = Integers(0x01010101);
  const auto bytes = [x](int) { Repeat(Integers(0), [x](I sum) { return DotBytes(sum, x, x); }); };
  const auto words = [x](int) { Repeat(Integers(0), [x](I sum) { return DotWords(sum, x, x); }); };
  std::printf(",\"int8\":%.4g,\"int16\":%.4g", 4 * lanes * PerSecond(threads, seconds, bytes),
              2 * lanes * PerSecond(threads, seconds, words));
#else
  const I x = Integers(0x01010101);
  const auto bytes = [x](int) {  // weights that are at most 63: twice four products a step
    Repeat(Integers(0),
           [x](I sum) { return AddPairs(sum, AddWords(Pairs(sum, x), Pairs(x, sum))); });
  };
  std::printf(",\"int8\":%.4g,\"int16\":null", 8 * lanes * PerSecond(threads, seconds, bytes));
#endif
}

int Main(int argc, char** argv) {
  if (!CpuRuns()) return kCannotRun;
  const int threads = argc > 1 ? std::atoi(argv[1]) : 1;
  const double seconds = argc > 2 ? std::atof(argv[2]) : 0.5;
  std::printf("{\"instructionSet\":\"%s\",\"threads\":%d,\"read\":%.4g", InstructionSet(), threads,
              Read(threads, seconds));
  if (argc <= 3) PrintOperations(threads, seconds);
  std::printf("}\n");
  return 0;
}

}  // namespace
}  // namespace llavaov::kernels::test

int main(int argc, char** argv) { return llavaov::kernels::test::Main(argc, argv); }
