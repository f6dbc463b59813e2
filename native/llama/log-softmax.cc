#include "llama/log-softmax.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

namespace llavaov {
namespace {

constexpr int kBlock = 1024;
constexpr int kLanes = 8;  // independent, so that vector units can work on them side by side

// exp(x) for x <= 0, to 5e-7; no less than exp(-87). Branch-free, so that compilers make vectors of
// it without -ffast-math: 2^n * 2^f, n rounded by adding 1.5 * 2^23, 2^f a polynomial on [-0.5,
// 0.5].
inline float FastExp(float x) {
  const float clamped = x < -87.0f ? -87.0f : x;  // keeps NaN
  const float t = clamped * 1.44269504f;
  const float shifted = t + 12582912.0f;
  const float f = t - (shifted - 12582912.0f);
  float p = 1.5353362e-4f;
  p = p * f + 1.3398874e-3f;
  p = p * f + 9.6184373e-3f;
  p = p * f + 5.5503324e-2f;
  p = p * f + 2.4022648e-1f;
  p = p * f + 6.9314720e-1f;
  p = p * f + 1.0f;
  uint32_t bits;
  std::memcpy(&bits, &shifted, sizeof bits);
  bits = (bits - 0x4b400000u + 127u) << 23;
  float scale;
  std::memcpy(&scale, &bits, sizeof scale);
  return p * scale;
}

// The largest value, not looking at NaN.
float Max(const float* x, int n) {
  float lanes[kLanes];
  std::fill(lanes, lanes + kLanes, x[0]);
  int i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    for (int j = 0; j < kLanes; ++j) lanes[j] = x[i + j] > lanes[j] ? x[i + j] : lanes[j];
  }
  for (; i < n; ++i) lanes[0] = x[i] > lanes[0] ? x[i] : lanes[0];
  return *std::max_element(lanes, lanes + kLanes);
}

}  // namespace

void ExpDifferences(const float* x, int n, float max, float* out) {
  for (int i = 0; i < n; ++i) out[i] = FastExp(x[i] - max);
}

double LogSumExp(const float* x, int n) {
  const float max = Max(x, n);
  float exps[kBlock];
  double lanes[kLanes] = {};
  for (int start = 0; start < n; start += kBlock) {
    const int size = std::min(kBlock, n - start);
    ExpDifferences(x + start, size, max, exps);
    std::fill(exps + size, exps + kBlock, 0.0f);
    for (int i = 0; i < kBlock; i += kLanes) {
      for (int j = 0; j < kLanes; ++j) lanes[j] += exps[i + j];
    }
  }
  return double(max) + std::log(std::accumulate(lanes, lanes + kLanes, 0.0));
}

int IndexOfMax(const float* x, int n) {
  const float max = Max(x, n);
  return int(std::find(x, x + n, max) - x);
}

std::vector<int32_t> LargestIds(const float* x, int n, int count) {
  if (count == 0) return {};
  const auto better = [x](int32_t a, int32_t b) { return x[a] != x[b] ? x[a] > x[b] : a < b; };
  std::vector<int32_t> heap;  // worst on top
  heap.reserve(count + 1);
  for (int32_t id = 0; id < n; ++id) {
    if (int(heap.size()) == count && !(x[id] > x[heap.front()])) continue;
    heap.push_back(id);
    std::push_heap(heap.begin(), heap.end(), better);
    if (int(heap.size()) <= count) continue;
    std::pop_heap(heap.begin(), heap.end(), better);
    heap.pop_back();
  }
  std::sort_heap(heap.begin(), heap.end(), better);
  return heap;
}

}  // namespace llavaov
