#include "js/args.h"

#include <cmath>

#include "js/error-to-js.h"

namespace llavaov {

Napi::Error InvalidArgument(Napi::Env env, const char* argument, const char* expected) {
  return ToJs(
      env, NativeError("ERR_INVALID_ARGUMENT", Format("Expected %s for %s", expected, argument),
                       {{"argument", std::string(argument)}, {"expected", std::string(expected)}}));
}

std::string StringArg(const Napi::Value& value, const char* name) {
  if (!value.IsString()) throw InvalidArgument(value.Env(), name, "a string");
  return value.As<Napi::String>().Utf8Value();
}

std::string TextArg(const Napi::Value& value, const char* name) {
  std::string text = StringArg(value, name);
  if (text.find('\0') != std::string::npos) {
    throw InvalidArgument(value.Env(), name, "a string without NUL");
  }
  return text;
}

bool OwnKernelsArg(const Napi::Object& options) {
  const Napi::Value value = options.Get("kernels");
  if (value.IsUndefined()) return true;
  const std::string choice = StringArg(value, "kernels");
  if (choice != "auto" && choice != "ggml") {
    throw InvalidArgument(value.Env(), "kernels", "auto or ggml");
  }
  return choice == "auto";
}

std::vector<std::string> TextsArg(const Napi::Value& value, const char* name) {
  if (!value.IsArray()) throw InvalidArgument(value.Env(), name, "an array of strings");
  const Napi::Array array = value.As<Napi::Array>();
  std::vector<std::string> texts(array.Length());
  for (uint32_t i = 0; i < texts.size(); ++i) {
    const Napi::HandleScope scope(value.Env());  // arrays hold whole vocabularies
    texts[i] = TextArg(array[i], name);
  }
  return texts;
}

bool BoolArg(const Napi::Value& value, const char* name) {
  if (!value.IsBoolean()) throw InvalidArgument(value.Env(), name, "a boolean");
  return value.As<Napi::Boolean>().Value();
}

double NumberArg(const Napi::Value& value, const char* name) {
  if (!value.IsNumber()) throw InvalidArgument(value.Env(), name, "a number");
  return value.As<Napi::Number>().DoubleValue();
}

int64_t IntArg(const Napi::Value& value, const char* name, int64_t min, int64_t max) {
  const double number = NumberArg(value, name);
  if (number != std::floor(number) || number < double(min) || number > double(max)) {
    const std::string expected =
        Format("an integer from %lld to %lld", (long long)min, (long long)max);
    throw InvalidArgument(value.Env(), name, expected.c_str());
  }
  return int64_t(number);
}

Napi::Object ObjectArg(const Napi::Value& value, const char* name) {
  if (!value.IsObject()) throw InvalidArgument(value.Env(), name, "an object");
  return value.As<Napi::Object>();
}

namespace {

template <typename T>
Span<T> TypedArrayArg(const Napi::Value& value, const char* name, napi_typedarray_type type,
                      const char* expected) {
  if (!value.IsTypedArray()) throw InvalidArgument(value.Env(), name, expected);
  const Napi::TypedArray array = value.As<Napi::TypedArray>();
  // N-API names neither kind: a SharedArrayBuffer is no ArrayBuffer to it, a resizable one says so
  // itself.
  napi_value buffer;
  napi_typedarray_type actual;
  size_t length = 0, offset = 0;
  void* data = nullptr;
  napi_get_typedarray_info(value.Env(), array, &actual, &length, &data, &buffer, &offset);
  const Napi::Value owner(value.Env(), buffer);
  if (actual != type || !owner.IsArrayBuffer() ||
      owner.As<Napi::Object>().Get("resizable").ToBoolean()) {
    throw InvalidArgument(value.Env(), name, expected);
  }
  return {static_cast<T*>(data), length};
}

}  // namespace

Span<uint8_t> BytesArg(const Napi::Value& value, const char* name) {
  return TypedArrayArg<uint8_t>(value, name, napi_uint8_array, "a Uint8Array over ordinary memory");
}

Span<int32_t> Int32Arg(const Napi::Value& value, const char* name) {
  return TypedArrayArg<int32_t>(value, name, napi_int32_array,
                                "an Int32Array over ordinary memory");
}

Span<uint32_t> Uint32Arg(const Napi::Value& value, const char* name) {
  return TypedArrayArg<uint32_t>(value, name, napi_uint32_array,
                                 "a Uint32Array over ordinary memory");
}

Span<float> Float32Arg(const Napi::Value& value, const char* name) {
  return TypedArrayArg<float>(value, name, napi_float32_array,
                              "a Float32Array over ordinary memory");
}

}  // namespace llavaov
