#include "system.h"

#include <ggml-backend.h>
#include <ggml.h>
#include <llama.h>

#include <string>

#include "cores.h"

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

Napi::Value Devices(const Napi::CallbackInfo& info) {
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

Napi::Value BuildInfo(const Napi::CallbackInfo& info) {
  Napi::Object build = Napi::Object::New(info.Env());
  build.Set("llamaVersion", llama_version());
  build.Set("ggmlVersion", ggml_version());
  build.Set("ggmlCommit", ggml_commit());
#if defined(__clang__)
  build.Set("compiler", "clang " __clang_version__);
#elif defined(__GNUC__)
  build.Set("compiler", "gcc " __VERSION__);
#else
  build.Set("compiler", "msvc " + std::to_string(_MSC_VER));
#endif
  Napi::Array backends = Napi::Array::New(info.Env());
  for (size_t i = 0; i < ggml_backend_reg_count(); ++i) {
    backends.Set(uint32_t(i), ggml_backend_reg_name(ggml_backend_reg_get(i)));
  }
  build.Set("backends", backends);
  build.Set("systemInfo", llama_print_system_info());
  return build;
}

}  // namespace

void RegisterSystem(Napi::Env env, Napi::Object exports) {
  exports.Set("devices", Napi::Function::New(env, Devices, "devices"));
  exports.Set("buildInfo", Napi::Function::New(env, BuildInfo, "buildInfo"));
  exports.Set("physicalCores", Napi::Function::New(
                                   env,
                                   [](const Napi::CallbackInfo& info) {
                                     return Napi::Number::New(info.Env(), PhysicalCores());
                                   },
                                   "physicalCores"));
}

}  // namespace llavaov
