#include "llama/log-softmax.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

namespace llavaov {
namespace {

constexpr int kBlock = 1024;
constexpr int kSmallBlock = 128;  // of which few have one of the largest
constexpr int kLanes = 32;        // independent, so that vector units can work on them side by side

// exp(x) for x <= 0, to 5e-7, 1 for 0; no less than exp(-87). Branch-free, so that compilers make
// vectors of it without -ffast-math: 2^n * 2^f, n rounded by adding 1.5 * 2^23, 2^f a polynomial on
// [-0.5, 0.5] that is off by 9e-8 at most.
inline float FastExp(float x) {
  const float clamped = x < -87.0f ? -87.0f : x;  // keeps NaN
  const float t = clamped * 1.44269504f;
  const float shifted = t + 12582912.0f;
  const float f = t - (shifted - 12582912.0f);
  float p = 1.32647e-3f;
  p = p * f + 9.67151e-3f;
  p = p * f + 5.550734e-2f;
  p = p * f + 2.4022242e-1f;
  p = p * f + 6.9314698e-1f;
  p = p * f + 1.0f;
  uint32_t bits;
  std::memcpy(&bits, &shifted, sizeof bits);
  bits = (bits - 0x4b400000u + 127u) << 23;
  float scale;
  std::memcpy(&scale, &bits, sizeof scale);
  return p * scale;
}

// The largest of these and `max`, not looking at NaN.
inline float Max(const float* x, int n, float max) {
  float lanes[kLanes];
  std::fill(lanes, lanes + kLanes, max);
  int i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    for (int j = 0; j < kLanes; ++j) lanes[j] = x[i + j] > lanes[j] ? x[i + j] : lanes[j];
  }
  for (; i < n; ++i) lanes[0] = x[i] > lanes[0] ? x[i] : lanes[0];
  return *std::max_element(lanes, lanes + kLanes);
}

// In pairs, which loses no more than a chain of ten additions would. Overwrites them.
inline double Sum(float* block) {
  for (int half = kBlock / 2; half >= kLanes; half /= 2) {
    for (int i = 0; i < half; ++i) block[i] += block[i + half];
  }
  return std::accumulate(block, block + kLanes, 0.0);
}

}  // namespace

void ExpDifferences(const float* x, int n, float max, float* out) {
  for (int i = 0; i < n; ++i) out[i] = FastExp(x[i] - max);
}

// One block after the other, each while it is in the cache, to the largest value so far.
double LogSumExp(const float* x, int n) {
  float max = -INFINITY;
  double sum = 0;
  float exps[kBlock];
  for (int start = 0; start < n; start += kBlock) {
    const int size = std::min(kBlock, n - start);
    const float before = max;
    max = Max(x + start, size, before);
    if (max > before) sum *= std::exp(double(before) - max);
    ExpDifferences(x + start, size, max > -INFINITY ? max : 0, exps);
    std::fill(exps + size, exps + kBlock, 0.0f);
    sum += Sum(exps);
  }
  return max > -INFINITY ? double(max) + std::log(sum) : NAN;
}

int IndexOfMax(const float* x, int n) {
  float max = x[0];
  int found = 0;  // the block with the first of the largest
  for (int start = 0; start < n; start += kBlock) {
    const float before = max;
    max = Max(x + start, std::min(kBlock, n - start), before);
    if (max > before) found = start;
  }
  return int(std::find(x + found, x + n, max) - x);
}

std::vector<int32_t> LargestIds(const float* x, int n, int count) {
  if (count == 0) return {};
  const auto better = [x](int32_t a, int32_t b) { return x[a] != x[b] ? x[a] > x[b] : a < b; };
  std::vector<int32_t> heap;  // worst on top
  heap.reserve(count + 1);
  const auto is_worse = [&](float value) {
    return int(heap.size()) == count && !(value > x[heap.front()]);
  };
  for (int32_t start = 0; start < n; start += kSmallBlock) {
    const int32_t end = std::min(n, start + kSmallBlock);
    if (is_worse(Max(x + start, end - start, -INFINITY))) continue;
    for (int32_t id = start; id < end; ++id) {
      if (is_worse(x[id])) continue;
      heap.push_back(id);
      std::push_heap(heap.begin(), heap.end(), better);
      if (int(heap.size()) <= count) continue;
      std::pop_heap(heap.begin(), heap.end(), better);
      heap.pop_back();
    }
  }
  std::sort_heap(heap.begin(), heap.end(), better);
  return heap;
}

}  // namespace llavaov
