// What computes: ggml's devices by their names.
#pragma once

#include <ggml-backend.h>

#include <optional>
#include <string>
#include <vector>

#include "errors.h"

namespace llavaov {

using Devices = std::vector<ggml_backend_dev_t>;

Devices Gpus();

struct DeviceMemory {
  size_t free = 0, total = 0;  // bytes
};
DeviceMemory MemoryOf(ggml_backend_dev_t device);
// 86 for 8.6; 0 where it is unknown and for devices of other backends.
int ComputeCapability(ggml_backend_dev_t device);
// Why a device cannot be used, or nothing. ggml ends the process when it finds no code for one.
std::string Problem(ggml_backend_dev_t device);

// ERR_OUT_OF_MEMORY with what each of `devices` has, by itself the CPU; `needed` bytes if known.
NativeError OutOfMemory(const std::string& what, Devices devices, std::optional<double> needed);

// What an exception that ggml let through while it computed means: ERR_OUT_OF_MEMORY, else `code`.
NativeError ComputeError(const char* code, const std::exception& error, const Devices& devices);

}  // namespace llavaov
