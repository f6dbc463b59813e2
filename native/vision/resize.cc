// Two passes of fixed-point weights, horizontal first, rounded to bytes in between; the kernel
// widens with the shrink factor (antialiasing). Rows pass through a ring just as tall as the
// vertical kernel, so a 1 x 1000000 strip needs no gigabyte in between. A canvas around the picture
// is never built: what its fill adds to a sum is known beforehand, and where the picture does not
// reach, the sum is the fill again. See Pillow's src/libImaging/Resample.c.
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

// One side of a resize: `size` pixels stand at `offset` of a canvas, which becomes `out` pixels.
struct Axis {
  int64_t size;
  int64_t canvas;
  int64_t offset;
  int64_t out;
};

bool Stays(const Axis& axis) { return axis.size == axis.canvas && axis.canvas == axis.out; }

// What one output row or column takes from the picture; `bias` is what it takes from the fill.
struct Taps {
  int64_t first;
  int count;
  int32_t bias;
  const int32_t* weights;
};

class Kernel {
 public:
  Kernel(const Axis& axis, int fill) : fill_(fill), spans_(axis.out) {
    const double scale = double(axis.canvas) / double(axis.out);
    const double stretch = std::max(scale, 1.0);
    const double support = kSupport * stretch;
    width_ = int(std::ceil(support)) * 2 + 1;
    weights_.resize(size_t(axis.out) * width_);
    std::vector<double> exact(width_);
    for (int64_t i = 0; i < axis.out; ++i) {
      const double center = (i + 0.5) * scale;
      const int64_t first = std::max(int64_t(center - support + 0.5), int64_t(0));
      const int count = int(std::min(int64_t(center + support + 0.5), axis.canvas) - first);
      double sum = 0.0;
      for (int k = 0; k < count; ++k) {
        exact[k] = Cubic((k + first - center + 0.5) * (1.0 / stretch));
        sum += exact[k];
      }
      for (int k = 0; k < count; ++k) {
        const double weight = (sum != 0.0 ? exact[k] / sum : exact[k]) * (1 << kWeightBits);
        Add(axis, i, first + k - axis.offset, int32_t(weight < 0 ? weight - 0.5 : weight + 0.5));
      }
    }
  }

  int width() const { return width_; }
  // Outputs that the picture reaches, `end` excluded.
  int64_t begin() const { return begin_; }
  int64_t end() const { return end_; }
  Taps At(int64_t i) const {
    return {spans_[i].first, spans_[i].count, spans_[i].bias, weights_.data() + i * width_};
  }

 private:
  struct Span {
    int64_t first = 0;
    int count = 0;
    int32_t bias = 0;
  };

  // `at` counts from the picture's first pixel.
  void Add(const Axis& axis, int64_t i, int64_t at, int32_t weight) {
    Span& span = spans_[i];
    if (at < 0 || at >= axis.size) {
      span.bias += fill_ * weight;
      return;
    }
    if (span.count == 0) span.first = at;
    weights_[i * width_ + span.count++] = weight;
    if (end_ == 0) begin_ = i;
    end_ = i + 1;
  }

  int fill_;
  int width_ = 1;
  int64_t begin_ = 0;
  int64_t end_ = 0;
  std::vector<Span> spans_;
  std::vector<int32_t> weights_;
};

uint8_t Clip(int32_t sum) { return uint8_t(std::clamp(sum >> kWeightBits, 0, 255)); }

// Writes the columns that the picture reaches.
void ResizeRow(const uint8_t* row, const Kernel& kernel, uint8_t* out) {
  out += kernel.begin() * kChannels;
  for (int64_t x = kernel.begin(); x < kernel.end(); ++x, out += kChannels) {
    const Taps taps = kernel.At(x);
    const uint8_t* pixel = row + taps.first * kChannels;
    int32_t r = kHalf + taps.bias, g = r, b = r;
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

// The picture's rows at the output's width, each computed once, the latest `height` of them kept.
// Only columns from begin() to end() are there.
class RowRing {
 public:
  RowRing(const uint8_t* rgb, const Axis& across, int height, const Resizing& how)
      : rgb_(rgb), across_(across), height_(height), cancel_(how.cancel) {
    if (Stays(across)) return;
    kernel_.emplace_back(across, how.fill);
    ring_.resize(size_t(height) * across.out * kChannels);
  }

  int64_t begin() const { return kernel_.empty() ? 0 : kernel_[0].begin(); }
  int64_t end() const { return kernel_.empty() ? across_.out : kernel_[0].end(); }

  // `y` never lies more than `height` rows behind the largest asked for.
  const uint8_t* Row(int64_t y) {
    if (kernel_.empty()) return rgb_ + y * across_.size * kChannels;
    next_ = std::max(next_, y - height_ + 1);
    for (; next_ <= y; ++next_) {
      ThrowIfCancelled(cancel_);
      ResizeRow(rgb_ + next_ * across_.size * kChannels, kernel_[0], Slot(next_));
    }
    return Slot(y);
  }

 private:
  uint8_t* Slot(int64_t y) { return ring_.data() + (y % height_) * across_.out * kChannels; }

  const uint8_t* rgb_;
  Axis across_;
  int height_;
  const CancelFlag* cancel_;
  int64_t next_ = 0;
  std::vector<Kernel> kernel_;  // empty when the width stays
  std::vector<uint8_t> ring_;
};

// Fills in what the picture reaches of `out`.
void Resize(const uint8_t* rgb, const Axis& across, const Axis& down, uint8_t* out,
            const Resizing& how) {
  const bool is_same = Stays(down);
  const Kernel kernel(down, how.fill);
  RowRing rows(rgb, across, is_same ? 1 : kernel.width(), how);
  const size_t row_bytes = size_t(across.out) * kChannels;
  const size_t left = rows.begin() * kChannels;
  const size_t n = rows.end() * kChannels - left;
  std::vector<int32_t> sums(n);
  for (int64_t y = kernel.begin(); y < kernel.end(); ++y) {
    ThrowIfCancelled(how.cancel);
    uint8_t* to = out + y * row_bytes + left;
    if (is_same) {
      std::memcpy(to, rows.Row(y) + left, n);
      continue;
    }
    const Taps taps = kernel.At(y);
    std::fill(sums.begin(), sums.end(), kHalf + taps.bias);
    for (int k = 0; k < taps.count; ++k) {
      const uint8_t* row = rows.Row(taps.first + k) + left;
      const int32_t weight = taps.weights[k];
      for (size_t x = 0; x < n; ++x) sums[x] += row[x] * weight;
    }
    for (size_t x = 0; x < n; ++x) to[x] = Clip(sums[x]);
  }
}

}  // namespace

void ResizeBicubic(const uint8_t* rgb, ImageSize in, uint8_t* out, ImageSize size,
                   const Resizing& how) {
  Resize(rgb, {in.width, in.width, 0, size.width}, {in.height, in.height, 0, size.height}, out,
         how);
}

void ResizeSquared(const uint8_t* rgb, ImageSize in, uint8_t* out, int64_t side,
                   const Resizing& how) {
  const int64_t length = std::max(in.width, in.height);
  std::memset(out, how.fill, size_t(side) * side * kChannels);
  Resize(rgb, {in.width, length, (length - in.width) / 2, side},
         {in.height, length, (length - in.height) / 2, side}, out, how);
}

}  // namespace llavaov
