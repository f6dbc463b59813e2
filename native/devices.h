// What computes: ggml's devices by their names.
#pragma once

#include <ggml-backend.h>
#include <napi.h>

#include <string>
#include <vector>

namespace llavaov {

using Devices = std::vector<ggml_backend_dev_t>;

// The GPUs that llama.cpp takes when it is left the choice: integrated ones where there is no
// other.
Devices DefaultGpus();

// GPUs by name, in the caller's order; DefaultGpus() when `value` is undefined. Throws
// ERR_INVALID_ARGUMENT with the names that exist.
Devices DevicesArg(const Napi::Value& value, const char* name);

// Bytes, over all of them.
size_t FreeMemory(const Devices& devices);

// "Vulkan0 has 512 of 2048 MB free, Vulkan1 ..."
std::string DescribeMemory(const Devices& devices);

// Adds devices().
void RegisterDevices(Napi::Env env, Napi::Object exports);

}  // namespace llavaov
