// What the files of this room add to the addon's exports.
#pragma once

#include <ggml.h>
#include <napi.h>

namespace llavaov {

void RegisterContext(Napi::Env env, Napi::Object exports);        // Context, createContext()
void RegisterDevices(Napi::Env env, Napi::Object exports);        // devices(), rpcDevices(), ...
void RegisterFeatureMap(Napi::Env env, Napi::Object exports);     // assembleMap(), poolFrames()
void RegisterGgufWriter(Napi::Env env, Napi::Object exports);     // GgufWriter
void RegisterLog(Napi::Env env, Napi::Object exports);            // setLog(level, callback | null)
void RegisterModel(Napi::Env env, Napi::Object exports);          // Model, loadModel()
void RegisterResize(Napi::Env env, Napi::Object exports);         // resizeBicubic()
void RegisterSystem(Napi::Env env, Napi::Object exports);         // buildInfo(), physicalCores()
void RegisterVisionEncoder(Napi::Env env, Napi::Object exports);  // loadVisionEncoder(), ...

// Where llama.cpp's log goes, from any thread.
void ForwardLog(ggml_log_level level, const char* text);

}  // namespace llavaov
