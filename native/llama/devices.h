// What computes: ggml's devices by their names.
#pragma once

#include <ggml-backend.h>
#include <napi.h>

#include <optional>
#include <string>
#include <vector>

#include "errors.h"

namespace llavaov {

using Devices = std::vector<ggml_backend_dev_t>;

// GPUs by name, in the caller's order; when `value` is undefined those that llama.cpp takes when it
// is left the choice: integrated ones where there is no other. Throws ERR_INVALID_ARGUMENT with the
// names that exist, or why one cannot be used.
Devices DevicesArg(const Napi::Value& value, const char* name);

// Bytes, over all of them.
size_t FreeMemory(const Devices& devices);

// "Vulkan0 has 512 of 2048 MB free, Vulkan1 ..."
std::string DescribeMemory(const Devices& devices);

// ERR_OUT_OF_MEMORY with what each of `devices` has, by itself the CPU; `needed` bytes if known.
NativeError OutOfMemory(const std::string& what, Devices devices, std::optional<double> needed);

// What an exception that ggml let through while it computed means: ERR_OUT_OF_MEMORY, else `code`.
NativeError ComputeError(const char* code, const std::exception& error, const Devices& devices);

// Adds devices().
void RegisterDevices(Napi::Env env, Napi::Object exports);

}  // namespace llavaov
