#include "vision/feature-map.h"

#include <algorithm>
#include <cstring>
#include <vector>

namespace llavaov {
namespace {

// Two neighbours and their shares, computed in f32 as torch's interpolate(mode='bilinear',
// align_corners=False, antialias=False) does on a CPU.
struct Blend {
  int64_t first, second;
  float share_first, share_second;
};

std::vector<Blend> Blends(int64_t in, int64_t out) {
  std::vector<Blend> blends(out);
  const float scale = float(in) / float(out);
  for (int64_t i = 0; i < out; ++i) {
    const float source = std::max(0.0f, scale * (float(i) + 0.5f) - 0.5f);
    const int64_t first = std::min(int64_t(source), in - 1);
    const float share = std::clamp(source - float(first), 0.0f, 1.0f);
    blends[i] = {first, std::min(first + 1, in - 1), 1.0f - share, share};
  }
  return blends;
}

class Map {
 public:
  Map(const float* features, const MapShape& shape) : features_(features), shape_(shape) {}

  // The features of one patch of the cropped map.
  const float* At(int64_t row, int64_t col) const {
    row += shape_.crop_top;
    col += shape_.crop_left;
    const int64_t side = shape_.side;
    const int64_t tile = row / side * shape_.cols + col / side;
    const int64_t patch = row % side * side + col % side;
    return features_ + (tile * side * side + patch) * shape_.n_embd;
  }

 private:
  const float* features_;
  const MapShape& shape_;
};

void CopyRow(const Map& map, const MapShape& shape, int64_t row, float* out) {
  for (int64_t col = 0; col < shape.out_cols; ++col, out += shape.n_embd) {
    std::memcpy(out, map.At(row, col), shape.n_embd * sizeof(float));
  }
}

void BlendRow(const Map& map, const MapShape& shape, const Blend& y,
              const std::vector<Blend>& across, float* out) {
  for (const Blend& x : across) {
    const float* a = map.At(y.first, x.first);
    const float* b = map.At(y.first, x.second);
    const float* c = map.At(y.second, x.first);
    const float* d = map.At(y.second, x.second);
    for (int64_t i = 0; i < shape.n_embd; ++i) {
      const float upper = a[i] * x.share_first + b[i] * x.share_second;
      const float lower = c[i] * x.share_first + d[i] * x.share_second;
      out[i] = upper * y.share_first + lower * y.share_second;
    }
    out += shape.n_embd;
  }
}

}  // namespace

void AssembleMap(const float* features, const MapShape& shape, float* out) {
  const Map map(features, shape);
  const bool is_same = shape.out_rows == shape.crop_rows && shape.out_cols == shape.crop_cols;
  const std::vector<Blend> down = Blends(shape.crop_rows, shape.out_rows);
  const std::vector<Blend> across = Blends(shape.crop_cols, shape.out_cols);
  for (int64_t row = 0; row < shape.out_rows; ++row) {
    if (is_same) {
      CopyRow(map, shape, row, out);
    } else {
      BlendRow(map, shape, down[row], across, out);
    }
    out += shape.out_cols * shape.n_embd;
  }
}

}  // namespace llavaov
