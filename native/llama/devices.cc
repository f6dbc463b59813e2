#include "llama/devices.h"

#include <algorithm>
#include <new>
#include <system_error>

#include "js/args.h"

#if defined(LLAVAOV_CUDA_LOWEST)
#include <cuda_runtime_api.h>
#endif

namespace llavaov {
namespace {

const char* TypeName(enum ggml_backend_dev_type type) {
  switch (type) {
    case GGML_BACKEND_DEVICE_TYPE_CPU:
      return "cpu";
    case GGML_BACKEND_DEVICE_TYPE_GPU:
      return "gpu";
    case GGML_BACKEND_DEVICE_TYPE_IGPU:
      return "igpu";
    default:
      return "accel";
  }
}

bool IsGpu(ggml_backend_dev_t device) {
  const auto type = ggml_backend_dev_type(device);
  return type == GGML_BACKEND_DEVICE_TYPE_GPU || type == GGML_BACKEND_DEVICE_TYPE_IGPU;
}

Devices Gpus() {
  Devices gpus;
  for (size_t i = 0; i < ggml_backend_dev_count(); ++i) {
    if (IsGpu(ggml_backend_dev_get(i))) gpus.push_back(ggml_backend_dev_get(i));
  }
  return gpus;
}

struct Memory {
  size_t free = 0, total = 0;
};

Memory MemoryOf(ggml_backend_dev_t device) {
  Memory memory;
  ggml_backend_dev_memory(device, &memory.free, &memory.total);
  // Vulkan's is what the driver allows less what is taken, which may be more.
  memory.free = std::min(memory.free, memory.total);
  return memory;
}

// 86 for 8.6; 0 where it is unknown and for devices of other backends.
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

// Why a device cannot be used, or nothing. ggml ends the process when it finds no code for one.
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

Napi::Value List(const Napi::CallbackInfo& info) {
  Napi::Array devices = Napi::Array::New(info.Env());
  for (size_t i = 0; i < ggml_backend_dev_count(); ++i) {
    ggml_backend_dev_t device = ggml_backend_dev_get(i);
    const Memory memory = MemoryOf(device);
    Napi::Object entry = Napi::Object::New(info.Env());
    entry.Set("name", ggml_backend_dev_name(device));
    entry.Set("description", ggml_backend_dev_description(device));
    entry.Set("type", TypeName(ggml_backend_dev_type(device)));
    entry.Set("backend", ggml_backend_reg_name(ggml_backend_dev_backend_reg(device)));
    entry.Set("memoryFree", double(memory.free));
    entry.Set("memoryTotal", double(memory.total));
    const int capability = ComputeCapability(device);
    if (capability > 0) entry.Set("computeCapability", capability / 10.0);
    const std::string problem = Problem(device);
    if (!problem.empty()) entry.Set("problem", problem);
    devices.Set(uint32_t(i), entry);
  }
  return devices;
}

Devices DefaultGpus() {
  Devices usable, discrete;
  for (auto* device : Gpus()) {
    if (!Problem(device).empty()) continue;
    usable.push_back(device);
    if (ggml_backend_dev_type(device) == GGML_BACKEND_DEVICE_TYPE_GPU) discrete.push_back(device);
  }
  return discrete.empty() ? usable : discrete;
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

Devices DevicesArg(const Napi::Value& value, const char* name) {
  if (value.IsUndefined()) return DefaultGpus();
  const Devices gpus = Gpus();
  Devices chosen;
  for (const std::string& wanted : TextsArg(value, name)) {
    const auto found = std::find_if(gpus.begin(), gpus.end(), [&](auto* device) {
      return wanted == ggml_backend_dev_name(device);
    });
    if (found == gpus.end() || std::find(chosen.begin(), chosen.end(), *found) != chosen.end()) {
      std::string names;
      for (auto* device : gpus) {
        names += (names.empty() ? "" : ", ") + std::string(ggml_backend_dev_name(device));
      }
      const std::string expected =
          gpus.empty() ? "no device, as there is no GPU" : "each at most once of " + names;
      throw InvalidArgument(value.Env(), name, expected.c_str());
    }
    const std::string problem = Problem(*found);
    if (!problem.empty()) {
      const std::string expected = "a GPU that can be used (" + wanted + ": " + problem + ")";
      throw InvalidArgument(value.Env(), name, expected.c_str());
    }
    chosen.push_back(*found);
  }
  return chosen;
}

size_t FreeMemory(const Devices& devices) {
  size_t sum = 0;
  for (auto* device : devices) sum += MemoryOf(device).free;
  return sum;
}

std::string DescribeMemory(const Devices& devices) {
  std::string text;
  for (auto* device : devices) {
    const Memory memory = MemoryOf(device);
    text += (text.empty() ? "" : ", ") +
            Format("%s has %.0f of %.0f MB free", ggml_backend_dev_name(device),
                   double(memory.free) / 1e6, double(memory.total) / 1e6);
  }
  return text;
}

NativeError OutOfMemory(const std::string& what, Devices devices, std::optional<double> needed) {
  if (devices.empty()) devices = {ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU)};
  std::vector<ErrorField> fields = {{"available", double(FreeMemory(devices))}};
  if (needed) fields.emplace_back("needed", *needed);
  return NativeError("ERR_OUT_OF_MEMORY", what + " (" + DescribeMemory(devices) + ")",
                     std::move(fields));
}

NativeError ComputeError(const char* code, const std::exception& error, const Devices& devices) {
  const std::string what = std::string("The device failed: ") + error.what();
  if (IsOutOfMemory(error)) return OutOfMemory(what, devices, std::nullopt);
  return NativeError(code, what);
}

void RegisterDevices(Napi::Env env, Napi::Object exports) {
  exports.Set("devices", Napi::Function::New(env, List, "devices"));
}

}  // namespace llavaov
