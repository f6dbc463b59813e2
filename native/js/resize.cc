#include "vision/resize.h"

#include "js/args.h"
#include "js/cancel-handle.h"
#include "js/promise-worker.h"
#include "js/register.h"

namespace llavaov {

constexpr int64_t kMaxSide = 1 << 24;

static ImageSize PictureArgs(const Napi::CallbackInfo& info, const Span<uint8_t>& rgb) {
  const ImageSize in = {IntArg(info[1], "width", 1, kMaxSide),
                        IntArg(info[2], "height", 1, kMaxSide)};
  if (uint64_t(in.width) * in.height * 3 != rgb.size) {
    throw InvalidArgument(info.Env(), "rgb", "width * height * 3 bytes");
  }
  return in;
}

static Napi::Uint8Array NewPicture(Napi::Env env, ImageSize size, const char* arguments) {
  const uint64_t bytes = uint64_t(size.width) * size.height * 3;
  if (bytes > INT32_MAX) throw InvalidArgument(env, arguments, "less than 2 GiB");
  return Napi::Uint8Array::New(env, bytes);
}

static Napi::Value Resize(const Napi::CallbackInfo& info) {
  const Span<uint8_t> rgb = BytesArg(info[0], "rgb");
  const ImageSize in = PictureArgs(info, rgb);
  const ImageSize size = {IntArg(info[3], "outWidth", 1, kMaxSide),
                          IntArg(info[4], "outHeight", 1, kMaxSide)};
  const auto cancel = Cancel::Optional(info[5], "cancel");
  Napi::Uint8Array out = NewPicture(info.Env(), size, "outWidth * outHeight");
  return PromiseWorker::RunFilling(info.Env(), {info[0]}, out,
                                   [rgb, in, pixels = out.Data(), size, cancel] {
                                     ResizeBicubic(rgb.data, in, pixels, size, {cancel.get()});
                                   });
}

static Napi::Value ResizeOnSquare(const Napi::CallbackInfo& info) {
  const Span<uint8_t> rgb = BytesArg(info[0], "rgb");
  const ImageSize in = PictureArgs(info, rgb);
  const int64_t side = IntArg(info[3], "side", 1, kMaxSide);
  const uint8_t fill = uint8_t(IntArg(info[4], "fill", 0, 255));
  const auto cancel = Cancel::Optional(info[5], "cancel");
  Napi::Uint8Array out = NewPicture(info.Env(), {side, side}, "side * side");
  return PromiseWorker::RunFilling(
      info.Env(), {info[0]}, out, [rgb, in, pixels = out.Data(), side, fill, cancel] {
        ResizeSquared(rgb.data, in, pixels, side, {cancel.get(), fill});
      });
}

void RegisterResize(Napi::Env env, Napi::Object exports) {
  exports.Set("resizeBicubic", Napi::Function::New(env, Resize, "resizeBicubic"));
  exports.Set("resizeSquared", Napi::Function::New(env, ResizeOnSquare, "resizeSquared"));
}

}  // namespace llavaov
