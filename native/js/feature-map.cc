#include "vision/feature-map.h"

#include "js/args.h"
#include "js/promise-worker.h"
#include "js/register.h"

namespace llavaov {
namespace {

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
  const MapShape shape = ShapeArg(info[1]);
  if (features.size != uint64_t(shape.rows * shape.cols * shape.side * shape.side * shape.n_embd)) {
    throw InvalidArgument(env, "features", "rows * cols * side² * nEmbd values");
  }
  auto out = Napi::Float32Array::New(env, shape.out_rows * shape.out_cols * shape.n_embd);
  return PromiseWorker::RunFilling(
      env, {info[0]}, out, [=, rows = out.Data()] { AssembleMap(features.data, shape, rows); });
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
  return PromiseWorker::RunFilling(env, {info[0]}, out, [=, rows = out.Data()] {
    for (int64_t i = 0; i < frames; ++i) {
      AssembleMap(features.data + i * frame_size, shape, rows + i * out_size);
    }
  });
}

}  // namespace

void RegisterFeatureMap(Napi::Env env, Napi::Object exports) {
  exports.Set("assembleMap", Napi::Function::New(env, Assemble, "assembleMap"));
  exports.Set("poolFrames", Napi::Function::New(env, Pool, "poolFrames"));
}

}  // namespace llavaov
