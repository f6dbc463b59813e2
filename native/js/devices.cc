#include "js/devices.h"

#include <ggml-rpc.h>
#include <llama.h>

#include <algorithm>

#include "js/args.h"
#include "js/promise-worker.h"
#include "js/register.h"
#include "llama/rpc-servers.h"

namespace llavaov {
namespace {

const char* TypeName(ggml_backend_dev_t device) {
  if (IsRpc(device)) return "rpc";
  const auto type = ggml_backend_dev_type(device);
  if (type == GGML_BACKEND_DEVICE_TYPE_CPU) return "cpu";
  if (type == GGML_BACKEND_DEVICE_TYPE_GPU) return "gpu";
  return type == GGML_BACKEND_DEVICE_TYPE_IGPU ? "igpu" : "accel";
}

Napi::Object Describe(Napi::Env env, ggml_backend_dev_t device, const DeviceMemory& memory) {
  Napi::Object entry = Napi::Object::New(env);
  entry.Set("name", ggml_backend_dev_name(device));
  entry.Set("description", ggml_backend_dev_description(device));
  entry.Set("type", TypeName(device));
  entry.Set("backend", ggml_backend_reg_name(ggml_backend_dev_backend_reg(device)));
  entry.Set("memoryFree", double(memory.free));
  entry.Set("memoryTotal", double(memory.total));
  const int capability = ComputeCapability(device);
  if (capability > 0) entry.Set("computeCapability", capability / 10.0);
  const std::string problem = Problem(device);
  if (!problem.empty()) entry.Set("problem", problem);
  return entry;
}

Napi::Value List(const Napi::CallbackInfo& info) {
  Napi::Array devices = Napi::Array::New(info.Env());
  for (size_t i = 0; i < ggml_backend_dev_count(); ++i) {
    ggml_backend_dev_t device = ggml_backend_dev_get(i);
    devices.Set(uint32_t(i), Describe(info.Env(), device, MemoryOf(device)));
  }
  return devices;
}

Napi::Value ListRpc(const Napi::CallbackInfo& info) {
  const auto work = [endpoints = TextsArg(info[0], "endpoints")]() -> PromiseWorker::Settlement {
    const Devices devices = ConnectRpcServers(endpoints);
    std::vector<DeviceMemory> memory;
    for (auto* device : devices) memory.push_back(MemoryOf(device));
    return [devices, memory](Napi::Env env) {
      Napi::Array list = Napi::Array::New(env);
      for (size_t i = 0; i < devices.size(); ++i) {
        list.Set(uint32_t(i), Describe(env, devices[i], memory[i]));
      }
      return list;
    };
  };
  return PromiseWorker::Run(info.Env(), {}, work);
}

Napi::Value StateOfRpc(const Napi::CallbackInfo& info) {
  const RpcServerState server = StateOfRpcServer(TextArg(info[0], "endpoint"));
  Napi::Object state = Napi::Object::New(info.Env());
  state.Set("isInUse", server.is_in_use);
  state.Set("devices", double(server.devices));
  return state;
}

}  // namespace

Devices DevicesArg(const Napi::Value& value, const char* name) {
  if (value.IsUndefined()) return {};
  Devices gpus = Gpus();
  for (auto* device : RpcDevices()) gpus.push_back(device);
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
  if (chosen.size() > llama_max_devices()) {
    const std::string expected = "at most " + std::to_string(llama_max_devices()) + " devices";
    throw InvalidArgument(value.Env(), name, expected.c_str());
  }
  return chosen;
}

void RegisterDevices(Napi::Env env, Napi::Object exports) {
  exports.Set("devices", Napi::Function::New(env, List, "devices"));
  exports.Set("rpcDevices", Napi::Function::New(env, ListRpc, "rpcDevices"));
  exports.Set("rpcServerState", Napi::Function::New(env, StateOfRpc, "rpcServerState"));
  Napi::Object protocol = Napi::Object::New(env);
  protocol.Set("major", RPC_PROTO_MAJOR_VERSION);
  protocol.Set("minor", RPC_PROTO_MINOR_VERSION);
  exports.Set("rpcProtocol", protocol);
}

}  // namespace llavaov
