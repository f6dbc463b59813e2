#include "js/devices.h"

#include <algorithm>

#include "js/args.h"
#include "js/register.h"

namespace llavaov {
namespace {

const char* TypeName(enum ggml_backend_dev_type type) {
  if (type == GGML_BACKEND_DEVICE_TYPE_CPU) return "cpu";
  if (type == GGML_BACKEND_DEVICE_TYPE_GPU) return "gpu";
  return type == GGML_BACKEND_DEVICE_TYPE_IGPU ? "igpu" : "accel";
}

Napi::Value List(const Napi::CallbackInfo& info) {
  Napi::Array devices = Napi::Array::New(info.Env());
  for (size_t i = 0; i < ggml_backend_dev_count(); ++i) {
    ggml_backend_dev_t device = ggml_backend_dev_get(i);
    const DeviceMemory memory = MemoryOf(device);
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

}  // namespace

Devices DevicesArg(const Napi::Value& value, const char* name) {
  if (value.IsUndefined()) return {};
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

void RegisterDevices(Napi::Env env, Napi::Object exports) {
  exports.Set("devices", Napi::Function::New(env, List, "devices"));
}

}  // namespace llavaov
