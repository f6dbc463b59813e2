#include "llama/rpc-servers.h"

#include <map>
#include <mutex>

namespace llavaov {
namespace {

using AddServer = ggml_backend_reg_t (*)(const char* endpoint);

std::mutex& Mutex() {
  static std::mutex mutex;
  return mutex;
}

// The devices are not put into ggml's registry: whoever lists that asks each one for its memory,
// and a server that is gone would end the process.
std::map<std::string, Devices>& Met() {
  static std::map<std::string, Devices> met;
  return met;
}

std::map<std::string, int>& Uses() {
  static std::map<std::string, int> uses;
  return uses;
}

AddServer FindAddServer() {
  ggml_backend_reg_t reg = ggml_backend_reg_by_name("RPC");
  return reg ? reinterpret_cast<AddServer>(
                   ggml_backend_reg_get_proc_address(reg, "ggml_backend_rpc_add_server"))
             : nullptr;
}

}  // namespace

bool IsRpc(ggml_backend_dev_t device) {
  return ggml_backend_reg_name(ggml_backend_dev_backend_reg(device)) == std::string("RPC");
}

Devices ConnectRpcServers(const std::vector<std::string>& endpoints) {
  const AddServer add_server = FindAddServer();
  if (!add_server) {
    throw NativeError("ERR_BACKEND_UNAVAILABLE", "The addon was compiled without --rpc");
  }
  Devices devices;
  for (const std::string& endpoint : endpoints) {
    ggml_backend_reg_t reg = add_server(endpoint.c_str());
    if (!reg) throw NativeError("ERR_BACKEND_UNAVAILABLE", endpoint + " has no devices");
    Devices own;
    for (size_t i = 0; i < ggml_backend_reg_dev_count(reg); ++i) {
      own.push_back(ggml_backend_reg_dev_get(reg, i));
    }
    devices.insert(devices.end(), own.begin(), own.end());
    const std::lock_guard<std::mutex> lock(Mutex());
    Met()[endpoint] = own;
  }
  return devices;
}

Devices RpcDevices() {
  const std::lock_guard<std::mutex> lock(Mutex());
  Devices devices;
  for (const auto& [endpoint, own] : Met()) devices.insert(devices.end(), own.begin(), own.end());
  return devices;
}

RpcServerState StateOfRpcServer(const std::string& endpoint) {
  const std::lock_guard<std::mutex> lock(Mutex());
  const auto use = Uses().find(endpoint);
  const auto met = Met().find(endpoint);
  return {use != Uses().end() && use->second > 0, met == Met().end() ? 0 : met->second.size()};
}

RpcUse::RpcUse(const Devices& devices) {
  const std::lock_guard<std::mutex> lock(Mutex());
  for (auto* device : devices) {
    if (!IsRpc(device)) continue;
    endpoints_.push_back(ggml_backend_dev_description(device));
    ++Uses()[endpoints_.back()];
  }
}

RpcUse::~RpcUse() {
  const std::lock_guard<std::mutex> lock(Mutex());
  for (const std::string& endpoint : endpoints_) --Uses()[endpoint];
}

}  // namespace llavaov
