#include "devices.h"

#include <algorithm>

#include "args.h"
#include "errors.h"

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

Napi::Value List(const Napi::CallbackInfo& info) {
  Napi::Array devices = Napi::Array::New(info.Env());
  for (size_t i = 0; i < ggml_backend_dev_count(); ++i) {
    ggml_backend_dev_t device = ggml_backend_dev_get(i);
    size_t free = 0, total = 0;
    ggml_backend_dev_memory(device, &free, &total);
    Napi::Object entry = Napi::Object::New(info.Env());
    entry.Set("name", ggml_backend_dev_name(device));
    entry.Set("description", ggml_backend_dev_description(device));
    entry.Set("type", TypeName(ggml_backend_dev_type(device)));
    entry.Set("backend", ggml_backend_reg_name(ggml_backend_dev_backend_reg(device)));
    entry.Set("memoryFree", double(free));
    entry.Set("memoryTotal", double(total));
    devices.Set(uint32_t(i), entry);
  }
  return devices;
}

}  // namespace

Devices DefaultGpus() {
  const Devices gpus = Gpus();
  Devices discrete;
  std::copy_if(gpus.begin(), gpus.end(), std::back_inserter(discrete), [](auto* device) {
    return ggml_backend_dev_type(device) == GGML_BACKEND_DEVICE_TYPE_GPU;
  });
  return discrete.empty() ? gpus : discrete;
}

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
    chosen.push_back(*found);
  }
  return chosen;
}

size_t FreeMemory(const Devices& devices) {
  size_t sum = 0;
  for (auto* device : devices) {
    size_t free = 0, total = 0;
    ggml_backend_dev_memory(device, &free, &total);
    sum += free;
  }
  return sum;
}

std::string DescribeMemory(const Devices& devices) {
  std::string text;
  for (auto* device : devices) {
    size_t free = 0, total = 0;
    ggml_backend_dev_memory(device, &free, &total);
    text += (text.empty() ? "" : ", ") + Format("%s has %.0f of %.0f MB free",
                                                ggml_backend_dev_name(device), double(free) / 1e6,
                                                double(total) / 1e6);
  }
  return text;
}

void RegisterDevices(Napi::Env env, Napi::Object exports) {
  exports.Set("devices", Napi::Function::New(env, List, "devices"));
}

}  // namespace llavaov
