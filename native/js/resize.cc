#include "vision/resize.h"

#include "js/args.h"
#include "js/promise-worker.h"
#include "js/register.h"

namespace llavaov {

constexpr int64_t kMaxSide = 1 << 24;

static Napi::Value Resize(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Span<uint8_t> rgb = BytesArg(info[0], "rgb");
  const ImageSize in = {IntArg(info[1], "width", 1, kMaxSide),
                        IntArg(info[2], "height", 1, kMaxSide)};
  const ImageSize size = {IntArg(info[3], "outWidth", 1, kMaxSide),
                          IntArg(info[4], "outHeight", 1, kMaxSide)};
  if (uint64_t(in.width) * in.height * 3 != rgb.size) {
    throw InvalidArgument(env, "rgb", "width * height * 3 bytes");
  }
  const uint64_t bytes = uint64_t(size.width) * size.height * 3;
  if (bytes > INT32_MAX) throw InvalidArgument(env, "outWidth * outHeight", "less than 2 GiB");
  Napi::Uint8Array out = Napi::Uint8Array::New(env, bytes);
  return PromiseWorker::RunFilling(env, {info[0]}, out, [rgb, in, pixels = out.Data(), size] {
    ResizeBicubic(rgb.data, in, pixels, size);
  });
}

void RegisterResize(Napi::Env env, Napi::Object exports) {
  exports.Set("resizeBicubic", Napi::Function::New(env, Resize, "resizeBicubic"));
}

}  // namespace llavaov
