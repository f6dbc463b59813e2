// NativeVisionEncoder of src/binding.ts: a Tower that JavaScript holds.
#include <algorithm>
#include <string>

#include "js/async-handle.h"
#include "js/cancel-handle.h"
#include "js/devices.h"
#include "js/register.h"
#include "js/thread-pool.h"
#include "vision/tower.h"

namespace llavaov {
namespace {

class VisionEncoder : public AsyncHandle<VisionEncoder, Tower> {
 public:
  static constexpr const char* kName = "VisionEncoder";
  static std::vector<Property> Members();
  explicit VisionEncoder(const Napi::CallbackInfo& info) : Base(info) {}

 private:
  Napi::Value Newline(const Napi::CallbackInfo& info);
  Napi::Value Encode(const Napi::CallbackInfo& info);
};

void ReadChannels(const Napi::Object& options, const char* name, float* channels) {
  const Span<float> values = Float32Arg(options.Get(name), name);
  if (values.size != 3) throw InvalidArgument(options.Env(), name, "three numbers");
  std::copy_n(values.data, 3, channels);
}

// Bounds keep every product of sizes far from overflow.
SiglipShape ShapeArg(const Napi::Object& options) {
  const auto integer = [&](const char* name, int64_t max) {
    return IntArg(options.Get(name), name, 1, max);
  };
  SiglipShape shape;
  shape.image_size = integer("imageSize", 1 << 13);
  shape.patch_size = integer("patchSize", shape.image_size);
  if (shape.n_patches() > 1 << 16) {
    throw InvalidArgument(options.Env(), "patchSize", "at most 65536 patches per tile");
  }
  shape.n_embd = integer("nEmbd", 1 << 16);
  shape.n_ffn = integer("nFfn", 1 << 18);
  shape.n_head = integer("nHead", shape.n_embd);
  if (shape.n_embd % shape.n_head != 0) {
    throw InvalidArgument(options.Env(), "nHead", "a divisor of nEmbd");
  }
  shape.n_layer = integer("nLayer", 1 << 10);
  shape.n_projection = integer("nProjection", 1 << 18);
  const double epsilon = NumberArg(options.Get("layerNormEpsilon"), "layerNormEpsilon");
  if (!(epsilon >= 0.0 && epsilon < 1.0)) {
    throw InvalidArgument(options.Env(), "layerNormEpsilon", "a number from 0 to 1");
  }
  shape.layer_norm_epsilon = float(epsilon);
  ReadChannels(options, "imageMean", shape.mean);
  ReadChannels(options, "imageStd", shape.std);
  return shape;
}

Napi::Value Load(const Napi::CallbackInfo& info) {
  const Napi::Object options = ObjectArg(info[0], "options");
  const std::string path = TextArg(options.Get("path"), "path");
  const Napi::Value file = options.Get("file");
  const GgufPath where{path, file.IsUndefined() ? path : TextArg(file, "file")};
  const bool use_gpu = BoolArg(options.Get("useGpu"), "useGpu");
  // Where there is no GPU the CPU does it.
  const Devices gpus = use_gpu ? DevicesArg(options.Get("devices"), "devices") : Devices{};
  ggml_backend_dev_t device = gpus.empty() ? nullptr : gpus[0];
  const SiglipShape shape = ShapeArg(options);
  const std::shared_ptr<Workers> workers = ThreadPool::From(info[1], "pool");
  const std::shared_ptr<CancelFlag> cancel = Cancel::Optional(info[2], "cancel");
  const bool own_kernels = OwnKernelsArg(options);
  const auto work = [=] {
    return VisionEncoder::Wrap(
        std::make_shared<Tower>(shape, where, device, workers, own_kernels, cancel.get()));
  };
  return PromiseWorker::Run(info.Env(), {info[1]}, work, {/*.computes =*/false, cancel});
}

}  // namespace

std::vector<VisionEncoder::Property> VisionEncoder::Members() {
  return {
      InstanceAccessor("nPatches", &VisionEncoder::Get<&Tower::n_patches>, nullptr),
      InstanceAccessor("tilesPerCall", &VisionEncoder::Get<&Tower::tiles_per_call>, nullptr),
      InstanceAccessor("backend", &VisionEncoder::Get<&Tower::backend>, nullptr),
      InstanceAccessor("size", &VisionEncoder::Get<&Tower::size>, nullptr),
      InstanceAccessor("newline", &VisionEncoder::Newline, nullptr),
      InstanceMethod("encode", &VisionEncoder::Encode),
  };
}

Napi::Value VisionEncoder::Newline(const Napi::CallbackInfo& info) {
  const std::vector<float>& newline = Live(info.Env())->newline();
  if (newline.empty()) return info.Env().Null();
  return CopyOf<Napi::Float32Array>(info.Env(), newline);
}

Napi::Value VisionEncoder::Encode(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::shared_ptr<Tower> tower = Live(env);
  const Span<uint8_t> tiles = BytesArg(info[0], "tiles");
  const Span<float> out = Float32Arg(info[1], "out");
  const std::shared_ptr<CancelFlag> cancel = Cancel::Optional(info[2], "cancel");
  const SiglipShape& shape = tower->shape();
  const size_t tile_bytes = size_t(shape.image_size * shape.image_size * 3);
  const size_t n = tiles.size / tile_bytes;
  if (n == 0 || tiles.size % tile_bytes != 0) {
    throw InvalidArgument(env, "tiles", "whole RGB tiles of imageSize * imageSize");
  }
  if (out.size != n * size_t(shape.n_patches() * shape.n_projection)) {
    throw InvalidArgument(env, "out", "as many values as the tiles have rows");
  }
  const auto work = [=] {
    tower->Encode(tiles.data, int64_t(n), out.data, cancel.get());
    return Undefined;
  };
  return Async(env, {info[0], info[1]}, work, {tower->workers().is_shared(), cancel});
}

void RegisterVisionEncoder(Napi::Env env, Napi::Object exports) {
  VisionEncoder::Define(env);
  exports.Set("gpuTilesPerCall", double(Tower::kGpuTilesPerCall));
  exports.Set("loadVisionEncoder", Napi::Function::New(env, Load, "loadVisionEncoder"));
}

}  // namespace llavaov
