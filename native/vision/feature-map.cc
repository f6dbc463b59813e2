#include "vision/feature-map.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "js/args.h"
#include "js/promise-worker.h"

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

constexpr int64_t kMaxTiles = 256, kMaxSide = 2048, kMaxEmbd = 1 << 18, kMaxFrames = 1 << 12;

MapShape ShapeArg(const Napi::Value& value) {
  const Napi::Object options = ObjectArg(value, "options");
  const auto integer = [&](const char* name, int64_t min, int64_t max) {
    return IntArg(options.Get(name), name, min, max);
  };
  MapShape shape;
  shape.cols = integer("cols", 1, kMaxTiles);
  shape.rows = integer("rows", 1, kMaxTiles);
  shape.side = integer("side", 1, kMaxSide);
  shape.n_embd = integer("nEmbd", 1, kMaxEmbd);
  shape.crop_top = integer("cropTop", 0, shape.rows * shape.side - 1);
  shape.crop_left = integer("cropLeft", 0, shape.cols * shape.side - 1);
  shape.crop_rows = integer("cropRows", 1, shape.rows * shape.side - shape.crop_top);
  shape.crop_cols = integer("cropCols", 1, shape.cols * shape.side - shape.crop_left);
  shape.out_rows = integer("outRows", 1, shape.crop_rows);
  shape.out_cols = integer("outCols", 1, shape.crop_cols);
  return shape;
}

Napi::Value Assemble(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Span<float> features = Float32Arg(info[0], "features");
  const Span<float> newline = Float32Arg(info[1], "newline");
  const MapShape shape = ShapeArg(info[2]);
  if (features.size != uint64_t(shape.rows * shape.cols * shape.side * shape.side * shape.n_embd)) {
    throw InvalidArgument(env, "features", "rows * cols * side² * nEmbd values");
  }
  if (newline.size != size_t(shape.n_embd)) throw InvalidArgument(env, "newline", "nEmbd values");
  auto out = Napi::Float32Array::New(env, shape.out_rows * (shape.out_cols + 1) * shape.n_embd);
  return RunFilling(env, {info[0], info[1]}, out, [=, rows = out.Data()] {
    AssembleMap(features.data, newline.data, shape, rows);
  });
}

Napi::Value Pool(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Span<float> features = Float32Arg(info[0], "features");
  const int64_t frames = IntArg(info[1], "frames", 1, kMaxFrames);
  const int64_t side = IntArg(info[2], "side", 1, kMaxSide);
  const int64_t out_side = IntArg(info[3], "outSide", 1, side);
  const int64_t n_embd = IntArg(info[4], "nEmbd", 1, kMaxEmbd);
  const int64_t frame_size = side * side * n_embd, out_size = out_side * out_side * n_embd;
  if (features.size != uint64_t(frames * frame_size)) {
    throw InvalidArgument(env, "features", "frames * side² * nEmbd values");
  }
  auto out = Napi::Float32Array::New(env, frames * out_size);
  const MapShape shape = {1, 1, side, n_embd, 0, 0, side, side, out_side, out_side};
  return RunFilling(env, {info[0]}, out, [=, rows = out.Data()] {
    for (int64_t i = 0; i < frames; ++i) {
      AssembleMap(features.data + i * frame_size, nullptr, shape, rows + i * out_size);
    }
  });
}

}  // namespace

void AssembleMap(const float* features, const float* newline, const MapShape& shape, float* out) {
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
    if (newline) out = std::copy_n(newline, shape.n_embd, out);
  }
}

void RegisterFeatureMap(Napi::Env env, Napi::Object exports) {
  exports.Set("assembleMap", Napi::Function::New(env, Assemble, "assembleMap"));
  exports.Set("poolFrames", Napi::Function::New(env, Pool, "poolFrames"));
}

}  // namespace llavaov
