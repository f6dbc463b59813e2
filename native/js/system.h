// What this build and this machine can do: devices, versions, cores.
#pragma once

#include <napi.h>

namespace llavaov {

// Adds devices(), buildInfo() and physicalCores().
void RegisterSystem(Napi::Env env, Napi::Object exports);

}  // namespace llavaov
