// Registration only: the table of contents of the addon. The boundary is typed in src/binding.ts.
#include <ggml-backend.h>
#include <llama.h>
#include <napi.h>

#include <mutex>
#include <sstream>
#include <string>

#include "cancel.h"
#include "context.h"
#include "devices.h"
#include "feature-map.h"
#include "gguf-writer.h"
#include "instance-data.h"
#include "js/grammar.h"
#include "log.h"
#include "model.h"
#include "resize.h"
#include "sampler.h"
#include "system.h"
#include "thread-pool.h"
#include "vision-encoder.h"

namespace llavaov {
namespace {

void StartBackends() {
#if defined(LLAVAOV_LOAD_BACKENDS)
  // Those that are compiled in are there by themselves; see cmake/shared-ggml.cmake for these.
  std::istringstream paths(LLAVAOV_LOAD_BACKENDS);
  for (std::string path; std::getline(paths, path, ':');) ggml_backend_load(path.c_str());
#endif
  llama_backend_init();
  ggml_backend_dev_count();  // compiled-in backends look for their devices at the first question
}

}  // namespace

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  static std::once_flag once;
  std::call_once(once, [] { StartLogged(StartBackends); });
  env.SetInstanceData(new InstanceData());

  exports.Set(Cancel::kName, Cancel::Define(env));
  exports.Set(Grammar::kName, Grammar::Define(env));
  exports.Set(GgufWriter::kName, GgufWriter::Define(env));
  exports.Set(Sampler::kName, Sampler::Define(env));
  exports.Set(ThreadPool::kName, ThreadPool::Define(env));
  RegisterContext(env, exports);
  RegisterDevices(env, exports);
  RegisterFeatureMap(env, exports);
  RegisterLog(env, exports);
  RegisterModel(env, exports);
  RegisterResize(env, exports);
  RegisterSystem(env, exports);
  RegisterVisionEncoder(env, exports);
  return exports;
}

}  // namespace llavaov

static Napi::Object Init(Napi::Env env, Napi::Object exports) {
  return llavaov::Init(env, exports);
}
NODE_API_MODULE(NODE_GYP_MODULE_NAME, Init)
