#include "llama/devices.h"

#include <algorithm>
#include <new>
#include <system_error>

#if defined(LLAVAOV_CUDA_LOWEST)
#include <cuda_runtime_api.h>
#endif

namespace llavaov {
namespace {

bool IsGpu(ggml_backend_dev_t device) {
  const auto type = ggml_backend_dev_type(device);
  return type == GGML_BACKEND_DEVICE_TYPE_GPU || type == GGML_BACKEND_DEVICE_TYPE_IGPU;
}

// vulkan.hpp's exceptions, thrown in a library that we do not see.
bool IsOutOfMemory(const std::exception& error) {
  constexpr int kHostMemory = -1, kDeviceMemory = -2;  // VkResult
  if (dynamic_cast<const std::bad_alloc*>(&error)) return true;
  const auto* system = dynamic_cast<const std::system_error*>(&error);
  if (!system || std::string(system->code().category().name()) != "vk::Result") return false;
  return system->code().value() == kHostMemory || system->code().value() == kDeviceMemory;
}

}  // namespace

Devices Gpus() {
  Devices gpus;
  for (size_t i = 0; i < ggml_backend_dev_count(); ++i) {
    if (IsGpu(ggml_backend_dev_get(i))) gpus.push_back(ggml_backend_dev_get(i));
  }
  return gpus;
}

DeviceMemory MemoryOf(ggml_backend_dev_t device) {
  DeviceMemory memory;
  ggml_backend_dev_memory(device, &memory.free, &memory.total);
  // Vulkan's is what the driver allows less what is taken, which may be more.
  memory.free = std::min(memory.free, memory.total);
  return memory;
}

int ComputeCapability(ggml_backend_dev_t device) {
#if defined(LLAVAOV_CUDA_LOWEST)
  ggml_backend_dev_props props;
  ggml_backend_dev_get_props(device, &props);
  const std::string backend = ggml_backend_reg_name(ggml_backend_dev_backend_reg(device));
  if (backend != "CUDA" || !props.device_id) return 0;
  const std::string id =
      props.device_id;  // of the bus; "-v1" and so on behind it for shares of one
  int ordinal = 0, major = 0, minor = 0;
  if (cudaDeviceGetByPCIBusId(&ordinal, id.substr(0, id.find('-')).c_str()) != cudaSuccess ||
      cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, ordinal) != cudaSuccess ||
      cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, ordinal) != cudaSuccess) {
    return 0;
  }
  return major * 10 + minor;
#else
  (void)device;
  return 0;
#endif
}

std::string Problem(ggml_backend_dev_t device) {
#if defined(LLAVAOV_CUDA_LOWEST)
  const int lowest = LLAVAOV_CUDA_LOWEST, capability = ComputeCapability(device);
  if (capability > 0 && capability < lowest) {
    return Format(
        "it is of compute capability %d.%d, and the addon was compiled for %d.%d and later",
        capability / 10, capability % 10, lowest / 10, lowest % 10);
  }
#endif
  (void)device;
  return "";
}

// "Vulkan0 has 512 of 2048 MB free, Vulkan1 ..."
static std::string DescribeMemory(const Devices& devices) {
  std::string text;
  for (auto* device : devices) {
    const DeviceMemory memory = MemoryOf(device);
    text += (text.empty() ? "" : ", ") +
            Format("%s has %.0f of %.0f MB free", ggml_backend_dev_name(device),
                   double(memory.free) / 1e6, double(memory.total) / 1e6);
  }
  return text;
}

NativeError OutOfMemory(const std::string& what, Devices devices, std::optional<double> needed) {
  if (devices.empty()) devices = {ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU)};
  double available = 0;
  for (auto* device : devices) available += double(MemoryOf(device).free);
  std::vector<ErrorField> fields = {{"available", available}};
  if (needed) fields.emplace_back("needed", *needed);
  return NativeError("ERR_OUT_OF_MEMORY", what + " (" + DescribeMemory(devices) + ")",
                     std::move(fields));
}

NativeError ComputeError(const char* code, const std::exception& error, const Devices& devices) {
  const std::string what = std::string("The device failed: ") + error.what();
  if (IsOutOfMemory(error)) return OutOfMemory(what, devices, std::nullopt);
  return NativeError(code, what);
}

}  // namespace llavaov
