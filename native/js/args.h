// The only readers of JavaScript arguments. TypeScript has validated meaning and range; these
// recheck the kind, so that a wrong call throws instead of corrupting memory.
#pragma once

#include <napi.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

namespace llavaov {

Napi::Error InvalidArgument(Napi::Env env, const char* argument, const char* expected);

std::string StringArg(const Napi::Value& value, const char* name);
// Strings for C interfaces: no NUL inside.
std::string TextArg(const Napi::Value& value, const char* name);
std::vector<std::string> TextsArg(const Napi::Value& value, const char* name);
bool BoolArg(const Napi::Value& value, const char* name);
double NumberArg(const Napi::Value& value, const char* name);
// An integer in [min, max].
int64_t IntArg(const Napi::Value& value, const char* name, int64_t min = INT32_MIN,
               int64_t max = INT32_MAX);
Napi::Object ObjectArg(const Napi::Value& value, const char* name);
// The option `kernels` of what computes: 'auto', as when it is not there, or 'ggml'.
bool OwnKernelsArg(const Napi::Object& options);

// A typed array over ordinary memory: shared and resizable buffers are refused, because another
// thread could change or shrink them while we read.
template <typename T>
struct Span {
  T* data = nullptr;
  size_t size = 0;
};
Span<uint8_t> BytesArg(const Napi::Value& value, const char* name);
Span<int32_t> Int32Arg(const Napi::Value& value, const char* name);
Span<uint32_t> Uint32Arg(const Napi::Value& value, const char* name);
Span<float> Float32Arg(const Napi::Value& value, const char* name);

// The other way: a typed array with these values.
template <typename Array, typename Values>
Array CopyOf(Napi::Env env, const Values& values) {
  Array array = Array::New(env, values.size());
  std::copy(values.begin(), values.end(), array.Data());
  return array;
}

}  // namespace llavaov
