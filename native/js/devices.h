// Devices as arguments.
#pragma once

#include <napi.h>

#include "llama/devices.h"

namespace llavaov {

// GPUs by name, those of RPC servers among them, in the caller's order; none when `value` is
// undefined. Throws ERR_INVALID_ARGUMENT with the names that exist, or why one cannot be used.
Devices DevicesArg(const Napi::Value& value, const char* name);

}  // namespace llavaov
