// Two passes of fixed-point weights, horizontal first, rounded to bytes in between; the kernel
// widens with the shrink factor (antialiasing). Rows pass through a ring just as tall as the
// vertical kernel, so a 1 x 1000000 strip needs no gigabyte in between. See Pillow's
// src/libImaging/Resample.c.
#include "vision/resize.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

namespace llavaov {
namespace {

constexpr int kChannels = 3;
// 8 bits of pixel, 2 bits of head room for the kernel's overshoot, 22 of weight: a sum fits int32.
constexpr int kWeightBits = 32 - 8 - 2;
constexpr int32_t kHalf = 1 << (kWeightBits - 1);
constexpr double kSupport = 2.0;

double Cubic(double x) {
  constexpr double a = -0.5;
  x = std::fabs(x);
  if (x < 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1;
  if (x < 2.0) return (((x - 5) * x + 8) * x - 4) * a;
  return 0.0;
}

// What one output row or column takes from the input.
struct Taps {
  int64_t first;
  int count;
  const int32_t* weights;
};

class Kernel {
 public:
  Kernel(int64_t in, int64_t out) : width_(1), spans_(out) {
    const double scale = double(in) / double(out);
    const double stretch = std::max(scale, 1.0);
    const double support = kSupport * stretch;
    width_ = int(std::ceil(support)) * 2 + 1;
    weights_.resize(size_t(out) * width_);
    std::vector<double> exact(width_);
    for (int64_t i = 0; i < out; ++i) {
      const double center = (i + 0.5) * scale;
      const int64_t first = std::max(int64_t(center - support + 0.5), int64_t(0));
      const int count = int(std::min(int64_t(center + support + 0.5), in) - first);
      double sum = 0.0;
      for (int k = 0; k < count; ++k) {
        exact[k] = Cubic((k + first - center + 0.5) * (1.0 / stretch));
        sum += exact[k];
      }
      spans_[i] = {first, count};
      for (int k = 0; k < count; ++k) {
        const double weight = (sum != 0.0 ? exact[k] / sum : exact[k]) * (1 << kWeightBits);
        weights_[i * width_ + k] = int32_t(weight < 0 ? weight - 0.5 : weight + 0.5);
      }
    }
  }

  int width() const { return width_; }
  Taps At(int64_t i) const {
    return {spans_[i].first, spans_[i].count, weights_.data() + i * width_};
  }

 private:
  struct Span {
    int64_t first;
    int count;
  };
  int width_;
  std::vector<Span> spans_;
  std::vector<int32_t> weights_;
};

uint8_t Clip(int32_t sum) { return uint8_t(std::clamp(sum >> kWeightBits, 0, 255)); }

void ResizeRow(const uint8_t* row, const Kernel& kernel, uint8_t* out, int64_t width) {
  for (int64_t x = 0; x < width; ++x, out += kChannels) {
    const Taps taps = kernel.At(x);
    const uint8_t* pixel = row + taps.first * kChannels;
    int32_t r = kHalf, g = kHalf, b = kHalf;
    for (int k = 0; k < taps.count; ++k, pixel += kChannels) {
      r += pixel[0] * taps.weights[k];
      g += pixel[1] * taps.weights[k];
      b += pixel[2] * taps.weights[k];
    }
    out[0] = Clip(r);
    out[1] = Clip(g);
    out[2] = Clip(b);
  }
}

// Input rows at the output's width, each computed once, the latest `height` of them kept.
class RowRing {
 public:
  RowRing(const uint8_t* rgb, ImageSize in, int64_t width, int height)
      : rgb_(rgb), in_(in), width_(width), height_(height), next_(0) {
    if (in.width == width) return;
    kernel_.emplace_back(in.width, width);
    ring_.resize(size_t(height) * width * kChannels);
  }

  // `y` never lies more than `height` rows behind the largest asked for.
  const uint8_t* Row(int64_t y) {
    if (kernel_.empty()) return rgb_ + y * in_.width * kChannels;
    next_ = std::max(next_, y - height_ + 1);
    for (; next_ <= y; ++next_) {
      ResizeRow(rgb_ + next_ * in_.width * kChannels, kernel_[0], Slot(next_), width_);
    }
    return Slot(y);
  }

 private:
  uint8_t* Slot(int64_t y) { return ring_.data() + (y % height_) * width_ * kChannels; }

  const uint8_t* rgb_;
  ImageSize in_;
  int64_t width_;
  int height_;
  int64_t next_;
  std::vector<Kernel> kernel_;  // empty when the width stays
  std::vector<uint8_t> ring_;
};

}  // namespace

void ResizeBicubic(const uint8_t* rgb, ImageSize in, uint8_t* out, ImageSize size) {
  const size_t row_bytes = size_t(size.width) * kChannels;
  if (in.height == size.height) {
    RowRing rows(rgb, in, size.width, 1);
    for (int64_t y = 0; y < size.height; ++y) {
      std::memcpy(out + y * row_bytes, rows.Row(y), row_bytes);
    }
    return;
  }
  const Kernel kernel(in.height, size.height);
  RowRing rows(rgb, in, size.width, kernel.width());
  std::vector<int32_t> sums(row_bytes);
  for (int64_t y = 0; y < size.height; ++y) {
    const Taps taps = kernel.At(y);
    std::fill(sums.begin(), sums.end(), kHalf);
    for (int k = 0; k < taps.count; ++k) {
      const uint8_t* row = rows.Row(taps.first + k);
      const int32_t weight = taps.weights[k];
      for (size_t x = 0; x < row_bytes; ++x) sums[x] += row[x] * weight;
    }
    for (size_t x = 0; x < row_bytes; ++x) out[y * row_bytes + x] = Clip(sums[x]);
  }
}

}  // namespace llavaov
