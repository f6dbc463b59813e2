// Other machines' devices: ggml's remote backend. What connects ends the process where a server
// does not answer (GGML_ABORT), so src/addon/rpc-servers.ts asks each one first.
#pragma once

#include <string>
#include <vector>

#include "llama/devices.h"

namespace llavaov {

bool IsRpc(ggml_backend_dev_t device);

// Connects to servers that this process has not met. Throws ERR_BACKEND_UNAVAILABLE.
Devices ConnectRpcServers(const std::vector<std::string>& endpoints);

// Of every server that was met.
Devices RpcDevices();

struct RpcServerState {
  bool is_in_use = false;  // by a model; it answers no second connection then
  size_t devices = 0;      // when it was met; ggml takes them to stay the same
};
RpcServerState StateOfRpcServer(const std::string& endpoint);

// For as long as a model is on `devices`; those of this machine are ignored.
class RpcUse {
 public:
  explicit RpcUse(const Devices& devices);
  ~RpcUse();
  RpcUse(const RpcUse&) = delete;
  RpcUse& operator=(const RpcUse&) = delete;

 private:
  std::vector<std::string> endpoints_;
};

}  // namespace llavaov
