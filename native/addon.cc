// Registration only: the table of contents of the addon. The boundary is typed in src/binding.ts.
#include <llama.h>
#include <napi.h>

#include <mutex>

#include "cancel.h"
#include "context.h"
#include "feature-map.h"
#include "gguf-writer.h"
#include "instance-data.h"
#include "log.h"
#include "model.h"
#include "resize.h"
#include "sampler.h"
#include "system.h"
#include "thread-pool.h"
#include "vision-encoder.h"

namespace llavaov {

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  static std::once_flag once;
  std::call_once(once, [] { llama_backend_init(); });
  env.SetInstanceData(new InstanceData());

  exports.Set(Cancel::kName, Cancel::Define(env));
  exports.Set(GgufWriter::kName, GgufWriter::Define(env));
  exports.Set(Sampler::kName, Sampler::Define(env));
  exports.Set(ThreadPool::kName, ThreadPool::Define(env));
  RegisterContext(env, exports);
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
